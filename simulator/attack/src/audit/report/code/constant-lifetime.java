import java.time.Duration;
import java.time.Instant;

final class ConstantLifetime {
    private static final Duration CHALLENGE_LIFETIME = Duration.ofMinutes(5);
    private static final Duration SESSION_LIFETIME = Duration.ofHours(24);

    /** Both times were stored when they were made. Nothing prolongs them, and a logout deletes the session. */
    static boolean isAlive(Instant sessionCreated, Instant challengeCreated, Instant now) {
        return now.isBefore(sessionCreated.plus(SESSION_LIFETIME))
                && now.isBefore(challengeCreated.plus(CHALLENGE_LIFETIME));
    }
}
