// Ice cream: each customer pays with one phone, the first one with which they paid. Answers are always 200, with a code.
import { randomBytes } from 'node:crypto';
import express from 'express';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET } = process.env;
const MINUTE = 60_000;

const tokens = new Map(); // { openid, until }
const scoops = new Map(); // { openid, challenge, state, until }
const phones = new Map(); // by cpu_id: { openid, counter }
const phoneOf = new Map(); // by openid: cpu_id

class Failure extends Error {
  constructor(code, msg) {
    super(msg);
    this.code = code;
  }
}

async function wechat(path, body) {
  try {
    const options = body && { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(WECHAT + path, { ...options, signal: AbortSignal.timeout(4000) });
    return Object(await answer.json());
  } catch {
    throw new Failure(50200, 'wechat timeout');
  }
}

let access = { until: 0 };
async function accessToken() {
  if (access.until < Date.now()) {
    const got = await wechat('/cgi-bin/stable_token', { grant_type: 'client_credential', appid: APPID, secret: SECRET });
    if (typeof got.access_token !== 'string') throw new Failure(50201, 'wechat token');
    access = { token: encodeURIComponent(got.access_token), until: Date.now() + 60 * MINUTE };
  }
  return access.token;
}

async function verify(openid, json, signature) {
  const claim = { openid, json_string: json, json_signature: signature };
  let answer = await wechat(`/cgi-bin/soter/verify_signature?access_token=${await accessToken()}`, claim);
  if (answer.errcode === 40001 || answer.errcode === 42001) {
    access.until = 0;
    answer = await wechat(`/cgi-bin/soter/verify_signature?access_token=${await accessToken()}`, claim);
  }
  if (answer.errcode || answer.is_ok !== true) throw new Failure(40301, 'fingerprint refused');
}

const app = express();
app.use(express.json({ limit: '16kb' }));
const route = (path, handler) =>
  app.post(path, async (req, res) => {
    try {
      const body = Object(req.body);
      const session = tokens.get(body.token);
      if (path !== '/gw/user.login' && !(session?.until > Date.now())) throw new Failure(40100, 'token expired');
      res.json({ code: 0, msg: 'success', data: await handler(body, session?.openid) });
    } catch (error) {
      if (!(error instanceof Failure)) console.error(error);
      res.json({ code: error.code ?? 50000, msg: error instanceof Failure ? error.message : 'system busy', data: {} });
    }
  });

route('/gw/user.login', async ({ code }) => {
  if (typeof code !== 'string' || !code) throw new Failure(40000, 'code');
  const query = new URLSearchParams({ appid: APPID, secret: SECRET, js_code: code, grant_type: 'authorization_code' });
  const { openid } = await wechat(`/sns/jscode2session?${query}`);
  if (typeof openid !== 'string') throw new Failure(40101, 'code');
  const token = randomBytes(32).toString('hex');
  tokens.set(token, { openid, until: Date.now() + 120 * MINUTE });
  return { token, expiresIn: 7200 };
});

route('/gw/order.create', ({ flavour }, openid) => {
  if (!['vanilla', 'sesame'].includes(flavour)) throw new Failure(40400, 'flavour');
  const orderNo = randomBytes(10).toString('hex');
  scoops.set(orderNo, { openid, state: 'CREATED', until: Date.now() + 10 * MINUTE });
  return { orderNo, amount: '9.00' };
});

route('/gw/pay.prepare', ({ orderNo }, openid) => {
  const scoop = scoops.get(orderNo);
  if (scoop?.openid !== openid || scoop.state !== 'CREATED' || scoop.until < Date.now()) throw new Failure(40900, 'order state');
  scoop.challenge = `${orderNo}:9.00:${randomBytes(24).toString('hex')}`;
  return { payment: { challenge: scoop.challenge } };
});

route('/gw/pay.confirm', async ({ orderNo, payment }, openid) => {
  const { resultJSON, resultJSONSignature } = Object(payment);
  const scoop = scoops.get(orderNo);
  if (scoop?.openid !== openid || scoop.state !== 'CREATED' || scoop.until < Date.now()) throw new Failure(40900, 'order state');
  if (!scoop.challenge || typeof resultJSON !== 'string' || typeof resultJSONSignature !== 'string') throw new Failure(40000, 'payment');
  const { challenge } = scoop;
  scoop.challenge = undefined;
  await verify(openid, resultJSON, resultJSONSignature);
  const { raw, cpu_id: cpuId, counter } = Object(JSON.parse(resultJSON));
  if (raw !== challenge || typeof cpuId !== 'string' || !cpuId || !Number.isSafeInteger(counter)) throw new Failure(40302, 'result');
  if (scoop.state !== 'CREATED') throw new Failure(40900, 'order state');
  const phone = phones.get(cpuId) ?? { openid, counter: -1 };
  if ((phoneOf.get(openid) ?? cpuId) !== cpuId || phone.openid !== openid) throw new Failure(40303, 'new phone: visit the shop');
  if (counter <= phone.counter) throw new Failure(40304, 'result');
  phones.set(cpuId, { openid, counter });
  phoneOf.set(openid, cpuId);
  scoop.state = 'PAID';
  return { orderNo };
});

route('/gw/order.query', ({ orderNo }, openid) => {
  const scoop = scoops.get(orderNo);
  if (scoop?.openid !== openid) throw new Failure(40400, 'order');
  return { orderNo, state: scoop.state };
});

app.use((error, req, res, next) => res.json({ code: 40000, msg: 'bad request', data: {} }));
app.listen(Number(PORT), '127.0.0.1', () => console.log(`ice cream on ${PORT}`));
