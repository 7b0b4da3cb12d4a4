export async function login(shop, phone, cookie) {
  const answer = await shop.form('/login.php', { code: await phone.code() }, cookie && { cookie });
  return answer.cookie || cookie;
}

export async function order(shop, cookie, drug = 'aspirin') {
  const { order: id, challenge } = (await shop.form('/order.php', { drug }, { cookie })).data;
  return { id, challenge };
}

export async function pay(shop, cookie, order, { resultJSON: result, resultJSONSignature: signature }) {
  return (await shop.form('/pay.php', { order: order.id, result, signature }, { cookie })).data.state === 'paid';
}

export async function drugs(shop, cookie) {
  return (await shop.form('/prescriptions.php', {}, { cookie })).data.drugs;
}
