// The system's Chromium, headless and without connections except to the server.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
}

/** A page in its own browser, and everything that it did and that our page must not do. */
export async function open(browser, url, { width = 1360, height = 900, locale = 'en-US', ...others } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale, ...others });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  const requests = [];
  const { origin } = new URL(url);
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // The browser itself reports a server that has stopped, and one whose health is bad.
    if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|status of 503/.test(message.text())) {
      complaints.push(`console: ${message.text()}`);
    }
  });
  page.on('request', (request) => {
    requests.push(request.url());
    const asked = new URL(request.url());
    if (asked.protocol !== 'blob:' && asked.origin !== origin) complaints.push(`elsewhere: ${request.url()}`);
  });
  await page.goto(url);
  await page.getByText(/^(Connected|已连接)$/).waitFor();
  await page.getByText(' · ').first().waitFor();
  return {
    page,
    requests,
    /** Asserts that there was no error, and closes the page. */
    async close() {
      await context.close();
      assert.deepEqual(complaints, []);
    },
  };
}

/** The findings of the accessibility checker. */
export async function findings(page) {
  await page.evaluate(AXE);
  // Colours are checked after all animations have ended.
  await page.evaluate(() => Promise.all(document.getAnimations().filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished.catch(() => {}))));
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`);
}
