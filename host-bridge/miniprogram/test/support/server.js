// A real soter-sim for tests, on a port of its own.
'use strict'

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { join } = require('node:path')
const { createInterface } = require('node:readline')

const WebSocket = require('ws')

const PROGRAM = process.env.SOTER_SIM || join(__dirname, '../../../../target/debug/soter-sim')

/** Starts `soter-sim serve` and waits until it is ready. */
function startServer(...flags) {
  return startServerAt('127.0.0.1:0', ...flags)
}

async function startServerAt(address, ...flags) {
  const serve = ['serve', '--listen', address, '--ephemeral', ...flags]
  const child = spawn(PROGRAM, serve, { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (data) => (errors += data))
  const exited = once(child, 'exit')
  const ready = once(createInterface(child.stdout), 'line')
  await Promise.race([ready, exited.then(([code]) => Promise.reject(new Error(`exit ${code}: ${errors}`)))])
  const [line] = await ready
  const url = line.replace('soter-sim ready ', '')
  return {
    url,
    ws: url.replace('http', 'ws') + '/ws',
    /** Waits until it has said this on standard error. */
    async said(pattern) {
      while (!pattern.test(errors)) await once(child.stderr, 'data')
    },
    rpc: (method, params) => rpc(url, method, params),
    dialogs: () => listenForDialogs(url),
    /** It goes on to exist, and says nothing any more. */
    freeze: () => child.kill('SIGSTOP'),
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await exited
    },
  }
}

/** Calls a method as another program would. */
async function rpc(url, method, params = {}) {
  const socket = await connect(url)
  socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  const [text] = await once(socket, 'message')
  socket.close()
  const { result, error } = JSON.parse(text)
  if (error) throw new Error(error.message)
  return result
}

async function connect(url) {
  const socket = new WebSocket(url.replace('http', 'ws') + '/ws')
  await once(socket, 'open')
  return socket
}

/** Waits for dialogs, as the device page does: `opened()` gives the next event, `closed()` the next closure. */
async function listenForDialogs(url) {
  const socket = await connect(url)
  const seen = { promptShown: [], promptClosed: [] }
  const waiting = { promptShown: [], promptClosed: [] }
  socket.send('{"jsonrpc":"2.0","id":1,"method":"events.subscribe","params":{}}')
  await once(socket, 'message')
  socket.on('message', (text) => {
    const event = JSON.parse(text).params
    if (!seen[event.event]) return
    const next = waiting[event.event].shift()
    if (next) next(event)
    else seen[event.event].push(event)
  })
  const next = (kind) =>
    seen[kind].length > 0 ? Promise.resolve(seen[kind].shift()) : new Promise((done) => waiting[kind].push(done))
  return {
    opened: () => next('promptShown'),
    closed: () => next('promptClosed'),
    stop: () => socket.terminate(),
  }
}

module.exports = { PROGRAM, startServer, startServerAt }
