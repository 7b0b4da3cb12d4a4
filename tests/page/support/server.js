// A server of the program that these tests are about, and calls to it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program: the one that `cargo build` makes, unless the variable names another. */
const PROGRAM = process.env.SOTER_SIM ?? fileURLToPath(new URL('../../../target/debug/soter-sim', import.meta.url));
/** The mini program and user that a new server has; its ready lines print them. */
export const APP = { appid: 'wxemulated00000001', secret: 'emulated0000secret0000emulated00', openid: 'oEmulatedUser000000000000001' };

/** Waits until something holds. */
export async function until(holds) {
  const deadline = performance.now() + 15_000;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `this never holds: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a server on a free port, or on this one, with nothing on its desk but a new phone. */
export async function start({ port = 0, options = [] } = {}) {
  const process = spawn(PROGRAM, ['serve', '--listen', `127.0.0.1:${port}`, '--ephemeral', ...options], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface({ input: process.stdout }), 'line');
  assert.match(line, /^soter-sim ready http:/);
  return new Server(process, line.split(' ').at(-1));
}

class Server {
  #process;

  constructor(process, url) {
    this.#process = process;
    this.url = url;
    this.port = Number(new URL(url).port);
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
    const { appid, secret } = APP;
    const query = new URLSearchParams({ grant_type: 'client_credential', appid, secret });
    return (await (await fetch(`${this.url}/cgi-bin/token?${query}`)).json()).access_token;
  }

  async verify(token, { resultJSON, resultJSONSignature }) {
    const body = { openid: APP.openid, json_string: resultJSON, json_signature: resultJSONSignature };
    const answer = await fetch(`${this.url}/cgi-bin/soter/verify_signature?access_token=${token}`, { method: 'POST', body: JSON.stringify(body) });
    return answer.json();
  }

  /** Has the server hang, and go on. */
  hang() {
    this.#process.kill('SIGSTOP');
  }

  wake() {
    this.#process.kill('SIGCONT');
  }

  async stop() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
