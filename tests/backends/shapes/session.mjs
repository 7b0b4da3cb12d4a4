// JSON, and a bearer token.
import { fresh, json, openOrder, openidOf, orderOf, pay, Refusal, serve } from './shop.mjs';

const sessions = new Map(); // by token: the openid

serve(async ({ method, path, text, headers }) => {
  if (method !== 'POST') throw new Refusal(405, 'POST');
  const body = json(text);
  if (path === '/login') {
    const session = fresh();
    sessions.set(session, await openidOf(body.code));
    return { body: { session } };
  }
  const openid = sessions.get((headers.authorization ?? '').replace(/^Bearer /, ''));
  if (!openid) throw new Refusal(401, 'log in');
  if (path === '/orders') {
    const { id, challenge } = openOrder(openid);
    return { body: { order: id, challenge } };
  }
  const order = orderOf(path.match(/^\/orders\/(\w+)\/pay$/)?.[1], openid);
  await pay(order, body.resultJSON, body.resultJSONSignature);
  return { body: { paid: true } };
});
