export async function login(shop, phone) {
  return (await shop.form('/driver/login', { code: await phone.code() })).cookie;
}

export async function order(shop, cookie) {
  const { data, headers } = await shop.form('/pump/open', { pump: '3' }, { cookie });
  return { id: data.fill, challenge: headers.get('x-soter-challenge') };
}

export async function pay(shop, cookie, order, { resultJSON: json, resultJSONSignature: signature }) {
  return (await shop.form('/pump/pay', { fill: order.id, json, signature }, { cookie })).data.ok;
}
