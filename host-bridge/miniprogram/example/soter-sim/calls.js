// The wx calls: their names, what they pass on, and how they deliver their result.
'use strict'

var failures = require('./failures')

/** For each call: the options that it passes on, and the members of its failure in addition to errCode and errMsg. */
var SOTER_CALLS = {
  startSoterAuthentication: {
    takes: ['requestAuthModes', 'challenge', 'authContent'],
    failed: { authMode: '', resultJSON: '', resultJSONSignature: '' },
    ofApp: true
  },
  checkIsSupportSoterAuthentication: { takes: [], failed: { supportMode: [] } },
  checkIsSoterEnrolledInDevice: { takes: ['checkAuthMode'], failed: { isEnrolled: false } }
}
var LOGIN_CALLS = {
  login: { takes: ['timeout'], failed: {}, ofApp: true },
  checkSession: { takes: [], failed: {}, ofApp: true },
  getUserInfo: { takes: ['withCredentials', 'lang'], failed: {}, ofApp: true },
  getUserProfile: { takes: ['desc', 'lang'], failed: {}, ofApp: true },
  // No function of wx: a button with open-type="getPhoneNumber" asks, which DevTools cannot do for soter-sim.
  getPhoneNumber: { takes: [], failed: {}, ofApp: true }
}

var PAYMENT_CALLS = {
  requestPayment: { takes: ['timeStamp', 'nonceStr', 'package', 'signType', 'paySign'], failed: {}, ofApp: true }
}

var CLOUD_CALLS = {
  'cloud.callFunction': { takes: ['name', 'data'], failed: {}, ofApp: true }
}

/** The calls that are re-routed with these settings. A name with a dot is that of a method of a member. */
function names(settings) {
  return Object.keys(SOTER_CALLS).concat(
    settings.login ? Object.keys(LOGIN_CALLS) : [],
    settings.payment ? Object.keys(PAYMENT_CALLS) : [],
    settings.cloudFunctions ? Object.keys(CLOUD_CALLS) : []
  )
}

/**
 * Makes a call and delivers its result as wx does: to the callbacks if there are any, else as a promise.
 *
 * `complete` follows `success` or `fail`, even when that throws. No callback is called before this function has returned.
 */
function perform(link, settings, name, options) {
  var given = options || {}
  var hasCallbacks = isFunction(given.success) || isFunction(given.fail) || isFunction(given.complete)
  if (hasCallbacks && !settings.alwaysPromises) {
    ask(link, settings, name, given, function (result) {
      deliver(given, name, result)
    })
    return undefined
  }
  var promise = new Promise(function (resolve, reject) {
    ask(link, settings, name, given, function (result) {
      if (isSuccess(name, result)) resolve(result)
      else reject(result)
      deliver(given, name, result)
    })
  })
  // A caller with callbacks may ignore the promise: its rejection must not count as unhandled.
  if (hasCallbacks) promise.then(undefined, function () {})
  return promise
}

/** Makes a call; `done` gets the result object, which is a failure unless its errMsg says `ok`. */
function ask(link, settings, name, options, done) {
  link.call('wx.' + name, params(settings, name, options), function (failure, result) {
    done(failure === undefined ? understood(settings, name, result) : failed(name, failure))
  })
}

function params(settings, name, options) {
  var call = described(name)
  var passed = {}
  call.takes.forEach(function (option) {
    if (options[option] !== undefined) passed[option] = options[option]
  })
  if (settings.device !== undefined) passed.device = settings.device
  if (call.ofApp && settings.appid !== undefined) passed.appid = settings.appid
  return passed
}

function understood(settings, name, result) {
  var errMsg = result && result.errMsg
  if (typeof errMsg === 'string' && errMsg.indexOf(name + ':') === 0) return result
  return failed(name, failures.notUnderstood(settings.address))
}

function failed(name, failure) {
  var result = { errCode: failures.BRIDGE_FAILED }
  var members = described(name).failed
  Object.keys(members).forEach(function (member) {
    result[member] = members[member]
  })
  result.errMsg = name + ':fail ' + failure
  return result
}

function described(name) {
  return SOTER_CALLS[name] || LOGIN_CALLS[name] || PAYMENT_CALLS[name] || CLOUD_CALLS[name]
}

function deliver(callbacks, name, result) {
  var first = isSuccess(name, result) ? callbacks.success : callbacks.fail
  try {
    if (isFunction(first)) first(result)
  } finally {
    if (isFunction(callbacks.complete)) callbacks.complete(result)
  }
}

function isSuccess(name, result) {
  return result.errMsg === name + ':ok'
}

function isFunction(value) {
  return typeof value === 'function'
}

exports.names = names
exports.perform = perform
exports.ask = ask
