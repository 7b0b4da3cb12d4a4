// The program under test, serving on its own port. It needs only Node: the device page's tests use it, too.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { createInterface } = require('node:readline')

/** The program that `cargo build` makes, unless the variable names another. */
const PROGRAM = process.env.SOTER_SIM || join(__dirname, '../../../../target/debug/soter-sim')
/** The mini program and the user that a new server has. */
const ACCOUNT = {
  appid: 'wxemulated00000001',
  secret: 'emulated0000secret0000emulated00',
  openid: 'oEmulatedUser000000000000001',
}

/** The command of `exec`: says that it is ready, as `serve` does, and waits until it is ended. */
const WAITING = 'console.log(`soter-sim ready ${process.env.SOTER_SIM_URL}`); setInterval(() => {}, 1000)'

/** Starts `soter-sim serve` on a free port, or on this one, with only a new phone on its desk. Waits until it is ready. */
function serve({ port = 0, flags = [], state } = {}) {
  const place = state ? ['--state', state] : ['--ephemeral']
  return started(['serve', '--listen', `127.0.0.1:${port}`, ...place, ...flags])
}

/** Starts `soter-sim exec` with the cloud function of this folder. Waits until it is ready. */
function serveFunction(folder) {
  return started(['exec', '--cloud-function', folder, '--', process.execPath, '-e', WAITING])
}

async function started(words) {
  const child = spawn(PROGRAM, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (data) => (errors += data))
  const exited = once(child, 'exit')
  const ready = once(createInterface(child.stdout), 'line')
  await Promise.race([ready, exited.then(([code]) => Promise.reject(new Error(`exit ${code}: ${errors}`)))])
  const [line] = await ready
  return {
    url: line.replace('soter-sim ready ', ''),
    /** Waits until it has written this to standard error. */
    async said(pattern) {
      while (!pattern.test(errors)) await once(child.stderr, 'data')
    },
    /** Pauses the process, which then does not answer until it wakes up. */
    freeze: () => child.kill('SIGSTOP'),
    wake: () => child.kill('SIGCONT'),
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await exited
    },
  }
}

module.exports = { ACCOUNT, PROGRAM, serve, serveFunction }
