// Verifies AuthKeys and results with the JDK alone; Gson only reads JSON. The part above the dashes is for your server.
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.SignatureException;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;

public final class Verify {
    static final class Refused extends Exception {
        Refused(String check) {
            super(check);
        }
    }

    /** What your server keeps of an ASK that WeChat's verify_ask has confirmed, and of an AuthKey. */
    record Key(RSAPublicKey rsa, int saltLength, String cpuId, String uid, long counter) {}

    static void require(boolean condition, String check) throws Refused {
        if (!condition) throw new Refused(check);
    }

    static RSAPublicKey readKey(String pem) throws GeneralSecurityException {
        byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        return (RSAPublicKey) KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(der));
    }

    static boolean isSigned(byte[] text, byte[] signature, Key key) throws GeneralSecurityException {
        Signature verifier = Signature.getInstance("RSASSA-PSS");
        verifier.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, key.saltLength(), 1));
        verifier.initVerify(key.rsa());
        verifier.update(text);
        try {
            return verifier.verify(signature);
        } catch (SignatureException wrongLength) {
            return false;
        }
    }

    static int saltLength(JsonObject said) {
        return said.has("rsa_pss_saltlen") ? said.get("rsa_pss_saltlen").getAsBigDecimal().intValueExact() : 20;
    }

    static long counter(JsonObject said) {
        return said.get("counter").getAsBigDecimal().longValueExact();
    }

    /** At upload. */
    static Key acceptAuthKey(Key ask, byte[] text, byte[] signature) throws GeneralSecurityException, Refused {
        require(isSigned(text, signature, ask), "auth-key-signature");
        // Huawei's exports have line feeds inside a string, which JSON does not allow.
        String json = new String(text, StandardCharsets.UTF_8).replace("\n", "\\n");
        JsonObject export = JsonParser.parseString(json).getAsJsonObject();
        RSAPublicKey rsa = readKey(export.get("pub_key").getAsString());
        int saltLength = saltLength(export);
        boolean isStrong = rsa.getModulus().bitLength() == 2048 && rsa.getPublicExponent().equals(BigInteger.valueOf(65537));
        require(isStrong && (saltLength == 20 || saltLength == 32), "auth-key-strength");
        String cpuId = export.get("cpu_id").getAsString(), uid = export.get("uid").getAsString();
        require(cpuId.equals(ask.cpuId()) && uid.equals(ask.uid()), "auth-key-owner");
        require(counter(export) > ask.counter(), "auth-key-counter");
        return new Key(rsa, saltLength, cpuId, uid, counter(export));
    }

    /** At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step. */
    static long checkResult(Key authKey, byte[] text, byte[] signature, String challenge, long highestCounter)
            throws GeneralSecurityException, Refused {
        // The bytes as they came, and the salt length of the key, not that of the message.
        require(isSigned(text, signature, authKey), "result-signature");
        JsonObject result = JsonParser.parseString(new String(text, StandardCharsets.UTF_8)).getAsJsonObject();
        require(saltLength(result) == authKey.saltLength(), "result-salt");
        String cpuId = result.get("cpu_id").getAsString(), uid = result.get("uid").getAsString();
        require(cpuId.equals(authKey.cpuId()) && uid.equals(authKey.uid()), "result-owner");
        require(result.get("raw").getAsString().equals(challenge), "challenge");
        require(counter(result) > highestCounter, "counter");
        return counter(result);
    }

    // ----- The cases of `soter-sim vectors DIR`.

    public static void main(String[] arguments) throws Exception {
        Cases.run("java.security of " + Cases.jdk(), arguments[0], Refused.class,
                (pem, saltLength, cpuId, uid, counter) -> new Key(readKey(pem), saltLength, cpuId, uid, counter),
                Verify::acceptAuthKey, Verify::checkResult);
    }
}
