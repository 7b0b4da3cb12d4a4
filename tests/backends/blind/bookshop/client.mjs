export async function login(shop, phone) {
  return (await shop.form('/login', { code: await phone.code() })).data.token;
}

export async function order(shop, token) {
  const { reservation: id, toSign: challenge } = (await shop.form('/reserve', { token })).data;
  return { id, challenge };
}

export async function pay(shop, token, order, { resultJSON: json, resultJSONSignature: signature }) {
  return (await shop.form('/pay', { token, reservation: order.id, json, signature })).data.state === 'paid';
}
