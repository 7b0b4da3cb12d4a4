'use strict'

const assert = require('node:assert/strict')
const { after, before, describe, it } = require('node:test')
const WebSocket = require('ws')

const { connectSocketOver, installSoterSim } = require('soter-sim-miniprogram')
const { startServer } = require('./support/server')
const { fakeWx } = require('./support/wx')

const FINGER = { requestAuthModes: ['fingerPrint'], challenge: 'order-42' }
const hasCallbacks = (option) => Boolean(option.success || option.fail || option.complete)

describe('the objects of other frameworks', () => {
  let server

  before(async () => (server = await startServer('--touch', 'auto')))
  after(() => server.stop())

  it('uni, a proxy whose connectSocket gives a SocketTask only if a callback is given', async () => {
    const wx = fakeWx()
    const uni = new Proxy(
      {},
      {
        get(own, name) {
          if (name in own) return own[name]
          if (name !== 'connectSocket') return wx[name]
          return (option) => (hasCallbacks(option) ? wx.connectSocket(option) : Promise.resolve([null, {}]))
        },
      }
    )
    const { restore } = installSoterSim(uni, { url: server.url })
    assert.equal((await uni.startSoterAuthentication(FINGER)).errCode, 0)
    restore()
    await assert.rejects(uni.startSoterAuthentication(FINGER), { errMsg: /开发者工具/ })
  })

  it('Taro, whose connectSocket gives a promise, as do all calls, even with callbacks', async () => {
    const wx = fakeWx()
    const Taro = {
      getEnv: () => 'WEAPP',
      ENV_TYPE: { WEAPP: 'WEAPP' },
      connectSocket: (option) => Promise.resolve(wx.connectSocket(option)),
    }
    installSoterSim(Taro, { url: server.url })
    let received
    const promise = Taro.startSoterAuthentication({ ...FINGER, success: (result) => (received = result) })
    assert.equal(await promise, received)
    assert.equal(received.errCode, 0)
    await assert.rejects(Taro.startSoterAuthentication(), { errCode: 90003 })
    // A caller with callbacks ignores the promise: its rejection must not count as unhandled.
    const failure = await new Promise((fail) => void Taro.startSoterAuthentication({ fail }))
    assert.equal(failure.errCode, 90003)
    await new Promise(setImmediate)
  })

  it('a SocketTask that was open before it was handed over', async () => {
    const Taro = {
      async connectSocket({ url }) {
        const socket = new WebSocket(url)
        await new Promise((open) => socket.once('open', open))
        const task = connectSocketOver(function () { return socket })({ url })
        return { ...task, readyState: 1 }
      },
    }
    installSoterSim(Taro, { url: server.url })
    assert.equal((await Taro.startSoterAuthentication(FINGER)).errCode, 0)
  })

  it('a connectSocket whose promise is rejected', async () => {
    const Taro = { connectSocket: () => Promise.reject({ errMsg: 'connectSocket:fail no' }) }
    installSoterSim(Taro, { url: server.url })
    await assert.rejects(Taro.startSoterAuthentication(FINGER), { errMsg: /cannot be reached .*connectSocket:fail no/ })
  })

  it("places with the browser's WebSocket", async () => {
    const wx = {}
    const { restore } = installSoterSim(wx, { url: server.url, connectSocket: connectSocketOver(WebSocket) })
    assert.equal((await wx.startSoterAuthentication(FINGER)).errCode, 0)
    restore()
    assert.deepEqual(wx, {})
  })
})
