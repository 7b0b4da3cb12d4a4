import { createHash, randomBytes } from 'node:crypto';

async function call(shop, path, parameters) {
  const all = { ...parameters, timestamp: String(Math.floor(Date.now() / 1000)), nonce: randomBytes(8).toString('hex') };
  const text = Object.keys(all).sort().map((name) => `${name}=${all[name]}&`).join('');
  const sign = createHash('md5').update(`${text}key=mini-program-2024`).digest('hex').toUpperCase();
  return (await shop.form(path, { ...all, sign })).data;
}

export async function login(shop, phone) {
  return (await call(shop, '/v1/login', { code: await phone.code() })).data.session;
}

export async function order(shop, session, cents = 100) {
  const { no } = (await call(shop, '/v1/basket', { session, cents: String(cents) })).data;
  const { challenge } = (await call(shop, '/v1/basket/prepare', { session, no })).data;
  return { id: no, challenge };
}

export async function pay(shop, session, order, { resultJSON: result, resultJSONSignature: signature }) {
  const { code, data } = await call(shop, '/v1/basket/pay', { session, no: order.id, result, signature });
  return code === 0 && data.state === 'PAID';
}
