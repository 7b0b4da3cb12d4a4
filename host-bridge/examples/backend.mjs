// A mini program's own server that takes payments by fingerprint: what it must check, and in which order.
//
//   soter-sim exec --listen 127.0.0.1:8777 -- node host-bridge/examples/backend.mjs
//
// It keeps its state in memory. A real one keeps orders and counters in its database, and uses both in one transaction.
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';

import { Refusal, serveJson, texts } from './json_server.mjs';
import { WeChat } from './wechat.mjs';

const ORDER_LIFETIME = 5 * 60 * 1000;
const SESSION_LIFETIME = 2 * 60 * 60 * 1000;

export function createBackend(account, { now = Date.now, routes = {} } = {}) {
  const wechat = new WeChat(account);
  const users = new Map(); // by session: { openid, until, order: the one that may be paid now }
  const sessions = new Map(); // by openid: the session of the last login
  const counters = new Map(); // by cpu_id: the highest that was seen

  return serveJson({
    async '/login'(request) {
      const openid = await wechat.openidOf(...texts(request, 'code'));
      const session = randomBytes(32).toString('hex');
      users.delete(sessions.get(openid));
      sessions.set(openid, session);
      users.set(session, { openid, until: now() + SESSION_LIFETIME, order: undefined });
      return { session };
    },

    async '/order'(request) {
      const user = userOf(...texts(request, 'session'));
      const [id, challenge] = [randomBytes(8).toString('hex'), randomBytes(32).toString('hex')];
      user.order = { id, cents: 100, challenge, until: now() + ORDER_LIFETIME };
      return { order: id, cents: user.order.cents, challenge };
    },

    async '/pay'(request) {
      const [session, id, json, signature] = texts(request, 'session', 'order', 'resultJSON', 'resultJSONSignature');
      const user = userOf(session);
      const order = user.order;
      if (order?.id !== id || now() > order.until) throw new Refusal(409, 'no such order is open');
      // Used up before the first await, whatever the outcome: of two simultaneous requests, only one continues.
      user.order = undefined;
      // The user is the one of the session, whatever the request says.
      await wechat.verifySignature({ openid: user.openid, json_string: json, json_signature: signature });
      const { raw, cpuId, counter } = parseResult(json);
      if (raw !== order.challenge) throw new Refusal(403, 'the signed challenge is not that of this order');
      const last = counters.get(cpuId);
      if (last !== undefined && counter <= last) throw new Refusal(403, `counter ${counter} is not above ${last}`);
      counters.set(cpuId, counter);
      return { paid: id, cents: order.cents };
    },
    ...routes,
  });

  function userOf(session) {
    const user = users.get(session);
    if (!user || now() > user.until) throw new Refusal(401, 'no such session: log in again');
    return user;
  }
}

/** Reads a result with a valid signature. The counter is exact: as numbers, 2^53 and 2^53 + 1 are the same. */
function parseResult(json) {
  try {
    const { raw, cpu_id: cpuId, counter } = JSON.parse(json);
    const quoted = json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (part) => (part[0] === '"' ? part : `"${part}"`));
    const digits = JSON.parse(quoted).counter;
    if (typeof cpuId === 'string' && cpuId && typeof counter === 'number' && /^\d{1,20}$/.test(digits)) {
      return { raw, cpuId, counter: BigInt(digits) };
    }
  } catch {
    // Not JSON, or not an object: refused like a result with a missing member.
  }
  throw new Refusal(403, 'resultJSON is not a result');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { SOTER_SIM_URL, SOTER_SIM_APPID: appid, SOTER_SIM_SECRET: secret, PORT = '8778', TEST_CLOCK } = process.env;
  // With TEST_CLOCK=1, which nothing but tests may set, a request moves the clock, so that the audit sees what ends when.
  let ahead = 0;
  const clock = {
    now: () => Date.now() + ahead,
    routes: {
      '/clock'(request) {
        ahead = Number(...texts(request, 'aheadMs'));
        if (!Number.isSafeInteger(ahead)) throw new Refusal(400, 'aheadMs is not a number of milliseconds');
        return {};
      },
    },
  };
  createBackend({ url: SOTER_SIM_URL, appid, secret }, TEST_CLOCK === '1' ? clock : {}).listen(Number(PORT), '127.0.0.1', () => {
    console.log(`backend http://127.0.0.1:${PORT}, asks ${SOTER_SIM_URL ?? 'WeChat'}`);
  });
}
