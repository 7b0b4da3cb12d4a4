const header = (session) => ({ 'x-canteen-session': session });

export async function login(shop, phone) {
  return (await shop.get(`/login?code=${encodeURIComponent(await phone.code())}`)).data.data.session;
}

export async function order(shop, session) {
  const { meal: id, challenge } = (await shop.get('/meal', header(session))).data.data;
  return { id, challenge };
}

export async function pay(shop, session, order, { resultJSON, resultJSONSignature }, more) {
  const body = { resultJSON, resultJSONSignature, ...more };
  return (await shop.json(`/meal/${order.id}/pay`, body, header(session))).data.success;
}

export async function balance(shop, session) {
  return (await shop.get('/account', header(session))).data.data.fen;
}
