// Servers that stop, restart, hang, or require a token.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { open } from './support/browser.js';
import { start } from './support/server.js';
import { browser, tab } from './support/suite.js';

/** A server for one test, stopped at its end. */
async function ownServer(t, options) {
  const server = await start(options);
  t.after(() => server.stop());
  return server;
}

test('a server that stops is reported at once, and the page reconnects to one that restarts', async (t) => {
  const server = await ownServer(t);
  const { page, close } = await open(browser, server.url);
  await server.authenticate('order-57', { touch: '1' });
  await page.locator('.last').getByText('Signed').waitFor();
  await tab(page, 'Fingers and keys');
  await page.getByRole('button', { name: 'Remove Finger 1' }).click();
  await server.stop();
  await page.getByText(`Offline: no answer from 127.0.0.1:${server.port}`).waitFor();
  await page.getByRole('button', { name: 'Try it: pay ¥42', disabled: true }).waitFor();
  // A confirmation is not sent while offline, and the question is withdrawn.
  await page.getByRole('button', { name: 'Really: Remove Finger 1' }).click();
  await page.getByText('Not sent: the page is offline.').waitFor();
  await page.getByRole('button', { name: 'Remove Finger 1', exact: true }).waitFor();
  await tab(page, 'Journal');
  const another = await ownServer(t, { port: server.port });
  await page.getByText('Connected', { exact: true }).waitFor();
  const call = another.authenticate('order-58');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('1');
  assert.equal((await call).errCode, 0);
  // The journal is the new server's.
  await page.getByText('2 of 2 calls').waitFor();
  await close();
});

test('a ledger that cannot be written is reported until it works again', async (t) => {
  const state = mkdtempSync(join(tmpdir(), 'soter-sim-'));
  t.after(() => rmSync(state, { recursive: true }));
  const [ledger, elsewhere] = [join(state, 'wechat.db'), join(state, 'elsewhere.db')];
  const server = await ownServer(t, { state });
  const { page, close } = await open(browser, server.url);
  await page.getByText('Connected', { exact: true }).waitFor();
  const result = await server.authenticate('order-59', { touch: '1' });
  const alert = page.locator('#failure');
  await alert.waitFor({ state: 'hidden' });
  renameSync(ledger, elsewhere);
  assert.equal((await server.verify(await server.token(), result)).errcode, -1);
  await alert.getByText('The servers accept nothing:').waitFor();
  await alert.getByText('end this process, put the file back, and start again').waitFor();
  await page.getByText('ledger-unavailable').first().waitFor();
  // A page that is opened later shows it, too, in its own language.
  const later = await open(browser, server.url, { locale: 'zh-CN' });
  const told = later.page.locator('#failure');
  await told.getByText('服务器目前什么都不接受：').waitFor();
  await told.locator('span[lang=zh-CN]').waitFor();
  await told.getByText('请结束此进程，把文件放回，然后重新启动').waitFor();
  // So does one whose language is changed.
  await later.page.locator('#language').selectOption('en');
  await told.getByText('end this process, put the file back, and start again').waitFor();
  await later.close();
  await server.stop();
  renameSync(elsewhere, ledger);
  const another = await ownServer(t, { state, port: server.port });
  await alert.waitFor({ state: 'hidden' });
  assert.equal((await another.verify(await another.token(), result)).is_ok, true);
  await close();
});

test('calls of a restarted server are not mixed with those of the old one', async (t) => {
  const server = await ownServer(t);
  const { page, close } = await open(browser, server.url);
  await server.rpc('wx.login');
  await server.rpc('wx.login');
  await page.getByText('2 of 2 calls').waitFor();
  await page.locator('.line').first().click();
  await server.stop();
  await page.getByText('Offline: no answer from').waitFor();
  const another = await ownServer(t, { port: server.port });
  await another.batches(Array.from({ length: 9 }, () => ['wx.checkSession']));
  await page.getByText('9 of 9 calls').waitFor();
  assert.deepEqual(new Set(await page.locator('.line .call').allTextContents()), new Set(['wx.checkSession']));
  // The call that was open is forgotten; the newest one, which was refused, takes its place.
  await page.locator('.entry').getByText(/^#9 · /).waitFor();
  await close();
});

test('a server that hangs is reported, and the page reconnects when it wakes up', { skip: process.platform === 'win32' }, async (t) => {
  const server = await ownServer(t);
  const { page, close } = await open(browser, server.url);
  page.setDefaultTimeout(40_000);
  server.freeze();
  await page.getByText(`Offline: no answer from 127.0.0.1:${server.port}`).waitFor();
  server.wake();
  await page.getByText('Connected', { exact: true }).waitFor();
  await close();
});

test('everything works with the server’s token in the address', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'soter-sim-page-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'token'), 'correct-horse-battery\n');
  const server = await ownServer(t, { flags: ['--token-file', join(folder, 'token')] });
  assert.equal((await fetch(server.url)).status, 401);
  const { page, close } = await open(browser, `${server.url}/?token=correct-horse-battery`);
  await page.getByRole('button', { name: 'Try it: pay ¥42' }).click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('1');
  await page.locator('.last').getByText('Signed').waitFor();
  await page.getByText('2 of 2 calls').waitFor();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.locator('.line').first().click();
  await page.getByRole('button', { name: 'Copy as curl' }).click();
  await page.getByText('Copied.').waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(!command.includes('correct-horse-battery'));
  assert.match(command, /-H "authorization: Bearer \$SOTER_SIM_TOKEN"/);
  await close();
});
