// Red packets: money goes from one member's purse to another's, confirmed by fingerprint.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET } = process.env;
const HOURS = 3600_000;
const WELCOME_GIFT = 10_000;

const members = new Map(); // by openid: { number, fen }
const sessions = new Map(); // by key: { openid, until }
const packets = new Map(); // by id: { from, to, fen, challenge, until }
const counters = new Map(); // by cpu_id

class Refusal extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

async function wechat(path, body) {
  const answer = await fetch(WECHAT + path, {
    method: body ? 'POST' : 'GET',
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(5000),
  });
  return Object(await answer.json());
}

async function verify(openid, json, signature) {
  const grant = { grant_type: 'client_credential', appid: APPID, secret: SECRET };
  const { access_token: token } = await wechat('/cgi-bin/stable_token', grant);
  if (!token) throw new Refusal(502, 'no token');
  const path = `/cgi-bin/soter/verify_signature?access_token=${encodeURIComponent(token)}`;
  const answer = await wechat(path, { openid, json_string: json, json_signature: signature });
  if (answer.errcode || answer.is_ok !== true) throw new Refusal(403, 'not signed by this member');
}

function memberOf(request) {
  const session = sessions.get(request.headers['x-wallet-session']);
  if (!session || session.until < Date.now()) throw new Refusal(401, 'log in again');
  return session.openid;
}

const routes = {
  async 'POST /login'(request, { code }) {
    const query = new URLSearchParams({ appid: APPID, secret: SECRET, js_code: String(code), grant_type: 'authorization_code' });
    const { openid } = await wechat(`/sns/jscode2session?${query}`);
    if (typeof openid !== 'string') throw new Refusal(401, 'unknown code');
    if (!members.has(openid)) members.set(openid, { number: String(10_000 + members.size), fen: WELCOME_GIFT });
    const key = randomBytes(24).toString('hex');
    sessions.set(key, { openid, until: Date.now() + 2 * HOURS });
    return { key, number: members.get(openid).number };
  },

  async 'GET /purse'(request) {
    return { fen: members.get(memberOf(request)).fen };
  },

  async 'POST /packet'(request, { to, fen }) {
    const from = memberOf(request);
    const [receiver] = [...members].find(([, member]) => member.number === to) ?? [];
    if (!receiver || receiver === from) throw new Refusal(404, 'no such member');
    if (!Number.isSafeInteger(fen) || fen < 1 || fen > members.get(from).fen) throw new Refusal(400, 'fen');
    const [id, challenge] = [randomBytes(8).toString('hex'), randomBytes(32).toString('base64')];
    packets.set(id, { from, to: receiver, fen, challenge, until: Date.now() + HOURS / 12 });
    return { packet: { id, fen }, challenge };
  },

  async 'POST /packet/send'(request, { id, resultJSON, resultJSONSignature }) {
    const from = memberOf(request);
    const packet = packets.get(id);
    if (packet?.from !== from || packet.until < Date.now()) throw new Refusal(409, 'no such packet');
    if (typeof resultJSON !== 'string' || typeof resultJSONSignature !== 'string') throw new Refusal(400, 'result');
    await verify(from, resultJSON, resultJSONSignature);
    const { raw, cpu_id: cpuId, counter } = Object(JSON.parse(resultJSON));
    if (typeof cpuId !== 'string' || !cpuId || !Number.isSafeInteger(counter)) throw new Refusal(403, 'result');
    if (raw !== packet.challenge) throw new Refusal(403, 'another packet was signed');
    if (counter <= (counters.get(cpuId) ?? 0)) throw new Refusal(403, 'old result');
    counters.set(cpuId, counter);
    if (members.get(from).fen < packet.fen) throw new Refusal(409, 'the purse is empty');
    packets.delete(id);
    members.get(from).fen -= packet.fen;
    members.get(packet.to).fen += packet.fen;
    return { sent: id };
  },
};

async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > 16_384) throw new Refusal(413, 'too long');
    chunks.push(chunk);
  }
  if (length === 0) return {};
  try {
    return Object(JSON.parse(Buffer.concat(chunks).toString()));
  } catch {
    throw new Refusal(400, 'not JSON');
  }
}

createServer(async (request, response) => {
  const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  try {
    const route = `${request.method} ${request.url}`;
    if (!Object.hasOwn(routes, route)) throw new Refusal(404, 'no such path');
    send(200, await routes[route](request, await bodyOf(request)));
  } catch (error) {
    if (error instanceof Refusal) return send(error.code, { error: error.message });
    console.error(error);
    send(500, { error: 'internal' });
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`red packets on ${PORT}`));
