// The permission without which Chromium lets no page of a public address connect to this computer. The page itself sees nothing
// but an error without a text, so what can be known is asked here.
'use strict'

/** Hosts of this computer, where soter-sim listens. Pages from them, and from private addresses, need no permission. */
var LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/i
var PRIVATE = /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))(\.\d+)+$/
/** The permission's names, the newest first: a browser that does not know a name rejects it. */
var NAMES = ['loopback-network', 'local-network-access']
/** Milliseconds until the query must be answered. It does not ask the user. */
var QUERY_TIMEOUT = 1000

/**
 * Asks whether the permission for connections to `address` may be what is missing.
 *
 * `done` gets undefined if it is not, or if nothing is known; else `origin`, the page's; `state`, `prompt` or `denied`;
 * `isSecure`, without which a page never gets the permission; and `isFramed`. Outside of browsers it is called at once.
 */
function missingPermission(address, done) {
  if (!isConcerned(address)) {
    done()
    return
  }
  var timer = setTimeout(answer, QUERY_TIMEOUT)
  query(0).then(
    function (permission) {
      answer(permission.state === 'granted' ? undefined : described(permission.state))
    },
    function () {
      // The browser has no such permission, or does not tell.
      answer()
    }
  )

  function answer(missing) {
    if (timer === null) return
    clearTimeout(timer)
    timer = null
    done(missing)
  }
}

function isConcerned(address) {
  if (typeof location !== 'object' || typeof navigator !== 'object' || !navigator.permissions) return false
  var host = String(location.hostname)
  return (
    /^https?:$/.test(location.protocol) &&
    !LOOPBACK.test(host) &&
    !PRIVATE.test(host) &&
    LOOPBACK.test(address.replace(/^wss?:\/\/|(:\d+)?\/ws$/g, ''))
  )
}

function query(index) {
  return new Promise(function (resolve) {
    resolve(navigator.permissions.query({ name: NAMES[index] }))
  }).then(undefined, function (error) {
    if (index + 1 < NAMES.length) return query(index + 1)
    throw error
  })
}

function described(state) {
  return {
    origin: location.protocol + '//' + location.host,
    state: state,
    isSecure: typeof isSecureContext === 'undefined' || isSecureContext,
    isFramed: typeof window === 'object' && window.top !== window
  }
}

exports.missingPermission = missingPermission
