// node-easywechat: an axios client, which honours HTTPS_PROXY. It does not load with node-socialite 1.5.3, which its range allows.
//
// Run as:  soter-sim exec --tls --touch auto -- npm test --prefix tests/sdks/node_sdks

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import easyWechat from 'node-easywechat';

import { authenticate, login } from './phone.js';

const { SOTER_SIM_APPID: app_id, SOTER_SIM_SECRET: secret } = process.env;
// By default, the SDK keeps its token in a file of the working directory. The next run would use it, and soter-sim does not know it.
const path = mkdtempSync(join(tmpdir(), 'soter-sim-'));
process.on('exit', () => rmSync(path, { recursive: true }));
const app = new easyWechat.MiniApp({ app_id, secret, file_cache: { path } });

const { openid } = await app.getUtils().codeToSession(await login());
assert.match(openid, /^o/);

async function isOk(body) {
  const answer = await app.getClient().request('POST', '/cgi-bin/soter/verify_signature', { json: body });
  return answer.toObject().is_ok;
}

const { good, tampered } = await authenticate(openid, 'order-42');
assert.equal(await isOk(tampered), false);
assert.equal(await isOk(good), true);
console.log('node-easywechat: token, session, tampered, good: as with WeChat');
