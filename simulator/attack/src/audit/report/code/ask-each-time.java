import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

final class AskEachTime {
    /**
     * No cache of verdicts. If a repeated request must get the same answer, its key is made of everything that was judged,
     * each part with its length, and what is kept is the answer of the order, which is paid once.
     */
    static String keyOfRequest(String openid, String resultJson, String signature) throws NoSuchAlgorithmException {
        var digest = MessageDigest.getInstance("SHA-256");
        for (String part : new String[] {openid, resultJson, signature}) {
            byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
            digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
            digest.update(bytes);
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
