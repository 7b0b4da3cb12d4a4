#!/usr/bin/env bash
# Package:   asmcrypto.js 2.3.2, jsrsasign 11.1.5, micro-rsa-dsa-dh 0.2.3, node-rsa 2.0.0 (npm), and Node's own crypto
# Behaviour: Five ways to verify RSASSA-PSS with SHA-256 in JavaScript have five defaults for the length of the salt: 4 bytes, 32, 0, 20,
#            and any. A signature that one of the four packages accepts, none of the other three does. Two answer `false`, two throw an
#            exception whose text does not mention the salt.
# Seen:      2026-11-30, Linux x86-64, Node 20.20
# Output:    asmcrypto.js: 4 accepted, others: bad signature
#            jsrsasign: 32 accepted, others: 0x01 marker not found / leftmost octets not zero
#            micro-rsa-dsa-dh: 0 accepted, others: false
#            node-rsa: 20 accepted, others: false
#            node:crypto: 0, 4, 12, 20, 32, 222 accepted
# soter-sim: `simulator/docs/verify-in-your-language.md` has a table of what libraries expect, and recipes that name the length.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund asmcrypto.js@2.3.2 jsrsasign@11.1.5 micro-rsa-dsa-dh@0.2.3 node-rsa@2.0.0 @noble/hashes@2.0.1
cat >finding.mjs <<'JS'
import { createRequire } from 'node:module';
import { constants, generateKeyPairSync, sign, verify } from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2.js';
import { PSS, mgf1 } from 'micro-rsa-dsa-dh/rsa.js';

const require = createRequire(import.meta.url);
const { RSA_PSS, Sha256 } = require('asmcrypto.js');
const { KJUR } = require('jsrsasign');
const NodeRSA = require('node-rsa').default;

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = publicKey.export({ type: 'spki', format: 'pem' });
const { n, e } = publicKey.export({ format: 'jwk' });
const [modulus, exponent] = [n, e].map((number) => Buffer.from(number, 'base64url'));
const integer = (bytes) => BigInt(`0x${bytes.toString('hex')}`);
const text = Buffer.from('a text');

const libraries = {
  'asmcrypto.js': (signature) => {
    new RSA_PSS([modulus, exponent], new Sha256()).verify(signature, text);
    return true;
  },
  jsrsasign: (signature) => {
    const verifier = new KJUR.crypto.Signature({ alg: 'SHA256withRSAandMGF1' });
    verifier.init(pem);
    verifier.updateHex(text.toString('hex'));
    return verifier.verify(signature.toString('hex'));
  },
  'micro-rsa-dsa-dh': (signature) => PSS(sha256, mgf1(sha256)).verify({ n: integer(modulus), e: integer(exponent) }, text, signature),
  'node-rsa': (signature) => new NodeRSA(pem, { signingScheme: 'pss-sha256' }).verify(text, signature),
  'node:crypto': (signature) => verify('sha256', text, { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING }, signature),
};

for (const [name, accepts] of Object.entries(libraries)) {
  const accepted = [];
  const refusals = new Set();
  for (const saltLength of [0, 4, 12, 20, 32, 222]) {
    const signature = sign('sha256', text, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
    try {
      if (accepts(signature)) accepted.push(saltLength);
      else refusals.add('false');
    } catch (error) {
      refusals.add(error.message ?? error);
    }
  }
  const others = refusals.size > 0 ? `, others: ${[...refusals].join(' / ')}` : '';
  console.log(`${name}: ${accepted.join(', ')} accepted${others}`);
}
JS
output=$(node finding.mjs)
printf '%s\n' "$output"
expected='asmcrypto.js: 4 accepted, others: bad signature
jsrsasign: 32 accepted, others: 0x01 marker not found / leftmost octets not zero
micro-rsa-dsa-dh: 0 accepted, others: false
node-rsa: 20 accepted, others: false
node:crypto: 0, 4, 12, 20, 32, 222 accepted'
[ "$output" = "$expected" ]
