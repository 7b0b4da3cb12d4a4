const CHALLENGE_LIFETIME = 5 * 60_000;
const SESSION_LIFETIME = 24 * 3_600_000;

// Both times were stored when challenge and session were made. Nothing prolongs them, and a logout deletes the session.
export function isAlive(session, order, now = Date.now()) {
  return now - session.createdAt < SESSION_LIFETIME && now - order.createdAt < CHALLENGE_LIFETIME;
}
