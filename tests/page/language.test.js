// English and Chinese.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { open } from './support/browser.js';
import { start } from './support/server.js';
import { browser, fresh, newest, server, tab } from './support/suite.js';

test('the page uses the language of the browser, and a chosen language is kept', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  await page.getByRole('tab', { name: '调用记录' }).waitFor();
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

test('every reason and code of the server has a meaning in Chinese, and says what to do', async () => {
  const { page, close } = await fresh();
  const { REASONS: { zh: reasons }, CALL_CODES: { zh: codes } } = await page.evaluate(() => import('/page/reasons.js'));
  const isSaid = ({ meaning, advice } = {}) => [meaning, advice].every((words) => /\p{Script=Han}/u.test(words ?? ''));
  // What the server's own source has: the list on the page is not shorter.
  const source = readFileSync(new URL('../../host-bridge/wechat/src/reasons.rs', import.meta.url), 'utf8');
  const named = [...source.matchAll(/^ {4}\w+ = "([^"]+)":/gm)].map(([, name]) => name);
  assert.ok(named.length > 40);
  assert.deepEqual(named.filter((name) => !(name in reasons)), []);
  assert.deepEqual(Object.keys(reasons).filter((name) => !isSaid(reasons[name])), []);
  const keys = codes.map(({ code, name }) => `${code} ${name}`);
  assert.ok(keys.includes('90011 no fingerprint enrolled'));
  assert.deepEqual(keys.filter((key, index) => !isSaid(codes[index])), []);
  await close();
});

test('families of phones are described in the language of the page, also when it changes', async () => {
  const { page, close } = await fresh();
  const { profiles } = await server.rpc('device.profiles');
  const told = () => page.locator('#desk-profile option').allTextContents();
  await tab(page, 'Phones');
  await page.locator('#desk-profile').selectOption('qsee');
  assert.deepEqual(await told(), profiles.map(({ name, description }) => `${name}: ${description}`));
  await page.locator('#language').selectOption('zh');
  await page.locator('#desk-profile option').getByText('联发科').waitFor({ state: 'attached' });
  const chinese = await told();
  assert.deepEqual(chinese.map((words) => words.split('：')[0]), profiles.map(({ name }) => name));
  assert.ok(chinese.every((words) => /\p{Script=Han}/u.test(words)), String(chinese));
  assert.equal(await page.locator('#desk-profile').inputValue(), 'qsee');
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

test('why a phone refuses an authentication is told in the language of the page, and what it answers stays', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  await page.getByText('已连接', { exact: true }).waitFor();
  await server.rpc('device.set', { reportNotEnrolled: true });
  const { errMsg } = await server.authenticate('order-75');
  const last = page.locator('.last');
  await last.getByText(errMsg.replace(/^\w+:fail /, '')).waitFor();
  await last.locator('p[lang=zh-CN]', { hasText: 'device set reportNotEnrolled' }).waitFor();
  assert.equal(await last.locator('[lang=en]').count(), 0);
  await close();
});

test('a verdict and a diagnosis are told in the language of the page, also when it changes', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  const result = await server.authenticate('order-73', { touch: '1' });
  await server.verify(await server.token(), { ...result, resultJSON: result.resultJSON.replaceAll(',', ', ') });
  await page.locator(`.line[data-number="${await newest()}"]`).click();
  const { detail } = await lastJudgement();
  const verdict = page.locator('.entry .verdict');
  await verdict.locator('.detail[lang=zh-CN]').waitFor();
  await page.getByRole('button', { name: '为什么被拒绝？' }).click();
  const box = page.locator('.diagnosis-result');
  await box.getByText('签名：reserialised').waitFor();
  assert.equal(await box.locator('[lang=en]').count(), 0);
  assert.ok(await box.locator('.detail[lang=zh-CN]').count() > 0);
  await page.locator('#language').focus();
  await page.locator('#language').selectOption('en');
  await box.getByText('Signature: reserialised').waitFor();
  await box.locator('[lang=zh-CN]').first().waitFor({ state: 'detached' });
  await box.getByText(detail, { exact: true }).first().waitFor();
  await page.locator('#tab-journal .verdict').getByText(detail, { exact: true }).waitFor({ state: 'attached' });
  // The page does as it is told, and no more: the focus is where the person left it.
  await page.locator('#language:focus').waitFor();
  await close();
});

/** The verdict of the newest call that was judged, in English. */
async function lastJudgement() {
  const { entries } = await (await fetch(`${server.url}/sim/journal?before=${Number.MAX_SAFE_INTEGER}&limit=9`)).json();
  return entries.findLast(({ judgement }) => judgement).judgement;
}

describe('A change of the language', () => {
  const list = (page) => page.getByRole('listbox');
  const call = (number) => ['wx.checkIsSoterEnrolledInDevice', { checkAuthMode: 'fingerPrint', order: `n${number}` }];
  const topmost = (page) => list(page).evaluate(async (element) => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const { top } = element.getBoundingClientRect();
    return [...element.querySelectorAll('.line')].find((line) => line.getBoundingClientRect().bottom > top + 1).dataset.number;
  });

  test('keeps all calls that are here, and the place in their list', async (t) => {
    const own = await start();
    t.after(() => own.stop());
    await own.batches(Array.from({ length: 470 }, (_, number) => call(number)));
    await own.verify(await own.token(), { resultJSON: '[', resultJSONSignature: 'A'.repeat(344) });
    const { page, close } = await open(browser, own.url);
    const older = page.getByRole('button', { name: 'Load older calls' });
    await older.click();
    await older.waitFor({ state: 'hidden' });
    const all = await page.locator('#journal-count').textContent();
    const [, count] = all.match(/^(\d+) of \1 calls$/);
    assert.ok(count > 470, all);
    await list(page).evaluate((element) => { element.scrollTop = 52 * 300; });
    const seen = await topmost(page);
    await page.locator('#language').selectOption('zh');
    await page.locator('.entry .detail[lang=zh-CN]').waitFor();
    assert.equal(await page.locator('#journal-count').textContent(), `${count} / ${count} 次调用`);
    assert.equal(await topmost(page), seen);
    await close();
  });

  test('keeps the calls while the server is away, and has them in the new language when it is back', { skip: process.platform === 'win32' }, async (t) => {
    const own = await start();
    t.after(() => own.stop());
    await own.verify(await own.token(), { resultJSON: '[', resultJSONSignature: 'A'.repeat(344) });
    const { page, close } = await open(browser, own.url);
    page.setDefaultTimeout(40_000);
    await page.getByText('2 of 2 calls').waitFor();
    await page.locator('.entry .detail[lang=en]').waitFor();
    own.freeze();
    await page.getByText('Offline: no answer from').waitFor();
    await page.locator('#language').selectOption('zh');
    await page.getByText('2 / 2 次调用').waitFor();
    await page.locator('.entry').getByText('结论：signature-length').waitFor();
    assert.equal(await page.locator('.entry .detail[lang=en]').count(), 1);
    own.wake();
    await page.locator('.entry .detail[lang=zh-CN]').waitFor();
    await page.getByText('2 / 2 次调用').waitFor();
    // So it is with what comes over the connection.
    await tab(page, '手机列表');
    await page.locator('#desk-profile option').getByText('联发科').waitFor({ state: 'attached' });
    const families = await page.locator('#desk-profile option').allTextContents();
    assert.ok(families.every((words) => /\p{Script=Han}/u.test(words)), String(families));
    await page.getByLabel('名称', { exact: true }).fill('phone');
    await page.getByRole('button', { name: '放到桌上' }).click();
    await page.locator('.toast p[lang=zh-CN]').nth(1).waitFor();
    assert.equal(await page.locator('.toast p[lang=en]').count(), 0);
    await close();
  });

  test('and back at once, while the page reconnects, ends in the language that was chosen last', async () => {
    const { page, close } = await fresh();
    const addresses = [];
    page.on('websocket', (socket) => addresses.push(socket.url()));
    await page.locator('#language').evaluate((choice) => {
      for (const name of ['zh', 'en']) {
        choice.value = name;
        choice.dispatchEvent(new Event('change'));
      }
    });
    await page.getByText('Connected', { exact: true }).waitFor();
    assert.match(addresses[addresses.length - 1], /[?&]lang=en$/);
    await close();
  });

  /** Clicks a button (`click`) and chooses Chinese (`choose`) in the order given, with nothing in between. */
  const atOnce = (button, ...steps) => button.evaluate((element, steps) => {
    const choice = document.getElementById('language');
    const actions = {
      click: () => element.click(),
      choose: () => {
        choice.value = 'zh';
        choice.dispatchEvent(new Event('change'));
      },
    };
    for (const step of steps) actions[step]();
  }, steps);
  const chineseFamilies = (page) => page.locator('#desk-profile option').getByText('联发科').waitFor({ state: 'attached' });

  test('loses no answer that is on its way', async () => {
    const { page, close } = await fresh();
    await tab(page, 'Phones');
    await page.locator('#desk-name').fill('second');
    await atOnce(page.getByRole('button', { name: 'Put it on the desk' }), 'click', 'choose');
    await chineseFamilies(page);
    await page.locator('#tab-desk li', { hasText: 'second' }).waitFor();
    assert.equal(await page.locator('#desk-name').inputValue(), '');
    assert.equal(await page.locator('.toast').count(), 0);
    await close();
  });

  test('loses no call that is made at once after it', async () => {
    const { page, close } = await fresh();
    await tab(page, 'Phones');
    await page.locator('#desk-name').fill('second');
    await atOnce(page.getByRole('button', { name: 'Put it on the desk' }), 'choose', 'click');
    await page.locator('#tab-desk li', { hasText: 'second' }).waitFor();
    await chineseFamilies(page);
    assert.equal(await page.locator('.toast').count(), 0);
    await close();
  });

  test('refuses a call that is made at once after it, if the server does not answer', { skip: process.platform === 'win32' }, async (t) => {
    const own = await start();
    t.after(() => own.stop());
    const { page, close } = await open(browser, own.url);
    await tab(page, 'Phones');
    await page.locator('#desk-name').fill('second');
    own.freeze();
    await atOnce(page.getByRole('button', { name: 'Put it on the desk' }), 'choose', 'click');
    await page.locator('.toast').getByText('未发送').waitFor();
    own.wake();
    await page.getByText('已连接', { exact: true }).waitFor();
    await chineseFamilies(page);
    assert.equal(await page.locator('#desk-name').inputValue(), 'second');
    assert.equal(await page.locator('#tab-desk li', { hasText: 'second' }).count(), 0);
    await close();
  });

  test('waits for the touch that the page’s own authentication waits for', async () => {
    const { page, close } = await fresh();
    const addresses = [];
    page.on('websocket', (socket) => addresses.push(socket.url()));
    await page.getByRole('button', { name: 'Try it: pay ¥42' }).click();
    await page.getByRole('dialog').waitFor();
    await page.locator('#language').selectOption('zh');
    // Meanwhile the page reads the phone over the connection of the old language.
    await server.rpc('device.set', { reportNotEnrolled: true });
    await page.locator('#settings-reportNotEnrolled[aria-checked=true]').waitFor({ state: 'attached' });
    assert.deepEqual(addresses, []);
    await page.locator('#language').evaluate((choice) => choice.blur());
    await page.keyboard.press('1');
    await page.locator('.last').waitFor();
    await chineseFamilies(page);
    assert.equal(addresses.length, 1);
    assert.match(addresses[0], /[?&]lang=zh-CN$/);
    assert.equal(await page.locator('.toast').count(), 0);
    await close();
  });

  test('lets a diagnosis that runs end, and has it in the new language', async () => {
    const { page, close } = await fresh();
    const result = await server.authenticate('order-76', { touch: '1' });
    await tab(page, 'Why refused?');
    await page.locator('#diagnosis-json').fill(result.resultJSON.replaceAll(',', ', '));
    await page.locator('#diagnosis-signature').fill(result.resultJSONSignature);
    await atOnce(page.getByRole('button', { name: 'Diagnose', exact: true }), 'click', 'choose');
    const box = page.locator('.diagnosis-result');
    await box.getByText('签名：reserialised').waitFor();
    await box.locator('.detail[lang=zh-CN]').first().waitFor();
    assert.equal(await box.locator('[lang=en]').count(), 0);
    await close();
  });

  test('leaves a diagnosis alone that was cleared before the server was there again', { skip: process.platform === 'win32' }, async (t) => {
    const own = await start();
    t.after(() => own.stop());
    const result = await own.authenticate('order-74', { touch: '1' });
    await own.verify(await own.token(), { ...result, resultJSON: result.resultJSON.replaceAll(',', ', ') });
    const { page, close } = await open(browser, own.url);
    page.setDefaultTimeout(40_000);
    await page.locator('.line').first().click();
    await page.getByRole('button', { name: 'Why was it refused?' }).click();
    const box = page.locator('.diagnosis-result');
    await box.getByText('Signature: reserialised').waitFor();
    own.freeze();
    await page.getByText('Offline: no answer from').waitFor();
    await page.locator('#language').selectOption('zh');
    await page.getByRole('button', { name: '清空' }).click();
    own.wake();
    await page.getByText('已连接', { exact: true }).waitFor();
    // The calls are read again after the diagnosis would have been.
    await page.locator('#tab-journal .detail[lang=zh-CN]').waitFor({ state: 'attached' });
    assert.equal(await box.textContent(), '');
    assert.equal(await page.locator('.diagnosis [aria-invalid]').count(), 0);
    await close();
  });
});
