/** The calls that are always re-routed. */
export type SoterCall =
  | 'startSoterAuthentication'
  | 'checkIsSupportSoterAuthentication'
  | 'checkIsSoterEnrolledInDevice'

/** The calls that `login: true` re-routes as well. */
export type LoginCall = 'login' | 'checkSession' | 'getUserInfo' | 'getUserProfile' | 'getPhoneNumber'

/** The call that `payment: true` re-routes as well. */
export type PaymentCall = 'requestPayment'

/** The call that `cloudFunctions: true` re-routes as well. */
export type CloudCall = 'cloud.callFunction'

/** The part of WeChat's SocketTask that is used here. */
export interface SocketTaskLike {
  onOpen(listener: (result?: any) => void): void
  onMessage(listener: (result: { data: any }) => void): void
  onError(listener: (result: { errMsg: string }) => void): void
  onClose(listener: (result: any) => void): void
  send(option: { data: string; fail?: (error: any) => void }): void
  close(option: { code?: number }): void
}

/** Opens a WebSocket as `wx.connectSocket` does; one that returns a promise, like `Taro.connectSocket`, is also accepted. */
export type ConnectSocket = (option: {
  url: string
  fail?: (error: any) => void
}) => SocketTaskLike | PromiseLike<SocketTaskLike>

export interface Options {
  /**
   * Where soter-sim listens, as its ready line shows it: `http://127.0.0.1:8777`, also written `ws://…` or with the
   * path `/ws`. Absent: the usual `ws://127.0.0.1:8777`.
   */
  url?: string
  /** The token of a server that was started with `--token-file`. */
  token?: string
  /**
   * Whether `login`, `checkSession`, `getUserInfo` and `getUserProfile` are re-routed as well, for a backend that asks soter-sim.
   * `getPhoneNumber`, which wx does not have, then gives what a button with `open-type="getPhoneNumber"` gets.
   */
  login?: boolean
  /**
   * Whether `requestPayment` is re-routed as well: soter-sim checks `paySign` if its configuration has the merchant's key, shows a
   * payment sheet that wants a touch, and pays nothing.
   */
  payment?: boolean
  /**
   * Whether `cloud.callFunction` is re-routed as well, to the function that `soter-sim exec --cloud-function DIR -- CMD` serves.
   * Nothing else of `cloud` is, and no `new wx.cloud.Cloud(…)`.
   */
  cloudFunctions?: boolean
  /** The mini program that calls, if the server has several (`--config`). Absent: its first one. */
  appid?: string
  /** The phone that answers, if the server has several (`device create`). Absent: the selected one. */
  device?: string
  /** What opens the WebSocket. Absent: `connectSocket` of the object on which soter-sim is installed. */
  connectSocket?: ConnectSocket
  /** Milliseconds until the connection must be open; 5000 if absent. A dialog may stay open for as long as it likes. */
  connectTimeout?: number
}

export interface Installation {
  /**
   * Removes soter-sim: the calls are what they were before. Calls that have no answer yet fail. A wrapper that another
   * tool has put over ours stays, and calls the original from now on. A second call does nothing.
   */
  restore(): void
}

/**
 * `errCode` of a failure that is the bridge's and not the phone's: it was not reached, was lost during a call, or
 * refused the call. `errMsg` then says what to do. No code of WeChat has this value.
 */
export const BRIDGE_FAILED: -8777

/**
 * Lets soter-sim answer the SOTER calls of `wx`, `uni` or `Taro`.
 *
 * The calls keep their form: callbacks, or a promise if none is given (Taro: always a promise). Their results have the
 * members that a phone's have.
 *
 * @throws TypeError if an option is not what it should be; Error if soter-sim is installed on the object already, or if a
 * call cannot be replaced on it. Nothing is changed then.
 */
export function installSoterSim(target: object, options?: Options): Installation

/** The part of the browser's WebSocket that is used here. */
export interface WebSocketLike {
  addEventListener(event: any, listener: (event: any) => void): void
  send(data: string): void
  close(code?: number): void
}

/**
 * A `connectSocket` for places that have a WebSocket class instead: jest and Node (`ws`, or Node's own), H5.
 *
 * @example installSoterSim(wx, { url, connectSocket: connectSocketOver(require('ws')) })
 */
export function connectSocketOver(WebSocket: new (url: string) => WebSocketLike): ConnectSocket
