const KEY_NAME = 'receipt';
const enrolled = new Set();

export async function login(shop, phone) {
  const { token } = (await shop.form('/login', { courier: phone.name, password: 'correct horse' })).data;
  if (!enrolled.has(phone.name)) {
    enrolled.add(phone.name);
    await upload(shop, '/soter/ask', token, await phone.makeAsk());
    await upload(shop, '/soter/authkey', token, await phone.makeAuthKey(KEY_NAME));
  }
  return token;
}

async function upload(shop, path, token, { json, signature }) {
  const { data } = await shop.form(path, { token, json, signature });
  if (!data.ok) throw new Error(`${path}: ${data.error}`);
}

export async function order(shop, token) {
  const { receipt: id, challenge } = (await shop.form('/receipt', { token })).data;
  return { id, challenge };
}

export async function sign(phone, order) {
  const { json, signature } = await phone.signWithKey(KEY_NAME, order.challenge);
  return { resultJSON: json, resultJSONSignature: signature };
}

export async function pay(shop, token, order, { resultJSON: json, resultJSONSignature: signature }) {
  return (await shop.form('/receipt/sign', { token, receipt: order.id, json, signature })).data.signed === true;
}
