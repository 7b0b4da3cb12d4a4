import java.security.SecureRandom;
import java.util.HexFormat;

final class RandomChallenge {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** Another one for each order, stored with it. No time, no number of the order, no java.util.Random. */
    static String newChallenge() {
        byte[] bytes = new byte[16];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
