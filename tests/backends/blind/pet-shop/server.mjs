// Pet shop: every request after the login is signed by the client with the key that it got there.
// The counter of a phone may jump by a thousand at most: more was never seen in our shop, and is looked at by a person.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET } = process.env;
const MINUTE = 60_000;
const LONGEST_JUMP = 1000;

const clients = new Map(); // by key id: { openid, key, nonces, until }
const orders = new Map(); // by id: { openid, challenge, until }
const paid = new Set();
const counters = new Map(); // by cpu_id

class Refusal extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

async function wechat(path, body) {
  const options = body && { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(WECHAT + path, { ...options, signal: AbortSignal.timeout(5000) });
  return Object(await answer.json());
}

async function verify(openid, json, signature) {
  const { access_token: token } = await wechat('/cgi-bin/stable_token', { grant_type: 'client_credential', appid: APPID, secret: SECRET });
  if (!token) throw new Refusal(502, 'no token');
  const path = `/cgi-bin/soter/verify_signature?access_token=${encodeURIComponent(token)}`;
  const answer = await wechat(path, { openid, json_string: json, json_signature: signature });
  if (answer.errcode || answer.is_ok !== true) throw new Refusal(403, 'not confirmed');
}

/** The client whose key has signed method, path, time, nonce and body. */
function authenticate(request, text) {
  const { 'x-key-id': id, 'x-timestamp': time, 'x-nonce': nonce, 'x-signature': signature } = request.headers;
  const client = clients.get(id);
  if (!client || client.until < Date.now()) throw new Refusal(401, 'log in again');
  const signed = [request.method, request.url, time, nonce, text].join('\n');
  const expected = createHmac('sha256', client.key).update(signed).digest();
  const given = Buffer.from(signature ?? '', 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Refusal(401, 'signature of the request');
  if (!(Math.abs(Date.now() - Number(time)) < 2 * MINUTE)) throw new Refusal(401, 'time of the request');
  if (!nonce || client.nonces.has(nonce)) throw new Refusal(401, 'nonce of the request');
  client.nonces.add(nonce);
  return client;
}

async function login({ code }) {
  if (typeof code !== 'string' || !code) throw new Refusal(400, 'code');
  const query = new URLSearchParams({ appid: APPID, secret: SECRET, js_code: code, grant_type: 'authorization_code' });
  const { openid } = await wechat(`/sns/jscode2session?${query}`);
  if (typeof openid !== 'string') throw new Refusal(401, 'unknown code');
  const [id, key] = [randomBytes(8).toString('hex'), randomBytes(32).toString('base64')];
  clients.set(id, { openid, key, nonces: new Set(), until: Date.now() + 60 * MINUTE });
  return { keyId: id, key };
}

const routes = {
  '/orders'({ openid }, { animal }) {
    if (!['cat', 'dog'].includes(animal)) throw new Refusal(404, 'no such animal');
    const [id, challenge] = [randomBytes(8).toString('hex'), randomBytes(32).toString('base64url')];
    orders.set(id, { openid, challenge, until: Date.now() + 5 * MINUTE });
    return { order: { id, fen: 129_900 }, soter: { challenge } };
  },

  async '/orders/pay'({ openid }, { id, resultJSON, resultJSONSignature }) {
    const order = orders.get(id);
    if (order?.openid !== openid || order.until < Date.now()) throw new Refusal(409, 'no such order');
    orders.delete(id);
    if (typeof resultJSON !== 'string' || typeof resultJSONSignature !== 'string') throw new Refusal(400, 'result');
    await verify(openid, resultJSON, resultJSONSignature);
    let result;
    try {
      result = Object(JSON.parse(resultJSON));
    } catch {
      throw new Refusal(403, 'result');
    }
    const { raw, cpu_id: cpuId, counter } = result;
    if (typeof cpuId !== 'string' || !cpuId || !Number.isSafeInteger(counter) || counter < 1) throw new Refusal(403, 'result');
    if (raw !== order.challenge) throw new Refusal(403, 'another order was signed');
    const last = counters.get(cpuId);
    if (last !== undefined && counter <= last) throw new Refusal(403, 'old result');
    if (last !== undefined && counter > last + LONGEST_JUMP) throw new Refusal(403, 'please call us');
    counters.set(cpuId, counter);
    paid.add(id);
    return { order: { id, state: 'paid' } };
  },
};

createServer(async (request, response) => {
  const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  try {
    const chunks = [];
    for await (const chunk of request) if (chunks.push(chunk) > 16) throw new Refusal(413, 'too long');
    const text = Buffer.concat(chunks).toString();
    let body;
    try {
      body = Object(JSON.parse(text));
    } catch {
      throw new Refusal(400, 'not JSON');
    }
    if (request.method !== 'POST') throw new Refusal(405, 'POST');
    if (request.url === '/login') return send(200, await login(body));
    if (!Object.hasOwn(routes, request.url)) throw new Refusal(404, 'no such path');
    send(200, await routes[request.url](authenticate(request, text), body));
  } catch (error) {
    if (error instanceof Refusal) return send(error.status, { error: error.message });
    console.error(error);
    send(500, { error: 'internal' });
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`pet shop on ${PORT}`));
