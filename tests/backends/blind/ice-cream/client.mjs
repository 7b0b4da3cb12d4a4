const call = async (shop, method, body) => (await shop.json(`/gw/${method}`, body)).data;

export async function login(shop, phone) {
  return (await call(shop, 'user.login', { code: await phone.code() })).data.token;
}

export async function order(shop, token) {
  const { orderNo } = (await call(shop, 'order.create', { token, flavour: 'sesame' })).data;
  const { payment } = (await call(shop, 'pay.prepare', { token, orderNo })).data;
  return { id: orderNo, challenge: payment.challenge };
}

export async function pay(shop, token, order, { resultJSON, resultJSONSignature }) {
  await call(shop, 'pay.confirm', { token, orderNo: order.id, payment: { resultJSON, resultJSONSignature } });
  return (await call(shop, 'order.query', { token, orderNo: order.id })).data.state === 'PAID';
}
