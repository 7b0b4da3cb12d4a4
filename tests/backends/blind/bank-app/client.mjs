const KEY_NAME = 'transfer';
const bearer = (token) => ({ authorization: `Bearer ${token}` });
/** The ASK of each phone, as the app keeps its export. */
const asks = new Map();

export async function login(shop, phone) {
  const { token } = (await shop.json('/open', { name: phone.name, password: 'correct horse' })).data;
  if (!asks.has(phone.name)) {
    asks.set(phone.name, await phone.makeAsk());
    await enroll(shop, token, phone, await phone.makeAuthKey(KEY_NAME));
  }
  return token;
}

export async function enroll(shop, token, phone, authKey) {
  const { data, status } = await shop.json('/device', { ask: asks.get(phone.name), authKey }, bearer(token));
  if (status !== 200) throw new Error(`the keys are refused: ${data.error}`);
}

export async function order(shop, token) {
  const { transfer: id, challenge } = (await shop.json('/transfer', { fen: 100 }, bearer(token))).data;
  return { id, challenge };
}

export function sign(phone, order) {
  return phone.signWithKey(KEY_NAME, order.challenge);
}

export async function pay(shop, token, order, { json, signature }) {
  return (await shop.json('/confirm', { transfer: order.id, json, signature }, bearer(token))).data.done === order.id;
}
