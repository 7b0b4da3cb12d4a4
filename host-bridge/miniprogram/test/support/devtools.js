// The automation port of WeChat DevTools, as far as mocks need it, over a mini program that is only a `wx`.
//
// Functions arrive as text and are evaluated where only `wx` and timers are in scope, as in the app service.
'use strict'

const { once } = require('node:events')
const vm = require('node:vm')
const { WebSocketServer } = require('ws')

async function startDevTools(wx) {
  const app = vm.createContext({ wx, setTimeout, clearTimeout, setInterval, clearInterval })
  const originals = { ...wx }

  const methods = {
    'Tool.getInfo': () => ({ SDKVersion: '3.7.12' }),
    'App.mockWxMethod'({ method, functionDeclaration, args }) {
      if (!functionDeclaration) {
        wx[method] = originals[method]
        return {}
      }
      const mock = vm.runInContext(`(${functionDeclaration})`, app)
      wx[method] = (option = {}) => answered(mock.call({ origin: originals[method] }, option, ...args), option)
      return {}
    },
    async 'App.callWxMethod'({ method, args }) {
      return { result: await wx[method](...args) }
    },
    async 'App.callFunction'({ functionDeclaration, args }) {
      return { result: await vm.runInContext(`(${functionDeclaration})`, app)(...args) }
    },
  }

  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (socket) =>
    socket.on('message', async (text) => {
      const { id, method, params } = JSON.parse(text)
      const answer = await Promise.resolve(params)
        .then((given) => methods[method](given))
        .then((result) => ({ id, result }), (error) => ({ id, error: { message: error.message ?? error.errMsg } }))
      socket.send(JSON.stringify(answer))
    })
  )
  await once(server, 'listening')
  return {
    wsEndpoint: `ws://127.0.0.1:${server.address().port}`,
    stop: () => server.close(),
  }
}

/** What the mock returns is the call's result; its errMsg decides between success and fail. */
async function answered(given, option) {
  const result = await given
  const isFailure = / *:fail/.test(result.errMsg)
  const callback = isFailure ? option.fail : option.success
  if (callback || option.complete) {
    callback?.(result)
    option.complete?.(result)
    return undefined
  }
  if (isFailure) throw result
  return result
}

module.exports = { startDevTools }
