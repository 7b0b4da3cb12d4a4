// English and Chinese.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { fresh, server } from './support/suite.js';

test('the page uses the language of the browser, and a chosen language is kept', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  await page.getByRole('tab', { name: '调用日志' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
  const call = server.authenticate('order-56', { authContent: '请确认支付 42 元' });
  await page.getByRole('dialog', { name: '请确认支付 42 元' }).getByText('请触摸指纹传感器').waitFor();
  await page.getByRole('button', { name: '错误的手指' }).click();
  await page.getByText('未能识别，还可尝试 4 次').waitFor();
  // While a dialog is open.
  await page.locator('#language').selectOption('en');
  await page.getByText('Not recognised. Attempts left: 4').waitFor();
  await page.keyboard.press('1');
  assert.equal((await call).errCode, 0);
  await page.locator('.last').getByText('Signed').waitFor();
  await page.locator('#theme').selectOption('dark');
  await page.reload();
  await page.getByRole('tab', { name: 'Journal' }).waitFor();
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
  await close();
});

test('both languages have the same texts', async () => {
  const [en, zh] = await Promise.all(['english', 'chinese'].map(async (name) => {
    const table = await (await fetch(`${server.url}/page/${name}.js`)).text();
    const entries = [...table.matchAll(/^ {2}'([^']+)': '(.*)',$/gm)];
    assert.ok(entries.length > 80);
    return entries.map(([, key, words]) => `${key} ${(words.match(/\{\w+\}/g) ?? []).toSorted()}`).toSorted();
  }));
  assert.deepEqual(zh, en);
});

test('every reason and code has a meaning in Chinese', async () => {
  const source = await (await fetch(`${server.url}/page/meanings.js`)).text();
  const reasons = readFileSync(new URL('../../host-bridge/wechat/src/reasons.rs', import.meta.url), 'utf8');
  const names = [...reasons.matchAll(/^ {4}\w+ = "([^"]+)":/gm)].map(([, name]) => name);
  assert.ok(names.length > 20);
  const { profiles } = await server.rpc('device.profiles');
  for (const name of [...names, ...profiles.map((profile) => `profile.${profile.name}`)]) assert.ok(source.includes(`  '${name}': '`), name);
});
