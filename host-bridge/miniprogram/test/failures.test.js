'use strict'

const assert = require('node:assert/strict')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const net = require('node:net')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, before, describe, it } = require('node:test')
const { WebSocketServer } = require('ws')

const { BRIDGE_FAILED, installSoterSim } = require('soter-sim-miniprogram')
const { startServer, startServerAt } = require('./support/server')
const { fakeWx } = require('./support/wx')

const FINGER = { requestAuthModes: ['fingerPrint'], challenge: 'order-42' }
const START = /Start it with `soter-sim serve`/

/** A server for one test, stopped at its end. */
async function ownServer(t, ...flags) {
  const server = await startServer(...flags)
  t.after(() => server.stop('SIGKILL'))
  return server
}

describe('failures of the bridge', () => {
  it('of parameters that are not JSON reach the callbacks and leave nothing behind', async (t) => {
    const server = await ownServer(t)
    const wx = fakeWx()
    installSoterSim(wx, { url: server.ws })
    const circular = { ...FINGER, requestAuthModes: [] }
    circular.requestAuthModes.push(circular.requestAuthModes)
    for (const options of [{ ...FINGER, challenge: 42n }, circular]) {
      const { errCode, errMsg } = await failureOf(wx.startSoterAuthentication(options))
      assert.equal(errCode, BRIDGE_FAILED)
      assert.match(errMsg, /^startSoterAuthentication:fail the parameters cannot be sent \(.+\)\. Pass strings/)
      const failed = new Promise((fail) => wx.startSoterAuthentication({ ...options, fail }))
      assert.equal((await failed).errMsg, errMsg)
    }
    assert.deepEqual((await wx.checkIsSupportSoterAuthentication()).supportMode, ['fingerPrint'])
  })

  it('have the members of the call, an errCode that is not WeChat\'s, and say how to start it', async () => {
    const url = await unusedAddress()
    const wx = fakeWx()
    installSoterSim(wx, { url, login: true })
    const { errMsg, ...others } = await failureOf(wx.startSoterAuthentication(FINGER))
    assert.deepEqual(others, { errCode: BRIDGE_FAILED, authMode: '', resultJSON: '', resultJSONSignature: '' })
    assert.match(errMsg, /^startSoterAuthentication:fail soter-sim cannot be reached at ws:.* \(connect ECONNREFUSED/)
    assert.match(errMsg, START)
    const support = await failureOf(wx.checkIsSupportSoterAuthentication())
    assert.deepEqual(support.supportMode, [])
    assert.match(support.errMsg, /^checkIsSupportSoterAuthentication:fail /)
    assert.equal((await failureOf(wx.checkIsSoterEnrolledInDevice())).isEnrolled, false)
    assert.match((await failureOf(wx.login())).errMsg, /^login:fail /)
  })

  it('end every pending call when the server dies during a dialog, and the next call finds a new server', async (t) => {
    const server = await ownServer(t)
    await server.rpc('device.set', { secondCall: 'queue' })
    const dialogs = await server.dialogs()
    const wx = fakeWx()
    installSoterSim(wx, { url: server.url })
    const waiting = [failureOf(wx.startSoterAuthentication(FINGER)), failureOf(wx.startSoterAuthentication(FINGER))]
    await dialogs.opened()
    dialogs.stop()
    await server.stop('SIGKILL')
    for (const failure of await Promise.all(waiting)) {
      assert.equal(failure.errCode, BRIDGE_FAILED)
      assert.match(failure.errMsg, /^startSoterAuthentication:fail the connection .* was lost in the middle of the call/)
      assert.match(failure.errMsg, START)
    }
    const next = await startServerAt(new URL(server.url).port)
    t.after(() => next.stop('SIGKILL'))
    assert.equal((await wx.checkIsSupportSoterAuthentication()).supportMode.length, 1)
  })

  it('are reported when the server stops answering during a dialog, and not before', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const server = await ownServer(t)
    const dialogs = await server.dialogs()
    const wx = fakeWx()
    installSoterSim(wx, { url: server.url })
    let failed = false
    const failure = failureOf(wx.startSoterAuthentication(FINGER)).finally(() => { failed = true })
    await dialogs.opened()
    const { socket } = wx.opened[0]
    // As long as the server answers, a dialog may wait.
    for (let beat = 0; beat < 5; beat += 1) {
      const answer = once(socket, 'message')
      t.mock.timers.tick(10_000)
      assert.match(String((await answer)[0]), /"id":"alive"/)
    }
    assert.equal(failed, false)
    server.freeze()
    t.mock.timers.tick(30_000)
    assert.match((await failure).errMsg, /lost in the middle of the call \(no sign of life\)/)
    dialogs.stop()
  })

  it('are reported when a server that shuts down cancels the dialog', async (t) => {
    const server = await ownServer(t)
    const dialogs = await server.dialogs()
    const wx = fakeWx()
    installSoterSim(wx, { url: server.url })
    const failure = failureOf(wx.startSoterAuthentication(FINGER))
    await dialogs.opened()
    dialogs.stop()
    await server.stop()
    assert.match((await failure).errMsg, /lost in the middle of the call \(1001 the server stops\)/)
  })

  it('name the flag when the server refuses the Origin', async (t) => {
    const server = await ownServer(t)
    const wx = fakeWx({ headers: { Origin: 'http://127.0.0.1:23456' } })
    installSoterSim(wx, { url: server.url })
    const { errMsg } = await failureOf(wx.startSoterAuthentication(FINGER))
    assert.match(errMsg, /refuses this origin or host \(Unexpected server response: 403\)/)
    assert.match(errMsg, /start it again with that --allow-origin/)
    await server.said(/to let it in: start with --allow-origin http:\/\/127\.0\.0\.1:23456/)
  })

  it('ask for the token, and never show it', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'soter-sim-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const token = 'a_token/with_&_signs?'
    writeFileSync(join(folder, 'token'), token)
    const server = await ownServer(t, '--token-file', join(folder, 'token'))
    const stranger = fakeWx()
    installSoterSim(stranger, { url: server.url })
    assert.match((await failureOf(stranger.checkIsSupportSoterAuthentication())).errMsg, /wants its token .*\{url, token\}/)
    const friend = fakeWx()
    installSoterSim(friend, { url: server.url, token })
    assert.equal((await friend.checkIsSupportSoterAuthentication()).errMsg, 'checkIsSupportSoterAuthentication:ok')
    const quoting = { connectSocket: ({ url, fail }) => void setImmediate(() => fail({ errMsg: `cannot open ${url}` })) }
    installSoterSim(quoting, { token })
    const { errMsg } = await failureOf(quoting.startSoterAuthentication(FINGER))
    assert.match(errMsg, /cannot open ws:\/\/127\.0\.0\.1:8777\/ws\?token=…\)/)
  })

  it('say where the domain check of DevTools is', async () => {
    const errMsg = 'connectSocket:fail url not in domain list'
    const wx = { connectSocket: ({ fail }) => void setImmediate(() => fail({ errMsg })) }
    installSoterSim(wx)
    assert.match((await failureOf(wx.startSoterAuthentication(FINGER))).errMsg, /不校验合法域名.*urlCheck/)
  })

  it('end a call whose connection does not open in time', async () => {
    const silent = net.createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const wx = fakeWx()
    installSoterSim(wx, { url: `ws://127.0.0.1:${silent.address().port}`, connectTimeout: 50 })
    assert.match((await failureOf(wx.startSoterAuthentication(FINGER))).errMsg, /did not answer within 50 ms\. Start it/)
    silent.close()
  })

  it('leave no timer behind that would keep Node from ending', async () => {
    const script = `
      const { connectSocketOver, installSoterSim } = require('soter-sim-miniprogram')
      const wx = {}
      installSoterSim(wx, {
        url: '${await unusedAddress()}',
        connectSocket: connectSocketOver(require('ws')),
        connectTimeout: 60_000,
      })
      wx.startSoterAuthentication({ fail: ({ errMsg }) => console.log(errMsg) })`
    const child = spawn(process.execPath, ['-e', script], { cwd: __dirname, timeout: 30_000 })
    assert.deepEqual(await once(child, 'close'), [0, null])
  })

  it('end a call when the mini program has too many sockets', async (t) => {
    const server = await ownServer(t)
    const wx = fakeWx()
    const own = Array.from({ length: 5 }, () => wx.connectSocket({ url: server.ws }))
    installSoterSim(wx, { url: server.url })
    const { errMsg } = await failureOf(wx.startSoterAuthentication(FINGER))
    assert.match(errMsg, /exceed max websocket connection count/)
    own.forEach((task) => task.socket.terminate())
  })

  describe('of something that is not soter-sim', () => {
    let other, url, wx
    let answer = (socket) => socket.close()

    before(async () => {
      other = new WebSocketServer({ host: '127.0.0.1', port: 0 })
      await once(other, 'listening')
      other.on('connection', (socket) => socket.on('message', (text) => answer(socket, JSON.parse(text))))
      url = `ws://127.0.0.1:${other.address().port}`
      wx = fakeWx()
      installSoterSim(wx, { url })
    })
    after(() => other.close())

    const garbage = {
      'no JSON': 'hello',
      'other JSON': '[]',
      'JSON null': 'null',
      'no text': Buffer.from([1, 2, 3]),
      'a result without errMsg': ({ id }) => JSON.stringify({ jsonrpc: '2.0', id, result: { errCode: 0 } }),
      'a result of another call': ({ id }) => JSON.stringify({ jsonrpc: '2.0', id, result: { errMsg: 'login:ok' } }),
      'a result of no object': ({ id }) => JSON.stringify({ jsonrpc: '2.0', id, result: null }),
    }
    for (const [what, text] of Object.entries(garbage)) {
      it(`are reported when ${what} comes`, async () => {
        answer = (socket, call) => socket.send(typeof text === 'function' ? text(call) : text)
        const { errMsg } = await failureOf(wx.startSoterAuthentication(FINGER))
        assert.match(errMsg, /^startSoterAuthentication:fail what answers at ws:.* is not soter-sim/)
      })
    }

    it('contain what it says before it closes', async () => {
      answer = (socket) => socket.close(4000, 'not today')
      assert.match((await failureOf(wx.startSoterAuthentication(FINGER))).errMsg, /\(4000 not today\)/)
    })

    it('are not caused by events and by answers to no pending call', async () => {
      answer = (socket, { id }) => {
        socket.send('{"jsonrpc":"2.0","method":"event","params":{}}')
        socket.send('{"jsonrpc":"2.0","id":999,"result":{}}')
        socket.send('{"jsonrpc":"2.0","id":"__proto__","result":{}}')
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: { supportMode: [], errMsg: 'checkIsSupportSoterAuthentication:ok' } }))
      }
      const wx = fakeWx()
      installSoterSim(wx, { url })
      assert.deepEqual((await wx.checkIsSupportSoterAuthentication()).supportMode, [])
      assert.deepEqual(wx.errors, [])
    })

    it('are reported when it refuses the text itself', async () => {
      answer = (socket) => socket.send('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what is this"}}')
      assert.match((await failureOf(wx.startSoterAuthentication(FINGER))).errMsg, /fail soter-sim: what is this$/)
    })
  })
})

async function failureOf(promise) {
  return promise.then(
    (result) => assert.fail(`it succeeded: ${JSON.stringify(result)}`),
    (failure) => failure
  )
}

/** An address at which no server listens. */
async function unusedAddress() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return `ws://127.0.0.1:${port}`
}
