export async function login(shop, phone) {
  const { headers } = await shop.form('/login.php', { code: await phone.code() });
  // The first cookie is of the session before the login, the last one of the session after it.
  return headers.getSetCookie().at(-1).split(';')[0];
}

export async function order(shop, cookie) {
  const { order: id, challenge } = (await shop.form('/order.php', { bread: 'rye' }, { cookie })).data;
  return { id, challenge };
}

export async function pay(shop, cookie, order, { resultJSON: result, resultJSONSignature: signature }) {
  return (await shop.form('/pay.php', { order: order.id, result, signature }, { cookie })).data.state === 'paid';
}
