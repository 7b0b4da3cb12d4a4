// The server of a bank's Android app: the app uploads its keys with Tencent's SDK, and transfers are confirmed by fingerprint.
// Asks WeChat's TAM whether an ASK is a real phone's, and verifies everything else itself.
import { constants, createPublicKey, randomBytes, scryptSync, timingSafeEqual, verify } from 'node:crypto';
import { createServer } from 'node:http';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET } = process.env;
const SESSION_MS = 2 * 3600_000;
const TRANSFER_MS = 5 * 60_000;

const accounts = new Map(); // by name: { salt, hash, device: { cpuId, uid, key, salt } }
const sessions = new Map(); // by token: { name, until }
const transfers = new Map(); // by id: { name, challenge, until }
const owners = new Map(); // by cpu_id: the account's name
const counters = new Map(); // by cpu_id: the highest of a confirmed transfer

class Refusal extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

async function wechat(path, body) {
  const answer = await fetch(WECHAT + path, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(5000) });
  return Object(await answer.json());
}

async function isGenuine({ json, signature }) {
  const { access_token: token } = await wechat('/cgi-bin/stable_token', { grant_type: 'client_credential', appid: APPID, secret: SECRET });
  if (!token) throw new Refusal(502, 'WeChat gives no token');
  const path = `/cgi-bin/soter_3rdapp/verify_ask?access_token=${encodeURIComponent(token)}`;
  const answer = await wechat(path, { ask_json: json, ask_json_signature: signature });
  return !answer.errcode && answer.is_verified === true;
}

/** A key or a result: its JSON, of which all members that are used have the right types. */
function parse(json) {
  let value;
  try {
    value = Object(JSON.parse(json));
  } catch {
    throw new Refusal(400, 'not JSON');
  }
  const { cpu_id: cpuId, uid, counter, pub_key: pem, rsa_pss_saltlen: salt = 20, raw } = value;
  if (typeof cpuId !== 'string' || !cpuId || typeof uid !== 'string' || !uid || !Number.isSafeInteger(counter)) {
    throw new Refusal(400, 'cpu_id, uid or counter');
  }
  return { cpuId, uid, counter, pem, salt, raw };
}

function rsaKey(pem) {
  let key;
  try {
    key = createPublicKey(String(pem));
  } catch {
    throw new Refusal(400, 'pub_key');
  }
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== 'rsa' || modulusLength !== 2048 || publicExponent !== 65537n) throw new Refusal(400, 'pub_key');
  return key;
}

function isSigned({ json, signature }, key, saltLength) {
  const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return verify('sha256', Buffer.from(json), options, Buffer.from(signature, 'base64'));
}

function exported(value) {
  const { json, signature } = Object(value);
  if (typeof json !== 'string' || typeof signature !== 'string') throw new Refusal(400, 'json and signature');
  return { json, signature };
}

const routes = {
  async '/open'(_, { name, password }) {
    if (typeof name !== 'string' || !name || typeof password !== 'string' || password.length < 8) throw new Refusal(400, 'name, password');
    if (!accounts.has(name)) {
      const salt = randomBytes(16);
      accounts.set(name, { salt, hash: scryptSync(password, salt, 32), device: undefined });
    }
    const { salt, hash } = accounts.get(name);
    if (!timingSafeEqual(scryptSync(password, salt, 32), hash)) throw new Refusal(401, 'wrong password');
    const token = randomBytes(32).toString('hex');
    sessions.set(token, { name, until: Date.now() + SESSION_MS });
    return { token };
  },

  async '/device'(name, body) {
    const [ask, authKey] = [exported(body.ask), exported(body.authKey)];
    const [parent, child] = [parse(ask.json), parse(authKey.json)];
    if (!(await isGenuine(ask))) throw new Refusal(403, 'the ASK is not a known phone\'s');
    if (![20, 32].includes(child.salt) || !isSigned(authKey, rsaKey(parent.pem), parent.salt)) throw new Refusal(403, 'the AuthKey is not signed');
    if (child.cpuId !== parent.cpuId || child.uid !== parent.uid) throw new Refusal(403, 'the AuthKey is another phone\'s or app\'s');
    if (child.counter <= parent.counter) throw new Refusal(403, 'the AuthKey is older than its ASK');
    if ((owners.get(child.cpuId) ?? name) !== name) throw new Refusal(403, 'the phone is another customer\'s');
    owners.set(child.cpuId, name);
    accounts.get(name).device = { cpuId: child.cpuId, uid: child.uid, key: rsaKey(child.pem), salt: child.salt };
    return { device: child.cpuId };
  },

  async '/transfer'(name, { fen }) {
    if (!Number.isSafeInteger(fen) || fen < 1) throw new Refusal(400, 'fen');
    const [id, challenge] = [randomBytes(8).toString('hex'), randomBytes(32).toString('hex')];
    transfers.set(id, { name, challenge, until: Date.now() + TRANSFER_MS });
    return { transfer: id, challenge };
  },

  async '/confirm'(name, { transfer: id, ...body }) {
    const result = exported(body);
    const transfer = transfers.get(id);
    if (transfer?.name !== name || transfer.until < Date.now()) throw new Refusal(409, 'no such transfer');
    transfers.delete(id);
    const { device } = accounts.get(name);
    if (!device || !isSigned(result, device.key, device.salt)) throw new Refusal(403, 'the signature does not hold');
    const { raw, cpuId, uid, counter } = parse(result.json);
    if (raw !== transfer.challenge || cpuId !== device.cpuId || uid !== device.uid) throw new Refusal(403, 'another result');
    if (counter <= (counters.get(cpuId) ?? 0)) throw new Refusal(403, 'an old result');
    counters.set(cpuId, counter);
    return { done: id };
  },
};

createServer(async (request, response) => {
  const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  try {
    const chunks = [];
    for await (const chunk of request) if (chunks.push(chunk) > 64) throw new Refusal(413, 'too long');
    let body;
    try {
      body = Object(JSON.parse(Buffer.concat(chunks).toString()));
    } catch {
      throw new Refusal(400, 'not JSON');
    }
    if (request.method !== 'POST' || !Object.hasOwn(routes, request.url)) throw new Refusal(404, 'no such path');
    const session = sessions.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (request.url !== '/open' && !(session?.until > Date.now())) throw new Refusal(401, 'log in again');
    send(200, await routes[request.url](session?.name, body));
  } catch (error) {
    if (error instanceof Refusal) return send(error.status, { error: error.message });
    console.error(error);
    send(500, { error: 'internal' });
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`bank on ${PORT}`));
