export async function login(shop, phone) {
  return (await shop.json('/login', { code: await phone.code() })).data.data.session;
}

export async function order(shop, session) {
  const { orderId: id, challenge } = (await shop.json('/order/create', { session, bouquet: 'roses' })).data.data;
  return { id, challenge };
}

export async function pay(shop, session, order, { resultJSON, resultJSONSignature: signature }) {
  return (await shop.json('/order/pay', { session, orderId: order.id, resultJSON, signature })).data.code === 0;
}
