// Payments that are processed later: the answer to a result is 202, and a payment shows in the balance.
import { fresh, json, openOrder, openidOf, orderOf, pay, Refusal, serve } from './shop.mjs';

const PRICE = 42;
const sessions = new Map(); // by token: { openid, balance }
const payments = new Map(); // by id: { session, state }

async function work(payment, order, { resultJSON, resultJSONSignature }) {
  try {
    await pay(order, resultJSON, resultJSONSignature);
    payment.session.balance -= PRICE;
    payment.state = 'done';
  } catch {
    payment.state = 'refused';
  }
}

serve(async ({ method, path, text, headers }) => {
  if (path === '/login') {
    const token = fresh();
    sessions.set(token, { openid: await openidOf(json(text).code), balance: 1_000_000 });
    return { body: { token } };
  }
  const session = sessions.get((headers.authorization ?? '').replace(/^Bearer /, ''));
  if (!session) throw new Refusal(401, 'log in');
  if (path === '/account') return { body: { balance: session.balance } };
  if (path === '/orders' && method === 'POST') {
    const { id, challenge } = openOrder(session.openid);
    return { body: { order: id, challenge } };
  }
  if (path === '/payments' && method === 'POST') {
    const body = json(text);
    const [id, payment] = [fresh(), { session, state: 'pending' }];
    const order = orderOf(body.order, session.openid);
    payments.set(id, payment);
    setTimeout(() => work(payment, order, body), 20);
    return { status: 202, body: { payment: id } };
  }
  const payment = payments.get(path.match(/^\/payments\/(\w+)$/)?.[1]);
  if (payment?.session !== session) throw new Refusal(404, 'no such payment');
  return { body: { state: payment.state } };
});
