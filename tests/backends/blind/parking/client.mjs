export async function login(shop, phone) {
  return (await shop.json('/login', { code: await phone.code() })).data.key;
}

export async function order(shop, key, hours = 1) {
  const { ticket } = (await shop.json('/ticket', { key, hours })).data;
  const { challenge } = (await shop.json('/challenge', { key, ticket })).data;
  return { id: ticket, challenge };
}

export async function pay(shop, key, order, { resultJSON, resultJSONSignature }) {
  return (await shop.json('/pay', { key, ticket: order.id, resultJSON, resultJSONSignature })).data.paid === true;
}
