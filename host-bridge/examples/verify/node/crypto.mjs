// Verifies AuthKeys and results with Node's crypto. The part above the dashes is for your server.
import { constants, createPublicKey, verify } from 'node:crypto';

class Refused extends Error {}

function requireThat(condition, check) {
  if (!condition) throw new Refused(check);
}

function isSigned({ json, signature }, key, saltLength) {
  return verify('sha256', json, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
}

/** At upload. `ask` is an ASK that WeChat's verify_ask has confirmed. Returns what your server keeps of the AuthKey. */
function acceptAuthKey(ask, exported) {
  requireThat(isSigned(exported, ask.key, ask.saltLength), 'auth-key-signature');
  // Huawei's exports have line feeds inside a string, which JSON does not allow.
  const { pub_key, cpu_id, uid, counter, rsa_pss_saltlen = 20 } = JSON.parse(exported.json.toString().replaceAll('\n', '\\n'));
  const key = createPublicKey(pub_key);
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails;
  const isStrong = key.asymmetricKeyType === 'rsa' && modulusLength === 2048 && publicExponent === 65537n;
  // Other lengths are of no phone, and negative numbers let Node find the length.
  requireThat(isStrong && [20, 32].includes(rsa_pss_saltlen), 'auth-key-strength');
  requireThat(cpu_id === ask.cpuId && uid === ask.uid, 'auth-key-owner');
  requireThat(Number.isSafeInteger(counter) && counter > ask.counter, 'auth-key-counter');
  return { key, saltLength: rsa_pss_saltlen, cpuId: cpu_id, uid };
}

/** At each authentication. Returns the counter, which is now the highest of the device: compare and keep it in one atomic step. */
function checkResult(authKey, result, challenge, highestCounter) {
  // The bytes as they came, and the salt length of the key, not that of the message.
  requireThat(isSigned(result, authKey.key, authKey.saltLength), 'result-signature');
  const { raw, cpu_id, uid, counter, rsa_pss_saltlen = 20 } = JSON.parse(result.json.toString());
  requireThat(rsa_pss_saltlen === authKey.saltLength, 'result-salt');
  requireThat(cpu_id === authKey.cpuId && uid === authKey.uid, 'result-owner');
  requireThat(raw === challenge, 'challenge');
  requireThat(Number.isSafeInteger(counter) && counter > highestCounter, 'counter');
  return counter;
}

// ----- The cases of `soter-sim vectors DIR`.

import { run } from './cases.mjs';

await run(`crypto of Node ${process.versions.node}, OpenSSL ${process.versions.openssl}`, { readKey: createPublicKey, acceptAuthKey, checkResult, Refused });
