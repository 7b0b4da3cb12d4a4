// Audits the backends as a user of soter-sim would, and prints the findings as a table in Markdown:
//
//   SOTER_SIM=target/debug/soter-sim PYTHON=venv/bin/python node tests/backends/audit.mjs [NAME…]
//
// A person has judged the findings: about.json says which are about the weakness ("findings": beginnings of ids; all others
// count as false), or why today's description of a backend cannot say what this one does ("notDescribable").
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { backends } from './support/backends.mjs';
import { Child, freePort } from './support/children.mjs';

const ACCOUNT = { appid: 'wxemulated00000001', secret: 'emulated0000secret0000emulated00' };
const LONGEST_AUDIT = 10 * 60_000;
const AT_ONCE = 2;

/** The report of an audit, or the problem that left it without one. */
async function audit(backend) {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  const [port, file] = [await freePort(), join(folder, 'report.json')];
  const env = backend.has('environment.mjs') ? (await backend.module('environment.mjs')).environment(folder) : {};
  const running = await backend.start({ url: `http://127.0.0.1:${port}`, ...ACCOUNT, env });
  try {
    const target = ['--config', backend.file('audit.toml'), '--url', running.url, '--backend-listen', `127.0.0.1:${port}`];
    const account = ['--appid', ACCOUNT.appid, '--secret', ACCOUNT.secret];
    const command = ['audit', ...target, ...account, '--report', file];
    const child = new Child(process.env.SOTER_SIM ?? 'soter-sim', command, { env: { ...process.env, ...env, NODE_OPTIONS: '' } });
    const code = await child.ends(LONGEST_AUDIT);
    if (code === null) return { problem: `no end within ${LONGEST_AUDIT / 60_000} minutes` };
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      return { problem: `exit code ${code}: ${child.output.trim().split('\n').at(-1)}` };
    }
  } finally {
    await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The row of a backend in the table. */
async function row(backend) {
  const { kind, language, notDescribable, findings = [] } = backend.about;
  const cells = [backend.name, kind, language];
  const expected = backend.isWeak ? 'weakness' : 'none';
  if (!backend.has('audit.toml')) return [...cells, 'no', expected, '', '', '', notDescribable ? 'cannot be described' : 'not tried', ''];
  const { results, milliseconds, problem } = await audit(backend);
  if (problem) return [...cells, 'yes', expected, '', '', problem, 'nothing concluded', ''];
  const ids = (verdict) => results.filter((result) => result.verdict === verdict).map(({ id }) => id);
  const [failed, warned, errors] = ['FAIL', 'WARN', 'ERROR'].map(ids);
  const about = failed.filter((id) => findings.some((beginning) => id.startsWith(beginning)));
  const unrelated = failed.filter((id) => !about.includes(id));
  const verdicts = [];
  if (errors.some((id) => id.startsWith('SOTER-CONTROL'))) verdicts.push('nothing concluded');
  else if (backend.isWeak) verdicts.push(about.length > 0 ? 'right' : 'missed');
  else if (unrelated.length === 0) verdicts.push('right');
  if (unrelated.length > 0) verdicts.push(`false finding: ${short(unrelated)}`);
  return [...cells, 'yes', expected, short(failed), short(warned), short(errors), verdicts.join('; '), (milliseconds / 1000).toFixed(1)];
}

const short = (ids) => ids.map((id) => id.replace('SOTER-', '')).join(', ');

const waiting = backends(process.argv.slice(2));
const rows = new Map(waiting.map((backend) => [backend.name, undefined]));
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let backend = waiting.shift(); backend; backend = waiting.shift()) {
      rows.set(backend.name, await row(backend));
      console.error(`${backend.name}: ${rows.get(backend.name)[8]}`);
    }
  }),
);
const head = ['name', 'kind', 'language', 'describable', 'expected', 'FAIL', 'WARN', 'ERROR', 'verdict', 'seconds'];
for (const cells of [head, head.map(() => '---'), ...rows.values()]) console.log(`| ${cells.join(' | ')} |`);
