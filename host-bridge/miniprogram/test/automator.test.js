'use strict'

const assert = require('node:assert/strict')
const { after, before, describe, it } = require('node:test')
const automator = require('miniprogram-automator')

const { mockSoter } = require('soter-sim-miniprogram/automator')
const { startDevTools } = require('./support/devtools')
const { startServer } = require('./support/server')
const { fakeWx } = require('./support/wx')

const FINGER = { requestAuthModes: ['fingerPrint'], challenge: 'order-42' }

describe('a test with miniprogram-automator', () => {
  let server, tools, wx, miniProgram

  before(async () => {
    server = await startServer('--touch', 'auto')
    wx = fakeWx()
    tools = await startDevTools(wx)
    miniProgram = await automator.connect({ wsEndpoint: tools.wsEndpoint })
  })
  after(async () => {
    miniProgram.disconnect()
    tools.stop()
    await server.stop()
  })

  it('lets soter-sim answer the calls of the mini program, and removes it again', async () => {
    const mock = await mockSoter(miniProgram, { url: server.url, login: true })
    const result = await miniProgram.callWxMethod('startSoterAuthentication', FINGER)
    assert.equal(result.errMsg, 'startSoterAuthentication:ok')
    assert.equal(JSON.parse(result.resultJSON).raw, 'order-42')
    assert.equal(result.resultJSONSignature.length, 344)
    assert.equal((await miniProgram.callWxMethod('checkIsSupportSoterAuthentication')).supportMode.length, 1)
    assert.match((await miniProgram.callWxMethod('login')).code, /^[^']+$/)
    await mock.restore()
    assert.equal((await miniProgram.callWxMethod('login')).code, "DevTools' own")
  })

  it('calls the callbacks of the mini program with the result', async () => {
    const mock = await mockSoter(miniProgram, { url: server.url })
    const received = await new Promise((done) => {
      const seen = []
      wx.startSoterAuthentication({
        fail: ({ errCode }) => seen.push(['fail', errCode]),
        complete: ({ errCode }) => done([...seen, ['complete', errCode]]),
      })
    })
    assert.deepEqual(received, [['fail', 90003], ['complete', 90003]])
    await mock.restore()
  })

  it('gets the failure of an unreachable bridge', async () => {
    const mock = await mockSoter(miniProgram, { url: 'ws://127.0.0.1:1' })
    await assert.rejects(miniProgram.callWxMethod('startSoterAuthentication', FINGER), /cannot be reached.*soter-sim serve/)
    await mock.restore()
  })

  it('throws immediately if options are invalid', async () => {
    await assert.rejects(mockSoter(miniProgram, { url: 'localhost' }), /url is not an address/)
    await assert.rejects(mockSoter(miniProgram, { connectSocket() {} }), /cannot be sent/)
  })
})
