// The phones: their fingers, troubles and clocks, and the desk that they are on.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './support/browser.js';
import { start, until } from './support/server.js';
import { browser, finger, fresh, server, tab } from './support/suite.js';

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

test('the user of a phone is a list of names and values', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Fingers and keys');
  const list = page.locator('#keys-user');
  await list.getByText('openid', { exact: true }).waitFor();
  const names = await list.locator('dt').allTextContents();
  const values = await list.locator('dd').allTextContents();
  const { user, apps } = await server.rpc('device.show');
  assert.match(user.unionid, /^u/);
  assert.deepEqual(Object.fromEntries(names.map((name, index) => [name, values[index]])), {
    Name: user.name, openid: user.openid, unionid: user.unionid, appid: user.appid,
    ...Object.fromEntries(apps.map(({ package: name, uid }) => [`uid of ${name}`, String(uid)])),
  });
  await close();
});

test('the page shows changes of other clients, and settings changed on the page take effect', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Troubles');
  const support = page.getByRole('switch', { name: 'Supports SOTER' });
  await support.click();
  await page.locator('#settings-support[aria-checked="false"]').waitFor();
  assert.equal((await server.authenticate('order-52')).errCode, 90001);
  await page.locator('.last').getByText('fail not support soter').waitFor();
  await server.rpc('device.set', { support: null, permission: false });
  await page.locator('#settings-support[aria-checked="true"]').waitFor();
  await page.locator('#settings-permission[aria-checked="false"]').waitFor();
  await server.rpc('device.set', { permission: null });
  // The phone accepts every value that can be chosen.
  for (const [name, setting] of [['Internal error', 'internalError'], ['Fail once with', 'failNext'], ['A second authentication', 'secondCall'], ['wx.login fails', 'loginFailure']]) {
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
  await page.getByLabel('City').fill('Guangzhou');
  await page.getByLabel('City').press('Enter');
  await page.getByLabel('Gender').selectOption('1');
  await page.getByRole('switch', { name: 'Anonymous user data' }).click();
  await page.locator('#settings-anonymousUser[aria-checked="false"]').waitFor();
  await until(async () => Object.keys((await server.rpc('device.show')).settings.userData ?? {}).length === 2);
  const { userInfo } = await server.rpc('wx.getUserInfo', { withCredentials: false });
  assert.deepEqual([userInfo.city, userInfo.gender, userInfo.nickName], ['Guangzhou', 1, 'user']);
  await page.getByLabel('City').fill('');
  await page.getByLabel('City').press('Enter');
  await page.getByLabel('Gender').selectOption('');
  await until(async () => (await server.rpc('device.show')).settings.userData === null);
  await page.getByLabel('WeChat user').fill('nobody');
  await page.getByLabel('WeChat user').press('Enter');
  await page.locator('#toasts').getByText('there is no WeChat user `nobody`').waitFor();
  await page.getByRole('switch', { name: 'Malformed CRL in certificates' }).click();
  await page.locator('#toasts').getByText('whose ASK has no certificates').waitFor();
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

test('the clock of WeChat’s servers is moved, a failure is switched on and a session ends', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Troubles');
  const shown = () => server.rpc('servers.show');
  await page.getByRole('button', { name: '2 hours forward' }).click();
  await page.getByText('2 h ahead of the computer’s clock').waitFor();
  assert.equal((await shown()).clock.ahead, 7_200_000);
  await page.getByRole('button', { name: 'Back to the computer’s clock' }).click();
  await until(async () => (await shown()).clock.ahead === 0);

  await page.getByLabel('Which calls fail').selectOption('1');
  await page.getByLabel('Calls fail with').selectOption('45009');
  await until(async () => (await shown()).failure?.times === 1);
  // What another client switches on is shown, also if the page does not offer it.
  await server.rpc('servers.set', { failure: { errcode: 40013 }, silent: true });
  await page.locator('#servers-silent[aria-checked="true"]').waitFor();
  assert.equal(await page.getByLabel('Calls fail with').inputValue(), '40013');
  await page.getByLabel('Calls fail with').selectOption('');
  await page.getByRole('switch', { name: 'No answer' }).click();
  await page.getByLabel('Delay (ms)').fill('20');
  await page.getByLabel('Delay (ms)').press('Enter');
  await until(async () => JSON.stringify([(await shown()).failure, (await shown()).silent, (await shown()).delay]) === '[null,false,20]');
  await server.rpc('servers.set', { delay: null });

  await server.rpc('wx.login');
  await page.getByRole('button', { name: 'End the session' }).click();
  await page.getByText('Ended: 1').waitFor();
  assert.match((await server.rpc('wx.checkSession')).errMsg, /need relogin/);
  await close();
});

test('phones are created, selected, filtered and removed', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Phones');
  await page.getByLabel('Name', { exact: true }).fill('huawei');
  await page.getByLabel('Profile').selectOption('itrustee');
  await page.getByRole('button', { name: 'Put it on the desk' }).click();
  await page.getByRole('button', { name: 'Select huawei' }).click();
  await page.locator('.status .name').getByText('huawei · itrustee').waitFor();
  assert.equal(await page.locator('#device').inputValue(), 'huawei');
  assert.equal((await server.rpc('device.list')).selected, 'huawei');
  await tab(page, 'Troubles');
  await page.getByRole('switch', { name: 'Malformed CRL in certificates' }).click();
  await page.locator('#settings-malformedCrl[aria-checked="true"]').waitFor();
  assert.equal((await server.rpc('device.show')).settings.malformedCrl, true);
  await tab(page, 'Phones');
  await page.locator('#device').selectOption('phone');
  await until(async () => (await server.rpc('device.list')).selected === 'phone');
  await page.getByLabel('Filter phones').fill('itru');
  await page.getByRole('button', { name: 'Remove phone' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Remove huawei' }).click();
  await page.getByRole('button', { name: 'Really: Remove huawei' }).click();
  await until(async () => (await server.rpc('device.list')).devices.length === 1);
  await close();
});

test('a phone of a large fleet is found by the beginning of its name, and cannot be removed', async () => {
  const many = await start({ flags: ['--fleet', '100000'] });
  const { page, close } = await open(browser, many.url);
  await tab(page, 'Phones');
  await page.getByRole('button', { name: 'Select fleet-000000' }).waitFor();
  await page.getByText('There are more phones: find one by the beginning of its name.').waitFor();
  await page.getByLabel('Filter phones').fill('fleet-09999');
  await page.getByRole('button', { name: 'Select fleet-099990' }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Remove/ }).count(), 0);
  await page.getByRole('button', { name: 'Select fleet-099999' }).click();
  await page.locator('.status .name').getByText('fleet-099999 · trustonic').waitFor();
  assert.equal((await many.rpc('device.list')).selected, 'fleet-099999');
  await close();
  await many.stop();
});

test('a running clock is updated, and a stopped one is not', async () => {
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
