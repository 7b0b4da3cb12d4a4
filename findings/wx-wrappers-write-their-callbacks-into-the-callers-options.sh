#!/usr/bin/env bash
# Package:   miniprogram-api-promise 1.0.4, miniprogram-simulate 1.6.2 (npm); esbuild 0.28.2 bundles the former, which is an ES module
# Behaviour: a call without callbacks returns a promise, and leaves `success` and `fail` in the options object of the caller. A
#            second call with the same object, such as a constant of the module, takes them for the caller's callbacks and returns
#            `undefined`: `await` then gives no result, and no error. Its result goes to the promise of the first call, which is
#            settled already.
# Seen:      2026-11-30, Linux x86-64, Node 20.20
# Output:    miniprogram-api-promise: checkIsSupportSoterAuthentication:ok, then undefined; the object has success, fail
#            miniprogram-simulate: checkIsSupportSoterAuthentication:ok, then undefined; the object has success, fail
# soter-sim: the client for mini programs never writes into the options of a call. Its README says what to do behind these two
#            (`host-bridge/miniprogram/README.md`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund miniprogram-api-promise@1.0.4 miniprogram-simulate@1.6.2 esbuild@0.28.2
cat >finding.js <<'JS'
import { promisifyAll } from 'miniprogram-api-promise';

async function callTwice(what, call) {
  const options = {};
  const first = await call(options);
  const second = await call(options);
  console.log(`${what}: ${first.errMsg}, then ${second}; the object has ${Object.keys(options).join(', ')}`);
}

// In the form of WeChat's own: callbacks, which are called later.
const wx = {
  checkIsSupportSoterAuthentication: ({ success }) => void setTimeout(() => success({ errMsg: 'checkIsSupportSoterAuthentication:ok' }), 0),
};
const wxp = {};
promisifyAll(wx, wxp);

(async () => {
  await callTwice('miniprogram-api-promise', wxp.checkIsSupportSoterAuthentication);
  // It makes a global `wx`.
  require('miniprogram-simulate');
  await callTwice('miniprogram-simulate', globalThis.wx.checkIsSupportSoterAuthentication);
})();
JS
npx esbuild finding.js --bundle --platform=node --external:miniprogram-simulate --log-level=error --outfile=bundled.js
output=$(node bundled.js)
printf '%s\n' "$output"
expected='miniprogram-api-promise: checkIsSupportSoterAuthentication:ok, then undefined; the object has success, fail
miniprogram-simulate: checkIsSupportSoterAuthentication:ok, then undefined; the object has success, fail'
[ "$output" = "$expected" ]
