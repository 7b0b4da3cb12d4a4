const bearer = (jwt) => ({ authorization: `Bearer ${jwt}` });

export async function login(shop, phone) {
  return (await shop.form('/login', { code: await phone.code() })).data.jwt;
}

export async function order(shop, jwt, course = 'yoga') {
  const { booking: id, challenge } = (await shop.form('/book', { course }, bearer(jwt))).data;
  return { id, challenge };
}

export async function pay(shop, jwt, order, { resultJSON, resultJSONSignature }) {
  return (await shop.form('/pay', { booking: order.id, resultJSON, resultJSONSignature }, bearer(jwt))).data.state === 'paid';
}

export async function bookings(shop, jwt) {
  return (await shop.get('/bookings', bearer(jwt))).data;
}
