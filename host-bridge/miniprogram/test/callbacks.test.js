'use strict'

const assert = require('node:assert/strict')
const { after, before, describe, it } = require('node:test')

const { installSoterSim } = require('soter-sim-miniprogram')
const { startServer } = require('./support/server')
const { fakeWx } = require('./support/wx')

describe('results are given as wx gives them', () => {
  let server, wx

  before(async () => {
    server = await startServer('--touch', 'auto')
    wx = fakeWx()
    installSoterSim(wx, { url: server.url })
  })
  after(() => server.stop())

  it('success and then complete get the same result', async () => {
    const told = await tellingsOf((callbacks) =>
      wx.startSoterAuthentication({ requestAuthModes: ['fingerPrint'], challenge: 'c', ...callbacks })
    )
    assert.deepEqual(told.map(([callback]) => callback), ['success', 'complete'])
    assert.equal(told[0][1].errMsg, 'startSoterAuthentication:ok')
    assert.equal(told[0][1], told[1][1])
  })

  it('fail and then complete get the same failure', async () => {
    const told = await tellingsOf((callbacks) => wx.startSoterAuthentication(callbacks))
    assert.deepEqual(told.map(([callback]) => callback), ['fail', 'complete'])
    assert.equal(told[0][1].errCode, 90003)
    assert.equal(told[0][1], told[1][1])
  })

  it('complete alone suffices, and is called after the call has returned', async () => {
    let returned = false
    await new Promise((done, failed) => {
      const value = wx.checkIsSupportSoterAuthentication({
        complete: () => (returned ? done() : failed(new Error('too early'))),
      })
      assert.equal(value, undefined, 'no promise beside callbacks')
      returned = true
    })
  })

  it('an unreachable bridge is told after the call has returned, too', async () => {
    const broken = { connectSocket: () => assert.fail('no network') }
    installSoterSim(broken)
    let returned = false
    await new Promise((done, failed) => {
      broken.startSoterAuthentication({ fail: () => (returned ? done() : failed(new Error('too early'))) })
      returned = true
    })
  })

  it('without callbacks there is a promise, also without options', async () => {
    assert.equal((await wx.checkIsSupportSoterAuthentication()).errMsg, 'checkIsSupportSoterAuthentication:ok')
    assert.equal((await wx.checkIsSupportSoterAuthentication({})).errMsg, 'checkIsSupportSoterAuthentication:ok')
    await assert.rejects(wx.startSoterAuthentication(), { errCode: 90003 })
  })

  it('a success that throws keeps neither complete nor the next call from their result', async () => {
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

/** What the callbacks were told, in order, up to `complete`. */
function tellingsOf(call) {
  return new Promise((done) => {
    const told = []
    call({
      success: (result) => told.push(['success', result]),
      fail: (result) => told.push(['fail', result]),
      complete: (result) => done([...told, ['complete', result]]),
    })
  })
}
