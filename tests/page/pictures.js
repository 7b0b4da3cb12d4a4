// Takes the pictures of the README again: `npm run pictures`. Chinese needs a font that has it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { PROGRAM } from '../../host-bridge/miniprogram/test/support/program.js';
import { launch, open } from './support/browser.js';
import { start } from './support/server.js';

const picture = (name) => fileURLToPath(new URL(`../../simulator/docs/${name}.png`, import.meta.url));

const browser = await launch();
const server = await start();
const token = await server.token();

const english = await open(browser, server.url, { width: 1320, height: 800 });
const paid = await server.authenticate('order-41', { touch: '1' });
await server.verify(token, paid);
await server.verify(token, paid);
const call = server.authenticate('order-42', { authContent: 'Pay ¥42.00 to Emulated Coffee' });
await english.page.getByRole('dialog').waitFor();
await english.page.getByText('verify_signature').first().click();
await english.page.waitForTimeout(500);
await english.page.screenshot({ path: picture('page') });
await english.page.keyboard.press('1');
await call;
await english.close();

const chinese = await open(browser, server.url, { width: 400, height: 860, locale: 'zh-CN', colorScheme: 'dark' });
const other = server.authenticate('订单-43', { authContent: '请确认支付 42 元' });
await chinese.page.getByRole('dialog').waitFor();
await chinese.page.keyboard.press('x');
await chinese.page.waitForTimeout(500);
await chinese.page.screenshot({ path: picture('page-zh') });
await chinese.page.keyboard.press('1');
await other;
await chinese.close();

await server.stop();

const forgetful = await start({ flags: ['--replays', 'accept'] });
const folder = mkdtempSync(join(tmpdir(), 'soter-sim-pictures-'));
const report = join(folder, 'report.html');
spawnSync(PROGRAM, ['audit', '--preset', 'wechat', '--url', forgetful.url, '--report', report]);
const page = await browser.newPage({ viewport: { width: 900, height: 1000 } });
await page.goto(pathToFileURL(report).href);
await page.screenshot({ path: picture('audit') });
rmSync(folder, { recursive: true });
await forgetful.stop();

await browser.close();
