// The page in narrow and wide windows, and in the dark.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { newest, fresh, server, tab } from './support/suite.js';

const PHONE = { width: 375, height: 812 };
const LANGUAGES = { English: 'en-US', Chinese: 'zh-CN' };

/** Calls with the longest names that mini programs and backends use. */
async function longNames() {
  await server.rpc('wx.checkIsSupportSoterAuthentication');
  await server.rpc('wx.checkIsSoterEnrolledInDevice', { checkAuthMode: 'fingerPrint' });
  await server.rpc('soter.generateAppSecureKey', { uid: 10102 });
  const token = await server.token();
  await fetch(`${server.url}/wxa/business/getuserphonenumber?access_token=${token}`, { method: 'POST', body: '{"code":"x"}' });
  await server.verify(token, { resultJSON: '{}', resultJSONSignature: '' });
}

describe('At 375 pixels', () => {
  for (const [language, locale] of Object.entries(LANGUAGES)) {
    test(`all tabs are reachable and the head has one row, in ${language}`, async () => {
      const { page, close } = await fresh({ ...PHONE, locale });
      const parts = ['.brand', '.tag', '#device', '#connection', '#language', '#theme'].map((part) => page.locator(part));
      const boxes = await Promise.all(parts.map((part) => part.boundingBox()));
      const { height } = await page.locator('.bar').boundingBox();
      assert.ok(height < 60, `${height}`);
      boxes.forEach((box, index) => {
        assert.ok(box.x >= 0 && box.x + box.width <= PHONE.width, `${index}: ${JSON.stringify(box)}`);
        const last = boxes[index - 1];
        // The tag is inside the brand.
        if (index > 1) assert.ok(box.x >= last.x + last.width, `${index} overlaps ${JSON.stringify(box)}`);
      });
      for (const choice of await page.getByRole('tab').all()) {
        const { x, width } = await choice.boundingBox();
        assert.ok(x >= 0 && x + width <= PHONE.width, await choice.textContent());
        assert.ok(await choice.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth), await choice.textContent());
        await choice.click();
        assert.equal(await choice.getAttribute('aria-selected'), 'true');
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(overflow <= 0, `${await choice.textContent()}: ${overflow} pixels too wide`);
      }
      await close();
    });
  }

  test('a server that is gone is told in words, in a row of its own', async () => {
    const { page, close } = await fresh(PHONE);
    await page.routeWebSocket(/\/ws/, (socket) => socket.close());
    await page.reload();
    const words = page.getByText('Offline: no answer from');
    await words.waitFor();
    const { width } = await words.boundingBox();
    assert.ok(width > 250, `${width}`);
    await close();
  });
});

test('at 1280 pixels the names of calls are shown in full', async () => {
  await server.rpc('desk.reset');
  await longNames();
  const { page, close } = await fresh({ width: 1280, height: 800 });
  await longNames();
  await page.locator(`.line[data-number="${await newest()}"]`).waitFor();
  const calls = page.locator('.line .call');
  const names = await calls.allTextContents();
  assert.ok(names.includes('POST /cgi-bin/soter/verify_signature') && names.includes('wx.checkIsSupportSoterAuthentication'), `${names}`);
  const cut = await calls.evaluateAll((all) => all.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ textContent }) => textContent));
  assert.deepEqual(cut, []);
  await close();
});

describe('In the dark', () => {
  /** How bright the ground and the words of an element are, from 0 to 1. */
  const brightness = (locator) => locator.evaluate((element) => {
    const { backgroundColor, color } = getComputedStyle(element);
    return [backgroundColor, color].map((value) => {
      const [red, green, blue] = value.match(/[\d.]+/g).map(Number);
      return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
    });
  });
  const assertDark = async (locator, name) => {
    await locator.waitFor();
    const [ground, words] = await brightness(locator);
    assert.ok(ground < 0.2 && words > 0.5, `${name}: ground ${ground}, words ${words}`);
  };

  test('the dialog, its button, how it ended, and messages are dark', async () => {
    const { page, close } = await fresh({ colorScheme: 'dark' });
    const call = server.authenticate('order-70');
    await assertDark(page.getByRole('dialog'), 'dialog');
    await assertDark(page.getByRole('button', { name: 'Cancel' }), 'button');
    await page.keyboard.press('Escape');
    await call;
    await assertDark(page.locator('.last'), 'the last authentication');
    await tab(page, 'Phones');
    await page.getByLabel('Name', { exact: true }).fill('phone');
    await page.getByRole('button', { name: 'Put it on the desk' }).click();
    await assertDark(page.locator('.toast'), 'message');
    await close();
  });
});
