// Hotel: rooms are held, and paid by fingerprint. A held room stays held until the desk clerk lets it go.
import { randomBytes } from 'node:crypto';
import express from 'express';

const { PORT, SOTER_SIM_URL: WECHAT, SOTER_SIM_APPID: APPID, SOTER_SIM_SECRET: SECRET } = process.env;
const SESSION_MS = 2 * 3600_000;
const ROOMS = new Map([['single', 28_000], ['double', 39_000]]);

const sessions = new Map();
const stays = new Map();
const counters = new Map();

class WeChat {
  #token = '';
  #until = 0;

  async #ask(path, body) {
    const options = body && { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(WECHAT + path, { ...options, signal: AbortSignal.timeout(5000) });
    return Object(await answer.json());
  }

  async openidOf(code) {
    const query = new URLSearchParams({ appid: APPID, secret: SECRET, js_code: code, grant_type: 'authorization_code' });
    return (await this.#ask(`/sns/jscode2session?${query}`)).openid;
  }

  async #accessToken() {
    if (this.#until < Date.now()) {
      const got = await this.#ask('/cgi-bin/stable_token', { grant_type: 'client_credential', appid: APPID, secret: SECRET });
      if (!got.access_token) throw new Error('no access token');
      [this.#token, this.#until] = [encodeURIComponent(got.access_token), Date.now() + 3600_000];
    }
    return this.#token;
  }

  async isSigned(openid, json, signature, isRepetition = false) {
    const path = `/cgi-bin/soter/verify_signature?access_token=${await this.#accessToken()}`;
    const answer = await this.#ask(path, { openid, json_string: json, json_signature: signature });
    if ([40001, 42001].includes(answer.errcode) && !isRepetition) {
      this.#until = 0;
      return this.isSigned(openid, json, signature, true);
    }
    return !answer.errcode && answer.is_ok === true;
  }
}

const wechat = new WeChat();
const app = express();
app.use(express.json({ limit: '16kb' }));

app.post('/guests/login', async (req, res) => {
  const openid = typeof req.body?.code === 'string' ? await wechat.openidOf(req.body.code) : undefined;
  if (!openid) return res.status(401).json({ error: 'login' });
  const id = randomBytes(24).toString('hex');
  sessions.set(id, { openid, until: Date.now() + SESSION_MS });
  res.cookie('guest', id, { httpOnly: true, sameSite: 'strict' }).redirect(303, '/guests/me');
});

app.use((req, res, next) => {
  const [, id] = /(?:^|; )guest=([0-9a-f]{48})/.exec(req.get('cookie') ?? '') ?? [];
  const session = sessions.get(id);
  if (!session || session.until < Date.now()) return res.status(401).json({ error: 'log in again' });
  req.openid = session.openid;
  next();
});

app.get('/guests/me', (req, res) => {
  const mine = [...stays].filter(([, stay]) => stay.openid === req.openid);
  res.json({ stays: mine.map(([id, { room, fen, state }]) => ({ id, room, fen, state })) });
});

app.post('/stays', (req, res) => {
  const fen = ROOMS.get(req.body?.room);
  if (!fen) return res.status(404).json({ error: 'no such room' });
  const id = randomBytes(8).toString('hex');
  stays.set(id, { openid: req.openid, room: req.body.room, fen, state: 'held', challenge: undefined });
  res.status(201).json({ id, fen });
});

app.post('/stays/:id/prepare', (req, res) => {
  const stay = stays.get(req.params.id);
  if (stay?.openid !== req.openid || stay.state !== 'held') return res.status(409).json({ error: 'not held' });
  stay.challenge ??= `${req.params.id}.${stay.fen}.${randomBytes(24).toString('hex')}`;
  res.json({ soter: { modes: ['fingerPrint', 'facial'], challenge: stay.challenge } });
});

app.post('/stays/:id/pay', async (req, res) => {
  const stay = stays.get(req.params.id);
  const { result, signature } = req.body?.soter ?? {};
  if (stay?.openid !== req.openid || stay.state !== 'held' || !stay.challenge) return res.status(409).json({ error: 'not held' });
  if (typeof result !== 'string' || typeof signature !== 'string') return res.status(400).json({ error: 'soter' });
  const { challenge } = stay;
  stay.challenge = undefined;
  if (!(await wechat.isSigned(req.openid, result, signature))) return res.status(403).json({ error: 'signature' });
  const { raw, cpu_id: cpuId, counter } = Object(JSON.parse(result));
  if (raw !== challenge || typeof cpuId !== 'string' || !cpuId) return res.status(403).json({ error: 'result' });
  if (!Number.isSafeInteger(counter) || counter <= (counters.get(cpuId) ?? 0)) return res.status(403).json({ error: 'counter' });
  if (stay.state !== 'held') return res.status(409).json({ error: 'not held' });
  counters.set(cpuId, counter);
  stay.state = 'paid';
  res.json({ id: req.params.id, state: stay.state });
});

app.use((error, req, res, next) => res.status(500).json({ error: 'internal' }));

app.listen(Number(PORT), '127.0.0.1', () => console.log(`hotel on ${PORT}`));
