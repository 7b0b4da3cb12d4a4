'use strict'

const assert = require('node:assert/strict')
const { after, before, describe, it } = require('node:test')

const { installSoterSim } = require('soter-sim-miniprogram')
const { startServer } = require('./support/server')
const { fakeWx, NOT_IN_DEVTOOLS } = require('./support/wx')

const NAME = 'checkIsSupportSoterAuthentication'
const OURS = { supportMode: ['fingerPrint'], errMsg: `${NAME}:ok` }
const DEVTOOLS = { errMsg: `${NAME}:fail ${NOT_IN_DEVTOOLS}` }

describe('restore', () => {
  let server, install

  before(async () => {
    server = await startServer()
    install = (target) => installSoterSim(target, { url: server.url, login: true })
  })
  after(() => server.stop())

  it('restores every property, also those that did not exist', async () => {
    const wx = fakeWx()
    Object.defineProperty(wx, 'login', { get: () => () => 'of a getter', enumerable: false, configurable: true })
    const before = Object.getOwnPropertyDescriptors(wx)
    const { restore } = install(wx)
    assert.deepEqual(await wx[NAME](), OURS)
    assert.equal(typeof wx.getUserInfo, 'function')
    restore()
    assert.deepEqual(Object.getOwnPropertyDescriptors(wx), before)
    await assert.rejects(wx[NAME](), DEVTOOLS)
  })

  it('does nothing the second time, whatever has been installed since', async () => {
    const wx = fakeWx()
    const first = install(wx)
    first.restore()
    const second = install(wx)
    first.restore()
    assert.throws(() => install(wx), /installed on this object already/)
    assert.deepEqual(await wx[NAME](), OURS)
    second.restore()
    await assert.rejects(wx[NAME](), DEVTOOLS)
  })

  it('keeps another wrapper in place, and calls the original below it', async () => {
    const wx = fakeWx()
    const { restore } = install(wx)
    const ours = wx[NAME]
    let wrapped = 0
    const wrapper = (option) => {
      wrapped += 1
      return ours.call(wx, option)
    }
    wx[NAME] = wrapper
    assert.deepEqual(await wx[NAME](), OURS)
    restore()
    assert.equal(wx[NAME], wrapper)
    await assert.rejects(wx[NAME](), DEVTOOLS)
    assert.equal(wrapped, 2)
    // The wrapper is removed as usual: it restores what it found, which is ours.
    wx[NAME] = ours
    await assert.rejects(wx[NAME](), DEVTOOLS)
    const again = install(wx)
    assert.deepEqual(await wx[NAME](), OURS)
    again.restore()
    await assert.rejects(wx[NAME](), DEVTOOLS)
  })

  it('ends calls that have no answer yet', async () => {
    const wx = fakeWx()
    const dialogs = await server.dialogs()
    const { restore } = install(wx)
    const result = wx.startSoterAuthentication({ requestAuthModes: ['fingerPrint'], challenge: 'c' })
    await dialogs.opened()
    restore()
    await assert.rejects(result, { errMsg: /fail soter-sim was taken out with restore\(\) before the answer came/ })
    assert.equal((await dialogs.closed()).errCode, 90008, 'its dialog is gone, too')
    dialogs.stop()
  })

  it('ends very many calls, too', async () => {
    const wx = { connectSocket() {} }
    const { restore } = install(wx)
    const calls = Array.from({ length: 20_000 }, () => wx[NAME]())
    restore()
    const ended = await Promise.allSettled(calls)
    assert.ok(ended.every(({ reason }) => /restore\(\)/.test(reason?.errMsg)))
  })

  it('leaves a wrapper over a missing call that says so', () => {
    const wx = { connectSocket: fakeWx().connectSocket }
    const { restore } = install(wx)
    const kept = wx.login
    restore()
    assert.equal('login' in wx, false)
    assert.throws(kept, /login does not exist here/)
  })
})

describe('install', () => {
  it('twice on the same object is an error that says what to do', () => {
    const wx = fakeWx()
    const { restore } = installSoterSim(wx)
    assert.throws(() => installSoterSim(wx), /installed on this object already\. Call restore\(\)/)
    restore()
    installSoterSim(wx).restore()
  })

  it('replaces getters, and properties that can be written but not configured', () => {
    const original = () => 'original'
    const wx = fakeWx()
    Object.defineProperty(wx, 'startSoterAuthentication', { value: original, writable: true, configurable: false })
    Object.defineProperty(wx, NAME, { get: () => original, configurable: true })
    const { restore } = installSoterSim(wx)
    assert.notEqual(wx.startSoterAuthentication, original)
    assert.notEqual(wx[NAME], original)
    restore()
    assert.equal(wx.startSoterAuthentication, original)
    assert.equal(wx[NAME], original)
  })

  it('makes its properties configurable, for tools that mock them later', () => {
    const wx = fakeWx()
    installSoterSim(wx)
    Object.defineProperty(wx, NAME, { get: () => 'mocked', configurable: true })
    assert.equal(wx[NAME], 'mocked')
  })

  it('on an object that cannot be changed says what to do, and changes nothing', () => {
    const half = fakeWx()
    Object.defineProperty(half, 'checkIsSoterEnrolledInDevice', { writable: false, configurable: false })
    const before = Object.getOwnPropertyDescriptors(half)
    assert.throws(() => installSoterSim(half), /checkIsSoterEnrolledInDevice cannot be replaced.*Object\.create\(wx\)/)
    assert.deepEqual(Object.getOwnPropertyDescriptors(half), before)
    const frozen = Object.freeze(fakeWx())
    assert.throws(() => installSoterSim(frozen), /Object\.create\(wx\)/)
    const own = Object.create(frozen)
    installSoterSim(own).restore()
    assert.deepEqual(Object.keys(own), [])
  })

  it('checks its options', () => {
    const wx = fakeWx()
    assert.throws(() => installSoterSim(undefined), /needs the object/)
    assert.throws(() => installSoterSim({}), /has no connectSocket: pass one/)
    assert.throws(() => installSoterSim(wx, { connectSocket: 'ws' }), /connectSocket is not a function/)
    assert.throws(() => installSoterSim(wx, { token: 5 }), /token is not a string/)
    for (const url of ['', 'localhost:8777', 'ftp://localhost', 'ws://localhost/rpc', 'ws://a b', 'ws://u@h', 5, null]) {
      assert.throws(() => installSoterSim(wx, { url }), /url is not an address/, String(url))
    }
    for (const connectTimeout of [0, -1, NaN, Infinity, '5', 2 ** 31]) {
      assert.throws(() => installSoterSim(wx, { connectTimeout }), /connectTimeout is not/, String(connectTimeout))
    }
    installSoterSim(wx).restore()
  })

  it('accepts the address in each form in which soter-sim shows it', async () => {
    const forms = ['http://h:1', 'http://h:1/', 'ws://h:1', 'ws://h:1/ws', 'http://h:1/ws/', undefined, 'https://h']
    const asked = []
    for (const url of forms) {
      const wx = { connectSocket: (option) => void asked.push(option.url) }
      const { restore } = installSoterSim(wx, { url })
      const result = wx[NAME]()
      restore()
      await assert.rejects(result, { errMsg: /restore\(\)/ })
    }
    const h = 'ws://h:1/ws'
    assert.deepEqual(asked, [h, h, h, h, h, 'ws://127.0.0.1:8777/ws', 'wss://h/ws'])
  })
})
