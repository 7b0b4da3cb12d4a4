// SOTER in tests with miniprogram-automator.
//
// The automator runs in Node, the mini program in DevTools. mockWxMethod sends a function there as text, calls it in the
// mini program's own context as f(options, ...args), and takes the value of its promise as the call's result: `errMsg`
// decides between success and fail. So the function must contain all it needs in its own text: here, the client's modules.
// It makes the connection from inside the mini program; a result that was fixed beforehand could not sign a challenge that
// is not known yet, and functions that the automator exposes to the mini program return nothing to it.
'use strict'

const { readFileSync } = require('node:fs')
const { join } = require('node:path')

const calls = require('./example/soter-sim/calls')
const settings = require('./example/soter-sim/settings')

const FOLDER = join(__dirname, 'example', 'soter-sim')
const MODULES = ['automation', 'browser', 'calls', 'connection', 'failures', 'settings']

async function mockSoter(miniProgram, options = {}) {
  // Errors are thrown here, in the test, and not in the mini program's console.
  const read = settings.read({ connectSocket() {} }, options)
  if (options.connectSocket) throw new TypeError('connectSocket cannot be sent into the mini program')
  const names = calls.names(read)
  const mock = mockFunction()
  for (const name of names) await miniProgram.mockWxMethod(name, mock, name, options)
  return {
    async restore() {
      for (const name of names) await miniProgram.restoreWxMethod(name)
    },
  }
}

/** The text of a function that loads the client and makes one call. */
function mockFunction() {
  const modules = MODULES.map((name) => {
    const source = readFileSync(join(FOLDER, `${name}.js`), 'utf8')
    return `${JSON.stringify(`./${name}`)}: function (exports, require) {${source}\n}`
  })
  return `function (options, name, settings) {
    var sources = {${modules.join(',\n')}}
    var loaded = {}
    function load(name) {
      if (!loaded[name]) sources[name](loaded[name] = {}, load)
      return loaded[name]
    }
    return load('./automation').answer(wx, name, options, settings)
  }`
}

module.exports = { mockSoter }
