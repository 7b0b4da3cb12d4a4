// Proves that the weak backends can be exploited and that the correct ones work:
//
//   SOTER_SIM=target/debug/soter-sim PYTHON=venv/bin/python node tests/backends/prove.mjs [NAME…]
//
// Each backend gets WeChat's servers and phones of its own, which leave replays to the backend, as WeChat may.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { backends } from './support/backends.mjs';
import { sign, successfulAttacks } from './support/generic_attacks.mjs';
import { Desk } from './support/phone.mjs';
import { startServers } from './support/servers.mjs';
import { Shop } from './support/shop.mjs';
import { WeChatBetween } from './support/wechat_between.mjs';

const ACCOUNT = { appid: 'wx0123456789abcdef', secret: '0123456789abcdef0123456789abcdef' };
const LONGEST_PROOF = 90_000;
const AT_ONCE = 2;

async function prove(backend) {
  const folder = mkdtempSync(join(tmpdir(), 'prove-'));
  const ends = [() => rmSync(folder, { recursive: true, force: true })];
  try {
    const servers = await startServers(ACCOUNT, folder);
    ends.push(servers.stop);

    const wechat = await WeChatBetween.to(servers.url);
    ends.push(() => wechat.close());
    const env = backend.has('environment.mjs') ? (await backend.module('environment.mjs')).environment(folder) : {};
    const running = await backend.start({ url: wechat.url, ...ACCOUNT, env });
    ends.push(() => running.stop());

    const desk = new Desk(servers.url);
    const phones = { alice: await desk.phone('alice', 'alice'), mallory: await desk.phone('mallory', 'mallory') };
    const client = await backend.module('client.mjs');
    const shop = new Shop(running.url);
    try {
      return await judge(backend, client, shop, { ...phones, desk, wechat, folder });
    } catch (error) {
      throw new Error(`${error.stack}\n${running.child.output}`);
    }
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function judge(backend, client, shop, world) {
  const payments = backend.isWeak ? 1 : 2;
  const session = await client.login(shop, world.alice);
  for (let number = 1; number <= payments; number += 1) {
    const order = await client.order(shop, session);
    if (!(await client.pay(shop, session, order, await sign(client, world.alice, order)))) {
      throw new Error(`honest payment ${number} is refused`);
    }
  }
  if (backend.isWeak) {
    const { default: exploit } = await backend.module('exploit.mjs');
    return `exploited: ${await exploit({ client, shop, ...world })}`;
  }
  const successful = await successfulAttacks(client, shop, world);
  if (successful.length > 0) throw new Error(`not refused: ${successful.join(', ')}`);
  return 'two honest payments pass, five attacks are refused';
}

async function inTime(backend) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${LONGEST_PROOF / 1000} s`)), LONGEST_PROOF);
  });
  try {
    return await Promise.race([prove(backend), late]);
  } finally {
    clearTimeout(timer);
  }
}

const started = Date.now();
const waiting = backends(process.argv.slice(2));
const [passed, failed] = [[], []];
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let backend = waiting.shift(); backend; backend = waiting.shift()) {
      try {
        console.log(`ok      ${backend.name.padEnd(22)} ${await inTime(backend)}`);
        passed.push(backend.name);
      } catch (error) {
        console.log(`FAILED  ${backend.name.padEnd(22)} ${error.message}`);
        failed.push(backend.name);
      }
    }
  }),
);
console.log(`${passed.length} passed, ${failed.length} failed (${Math.round((Date.now() - started) / 1000)} s)`);
// A proof that was given up may still hold connections.
process.exit(failed.length > 0 ? 1 : 0);
