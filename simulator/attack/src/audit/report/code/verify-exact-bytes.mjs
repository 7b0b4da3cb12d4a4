import { constants, verify } from 'node:crypto';

// `authKey` is the one that this user's phone has uploaded: its public key, and 20, or on some phones 32, as salt length.
// A mini program's server asks WeChat instead (/cgi-bin/soter/verify_signature), with these two texts unchanged.
export function isSigned(resultJSON, resultJSONSignature, authKey) {
  const signature = Buffer.from(resultJSONSignature, 'base64');
  if (signature.toString('base64') !== resultJSONSignature) return false;
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: authKey.saltLength };
  return verify('sha256', Buffer.from(resultJSON, 'utf8'), { key: authKey.publicKey, ...padding }, signature);
}
