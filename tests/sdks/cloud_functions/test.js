// WeChat's own cloud function, unmodified, with three generations of its SDK, and @cloudbase/node-sdk.
//
// Run as:  soter-sim exec --touch auto -- npm test --prefix tests/sdks/cloud_functions

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { promisify } = require('node:util');

const { SOTER_SIM_URL: url, WX_OPENID: openid, WX_APPID: appid } = process.env;
const PRINTED = fs.readFileSync(path.join(__dirname, 'function', 'index.js'), 'utf8');

/** What a test needs to see of what `main` returns; an Error has no members in JSON. */
const RUN = `require('./index').main({}, {}).then(({ isOk, errCode, errMsg, ...rest }) =>
  console.log('\\n' + JSON.stringify({ isOk, errCode, errMsg, ...rest })))`;

async function rpc(method, params = {}) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const answer = await (await fetch(`${url}/rpc`, { method: 'POST', body })).json();
  return answer.result;
}

async function lastCall() {
  const { entries } = await (await fetch(`${url}/sim/journal`)).json();
  return entries.findLast(({ call }) => call.startsWith('POST /admin'));
}

for (const sdk of ['wx-server-sdk-0', 'wx-server-sdk-2', 'wx-server-sdk-4']) {
  describe(sdk, () => {
    let folder;
    before(() => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), 'soter-sim-test-'));
      fs.mkdirSync(path.join(folder, 'node_modules'));
      fs.symlinkSync(path.join(__dirname, 'node_modules', sdk), path.join(folder, 'node_modules', 'wx-server-sdk'), 'junction');
    });
    after(() => fs.rmSync(folder, { recursive: true }));

    /** Runs a function as a person would, in a process of its own. */
    async function run(source) {
      fs.writeFileSync(path.join(folder, 'index.js'), source);
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', RUN], { cwd: folder });
      return JSON.parse(stdout.trim().split('\n').at(-1));
    }
    const functionWith = body => `
      const cloud = require('wx-server-sdk');
      cloud.init();
      exports.main = async () => { try { return await (async () => { ${body} })(); } catch (error) { return error; } };`;
    const filled = (...values) => ['$openid', '$resultJSON', '$resultJSONSignature'].reduce(
      (source, placeholder, index) => source.replace(`'${placeholder}'`, () => JSON.stringify(values[index])),
      PRINTED,
    );

    test('as printed, the function returns that its placeholder is no openid', async () => {
      const { errCode, errMsg } = await run(PRINTED);
      assert.equal(errCode, 40003);
      assert.match(errMsg, /^openapi\.soter\.verifySignature:fail invalid openid rid: /);
    });

    test('with its placeholders filled, a result is good, and a changed one is not, for the reason in the journal', async () => {
      const { resultJSON, resultJSONSignature } = await rpc('wx.startSoterAuthentication', {
        requestAuthModes: ['fingerPrint'], challenge: 'order-42', authContent: 'pay',
      });
      const changed = await run(filled(openid, resultJSON.replace('order-42', 'order-43'), resultJSONSignature));
      assert.equal(changed.isOk, false);
      const call = await lastCall();
      assert.equal(call.call, 'POST /admin soter.verifySignature');
      assert.equal(call.judgement.reason, 'wrong-signature');
      const good = await run(filled(openid, resultJSON, resultJSONSignature));
      assert.deepEqual(good, { isOk: true, errCode: 0, errMsg: 'openapi.soter.verifySignature:ok' });
      assert.equal((await lastCall()).judgement.reason, 'valid');
    });

    test('the context has the user and the mini program', async () => {
      const context = await run(functionWith('return cloud.getWXContext();'));
      assert.equal(context.OPENID, openid);
      assert.equal(context.APPID, appid);
      assert.ok(context.UNIONID);
      assert.equal(context.API_TOKEN, undefined);
    });

    test('a phone number is asked for with the code of a button', async () => {
      const { code } = await rpc('wx.getPhoneNumber');
      const answer = await run(functionWith(`return cloud.openapi.phonenumber.getPhoneNumber({ code: '${code}' });`));
      assert.equal(answer.errCode, 0);
      assert.match(answer.phoneInfo.phoneNumber, /^1\d{10}$/);
    });

    test('what is not emulated is refused, and the reason names what is', async () => {
      const { errCode, errMsg } = await run(functionWith(`return cloud.openapi.wxacode.get({ path: 'page' });`));
      assert.equal(errCode, -604100);
      assert.match(errMsg, /API not found|system error: error code: -604100/);
      await run(functionWith(`return cloud.callFunction({ name: 'other' });`));
      const { judgement } = await lastCall();
      assert.equal(judgement.reason, 'cloud-action-not-emulated');
      assert.match(judgement.detail, /emulates the action wx\.openApi .* and not functions\.invokeFunction/);
    });
  });
}

test('@cloudbase/node-sdk calls the same methods in JSON', async () => {
  const app = require('@cloudbase/node-sdk').init({ env: process.env.TCB_ENV });
  const requestData = { openid, json_string: '{}', json_signature: '' };
  const { result } = await app.callWxOpenApi({ apiName: 'soter.verifySignature', requestData });
  assert.deepEqual(result, { is_ok: false });
  await assert.rejects(app.callWxOpenApi({ apiName: 'wxacode.get', requestData: {} }), /-604100 API not found/);
  await assert.rejects(app.callFunction({ name: 'other' }), /emulates the action wx\.openApi/);
});

test('connections to the hosts of the cloud alone are led to the server, before their names are looked up', async () => {
  const server = Number(new URL(url).port);
  /** The port that a connection reaches, or the name that is looked up for it. */
  const reached = (...parameters) => new Promise((resolve, reject) => {
    const socket = net.connect(...parameters);
    socket.on('connect', () => { resolve(socket.remotePort); socket.destroy(); });
    socket.on('error', error => (error.lookedUp ? resolve(error.lookedUp) : reject(error)));
  });
  const lookup = (name, options, callback) => callback(Object.assign(new Error(name), { lookedUp: name }));
  for (const [host, port, expected] of [
    ['tcb-open.tencentcloudapi.com', 80, server],
    ['TCB-Open.TencentYun.com', '80', server],
    ['tcb-admin.tencentcloudapi.com', 80, server],
    ['ap-shanghai.tcb-api.tencentcloudapi.com', 80, server],
    ['metadata.tencentyun.com', 80, server],
    ['tcb-open.tencentcloudapi.com', 8080, 'tcb-open.tencentcloudapi.com'],
    ['tcb-open.tencentcloudapi.com.evil.test', 80, 'tcb-open.tencentcloudapi.com.evil.test'],
    ['tcb-api.tencentcloudapi.com', 80, 'tcb-api.tencentcloudapi.com'],
    ['.tcb-api.tencentcloudapi.com', 80, '.tcb-api.tencentcloudapi.com'],
    ['service.test', 80, 'service.test'],
  ]) {
    assert.equal(await reached({ host, port, lookup }), expected, `${host}:${port}`);
  }
  assert.equal(await reached(80, 'tcb-open.tencentyun.com'), server);
  const own = net.createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => own.on('listening', resolve));
  const { port } = own.address();
  assert.equal(await reached(port, '127.0.0.1'), port);
  assert.equal(await reached({ host: 'localhost', port }), port);
  own.close();
});
