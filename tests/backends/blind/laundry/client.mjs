export async function login(shop, phone) {
  return (await shop.json('/login', { code: await phone.code() })).data.guest;
}

export async function order(shop, guest) {
  const { number: id, challenge } = (await shop.json('/wash/book', { guest })).data.wash;
  return { id, challenge };
}

export async function pay(shop, guest, order, { resultJSON: result, resultJSONSignature: signature }) {
  await shop.json('/wash/start', { guest, number: order.id, result, signature });
  return (await shop.json('/wash/status', { guest, number: order.id })).data.state === 'running';
}
