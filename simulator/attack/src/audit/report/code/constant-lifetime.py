from datetime import datetime, timedelta, timezone

CHALLENGE_LIFETIME = timedelta(minutes=5)
SESSION_LIFETIME = timedelta(hours=24)


# Both times were stored when challenge and session were made. Nothing prolongs them, and a logout deletes the session.
def is_alive(session, order) -> bool:
    now = datetime.now(timezone.utc)
    return now - session.created_at < SESSION_LIFETIME and now - order.created_at < CHALLENGE_LIFETIME
