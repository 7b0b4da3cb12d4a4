import java.math.BigInteger;
import java.security.interfaces.RSAPublicKey;

final class EnrollNewKeys {
    interface Keys {
        /** False if this key was ever enrolled, for anybody, or if the counter is not higher than the phone's highest. */
        boolean insertIfNew(String openid, String cpuId, long counter, RSAPublicKey key);
    }

    /** After the signatures were verified: the device's over the ASK, the ASK's over the AuthKey, which has these members. */
    static boolean enroll(Keys keys, String openid, String cpuId, long counter, RSAPublicKey key) {
        boolean isStrong = key.getModulus().bitLength() == 2048
            && key.getPublicExponent().equals(BigInteger.valueOf(65537));
        return isStrong && keys.insertIfNew(openid, cpuId, counter, key);
    }
}
