// The options of installSoterSim.
'use strict'

/** The address where `soter-sim` and `soter-sim serve` listen by default. */
var USUAL_URL = 'ws://127.0.0.1:8777'
/** Milliseconds until a connection must be open. Long enough for a phone that finds the computer over Wi-Fi. */
var CONNECT_TIMEOUT = 5000
/** The longest delay that timers accept; a longer one would fire immediately. */
var LONGEST_TIMEOUT = 2147483647

/**
 * Checks the options.
 *
 * Throws a TypeError whose message says what to pass instead. Nothing is changed then.
 */
function read(target, options) {
  var given = options || {}
  if (target === null || (typeof target !== 'object' && typeof target !== 'function')) {
    throw new TypeError('installSoterSim needs the object whose calls it answers: installSoterSim(wx, {url})')
  }
  var connectSocket = given.connectSocket
  if (connectSocket !== undefined && typeof connectSocket !== 'function') {
    throw new TypeError('connectSocket is not a function: pass one that does what wx.connectSocket does')
  }
  if (!connectSocket && typeof target.connectSocket !== 'function') {
    throw new TypeError(
      'this object has no connectSocket: pass one, such as {connectSocket: connectSocketOver(WebSocket)}'
    )
  }
  return {
    address: address(given.url === undefined ? USUAL_URL : given.url),
    token: text(given, 'token'),
    appid: text(given, 'appid'),
    device: text(given, 'device'),
    login: given.login === true,
    payment: given.payment === true,
    cloudFunctions: given.cloudFunctions === true,
    alwaysPromises: isTaro(target),
    connectTimeout: timeout(given.connectTimeout),
    connectSocket:
      connectSocket ||
      function (request) {
        return target.connectSocket(request)
      }
  }
}

function text(given, name) {
  var value = given[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new TypeError(name + ' is not a string')
  return value
}

function timeout(value) {
  if (value === undefined) return CONNECT_TIMEOUT
  if (typeof value !== 'number' || !(value > 0 && value <= LONGEST_TIMEOUT)) {
    throw new TypeError('connectTimeout is not a number of milliseconds from 1 to ' + LONGEST_TIMEOUT)
  }
  return value
}

/** The WebSocket address: `http` instead of `ws` and a missing path are accepted. */
function address(url) {
  var parts = typeof url === 'string' && /^(ws|http)(s?):\/\/([^\s\/?#@]+)(\/ws)?\/?$/i.exec(url)
  if (!parts) {
    throw new TypeError(
      'url is not an address of soter-sim: pass what its ready line shows, such as ' + USUAL_URL
    )
  }
  return 'ws' + parts[2].toLowerCase() + '://' + parts[3] + '/ws'
}

/** Taro's calls give a promise even when callbacks are given, unlike those of wx and uni. */
function isTaro(target) {
  return typeof target.getEnv === 'function' && typeof target.ENV_TYPE === 'object'
}

exports.read = read
