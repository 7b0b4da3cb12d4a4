// WeChat's own cloud function, unmodified, with three generations of its SDK, and @cloudbase/node-sdk.
//
// Run as:  soter-sim exec --touch auto -- npm test --prefix tests/sdks/cloud_functions
// SOTER_SIM names the program, if it is not on the path.

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
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

    test('as printed, the function returns that its placeholder is not an openid', async () => {
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
      const { code, stdout, stderr } = await run(PRINTED, configuration);
      assert.equal(code, 0);
      assert.equal(JSON.parse(stdout).errCode, -604101, `${configuration}`);
      assert.match(stderr, /a cloud function's call is refused: errcode-604101; Name it in the function's config\.json/);
    }
  });

  test('the event has the user in addition to what it is given', async () => {
    const source = 'exports.main = async (event, context) => ({ event, name: context.function_name });';
    const { stdout } = await run(source, permitted, '--event', '{"order": 42}');
    const expected = { event: { order: 42, userInfo: { appId: appid, openId: openid } }, name: path.basename(folder) };
    assert.deepEqual(JSON.parse(stdout), expected);
    assert.equal((await run('exports.main = () => {};', permitted)).stdout, 'null\n');
    const large = 'process.stdout.isTTY; exports.main = () => "x".repeat(600000);';
    assert.equal((await run(large, permitted)).stdout.length, 600003);
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

describe('exec --cloud-function, with a command that calls the function as a mini program does', () => {
  let folder;
  before(() => { folder = folderWith('wx-server-sdk-4'); });
  after(() => fs.rmSync(folder, { recursive: true }));

  /** What the command does: `rpc` calls a method, `call` the function. */
  const COMMAND = `
    const assert = require('node:assert/strict');
    const rpc = async (method, params) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
      return (await (await fetch(process.env.SOTER_SIM_URL + '/rpc', { method: 'POST', body })).json()).result;
    };
    const call = (data, more) => rpc('wx.cloud.callFunction', { name: require('path').basename(process.argv[1]), data, ...more });
  `;

  /** Runs a command with the function, and gives what the command returns. */
  async function run(source, config, body, ...options) {
    fs.writeFileSync(path.join(folder, 'index.js'), source);
    fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
    const command = `${COMMAND}(async () => { ${body} })().then(result => console.log(JSON.stringify(result)))`;
    const parameters = ['exec', '--touch', 'auto', '--cloud-function', folder, ...options, '--', process.execPath, '-e', command, folder];
    const { stdout, stderr } = await promisify(execFile)(PROGRAM, parameters);
    return { result: JSON.parse(stdout), stderr };
  }

  test('the function checks what the phone has signed', async () => {
    const source = `
      const cloud = require('wx-server-sdk');
      cloud.init();
      exports.main = async event => {
        console.log('asked for', event.order);
        const { isOk } = await cloud.openapi.soter.verifySignature({
          openid: cloud.getWXContext().OPENID, jsonString: event.resultJSON, jsonSignature: event.resultJSONSignature,
        });
        return isOk && JSON.parse(event.resultJSON).raw === event.order;
      };`;
    const config = { permissions: { openapi: ['soter.verifySignature'] }, timeout: 60 };
    const { result, stderr } = await run(source, config, `
      const signed = await rpc('wx.startSoterAuthentication', { requestAuthModes: ['fingerPrint'], challenge: 'order-42' });
      const answers = [];
      answers.push(await call({ ...signed, order: 'order-43' }));
      const again = await rpc('wx.startSoterAuthentication', { requestAuthModes: ['fingerPrint'], challenge: 'order-42' });
      answers.push(await call({ ...again, order: 'order-42' }));
      return answers.map(answer => answer.result ?? answer);`);
    assert.deepEqual(result, [false, true]);
    assert.match(stderr, /asked for order-43\n[^]*asked for order-42\n/);
  });

  test('its user is that of the phone that calls, and not that of another call', async () => {
    const accounts = path.join(folder, 'accounts.toml');
    fs.writeFileSync(accounts, '[[user]]\nname = "zhang"\n[[user]]\nname = "wang"\n');
    const source = `exports.main = ({ userInfo }) => [userInfo.openId, process.env.WX_OPENID, process.env.WX_UNIONID];`;
    const { result } = await run(source, { timeout: 60 }, `
      await rpc('device.create', { name: 'second' });
      await rpc('device.set', { user: 'wang', device: 'second' });
      return Promise.all([{}, { device: 'second' }].map(async more => (await call({}, more)).result));`, '--config', accounts);
    const [zhang, wang] = result;
    for (const index of [0, 1, 2]) assert.ok(zhang[index] && wang[index] && zhang[index] !== wang[index], JSON.stringify(result));
    assert.deepEqual([zhang[0], wang[0]], [zhang[1], wang[1]]);
  });

  test('a function that takes too long is ended, also one that never waits', async () => {
    const source = `exports.main = ({ spin }) => { for (; spin;); return new Promise(() => {}); };`;
    const { result } = await run(source, { timeout: 1 }, `return Promise.all([call({ spin: true }), call({ spin: false })]);`);
    const errMsg = 'cloud.callFunction:fail Error: errCode: -504003  | errMsg: Invoking task timed out after 1 seconds';
    assert.deepEqual(result, [{ errCode: -504003, errMsg }, { errCode: -504003, errMsg }]);
  });

  test('a function that ends early, or whose result is invalid or too large, fails with a reason', async () => {
    const source = `exports.main = ({ kind }) => ({
      exit: () => process.exit(0), raw: () => require('fs').writeSync(1, '{}\\n'), large: () => 'x'.repeat(2 << 20), bigint: () => 1n,
      fits: () => 'x'.repeat(1 << 20).length, half: () => ['\\u{1F600}'.slice(0, 1), 'a\\\\ud800'],
    })[kind]();`;
    const { result } = await run(source, { timeout: 60 }, `
      const answers = [];
      for (const kind of ['exit', 'raw', 'large', 'bigint', 'fits', 'half']) answers.push(await call({ kind }));
      return answers;`);
    const reasons = [/145 code exit unexpected$/, /wrote to standard output$/, /more than 1048576 bytes$/, /BigInt/];
    reasons.forEach((reason, index) => {
      assert.equal(result[index].errCode, -504002);
      assert.match(result[index].errMsg, reason);
    });
    assert.equal(result[4].result, 1 << 20);
    assert.deepEqual(result[5].result, ['\ufffd', 'a\\ud800']);
  });

  test('at most eight calls run at the same time, and the others wait', async () => {
    const source = `
      const fs = require('fs');
      exports.main = async ({ folder }) => {
        fs.writeFileSync(folder + '/' + process.pid, '');
        const count = fs.readdirSync(folder).length;
        await new Promise(done => setTimeout(done, 100));
        fs.unlinkSync(folder + '/' + process.pid);
        return count;
      };`;
    const running = fs.mkdtempSync(path.join(folder, 'running-'));
    const { result } = await run(source, { timeout: 60 }, `
      const answers = await Promise.all(Array.from({ length: 20 }, () => call({ folder: ${JSON.stringify(running)} })));
      return answers.map(({ result }) => result);`);
    assert.equal(result.length, 20);
    for (const count of result) assert.ok(count >= 1 && count <= 8, `${result}`);
  });

  test('without exec, a function that waits ends as well', async () => {
    const pid = path.join(folder, 'pid');
    const source = `exports.main = ({ pid }) => {
      require('fs').writeFileSync(pid + '.new', String(process.pid));
      require('fs').renameSync(pid + '.new', pid);
      return new Promise(() => {});
    };`;
    fs.writeFileSync(path.join(folder, 'index.js'), source);
    fs.writeFileSync(path.join(folder, 'config.json'), '{"timeout": 300}');
    const command = `${COMMAND} call({ pid: ${JSON.stringify(pid)} });`;
    const exec = spawn(PROGRAM, ['exec', '--cloud-function', folder, '--', process.execPath, '-e', command, folder], { stdio: 'ignore' });
    const runs = id => { try { return process.kill(id, 0); } catch { return false; } };
    const until = async holds => { while (!holds()) await new Promise(next => setTimeout(next, 20)); };
    await until(() => fs.existsSync(pid));
    const id = Number(fs.readFileSync(pid, 'utf8'));
    assert.ok(runs(id));
    exec.kill('SIGKILL');
    await until(() => !runs(id));
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
