const header = (token) => ({ 'x-token': token });

export async function login(shop, phone) {
  return (await shop.json('/api/login', { code: await phone.code() })).data.data.token;
}

export async function order(shop, token) {
  const { ride, auth } = (await shop.json('/api/unlock', { bike: '77' }, header(token))).data.data;
  return { id: ride.id, challenge: auth.challenge };
}

export async function pay(shop, token, order, { resultJSON, resultJSONSignature }) {
  return (await shop.json('/api/confirm', { ride: order.id, resultJSON, resultJSONSignature }, header(token))).data.code === 0;
}
