'use strict'

const assert = require('node:assert/strict')
const { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, before, describe, it } = require('node:test')

const { BRIDGE_FAILED, installSoterSim } = require('soter-sim-miniprogram')
const { ACCOUNT, serveFunction } = require('./support/program')
const { startServer } = require('./support/server')
const { fakeWx } = require('./support/wx')

const FUNCTION = `
  const { renameSync, writeFileSync } = require('fs')
  exports.main = async ({ kind, file, ...event }, context) => {
    if (kind === 'throw') throw new Error('out of stock')
    if (kind === 'wait') {
      writeFileSync(file + '.new', String(process.pid))
      renameSync(file + '.new', file)
      return new Promise(() => {})
    }
    return kind === 'nothing' ? undefined : { event, name: context.function_name }
  }`

describe('wx.cloud.callFunction', () => {
  let folder, server, wx

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'soter-sim-'))
    const verify = join(folder, 'verify')
    mkdirSync(verify)
    writeFileSync(join(verify, 'index.js'), FUNCTION)
    writeFileSync(join(verify, 'config.json'), '{"timeout": 300}')
    server = await serveFunction(verify)
  })
  after(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  /** A mini program with the cloud of DevTools, in which soter-sim is installed. */
  function install(options = {}) {
    wx = fakeWx()
    wx.cloud = { init: () => 'of DevTools', callFunction: () => Promise.resolve('of DevTools') }
    return installSoterSim(wx, { url: server.url, cloudFunctions: true, ...options })
  }

  it('gets what the function returns for its data and its user', async () => {
    const { restore } = install()
    const { requestID, ...answer } = await wx.cloud.callFunction({ name: 'verify', data: { order: '支付 42' } })
    const event = { order: '支付 42', userInfo: { appId: ACCOUNT.appid, openId: ACCOUNT.openid } }
    assert.deepEqual(answer, { result: { event, name: 'verify' }, errMsg: 'cloud.callFunction:ok' })
    assert.equal(requestID.length, 32)
    assert.equal((await wx.cloud.callFunction({ name: 'verify', data: { kind: 'nothing' } })).result, null)
    restore()
  })

  it('calls success or fail, and complete', async () => {
    const { restore } = install()
    const outcome = (option) =>
      new Promise((done) => {
        let first
        const returned = wx.cloud.callFunction({
          ...option,
          success: () => (first = 'success'),
          fail: () => (first = 'fail'),
          complete: ({ errMsg }) => done([first, errMsg, returned]),
        })
      })
    assert.deepEqual(await outcome({ name: 'verify' }), ['success', 'cloud.callFunction:ok', undefined])
    const missing = 'cloud.callFunction:fail Error: errCode: -501000  | errMsg: FunctionName parameter could not be found.'
    assert.deepEqual(await outcome({ name: 'other' }), ['fail', missing, undefined])
    const mistyped = 'cloud.callFunction:fail parameter error: parameter.data should be Object instead of String;'
    assert.deepEqual(await outcome({ name: 'verify', data: 'order' }), ['fail', mistyped, undefined])
    restore()
  })

  it('rejects with the error that the function throws', async () => {
    const { restore } = install()
    await assert.rejects(wx.cloud.callFunction({ name: 'verify', data: { kind: 'throw' } }), {
      errCode: -504002,
      errMsg: /^cloud\.callFunction:fail Error: errCode: -504002 functions execute fail \| errMsg: Error: out of stock\n/,
    })
    restore()
  })

  it('is replaced only on request, alone, and until restore()', async () => {
    const first = install({ cloudFunctions: false })
    assert.equal(await wx.cloud.callFunction({ name: 'verify' }), 'of DevTools')
    first.restore()
    const second = install()
    assert.equal((await wx.cloud.callFunction({ name: 'verify' })).errMsg, 'cloud.callFunction:ok')
    assert.equal(wx.cloud.init(), 'of DevTools')
    second.restore()
    assert.equal(await wx.cloud.callFunction({ name: 'verify' }), 'of DevTools')
  })

  it('is there for a wx without a cloud, until restore()', async () => {
    wx = fakeWx()
    const { restore } = installSoterSim(wx, { url: server.url, cloudFunctions: true })
    assert.equal((await wx.cloud.callFunction({ name: 'verify' })).errMsg, 'cloud.callFunction:ok')
    restore()
    assert.equal('cloud' in wx, false)
  })

  it('is ended when the mini program goes away', async () => {
    const { restore } = install()
    const file = join(folder, 'pid')
    const call = assert.rejects(wx.cloud.callFunction({ name: 'verify', data: { kind: 'wait', file } }), {
      errCode: BRIDGE_FAILED,
    })
    await until(() => existsSync(file))
    const pid = Number(readFileSync(file, 'utf8'))
    assert.ok(runs(pid))
    restore()
    await call
    await until(() => !runs(pid))
  })

  it('of a server without a function says how to serve one', async () => {
    const other = await startServer()
    const { restore } = install({ url: other.url })
    await assert.rejects(wx.cloud.callFunction({ name: 'verify' }), {
      errCode: BRIDGE_FAILED,
      errMsg: /this server has no cloud function\. .*exec --cloud-function DIR -- CMD/,
    })
    restore()
    await other.stop()
  })
})

/** The test's own timeout ends it. */
async function until(holds) {
  while (!holds()) await new Promise((next) => setTimeout(next, 20))
}

function runs(pid) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
