export async function login(shop, phone) {
  return (await shop.form('/login', { code: await phone.code() })).cookie;
}

export async function order(shop, cookie) {
  const { text } = await shop.form('/tickets', {}, { cookie });
  return { id: /name="number" value="(.*?)"/.exec(text)[1], challenge: /id="challenge">(.*?)</.exec(text)[1] };
}

export async function pay(shop, cookie, order, { resultJSON: result, resultJSONSignature: signature }) {
  return (await shop.form('/pay', { number: order.id, result, signature }, { cookie })).text.includes('class="paid"');
}
