export async function login(shop, phone) {
  const { headers } = await shop.form('/login', { code: await phone.code() });
  return headers.getSetCookie().at(-1).split(';')[0];
}

export async function order(shop, cookie) {
  const { headers } = await shop.form('/order', {}, { cookie });
  const { text } = await shop.get(headers.get('location'), { cookie });
  return { id: /\/pay\?id=(\w+)/.exec(text)[1], challenge: /name="challenge" value="(\w+)"/.exec(text)[1] };
}

export async function pay(shop, cookie, order, { resultJSON, resultJSONSignature }) {
  const { headers, status } = await shop.form(`/pay?id=${order.id}`, { resultJSON, resultJSONSignature }, { cookie });
  return status === 303 && (await shop.get(headers.get('location'), { cookie })).text.includes('Paid. Thank you!');
}
