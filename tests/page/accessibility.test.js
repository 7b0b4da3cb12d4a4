// An accessibility checker on the page.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { findings } from './support/browser.js';
import { fresh, newest, server } from './support/suite.js';

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
      await page.locator(`.line[data-number="${await newest()}"]`).click();
      await page.locator('.chart-bars').waitFor();
      assert.deepEqual(await findings(page), []);
      await page.locator('.entry button').last().click();
      await page.locator('.diagnosis-result .verdict').nth(1).waitFor();
      assert.deepEqual(await findings(page), [], 'a diagnosis');
      await page.locator('.diagnosis button').last().click();
      await page.locator('.diagnosis button').first().click();
      await page.locator('[aria-invalid]').waitFor();
      assert.deepEqual(await findings(page), [], 'input that cannot be checked');
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
