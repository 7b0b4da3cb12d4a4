import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.Base64;

final class VerifyExactBytes {
    /**
     * The key is the one that this user's phone has uploaded, with 20, or on some phones 32, as salt length. A mini
     * program's server asks WeChat instead (/cgi-bin/soter/verify_signature), with these two texts unchanged.
     */
    static boolean isSigned(String resultJson, String signature, PublicKey authKey, int saltLength) {
        try {
            var pss = Signature.getInstance("RSASSA-PSS");
            pss.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, saltLength, 1));
            pss.initVerify(authKey);
            pss.update(resultJson.getBytes(StandardCharsets.UTF_8));
            return pss.verify(Base64.getDecoder().decode(signature));
        } catch (GeneralSecurityException | IllegalArgumentException refused) {
            return false;
        }
    }
}
