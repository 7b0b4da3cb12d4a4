// The client for mini programs in pages of other origins, such as an H5 build that was uploaded: Chromium wants a permission.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';

import { launch } from './support/browser.js';
import { start } from './support/server.js';

const CLIENT = new URL('../../host-bridge/miniprogram/example/soter-sim/', import.meta.url);
const FINGER = { requestAuthModes: ['fingerPrint'], challenge: 'order-42' };

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await start({ flags: ['--touch', 'auto', '--allow-origin', 'https://shop.example', '--allow-origin', 'https://frame.example'] });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A script that loads the client as a bundler does: `installSoterSim` and `connectSocketOver` are global. */
function bundle() {
  const modules = readdirSync(CLIENT)
    .filter((name) => name.endsWith('.js'))
    .map((name) => `'./${name.slice(0, -3)}'(exports, require) {${readFileSync(new URL(name, CLIENT), 'utf8')}\n}`);
  return `(() => {
    const sources = {${modules.join(',\n')}};
    const loaded = {};
    const load = (name) => {
      if (!loaded[name]) sources[name](loaded[name] = {}, load);
      return loaded[name];
    };
    Object.assign(globalThis, load('./index'));
  })()`;
}

/** Runs `act` with a page at this address. Playwright answers for all hosts but 127.0.0.1, and Chromium counts their pages as public. */
async function withPage(address, { permissions, html = '' }, act) {
  const context = await browser.newContext({ permissions });
  try {
    await context.route(({ hostname }) => hostname !== '127.0.0.1', (route) => {
      const isFrame = route.request().url().startsWith('https://frame.example/');
      return route.fulfill({ contentType: 'text/html', body: isFrame ? '' : html });
    });
    const page = await context.newPage();
    await page.goto(address);
    return await act(page.frames().at(-1));
  } finally {
    await context.close();
  }
}

/** The result of an authentication that the page asks for, or its failure. */
function authenticate(frame, url = server.url) {
  return frame.evaluate(
    async ([source, options, finger]) => {
      (0, eval)(source);
      const target = {};
      globalThis.installSoterSim(target, { ...options, connectSocket: globalThis.connectSocketOver(WebSocket) });
      return target.startSoterAuthentication(finger).catch((failure) => failure);
    },
    [bundle(), { url }, FINGER],
  );
}

/** What the page is told. */
async function told(address, others = {}) {
  const { errCode, errMsg } = await withPage(address, others, authenticate);
  assert.equal(errCode, -8777, errMsg);
  return errMsg;
}

describe('a page of a public address', () => {
  it('is told which permission is missing', async () => {
    // Headless Chromium denies at once what a window would ask for.
    assert.match(await told('https://shop.example/'), /permission loopback-network .*https:\/\/shop\.example does not have \(denied\): allow it in the settings of the site\. Start it/);
  });

  it('gets the result of the phone with the permission', async () => {
    const permissions = ['local-network-access'];
    const result = await withPage('https://shop.example/', { permissions }, authenticate);
    assert.equal(result.errMsg, 'startSoterAuthentication:ok');
  });

  it('is told nothing about the permission that it has', async () => {
    const permissions = ['local-network-access'];
    // The server refuses this origin.
    const errMsg = await told('https://elsewhere.example/', { permissions });
    assert.match(errMsg, /cannot be reached .*--allow-origin/);
    assert.doesNotMatch(errMsg, /permission/);
  });

  it('is told that http never gets the permission', async () => {
    assert.match(await told('http://shop.example/'), /\(denied\): an http page never gets it, so serve the page by https or from localhost\./);
  });

  it('gets the permission in a frame of another origin only with the attribute', async () => {
    const framed = (allow) => withPage('https://shop.example/', { html: `<iframe ${allow} src="https://frame.example/"></iframe>` }, async (frame) => {
      const state = await frame.evaluate(async () => (await navigator.permissions.query({ name: 'loopback-network' })).state);
      return [state, (await authenticate(frame)).errMsg];
    });
    const [without, errMsg] = await framed('');
    assert.equal(without, 'denied');
    assert.match(errMsg, /https:\/\/frame\.example does not have \(denied\): its frame needs allow="loopback-network", and the user must allow it\./);
    const [state] = await framed('allow="loopback-network"');
    assert.equal(state, 'prompt');
  });
});

describe('a page from this computer', () => {
  it('needs no permission, and is told nothing about it', async () => {
    assert.equal((await withPage(`${server.url}/health`, {}, authenticate)).errMsg, 'startSoterAuthentication:ok');
    const { errMsg } = await withPage(`${server.url}/health`, {}, (page) => authenticate(page, 'ws://127.0.0.1:1'));
    assert.match(errMsg, /cannot be reached/);
    assert.doesNotMatch(errMsg, /permission/);
  });
});
