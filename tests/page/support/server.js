// A server of the program under test, and calls to it.

import assert from 'node:assert/strict';

import { ACCOUNT, serve } from '../../../host-bridge/miniprogram/test/support/program.js';

/** Waits until a condition is true. */
export async function until(holds) {
  const deadline = performance.now() + 15_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `this never holds: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a server with only a new phone on its desk. */
export async function start(options) {
  return new Server(await serve(options));
}

class Server {
  #program;

  constructor(program) {
    this.#program = program;
    this.url = program.url;
    this.port = new URL(program.url).port;
  }

  /** Sends a body to /rpc and returns the answer unchanged. It fails after a minute without an answer. */
  async post(body) {
    const answer = await fetch(`${this.url}/rpc`, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(60_000) });
    return answer.json();
  }

  /** Calls a method; its error fails the test. */
  async rpc(method, params = {}) {
    const { result, error } = await this.post({ jsonrpc: '2.0', id: 1, method, params });
    assert.equal(error, undefined, JSON.stringify(error));
    return result;
  }

  /** Calls methods in batches of the maximum size. */
  async batches(calls) {
    for (let first = 0; first < calls.length; first += 64) {
      const part = calls.slice(first, first + 64);
      const answers = await this.post(part.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })));
      assert.ok(answers.every(({ error }) => error === undefined), JSON.stringify(answers));
    }
  }

  /** An authentication that waits for a touch; `answer` is a promise. */
  authenticate(challenge, others = {}) {
    return this.rpc('wx.startSoterAuthentication', { requestAuthModes: ['fingerPrint', 'facial'], challenge, ...others });
  }

  /** What a mini program's backend does: it gets a token and then verifies a result. */
  async token() {
    const { appid, secret } = ACCOUNT;
    const query = new URLSearchParams({ grant_type: 'client_credential', appid, secret });
    return (await (await fetch(`${this.url}/cgi-bin/token?${query}`)).json()).access_token;
  }

  async verify(token, { resultJSON, resultJSONSignature }) {
    const body = { openid: ACCOUNT.openid, json_string: resultJSON, json_signature: resultJSONSignature };
    const answer = await fetch(`${this.url}/cgi-bin/soter/verify_signature?access_token=${token}`, { method: 'POST', body: JSON.stringify(body) });
    return answer.json();
  }

  /** Makes the server hang until it wakes up. */
  freeze() {
    this.#program.freeze();
  }

  wake() {
    this.#program.wake();
  }

  /** Ends the server at once, if it still runs. */
  async stop() {
    await this.#program.stop('SIGKILL');
  }
}
