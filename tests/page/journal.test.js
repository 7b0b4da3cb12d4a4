// The journal: the details of calls, and very many calls.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';

import { ACCOUNT } from '../../host-bridge/miniprogram/test/support/program.js';
import { open } from './support/browser.js';
import { start, until } from './support/server.js';
import { browser, fresh, newest, server, tab } from './support/suite.js';

/** As long as one. */
const NOT_A_SIGNATURE = Buffer.alloc(256).toString('base64');

test('the journal shows a call with the verdict, its reason, and a command that repeats it', async () => {
  const { page, close } = await fresh({ permissions: ['clipboard-read', 'clipboard-write'], acceptDownloads: true });
  const result = await server.authenticate(`it's "order" 55`, { touch: '1' });
  const token = await server.token();
  assert.deepEqual(await server.verify(token, result), { is_ok: true });
  await page.getByText('The backend was told is_ok: true').waitFor();
  assert.deepEqual(await server.verify(token, result), { is_ok: false });
  await page.getByText('The backend was told is_ok: false (counter-replayed)').waitFor();
  await page.locator('.last').getByText('A result with this very counter was accepted before: a replay.').waitFor();
  await page.getByLabel('Search').fill('verify_signature counter-replayed');
  await page.getByText(/^1 of \d+ calls$/).waitFor();
  await page.locator('.line', { hasText: 'counter-replayed' }).click();
  const entry = page.locator('.entry');
  await entry.getByText('Verdict: counter-replayed').waitFor();
  await entry.getByText('256 bytes in Base64').waitFor();
  // The challenge is in a text inside a text inside the body, and is shown decoded there.
  await entry.locator('.json-opened li').filter({ hasText: /^raw: "it's \\"order\\" 55"$/ }).waitFor();
  await entry.getByRole('button', { name: 'Copy as curl' }).click();
  await page.getByText('Copied.').waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  // A shell splits the command into exactly what was sent.
  const words = execFileSync('sh', ['-c', `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }; ${command}`], { env: { ACCESS_TOKEN: token } });
  const [, method, address, , , , body] = words.toString().split('\0');
  const again = await fetch(address, { method, body });
  assert.equal(again.headers.get('x-soter-sim-reason'), 'counter-replayed');
  assert.equal(JSON.parse(body).json_string, result.resultJSON);
  assert.equal(JSON.parse(body).openid, ACCOUNT.openid);
  await page.getByLabel('Search').fill('counter-replayed');
  await page.getByLabel('Show').selectOption('refused');
  await page.getByText(/^2 of \d+ calls$/).waitFor();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export JSON' }).click();
  const chunks = [];
  for await (const chunk of await (await download).createReadStream()) chunks.push(chunk);
  const exported = JSON.parse(Buffer.concat(chunks));
  const judged = exported.filter(({ judgement }) => judgement).map(({ judgement: { reason } }) => reason);
  assert.deepEqual(judged.slice(-3), ['valid', 'counter-replayed', 'counter-replayed']);
  assert.ok(!JSON.stringify(exported).includes(token));
  await close();
});

test('a code of the trusted app is explained like one of a wx call', async () => {
  const { page, close } = await fresh();
  const { resultCode } = await server.rpc('soter.getAuthKey', { uid: 10104, kname: 'never made' });
  assert.notEqual(resultCode, 0);
  await page.getByLabel('Search').fill('soter.getAuthKey');
  const line = page.locator('.line').filter({ hasText: `resultCode ${resultCode}` });
  await line.first().click();
  const meaning = await page.evaluate(async (code) => (await import('/page/reasons.js')).RESULT_CODES.en.find((one) => one.code === code).meaning, resultCode);
  await page.locator('.entry .verdict').getByText(meaning).waitFor();
  await close();
});

test('a verdict keeps its code, and has its meaning and advice in both languages', async () => {
  const { page, close } = await fresh();
  const token = await server.token();
  await server.verify('nonsense', { resultJSON: '{}', resultJSONSignature: NOT_A_SIGNATURE });
  await server.verify(token, { resultJSON: '{}', resultJSONSignature: NOT_A_SIGNATURE });
  await server.rpc('wx.startSoterAuthentication', { requestAuthModes: [], challenge: 'order-71' });
  const last = await newest();
  const verdict = page.locator('.entry .verdict');
  const told = {
    2: ['errcode-40001', 'The access_token is wrong, of another app, or replaced by a newer one.', /^Keep one token per app/, 'access_token 错误、属于另一个应用，或者已被更新的令牌取代。', /^每个应用的令牌只保存在一处/],
    1: ['missing-field', 'A member that every result has is missing.', /^Send resultJSON itself/, '缺少每个结果都有的字段。', /^请发送 resultJSON 本身/],
    0: ['errCode 90003', 'requestAuthModes is missing or empty.', /^Pass an array with at least one/, 'requestAuthModes 缺失或为空。', /^请传入数组/],
  };
  for (const [before, [code, meaning, advice, zhMeaning, zhAdvice]] of Object.entries(told)) {
    await page.locator(`.line[data-number="${last - before}"]`).click();
    for (const [language, words] of Object.entries({ en: [meaning, advice], zh: [zhMeaning, zhAdvice] })) {
      await page.locator('#language').selectOption(language);
      await verdict.locator('strong').getByText(code).waitFor();
      for (const each of words) await verdict.getByText(each).waitFor();
    }
    await page.locator('#language').selectOption('en');
  }
  await close();
});

describe('Next to the list', () => {
  const WIDE = { width: 1280, height: 800 };
  const entry = (page) => page.locator('.entry');
  const refuse = async (token, result) => assert.deepEqual(await server.verify(token, result), { is_ok: false });

  test('the newest refused call opens by itself, until another one is chosen', async () => {
    const { page, close } = await fresh(WIDE);
    const token = await server.token();
    const result = await server.authenticate('order-72', { touch: '1' });
    await refuse(token, { ...result, resultJSON: '{}' });
    await entry(page).getByText('Verdict: missing-field').waitFor();
    await server.verify(token, result);
    await refuse(token, result);
    await entry(page).getByText('Verdict: counter-replayed').waitFor();
    // The keyboard's focus is where it was.
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY');
    await page.locator('.line').filter({ hasText: 'wx.startSoterAuthentication' }).first().click();
    await entry(page).getByRole('heading', { name: 'wx.startSoterAuthentication' }).waitFor();
    await refuse(token, { ...result, resultJSON: '[' });
    await page.locator('.line').first().getByText('malformed-json').waitFor();
    await entry(page).getByRole('heading', { name: 'wx.startSoterAuthentication' }).waitFor();
    await close();
  });

  test('one that somebody reads stays, and a search shows the newest refused of what it finds', async () => {
    const { page, close } = await fresh(WIDE);
    const token = await server.token();
    await refuse(token, { resultJSON: '{}', resultJSONSignature: NOT_A_SIGNATURE });
    await refuse(token, { resultJSON: '[', resultJSONSignature: NOT_A_SIGNATURE });
    await entry(page).getByText('Verdict: malformed-json').waitFor();
    await page.getByLabel('Search').fill('missing-field');
    await entry(page).getByText('Verdict: missing-field').waitFor();
    await page.getByLabel('Search').fill('');
    await entry(page).getByText('Verdict: malformed-json').waitFor();
    await entry(page).getByRole('heading', { level: 3 }).click();
    await refuse(token, { resultJSON: '{}', resultJSONSignature: NOT_A_SIGNATURE });
    await page.locator('.line').first().getByText('missing-field').waitFor();
    await entry(page).getByText('Verdict: malformed-json').waitFor();
    await close();
  });

  test('an empty pane says why it is empty', async (t) => {
    const own = await start();
    t.after(() => own.stop());
    const { page, close } = await open(browser, own.url, WIDE);
    await entry(page).getByText('Nothing to show yet: the newest refused call opens here by itself.').waitFor();
    await own.rpc('wx.login');
    await entry(page).getByText('No call here was refused.').waitFor();
    await page.getByLabel('Search').fill('nothing has this');
    await entry(page).getByText('No call matches.').waitFor();
    await page.locator('#language').selectOption('zh');
    await entry(page).getByText('没有匹配的调用。').waitFor();
    await close();
  });

  test('a window without room for it keeps its list', async () => {
    const { page, close } = await fresh({ width: 1000, height: 800 });
    await refuse(await server.token(), { resultJSON: '{}', resultJSONSignature: NOT_A_SIGNATURE });
    await page.locator('.line').first().getByText('missing-field').waitFor();
    await page.getByRole('listbox').waitFor();
    assert.equal(await page.locator('.line[aria-selected="true"]').count(), 0);
    await page.setViewportSize(WIDE);
    await entry(page).getByText('Verdict: missing-field').waitFor();
    await close();
  });
});

test('a chart shows calls and refusals over time, and says the same in words', async (t) => {
  const own = await start();
  t.after(() => own.stop());
  const { page, close } = await open(browser, own.url);
  const picture = page.locator('.chart-bars');
  await picture.waitFor({ state: 'hidden' });
  const sum = (name) => page.locator(name).evaluateAll((bars) => bars.reduce((all, bar) => all + bar.getBoundingClientRect().height, 0));
  await own.batches(Array.from({ length: 10 }, () => ['wx.login']));
  await page.getByRole('img', { name: /^Calls over time, from [\d:]+ to [\d:]+: 10 calls, 0 refused\. The most in 1 s: \d+\.$/ }).waitFor();
  assert.equal(await sum('.chart-refused'), 0);
  for (let number = 0; number < 5; number += 1) await own.rpc('wx.startSoterAuthentication', { requestAuthModes: [], challenge: 'c' });
  await page.getByRole('img', { name: /: 15 calls, 5 refused\./ }).waitFor();
  await page.getByText(/^Refused since [\d:]+: 5$/).waitFor();
  const [calls, refused] = [await sum('.chart-call'), await sum('.chart-refused')];
  assert.ok(calls > 0 && refused > 0 && refused < calls, `${calls} ${refused}`);
  await close();
});

test('unusual JSON is shown as it was received', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  const token = await server.token();
  const ask = (json_string) => server.verify(token, { resultJSON: json_string, resultJSONSignature: 'A'.repeat(344) });
  await ask('{"raw":"\u202Edesrever","counter":1152921504606846977,"n":5.0}');
  await ask('['.repeat(3000) + ']'.repeat(3000));
  await ask(`${JSON.stringify({ raw: 'x'.repeat(9000) })}`);
  const last = await newest();
  const line = (before) => page.locator(`.line[data-number="${last - before}"]`);
  await line(0).waitFor();
  await line(2).click();
  const entry = page.locator('.entry');
  await entry.getByText('counter: 1152921504606846977').waitFor();
  await entry.getByText('n: 5.0').waitFor();
  await entry.locator('.json-opened').getByText('raw: "\\u202edesrever"').waitFor();
  // The meaning of the reason, and the server's own text.
  await entry.locator('.verdict p:not(.detail)').getByText(/\p{Script=Han}/u).first().waitFor();
  await entry.locator('.verdict p.detail[lang=zh-CN]').waitFor();
  await line(1).click();
  for (let depth = 0; depth < 3; depth += 1) await entry.locator('.json-opened summary').nth(depth).click();
  await entry.locator('.json-opened summary').nth(3).waitFor();
  await line(0).click();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: '复制为 curl' }).click();
  await page.getByText('调用记录没有保留这次调用的全部内容').waitFor();
  await close();
});

test('with ten thousand calls and a hundred phones the page draws little and requests little', async () => {
  const { page, requests, close } = await fresh();
  const frames = [];
  page.on('websocket', (socket) => socket.on('framesent', (frame) => frames.push(frame.payload)));
  await page.reload();
  await page.locator('.pad').first().waitFor();
  await server.batches(Array.from({ length: 99 }, (_, number) => ['device.create', { name: `phone-${number}` }]));
  await tab(page, 'Phones');
  await page.getByRole('button', { name: 'Select phone-98' }).waitFor();
  await tab(page, 'Journal');
  requests.length = 0;
  frames.length = 0;
  const begun = performance.now();
  await server.batches(Array.from({ length: 10_000 }, (_, number) => ['wx.checkIsSoterEnrolledInDevice', { checkAuthMode: 'fingerPrint', order: `n${number}` }]));
  await page.locator('.line').first().filter({ hasText: 'wx.checkIsSoterEnrolledInDevice' }).waitFor();
  const seconds = (performance.now() - begun) / 1000 + 1;
  // Five times a second at most, whatever happens.
  assert.ok(requests.length <= 5 * seconds + 2, `${requests.length} requests in ${seconds} s`);
  assert.ok(frames.length <= 7 * 4 * seconds, `${frames.length} frames in ${seconds} s`);
  // The scroll position stays while older calls are added below.
  await page.reload();
  await page.locator('.line').first().waitFor();
  const list = page.getByRole('listbox');
  await list.evaluate((element) => { element.scrollTop = 52 * 100; });
  const topmost = () => list.evaluate(async (element) => {
    // The visible part is drawn in the next frame.
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const { top } = element.getBoundingClientRect();
    return [...element.querySelectorAll('.line')].find((line) => line.getBoundingClientRect().bottom > top + 1).dataset.number;
  });
  const seen = await topmost();
  const older = page.getByRole('button', { name: 'Load older calls' });
  // Two simultaneous requests are only one.
  await older.evaluate((button) => { button.click(); button.click(); });
  await page.locator('#journal-count', { hasNotText: / of 20\d calls/ }).waitFor();
  assert.equal(await topmost(), seen);
  // It is gone once all calls are here, which may be between a look and a click.
  await until(async () => (await older.evaluateAll((buttons) => buttons.map((button) => button.click()))).length === 0);
  const numbers = await page.evaluate(async () => {
    const element = document.querySelector('.list-box');
    const all = [];
    // The range of two consecutive answers of the server.
    for (let top = 0; top < 52 * 2400; top += 600) {
      element.scrollTop = top;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      for (const line of element.querySelectorAll('.line')) all.push([Number(line.getAttribute('aria-posinset')), Number(line.dataset.number)]);
    }
    return [...new Map(all)].toSorted(([one], [next]) => one - next).map(([, number]) => number);
  });
  assert.ok(numbers.every((number, index) => index === 0 || number < numbers[index - 1]), 'a call stands twice, or out of order');
  assert.ok(await page.locator('.line').count() < 60);
  await page.getByLabel('Search').fill('n9999');
  await page.getByText(/^1 of \d+ calls$/).waitFor();
  await page.getByLabel('Search').fill('');
  await page.getByRole('listbox').focus();
  await page.keyboard.press('End');
  await page.locator('.line[aria-selected="true"]').waitFor();
  assert.ok(await page.locator('.line').count() < 60);
  // A touch is still answered at once.
  const call = server.authenticate('order-61');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('1');
  assert.equal((await call).errCode, 0);
  await close();
});
