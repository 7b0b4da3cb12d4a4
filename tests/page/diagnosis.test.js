// The box that says why a signature was refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { open } from './support/browser.js';
import { start } from './support/server.js';
import { browser, fresh, newest, server, tab } from './support/suite.js';

const field = (page, name) => page.getByLabel(name, { exact: true });
const diagnose = (page) => page.getByRole('button', { name: 'Diagnose', exact: true }).click();
const box = (page) => page.locator('.diagnosis-result');

/** A page with the box open, and a result of its phone. */
async function opened(options) {
  const { page, close } = await fresh(options);
  const result = await server.authenticate('order-80', { touch: '1' });
  await page.locator('#choose-diagnosis').click();
  return { page, close, result };
}

async function authKey() {
  const { keys } = await server.rpc('keys.list');
  return keys.find(({ kind }) => kind === 'authkey').publicKey;
}

describe('The diagnosis', () => {
  test('is the one of `verify`: of a good signature, a text that was changed, and another key', async () => {
    const { page, close, result } = await opened();
    const key = await authKey();
    const { keys } = await server.rpc('keys.list');
    const cases = [
      [result.resultJSON, key, 'valid', 'The signature is of this key and of exactly this text.'],
      [result.resultJSON.replaceAll(',', ', '), key, 'reserialised', 'The text was changed after it had been signed, in a way that was found.'],
      [result.resultJSON, keys[0].publicKey, 'wrong-signature', 'Other bytes, another key or a forgery: these cannot be told apart.'],
      [result.resultJSON, 'nonsense', 'bad-key', 'The key cannot be read.'],
    ];
    for (const [json, publicKey, reason, meaning] of cases) {
      const answer = await server.rpc('verify.signature', { json, signature: result.resultJSONSignature, key: publicKey });
      assert.equal(answer.reason, reason);
      await field(page, 'resultJSON').fill(json);
      await field(page, 'resultJSONSignature').fill(result.resultJSONSignature);
      await field(page, 'Public key (optional)').fill(publicKey);
      await diagnose(page);
      await box(page).getByText(`Signature: ${reason}`, { exact: true }).waitFor();
      await box(page).getByText(meaning, { exact: true }).waitFor();
      await box(page).getByText(answer.detail, { exact: true }).waitFor();
    }
    await close();
  });

  test('reads the exported JSON of an AuthKey', async () => {
    const { page, close, result } = await opened();
    const { keys } = await server.rpc('keys.list');
    const { uid, name } = keys.find(({ kind }) => kind === 'authkey');
    const { exportData } = await server.rpc('soter.getAuthKey', { uid: Number(uid), kname: name });
    // The JSON's length, the JSON, and the ASK's signature of it.
    const bytes = Buffer.from(exportData, 'base64');
    const exported = bytes.subarray(4, 4 + bytes.readUInt32LE()).toString();
    assert.match(exported, /"pub_key"/);
    await field(page, 'resultJSON').fill(result.resultJSON);
    await field(page, 'resultJSONSignature').fill(result.resultJSONSignature);
    await field(page, 'Public key (optional)').fill(exported);
    await diagnose(page);
    await box(page).getByText('Signature: valid').waitFor();
    await close();
  });

  test('without a key is made with the AuthKeys of the phone', async () => {
    const { page, close, result } = await opened();
    await field(page, 'resultJSON').fill(result.resultJSON);
    await field(page, 'resultJSONSignature').fill(result.resultJSONSignature);
    await diagnose(page);
    await box(page).getByText('Signature: valid').waitFor();
    await box(page).getByText(/^Checked with the AuthKey Wechat_\w+ of phone\.$/).waitFor();
    // Also after another finger has made another key: the old one is still known.
    await server.rpc('biometric.enroll', { mode: 'fingerPrint' });
    const next = await server.authenticate('order-81', { touch: '1' });
    await field(page, 'resultJSON').fill(next.resultJSON.replace('order-81', 'order-82'));
    await field(page, 'resultJSONSignature').fill(next.resultJSONSignature);
    await diagnose(page);
    await box(page).getByText('Signature: wrong-signature').waitFor();
    await box(page).getByText(/^The AuthKeys of phone were tried: \d\.$/).waitFor();
    // The result of another phone.
    await server.rpc('device.create', { name: 'tablet' });
    const { cpuId } = await server.rpc('device.show', { device: 'tablet' });
    const other = await server.authenticate('order-83', { touch: '1', device: 'tablet' });
    await field(page, 'resultJSON').fill(other.resultJSON);
    await field(page, 'resultJSONSignature').fill(other.resultJSONSignature);
    await diagnose(page);
    await box(page).getByText(`The text names the cpu_id ${cpuId}, but phone has`).waitFor();
    await close();
  });

  test('takes the whole object of the callback apart', async () => {
    const { page, close, result } = await opened();
    await field(page, 'resultJSON').fill(JSON.stringify(result));
    await diagnose(page);
    await box(page).getByText('Signature: valid').waitFor();
    assert.equal(await field(page, 'resultJSON').inputValue(), result.resultJSON);
    assert.equal(await field(page, 'resultJSONSignature').inputValue(), result.resultJSONSignature);
    await close();
  });

  test('sees line ends that a field does not show', async () => {
    const { page, close, result } = await opened({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.evaluate((text) => navigator.clipboard.writeText(text), `${result.resultJSON}\r\n`);
    await field(page, 'resultJSON').focus();
    await page.keyboard.press('ControlOrMeta+v');
    await field(page, 'resultJSONSignature').fill(result.resultJSONSignature);
    await diagnose(page);
    await box(page).getByText('Signature: line-ends-changed').waitFor();
    const { request } = await lastCheck();
    assert.equal(request.json, `${result.resultJSON}\r\n`);
    await close();
  });

  test('disappears when what it is about is changed, and all is cleared by a button', async () => {
    const { page, close, result } = await opened();
    await field(page, 'resultJSON').fill(JSON.stringify(result));
    await diagnose(page);
    await box(page).getByText('Signature: valid').waitFor();
    await field(page, 'resultJSON').press('End');
    await page.keyboard.type(' ');
    await box(page).getByText('Signature: valid').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Clear' }).click();
    assert.deepEqual(await page.locator('.diagnosis textarea').evaluateAll((all) => all.map(({ value }) => value)), ['', '', '']);
    await close();
  });
});

/** The newest check in the journal. */
async function lastCheck() {
  const { entries } = await (await fetch(`${server.url}/sim/journal?before=${Number.MAX_SAFE_INTEGER}&limit=5`)).json();
  return entries.findLast(({ call }) => call === 'verify.signature');
}

describe('Input that cannot be checked', () => {
  /** Waits until a field says this, and has the focus. */
  const told = async (page, name, ...lines) => {
    const wrong = field(page, name);
    await wrong.and(page.locator('[aria-invalid="true"]')).and(page.locator(':focus')).waitFor();
    const described = (await wrong.getAttribute('aria-describedby')).split(' ').at(-1);
    for (const line of lines) await page.locator(`#${described}`).getByText(line).waitFor();
  };

  test('gets an error that says what to do, and is not sent', async () => {
    const { page, close, result } = await opened();
    const before = await newest();
    await diagnose(page);
    await told(page, 'resultJSON', 'resultJSON is empty.', 'Paste the string that the mini program got in resultJSON');
    await field(page, 'resultJSON').fill(result.resultJSON);
    await diagnose(page);
    await told(page, 'resultJSONSignature', 'The signature is empty.', 'Paste the string that the mini program got in resultJSONSignature.');
    await field(page, 'resultJSONSignature').fill(result.resultJSONSignature);
    await field(page, 'Public key (optional)').fill('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----');
    await diagnose(page);
    await told(page, 'Public key (optional)', 'This is a private key. It was not sent.', 'openssl pkey -pubout');
    await field(page, 'Public key (optional)').fill('');
    await field(page, 'resultJSON').fill('x'.repeat(300_000));
    await diagnose(page);
    await told(page, 'resultJSON', /^That is 300,?\d{3} bytes in all; at most 200,?000 can be checked\.$/, 'Paste only one result');
    assert.equal(await newest(), before);
    await page.getByText('Connected', { exact: true }).waitFor();
    await close();
  });

  test('of other kinds is diagnosed by the server', async () => {
    const { page, close, result } = await opened();
    const key = await authKey();
    for (const [json, signature, reason] of [
      ['\u0000\ud800{', result.resultJSONSignature, 'wrong-signature'],
      [result.resultJSON, 'not Base64!', 'bad-signature-encoding'],
      [result.resultJSON, result.resultJSONSignature.slice(0, 100), 'signature-length'],
      [result.resultJSON, result.resultJSONSignature.replace(/(.{64})/g, '$1\n'), 'base64-wrapped'],
      ['['.repeat(60_000), result.resultJSONSignature, 'wrong-signature'],
    ]) {
      await field(page, 'resultJSON').fill(json);
      await field(page, 'resultJSONSignature').fill(signature);
      await field(page, 'Public key (optional)').fill(key);
      await diagnose(page);
      await box(page).getByText(`Signature: ${reason}`, { exact: true }).waitFor();
    }
    await close();
  });

  test('without a key on a phone that has none is answered with what is missing, also offline', async (t) => {
    const own = await start();
    t.after(() => own.stop());
    const { page, close } = await open(browser, own.url);
    await tab(page, 'Why refused?');
    await field(page, 'resultJSON').fill('{}');
    await field(page, 'resultJSONSignature').fill('A'.repeat(344));
    await diagnose(page);
    await told(page, 'Public key (optional)', 'phone has no AuthKey.', 'select the phone that signed');
    await own.stop();
    await page.getByText('Offline: no answer from').waitFor();
    await diagnose(page);
    await box(page).getByText('Not sent: the page is offline.').waitFor();
    await close();
  });
});

describe('A call of the journal', () => {
  for (const [name, size] of Object.entries({ wide: { width: 1280, height: 800 }, narrow: { width: 375, height: 812 } })) {
    test(`fills the box by itself, in a ${name} window`, async () => {
      const { page, close } = await fresh(size);
      const result = await server.authenticate('order-84', { touch: '1' });
      const token = await server.token();
      const spaced = result.resultJSON.replaceAll(',', ', ');
      assert.deepEqual(await server.verify(token, { ...result, resultJSON: spaced }), { is_ok: false });
      await page.locator(`.line[data-number="${await newest()}"]`).click();
      await page.getByRole('button', { name: 'Why was it refused?' }).click();
      assert.equal(await page.getByRole('tab', { selected: true }).textContent(), 'Why refused?');
      assert.equal(await field(page, 'resultJSON').inputValue(), spaced);
      await box(page).getByText(/^Call #\d+ was answered with: reserialised$/).waitFor();
      await box(page).getByText('Signature: reserialised').waitFor();
      await box(page).and(page.locator(':focus')).waitFor();
      await close();
    });
  }

  test('whose signature holds still says why it was refused', async () => {
    const { page, close } = await fresh();
    const result = await server.authenticate('order-85', { touch: '1' });
    const token = await server.token();
    await server.verify(token, result);
    await server.verify(token, result);
    await page.locator(`.line[data-number="${await newest()}"]`).click();
    await page.getByRole('button', { name: 'Why was it refused?' }).press('Enter');
    await box(page).getByText(/was answered with: counter-replayed$/).waitFor();
    await box(page).getByText('Ask the user to authenticate again with a fresh challenge.').waitFor();
    await box(page).getByText('Signature: valid').waitFor();
    await close();
  });
});
