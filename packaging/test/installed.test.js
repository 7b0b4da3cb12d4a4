// The packages that `packaging/build.mjs` built into the folder of SOTER_SIM_PACKAGES, installed elsewhere, with no Rust on PATH.
'use strict'

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { delimiter, join, resolve } = require('node:path')
const { after, before, describe, it } = require('node:test')

const PACKAGES = resolve(process.env.SOTER_SIM_PACKAGES ?? join(__dirname, '../../target/packages'))
const CLIENT = join(__dirname, '../../host-bridge/miniprogram')
const WINDOWS = process.platform === 'win32'
const PLATFORM = `${process.platform}-${process.arch}`
/** Asks for one signature. */
const AUTH = ['auth', 'x', '--touch', '1', '--ephemeral']

const has = (folder, program) => ['', '.exe'].some((extension) => existsSync(join(folder, program + extension)))
const path = process.env.PATH.split(delimiter).filter((folder) => !has(folder, 'cargo') && !has(folder, 'rustc'))
const environment = { ...process.env, PATH: path.join(delimiter), SOTER_SIM: undefined }
// Otherwise a test runner below this one runs nothing.
delete environment.NODE_TEST_CONTEXT

const packed = (pattern) => {
  const found = readdirSync(PACKAGES).filter((name) => pattern.test(name))
  assert.equal(found.length, 1, `${pattern} in ${PACKAGES}: ${found}`)
  return join(PACKAGES, found[0])
}
const LAUNCHER = packed(/^soter-sim-\d.*\.tgz$/)
const PROGRAM = packed(new RegExp(`^soter-sim-${PLATFORM}-.*\\.tgz$`))
const MINIPROGRAM = packed(/^soter-sim-miniprogram-.*\.tgz$/)
const WHEEL = packed(/\.whl$/)

/** Runs a program that is a script on Windows, which only a shell starts there; none of the words need escapes. */
function run(program, words, options = {}) {
  const quoted = WINDOWS ? words.map((word) => `"${word}"`) : words
  return spawnSync(program, quoted, { encoding: 'utf8', shell: WINDOWS, env: environment, ...options })
}

function isSigned({ status, stdout, stderr }) {
  assert.equal(status, 0, stderr)
  const { errCode, resultJSON } = JSON.parse(stdout)
  assert.equal(errCode, 0)
  assert.equal(JSON.parse(resultJSON).raw, 'x')
}

/** An empty folder with these packages installed, without a registry. */
function install(...tarballs) {
  const folder = mkdtempSync(join(tmpdir(), 'soter-sim-installed-'))
  const manifest = { private: true, scripts: { test: exampleTests() } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const installed = run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs], { cwd: folder })
  assert.equal(installed.status, 0, installed.stderr)
  return folder
}

/** The command with the tests of the example mini program and of a component in jest. */
function exampleTests() {
  return `npm --prefix "${CLIENT}" run test:simulate && node --test "${join(CLIENT, 'test/example.test.js')}"`
}

describe('the npm packages', () => {
  let folder
  before(() => (folder = install(LAUNCHER, PROGRAM, MINIPROGRAM)))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('need no Rust', () => {
    for (const program of ['cargo', 'rustc']) assert.equal(path.some((each) => has(each, program)), false)
  })

  it('sign', () => isSigned(run('npx', ['--no-install', 'soter-sim', ...AUTH], { cwd: folder })))

  it('have one version', () => {
    const { version } = require(join(folder, 'node_modules/soter-sim/package.json'))
    const printed = run('npx', ['--no-install', 'soter-sim', '--version'], { cwd: folder })
    assert.equal(printed.stdout.trim(), `soter-sim ${version}`)
    assert.equal(require(join(folder, 'node_modules/soter-sim-miniprogram/package.json')).version, version)
  })

  it('run the tests of the example mini program', () => {
    const program = join(folder, 'node_modules/@soter-sim', PLATFORM, 'bin', `soter-sim${WINDOWS ? '.exe' : ''}`)
    const env = { ...environment, SOTER_SIM: program }
    const tested = run('npx', ['--no-install', 'soter-sim', 'exec', '--', 'npm', 'test'], { cwd: folder, env })
    assert.equal(tested.status, 0, tested.stdout + tested.stderr)
    assert.match(tested.stderr, /PASS .*pay\.test\.js/)
    assert.match(tested.stdout, /the example mini program/)
  })

  it('give the exit code of the command that `exec` runs', () => {
    const words = ['--no-install', 'soter-sim', 'exec', '--', 'npm', 'run', 'missing']
    assert.equal(run('npx', words, { cwd: folder }).status, 1)
  })

  it('give the client for mini programs', () => {
    const code = "console.log(Object.keys(require('soter-sim-miniprogram')).join(), typeof require('soter-sim-miniprogram/automator').mockSoter)"
    const printed = execFileSync(process.execPath, ['-e', code], { cwd: folder, encoding: 'utf8' })
    assert.match(printed, /connectSocketOver.* function/)
  })

  it('have the licences, also of the libraries that are linked into the program', () => {
    for (const name of ['soter-sim', 'soter-sim-miniprogram', `@soter-sim/${PLATFORM}`]) {
      for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
        assert.ok(existsSync(join(folder, 'node_modules', name, licence)), `${name} has no ${licence}`)
      }
    }
    assert.ok(existsSync(join(folder, 'node_modules/@soter-sim', PLATFORM, 'THIRD-PARTY-NOTICES.txt')))
  })
})

describe('the npm package without a program', () => {
  let folder
  before(() => (folder = install(LAUNCHER)))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('says so, and what to do', () => {
    const { status, stderr, stdout } = run('npx', ['--no-install', 'soter-sim', ...AUTH], { cwd: folder })
    assert.equal(status, 3)
    assert.equal(stdout, '')
    assert.match(stderr, new RegExp(`^error: the package @soter-sim/${PLATFORM} .* is not installed\nnext: .*--include=optional.*\n$`))
  })

  it('says on a platform for which none is built how to build it', () => {
    const other = join(folder, 'other-platform.cjs')
    writeFileSync(other, "Object.defineProperty(process, 'arch', { value: 'riscv64' })")
    const launcher = join(folder, 'node_modules/soter-sim/bin/soter-sim.js')
    const { status, stderr } = spawnSync(process.execPath, ['--require', other, launcher, ...AUTH], { encoding: 'utf8' })
    assert.equal(status, 3)
    assert.match(stderr, /^error: no program was built for \w+-riscv64\nnext: .*cargo install.*\n$/)
  })
})

describe('the wheel', () => {
  let venv
  before(() => {
    venv = mkdtempSync(join(tmpdir(), 'soter-sim-wheel-'))
    execFileSync(WINDOWS ? 'python' : 'python3', ['-m', 'venv', venv])
    const python = join(venv, WINDOWS ? 'Scripts/python.exe' : 'bin/python')
    const words = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-index', WHEEL]
    execFileSync(python, words, { env: environment })
  })
  after(() => rmSync(venv, { recursive: true, force: true }))

  it('signs', () => {
    const program = join(venv, WINDOWS ? 'Scripts/soter-sim.exe' : 'bin/soter-sim')
    isSigned(spawnSync(program, AUTH, { encoding: 'utf8', env: environment }))
  })
})
