#!/usr/bin/env bash
# Package:   @stoplight/prism-cli 5.14.2, @mockoon/cli 9.9.0 (npm)
# Behaviour: an answer in an OpenAPI document has several named examples, the good one first. Prism answers with the first one that
#            it sees: if another one is named like a number, such as an error's code, that is always the one, wherever it stands,
#            because JavaScript sorts such names before all others. Mockoon answers with none of them, but with values of its own
#            for the schema, such as an empty text.
# Seen:      2026-11-30, Linux x86-64, Node 20.20
# Output:    prism, the other example is named errcode-40001: {"access_token":"token-1"}
#            prism, the other example is named 40001: {"errcode":40001}
#            mockoon, the other example is named errcode-40001: {"access_token":""}
# soter-sim: in `/sim/openapi.json`, examples of errors are named `errcode-40001`. `simulator/docs/sdks.md` says what the tools do.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @stoplight/prism-cli@5.14.2 @mockoon/cli@9.9.0
cat >finding.js <<'JS'
const { spawn } = require('node:child_process');
const { writeFileSync } = require('node:fs');
const http = require('node:http');
const net = require('node:net');

const document = name => ({
  openapi: '3.0.3',
  info: { title: 'tokens', version: '1' },
  paths: { '/token': { get: { responses: { 200: { description: 'a token, or an error', content: { 'application/json': {
    schema: { type: 'object', properties: { access_token: { type: 'string' } } },
    examples: { good: { value: { access_token: 'token-1' } }, [name]: { value: { errcode: 40001 } } },
  } } } } } } },
});

const freePort = () => new Promise(done => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const get = url => new Promise((done, fail) => {
  http.get(url, response => {
    let text = '';
    response.on('data', part => { text += part; }).on('end', () => done(JSON.stringify(JSON.parse(text))));
  }).on('error', fail);
});

async function answer(tool, name) {
  writeFileSync('openapi.json', JSON.stringify(document(name)));
  const port = await freePort();
  const options = tool === 'prism'
    ? ['node_modules/@stoplight/prism-cli/dist/index.js', 'mock', '--port', port, 'openapi.json']
    : ['node_modules/@mockoon/cli/bin/run.js', 'start', '--disable-log-to-file', '--hostname', '127.0.0.1', '--port', port, '--data', 'openapi.json'];
  const child = spawn(process.execPath, options, { stdio: 'ignore' });
  try {
    for (let tries = 0; tries < 120; tries += 1) {
      try {
        return console.log(`${tool}, the other example is named ${name}: ${await get(`http://127.0.0.1:${port}/token`)}`);
      } catch {
        await new Promise(done => setTimeout(done, 500));
      }
    }
    throw new Error(`${tool} does not start`);
  } finally {
    child.kill();
  }
}

(async () => {
  await answer('prism', 'errcode-40001');
  await answer('prism', '40001');
  await answer('mockoon', 'errcode-40001');
})();
JS
output=$(node finding.js)
printf '%s\n' "$output"
expected='prism, the other example is named errcode-40001: {"access_token":"token-1"}
prism, the other example is named 40001: {"errcode":40001}
mockoon, the other example is named errcode-40001: {"access_token":""}'
[ "$output" = "$expected" ]
