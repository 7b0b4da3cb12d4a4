'use strict';

// Run by `soter-sim exec --cloud-function` in the function's folder: calls its main once, and writes the result as one line of
// JSON to standard output. What the function prints goes to standard error.
//
// Runs in Node 10 and later, so without newer syntax.

const fs = require('fs');
const path = require('path');
const { Console } = require('console');

const [name, eventText] = process.argv.slice(-2);
global.console = new Console(process.stderr);

let hasEnded = false;
function end(code, text) {
  hasEnded = true;
  if (code === 0) fs.writeSync(1, text + '\n');
  else console.error(text);
  // Connections that an SDK keeps open would keep the process.
  process.exit(code);
}
process.on('exit', () => {
  if (hasEnded) return;
  console.error('soter-sim: the function has ended without a result; main must return, or its promise be resolved');
  process.exitCode = process.exitCode || 1;
});

function load() {
  const file = path.resolve('index.js');
  try {
    return require(file);
  } catch (error) {
    if (error && error.code === 'MODULE_NOT_FOUND') {
      console.error('soter-sim: a module of the function is missing; run `npm install` in its folder');
    }
    throw error;
  }
}

async function run() {
  const { main } = load();
  if (typeof main !== 'function') throw new Error('index.js exports no function main');
  const { WX_APPID: appId, WX_OPENID: openId, SCF_NAMESPACE: namespace } = process.env;
  const event = Object.assign(JSON.parse(eventText), { userInfo: { appId, openId } });
  const result = await main(event, { function_name: name, namespace });
  const text = JSON.stringify(result);
  // A result that JSON does not have, such as undefined.
  return text === undefined ? 'null' : text;
}

run().then(
  text => end(0, text),
  error => end(1, error instanceof Error ? error.stack : error),
);
