const header = (session) => ({ 'x-wallet-session': session });
/** The members' numbers, of which every receiver tells theirs; here those that logged in. */
const friends = new Map();

export async function login(shop, phone) {
  const { key, number } = (await shop.json('/login', { code: await phone.code() })).data;
  friends.set(key, number);
  // Somebody has to be there who receives.
  if (new Set(friends.values()).size < 2) {
    const friend = await phone.desk.phone('friend', 'mallory');
    const other = (await shop.json('/login', { code: await friend.code() })).data;
    friends.set(other.key, other.number);
  }
  return key;
}

export async function order(shop, key, fen = 100) {
  const to = [...friends.values()].find((number) => number !== friends.get(key));
  const { packet, challenge } = (await shop.json('/packet', { to, fen }, header(key))).data;
  return { id: packet.id, challenge };
}

/** Nothing but the purse says that the packet was sent. */
export async function pay(shop, key, order, { resultJSON, resultJSONSignature }) {
  const before = await purse(shop, key);
  await shop.json('/packet/send', { id: order.id, resultJSON, resultJSONSignature }, header(key));
  return (await purse(shop, key)) < before;
}

export async function purse(shop, key) {
  return (await shop.get('/purse', header(key))).data.fen;
}
