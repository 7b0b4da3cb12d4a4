const KEY_NAME = 'ride';
const header = (token) => ({ 'x-token': token });
/** The ASK of each phone, as the app keeps its export. */
export const asks = new Map();

export async function login(shop, phone) {
  const { token } = (await shop.json('/login', { code: await phone.code() })).data;
  if (!asks.has(phone.name)) {
    asks.set(phone.name, await phone.makeAsk());
    await enroll(shop, token, asks.get(phone.name), await phone.makeAuthKey(KEY_NAME));
  }
  return token;
}

export async function enroll(shop, token, ask, authKey) {
  const keys = { ask_json: ask.json, ask_signature: ask.signature, auth_key_json: authKey.json, auth_key_signature: authKey.signature };
  const { data, status } = await shop.json('/keys', keys, header(token));
  if (status !== 200) throw new Error(`the keys are refused: ${data?.error}`);
}

export async function order(shop, token) {
  const { ride: id, challenge } = (await shop.json('/ride', {}, header(token))).data;
  return { id, challenge };
}

export function sign(phone, order) {
  return phone.signWithKey(KEY_NAME, order.challenge);
}

export async function pay(shop, token, order, { json, signature }) {
  return (await shop.json('/ride/confirm', { ride: order.id, json, signature }, header(token))).data.state === 'confirmed';
}
