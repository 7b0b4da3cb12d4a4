// The script that npm puts on the path, with programs in place of soter-sim.
'use strict'

const assert = require('node:assert/strict')
const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const { cpSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, before, describe, it } = require('node:test')

const SOURCE = join(__dirname, '../npm/soter-sim')

describe('the launcher', { skip: process.platform === 'win32' && 'signals and scripts that are programs are of Unix' }, () => {
  let folder, launcher
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'soter-sim-launcher-'))
    cpSync(SOURCE, folder, { recursive: true })
    const manifest = require(join(SOURCE, 'package.json'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, optionalDependencies: {} }))
    launcher = join(folder, 'bin/soter-sim.js')
  })
  after(() => rmSync(folder, { recursive: true }))

  /** The environment in which the launcher runs a program with this code. */
  function withProgram(code) {
    const program = join(folder, 'program')
    writeFileSync(program, `#!/usr/bin/env node\n${code}`, { mode: 0o755 })
    return { ...process.env, SOTER_SIM_BINARY: program }
  }

  it('passes arguments, streams and the exit code through', () => {
    const words = ['a b', '', '$HOME', '"\'\\', '指纹', '--help']
    const env = withProgram(`
      const input = require('node:fs').readFileSync(0, 'utf8')
      process.stdout.write(JSON.stringify(process.argv.slice(2)) + input)
      process.stderr.write('told')
      process.exitCode = 42`)
    const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...words], { env, input: 'typed', encoding: 'utf8' })
    assert.deepEqual({ status, stdout, stderr }, { status: 42, stdout: `${JSON.stringify(words)}typed`, stderr: 'told' })
  })

  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']) {
    it(`passes ${signal} on, and lets the program end as it likes`, async () => {
      const env = withProgram(`
        process.on('${signal}', () => { console.log('ended'); process.exit(7) })
        setInterval(() => {}, 1000)
        console.log('ready')`)
      const child = spawn(process.execPath, [launcher], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      let output = ''
      child.stdout.on('data', (data) => (output += data))
      await once(child.stdout, 'data')
      child.kill(signal)
      const [code] = await once(child, 'close')
      assert.deepEqual({ code, output }, { code: 7, output: 'ready\nended\n' })
    })
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL', 'SIGSEGV']) {
    it(`ends by ${signal} when the program does`, () => {
      const env = withProgram(`process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000)`)
      assert.equal(spawnSync(process.execPath, [launcher], { env }).signal, signal)
    })
  }

  it('says in two lines that the program does not start', () => {
    const env = { ...process.env, SOTER_SIM_BINARY: join(folder, 'missing') }
    const { status, stderr } = spawnSync(process.execPath, [launcher], { env, encoding: 'utf8' })
    assert.equal(status, 3)
    assert.match(stderr, /^error: .*missing does not start: .*ENOENT\nnext: .*SOTER_SIM_BINARY\n$/)
  })

  it('does not start itself', () => {
    const env = { ...process.env, SOTER_SIM_BINARY: launcher }
    const { status, stderr } = spawnSync(process.execPath, [launcher], { env, encoding: 'utf8' })
    assert.equal(status, 3)
    assert.match(stderr, /^error: SOTER_SIM_BINARY names the script that reads it\nnext: .*\n$/)
  })
})
