// WeChat's own cloud function, unmodified, with three generations of its SDK, and @cloudbase/node-sdk.
//
// Run as:  soter-sim exec --touch auto -- npm test --prefix tests/sdks/cloud_functions
// SOTER_SIM names the program, if it is not on the path.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { promisify } = require('node:util');

const { SOTER_SIM_URL: url, WX_OPENID: openid, WX_APPID: appid } = process.env;
const PROGRAM = process.env.SOTER_SIM ?? 'soter-sim';
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

/** A cloud function's folder with an SDK in it. The caller removes it. */
function folderWith(sdk) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'soter-sim-test-'));
  fs.mkdirSync(path.join(folder, 'node_modules'));
  fs.symlinkSync(path.join(__dirname, 'node_modules', sdk), path.join(folder, 'node_modules', 'wx-server-sdk'), 'junction');
  return folder;
}

for (const sdk of ['wx-server-sdk-0', 'wx-server-sdk-2', 'wx-server-sdk-4']) {
  describe(sdk, () => {
    let folder;
    before(() => {
      folder = folderWith(sdk);
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

describe('exec --cloud-function', () => {
  let folder;
  before(() => { folder = folderWith('wx-server-sdk-4'); });
  after(() => fs.rmSync(folder, { recursive: true }));

  /** Runs a function in its folder; without a configuration, it has no config.json. */
  async function run(source, configuration, ...options) {
    fs.writeFileSync(path.join(folder, 'index.js'), source);
    const config = path.join(folder, 'config.json');
    fs.rmSync(config, { force: true });
    if (configuration) fs.writeFileSync(config, configuration);
    const parameters = ['exec', '--cloud-function', folder, ...options];
    return promisify(execFile)(PROGRAM, parameters).then(({ stdout, stderr }) => ({ code: 0, stdout, stderr }), error => error);
  }
  const permitted = fs.readFileSync(path.join(__dirname, 'function', 'config.json'), 'utf8');

  test('runs the function once, and prints its result alone', async () => {
    const { code, stdout, stderr } = await run(PRINTED.replace('try {', `console.log('from inside'); try {`), permitted);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\{[^\n]*"errCode":40003[^\n]*\}\n$/);
    assert.match(stderr, /from inside/);
  });

  test('a call that config.json does not name is not permitted', async () => {
    for (const configuration of [undefined, '{}', '{"permissions": {"openapi": ["phonenumber.getPhoneNumber"]}}']) {
      const { code, stdout } = await run(PRINTED, configuration);
      assert.equal(code, 0);
      assert.equal(JSON.parse(stdout).errCode, -604101, `${configuration}`);
    }
  });

  test('the event has the user in addition to what it is given', async () => {
    const source = 'exports.main = async (event, context) => ({ event, name: context.function_name });';
    const { stdout } = await run(source, permitted, '--event', '{"order": 42}');
    const expected = { event: { order: 42, userInfo: { appId: appid, openId: openid } }, name: path.basename(folder) };
    assert.deepEqual(JSON.parse(stdout), expected);
    assert.equal((await run('exports.main = () => {};', permitted)).stdout, 'null\n');
  });

  test('a function that throws, is not there, ends early or misses a module ends with 1 and says why', async () => {
    for (const [source, reason] of [
      [`exports.main = async () => { throw new Error('out of stock'); };`, /out of stock/],
      ['exports.handler = 1;', /exports no function main/],
      ['exports.main = () => new Promise(() => {});', /ended without a result/],
      [`require('not-installed'); exports.main = () => 1;`, /run `npm install` in its folder/],
      ['exports.main = () => 1n;', /BigInt/],
      ['exports.main = (', /SyntaxError/],
    ]) {
      const { code, stdout, stderr } = await run(source, permitted);
      assert.equal(code, 1, source);
      assert.equal(stdout, '', source);
      assert.match(stderr, reason);
    }
  });
});

test('a service in WeChat Cloud Run calls api.weixin.qq.com over plain HTTP, without a token', async () => {
  const call = `require('http').get('http://api.weixin.qq.com/cgi-bin/getcallbackip', answer => {
    console.log(answer.headers['x-openapi-seqid'].length);
    answer.pipe(process.stdout);
  })`;
  const parameters = ['exec', '--cloudrun', '--', process.execPath, '-e', call];
  const { stdout } = await promisify(execFile)(PROGRAM, parameters);
  assert.equal(stdout, '32\n{"ip_list":["127.0.0.1"]}');
});

test('connections to the hosts of WeChat and its cloud alone are led to the server, before their names are looked up', async () => {
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
    ['api.weixin.qq.com', 80, server],
    ['tcb-open.tencentcloudapi.com', 8080, 'tcb-open.tencentcloudapi.com'],
    ['tcb-open.tencentcloudapi.com.evil.test', 80, 'tcb-open.tencentcloudapi.com.evil.test'],
    ['tcb-api.tencentcloudapi.com', 80, 'tcb-api.tencentcloudapi.com'],
    ['.tcb-api.tencentcloudapi.com', 80, '.tcb-api.tencentcloudapi.com'],
    ['mp.weixin.qq.com', 80, 'mp.weixin.qq.com'],
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
