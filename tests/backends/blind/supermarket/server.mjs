// Supermarket: the basket is paid by fingerprint. Every request is signed over its sorted parameters, as our gateway wants it.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import express from 'express';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET } = process.env;
const CLIENT_KEY = 'mini-program-2024'; // is in the mini program's package as well
const MINUTE = 60_000;

const sessions = new Map();
const baskets = new Map();
const counters = new Map();
const nonces = new Map();

const ok = (res, data) => res.json({ code: 0, msg: 'ok', data });
const fail = (res, code, msg) => res.json({ code, msg, data: null });

async function wechat(path, body) {
  const answer = await fetch(WECHAT + path, {
    method: body ? 'POST' : 'GET',
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(5000),
  });
  return Object(await answer.json());
}

async function signatureHolds(openid, json, signature) {
  const { access_token: token } = await wechat('/cgi-bin/stable_token', {
    grant_type: 'client_credential',
    appid: APPID,
    secret: SECRET,
  });
  if (!token) return false;
  const claim = { openid, json_string: json, json_signature: signature };
  const answer = await wechat(`/cgi-bin/soter/verify_signature?access_token=${encodeURIComponent(token)}`, claim);
  return !answer.errcode && answer.is_ok === true;
}

const app = express();
app.use(express.urlencoded({ extended: false, limit: '16kb' }));

// sign = upper-case MD5 of name=value&…&key=KEY over all other parameters that are not empty, sorted by name.
app.use((req, res, next) => {
  const { sign, ...rest } = Object(req.body);
  if (typeof sign !== 'string' || Object.values(rest).some((value) => typeof value !== 'string')) return fail(res, 4001, 'sign');
  const text = Object.keys(rest).filter((name) => rest[name]).sort().map((name) => `${name}=${rest[name]}&`).join('');
  const expected = createHash('md5').update(`${text}key=${CLIENT_KEY}`).digest('hex').toUpperCase();
  if (sign.length !== 32 || !timingSafeEqual(Buffer.from(sign.padEnd(32).slice(0, 32), 'latin1'), Buffer.from(expected))) {
    return fail(res, 4001, 'sign');
  }
  const age = Math.abs(Date.now() - Number(rest.timestamp) * 1000);
  if (!(age < 5 * MINUTE)) return fail(res, 4002, 'timestamp');
  for (const [nonce, until] of nonces) if (until < Date.now()) nonces.delete(nonce);
  if (!rest.nonce || nonces.has(rest.nonce)) return fail(res, 4003, 'nonce');
  nonces.set(rest.nonce, Date.now() + 10 * MINUTE);
  next();
});

app.post('/v1/login', async (req, res) => {
  const query = new URLSearchParams({ appid: APPID, secret: SECRET, js_code: req.body.code ?? '', grant_type: 'authorization_code' });
  const { openid } = await wechat(`/sns/jscode2session?${query}`);
  if (!openid) return fail(res, 4010, 'login');
  const session = randomBytes(20).toString('hex');
  sessions.set(session, { openid, until: Date.now() + 120 * MINUTE });
  ok(res, { session });
});

app.use((req, res, next) => {
  const session = sessions.get(req.body.session);
  if (!session || session.until < Date.now()) return fail(res, 4011, 'session');
  req.openid = session.openid;
  next();
});

app.post('/v1/basket', (req, res) => {
  const cents = Number(req.body.cents);
  if (!Number.isInteger(cents) || cents < 1 || cents > 500_000) return fail(res, 4040, 'cents');
  const basket = { no: randomBytes(8).toString('hex'), openid: req.openid, cents, state: 'NEW', until: Date.now() + 5 * MINUTE };
  baskets.set(basket.no, basket);
  ok(res, { no: basket.no, cents });
});

app.post('/v1/basket/prepare', (req, res) => {
  const basket = baskets.get(req.body.no);
  if (basket?.openid !== req.openid || basket.state !== 'NEW') return fail(res, 4041, 'basket');
  basket.nonce = randomBytes(16).toString('hex');
  ok(res, { challenge: `pay|${basket.no}|${basket.cents}|${basket.nonce}` });
});

app.post('/v1/basket/pay', async (req, res) => {
  const { no, result, signature } = req.body;
  const basket = baskets.get(no);
  if (basket?.openid !== req.openid || basket.state !== 'NEW' || !basket.nonce || basket.until < Date.now()) return fail(res, 4041, 'basket');
  basket.state = 'CHECKING';
  const refuse = (code, msg) => {
    basket.state = 'FAILED';
    fail(res, code, msg);
  };
  if (!result || !signature || !(await signatureHolds(req.openid, result, signature))) return refuse(4030, 'signature');
  const { raw, cpu_id: cpuId, counter } = Object(JSON.parse(result));
  if (typeof raw !== 'string' || typeof cpuId !== 'string' || !cpuId || !Number.isSafeInteger(counter)) return refuse(4031, 'result');
  const [purpose, signedNo, , nonce, ...more] = raw.split('|');
  if (purpose !== 'pay' || signedNo !== basket.no || nonce !== basket.nonce || more.length > 0) return refuse(4032, 'challenge');
  if (counter <= (counters.get(cpuId) ?? 0)) return refuse(4033, 'counter');
  counters.set(cpuId, counter);
  basket.state = 'PAID';
  ok(res, { no: basket.no, cents: basket.cents, state: basket.state });
});

app.use((error, req, res, next) => fail(res, 5000, 'internal'));

app.listen(Number(PORT), '127.0.0.1', () => console.log(`supermarket on ${PORT}`));
