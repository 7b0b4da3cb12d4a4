#!/usr/bin/env node
// Runs the recipes of this folder on the cases of `soter-sim vectors`, for every family of phones, and compares their answers with
// the manifest.
//
//   node run.mjs                  all recipes whose toolchain and libraries are here
//   node run.mjs python ruby      those of these folders
//   node run.mjs --all            fails if a recipe cannot run here
//   node run.mjs --docs           compares the tables in the documentation with the answers as well
//
// SOTER_SIM names the program, PYTHON an interpreter with python/requirements.txt, CLASSPATH the jars of Gson and Bouncy Castle, and
// AUTOLOAD Composer's autoload.php with phpseclib 3. Without the last two, Debian's packages are used.

import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const repository = resolve(here, '../../..');
const scratch = mkdtempSync(join(tmpdir(), 'soter-verify-'));
const SOTER_SIM = process.env.SOTER_SIM ?? 'soter-sim';
const PYTHON = process.env.PYTHON ?? 'python3';
const TARGET = resolve(process.env.CARGO_TARGET_DIR ?? join(repository, 'target'));
const JARS = process.env.CLASSPATH ?? '/usr/share/java/gson.jar:/usr/share/java/bcprov.jar';
const PHPSECLIB = process.env.AUTOLOAD ?? '/usr/share/php/phpseclib3/autoload.php';

const java = (main, ...libraries) => ({
  probe: ['javap', '-classpath', JARS, ...libraries],
  prepare: ['javac', '-d', join(scratch, main), '-classpath', JARS, '-sourcepath', 'java', `java/${main}.java`],
  command: ['java', '-classpath', [join(scratch, main), JARS].join(delimiter), main],
});
// The profiles of the workspace, so that libraries that it has built are used.
const rust = (binary) => ({
  probe: ['cargo', '--version'],
  prepare: ['cargo', 'build', '--quiet', '--locked', '--config', join(repository, 'Cargo.toml'), '--manifest-path', 'rust/Cargo.toml', '--target-dir', TARGET],
  command: [join(TARGET, 'debug', binary)],
});

/** A file, how to see that its toolchain and libraries are here, what builds it, and what runs it with a folder of vectors behind it. */
const RECIPES = [
  { file: 'c/verify.c', probe: ['cc', '-fsyntax-only', '-include', 'jansson.h', '-include', 'openssl/evp.h', '-x', 'c', '/dev/null'], prepare: ['cc', '-O1', '-Wall', '-Wextra', '-Werror', 'c/verify.c', '-o', join(scratch, 'c'), '-lcrypto', '-ljansson'], command: [join(scratch, 'c')] },
  { file: 'elixir/verify.exs', probe: ['elixir', '-e', '{:module, _} = :code.load_file(:jiffy)'], command: ['elixir', 'elixir/verify.exs'] },
  { file: 'erlang/verify.escript', probe: ['erl', '-noshell', '-eval', '{module, _} = code:load_file(jiffy), {module, _} = code:load_file(public_key), halt().'], command: ['escript', 'erlang/verify.escript'] },
  { file: 'go/verify.go', probe: ['go', 'version'], prepare: ['go', 'build', '-o', join(scratch, 'go'), 'go/verify.go'], command: [join(scratch, 'go')] },
  { file: 'java/Verify.java', ...java('Verify', 'com.google.gson.JsonParser') },
  { file: 'java/VerifyBouncyCastle.java', ...java('VerifyBouncyCastle', 'com.google.gson.JsonParser', 'org.bouncycastle.crypto.signers.PSSSigner') },
  { file: 'node/crypto.mjs', probe: ['node', '--version'], command: ['node', 'node/crypto.mjs'] },
  { file: 'node/webcrypto.mjs', probe: ['node', '--version'], command: ['node', 'node/webcrypto.mjs'] },
  { file: 'perl/verify.pl', probe: ['perl', '-MCryptX', '-MJSON::PP', '-e', '1'], command: ['perl', 'perl/verify.pl'] },
  { file: 'php/verify.php', probe: ['php', '-r', 'require $argv[1]; exit(class_exists("phpseclib3\\Crypt\\RSA") ? 0 : 1);', PHPSECLIB], command: ['php', 'php/verify.php'] },
  { file: 'python/with_cryptography.py', probe: [PYTHON, '-c', 'import cryptography'], command: [PYTHON, '-B', 'python/with_cryptography.py'] },
  { file: 'python/with_pycryptodome.py', probe: [PYTHON, '-c', 'import Crypto.Signature'], command: [PYTHON, '-B', 'python/with_pycryptodome.py'] },
  { file: 'ruby/verify.rb', probe: ['ruby', '-ropenssl', '-e', '1'], command: ['ruby', 'ruby/verify.rb'] },
  { file: 'rust/src/bin/aws_lc_rs.rs', ...rust('aws_lc_rs') },
  { file: 'rust/src/bin/rsa.rs', ...rust('rsa') },
];

/** The cases of the documentation's tables, in the order of their columns. */
const SHOWN = ['good', 'result-text-changed', 'result-at-another-salt', 'result-by-another-key'];
/** The documentation, and its words. */
const DOCS = [
  { path: 'simulator/docs/verify-in-your-language.md', accepted: 'accepted', refused: 'refused' },
  { path: 'simulator/docs/verify-in-your-language.zh-CN.md', accepted: '接受', refused: '拒绝' },
];

/** Runs a command in this folder; the code is -1 if it does not start. */
function run([program, ...parameters]) {
  return new Promise((done) => {
    execFile(program, parameters, { cwd: here, timeout: 600_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      done({ code: error ? (typeof error.code === 'number' ? error.code : -1) : 0, stdout, stderr, error });
    });
  });
}

/** Writes the vectors of every family of phones, and the first of them once more with a manifest that lies about one case. */
async function writeVectors() {
  const listed = await run([SOTER_SIM, 'device', 'profiles', '--ephemeral', '--json']);
  if (listed.code !== 0) {
    throw new Error(`${SOTER_SIM} does not run: ${listed.stderr || listed.error.message}\nset SOTER_SIM to the program`);
  }
  const sets = await Promise.all(JSON.parse(listed.stdout).profiles.map(async ({ name }) => {
    const folder = join(scratch, 'vectors', name);
    const written = await run([SOTER_SIM, 'vectors', folder, '--profile', name]);
    if (written.code !== 0) throw new Error(`the vectors of ${name} are not written: ${written.stderr}`);
    return { name, folder, cases: JSON.parse(readFileSync(join(folder, 'manifest.json'))).cases };
  }));
  const lie = join(scratch, 'lie');
  cpSync(sets[0].folder, lie, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(lie, 'manifest.json')));
  manifest.cases[0] = { ...manifest.cases[0], valid: false, refusedBy: 'counter' };
  writeFileSync(join(lie, 'manifest.json'), JSON.stringify(manifest));
  return { sets, lie };
}

/** Runs a recipe on all sets. Returns its library, its answers to the shown cases, and what is wrong. */
async function judge(recipe, { sets, lie }) {
  const faults = [];
  const built = recipe.prepare ? await run(recipe.prepare) : { code: 0 };
  if (built.code !== 0) return { faults: [`does not build: ${built.stderr}`] };
  let library;
  const shown = {};
  await Promise.all(sets.map(async ({ name, folder, cases }) => {
    const { code, stdout, stderr } = await run([...recipe.command, folder]);
    const [first = '', ...lines] = stdout.trimEnd().split('\n');
    library = first.replace(/^library: /, '');
    const answers = new Map(lines.map((line) => line.split(': ', 2)));
    if (code !== 0) faults.push(`${name}: exit code ${code} ${stderr}`);
    if (!first.startsWith('library: ') || answers.size !== cases.length) faults.push(`${name}: ${answers.size} answers to ${cases.length} cases`);
    for (const { name: of, valid, refusedBy } of cases) {
      const expected = valid ? 'accepted' : refusedBy;
      if (answers.get(of) !== expected) faults.push(`${name}: ${of}: ${answers.get(of)} instead of ${expected}`);
      if (SHOWN.includes(of)) (shown[of] ??= new Set()).add(answers.get(of) === 'accepted' ? 'accepted' : 'refused');
    }
  }));
  const { code } = await run([...recipe.command, lie]);
  if (code !== 1) faults.push(`exit code ${code} where an answer is not the expected one; expected 1`);
  return { library, answers: SHOWN.map((name) => [...(shown[name] ?? [])].join(' or ')), faults };
}

/** What is wrong in the table rows of a recipe. A library of another version than the documentation's is only said. */
function compareWithDocs({ file }, { library, answers }) {
  return DOCS.flatMap(({ path, accepted, refused }) => {
    const rows = readFileSync(join(repository, path), 'utf8').split('\n').filter((line) => line.includes(`/verify/${file})`));
    if (rows.length !== 1) return [`${path} has ${rows.length} rows for it; expected 1`];
    const cells = rows[0].split('|').map((cell) => cell.trim());
    const words = answers.map((answer) => ({ accepted, refused })[answer] ?? answer);
    const start = cells.findIndex((cell) => cell === accepted || cell === refused);
    const written = cells.slice(start, start + words.length);
    if (!cells.includes(library)) console.log(`  note: ${path} was run with ${cells[2]}, this with ${library}`);
    return written.join() === words.join() ? [] : [`${path} says ${written.join(', ')}; it answers ${words.join(', ')}`];
  });
}

const options = process.argv.slice(2).filter((argument) => argument.startsWith('--'));
const folders = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = [
  ...options.filter((option) => !['--all', '--docs'].includes(option)),
  ...folders.filter((folder) => !RECIPES.some(({ file }) => file.startsWith(`${folder}/`))),
];
try {
  if (unknown.length > 0) throw new Error(`not known: ${unknown.join(' ')}\nfolders: ${[...new Set(RECIPES.map(({ file }) => file.split('/')[0]))].join(' ')}`);
  const vectors = await writeVectors();
  let ran = 0;
  for (const recipe of RECIPES.filter(({ file }) => folders.length === 0 || folders.includes(file.split('/')[0]))) {
    const probe = await run(recipe.probe);
    if (probe.code !== 0) {
      console.log(`${recipe.file}: not run here, because \`${recipe.probe.join(' ')}\` fails`);
      if (options.includes('--all')) process.exitCode = 1;
      continue;
    }
    ran += 1;
    const judged = await judge(recipe, vectors);
    if (options.includes('--docs') && judged.library) judged.faults.push(...compareWithDocs(recipe, judged));
    const [good, text, salt, key] = judged.answers ?? [];
    console.log(`${recipe.file}: ${judged.library ?? 'no answer'}: good ${good}, changed text ${text}, other salt ${salt}, other key ${key}`);
    for (const fault of judged.faults) {
      console.log(`  ${fault.trimEnd()}`);
      process.exitCode = 1;
    }
  }
  const cases = vectors.sets.reduce((sum, { cases: some }) => sum + some.length, 0);
  console.log(`${ran} recipes, each on ${cases} cases of ${vectors.sets.length} families of phones`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
