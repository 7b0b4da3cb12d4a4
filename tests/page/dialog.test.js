// The dialog on the phone's screen, and the touches that answer it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { findings, open } from './support/browser.js';
import { until } from './support/server.js';
import { browser, finger, fresh, server } from './support/suite.js';

const wrong = (page) => page.getByRole('button', { name: 'Wrong finger' });

/** Waits for the dialog of this challenge: the dialog of the call before may still be on the page. */
const dialogOf = (page, challenge) => page.getByRole('dialog').getByText(challenge, { exact: true }).waitFor();

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
    const button = () => page.getByRole('button', { name: 'Cancel' }).click();
    const escape = () => page.keyboard.press('Escape');
    for (const [challenge, cancel] of [['order-43', button], ['order-50', escape]]) {
      const call = server.authenticate(challenge);
      await dialogOf(page, challenge);
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

  test('of a payment is a sheet with the order’s id, and the page says how it ended', async () => {
    const { page, close } = await fresh();
    const pay = () => server.rpc('wx.requestPayment', { timeStamp: '1', nonceStr: 'n', package: 'prepay_id=wx2014', paySign: '0' });
    const call = pay();
    const sheet = page.getByRole('dialog', { name: 'Confirm the payment: nothing is paid' });
    await sheet.getByText('wx2014', { exact: true }).waitFor();
    await wrong(page).click();
    await sheet.getByText('Not recognised. Attempts left: 4').waitFor();
    await finger(page, 1).click();
    assert.equal((await call).errMsg, 'requestPayment:ok');
    await page.locator('.last').getByText('Payment confirmed').waitFor();
    await page.locator('.last').getByText('paySign was not checked: the configuration has no merchant').waitFor();
    const cancelled = pay();
    await sheet.waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.equal((await cancelled).errMsg, 'requestPayment:fail cancel');
    await page.locator('.last').getByText('requestPayment:fail cancel').waitFor();
    await close();
  });

  test('that was open before the page loads is shown when it loads', async () => {
    await server.rpc('desk.reset');
    const call = server.authenticate('order-47', { authContent: 'Already waiting' });
    await until(async () => (await server.rpc('device.show')).dialog);
    const { page, close } = await open(browser, server.url);
    await page.getByRole('dialog', { name: 'Already waiting' }).waitFor();
    await page.keyboard.press('1');
    assert.equal((await call).errCode, 0);
    await close();
  });

  test('on another phone is announced, and shown after a click', async () => {
    const { page, close } = await fresh();
    await server.rpc('device.create', { name: 'tablet' });
    const call = server.authenticate('order-48', { device: 'tablet', authContent: 'Over here' });
    const show = page.getByRole('button', { name: 'Show tablet' });
    await show.waitFor();
    // Also on a page that loads later.
    await page.reload();
    await show.click();
    await page.getByRole('dialog', { name: 'Over here' }).waitFor();
    await page.keyboard.press('1');
    assert.equal((await call).errCode, 0);
    await close();
  });

  test('takes no keys that are typed into a field', async () => {
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

test('fingers of a long list are selected by numbers of two digits', async () => {
  const { page, close } = await fresh();
  for (let number = 2; number <= 12; number += 1) await server.rpc('biometric.enroll', { mode: 'fingerPrint' });
  await finger(page, 12).waitFor();
  const fids = (await server.rpc('biometric.list')).enrolments.map(({ fid }) => fid);
  for (const [keys, number] of [['12', 12], ['1', 1], ['7', 7]]) {
    const call = server.authenticate(`finger-${keys}`);
    await dialogOf(page, `finger-${keys}`);
    // In one step: the page waits for a second digit for less than a slow machine takes between two.
    await page.evaluate((typed) => {
      for (const key of typed) document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    }, keys);
    assert.equal(JSON.parse((await call).resultJSON).fid, fids[number - 1]);
  }
  await close();
});

test('invisible characters of a text are escaped, and no text is markup', async () => {
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
