// A server of the program that these tests are about, and calls to it.

import assert from 'node:assert/strict';

import { ACCOUNT, serve } from '../../../host-bridge/miniprogram/test/support/program.js';

/** Waits until something holds. */
export async function until(holds) {
  const deadline = performance.now() + 15_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `this never holds: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a server with nothing on its desk but a new phone. */
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

  /** Sends a body to /rpc and gives the answer as it is. */
  async post(body) {
    const answer = await fetch(`${this.url}/rpc`, { method: 'POST', body: JSON.stringify(body) });
    return answer.json();
  }

  /** Calls a method; its error fails the test. */
  async rpc(method, params = {}) {
    const { result, error } = await this.post({ jsonrpc: '2.0', id: 1, method, params });
    assert.equal(error, undefined, JSON.stringify(error));
    return result;
  }

  /** Calls methods, as many at once as a batch may hold. */
  async batches(calls) {
    for (let first = 0; first < calls.length; first += 64) {
      const part = calls.slice(first, first + 64);
      const answers = await this.post(part.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params })));
      assert.ok(answers.every(({ error }) => error === undefined), JSON.stringify(answers));
    }
  }

  /** An authentication that a person has to answer; `answer` is a promise. */
  authenticate(challenge, others = {}) {
    return this.rpc('wx.startSoterAuthentication', { requestAuthModes: ['fingerPrint', 'facial'], challenge, ...others });
  }

  /** What a mini program's backend does: a token, and then the question whether a result is good. */
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

  /** Has the server hang until it wakes up. */
  freeze() {
    this.#program.freeze();
  }

  wake() {
    this.#program.wake();
  }

  /** Ends the server at once; one that has ended already stays so. */
  async stop() {
    await this.#program.stop('SIGKILL');
  }
}
