// Verifies AuthKeys and results with Bouncy Castle's own API, as on older Androids and without a security provider; Gson only reads
// JSON. The part above the dashes is for your server.
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.engines.RSAEngine;
import org.bouncycastle.crypto.params.RSAKeyParameters;
import org.bouncycastle.crypto.signers.PSSSigner;
import org.bouncycastle.crypto.util.PublicKeyFactory;

public final class VerifyBouncyCastle {
    static final class Refused extends Exception {
        Refused(String check) {
            super(check);
        }
    }

    /** What your server keeps of an ASK that WeChat's verify_ask has confirmed, and of an AuthKey. */
    record Key(RSAKeyParameters rsa, int saltLength, String cpuId, String uid, long counter) {}

    static void require(boolean condition, String check) throws Refused {
        if (!condition) throw new Refused(check);
    }

    static RSAKeyParameters readKey(String pem) throws IOException {
        byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        return (RSAKeyParameters) PublicKeyFactory.createKey(der);
    }

    static boolean isSigned(byte[] text, byte[] signature, Key key) {
        // The length is exact here. The constructor that takes a salt instead of a length is for signing with that salt.
        PSSSigner verifier = new PSSSigner(new RSAEngine(), new SHA256Digest(), key.saltLength());
        verifier.init(false, key.rsa());
        verifier.update(text, 0, text.length);
        return verifier.verifySignature(signature);
    }

    static int saltLength(JsonObject said) {
        return said.has("rsa_pss_saltlen") ? said.get("rsa_pss_saltlen").getAsBigDecimal().intValueExact() : 20;
    }

    static long counter(JsonObject said) {
        return said.get("counter").getAsBigDecimal().longValueExact();
    }

    /** At upload. */
    static Key acceptAuthKey(Key ask, byte[] text, byte[] signature) throws IOException, Refused {
        require(isSigned(text, signature, ask), "auth-key-signature");
        // Huawei's exports have line feeds inside a string, which JSON does not allow.
        String json = new String(text, StandardCharsets.UTF_8).replace("\n", "\\n");
        JsonObject export = JsonParser.parseString(json).getAsJsonObject();
        RSAKeyParameters rsa = readKey(export.get("pub_key").getAsString());
        int saltLength = saltLength(export);
        boolean isStrong = rsa.getModulus().bitLength() == 2048 && rsa.getExponent().equals(BigInteger.valueOf(65537));
        require(isStrong && (saltLength == 20 || saltLength == 32), "auth-key-strength");
        String cpuId = export.get("cpu_id").getAsString(), uid = export.get("uid").getAsString();
        require(cpuId.equals(ask.cpuId()) && uid.equals(ask.uid()), "auth-key-owner");
        require(counter(export) > ask.counter(), "auth-key-counter");
        return new Key(rsa, saltLength, cpuId, uid, counter(export));
    }

    /** At each authentication. Returns the counter, now the highest of the device: compare and keep it in one atomic step. */
    static long checkResult(Key authKey, byte[] text, byte[] signature, String challenge, long highestCounter)
            throws Refused {
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
        String library = "Bouncy Castle " + new org.bouncycastle.jce.provider.BouncyCastleProvider().getVersionStr();
        Cases.run(library + ", " + Cases.jdk(), arguments[0], Refused.class,
                (pem, saltLength, cpuId, uid, counter) -> new Key(readKey(pem), saltLength, cpuId, uid, counter),
                VerifyBouncyCastle::acceptAuthKey, VerifyBouncyCastle::checkResult);
    }
}
