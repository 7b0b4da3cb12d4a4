'use strict'

const assert = require('node:assert/strict')
const { createPublicKey, constants, verify } = require('node:crypto')
const { once } = require('node:events')
const { after, before, describe, it } = require('node:test')

const { installSoterSim } = require('soter-sim-miniprogram')
const { startServer } = require('./support/server')
const { fakeWx } = require('./support/wx')

const FINGER = { requestAuthModes: ['fingerPrint'], challenge: 'order-42', authContent: '支付 1 元' }

describe('a mini program with soter-sim', () => {
  let server, dialogs, wx, installation

  before(async () => {
    server = await startServer()
    dialogs = await server.dialogs()
    wx = fakeWx()
    installation = installSoterSim(wx, { url: server.url, login: true })
  })
  after(async () => {
    installation.restore()
    dialogs.stop()
    await server.stop()
  })

  it('gets a result that the phone has signed, after a touch', async () => {
    const result = wx.startSoterAuthentication(FINGER)
    const dialog = await dialogs.opened()
    assert.equal(dialog.authContent, '支付 1 元')
    await server.rpc('sensor.touch', { touch: 1 })
    const { resultJSON, resultJSONSignature, ...others } = await result
    assert.deepEqual(others, { errCode: 0, authMode: 'fingerPrint', errMsg: 'startSoterAuthentication:ok' })
    assert.equal(JSON.parse(resultJSON).raw, 'order-42')
    const { keys } = await server.rpc('keys.list')
    const verifies = keys.some(({ publicKey }) => {
      const key = createPublicKey(publicKey)
      const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 20 }
      return verify('sha256', Buffer.from(resultJSON), pss, Buffer.from(resultJSONSignature, 'base64'))
    })
    assert.ok(verifies, 'one of the phone\'s keys verifies it')
  })

  it('gets the codes and texts of a phone when the user cancels', async () => {
    const result = assert.rejects(wx.startSoterAuthentication(FINGER), {
      errCode: 90008,
      authMode: '',
      resultJSON: '',
      resultJSONSignature: '',
      errMsg: 'startSoterAuthentication:fail cancel',
    })
    await dialogs.opened()
    await server.rpc('sensor.cancel')
    await result
  })

  it('gets 90007 for a second call during the dialog of the first, which goes on', async () => {
    const first = wx.startSoterAuthentication(FINGER)
    await dialogs.opened()
    await assert.rejects(wx.startSoterAuthentication(FINGER), {
      errCode: 90007,
      authMode: '',
      resultJSON: '',
      resultJSONSignature: '',
      errMsg:
        'startSoterAuthentication:fail authenticate error: add SOTER task to queue failed. ' +
        'check the logcat for further information',
    })
    await server.rpc('sensor.touch', { touch: 1 })
    assert.equal((await first).errCode, 0)
  })

  it('gets the codes and texts of a phone when its own request is wrong', async () => {
    await assert.rejects(wx.startSoterAuthentication({ challenge: 'order-42' }), {
      errCode: 90003,
      errMsg: 'startSoterAuthentication:fail authen mode is null',
    })
    await assert.rejects(wx.startSoterAuthentication({ ...FINGER, challenge: undefined }), {
      errCode: 90004,
      errMsg: 'startSoterAuthentication:fail challenge is null',
    })
  })

  it("gets the base library's text for parameters of wrong types, without an errCode", async () => {
    const refusal = (errMsg) => (failure) => {
      assert.deepEqual(failure, { errMsg })
      return true
    }
    const mistake = 'parameter error: parameter'
    await assert.rejects(
      wx.startSoterAuthentication({ ...FINGER, challenge: 42 }),
      refusal(`startSoterAuthentication:fail ${mistake}.challenge should be String instead of Number;`)
    )
    await assert.rejects(
      wx.startSoterAuthentication({ ...FINGER, requestAuthModes: 'fingerPrint', authContent: null }),
      refusal(
        `startSoterAuthentication:fail ${mistake}.requestAuthModes should be Array instead of String;` +
          'parameter.authContent should be String instead of Null;'
      )
    )
    const failed = await new Promise((fail) => wx.checkIsSoterEnrolledInDevice({ checkAuthMode: true, fail }))
    refusal(`checkIsSoterEnrolledInDevice:fail ${mistake}.checkAuthMode should be String instead of Boolean;`)(failed)
  })

  it('gets the refusals of the bridge, with what to do', async () => {
    const stranger = fakeWx()
    const { restore } = installSoterSim(stranger, { url: server.url, device: 'nobody' })
    await assert.rejects(stranger.startSoterAuthentication({ ...FINGER, challenge: 42 }), (failure) => {
      assert.match(failure.errMsg, /^startSoterAuthentication:fail soter-sim: .*`nobody`.*\. /)
      assert.equal(failure.errCode, -8777)
      return true
    })
    restore()
  })

  it('gets what the phone supports and what is enrolled', async () => {
    assert.deepEqual(await wx.checkIsSupportSoterAuthentication(), {
      supportMode: ['fingerPrint'],
      errMsg: 'checkIsSupportSoterAuthentication:ok',
    })
    assert.deepEqual(await wx.checkIsSoterEnrolledInDevice({ checkAuthMode: 'fingerPrint' }), {
      isEnrolled: true,
      errMsg: 'checkIsSoterEnrolledInDevice:ok',
    })
    await assert.rejects(wx.checkIsSoterEnrolledInDevice({ checkAuthMode: 'speech' }), {
      isEnrolled: false,
      errMsg: 'checkIsSoterEnrolledInDevice:fail not support',
    })
  })

  it('logs in, checks the session and gets the user', async () => {
    const { code, ...others } = await wx.login()
    assert.deepEqual(others, { errMsg: 'login:ok' })
    assert.notEqual(code, "DevTools' own")
    assert.deepEqual(await wx.checkSession(), { errMsg: 'checkSession:ok' })
    const user = await wx.getUserInfo()
    const members = ['cloudID', 'encryptedData', 'errMsg', 'iv', 'rawData', 'signature', 'userInfo']
    assert.deepEqual(Object.keys(user).sort(), members)
    assert.deepEqual(JSON.parse(user.rawData), user.userInfo)
    assert.equal(user.userInfo.nickName, '微信用户')
    const profile = await wx.getUserProfile({ desc: '用于完善会员资料' })
    assert.deepEqual(Object.keys(profile).sort(), members)
    assert.equal(profile.errMsg, 'getUserProfile:ok')
  })

  it('gets the user without credentials, in a language, and what WeChat refuses', async () => {
    await server.rpc('device.set', { anonymousUser: false, userData: { nickName: 'Band', city: 'Guangzhou' } })
    const { userInfo, rawData, ...others } = await wx.getUserInfo({ withCredentials: false, lang: 'zh_CN' })
    assert.deepEqual(others, { errMsg: 'getUserInfo:ok' })
    assert.deepEqual([userInfo.nickName, userInfo.city, userInfo.language], ['Band', 'Guangzhou', 'zh_CN'])
    assert.deepEqual(JSON.parse(rawData), userInfo)
    await assert.rejects(wx.getUserInfo({ withCredentials: 'no' }), {
      errMsg: 'getUserInfo:fail parameter error: parameter.withCredentials should be Boolean instead of String;',
    })
    await assert.rejects(wx.getUserProfile(), {
      errMsg: 'getUserProfile:fail desc length does not meet the requirements',
    })
    await server.rpc('device.set', { userInfoPermission: false, loginFailure: 'timeout' })
    await assert.rejects(wx.getUserInfo(), { errMsg: 'getUserInfo:fail auth deny' })
    await assert.rejects(wx.getUserProfile({ desc: '用途' }), { errMsg: 'getUserProfile:fail auth deny' })
    await assert.rejects(wx.login({ timeout: 1 }), { errMsg: 'login:fail timeout' })
    await server.rpc('device.set', { loginFailure: 'fail' })
    await assert.rejects(wx.login(), { errMsg: 'login:fail' })
    const back = { anonymousUser: null, userData: null, userInfoPermission: null, loginFailure: null }
    await server.rpc('device.set', back)
  })

  it('gives a code for the phone number, which the login does not give', async () => {
    const { code, ...others } = await wx.getPhoneNumber()
    assert.deepEqual(others, { errMsg: 'getPhoneNumber:ok' })
    const url = server.ws.replace('ws', 'http').replace('/ws', '')
    const params = new URLSearchParams({ grant_type: 'client_credential', appid: 'wxemulated00000001', secret: 'emulated0000secret0000emulated00' })
    const { access_token: token } = await (await fetch(`${url}/cgi-bin/token?${params}`)).json()
    const body = JSON.stringify({ code })
    const answer = await (await fetch(`${url}/wxa/business/getuserphonenumber?access_token=${token}`, { method: 'POST', body })).json()
    assert.equal(answer.phone_info.purePhoneNumber, '13800138000')
  })

  it('uses one connection for simultaneous calls, and keeps none open', async () => {
    const before = wx.opened.length
    const calls = [wx.checkIsSupportSoterAuthentication(), wx.login(), wx.startSoterAuthentication(FINGER)]
    await dialogs.opened()
    await server.rpc('sensor.touch', { touch: 1 })
    await Promise.all(calls)
    assert.equal(wx.opened.length, before + 1)
    const { socket } = wx.opened.at(-1)
    if (socket.readyState !== socket.CLOSED) await once(socket, 'close')
  })

  it('leaves no dialog behind when it ends', async () => {
    const failed = new Promise((fail) => wx.startSoterAuthentication({ ...FINGER, fail }))
    const { dialog } = await dialogs.opened()
    wx.opened.at(-1).socket.terminate()
    let closed
    do closed = await dialogs.closed()
    while (closed.dialog !== dialog)
    assert.equal(closed.errCode, 90008)
    assert.match((await failed).errMsg, /was lost in the middle of the call/)
  })

  it('gets answers of the phone and the mini program that it names', async () => {
    await server.rpc('device.create', { name: 'iphone', profile: 'ios' })
    const other = fakeWx()
    const { restore } = installSoterSim(other, { url: server.url, device: 'iphone' })
    await other.checkIsSupportSoterAuthentication()
    const result = other.startSoterAuthentication({ ...FINGER, requestAuthModes: ['facial', 'fingerPrint'] })
    assert.equal((await dialogs.opened()).device, 'iphone')
    await server.rpc('sensor.cancel', { device: 'iphone' })
    await assert.rejects(result, { errCode: 90008 })
    restore()
    const stranger = fakeWx()
    installSoterSim(stranger, { url: server.url, login: true, appid: 'wx0000000000000000' })
    await assert.rejects(stranger.login(), { errMsg: /there is no mini program `wx0000000000000000`/ })
  })
})
