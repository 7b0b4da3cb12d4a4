// English and Chinese.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { fresh, newest, server, tab } from './support/suite.js';

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

test('every reason, code and profile of the server has a meaning in Chinese, and each reason says what to do', async () => {
  const { page, close } = await fresh();
  const { profiles } = await server.rpc('device.profiles');
  const { reasons, codes, chinese } = await page.evaluate(async () => {
    const [{ REASONS, CALL_CODES }, { CHINESE_PROFILES }] = await Promise.all([import('/page/reasons.js'), import('/page/chinese_profiles.js')]);
    return { reasons: REASONS, codes: CALL_CODES, chinese: CHINESE_PROFILES };
  });
  const isSaid = ({ meaning, advice } = {}) => [meaning, advice].every((words) => /\p{Script=Han}/u.test(words ?? ''));
  // What the server's own source has: the list on the page is not shorter.
  const source = readFileSync(new URL('../../host-bridge/wechat/src/reasons.rs', import.meta.url), 'utf8');
  const named = [...source.matchAll(/^ {4}\w+ = "([^"]+)":/gm)].map(([, name]) => name);
  assert.ok(named.length > 40);
  assert.deepEqual(named.filter((name) => !(name in reasons)), []);
  assert.deepEqual(Object.keys(reasons).filter((name) => !isSaid(reasons[name].zh)), []);
  const keys = codes.map(({ code, name }) => `${code} ${name}`);
  assert.ok(keys.includes('90011 no fingerprint enrolled'));
  assert.deepEqual(keys.filter((key, index) => !isSaid(codes[index].zh)), []);
  assert.deepEqual(profiles.filter(({ name }) => !chinese[name]), []);
  await close();
});

test('an error of the server is told in the language of the page', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  await tab(page, '手机列表');
  const create = () => page.getByRole('button', { name: '放到桌上' }).click();
  const toast = page.locator('.toast');
  await page.getByLabel('名称', { exact: true }).fill('phone');
  await create();
  await toast.locator('p[lang=zh-CN]').nth(1).waitFor();
  assert.equal(await toast.locator('p[lang=en]').count(), 0);
  await toast.click();
  await page.locator('#language').selectOption('en');
  await page.getByText('Connected').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('phone');
  await page.getByRole('button', { name: 'Put it on the desk' }).click();
  await toast.locator('p[lang=en]').nth(1).waitFor();
  await close();
});

test('a verdict and a diagnosis are told in the language of the page, also when it changes', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  const result = await server.authenticate('order-73', { touch: '1' });
  await server.verify(await server.token(), { ...result, resultJSON: result.resultJSON.replaceAll(',', ', ') });
  await page.locator(`.line[data-number="${await newest()}"]`).click();
  const verdict = page.locator('.entry .verdict');
  await verdict.locator('.detail[lang=zh-CN], p[lang=zh-CN]').first().waitFor();
  await page.getByRole('button', { name: '为什么被拒绝？' }).click();
  const box = page.locator('.diagnosis-result');
  await box.getByText('签名：reserialised').waitFor();
  assert.equal(await box.locator('[lang=en]').count(), 0);
  await page.locator('#language').selectOption('en');
  await box.getByText('Signature: reserialised').waitFor();
  await box.locator('[lang=zh-CN]').first().waitFor({ state: 'detached' });
  await close();
});
