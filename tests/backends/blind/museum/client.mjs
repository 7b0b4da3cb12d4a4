export async function login(shop, phone) {
  return (await shop.json('/login', { code: await phone.code() })).cookie;
}

export async function order(shop, cookie) {
  const { visit: id, challenge } = (await shop.json('/visits', {}, { cookie })).data;
  return { id, challenge };
}

/** Repeats the request, as a client on a bad line does, and counts the tickets. */
export async function pay(shop, cookie, order, { resultJSON, resultJSONSignature }) {
  const tickets = async () => (await shop.get('/tickets', { cookie })).data.tickets.length;
  const before = await tickets();
  const send = () => shop.json(`/visits/${order.id}/pay`, { resultJSON, resultJSONSignature }, { cookie });
  const [first, second] = [await send(), await send()];
  if (first.data.ticket !== second.data.ticket) throw new Error('the repetition gets another ticket');
  const more = (await tickets()) - before;
  if (more !== (first.data.state === 'paid' ? 1 : 0)) throw new Error(`${more} tickets more`);
  return more === 1;
}
