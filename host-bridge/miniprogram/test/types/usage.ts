// Compiled, never run: the declarations fit WeChat's own, and refuse what they should.
import { BRIDGE_FAILED, connectSocketOver, installSoterSim, type Installation, type LoginCall, type Options } from 'soter-sim-miniprogram'
import { mockSoter, type Mock } from 'soter-sim-miniprogram/automator'

// `wx` as WeChat declares it, with its SocketTask.
const installation: Installation = installSoterSim(wx, { url: 'http://127.0.0.1:8777', token: 'secret', login: true, payment: true, cloudFunctions: true })
installation.restore()
const options: Options = { connectSocket: wx.connectSocket }
installSoterSim(wx, options)

// Taro's is declared with a promise.
declare const Taro: { connectSocket(option: { url: string }): Promise<WechatMiniprogram.SocketTask> }
installSoterSim(Taro, { connectSocket: Taro.connectSocket })

// The browser's WebSocket, with the needed members.
declare class BrowserWebSocket {
  constructor(url: string | object, protocols?: string | string[])
  addEventListener(type: 'open' | 'message', listener: (this: BrowserWebSocket, event: object) => void): void
  send(data: string | ArrayBuffer): void
  close(code?: number, reason?: string): void
}
installSoterSim(wx, { connectSocket: connectSocketOver(BrowserWebSocket) })

// The calls keep WeChat's types.
wx.startSoterAuthentication({
  requestAuthModes: ['fingerPrint'],
  challenge: 'order-42',
  success: ({ resultJSON, resultJSONSignature }) => [resultJSON.length, resultJSONSignature.length],
  fail: ({ errMsg }) => errMsg.length,
})
const routed: LoginCall = 'getUserProfile'
wx.requestPayment({
  timeStamp: '1414561699',
  nonceStr: 'n',
  package: 'prepay_id=wx2014',
  signType: 'RSA',
  paySign: 's',
  success: ({ errMsg }) => errMsg.length,
})
wx.cloud.callFunction({ name: 'verify', data: { order: 42 }, success: ({ result, errMsg }) => [result, errMsg] })
const failed: -8777 = BRIDGE_FAILED

declare const miniProgram: {
  mockWxMethod(method: string, result: any, ...args: any[]): Promise<void>
  restoreWxMethod(method: string): Promise<void>
}
const mock: Promise<Mock> = mockSoter(miniProgram, { url: 'http://127.0.0.1:8777', login: true })

// @ts-expect-error an address is a text
installSoterSim(wx, { url: 8777 })
// @ts-expect-error there is no such option
installSoterSim(wx, { adress: 'http://127.0.0.1:8777' })
// @ts-expect-error a function cannot be sent into the mini program
mockSoter(miniProgram, { connectSocket: wx.connectSocket })

export { failed, mock, routed }
