// The page without a mouse.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { until } from './support/server.js';
import { finger, fresh, newest, server, tab } from './support/suite.js';

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
  for (const name of ['Why refused?', 'Troubles', 'Fingers and keys', 'Phones', 'Journal']) {
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

  test('when its element is drawn again or removed', async () => {
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
    const banner = page.locator('.banner span');
    const first = await banner.textContent();
    // The countdown is next to the button that has the focus.
    await until(async () => (await banner.textContent()) !== first);
    assert.equal(await focused(page), 'Enter the PIN');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Unlocked').waitFor({ state: 'attached' });
    assert.ok(await page.evaluate(() => document.querySelector('.screen').contains(document.activeElement)));
    await close();
  });

  test('in a window that is too narrow for list and call side by side', async () => {
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

test('an open drop-down list stays open while calls arrive', async () => {
  const { page, close } = await fresh();
  await tab(page, 'Troubles');
  const first = await page.locator('#settings-failNext option').first().elementHandle();
  await server.authenticate('order-64', { touch: '1' });
  await server.rpc('device.set', { latency: 1 });
  await until(async () => (await page.locator('#settings-latency').inputValue()) === '1');
  assert.ok(await first.evaluate(({ isConnected }) => isConnected));
  await close();
});
