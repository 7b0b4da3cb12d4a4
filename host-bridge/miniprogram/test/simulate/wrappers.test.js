'use strict'

const { promisify, promisifyAll } = require('miniprogram-api-promise')
// Makes the global `wx`.
require('miniprogram-simulate')
const WebSocket = require('ws')

const { connectSocketOver, installSoterSim } = require('soter-sim-miniprogram')
const { startServer } = require('../support/server')

/** Every call of the client, with options that let it succeed. */
const CALLS = {
  startSoterAuthentication: { requestAuthModes: ['fingerPrint'], challenge: 'order-42' },
  checkIsSupportSoterAuthentication: {},
  checkIsSoterEnrolledInDevice: { checkAuthMode: 'fingerPrint' },
  login: {},
  checkSession: {},
  getUserInfo: {},
  getUserProfile: { desc: 'for the order' },
  getPhoneNumber: {},
  requestPayment: { timeStamp: '1414561699', nonceStr: 'n', package: 'prepay_id=wx2014', signType: 'MD5', paySign: 's' },
}
/** What miniprogram-api-promise wraps; it knows no other calls of the client. */
const PROMISIFIED = Object.keys(CALLS).filter((name) => !['getUserProfile', 'getPhoneNumber'].includes(name))

let server, options
beforeAll(async () => {
  server = await startServer('--touch', 'auto')
  options = { url: server.url, login: true, payment: true, connectSocket: connectSocketOver(WebSocket) }
})
afterAll(() => server.stop())

/** An object that throws when it is written to. */
function untouchable(object) {
  const refuse = (_, name) => {
    throw new Error(`${String(name)} was written`)
  }
  return new Proxy(object, { set: refuse, defineProperty: refuse, deleteProperty: refuse, setPrototypeOf: refuse })
}

test('these are all calls of the client', () => {
  const target = {}
  installSoterSim(target, options)
  expect(Object.keys(target).sort()).toEqual(Object.keys(CALLS).sort())
})

describe.each(Object.entries(CALLS))('%s', (name, given) => {
  const ok = expect.objectContaining({ errMsg: `${name}:ok` })

  test('answers the same object twice and does not write into it, on the wx of miniprogram-simulate', async () => {
    const { restore } = installSoterSim(wx, options)
    const same = untouchable({ ...given })
    expect(await wx[name](same)).toEqual(ok)
    expect(await wx[name](same)).toEqual(ok)
    restore()
  })

  test('does so with callbacks', async () => {
    const target = {}
    installSoterSim(target, options)
    const received = []
    let next
    const success = (result) => received.push(result)
    const same = untouchable({ ...given, success, complete: () => next() })
    for (let time = 0; time < 2; time += 1) {
      await new Promise((done) => {
        next = done
        expect(target[name](same)).toBeUndefined()
      })
    }
    expect(received).toEqual([ok, ok])
  })

  test('does so on an object that miniprogram-api-promise has wrapped', async () => {
    const wxp = {}
    promisifyAll(wx, wxp)
    installSoterSim(wxp, options)
    const same = untouchable({ ...given })
    expect(await wxp[name](same)).toEqual(ok)
    expect(await wxp[name](same)).toEqual(ok)
  })

  if (PROMISIFIED.includes(name)) {
    test('answers through miniprogram-api-promise over the client, which writes its own callbacks and nothing else', async () => {
      const target = {}
      installSoterSim(target, options)
      const wxp = {}
      promisifyAll(target, wxp)
      const same = { ...given }
      expect(await wxp[name](same)).toEqual(ok)
      expect(same).toEqual({ ...given, success: expect.any(Function), fail: expect.any(Function) })
      // Of the wrapper: it takes its own callbacks for those of the caller. A new object is answered.
      expect(wxp[name](same)).toBeUndefined()
      expect(await wxp[name]({ ...given })).toEqual(ok)
    })
  }

  test('answers the same object twice through promisify of miniprogram-api-promise', async () => {
    const target = {}
    installSoterSim(target, options)
    const same = { ...given }
    expect(await promisify(target[name])(same)).toEqual(ok)
    expect(await promisify(target[name])(same)).toEqual(ok)
  })
})

test('the connectSocket of miniprogram-api-promise gives no SocketTask, and the failure says what to pass', async () => {
  const target = { connectSocket: options.connectSocket }
  const wxp = {}
  promisifyAll(target, wxp)
  const { restore } = installSoterSim(wxp, { url: server.url, connectTimeout: 50 })
  await expect(wxp.checkIsSupportSoterAuthentication()).rejects.toMatchObject({
    errMsg: expect.stringMatching(/connectSocket gave no SocketTask .*\{connectSocket: wx\.connectSocket\}/),
  })
  restore()
  installSoterSim(wxp, { url: server.url, connectSocket: target.connectSocket })
  expect(await wxp.checkIsSupportSoterAuthentication()).toMatchObject({ errMsg: 'checkIsSupportSoterAuthentication:ok' })
})
