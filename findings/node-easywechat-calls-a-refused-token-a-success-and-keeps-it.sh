#!/usr/bin/env bash
# Package:   node-easywechat 3.6.2 (npm), with node-socialite 1.4.1: with 1.5.3, which its range allows, it does not load
# Behaviour: WeChat reports errors as `errcode` in an answer with status 200. The SDK brings a function that judges them, and does not
#            use it: `isSuccessful()` is true, `throwOnFailure()` does not throw. It does not drop the token that was refused
#            either. The token stays in a file of the working directory until its time is over, so that the next process begins with
#            it, and is refused as well: for up to two hours after another process has replaced the token.
# Seen:      2026-11-30, Linux x86-64, Node 20.20
# Output:    first process, call 1: token 1, errcode 40001, isSuccessful() true
#            first process, call 2: token 1, errcode 40001, isSuccessful() true
#            next process, call 1: token 1, errcode 40001, isSuccessful() true
#            next process, call 2: token 1, errcode 40001, isSuccessful() true
# soter-sim: says so where it explains 40001, and in `simulator/docs/sdks.md`, with what to do. Each run of `soter-sim exec` has new
#            tokens, so that the second run of a test suite meets this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node-easywechat@3.6.2 node-socialite@1.4.1
cat >finding.js <<'JS'
// A stand-in for WeChat, whose token 1 another process has replaced, and two processes of an application.
const { execFile } = require('node:child_process');
const http = require('node:http');

let tokens = 0;
const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://wechat');
  const token = url.searchParams.get('access_token');
  response.setHeader('content-type', 'application/json; charset=utf-8');
  if (url.pathname === '/cgi-bin/token') {
    tokens += 1;
    response.end(JSON.stringify({ access_token: String(tokens), expires_in: 7200 }));
  } else if (token === '1') {
    response.end(JSON.stringify({ errcode: 40001, errmsg: 'invalid credential', token }));
  } else {
    response.end(JSON.stringify({ errcode: 0, errmsg: 'ok', token }));
  }
});

const APPLICATION = `
  const { MiniApp } = require('node-easywechat');
  const app = new MiniApp({ app_id: 'wx1', secret: 'secret', http: { baseURL: process.argv[1] } });
  (async () => {
    for (const call of [1, 2]) {
      const answer = await app.getClient().request('POST', '/cgi-bin/message/custom/send', { json: {} });
      const { errcode, token } = answer.throwOnFailure().toObject();
      console.log('call ' + call + ': token ' + token + ', errcode ' + errcode + ', isSuccessful() ' + answer.isSuccessful());
    }
  })();`;

server.listen(0, '127.0.0.1', async () => {
  for (const name of ['first', 'next']) {
    const address = `http://127.0.0.1:${server.address().port}/`;
    const output = await new Promise((done) => execFile(process.execPath, ['-e', APPLICATION, address], (_, stdout) => done(stdout)));
    for (const line of output.trim().split('\n')) console.log(`${name} process, ${line}`);
  }
  server.close();
});
JS
output=$(node finding.js)
printf '%s\n' "$output"
expected='first process, call 1: token 1, errcode 40001, isSuccessful() true
first process, call 2: token 1, errcode 40001, isSuccessful() true
next process, call 1: token 1, errcode 40001, isSuccessful() true
next process, call 2: token 1, errcode 40001, isSuccessful() true'
[ "$output" = "$expected" ]
