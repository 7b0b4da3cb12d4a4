'use strict'

const assert = require('node:assert/strict')
const { afterEach, describe, it } = require('node:test')

const { installSoterSim } = require('soter-sim-miniprogram')

// Chromium itself is asked in tests/page/client.test.js. Here are the states that it shows only in a window, and other browsers.
describe('a page that a browser does not let connect', () => {
  const real = new Map()

  /** Replaces globals until the test has ended. */
  function browser(globals) {
    for (const [name, value] of Object.entries(globals)) {
      real.set(name, Object.getOwnPropertyDescriptor(globalThis, name))
      Object.defineProperty(globalThis, name, { configurable: true, writable: true, value })
    }
  }
  afterEach(() => {
    for (const [name, own] of real) {
      if (own) Object.defineProperty(globalThis, name, own)
      else delete globalThis[name]
    }
    real.clear()
  })

  /** A page at this address, whose browser answers the query of a permission like this. */
  function page(address, query) {
    const { protocol, host, hostname } = new URL(address)
    browser({ location: { protocol, host, hostname }, navigator: { permissions: { query } }, isSecureContext: protocol === 'https:' })
  }

  const state = (value) => async () => ({ state: value })
  /** A SocketTask that never opens. */
  const task = (others) => ({ onOpen() {}, onMessage() {}, onError() {}, onClose() {}, close() {}, ...others })
  /** As WebSocket reports every failure: without a text. */
  const bareError = () => task({ onError: (listener) => void setImmediate(listener, { errMsg: '' }) })

  async function failure(options = {}) {
    const target = {}
    installSoterSim(target, { connectSocket: bareError, ...options })
    return target.startSoterAuthentication().then(() => assert.fail('it succeeded'), ({ errMsg }) => errMsg)
  }

  it('is told to answer the browser', async () => {
    page('https://shop.example', state('prompt'))
    assert.match(await failure(), /https:\/\/shop\.example does not have \(prompt\): allow it when the browser asks, and try again\. Start it/)
  })

  it('is told so as well while the browser still asks', async () => {
    page('https://shop.example', state('prompt'))
    assert.match(await failure({ connectSocket: () => task(), connectTimeout: 10 }), /did not answer within 10 ms\. From a public.*\(prompt\)/)
  })

  it('is told so by a browser that knows only the older name of the permission', async () => {
    page('https://shop.example', async ({ name }) => {
      if (name !== 'local-network-access') throw new TypeError('not a valid enum value')
      return { state: 'denied' }
    })
    assert.match(await failure(), /\(denied\): allow it in the settings/)
  })

  const unconcerned = {
    'has the permission': () => page('https://shop.example', state('granted')),
    'is in a browser without such a permission': () => page('https://shop.example', () => Promise.reject(new TypeError('no such name'))),
    'is in a browser whose query throws': () => page('https://shop.example', () => { throw new TypeError('no such name') }),
    'is in a browser without queries': () => browser({ location: new URL('https://shop.example'), navigator: {} }),
    'comes from this computer': () => page('http://localhost:5173', state('prompt')),
    'comes from the local network': () => page('http://192.168.1.20:5173', state('denied')),
  }
  for (const [what, open] of Object.entries(unconcerned)) {
    it(`is told nothing about it if it ${what}`, async () => {
      open()
      const errMsg = await failure()
      assert.match(errMsg, /cannot be reached/)
      assert.doesNotMatch(errMsg, /permission/)
    })
  }

  it('is told nothing about it if soter-sim runs on another computer', async () => {
    page('https://shop.example', state('denied'))
    assert.doesNotMatch(await failure({ url: 'ws://192.168.1.20:8777' }), /permission/)
  })

  it('gets its failure from a browser that never answers the query', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const asked = new Promise((query) => page('https://shop.example', () => new Promise(() => query())))
    const told = failure()
    await asked
    t.mock.timers.tick(1000)
    assert.match(await told, /cannot be reached/)
  })

  it('fails once if soter-sim is taken out during the query', async () => {
    let answer
    const asked = new Promise((query) => {
      page('https://shop.example', () => new Promise((resolve) => { answer = resolve; query() }))
    })
    const target = {}
    const failures = []
    const { restore } = installSoterSim(target, { connectSocket: bareError })
    target.startSoterAuthentication({ fail: ({ errMsg }) => failures.push(errMsg) })
    await asked
    restore()
    answer({ state: 'prompt' })
    await new Promise(setImmediate)
    assert.equal(failures.length, 1)
    assert.match(failures[0], /taken out with restore\(\)/)
  })
})
