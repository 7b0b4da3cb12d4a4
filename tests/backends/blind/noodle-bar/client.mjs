const bearer = (session) => ({ authorization: `Bearer ${session}` });

export async function login(shop, phone) {
  return (await shop.json('/api/login', { code: await phone.code() })).data.token;
}

export async function order(shop, session) {
  return (await shop.json('/api/orders', { dish: 'beef' }, bearer(session))).data;
}

export async function pay(shop, session, order, { resultJSON, resultJSONSignature }) {
  const answer = await shop.json(`/api/orders/${order.id}/pay`, { resultJSON, resultJSONSignature }, bearer(session));
  return answer.data.state === 'paid';
}
