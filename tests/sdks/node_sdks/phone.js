// The phone, as a front end calls it.

import assert from 'node:assert/strict';

async function rpc(method, params = {}) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const { result } = await (await fetch(`${process.env.SOTER_SIM_URL}/rpc`, { method: 'POST', body })).json();
  return result;
}

/** A code for the backend. */
export async function login() {
  return (await rpc('wx.login')).code;
}

/** The body of verify_signature for a signed challenge, and a function that changes the result afterwards. */
export async function authenticate(openid, challenge) {
  const result = await rpc('wx.startSoterAuthentication', { requestAuthModes: ['fingerPrint'], challenge });
  assert.equal(result.errMsg, 'startSoterAuthentication:ok');
  const good = { openid, json_string: result.resultJSON, json_signature: result.resultJSONSignature };
  const tampered = { ...good, json_string: good.json_string.replace(challenge, `${challenge}0`) };
  assert.notEqual(tampered.json_string, good.json_string);
  return { good, tampered };
}
