'use strict'

const assert = require('node:assert/strict')
const { after, before, describe, it } = require('node:test')

const { installSoterSim } = require('soter-sim-miniprogram')
const { startServer } = require('./support/server')
const { fakeWx } = require('./support/wx')

describe('results are delivered as wx delivers them', () => {
  let server, wx

  before(async () => {
    server = await startServer('--touch', 'auto')
    wx = fakeWx()
    installSoterSim(wx, { url: server.url })
  })
  after(() => server.stop())

  it('success and then complete get the same result', async () => {
    const received = await callbacksOf((callbacks) =>
      wx.startSoterAuthentication({ requestAuthModes: ['fingerPrint'], challenge: 'c', ...callbacks })
    )
    assert.deepEqual(received.map(([callback]) => callback), ['success', 'complete'])
    assert.equal(received[0][1].errMsg, 'startSoterAuthentication:ok')
    assert.equal(received[0][1], received[1][1])
  })

  it('fail and then complete get the same failure', async () => {
    const received = await callbacksOf((callbacks) => wx.startSoterAuthentication(callbacks))
    assert.deepEqual(received.map(([callback]) => callback), ['fail', 'complete'])
    assert.equal(received[0][1].errCode, 90003)
    assert.equal(received[0][1], received[1][1])
  })

  it('complete alone is enough, and is called after the call has returned', async () => {
    let returned = false
    await new Promise((done, failed) => {
      const value = wx.checkIsSupportSoterAuthentication({
        complete: () => (returned ? done() : failed(new Error('too early'))),
      })
      assert.equal(value, undefined, 'no promise in addition to callbacks')
      returned = true
    })
  })

  it('an unreachable bridge is also reported after the call has returned', async () => {
    const broken = { connectSocket: () => assert.fail('no network') }
    installSoterSim(broken)
    let returned = false
    await new Promise((done, failed) => {
      broken.startSoterAuthentication({ fail: () => (returned ? done() : failed(new Error('too early'))) })
      returned = true
    })
  })

  it('without callbacks there is a promise, even without options', async () => {
    assert.equal((await wx.checkIsSupportSoterAuthentication()).errMsg, 'checkIsSupportSoterAuthentication:ok')
    assert.equal((await wx.checkIsSupportSoterAuthentication({})).errMsg, 'checkIsSupportSoterAuthentication:ok')
    await assert.rejects(wx.startSoterAuthentication(), { errCode: 90003 })
  })

  it('complete and the next call get their result even if success throws', async () => {
    await new Promise((complete) =>
      wx.checkIsSupportSoterAuthentication({
        success: () => {
          throw new Error("the page's own mistake")
        },
        complete,
      })
    )
    assert.equal((await wx.checkIsSupportSoterAuthentication()).errMsg, 'checkIsSupportSoterAuthentication:ok')
    assert.deepEqual(wx.errors.map(({ message }) => message), ["the page's own mistake"])
  })

  it('a callback may make the next call', async () => {
    const second = await new Promise((success) =>
      wx.checkIsSupportSoterAuthentication({
        success: () => wx.checkIsSoterEnrolledInDevice({ checkAuthMode: 'fingerPrint', success }),
      })
    )
    assert.equal(second.isEnrolled, true)
  })
})

/** What the callbacks received, in order, up to `complete`. */
function callbacksOf(call) {
  return new Promise((done) => {
    const received = []
    call({
      success: (result) => received.push(['success', result]),
      fail: (result) => received.push(['fail', result]),
      complete: (result) => done([...received, ['complete', result]]),
    })
  })
}
