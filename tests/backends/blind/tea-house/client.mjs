const header = (session) => ({ 'x-session': session });

export async function login(shop, phone) {
  return (await shop.json('/login', { code: await phone.code() })).data.session;
}

export async function order(shop, session) {
  const { number: id, challenge } = (await shop.json('/cups', { tea: 'oolong' }, header(session))).data;
  return { id, challenge };
}

export async function pay(shop, session, order, { resultJSON, resultJSONSignature }) {
  const answer = await shop.json(`/cups/${order.id}/confirm`, { resultJSON, resultJSONSignature }, header(session));
  return answer.data.paid === true;
}
