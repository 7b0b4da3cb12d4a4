// Verifies AuthKeys and results with the Web Cryptography API, as in Deno, Bun, edge workers and Node. The part above the dashes is
// for your server.
class Refused extends Error {}

function requireThat(condition, check) {
  if (!condition) throw new Refused(check);
}

function readKey(pem) {
  const der = Uint8Array.from(atob(pem.replace(/-----[A-Z ]+-----|\s/g, '')), (character) => character.charCodeAt(0));
  return crypto.subtle.importKey('spki', der, { name: 'RSA-PSS', hash: 'SHA-256' }, true, ['verify']);
}

function isSigned({ json, signature }, key, saltLength) {
  return crypto.subtle.verify({ name: 'RSA-PSS', saltLength }, key, signature, json);
}

const text = (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** At upload. `ask` is an ASK that WeChat's verify_ask has confirmed. Returns what your server keeps of the AuthKey. */
async function acceptAuthKey(ask, exported) {
  requireThat(await isSigned(exported, ask.key, ask.saltLength), 'auth-key-signature');
  // Huawei's exports have line feeds inside a string, which JSON does not allow.
  const { pub_key, cpu_id, uid, counter, rsa_pss_saltlen = 20 } = JSON.parse(text(exported.json).replaceAll('\n', '\\n'));
  const key = await readKey(pub_key);
  const { modulusLength, publicExponent } = key.algorithm;
  const isStrong = modulusLength === 2048 && publicExponent.join() === '1,0,1';
  requireThat(isStrong && [20, 32].includes(rsa_pss_saltlen), 'auth-key-strength');
  requireThat(cpu_id === ask.cpuId && uid === ask.uid, 'auth-key-owner');
  requireThat(Number.isSafeInteger(counter) && counter > ask.counter, 'auth-key-counter');
  return { key, saltLength: rsa_pss_saltlen, cpuId: cpu_id, uid };
}

/** At each authentication. Returns the counter, which is now the highest of the device: compare and keep it in one atomic step. */
async function checkResult(authKey, result, challenge, highestCounter) {
  // The bytes as they came, and the salt length of the key, not that of the message.
  requireThat(await isSigned(result, authKey.key, authKey.saltLength), 'result-signature');
  const { raw, cpu_id, uid, counter, rsa_pss_saltlen = 20 } = JSON.parse(text(result.json));
  requireThat(rsa_pss_saltlen === authKey.saltLength, 'result-salt');
  requireThat(cpu_id === authKey.cpuId && uid === authKey.uid, 'result-owner');
  requireThat(raw === challenge, 'challenge');
  requireThat(Number.isSafeInteger(counter) && counter > highestCounter, 'counter');
  return counter;
}

// ----- The cases of `soter-sim vectors DIR`.

import { run } from './cases.mjs';

await run(`Web Cryptography API of Node ${process.versions.node}`, { readKey, acceptAuthKey, checkResult, Refused });
