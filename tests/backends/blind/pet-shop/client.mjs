import { createHmac, randomBytes } from 'node:crypto';

async function call(shop, { keyId, key }, path, body) {
  const [time, nonce] = [String(Date.now()), randomBytes(12).toString('hex')];
  const signature = createHmac('sha256', key).update(['POST', path, time, nonce, JSON.stringify(body)].join('\n')).digest('hex');
  const headers = { 'x-key-id': keyId, 'x-timestamp': time, 'x-nonce': nonce, 'x-signature': signature };
  return (await shop.json(path, body, headers)).data;
}

export async function login(shop, phone) {
  return (await shop.json('/login', { code: await phone.code() })).data;
}

export async function order(shop, session) {
  const { order, soter } = await call(shop, session, '/orders', { animal: 'cat' });
  return { id: order.id, challenge: soter.challenge };
}

export async function pay(shop, session, order, { resultJSON, resultJSONSignature }) {
  const answer = await call(shop, session, '/orders/pay', { id: order.id, resultJSON, resultJSONSignature });
  return answer.order?.state === 'paid';
}
