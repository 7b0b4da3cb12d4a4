// An accessibility checker on the page.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { findings } from './support/browser.js';
import { fresh, server } from './support/suite.js';

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
