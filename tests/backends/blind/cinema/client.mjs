export async function login(shop, phone) {
  return (await shop.json('/user/login', { code: await phone.code() })).cookie;
}

export async function order(shop, cookie) {
  const { booking, soter } = (await shop.json('/booking/new', { seat: 'F7' }, { cookie })).data.data;
  return { id: booking.id, challenge: soter.challenge };
}

/** The booking is found by what was signed. */
export async function pay(shop, cookie, order, { resultJSON: result, resultJSONSignature: signature }) {
  const answer = (await shop.json('/booking/confirm', { result, signature }, { cookie })).data;
  return answer.code === 0 && answer.data.booking.id === order.id && answer.data.booking.state === 'paid';
}
