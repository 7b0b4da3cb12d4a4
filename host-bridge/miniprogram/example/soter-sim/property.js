// A property that is replaced for a while.
'use strict'

/**
 * Puts a value in a property's place, also where it is a getter or not writable, as some of `wx` are.
 *
 * Returns what undoes it. Undoing leaves alone what somebody else put there since. Throws if the property cannot be
 * replaced; then nothing has changed.
 */
function replace(target, name, value) {
  var own = Object.getOwnPropertyDescriptor(target, name)
  var before = target[name]
  if (!put(target, name, own, value)) {
    throw new Error(
      name + ' cannot be replaced on this object. ' +
      'Install on one of your own instead: var soter = Object.create(wx); installSoterSim(soter, {url})'
    )
  }
  return function undo() {
    if (target[name] !== value) return
    if (!own) delete target[name]
    else if (own.configurable) Object.defineProperty(target, name, own)
    else target[name] = before
  }
}

function put(target, name, own, value) {
  try {
    if (own && !own.configurable) {
      // All that such a property may allow is another value.
      target[name] = value
    } else {
      // Configurable, so that tools which mock the same method later can.
      Object.defineProperty(target, name, {
        configurable: true,
        enumerable: own ? own.enumerable : true,
        writable: true,
        value: value
      })
    }
  } catch (error) {
    return false
  }
  return target[name] === value
}

exports.replace = replace
