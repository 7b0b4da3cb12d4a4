import { createPublicKey } from 'node:crypto';

// After the signatures were verified: the device's over the ASK, the ASK's over the AuthKey. `text` is the AuthKey's export.
export async function enroll(keys, openid, text) {
  const { cpu_id: cpuId, counter, pub_key: pem } = JSON.parse(text);
  const { asymmetricKeyType, asymmetricKeyDetails: details } = createPublicKey(pem);
  const isStrong = asymmetricKeyType === 'rsa' && details.modulusLength === 2048 && details.publicExponent === 65537n;
  if (!isStrong) return false;
  // False if this key was ever enrolled, for anybody, or if the counter is not higher than the phone's highest.
  return keys.insertIfNew({ openid, cpuId, counter, pem });
}
