// The OpenAPI document of WeChat's paths in foreign tools: a validator, Prism as a mock server and as a judge of what the emulator
// answers, and a client with generated types.
//
// Run as:  soter-sim exec --touch auto -- npm test --prefix tests/sdks/openapi

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { Validator } from '@seriousme/openapi-schema-validator';

const { SOTER_SIM_URL: url, SOTER_SIM_APPID: appid, SOTER_SIM_SECRET: secret, WX_OPENID: openid } = process.env;
const ADDRESS = `${url}/sim/openapi.json`;
const FOLDER = path.dirname(fileURLToPath(import.meta.url));
const PRISM = path.join(FOLDER, 'node_modules', '@stoplight', 'prism-cli', 'dist', 'index.js');

const read = async () => (await fetch(ADDRESS)).json();

async function rpc(method, params = {}) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  return (await (await fetch(`${url}/rpc`, { method: 'POST', body })).json()).result;
}

/** Starts Prism, and returns its address and a function that ends it. */
async function prism(...options) {
  const child = spawn(process.execPath, [PRISM, ...options, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const address = line.match(/Prism is listening on (http:\S+)/);
    if (address) {
      // What it prints later must not fill the pipe.
      child.stdout.resume();
      return { address: address[1], end: () => child.kill() };
    }
  }
  throw new Error(`Prism ended with ${child.exitCode}`);
}

/** The answer to a request: its status and JSON. */
async function ask(base, route, { body, ...init } = {}) {
  const isForm = body instanceof URLSearchParams;
  const headers = body && !isForm ? { 'content-type': 'application/json', ...init.headers } : init.headers;
  const answer = await fetch(`${base}${route}`, {
    ...init, headers, method: body ? 'POST' : 'GET', body: body && !isForm ? JSON.stringify(body) : body,
  });
  return { status: answer.status, json: await answer.json() };
}

const credentials = { grant_type: 'client_credential', appid, secret };
const query = parameters => new URLSearchParams(parameters).toString();

test('the document is OpenAPI, and its first server is the emulator', async () => {
  const document = await read();
  const { valid, errors } = await new Validator().validate(document);
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(document.servers[0].url, url);
});

describe('Prism as a mock server', () => {
  let mock;
  before(async () => { mock = await prism('mock', ADDRESS); });
  after(() => mock?.end());

  const verify = init => ask(mock.address, '/cgi-bin/soter/verify_signature?access_token=any', {
    body: { openid, json_string: '{}', json_signature: 'AA==' }, ...init,
  });

  test('answers as the good example', async () => {
    assert.deepEqual(await verify(), { status: 200, json: { is_ok: true } });
    const session = await ask(mock.address, `/sns/jscode2session?${query({ ...credentials, grant_type: 'authorization_code', js_code: 'x' })}`);
    assert.equal(session.json.openid, openid);
    const token = await ask(mock.address, '/cgi-bin/token', { body: new URLSearchParams(credentials) });
    assert.equal(token.json.expires_in, 7200);
  });

  test('answers any errcode that is asked for', async () => {
    const { status, json } = await verify({ headers: { Prefer: 'example=errcode-40001' } });
    assert.equal(status, 200);
    assert.equal(json.errcode, 40001);
    assert.match(json.errmsg, /^invalid credential, .* rid: [0-9a-f-]{26}$/);
  });

  test('refuses what the emulator refuses: a member that is missing', async () => {
    const { status, json } = await verify({ body: { openid, json_string: '{}' } });
    assert.equal(status, 422);
    assert.match(json.validation[0].message, /json_signature/);
  });
});

describe('Prism between a backend and the emulator', () => {
  let proxy;
  before(async () => { proxy = await prism('proxy', '--errors', ADDRESS, url); });
  after(() => proxy?.end());

  /** Asks through Prism, which answers with another status if request or answer are not as the document says. */
  async function through(route, init) {
    const { status, json } = await ask(proxy.address, route, init);
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  }

  test('finds nothing wrong with a login and a payment', async () => {
    const { access_token: token } = await through('/cgi-bin/stable_token', { body: credentials });
    const { code } = await rpc('wx.login');
    const login = { appid, secret, grant_type: 'authorization_code', js_code: code };
    const session = await through(`/sns/jscode2session?${query(login)}`);
    assert.equal(session.openid, openid);
    const used = await through('/sns/jscode2session', { body: new URLSearchParams(login) });
    assert.equal(used.errcode, 40163);
    const signed = await rpc('wx.startSoterAuthentication', { requestAuthModes: ['fingerPrint'], challenge: 'order-42' });
    const result = { openid, json_string: signed.resultJSON, json_signature: signed.resultJSONSignature };
    const verify = () => through(`/cgi-bin/soter/verify_signature?access_token=${token}`, { body: result });
    assert.deepEqual(await verify(), { is_ok: true });
    assert.deepEqual(await verify(), { is_ok: false });
  });

  test('finds nothing wrong with the requests that the document shows', async () => {
    const { paths } = await read();
    const { access_token: token } = await through('/cgi-bin/stable_token', { body: credentials });
    let asked = 0;
    for (const [route, operations] of Object.entries(paths)) {
      for (const operation of [operations.get, operations.post].filter(Boolean)) {
        const parameters = operation.parameters.map(({ name, example }) => [name, example]);
        if (operation.security) parameters.push(['access_token', token]);
        const bodies = Object.entries(operation.requestBody?.content ?? {}).filter(([, { example }]) => example);
        const requests = bodies.map(([type, { example }]) => type.endsWith('urlencoded') ? new URLSearchParams(example) : example);
        for (const body of requests.length > 0 ? requests : [undefined]) {
          await through(`${route}?${query(parameters)}`, { body });
          asked += 1;
        }
      }
    }
    assert.ok(asked > Object.keys(paths).length);
  });

  test('would notice an answer that is not as the document says', async () => {
    const wrong = http.createServer((_, answer) => {
      answer.setHeader('content-type', 'application/json');
      answer.end('{"is_ok":"yes"}');
    });
    await new Promise(resolve => wrong.listen(0, '127.0.0.1', resolve));
    const judge = await prism('proxy', '--errors', ADDRESS, `http://127.0.0.1:${wrong.address().port}`);
    try {
      const { status, json } = await ask(judge.address, '/cgi-bin/soter/verify_signature?access_token=any', {
        body: { openid, json_string: '{}', json_signature: 'AA==' },
      });
      assert.equal(status, 500);
      assert.match(JSON.stringify(json.validation), /is_ok/);
    } finally {
      judge.end();
      wrong.close();
    }
  });
});

describe('a client in TypeScript with generated types', () => {
  const folder = fs.mkdtempSync(path.join(FOLDER, 'generated-'));
  after(() => fs.rmSync(folder, { recursive: true }));
  const bin = name => path.join(FOLDER, 'node_modules', name);
  const run = (script, ...options) => promisify(execFile)(process.execPath, [script, ...options], { cwd: folder });
  const compile = async source => {
    fs.writeFileSync(path.join(folder, 'client.ts'), source);
    const options = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--skipLibCheck', 'client.ts'];
    try {
      await run(bin('typescript/bin/tsc'), ...options);
      return '';
    } catch ({ stdout }) {
      return stdout;
    }
  };
  before(() => run(bin('openapi-typescript/bin/cli.js'), ADDRESS, '--output', 'wechat.d.ts'));

  const CLIENT = `
    import createClient from 'openapi-fetch';
    import type { paths } from './wechat.js';
    declare const process: { env: Record<string, string> };
    const client = createClient<paths>({ baseUrl: process.env.SOTER_SIM_URL });
    let token = '';
    // The document has the token as a security scheme.
    client.use({ onRequest: ({ request }) => new Request(\`\${request.url}?access_token=\${token}\`, request) });
    export async function verify(appid: string, secret: string, openid: string): Promise<boolean | number> {
      const granted = await client.POST('/cgi-bin/stable_token', { body: { grant_type: 'client_credential', appid, secret } });
      if (!granted.data || 'errcode' in granted.data) return -1;
      token = granted.data.access_token;
      const { data } = await client.POST('/cgi-bin/soter/verify_signature', {
        body: { openid, json_string: '{}', json_signature: 'AA==' },
      });
      return data && 'is_ok' in data ? data.is_ok : data?.errcode ?? -1;
    }`;

  test('compiles, and its calls are answered', async () => {
    assert.equal(await compile(CLIENT), '');
    const { verify } = await import(pathToFileURL(path.join(folder, 'client.js')));
    assert.equal(await verify(appid, secret, openid), false);
    assert.equal(await verify(appid, secret, 'oNobody'), 40003);
  });

  test('does not compile without a member that is required', async () => {
    const errors = await compile(CLIENT.replace("json_string: '{}', ", ''));
    assert.match(errors, /json_string/);
  });
});
