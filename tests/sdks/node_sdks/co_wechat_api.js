// co-wechat-api: a client that ignores HTTPS_PROXY.
//
// Run as:  soter-sim exec --tls --touch auto -- npm test --prefix tests/sdks/node_sdks

import assert from 'node:assert/strict';

import WeChatApi from 'co-wechat-api';

import { authenticate, login } from './phone.js';

const api = new WeChatApi(process.env.SOTER_SIM_APPID, process.env.SOTER_SIM_SECRET);

const { openid } = await api.code2Session(await login());
assert.match(openid, /^o/);

/** The SDK has no function for this path; `request` is what its others call. */
async function isOk(body) {
  const { accessToken } = await api.ensureAccessToken();
  const data = JSON.stringify(body);
  return api.request(`${api.prefix}soter/verify_signature?access_token=${accessToken}`, { method: 'POST', data });
}

const { good, tampered } = await authenticate(openid, 'order-42');
assert.equal((await isOk(tampered)).is_ok, false);
assert.equal((await isOk(good)).is_ok, true);
console.log('co-wechat-api: token, session, tampered, good: as with WeChat');
