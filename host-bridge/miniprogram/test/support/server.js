// A real soter-sim for tests, and what a user and other programs do with it.
'use strict'

const { once } = require('node:events')

const WebSocket = require('ws')

const { serve } = require('./program')

/** Starts a server; the flags are those of `soter-sim serve`. */
function startServer(...flags) {
  return start({ flags })
}

/** Starts a server on the port of a stopped one. */
function startServerAt(port) {
  return start({ port })
}

async function start(options) {
  const program = await serve(options)
  const { url } = program
  return {
    ...program,
    ws: url.replace('http', 'ws') + '/ws',
    rpc: (method, params) => rpc(url, method, params),
    dialogs: () => listenForDialogs(url),
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

/** Waits for dialogs, as the device page does: `opened()` returns the next event, `closed()` the next closure. */
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

module.exports = { startServer, startServerAt }
