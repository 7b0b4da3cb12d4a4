'use strict'

const assert = require('node:assert/strict')
const { createHash, createHmac, generateKeyPairSync, sign } = require('node:crypto')
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, before, describe, it } = require('node:test')

const { installSoterSim } = require('soter-sim-miniprogram')
const { startServer } = require('./support/server')
const { fakeWx } = require('./support/wx')

const APPID = 'wx0123456789abcdef'
const KEY = '192006250b4c09247ec02edce69f6a2d'
const MERCHANT = generateKeyPairSync('rsa', { modulusLength: 2048 })

const ORDER = { timeStamp: '1414561699', nonceStr: '5K8264ILTKCH16CQ2502SI8ZNMTM67VS', package: 'prepay_id=wx2014' }

/** What a merchant's server hands to the mini program. Node's own cryptography signs. */
function signed(signType, { appId = 'appId' } = {}) {
  const { timeStamp, nonceStr, package: id } = ORDER
  const query = `${appId}=${APPID}&nonceStr=${nonceStr}&package=${id}&signType=${signType}&timeStamp=${timeStamp}&key=${KEY}`
  const paySign = {
    MD5: () => createHash('md5').update(query).digest('hex').toUpperCase(),
    'HMAC-SHA256': () => createHmac('sha256', KEY).update(query).digest('hex').toUpperCase(),
    RSA: () => sign('sha256', Buffer.from(`${APPID}\n${timeStamp}\n${nonceStr}\n${id}\n`), MERCHANT.privateKey).toString('base64'),
  }[signType]()
  return { ...ORDER, signType, paySign }
}

describe('payments', () => {
  let folder, server, dialogs, wx, installation

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'soter-sim-'))
    const config = join(folder, 'accounts.toml')
    const pem = MERCHANT.publicKey.export({ type: 'spki', format: 'pem' })
    const lines = ['[[app]]', `appid = "${APPID}"`, 'secret = "s"', `merchant_key = "${KEY}"`, `merchant_public_key = """\n${pem}"""`]
    writeFileSync(config, lines.join('\n'))
    server = await startServer('--config', config)
    dialogs = await server.dialogs()
    wx = fakeWx()
    installation = installSoterSim(wx, { url: server.url, payment: true })
  })
  after(async () => {
    installation.restore()
    dialogs.stop()
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  /** The newest call of the server's journal. */
  async function lastCall() {
    const { entries } = await (await fetch(`${server.url}/sim/journal`)).json()
    return entries.filter(({ call }) => call === 'wx.requestPayment').at(-1)
  }

  for (const signType of ['MD5', 'HMAC-SHA256', 'RSA']) {
    it(`are made after a touch, with a right paySign of ${signType}`, async () => {
      const result = wx.requestPayment(signed(signType))
      const { kind, prepayId, challenge } = await dialogs.opened()
      assert.deepEqual([kind, prepayId, challenge], ['payment', 'wx2014', undefined])
      await server.rpc('sensor.touch', { touch: 1 })
      assert.deepEqual(await result, { errMsg: 'requestPayment:ok' })
      assert.equal((await lastCall()).judgement.reason, 'pay-sign-valid')
    })
  }

  it('are cancelled by the user', async () => {
    const failed = new Promise((fail) => wx.requestPayment({ ...signed('RSA'), fail }))
    await dialogs.opened()
    await server.rpc('sensor.cancel')
    assert.deepEqual(await failed, { errMsg: 'requestPayment:fail cancel' })
    assert.equal((await lastCall()).judgement.reason, 'payment-not-confirmed')
  })

  it('are refused with a wrong paySign, and only the journal says what was wrong', async () => {
    await assert.rejects(wx.requestPayment(signed('MD5', { appId: 'appid' })), {
      errMsg: 'requestPayment:fail payment signature verification failed',
    })
    const { answer, judgement } = await lastCall()
    assert.deepEqual(answer, { errMsg: 'requestPayment:fail payment signature verification failed' })
    assert.deepEqual(judgement, {
      isOk: false,
      reason: 'pay-sign-wrong',
      detail: 'paySign is wrong: `appId` is named `appid`',
    })
  })

  it('are refused with a time that is a number, as by the base library', async () => {
    await assert.rejects(wx.requestPayment({ ...signed('MD5'), timeStamp: 1414561699 }), {
      errMsg: 'requestPayment:fail parameter error: parameter.timeStamp should be String instead of Number;',
    })
  })

  it('stay those of wx without `payment: true`', () => {
    const other = fakeWx()
    other.requestPayment = () => 'of wx'
    const { restore } = installSoterSim(other, { url: server.url, login: true })
    assert.equal(other.requestPayment(), 'of wx')
    restore()
  })
})
