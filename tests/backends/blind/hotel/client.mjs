export async function login(shop, phone) {
  return (await shop.json('/guests/login', { code: await phone.code() })).cookie;
}

export async function order(shop, cookie) {
  const { id } = (await shop.json('/stays', { room: 'single' }, { cookie })).data;
  const { soter } = (await shop.json(`/stays/${id}/prepare`, {}, { cookie })).data;
  return { id, challenge: soter.challenge };
}

export async function pay(shop, cookie, order, { resultJSON: result, resultJSONSignature: signature }) {
  await shop.json(`/stays/${order.id}/pay`, { soter: { result, signature } }, { cookie });
  const { stays } = (await shop.get('/guests/me', { cookie })).data;
  return stays.find(({ id }) => id === order.id).state === 'paid';
}
