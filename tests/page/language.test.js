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
    const [{ REASONS, CALL_CODES }, all] = await Promise.all([import('/page/reasons.js'), import('/page/chinese_meanings.js')]);
    return { reasons: REASONS, codes: CALL_CODES, chinese: { ...all } };
  });
  const isSaid = ({ meaning, advice } = {}) => [meaning, advice].every((words) => /\p{Script=Han}/u.test(words ?? ''));
  // What the server's own source has: the list on the page is not shorter.
  const source = readFileSync(new URL('../../host-bridge/wechat/src/reasons.rs', import.meta.url), 'utf8');
  const named = [...source.matchAll(/^ {4}\w+ = "([^"]+)":/gm)].map(([, name]) => name);
  assert.ok(named.length > 40);
  assert.deepEqual(named.filter((name) => !(name in reasons)), []);
  assert.deepEqual(Object.keys(reasons).filter((name) => !isSaid(reasons[name].zh ?? chinese.REASONS[name])), []);
  const keys = codes.map(({ code, name }) => `${code} ${name}`);
  assert.ok(keys.includes('90011 no fingerprint enrolled'));
  assert.deepEqual(keys.filter((key, index) => !isSaid(codes[index].zh ?? chinese.CALL_CODES[key])), []);
  assert.deepEqual(profiles.filter(({ name }) => !chinese.PROFILES[name]), []);
  // Nothing is explained that the server does not have.
  assert.deepEqual([...Object.keys(chinese.REASONS).filter((name) => !(name in reasons)), ...Object.keys(chinese.CALL_CODES).filter((key) => !keys.includes(key))], []);
  await close();
});

test('an error is told in the Chinese that the server sends with it, and otherwise in its English', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  await page.routeWebSocket(/\/ws/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((message) => {
      const answer = JSON.parse(message);
      if (answer.error?.message.includes('already')) answer.error.data.zh = { what: '已有名为 phone 的手机', next: '请换一个名称' };
      socket.send(JSON.stringify(answer));
    });
  });
  await page.reload();
  await tab(page, '手机列表');
  const create = async (name) => {
    await page.getByLabel('名称', { exact: true }).fill(name);
    await page.getByRole('button', { name: '放到桌上' }).click();
  };
  await create('phone');
  const toast = page.locator('.toast');
  await toast.getByText('已有名为 phone 的手机').and(page.locator('[lang=zh-CN]')).waitFor();
  await toast.getByText('请换一个名称').waitFor();
  await page.locator('.toast').click();
  await page.evaluate(() => { document.querySelector('#desk-name').removeAttribute('pattern'); });
  await create('UPPER');
  await toast.locator('p[lang=en]').first().waitFor();
  await close();
});

test('a verdict and a diagnosis are told in the Chinese that the server sends with them', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  await page.route(/\/sim\/journal/, async (route) => {
    const answer = await route.fetch();
    const { entries, last } = await answer.json();
    for (const { judgement } of entries) if (judgement) judgement.zh = { detail: '此调用的详情' };
    await route.fulfill({ response: answer, json: { entries, last } });
  });
  await page.routeWebSocket(/\/ws/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((message) => {
      const answer = JSON.parse(message);
      if (answer.result?.reason) Object.assign(answer.result, { remarks: ['a remark'], zh: { detail: '此签名的详情', remarks: ['一条备注'] } });
      socket.send(JSON.stringify(answer));
    });
  });
  await page.reload();
  const result = await server.authenticate('order-73', { touch: '1' });
  await server.verify(await server.token(), { ...result, resultJSON: result.resultJSON.replaceAll(',', ', ') });
  await page.locator(`.line[data-number="${await newest()}"]`).click();
  await page.locator('.entry .verdict').getByText('此调用的详情').waitFor();
  await page.getByRole('button', { name: '为什么被拒绝？' }).click();
  const box = page.locator('.diagnosis-result');
  for (const words of ['此调用的详情', '此签名的详情', '一条备注']) await box.getByText(words).waitFor();
  assert.equal(await box.locator('[lang=en]').count(), 0);
  await page.locator('#language').selectOption('en');
  await box.getByText('a remark').waitFor();
  assert.equal(await box.locator('[lang=zh-CN]').count(), 0);
  await close();
});
