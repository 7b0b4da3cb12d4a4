// A property that is replaced temporarily.
'use strict'

/**
 * Replaces a property by a value, even if it is a getter or not writable, as some of `wx` are.
 *
 * Returns the function that undoes it. Undoing keeps a value that someone else has set since. Throws if the property
 * cannot be replaced; nothing is changed then.
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
      // Such a property may allow only another value.
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
