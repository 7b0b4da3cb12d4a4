// The failures when the bridge does not answer, in the form of wx.
'use strict'

/**
 * The errCode of every failure that is the bridge's and not the phone's. WeChat's own codes are positive, or -1;
 * this one is the negative of the bridge's usual port.
 */
var BRIDGE_FAILED = -8777

var START = 'Start it with `soter-sim serve`'

/**
 * There was no connection. `reason` is the text of the socket's error, if there is one; `missing` is the permission that the
 * browser has not given (see browser.js).
 */
function unreachable(address, reason, missing) {
  var said = reason ? ' (' + reason + ')' : ''
  if (/domain list|合法域名/.test(reason)) {
    return (
      'the mini program may not connect to ' + address + said + '. ' +
      'In DevTools, tick 详情 > 本地设置 > 不校验合法域名, or set urlCheck to false in project.config.json'
    )
  }
  var status = /(?:code|response|status)\D{0,12}(\d{3})(?!\d)/i.exec(reason)
  if (status && status[1] === '401') {
    return 'soter-sim at ' + address + ' wants its token' + said + '. Pass it: installSoterSim(wx, {url, token})'
  }
  if (status && status[1] === '403') {
    return (
      'soter-sim at ' + address + ' refuses this origin or host' + said + '. ' +
      'It has printed the flag that lets it in: start it again with that --allow-origin or --allow-host'
    )
  }
  return (
    'soter-sim cannot be reached at ' + address + said + '. ' + permissionFor(missing) +
    START + '; if it runs, it has printed whom it refused and the flag that lets them in, such as --allow-origin'
  )
}

function tooSlow(address, milliseconds, missing) {
  return (
    'soter-sim at ' + address + ' did not answer within ' + milliseconds + ' ms. ' + permissionFor(missing) +
    START + ', or correct the url'
  )
}

/** A sentence about the browser's permission, with a space after it; nothing if none is missing. */
function permissionFor(missing) {
  if (!missing) return ''
  var next = 'allow it when the browser asks, and try again'
  if (!missing.isSecure) next = 'an http page never gets it, so serve the page by https or from localhost'
  else if (missing.state === 'denied' && missing.isFramed) next = 'its frame needs allow="loopback-network", and the user must allow it'
  else if (missing.state === 'denied') next = 'allow it in the settings of the site'
  return (
    'From a public address, a page connects to this computer only with the permission loopback-network of the browser, which ' +
    missing.origin + ' does not have (' + missing.state + '): ' + next + '. '
  )
}

/** `connectSocket` gave nothing that could be used. */
function noTask(address, milliseconds) {
  return (
    'connectSocket gave no SocketTask for ' + address + ' within ' + milliseconds + ' ms, as that of some wrappers of wx. ' +
    'Pass another one: installSoterSim(…, {connectSocket: wx.connectSocket})'
  )
}

/** A connection that was open has been lost. */
function lost(address, reason) {
  var said = reason ? ' (' + reason + ')' : ''
  return (
    'the connection to soter-sim at ' + address + ' was lost in the middle of the call' + said + '. ' +
    START + ' if it stopped, and try again'
  )
}

/** The answer is not one of soter-sim. */
function notUnderstood(address) {
  return 'what answers at ' + address + ' is not soter-sim, or one of another version. ' + START + ', or correct the url'
}

/** The error object of a JSON-RPC answer: two lines, what happened and what to do. */
function refused(error) {
  var next = error.data && typeof error.data.next === 'string' ? '. ' + error.data.next : ''
  return 'soter-sim: ' + error.message + next
}

/** The parameters cannot be written as JSON. */
function notJson(reason) {
  return 'the parameters cannot be sent (' + reason + '). Pass strings, numbers, booleans and arrays of them'
}

function takenOut() {
  return 'soter-sim was taken out with restore() before the answer came'
}

exports.BRIDGE_FAILED = BRIDGE_FAILED
exports.unreachable = unreachable
exports.tooSlow = tooSlow
exports.noTask = noTask
exports.lost = lost
exports.notUnderstood = notUnderstood
exports.refused = refused
exports.notJson = notJson
exports.takenOut = takenOut
