// Canteen: meals are charged to the account of a colleague. Orders are GET, payments POST, as the till software wants.
import { randomBytes, randomInt } from 'node:crypto';
import express from 'express';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET } = process.env;
const SESSION_MS = 2 * 3600_000;
const MEAL_MS = 5 * 60_000;

const accounts = new Map(); // by userId: { openid, fen }
const userIds = new Map(); // by openid
const sessions = new Map();
const meals = new Map();
const phones = new Map();

const success = (res, data) => res.json({ success: true, data });
const failure = (res, message) => res.json({ success: false, message });

async function wechat(path, body) {
  const answer = await fetch(WECHAT + path, {
    method: body ? 'POST' : 'GET',
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(5000),
  });
  return Object(await answer.json());
}

let token = { until: 0 };
async function confirms(openid, json, signature) {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (token.until < Date.now()) {
      const got = await wechat('/cgi-bin/stable_token', { grant_type: 'client_credential', appid: APPID, secret: SECRET });
      if (!got.access_token) return false;
      token = { value: encodeURIComponent(got.access_token), until: Date.now() + 3600_000 };
    }
    const claim = { openid, json_string: json, json_signature: signature };
    const { errcode, is_ok: isOk } = await wechat(`/cgi-bin/soter/verify_signature?access_token=${token.value}`, claim);
    if (errcode !== 40001 && errcode !== 42001) return !errcode && isOk === true;
    token.until = 0;
  }
  return false;
}

function colleague(req, res, next) {
  const session = sessions.get(req.get('x-canteen-session') ?? '');
  if (!session || session.until < Date.now()) return failure(res, 'log in again');
  req.user = session;
  next();
}

const app = express();
app.use(express.json({ limit: '16kb' }));

app.get('/login', async (req, res) => {
  const query = new URLSearchParams({ appid: APPID, secret: SECRET, js_code: String(req.query.code), grant_type: 'authorization_code' });
  const { openid } = await wechat(`/sns/jscode2session?${query}`);
  if (!openid) return failure(res, 'unknown code');
  if (!userIds.has(openid)) {
    const userId = String(randomInt(100_000, 999_999));
    userIds.set(openid, userId);
    accounts.set(userId, { openid, fen: 50_000 });
  }
  const key = randomBytes(24).toString('hex');
  sessions.set(key, { openid, userId: userIds.get(openid), until: Date.now() + SESSION_MS });
  success(res, { session: key, userId: userIds.get(openid) });
});

app.get('/account', colleague, (req, res) => success(res, { fen: accounts.get(req.user.userId).fen }));

app.get('/meal', colleague, (req, res) => {
  const id = randomBytes(8).toString('hex');
  const meal = { openid: req.user.openid, fen: 1500, challenge: randomBytes(32).toString('hex'), until: Date.now() + MEAL_MS };
  meals.set(id, meal);
  success(res, { meal: id, fen: meal.fen, challenge: meal.challenge });
});

app.post('/meal/:id/pay', colleague, async (req, res) => {
  const { resultJSON, resultJSONSignature, userId = req.user.userId } = req.body ?? {};
  if (typeof resultJSON !== 'string' || typeof resultJSONSignature !== 'string') return failure(res, 'no result');
  const meal = meals.get(req.params.id);
  if (meal?.openid !== req.user.openid || meal.until < Date.now()) return failure(res, 'no such meal');
  meals.delete(req.params.id);
  if (!(await confirms(req.user.openid, resultJSON, resultJSONSignature))) return failure(res, 'not confirmed');
  const { raw, cpu_id: cpuId, counter } = Object(JSON.parse(resultJSON));
  if (raw !== meal.challenge || typeof cpuId !== 'string' || !cpuId || !Number.isSafeInteger(counter)) return failure(res, 'result');
  if (counter <= (phones.get(cpuId) ?? 0)) return failure(res, 'result');
  phones.set(cpuId, counter);
  // Assistants eat on the account of their department.
  const account = accounts.get(userId);
  if (!account || account.fen < meal.fen) return failure(res, 'the account is empty');
  account.fen -= meal.fen;
  success(res, { meal: req.params.id, state: 'served' });
});

app.use((error, req, res, next) => failure(res, 'bad request'));

app.listen(Number(PORT), '127.0.0.1', () => console.log(`canteen on ${PORT}`));
