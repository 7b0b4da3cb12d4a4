// Records one honest payment with each backend, proposes a description from the recording, and audits with it:
//
//   SOTER_SIM=target/debug/soter-sim PYTHON=venv/bin/python node tests/backends/recording.mjs [--show] [NAME…]
//
// An audit that plays its attacks has served honest people by that description. Its verdicts must be those by the description that
// a person wrote (audit.toml). What no recording can tell is completed by hand: a key, a password; BY_HAND has each change.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { backends } from './support/backends.mjs';
import { Child, freePort } from './support/children.mjs';
import { sign } from './support/generic_attacks.mjs';
import { Desk } from './support/phone.mjs';
import { Recorder } from './support/recorder.mjs';
import { startServers } from './support/servers.mjs';
import { Shop } from './support/shop.mjs';

const SOTER_SIM = process.env.SOTER_SIM ?? 'soter-sim';
const ACCOUNT = { appid: 'wxemulated00000001', secret: 'emulated0000secret0000emulated00' };
const LONGEST = 120_000;
/** What a person completes: texts of the proposal, and what is written instead. */
const BY_HAND = {
  'bank-app': [['FILL-IN', 'correct horse']],
  'courier-app': [['FILL-IN', 'correct%20horse']],
  // The key is in the login's answer.
  'pet-shop': [['FILL-IN', '{{key}}'], ['values.keyId', 'values.key = "/key"\nvalues.keyId']],
  // The receiver is another user.
  'red-packets': [[/"to":"\d+"/, '"to":"{{other.number}}"'], ['values.key', 'values.number = "/number"\nvalues.key']],
  supermarket: [['FILL-IN', 'mini-program-2024']],
};
/** An honest person has to be served after each of these; repeated, forged and borrowed results are among them. */
const ATTACKS = 'REPLAY-01,REPLAY-06,REPLAY-09,SIGNATURE-01,JSON-01';

/** The description that is proposed for a backend, from a recording with servers and phones of its own. */
async function propose(backend, folder) {
  const ends = [];
  try {
    const servers = await startServers(ACCOUNT, folder);
    ends.push(servers.stop);
    const running = await backend.start({ url: servers.url, ...ACCOUNT });
    ends.push(() => running.stop());
    const recorder = await Recorder.of(running.url);
    ends.push(() => recorder.close());

    const desk = new Desk(servers.url);
    const phone = await desk.phone('alice', 'alice');
    const client = await backend.module('client.mjs');
    const shop = new Shop(recorder.url);
    const session = await client.login(shop, phone);
    const order = await client.order(shop, session);
    const signed = await sign(client, phone, order);
    if (!(await client.pay(shop, session, order, signed))) throw new Error('the honest payment is refused');
    const har = join(folder, 'payment.har');
    writeFileSync(har, JSON.stringify(recorder.har()));

    const file = join(folder, 'audit.toml');
    const child = new Child(SOTER_SIM, ['audit', '--from', har, '--init', file]);
    if ((await child.ends(LONGEST)) !== 0) throw new Error(`nothing is proposed: ${child.output}`);
    const description = readFileSync(file, 'utf8');
    for (const secret of [...secrets(session), signed.resultJSONSignature ?? signed.signature]) {
      if (description.includes(secret)) throw new Error(`the description has a secret of the recording:\n${description}`);
    }
    return { file, description, summary: child.output.trim() };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** The texts of a session that a client got. */
function secrets(session) {
  const texts = typeof session === 'object' && session ? Object.values(session).flatMap(secrets) : [String(session)];
  return texts.flatMap((text) => [text, text.split('=').at(-1)]).filter((text) => text.length >= 8);
}

/** Plays a few attacks by the description. */
async function audit(backend, file, folder) {
  const [port, report] = [await freePort(), join(folder, 'report.json')];
  const running = await backend.start({ url: `http://127.0.0.1:${port}`, ...ACCOUNT });
  try {
    const target = ['--config', file, '--url', running.url, '--backend-listen', `127.0.0.1:${port}`];
    const account = ['--appid', ACCOUNT.appid, '--secret', ACCOUNT.secret, '--only', ATTACKS];
    const child = new Child(SOTER_SIM, ['audit', ...target, ...account, '--report', report]);
    await child.ends(LONGEST);
    const { results } = JSON.parse(readFileSync(report, 'utf8'));
    const errors = results.filter(({ verdict }) => verdict === 'ERROR');
    if (errors.length > 0) throw new Error(`${errors[0].id}: ${errors[0].reason}\n${child.output}`);
    return results.map(({ id, verdict }) => `${id.replace('SOTER-', '')} ${verdict}`).join(', ');
  } finally {
    await running.stop();
  }
}

const isShown = process.argv.includes('--show');
let failures = 0;
for (const backend of backends(process.argv.slice(2).filter((name) => name !== '--show'))) {
  const folder = mkdtempSync(join(tmpdir(), 'recording-'));
  let proposed;
  try {
    proposed = await propose(backend, folder);
    if (isShown) console.log(proposed.description);
    for (const [from, to] of BY_HAND[backend.name] ?? []) {
      if (proposed.description.search(from) < 0) throw new Error(`${from} is not in the proposal`);
      proposed.description = proposed.description.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'g'), () => to);
    }
    writeFileSync(proposed.file, proposed.description);
    const verdicts = await audit(backend, proposed.file, folder);
    const expected = await audit(backend, backend.file('audit.toml'), folder);
    if (verdicts !== expected) throw new Error(`the verdicts are ${verdicts},\nand by audit.toml ${expected}`);
    console.log(`ok      ${backend.name.padEnd(16)} ${/\d+ of .* missing/.exec(proposed.summary)[0]}${backend.name in BY_HAND ? ', completed by hand' : ''}; ${verdicts}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${backend.name.padEnd(16)} ${error.message}`);
    if (proposed && !isShown) console.log(proposed.description);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exit(failures > 0 ? 1 : 0);
