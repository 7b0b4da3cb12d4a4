// What a person does on the device page, and what comes of it at the phone.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { ACCOUNT } from '../../host-bridge/miniprogram/test/support/program.js';
import { findings, launch, open } from './support/browser.js';
import { start, until } from './support/server.js';

let browser;
let server;
before(async () => {
  browser = await launch();
  server = await start();
});
after(async () => {
  await browser.close();
  await server.stop();
});

/** A page of the shared server, whose phone is like new. */
async function fresh(options) {
  await server.rpc('desk.reset');
  return open(browser, server.url, options);
}

/** The number of the newest call. */
async function newest() {
  const answer = await fetch(`${server.url}/sim/journal?before=${Number.MAX_SAFE_INTEGER}&limit=1`);
  return (await answer.json()).last;
}

const finger = (page, number) => page.getByRole('button', { name: `Finger ${number}` }).and(page.locator('.pad'));
const wrong = (page) => page.getByRole('button', { name: 'Wrong finger' });
const tab = (page, name) => page.getByRole('tab', { name }).click();

describe('The dialog', () => {
  test('opens on a call, counts a wrong finger, and closes with the right one', async () => {
    const { page, close } = await fresh();
    const call = server.authenticate('order-42', { authContent: 'Pay ¥42 to Emulated Coffee' });
    const dialog = page.getByRole('dialog', { name: 'Pay ¥42 to Emulated Coffee' });
    await dialog.waitFor();
    await dialog.getByText('order-42').waitFor();
    await wrong(page).click();
    await dialog.getByText('Not recognised. Attempts left: 4').waitFor();
    await finger(page, 1).click();
    const result = await call;
    assert.equal(result.errCode, 0);
    const { counter } = JSON.parse(result.resultJSON);
    await page.getByText(`Counter ${counter}, salt 20 bytes`).waitFor();
    assert.equal(await dialog.count(), 0);
    await close();
  });

  test('is cancelled by its button and by Escape', async () => {
    const { page, close } = await fresh();
    for (const cancel of [() => page.getByRole('button', { name: 'Cancel' }).click(), () => page.keyboard.press('Escape')]) {
      const call = server.authenticate('order-43');
      await page.getByRole('dialog').waitFor();
      await cancel();
      assert.equal((await call).errCode, 90008);
      await page.locator('.last').getByText('errCode 90008').waitFor();
    }
    await close();
  });

  test('locks after five wrong fingers, counts down, and is unlocked by the PIN', async () => {
    const { page, close } = await fresh();
    const call = server.authenticate('order-44');
    await page.getByRole('dialog').waitFor();
    for (let left = 4; left > 0; left -= 1) {
      await wrong(page).click();
      await page.getByText(`Attempts left: ${left}`).waitFor();
    }
    await wrong(page).click();
    assert.equal((await call).errCode, 90010);
    const banner = page.locator('.banner');
    await banner.getByText(/Locked for (30|29) s/).waitFor();
    await banner.getByText(/Locked for (28|27|26) s/).waitFor();
    assert.equal((await server.authenticate('order-45')).errCode, 90010);
    await banner.getByRole('button', { name: 'Enter the PIN' }).click();
    await banner.waitFor({ state: 'hidden' });
    const again = server.authenticate('order-46');
    await finger(page, 1).and(page.locator('[aria-disabled="false"]')).click();
    assert.equal((await again).errCode, 0);
    await close();
  });

  test('that was open before the page is there when the page comes', async () => {
    await server.rpc('desk.reset');
    const call = server.authenticate('order-47', { authContent: 'Already waiting' });
    await until(async () => (await server.rpc('device.show')).dialog);
    const { page, close } = await open(browser, server.url);
    await page.getByRole('dialog', { name: 'Already waiting' }).waitFor();
    await page.keyboard.press('1');
    assert.equal((await call).errCode, 0);
    await close();
  });

  test('on another phone is told, and shown at a click', async () => {
    const { page, close } = await fresh();
    await server.rpc('device.create', { name: 'tablet' });
    const call = server.authenticate('order-48', { device: 'tablet', authContent: 'Over here' });
    const show = page.getByRole('button', { name: 'Show tablet' });
    await show.waitFor();
    // Also to a page that comes later.
    await page.reload();
    await show.click();
    await page.getByRole('dialog', { name: 'Over here' }).waitFor();
    await page.keyboard.press('1');
    assert.equal((await call).errCode, 0);
    await close();
  });

  test('never takes a key that somebody types into a field', async () => {
    const { page, close } = await fresh();
    const call = server.authenticate('order-49');
    await page.getByRole('dialog').waitFor();
    await page.getByLabel('Search').pressSequentially('x1');
    assert.equal((await server.rpc('biometric.list')).lockouts.length, 0);
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.equal((await call).errCode, 90008);
    await close();
  });
});

test('a long list of fingers is reached by numbers of two digits', async () => {
  const { page, close } = await fresh();
  for (let number = 2; number <= 12; number += 1) await server.rpc('biometric.enroll', { mode: 'fingerPrint' });
  await finger(page, 12).waitFor();
  const fids = (await server.rpc('biometric.list')).enrolments.map(({ fid }) => fid);
  for (const [keys, number] of [['12', 12], ['1', 1], ['7', 7]]) {
    const call = server.authenticate(`order-${keys}`);
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type(keys);
    assert.equal(JSON.parse((await call).resultJSON).fid, fids[number - 1]);
  }
  await close();
});

test('what cannot be seen in a text is written out, and no text is markup', async () => {
  const { page, close } = await fresh();
  const challenge = `\u202Etxet\u0000<b>bold</b> ${'long '.repeat(90)}`;
  const call = server.authenticate(challenge, { authContent: '<i>¥1</i>\u202E00' });
  await page.getByRole('dialog', { name: '<i>¥1</i>\\u202e00' }).waitFor();
  assert.match(await page.locator('.signs code').textContent(), /^\\u202etxet\\u0000<b>bold<\/b> long/);
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press('Escape');
  await call;
  await close();
});

test('a clock that runs is seen to run, and one that stands still is not', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Fingers and keys');
  const clock = page.locator('.facts dd').nth(2);
  const shown = await clock.textContent();
  await until(async () => (await clock.textContent()) !== shown);
  await server.rpc('device.create', { name: 'seeded', seed: 'demo' });
  await server.rpc('device.select', { name: 'seeded' });
  await page.locator('.status .name').getByText('seeded').waitFor();
  assert.deepEqual(await page.evaluate(async () => {
    const place = document.querySelectorAll('.facts dd')[2];
    const seen = new Set();
    for (let frame = 0; frame < 150; frame += 1) {
      await new Promise(requestAnimationFrame);
      seen.add(place.textContent);
    }
    return seen.size;
  }), 1);
  await close();
});

test('everything can be done with the keyboard alone', async () => {
  const { page, close } = await fresh();
  const focusOn = async (name) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await page.evaluate((wanted) => document.activeElement?.textContent === wanted, name)) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`${name} is not reached`);
  };
  await focusOn('Try it: pay ¥42');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Confirm the payment of ¥42' }).waitFor();
  await page.keyboard.press('x');
  await page.getByText('Attempts left: 4').waitFor();
  await focusOn('Finger 11');
  await page.keyboard.press('Enter');
  await page.locator('.last').getByText('Signed').waitFor();
  await focusOn('Journal');
  for (const name of ['Troubles', 'Fingers and keys', 'Phones', 'Journal']) {
    await page.keyboard.press('ArrowRight');
    assert.equal(await page.getByRole('tab', { selected: true }).textContent(), name);
  }
  await page.locator('.line').first().getByText('wx.startSoterAuthentication').waitFor();
  await page.getByRole('listbox').focus();
  for (const line of [0, 1]) {
    await page.keyboard.press('ArrowDown');
    const name = await page.locator('.line .call').nth(line).textContent();
    await page.getByRole('heading', { level: 3, name, exact: true }).waitFor();
  }
  await close();
});

describe('The focus is never lost', () => {
  const focused = (page) => page.evaluate(() => document.activeElement.textContent);

  test('where what it was on is drawn anew, or has gone', async () => {
    const { page, close } = await fresh();
    await tab(page, 'Fingers and keys');
    await page.getByRole('button', { name: 'Enrol a finger' }).focus();
    await page.keyboard.press('Enter');
    await finger(page, 2).waitFor();
    assert.equal(await focused(page), 'Enrol a finger');
    await page.getByRole('button', { name: 'Remove Finger 1' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('#asked').getByText('Really: Remove Finger 1').waitFor({ state: 'attached' });
    await page.keyboard.press('Enter');
    await finger(page, 1).waitFor({ state: 'detached' });
    await until(async () => (await focused(page)) === 'Remove Finger 2');
    await close();
  });

  test('when a dialog opens and closes, and when a lockout ends', async () => {
    const { page, close } = await fresh();
    await page.getByRole('button', { name: 'Try it: pay ¥42' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').and(page.locator(':focus')).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.last').waitFor();
    assert.ok(await page.evaluate(() => document.querySelector('.screen').contains(document.activeElement)));
    await server.authenticate('order-63', { touch: 'wrong,wrong,wrong,wrong,wrong' });
    const unlock = page.locator('.banner').getByRole('button', { name: 'Enter the PIN' });
    await unlock.focus();
    const told = page.locator('.banner span');
    const first = await told.textContent();
    // It is counted down beside the button that somebody is on.
    await until(async () => (await told.textContent()) !== first);
    assert.equal(await focused(page), 'Enter the PIN');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Unlocked').waitFor({ state: 'attached' });
    assert.ok(await page.evaluate(() => document.querySelector('.screen').contains(document.activeElement)));
    await close();
  });

  test('in a window that has no room for list and call side by side', async () => {
    const { page, close } = await fresh({ width: 900, height: 800 });
    for (let number = 0; number < 30; number += 1) await server.rpc('wx.checkIsSupportSoterAuthentication', { order: number });
    await page.locator(`.line[data-number="${await newest()}"]`).waitFor();
    const list = page.getByRole('listbox');
    await list.focus();
    for (let presses = 0; presses < 20; presses += 1) await page.keyboard.press('ArrowDown');
    const top = await list.evaluate(({ scrollTop }) => scrollTop);
    assert.ok(top > 0);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Back to the list' }).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Enter');
    await list.and(page.locator(':focus')).waitFor();
    assert.equal(await list.evaluate(({ scrollTop }) => scrollTop), top);
    await page.keyboard.press('ArrowUp');
    assert.equal(await page.locator('.line[aria-selected="true"]').getAttribute('aria-posinset'), '19');
    await close();
  });
});

test('a choice that somebody has opened is left alone while calls come', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Troubles');
  const first = await page.locator('#setting-failNext option').first().elementHandle();
  await server.authenticate('order-64', { touch: '1' });
  await server.rpc('device.set', { latency: 1 });
  await until(async () => (await page.locator('#setting-latency').inputValue()) === '1');
  assert.ok(await first.evaluate(({ isConnected }) => isConnected));
  await close();
});

test('a finger is enrolled, which makes the AuthKey invalid, and removed', async () => {
  const { page, close } = await fresh();
  await server.authenticate('order-50', { touch: '1' });
  await tab(page, 'Fingers and keys');
  await page.getByRole('rowheader', { name: 'AuthKey', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Enrol a finger' }).click();
  await finger(page, 2).waitFor();
  await page.getByRole('rowheader', { name: 'AuthKey invalid since an enrolment' }).waitFor();
  const call = server.authenticate('order-51');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('2');
  assert.equal((await call).errCode, 0);
  const remove = page.getByRole('button', { name: 'Remove Finger 2' });
  await remove.click();
  // One click asks, the second one does it.
  assert.equal((await server.rpc('biometric.list')).enrolments.length, 2);
  await page.getByRole('button', { name: 'Really: Remove Finger 2' }).click();
  await finger(page, 2).waitFor({ state: 'detached' });
  const { cpuId, counter } = await server.rpc('device.show');
  await page.getByText(cpuId).waitFor();
  await page.locator('.facts').getByText(String(counter), { exact: true }).waitFor();
  await close();
});

test('what is changed elsewhere is seen here, and troubles that are switched here are had there', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Troubles');
  const support = page.getByRole('switch', { name: 'Supports SOTER' });
  await support.click();
  await page.locator('#setting-support[aria-checked="false"]').waitFor();
  assert.equal((await server.authenticate('order-52')).errCode, 90001);
  await page.getByText('fail not support soter').waitFor();
  await server.rpc('device.set', { support: null, permission: false });
  await page.locator('#setting-support[aria-checked="true"]').waitFor();
  await page.locator('#setting-permission[aria-checked="false"]').waitFor();
  await server.rpc('device.set', { permission: null });
  // Everything that can be chosen is something that the phone takes.
  for (const [name, setting] of [['Internal error', 'internalError'], ['Fail once with', 'failNext']]) {
    const choice = page.getByLabel(name);
    const values = await choice.locator('option').evaluateAll((options) => options.map(({ value }) => value));
    for (const value of values.toReversed()) {
      await choice.selectOption(value);
      await until(async () => String((await server.rpc('device.show')).settings[setting] ?? '') === value);
    }
  }
  await page.getByLabel('Latency (ms)').fill('70000');
  await page.getByLabel('Latency (ms)').press('Enter');
  await page.getByLabel('Latency (ms)').fill('20');
  await page.getByLabel('Latency (ms)').press('Enter');
  await until(async () => (await server.rpc('device.show')).settings.latency === 20);
  await page.getByLabel('WeChat user').fill('nobody');
  await page.getByLabel('WeChat user').press('Enter');
  await page.getByText('there is no WeChat user `nobody`').waitFor();
  await page.getByLabel('Who touches').selectOption('auto');
  await until(async () => (await server.rpc('device.show')).sensor === 'auto');
  assert.equal((await server.authenticate('order-53')).errCode, 0);
  await page.getByLabel('Who touches').selectOption('script');
  await page.getByLabel('Script', { exact: true }).fill('wrong,cancel');
  await page.getByLabel('Script', { exact: true }).press('Enter');
  await page.getByText('The sensor plays a script: wrong,cancel').waitFor();
  assert.equal((await server.authenticate('order-54')).errCode, 90008);
  await close();
});

test('phones are made, chosen, filtered and removed', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Phones');
  await page.getByLabel('Name').fill('huawei');
  await page.getByLabel('Profile').selectOption('itrustee');
  await page.getByRole('button', { name: 'Put it on the desk' }).click();
  await page.getByRole('button', { name: 'Select huawei' }).click();
  await page.locator('.status .name').getByText('huawei · itrustee').waitFor();
  assert.equal(await page.locator('#device').inputValue(), 'huawei');
  assert.equal((await server.rpc('device.list')).selected, 'huawei');
  await page.locator('#device').selectOption('phone');
  await until(async () => (await server.rpc('device.list')).selected === 'phone');
  await page.getByLabel('Filter phones').fill('itru');
  await page.getByRole('button', { name: 'Remove phone' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Remove huawei' }).click();
  await page.getByRole('button', { name: 'Really: Remove huawei' }).click();
  await until(async () => (await server.rpc('device.list')).devices.length === 1);
  await close();
});

test('the journal lays calls open, with the verdict, its reason, and a command that makes them again', async () => {
  const { page, close } = await fresh({ permissions: ['clipboard-read', 'clipboard-write'], acceptDownloads: true });
  const result = await server.authenticate(`it's "order" 55`, { touch: '1' });
  const token = await server.token();
  assert.deepEqual(await server.verify(token, result), { is_ok: true });
  await page.getByText('The backend was told is_ok: true').waitFor();
  assert.deepEqual(await server.verify(token, result), { is_ok: false });
  await page.getByText('The backend was told is_ok: false (counter-replayed)').waitFor();
  await page.getByLabel('Search').fill('verify_signature counter-replayed');
  await page.getByText(/^1 of \d+ calls$/).waitFor();
  await page.locator('.line').click();
  const entry = page.locator('.entry');
  await entry.getByText('Verdict: counter-replayed').waitFor();
  await entry.getByText('256 bytes in Base64').waitFor();
  // The challenge stands in the text in the text in the body, and is laid open there.
  await entry.locator('.json-opened li').filter({ hasText: /^raw: "it's \\"order\\" 55"$/ }).waitFor();
  await entry.getByRole('button', { name: 'Copy as curl' }).click();
  await page.getByText('Copied.').waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  // The shell takes it apart again into what was sent.
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

test('odd JSON is laid open as it came', async () => {
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
  // What the reason means, and the server's own words.
  await entry.locator('.verdict p:not([lang])').waitFor();
  await entry.locator('.verdict p[lang=en]').waitFor();
  await line(1).click();
  for (let depth = 0; depth < 3; depth += 1) await entry.locator('.json-opened summary').nth(depth).click();
  await entry.locator('.json-opened summary').nth(3).waitFor();
  await line(0).click();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: '复制为 curl' }).click();
  await page.getByText('日志没有保留这次调用的全部内容').waitFor();
  await close();
});

test('every reason and code has a meaning in Chinese', async () => {
  const source = await (await fetch(`${server.url}/page/meanings.js`)).text();
  const reasons = readFileSync(new URL('../../host-bridge/src/reasons.rs', import.meta.url), 'utf8');
  const names = [...reasons.matchAll(/^ {4}[A-Z0-9_]+ = "([^"]+)":/gm)].map(([, name]) => name);
  assert.ok(names.length > 20);
  const { profiles } = await server.rpc('device.profiles');
  for (const name of [...names, ...profiles.map((profile) => `profile.${profile.name}`)]) assert.ok(source.includes(`  '${name}': '`), name);
});

test('it speaks Chinese to whoever does, and what is chosen is kept', async () => {
  const { page, close } = await fresh({ locale: 'zh-CN' });
  await page.getByRole('tab', { name: '调用日志' }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
  const call = server.authenticate('order-56', { authContent: '请确认支付 42 元' });
  await page.getByRole('dialog', { name: '请确认支付 42 元' }).getByText('请触摸指纹传感器').waitFor();
  await page.getByRole('button', { name: '错误的手指' }).click();
  await page.getByText('未能识别，还可尝试 4 次').waitFor();
  // In the middle of a dialog.
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

test('both languages have the same words for the same things', async () => {
  const source = await (await fetch(`${server.url}/page/texts.js`)).text();
  const [en, zh] = ['EN', 'ZH'].map((name) => {
    const table = source.split(`const ${name} = {`)[1].split('\n};')[0];
    const entries = [...table.matchAll(/^ {2}'([^']+)': '(.*)',$/gm)];
    assert.ok(entries.length > 80);
    return entries.map(([, key, words]) => `${key} ${(words.match(/\{\w+\}/g) ?? []).toSorted()}`).toSorted();
  });
  assert.deepEqual(zh, en);
});

test('a server that goes is told at once, and one that comes back is found', async () => {
  const own = await start();
  const { page, close } = await open(browser, own.url);
  await own.authenticate('order-57', { touch: '1' });
  await page.locator('.last').getByText('Signed').waitFor();
  await tab(page, 'Fingers and keys');
  await page.getByRole('button', { name: 'Remove Finger 1' }).click();
  await own.stop();
  await page.getByText(`Offline: no answer from 127.0.0.1:${own.port}`).waitFor();
  await page.getByRole('button', { name: 'Try it: pay ¥42', disabled: true }).waitFor();
  // What is answered now is not carried out, and not asked any more.
  await page.getByRole('button', { name: 'Really: Remove Finger 1' }).click();
  await page.getByText('Not sent: the page is offline.').waitFor();
  await page.getByRole('button', { name: 'Remove Finger 1', exact: true }).waitFor();
  await tab(page, 'Journal');
  const another = await start({ port: own.port });
  await page.getByText('Connected', { exact: true }).waitFor();
  const call = another.authenticate('order-58');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('1');
  assert.equal((await call).errCode, 0);
  // The journal is the new server's.
  await page.getByText('2 of 2 calls').waitFor();
  await close();
  await another.stop();
});

test('calls of a server that was started anew are not mixed with those of the old one', async () => {
  const own = await start();
  const { page, close } = await open(browser, own.url);
  await own.rpc('wx.login');
  await own.rpc('wx.login');
  await page.getByText('2 of 2 calls').waitFor();
  await page.locator('.line').first().click();
  await own.stop();
  await page.getByText('Offline: no answer from').waitFor();
  const another = await start({ port: own.port });
  await another.batches(Array.from({ length: 9 }, () => ['wx.checkSession']));
  await page.getByText('9 of 9 calls').waitFor();
  assert.deepEqual(new Set(await page.locator('.line .call').allTextContents()), new Set(['wx.checkSession']));
  await page.getByText('Choose a call to lay it open.').waitFor();
  await close();
  await another.stop();
});

test('a server that hangs is told, and one that wakes up is found', { skip: process.platform === 'win32' }, async () => {
  const own = await start();
  const { page, close } = await open(browser, own.url);
  page.setDefaultTimeout(40_000);
  own.freeze();
  await page.getByText(`Offline: no answer from 127.0.0.1:${own.port}`).waitFor();
  own.wake();
  await page.getByText('Connected', { exact: true }).waitFor();
  await close();
  await own.stop();
});

test('with the server’s token in the address, everything works', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'soter-sim-page-'));
  writeFileSync(join(folder, 'token'), 'correct-horse-battery\n');
  const own = await start({ flags: ['--token-file', join(folder, 'token')] });
  assert.equal((await fetch(own.url)).status, 401);
  const { page, close } = await open(browser, `${own.url}/?token=correct-horse-battery`);
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
  await own.stop();
  rmSync(folder, { recursive: true });
});

describe('The accessibility checker finds nothing', () => {
  for (const [name, options] of Object.entries({
    'on a desk': {},
    'in the dark, in Chinese': { locale: 'zh-CN', colorScheme: 'dark' },
    'on a phone': { width: 390, height: 844 },
  })) {
    test(name, async () => {
      const { page, close } = await fresh(options);
      assert.deepEqual(await findings(page), []);
      const token = await server.token();
      await server.verify(token, await server.authenticate('order-59', { touch: '1' }));
      await page.locator('.line').first().click();
      assert.deepEqual(await findings(page), []);
      for (const part of ['settings', 'keys', 'desk']) {
        await page.locator(`#choose-${part}`).click();
        assert.deepEqual(await findings(page), [], part);
      }
      const call = server.authenticate('order-60');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('x');
      await page.locator('.message.bad').waitFor();
      assert.deepEqual(await findings(page), []);
      for (let touches = 0; touches < 4; touches += 1) await page.keyboard.press('x');
      assert.equal((await call).errCode, 90010);
      await page.locator('.banner').waitFor();
      assert.deepEqual(await findings(page), []);
      await close();
    });
  }
});

test('ten thousand calls and a hundred phones: little is drawn, and little is asked', async () => {
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
  // Whoever has scrolled down stays there while older calls come below.
  await page.reload();
  await page.locator('.line').first().waitFor();
  const list = page.getByRole('listbox');
  await list.evaluate((element) => { element.scrollTop = 52 * 100; });
  const topmost = () => list.evaluate(async (element) => {
    // What is scrolled to is drawn in the next frame.
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const { top } = element.getBoundingClientRect();
    return [...element.querySelectorAll('.line')].find((line) => line.getBoundingClientRect().bottom > top + 1).dataset.number;
  });
  const seen = await topmost();
  const older = page.getByRole('button', { name: 'Load older calls' });
  // Twice at once is once.
  await older.evaluate((button) => { button.click(); button.click(); });
  await until(async () => !/ of (200|201) calls/.test(await page.locator('#journal-count').textContent()));
  assert.equal(await topmost(), seen);
  while (await older.isVisible()) {
    await older.click();
    await page.waitForTimeout(50);
  }
  const numbers = await page.evaluate(async () => {
    const element = document.querySelector('.list-box');
    const all = [];
    // As far as two answers of the server reach, if they were put one behind the other.
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
  // A finger is still answered at once.
  const call = server.authenticate('order-61');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('1');
  assert.equal((await call).errCode, 0);
  await close();
});
