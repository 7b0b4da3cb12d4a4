// What miniprogram-automator's mock of a wx method runs inside the mini program; see automator.js of this package.
'use strict'

var calls = require('./calls')
var connection = require('./connection')
var settings = require('./settings')

/** One call on a connection of its own. The promise resolves to the result, also to a failure: `errMsg` distinguishes them. */
function answer(wx, name, options, wishes) {
  var read = settings.read(wx, wishes)
  return new Promise(function (resolve) {
    calls.ask(connection.create(read), read, name, options || {}, resolve)
  })
}

exports.answer = answer
