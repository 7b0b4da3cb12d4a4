// One WebSocket to the bridge for all calls: opened by the first, closed after the last.
//
// Nothing is kept open in between: a mini program may have five sockets, and they are its own. A mini program that ends
// loses its socket, and the bridge then cancels the dialogs of its calls.
'use strict'

var browser = require('./browser')
var failures = require('./failures')

/** The WebSocket code of a normal closure. */
var NORMAL_CLOSURE = 1000
/** Milliseconds between two heartbeats to the bridge, while a call is pending. */
var HEARTBEAT = 10000
/** The heartbeat: a call that the connection itself answers, and that changes nothing. */
var ALIVE = JSON.stringify({ jsonrpc: '2.0', id: 'alive', method: 'events.unsubscribe' })

/** A connection that is not open yet. `settings` are those of settings.js. */
function create(settings) {
  var lastId = 0
  var pending = Object.create(null)
  var socket = null
  var heartbeat = null
  var unanswered = 0

  /** Calls a method. `done` gets the text of a failure, or undefined and the result; never before `call` has returned. */
  function call(method, params, done) {
    lastId += 1
    var text
    try {
      text = JSON.stringify({ jsonrpc: '2.0', id: lastId, method: method, params: params })
    } catch (error) {
      // A BigInt, or an object that contains itself.
      setTimeout(done, 0, failures.notJson(said(error).split('\n')[0]))
      return
    }
    pending[lastId] = done
    if (!socket) socket = open(settings, { onOpen: watch, onText: answered, onEnd: end })
    socket.send(text)
  }

  /** A sleeping computer or a lost network sends no close frame. A dialog may wait long, but the bridge must answer. */
  function watch() {
    unanswered = 0
    heartbeat = setInterval(function () {
      // An answer may be in transit if the mini program slept.
      if (unanswered >= 2) return end(failures.lost(settings.address, 'no sign of life'))
      unanswered += 1
      return socket.send(ALIVE)
    }, HEARTBEAT)
  }

  function answered(text) {
    unanswered = 0
    var answer = parsed(text)
    if (!answer) return end(failures.notUnderstood(settings.address))
    if (answer.error && answer.id === null) return end(failures.refused(answer.error))
    var done = pending[answer.id]
    // An event, or an answer to a call that has ended.
    if (!done) return undefined
    delete pending[answer.id]
    // Before the callback, which may make the next call or throw.
    if (Object.keys(pending).length === 0) close()
    return answer.error ? done(failures.refused(answer.error)) : done(undefined, answer.result)
  }

  function close() {
    var closed = socket
    socket = null
    clearInterval(heartbeat)
    if (closed) closed.close()
  }

  /** Ends every pending call with this failure. */
  function end(failure) {
    var ended = pending
    pending = Object.create(null)
    close()
    each(Object.keys(ended), function (id) {
      ended[id](failure)
    })
  }

  return { call: call, end: end }
}

/**
 * Opens a socket. Texts that are sent before it is open wait. `onEnd` gets the failure that ended it, once, and never
 * before this function has returned. A `close` from this side does not call it, but a failure before that does.
 */
function open(settings, listener) {
  var address = settings.address
  var waiting = []
  var task = null
  var isOpen = false
  var isOver = false
  var timer = setTimeout(function () {
    if (task) failUnopened(failures.tooSlow, settings.connectTimeout)
    else fail(failures.noTask(address, settings.connectTimeout))
  }, settings.connectTimeout)

  function fail(failure) {
    if (isOver) return
    part()
    listener.onEnd(failure)
  }

  /** Ends a socket that was never open. In a browser, the reason may be a permission, which takes a moment to find out. */
  function failUnopened(describe, detail) {
    if (isOver) return
    part()
    browser.missingPermission(address, function (missing) {
      listener.onEnd(describe(address, detail, missing))
    })
  }

  /** For a failure that may happen before `open` has returned. */
  function endSoon(error) {
    setTimeout(function () {
      ended(said(error))
    }, 0)
  }

  function part() {
    isOver = true
    clearTimeout(timer)
    if (!task) return
    try {
      task.close({ code: NORMAL_CLOSURE })
    } catch (error) {
      // It is closed already, or was never open: nothing is left to do.
    }
  }

  function ended(reason) {
    var shown = withoutToken(settings, reason)
    if (isOpen) fail(failures.lost(address, shown))
    else failUnopened(failures.unreachable, shown)
  }

  function opened() {
    if (isOver || isOpen) return
    isOpen = true
    clearTimeout(timer)
    listener.onOpen()
    waiting.forEach(send)
    waiting = []
  }

  function send(text) {
    if (isOver) return
    try {
      task.send({ data: text, fail: endSoon })
    } catch (error) {
      endSoon(error)
    }
  }

  function attach(made) {
    // Without a task, `fail` is called with the reason.
    if (!made || typeof made.onMessage !== 'function') return
    task = made
    // Closed while it was made.
    if (isOver) {
      part()
      return
    }
    task.onOpen(opened)
    task.onMessage(function (message) {
      if (!isOver) listener.onText(message.data)
    })
    // If there is an error, it comes before the closure and says more.
    task.onError(function (error) {
      ended(said(error))
    })
    task.onClose(function (closure) {
      ended(closure ? [closure.code, closure.reason].filter(Boolean).join(' ') : '')
    })
    // A task from a promise may have opened before the listeners were added.
    if (task.readyState === 1) opened()
  }

  try {
    var made = settings.connectSocket({ url: addressWithToken(settings), fail: endSoon })
    if (made && typeof made.then === 'function') made.then(attach, endSoon)
    else attach(made)
  } catch (error) {
    endSoon(error)
  }

  return {
    send: function (text) {
      if (isOpen) send(text)
      else waiting.push(text)
    },
    close: part
  }
}

/** Puts the token into the address, because the browser's WebSocket sends no headers. */
function addressWithToken(settings) {
  return settings.address + (settings.token === undefined ? '' : '?token=' + encodeURIComponent(settings.token))
}

/** Removes the token: some platforms quote the address in their errors. */
function withoutToken(settings, reason) {
  return settings.token ? reason.split(encodeURIComponent(settings.token)).join('…') : reason
}

function parsed(text) {
  if (typeof text !== 'string') return null
  try {
    var answer = JSON.parse(text)
  } catch (error) {
    return null
  }
  return answer && typeof answer === 'object' && answer.jsonrpc === '2.0' ? answer : null
}

function said(error) {
  return String((error && (error.errMsg || error.message)) || '')
}

/** Like forEach, but continues with the other items after one throws. */
function each(list, act) {
  var next = 0
  function goOn() {
    try {
      while (next < list.length) act(list[next++])
    } finally {
      if (next < list.length) goOn()
    }
  }
  goOn()
}

exports.create = create
