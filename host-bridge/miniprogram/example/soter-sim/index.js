// The SOTER calls of a mini program, answered by soter-sim instead of by the phone.
//
//   wx.startSoterAuthentication ──> calls.js ──> connection.js ──> wx.connectSocket ──> soter-sim serve
//
// Plain ES5 without dependencies: it runs as it is in WeChat DevTools, on old phones and in Node.
'use strict'

var calls = require('./calls')
var connection = require('./connection')
var failures = require('./failures')
var property = require('./property')
var settings = require('./settings')
var webSocket = require('./web_socket')

/** What is installed: one entry per object. */
var installed = []

function installSoterSim(target, options) {
  var wishes = settings.read(target, options)
  if (installed.indexOf(target) >= 0) {
    throw new Error(
      'soter-sim is installed on this object already. Call restore() of the first installation before the second.'
    )
  }
  var link = connection.create(wishes)
  var active = true
  var undo = []

  function stopReplacing() {
    active = false
    while (undo.length > 0) undo.pop()()
  }

  function replace(name) {
    var parts = name.split('.')
    var method = parts.pop()
    var owner = parts.reduce(member, target)
    var original = owner[method]
    // Another wrapper may keep this function after restore(): it then calls the original.
    undo.push(
      property.replace(owner, method, function () {
        if (active) return calls.perform(link, wishes, name, arguments[0])
        if (typeof original === 'function') return original.apply(this, arguments)
        throw new TypeError(name + ' does not exist here, and soter-sim was taken out with restore()')
      })
    )
  }

  /** A member that has methods, such as `wx.cloud`. A target without it gets one until restore(). */
  function member(owner, name) {
    if (!owner[name]) undo.push(property.replace(owner, name, {}))
    return owner[name]
  }

  try {
    calls.names(wishes).forEach(replace)
  } catch (error) {
    stopReplacing()
    throw error
  }
  installed.push(target)

  return {
    restore: function restore() {
      if (!active) return
      installed.splice(installed.indexOf(target), 1)
      stopReplacing()
      link.end(failures.takenOut())
    }
  }
}

exports.installSoterSim = installSoterSim
exports.connectSocketOver = webSocket.connectSocketOver
exports.BRIDGE_FAILED = failures.BRIDGE_FAILED
