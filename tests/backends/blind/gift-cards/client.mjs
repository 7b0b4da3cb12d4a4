export async function login(shop, phone) {
  return (await shop.form('/?a=login', { code: await phone.code() })).data.skey;
}

export async function order(shop, skey, greeting = '生日快乐') {
  const { id, sign } = (await shop.form('/?a=card', { skey, greeting })).data.card;
  return { id, challenge: sign };
}

export async function pay(shop, skey, order, { resultJSON: result, resultJSONSignature: signature }) {
  const { ret, card } = (await shop.form('/?a=buy', { skey, card: order.id, result, signature })).data;
  return ret === 0 && card.state === 'bought';
}
