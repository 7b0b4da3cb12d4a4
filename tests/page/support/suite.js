// What the tests of one file share: a browser, a server, and navigation on the page. Each file runs in its own process.

import { after, before } from 'node:test';

import { launch, open } from './browser.js';
import { start } from './server.js';

export let browser;
export let server;
before(async () => {
  browser = await launch();
  server = await start();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A page of the shared server, after a reset of its phone. */
export async function fresh(options) {
  await server.rpc('desk.reset');
  return open(browser, server.url, options);
}

/** The number of the newest call. */
export async function newest() {
  const answer = await fetch(`${server.url}/sim/journal?before=${Number.MAX_SAFE_INTEGER}&limit=1`);
  return (await answer.json()).last;
}

export const finger = (page, number) => page.getByRole('button', { name: `Finger ${number}` }).and(page.locator('.pad'));
export const tab = (page, name) => page.getByRole('tab', { name }).click();
