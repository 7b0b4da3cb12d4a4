import { setTimeout as pause } from 'node:timers/promises';

/** Waits as long as the server says, and asks again. */
async function call(shop, path, body, token) {
  for (;;) {
    const { status, headers, data } = await shop.json(path, body, token && { 'x-token': token });
    if (status !== 429) return data;
    await pause(Number(headers.get('retry-after')) * 1000);
  }
}

export async function login(shop, phone) {
  return (await call(shop, '/login', { code: await phone.code() })).token;
}

export async function order(shop, token) {
  const { trip: id, challenge } = await call(shop, '/trip', {}, token);
  return { id, challenge };
}

export async function pay(shop, token, order, { resultJSON, resultJSONSignature }) {
  return (await call(shop, '/pay', { trip: order.id, resultJSON, resultJSONSignature }, token)).state === 'paid';
}
