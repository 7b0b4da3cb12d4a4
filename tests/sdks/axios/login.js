// axios against the emulated servers: the login and the token posted as a form and as a query, and what a wrong one says.
//
// Run as:  soter-sim exec -- npm test --prefix tests/sdks/axios

import assert from 'node:assert/strict';

import axios from 'axios';

const { SOTER_SIM_URL: url, SOTER_SIM_APPID: appid, SOTER_SIM_SECRET: secret } = process.env;
const servers = axios.create({ baseURL: url, timeout: 10_000 });

async function code() {
  const { data } = await servers.post('/rpc', { jsonrpc: '2.0', id: 1, method: 'wx.login', params: {} });
  return data.result.code;
}

const login = async () => ({ appid, secret, js_code: await code(), grant_type: 'authorization_code' });
const token = { appid, secret, grant_type: 'client_credential' };

for (const [form, post] of [
  ['a form', (path, parameters) => servers.post(path, new URLSearchParams(parameters))],
  ['a query', (path, parameters) => servers.post(path, null, { params: parameters })],
  ['a query by GET', (path, parameters) => servers.get(path, { params: parameters })],
]) {
  // axios reads JSON whatever type is declared.
  const { data: session, headers } = await post('/sns/jscode2session', await login());
  assert.match(session.openid, /^o/, form);
  assert.equal(headers['content-type'], 'text/plain', form);
  const { data: granted, headers: declared } = await post('/cgi-bin/token', token);
  assert.equal(granted.expires_in, 7200, form);
  assert.match(declared['content-type'], /^application\/json/, form);
}

// An object is sent as JSON, which these two paths do not read: the usual mistake with axios.
const { data: refused, headers } = await servers.post('/sns/jscode2session', await login());
assert.equal(refused.errcode, 41002);
assert.match(refused.errmsg, /^appid missing, rid: /);
assert.equal(headers['x-soter-sim-reason'], 'errcode-41002');
const { data: journal } = await servers.get('/sim/journal');
const { judgement } = journal.entries.at(-1);
assert.match(judgement.detail, /The body is not a form/);
console.log('axios: the login as a form, as a query and as JSON');
