// The part of DevTools' `wx` that the client uses: no SOTER, and sockets as WeChat documents them.
'use strict'

const WebSocket = require('ws')

const NOT_IN_DEVTOOLS = '开发者工具暂时不支持此 API 调试，请使用真机进行开发'
const MOST_SOCKETS = 5

/**
 * `wx.opened` holds every SocketTask that was made, `wx.errors` what listeners threw. `headers` are sent when connecting, as
 * DevTools sends Origin.
 */
function fakeWx({ headers = {} } = {}) {
  const wx = { opened: [], errors: [] }
  wx.connectSocket = (option) => {
    const open = wx.opened.filter((task) => task.socket.readyState <= WebSocket.OPEN)
    if (open.length >= MOST_SOCKETS) {
      soon(() => conclude(option, 'connectSocket:fail exceed max websocket connection count'))
      return undefined
    }
    const task = socketTask(new WebSocket(option.url, { headers }), wx.errors)
    wx.opened.push(task)
    soon(() => conclude(option, 'connectSocket:ok'))
    return task
  }
  for (const name of ['startSoterAuthentication', 'checkIsSupportSoterAuthentication', 'checkIsSoterEnrolledInDevice']) {
    wx[name] = (option = {}) => promisified(option, `${name}:fail ${NOT_IN_DEVTOOLS}`)
  }
  wx.login = (option = {}) => promisified(option, 'login:ok', { code: "DevTools' own" })
  return wx
}

function socketTask(socket, errors) {
  const listeners = { open: [], message: [], close: [], error: [] }
  // WeChat catches what a listener throws, and reports it on the console.
  const tell = (event, result) => {
    for (const listener of listeners[event]) {
      try {
        listener(result)
      } catch (error) {
        errors.push(error)
      }
    }
  }
  socket.on('open', () => tell('open', { header: {} }))
  socket.on('message', (data, isBinary) => tell('message', { data: isBinary ? new Uint8Array(data).buffer : String(data) }))
  socket.on('error', (error) => tell('error', { errMsg: error.message }))
  socket.on('close', (code, reason) => tell('close', { code, reason: String(reason) }))
  return {
    socket,
    onOpen: (listener) => listeners.open.push(listener),
    onMessage: (listener) => listeners.message.push(listener),
    onClose: (listener) => listeners.close.push(listener),
    onError: (listener) => listeners.error.push(listener),
    send(option) {
      if (socket.readyState !== WebSocket.OPEN) {
        soon(() => conclude(option, 'sendSocketMessage:fail SocketTask.readyState is not OPEN'))
      } else {
        socket.send(option.data, () => conclude(option, 'sendSocketMessage:ok'))
      }
    },
    close({ code = 1000, reason } = {}) {
      socket.close(code, reason)
    },
  }
}

function promisified(option, errMsg, result = {}) {
  if (option.success || option.fail || option.complete) {
    soon(() => conclude(option, errMsg, result))
    return undefined
  }
  return new Promise((success, fail) => conclude({ success, fail }, errMsg, result))
}

function conclude(option, errMsg, result = {}) {
  const callback = errMsg.endsWith(':ok') ? option.success : option.fail
  if (callback) callback({ ...result, errMsg })
  if (option.complete) option.complete({ ...result, errMsg })
}

function soon(act) {
  setImmediate(act)
}

module.exports = { fakeWx, NOT_IN_DEVTOOLS }
