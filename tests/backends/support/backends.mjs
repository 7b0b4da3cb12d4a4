// The backends: where they are, what about.json says, and how each language is started.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { Child, freePort } from './children.mjs';

const FOLDER = fileURLToPath(new URL('../blind/', import.meta.url));
const LONGEST_BUILD = 180_000;

/** The file that is the backend, by language, and the command that runs it. */
const STARTS = [
  ['server.mjs', (file) => [process.execPath, file]],
  ['server.py', (file) => [process.env.PYTHON ?? 'python3', file]],
  ['server.php', (file, port) => ['php', '-q', '-d', 'opcache.enable=0', '-S', `127.0.0.1:${port}`, file]],
  ['main.go', (file) => [goProgram(file)]],
  ['Server.java', (file) => ['java', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Xmx128m', file]],
];

/** All backends, or those with these names. */
export function backends(names = []) {
  const all = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`no such backend: ${unknown.join(', ')}\nThere are: ${all.join(', ')}`);
  return all.filter((name) => names.length === 0 || names.includes(name)).map((name) => new Backend(name));
}

export class Backend {
  constructor(name) {
    this.name = name;
    this.folder = join(FOLDER, name);
    this.about = JSON.parse(readFileSync(this.file('about.json'), 'utf8'));
  }

  get isWeak() {
    return this.about.weakness !== undefined;
  }

  file(name) {
    return join(this.folder, name);
  }

  has(name) {
    return existsSync(this.file(name));
  }

  module(name) {
    return import(pathToFileURL(this.file(name)));
  }

  /** Starts it with WeChat's servers at this address. What it stores is gone when it stops. */
  async start({ url, appid, secret, port, env = {} }) {
    port ??= await freePort();
    const temporary = mkdtempSync(join(tmpdir(), 'backend-'));
    const [name, command] = STARTS.find(([file]) => this.has(file));
    const [program, ...args] = command(this.file(name), port);
    const child = new Child(program, args, {
      cwd: temporary,
      env: {
        ...process.env,
        PORT: String(port),
        SOTER_SIM_URL: url,
        SOTER_SIM_APPID: appid,
        SOTER_SIM_SECRET: secret,
        PYTHONDONTWRITEBYTECODE: '1',
        TMPDIR: temporary,
        ...env,
      },
    });
    const stop = async () => {
      await child.stop();
      rmSync(temporary, { recursive: true, force: true });
    };
    try {
      await child.listensOn(port);
    } catch (error) {
      await stop();
      throw error;
    }
    return { url: `http://127.0.0.1:${port}`, child, stop };
  }
}

/** Builds a Go program once per change; Go's own cache makes later builds fast. */
function goProgram(file) {
  const folder = join(tmpdir(), 'soter-sim-blind-go');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, file.split('/').at(-2));
  execFileSync('go', ['build', '-o', program, file], {
    timeout: LONGEST_BUILD,
    env: { ...process.env, GO111MODULE: 'off', CGO_ENABLED: '0' },
  });
  return program;
}
