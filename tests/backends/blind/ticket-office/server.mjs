// Ticket office: tickets are paid by fingerprint. The challenge is on a page, which the mini program shows in a web-view.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET } = process.env;
const SESSION_MS = 2 * 3600_000;
const TICKET_MS = 5 * 60_000;

const sessions = new Map(); // by key: { openid, until }
const tickets = new Map(); // by number: { openid, challenge, state, until }
const counters = new Map(); // by cpu_id
let sold = 0;

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

function visitor(request) {
  const [, key] = /(?:^|; )visitor=([0-9a-f]+)/.exec(request.headers.cookie ?? '') ?? [];
  const session = sessions.get(key);
  if (!session || session.until < Date.now()) throw new Refusal(401, 'log in again');
  return session.openid;
}

/** The day, the second of the day, and the number of the ticket: no two are equal. */
function nextChallenge(number) {
  const now = new Date().toISOString().replace(/\D/g, '');
  return `TICKET-${now.slice(0, 8)}-${now.slice(8, 14)}-${String(number).padStart(8, '0')}-SOTER`;
}

const routes = {
  async 'POST /login'(request, { code }) {
    const query = new URLSearchParams({ appid: APPID, secret: SECRET, js_code: code ?? '', grant_type: 'authorization_code' });
    const { openid } = await wechat(`/sns/jscode2session?${query}`);
    if (typeof openid !== 'string') throw new Refusal(401, 'unknown code');
    const key = randomBytes(24).toString('hex');
    sessions.set(key, { openid, until: Date.now() + SESSION_MS });
    return { cookie: `visitor=${key}; HttpOnly; Path=/`, page: '<p>Welcome</p>' };
  },

  async 'POST /tickets'(request) {
    const openid = visitor(request);
    sold += 1;
    const ticket = { openid, challenge: nextChallenge(sold), state: 'reserved', until: Date.now() + TICKET_MS };
    const number = randomBytes(8).toString('hex');
    tickets.set(number, ticket);
    return { page: `<form action="/pay"><input name="number" value="${number}"><b id="challenge">${ticket.challenge}</b></form>` };
  },

  async 'POST /pay'(request, { number, result, signature }) {
    const openid = visitor(request);
    const ticket = tickets.get(number);
    if (ticket?.openid !== openid || ticket.state !== 'reserved' || ticket.until < Date.now()) throw new Refusal(409, 'no such ticket');
    ticket.state = 'void';
    await verify(openid, result ?? '', signature ?? '');
    const { raw, cpu_id: cpuId, counter } = Object(JSON.parse(result));
    if (typeof cpuId !== 'string' || !cpuId || !Number.isSafeInteger(counter)) throw new Refusal(403, 'result');
    if (raw !== ticket.challenge) throw new Refusal(403, 'another ticket was signed');
    if (counter <= (counters.get(cpuId) ?? 0)) throw new Refusal(403, 'old result');
    counters.set(cpuId, counter);
    ticket.state = 'paid';
    return { page: `<p class="paid">Ticket ${number} is paid</p>` };
  },
};

async function formOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > 16_384) throw new Refusal(413, 'too long');
    chunks.push(chunk);
  }
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
}

createServer(async (request, response) => {
  const send = (status, { page, cookie }) =>
    response.writeHead(status, { 'content-type': 'text/html', ...(cookie && { 'set-cookie': cookie }) }).end(`<!doctype html>${page}`);
  try {
    const route = `${request.method} ${request.url}`;
    if (!Object.hasOwn(routes, route)) throw new Refusal(404, 'no such page');
    send(200, await routes[route](request, await formOf(request)));
  } catch (error) {
    if (error instanceof Refusal) return send(error.code, { page: `<p class="error">${error.message}</p>` });
    console.error(error);
    send(500, { page: '<p class="error">internal</p>' });
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`ticket office on ${PORT}`));
