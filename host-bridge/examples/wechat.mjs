// WeChat's servers, as a backend calls them: https://api.weixin.qq.com, or soter-sim instead.
import { Refusal } from './json_server.mjs';

const PATIENCE = 5000;
/** The access_token has expired, or another one has replaced it. */
const STALE_TOKEN = [40001, 42001];

export class WeChat {
  #account;
  #token = { value: '', until: 0 };

  constructor({ url = 'https://api.weixin.qq.com', appid, secret }) {
    this.#account = { url, appid, secret };
  }

  /** The user of a code from wx.login. */
  async openidOf(code) {
    const { appid, secret } = this.#account;
    const query = new URLSearchParams({ appid, secret, js_code: code, grant_type: 'authorization_code' });
    const { openid, errcode, errmsg } = await this.#ask(`/sns/jscode2session?${query}`);
    if (errcode || typeof openid !== 'string') throw new Refusal(401, `jscode2session: ${errcode} ${errmsg}`);
    return openid;
  }

  /** Refuses unless WeChat says that this user's phone has signed exactly these bytes. */
  async verifySignature(claim) {
    let answer = await this.#verify(claim);
    if (STALE_TOKEN.includes(answer.errcode)) {
      this.#token.until = 0;
      answer = await this.#verify(claim);
    }
    const { is_ok: isOk, errcode, errmsg, reason } = answer;
    if (errcode) throw new Refusal(403, `verify_signature: ${errcode} ${errmsg}`);
    if (isOk !== true) throw new Refusal(403, `verify_signature: is_ok is false${reason ? ` (${reason})` : ''}`);
  }

  async #verify(claim) {
    const token = encodeURIComponent(await this.#accessToken());
    return this.#ask(`/cgi-bin/soter/verify_signature?access_token=${token}`, claim);
  }

  async #accessToken() {
    if (Date.now() < this.#token.until) return this.#token.value;
    const { appid, secret } = this.#account;
    const grant = { grant_type: 'client_credential', appid, secret };
    const { access_token: value, expires_in: seconds, errcode, errmsg } = await this.#ask('/cgi-bin/stable_token', grant);
    if (typeof value !== 'string') throw new Refusal(502, `stable_token: ${errcode} ${errmsg}`);
    // A tenth earlier, so that no token expires in transit.
    this.#token = { value, until: Date.now() + (seconds > 0 ? seconds * 900 : 0) };
    return value;
  }

  /** soter-sim gives its reason in a header. WeChat itself never says why. */
  async #ask(path, body) {
    const request = body && { method: 'POST', body: JSON.stringify(body) };
    try {
      const answer = await fetch(new URL(path, this.#account.url), { ...request, signal: AbortSignal.timeout(PATIENCE) });
      return { ...(await answer.json()), reason: answer.headers.get('x-soter-sim-reason') };
    } catch (error) {
      throw new Refusal(502, `${this.#account.url} gives no answer: ${error.cause?.message ?? error.message}`);
    }
  }
}
