// The whole loop on one computer, from the login to the payment, and what an attacker gets:
//
//   soter-sim exec --touch auto -- node host-bridge/examples/loop.mjs
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import soterSim from '../miniprogram/example/soter-sim/index.js';
import { createBackend } from './backend.mjs';

const { SOTER_SIM_URL: url, SOTER_SIM_APPID: appid, SOTER_SIM_SECRET: secret } = process.env;
if (!url) {
  console.error('There is no soter-sim to talk to.\nRun: soter-sim exec --touch auto -- node host-bridge/examples/loop.mjs');
  process.exit(2);
}
if (!globalThis.WebSocket) {
  // Node 20 has WebSocket only behind a flag.
  const flags = ['--experimental-websocket', '--no-warnings', fileURLToPath(import.meta.url)];
  process.exit(spawnSync(process.execPath, flags, { stdio: 'inherit' }).status ?? 1);
}

// The backend, as `node backend.mjs` runs it.
const backend = createBackend({ url, appid, secret }).listen(0, '127.0.0.1');
await once(backend, 'listening');

// The mini program: a `wx` with nothing except what soter-sim installs.
const wx = {};
soterSim.installSoterSim(wx, { url, login: true, connectSocket: soterSim.connectSocketOver(WebSocket) });

const { code } = await wx.login();
const { session } = await post('/login', { code });
say('login', `wx.login gave ${code.slice(0, 16)}…, the backend a session`);

const first = await order();
say('challenge', `${first.challenge.slice(0, 16)}… for order ${first.order}`);
const signed = await touch(first);
const { counter, cpu_id: cpuId } = JSON.parse(signed.resultJSON);
say('touch', `signed with counter ${counter} of phone ${cpuId.slice(0, 8)}…`);
const paid = await post('/pay', { session, order: first.order, ...signed });
assert.equal(paid.paid, first.order);
say('verified', `order ${paid.paid} is paid: ${(paid.cents / 100).toFixed(2)} yuan`);

await attack('same again', first.order, signed);
await attack('replayed', (await order()).order, signed);
const second = await order();
const good = await touch(second);
await attack('tampered', second.order, { ...good, resultJSON: good.resultJSON.replace('"counter":', '"counter":9') });
const third = await order();
const other = await touch(third);
await attack('reserialised', third.order, { ...other, resultJSON: JSON.stringify(JSON.parse(other.resultJSON), null, 1) });
const abandoned = await order();
await attack('swapped', (await order()).order, await touch(abandoned));

backend.close();

function order() {
  return post('/order', { session });
}

async function touch({ challenge }) {
  const { resultJSON, resultJSONSignature } = await wx.startSoterAuthentication({
    requestAuthModes: ['fingerPrint'],
    challenge,
    authContent: '支付 1.00 元',
  });
  return { resultJSON, resultJSONSignature };
}

async function attack(name, order, result) {
  const { refused } = await post('/pay', { session, order, ...result });
  assert.ok(refused, `${name}: it went through`);
  say(name, `refused: ${refused}`);
}

async function post(path, body) {
  const answer = await fetch(`http://127.0.0.1:${backend.address().port}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return answer.json();
}

function say(step, text) {
  console.log(`${step.padEnd(13)}${text}`);
}
