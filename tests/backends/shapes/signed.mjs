// Forms whose parameters are signed with the key of the mini program.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { fresh, openOrder, openidOf, orderOf, pay, Refusal, serve } from './shop.mjs';

const KEY = 'the-key-of-the-client';
const LONGEST_MS = 300_000;
const sessions = new Map(); // by token: the openid
const nonces = new Set();

/** Checks that the parameters are signed, new, and not sent before. */
function check(form) {
  const sorted = [...form].filter(([name, value]) => name !== 'sign' && value !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  const text = sorted.map(([name, value]) => `${name}=${value}`).join('&');
  const expected = createHmac('sha256', KEY).update(text).digest();
  const sent = Buffer.from(form.get('sign') ?? '', 'hex');
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) throw new Refusal(403, 'sign');
  if (!(Math.abs(Date.now() - Number(form.get('timestamp')) * 1000) < LONGEST_MS)) throw new Refusal(403, 'timestamp');
  if (!form.get('nonce') || nonces.has(form.get('nonce'))) throw new Refusal(403, 'nonce');
  nonces.add(form.get('nonce'));
}

serve(async ({ method, path, text }) => {
  if (method !== 'POST') throw new Refusal(405, 'POST');
  const form = new URLSearchParams(text);
  check(form);
  const answer = (data) => ({ body: { code: 0, data } });
  if (path === '/api/login') {
    const token = fresh();
    sessions.set(token, await openidOf(form.get('code')));
    return answer({ token });
  }
  const openid = sessions.get(form.get('token'));
  if (!openid) throw new Refusal(401, 'log in');
  if (path === '/api/order') {
    const { id, challenge } = openOrder(openid);
    return answer({ order: id, challenge });
  }
  const order = orderOf(form.get('order'), openid);
  await pay(order, form.get('resultJSON'), form.get('resultJSONSignature'));
  return answer({ state: 'PAID' });
});
