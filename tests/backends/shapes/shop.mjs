// What the small applications of this folder have in common: users, orders that are paid once, and a server.
//
// WEAK=1 makes one accept every result that WeChat confirms. KEEP_TOKEN=1 makes it use its first access token for ever, as
// some SDKs do.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET, WEAK, KEEP_TOKEN } = process.env;
const LONGEST_BODY = 64 * 1024;

export class Refusal extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

export const fresh = () => randomBytes(32).toString('hex');

const counters = new Map(); // by cpu_id: the highest of a paid order
const orders = new Map(); // by id: { openid, challenge, paid }
let token;

async function ask(path, body) {
  const request = body && { method: 'POST', body: JSON.stringify(body) };
  const answer = await fetch(WECHAT + path, { ...request, signal: AbortSignal.timeout(5000) });
  return Object(await answer.json());
}

export async function openidOf(code) {
  const query = new URLSearchParams({ appid: APPID, secret: SECRET, js_code: code ?? '', grant_type: 'authorization_code' });
  const { openid } = await ask(`/sns/jscode2session?${query}`);
  if (typeof openid !== 'string') throw new Refusal(401, 'the code is not valid');
  return openid;
}

export function openOrder(openid) {
  const id = randomBytes(8).toString('hex');
  const order = { id, openid, challenge: fresh(), paid: false };
  orders.set(id, order);
  return order;
}

export function orderOf(id, openid) {
  const order = orders.get(id);
  if (order?.openid !== openid) throw new Refusal(404, 'no such order');
  return order;
}

/** Refuses unless WeChat confirms the result, it is for this order, and nothing was paid with it before. */
export async function pay(order, json, signature) {
  if (typeof json !== 'string' || typeof signature !== 'string') throw new Refusal(400, 'no result');
  if (order.begun && !WEAK) throw new Refusal(409, 'a result was sent before');
  order.begun = true;
  if (!token || !KEEP_TOKEN) {
    const grant = { grant_type: 'client_credential', appid: APPID, secret: SECRET };
    token = (await ask('/cgi-bin/stable_token', grant)).access_token;
  }
  const claim = { openid: order.openid, json_string: json, json_signature: signature };
  const { errcode, is_ok: isOk } = await ask(`/cgi-bin/soter/verify_signature?access_token=${encodeURIComponent(token)}`, claim);
  if (errcode || isOk !== true) throw new Refusal(403, 'WeChat does not confirm the result');
  const { raw, cpu_id: phone, counter } = JSON.parse(json);
  if (!WEAK) {
    if (raw !== order.challenge) throw new Refusal(403, 'a result for something else');
    if (!Number.isSafeInteger(counter) || counter <= (counters.get(phone) ?? 0)) throw new Refusal(403, 'an old result');
    counters.set(phone, counter);
  }
  order.paid = true;
}

/** Serves requests: `handle` gets the method, the path, the query, the body as text and the headers, and returns an answer. */
export function serve(handle) {
  createServer(async (request, response) => {
    const send = ({ status = 200, headers = {}, body = '' }) => {
      const isText = typeof body === 'string';
      const type = isText ? 'text/html; charset=utf-8' : 'application/json';
      response.writeHead(status, { 'content-type': type, ...headers }).end(isText ? body : JSON.stringify(body));
    };
    try {
      let text = '';
      for await (const chunk of request) {
        text += chunk;
        if (text.length > LONGEST_BODY) throw new Refusal(413, 'too long');
      }
      const { pathname, searchParams } = new URL(request.url, 'http://localhost');
      send(await handle({ method: request.method, path: pathname, query: searchParams, text, headers: request.headers }));
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      send({ status: error.status ?? 500, body: { refused: error instanceof Refusal ? error.message : 'internal error' } });
    }
  }).listen(Number(PORT), '127.0.0.1', () => console.log(`listens on ${PORT}`));
}

export function json(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    throw new Refusal(400, 'not JSON');
  }
}
