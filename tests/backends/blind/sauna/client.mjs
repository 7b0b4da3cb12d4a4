import { setTimeout as pause } from 'node:timers/promises';

const bearer = (token) => ({ authorization: `Bearer ${token}` });

export async function login(shop, phone) {
  return (await shop.form('/login', { code: await phone.code() })).data.token;
}

export async function order(shop, token) {
  const { evening, challenge } = (await shop.form('/evening', {}, bearer(token))).data;
  return { id: evening.id, challenge };
}

export async function pay(shop, token, order, { resultJSON: json, resultJSONSignature: signature }) {
  return (await shop.form('/evening/pay', { evening: order.id, json, signature }, bearer(token))).data.paid === true;
}

/** The guest is locked out for a second. */
export function afterRefusal() {
  return pause(1100);
}
