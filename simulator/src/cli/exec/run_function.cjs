'use strict';

// Run by `soter-sim exec --cloud-function` in the function's folder, with the function's name and its event: calls main once.
//
// For a person, the result is one line of JSON on standard output, and an error is on standard error alone. For a mini program
// (the event is `-`), the event is a line of standard input, and standard output gets "loaded" when main is called, then
// {"result": …} or {"error": text}, each a line of JSON. What the function prints goes to standard error.
//
// Runs in Node 10 and later, so without newer syntax.

const fs = require('fs');
const path = require('path');
const { Console } = require('console');
const { inspect } = require('util');

const [name, eventText] = process.argv.slice(-2);
/** More is for standard error alone. */
const LONGEST_ERROR = 10000;
const isServed = eventText === '-';
global.console = new Console(process.stderr);
Object.defineProperty(process, 'stdout', { get: () => process.stderr });

let hasEnded = false;
process.on('exit', () => {
  if (hasEnded) return;
  console.error('soter-sim: the function has ended without a result; main must return, or its promise be resolved');
  process.exitCode = process.exitCode || 1;
});

/** Ends the process: connections that an SDK keeps open would keep it. */
function end(code) {
  hasEnded = true;
  process.exit(code);
}

function write(line) {
  let rest = Buffer.from(line + '\n');
  while (rest.length > 0) {
    try {
      rest = rest.slice(fs.writeSync(1, rest));
    } catch (error) {
      // A pipe that is full, and does not wait because something has touched process.stdout.
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function load() {
  const file = path.resolve('index.js');
  try {
    return require(file);
  } catch (error) {
    // The text names a file of the function with a dot or as a whole path.
    if (error && error.code === 'MODULE_NOT_FOUND' && /^Cannot find module '[^./\\]/.test(error.message)) {
      console.error('soter-sim: a module of the function is missing; run `npm install` in its folder');
    }
    throw error;
  }
}

/** JSON whose texts UTF-8 can carry: half of a surrogate pair, which JSON.stringify writes as an escape, becomes U+FFFD. */
function wellFormed(json) {
  return json.replace(/(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '\\ufffd');
}

async function run(text) {
  const { main } = load();
  if (typeof main !== 'function') throw new Error('index.js exports no function main');
  const { WX_APPID: appId, WX_OPENID: openId, SCF_NAMESPACE: namespace } = process.env;
  const event = Object.assign(JSON.parse(text), { userInfo: { appId, openId } });
  if (isServed) write('"loaded"');
  const result = JSON.stringify(await main(event, { function_name: name, namespace }));
  // A result that JSON does not have, such as undefined.
  return result === undefined ? 'null' : wellFormed(result);
}

function start(text) {
  run(text).then(
    result => {
      write(isServed ? `{"result":${result}}` : result);
      end(0);
    },
    error => {
      const text = typeof error === 'string' ? error : error instanceof Error ? String(error.stack) : inspect(error);
      console.error(text);
      if (isServed) write(wellFormed(JSON.stringify({ error: text.slice(0, LONGEST_ERROR) })));
      end(1);
    },
  );
}

function readLine(done) {
  let text = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', chunk => {
    text += chunk;
    if (text.endsWith('\n')) done(text);
  });
  // It stays open as long as somebody waits for the result.
  process.stdin.on('end', () => end(1));
}

if (isServed) readLine(start);
else start(eventText);
