import { setTimeout as pause } from 'node:timers/promises';

export async function login(shop, phone) {
  return (await shop.json('/login', { code: await phone.code() })).data.key;
}

export async function order(shop, key) {
  const { box: id, challenge } = (await shop.json('/box', { key })).data;
  return { id, challenge };
}

/** The answer is the same for good and bad results; the purse says whether the payment took place. */
export async function pay(shop, key, order, { resultJSON, resultJSONSignature }) {
  const purse = async () => (await shop.json('/purse', { key })).data.fen;
  const before = await purse();
  const { status } = await shop.json('/box/pay', { key, box: order.id, resultJSON, resultJSONSignature });
  if (status !== 202) return false;
  for (let polls = 0; polls < 100; polls += 1) {
    if ((await shop.json('/box/state', { key, box: order.id })).data.state === 'done') return (await purse()) < before;
    await pause(50);
  }
  throw new Error('the payment is never worked off');
}
