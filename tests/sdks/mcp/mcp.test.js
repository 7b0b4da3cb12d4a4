// soter-sim as an agent's client meets it: the official SDK of the Model Context Protocol, which checks every result against the
// schema that the tool declares.
//
// Run as:  npm test, with the program in SOTER_SIM

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const program = process.env.SOTER_SIM ?? new URL('../../../target/debug/soter-sim', import.meta.url).pathname;
const APPID = 'wxemulated00000001';
const SECRET = 'emulated0000secret0000emulated00';

/** A client that has begun a session, with a process of its own. */
async function open(...options) {
  const transport = new StdioClientTransport({ command: program, args: ['mcp', ...options], stderr: 'pipe' });
  const client = new Client({ name: 'soter-sim-test', version: '1.0.0' });
  const errors = [];
  client.onerror = (error) => errors.push(error);
  await client.connect(transport);
  // The SDK keeps the schemas of results only of tools that were listed.
  const { tools } = await client.listTools();
  const call = async (name, args = {}, options = undefined) => {
    const result = await client.callTool({ name, arguments: args }, undefined, options);
    assert.notEqual(result.isError, true, `${name}: ${JSON.stringify(result.content)}`);
    assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent, name);
    return result.structuredContent;
  };
  const [, url] = client.getInstructions().match(/WeChat's servers: (http:\/\/127\.0\.0\.1:\d+)/);
  return { client, transport, tools, call, url, errors };
}

/** What the backend under test asks WeChat's servers. */
async function backend(url, code) {
  const json = async (path, init) => {
    const answer = await fetch(url + path, init);
    return { body: await answer.json(), reason: answer.headers.get('x-soter-sim-reason') };
  };
  const login = `?appid=${APPID}&secret=${SECRET}&js_code=${code}&grant_type=authorization_code`;
  const session = await json(`/sns/jscode2session${login}`);
  const token = await json(`/cgi-bin/token?grant_type=client_credential&appid=${APPID}&secret=${SECRET}`);
  return (signed) =>
    json(`/cgi-bin/soter/verify_signature?access_token=${token.body.access_token}`, {
      method: 'POST',
      body: JSON.stringify({
        openid: session.body.openid,
        json_string: signed.resultJSON,
        json_signature: signed.resultJSONSignature,
      }),
    });
}

const modes = { requestAuthModes: ['fingerPrint'] };
let agent;

before(async () => {
  agent = await open('--listen', '127.0.0.1:0', '--ephemeral');
});
after(() => agent.client.close());

test('the agent learns what this is and which tools there are', async () => {
  const { client, tools } = agent;
  assert.equal(client.getServerVersion().name, 'soter-sim');
  for (const word of ['emulated', 'sensor_touch', 'call_result', 'desk_journal', 'explain']) {
    assert.match(client.getInstructions(), new RegExp(word));
  }
  const names = tools.map((tool) => tool.name);
  for (const name of ['device_create', 'wx_startSoterAuthentication', 'sensor_touch', 'call_result', 'explain']) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(!names.some((name) => name.startsWith('attack_')), 'attackers are not offered anything');
  const { resources } = await client.listResources();
  assert.deepEqual(resources.map((resource) => resource.uri), ['soter-sim://reasons', 'soter-sim://codes']);
  const { contents } = await client.readResource({ uri: 'soter-sim://reasons' });
  assert.ok(JSON.parse(contents[0].text).some((reason) => reason.name === 'counter-replayed'));
});

test('a phone is made, a finger touches it, and WeChat accepts the result once', async () => {
  const { call, url } = agent;
  assert.equal((await call('device_create', { name: 'second' })).name, 'second');
  await call('device_select', { name: 'second' });
  assert.equal((await call('biometric_enroll')).number, 2);
  const { code } = await call('wx_login');
  const verify = await backend(url, code);

  const open = await call('wx_startSoterAuthentication', { ...modes, challenge: 'order-42' });
  assert.equal(open.device, 'second');
  assert.equal(open.dialog.challenge, 'order-42');
  assert.equal((await call('sensor_touch', { touch: 'wrong' })).dialogOpen, true);
  assert.deepEqual(await call('call_result', { call: open.call, waitSeconds: 0 }), open);
  assert.equal((await call('sensor_touch', { touch: 2 })).judgement, 'matched');
  const signed = await call('call_result', { call: open.call });
  assert.equal(signed.errCode, 0);
  assert.equal(JSON.parse(signed.resultJSON).raw, 'order-42');

  assert.deepEqual((await verify(signed)).body, { is_ok: true });
  // A replay: WeChat says no, and the journal why.
  assert.deepEqual((await verify(signed)).body, { is_ok: false });
  const { entries } = await call('desk_journal', { limit: 5 });
  const { judgement } = entries.at(-1);
  assert.equal(judgement.reason, 'counter-replayed');
  const { reasons } = await call('explain', { name: judgement.reason });
  assert.match(reasons[0].advice, /fresh challenge/);
  // The signature as such holds.
  const { keys } = await call('keys_list');
  const key = keys.find(({ name }) => name?.startsWith('Wechat_'));
  const verdict = await call('verify_signature', {
    key: key.publicKey,
    json: signed.resultJSON,
    signature: signed.resultJSONSignature,
  });
  assert.equal(verdict.valid, true);
});

test('a client that calls tools at the same time can wait, and can cancel what waits', async () => {
  const { call } = agent;
  const dialog = async () => (await call('device_show')).dialog;
  const until = async (condition) => {
    for (let left = 200; left > 0; left -= 1) {
      if (condition(await dialog())) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail('it did not happen');
  };
  const waiting = call('wx_startSoterAuthentication', { ...modes, challenge: 'order-43', wait: true });
  await until(Boolean);
  await call('sensor_touch', { touch: 1 });
  assert.equal((await waiting).errCode, 0);

  const abort = new AbortController();
  const cancelled = call('wx_requestPayment', { package: 'prepay_id=wx1', timeStamp: '1', nonceStr: 'n', signType: 'MD5', paySign: '0', wait: true }, { signal: abort.signal });
  await until(Boolean);
  abort.abort('the user left');
  await assert.rejects(cancelled);
  await until((dialog) => !dialog);
});

test('what WeChat refuses is a result, and what cannot be called is an error', async () => {
  const { client, call } = agent;
  await call('device_set', { failNext: 90010 });
  const refused = await call('wx_startSoterAuthentication', { ...modes, challenge: 'c' });
  assert.equal(refused.errCode, 90010);
  assert.match((await call('explain', { name: refused.errCode })).codes[0].advice, /./);

  await assert.rejects(client.callTool({ name: 'device_nonsense', arguments: {} }), (error) => {
    assert.equal(error.code, -32602);
    assert.match(error.message, /no tool `device_nonsense`\nnext: .*device_show/);
    return true;
  });
  await assert.rejects(client.callTool({ name: 'attack_list', arguments: {} }), { code: -32602 });
  for (const [name, args, what] of [
    ['device_create', {}, /missing field `name`/],
    ['device_create', { name: 'third', nonsense: 1 }, /unknown field `nonsense`/],
    ['sensor_touch', { touch: 1 }, /dialog/],
    ['device_show', { device: 'nobody' }, /no device `nobody`\nnext: devices: /],
  ]) {
    const result = await client.callTool({ name, arguments: args });
    assert.equal(result.isError, true, name);
    assert.match(result.content[0].text, what);
    assert.match(result.content[0].text, /^error: .*\nnext: /);
  }
});

test('the results of all tools fit the schemas that they declare', async () => {
  const { client, tools, call, errors } = await open('--listen', '127.0.0.1:0', '--ephemeral', '--attacker', '--fleet', '2');
  const examples = JSON.parse(await readFile(new URL('examples.json', import.meta.url)));
  for (const { tool, arguments: args, fails } of examples) {
    if (fails) {
      assert.match((await client.callTool({ name: tool, arguments: args })).content[0].text, new RegExp(fails));
    } else {
      await call(tool, args);
    }
  }
  const called = new Set(examples.map(({ tool }) => tool));
  assert.deepEqual(tools.map(({ name }) => name).filter((name) => !called.has(name)), []);
  assert.deepEqual(errors, []);
  await client.close();
});

test('a client that closes during a dialog leaves no dialog and no process', async () => {
  const { url, call } = agent;
  const other = await open('--connect', url);
  assert.equal((await other.call('wx_startSoterAuthentication', { ...modes, challenge: 'c' })).device, 'second');
  assert.ok((await call('device_show')).dialog);
  const { pid } = other.transport;
  await other.client.close();
  // The SDK closes standard input first; the process ends before it is killed.
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  for (let left = 100; (await call('device_show')).dialog; left -= 1) {
    assert.ok(left > 0, 'the dialog stays open');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(agent.errors, []);
});
