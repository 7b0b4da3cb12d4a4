// wx.connectSocket for places that have the browser's WebSocket instead: jest, Node, H5.
'use strict'

/** A connectSocket over a class with the interface of the browser's WebSocket, such as that of `ws`. */
function connectSocketOver(WebSocket) {
  return function connectSocket(options) {
    var socket = new WebSocket(options.url)

    function on(event, listener) {
      socket.addEventListener(event, listener)
    }

    return {
      onOpen: function (listener) {
        on('open', listener)
      },
      onMessage: function (listener) {
        on('message', function (event) {
          listener({ data: event.data })
        })
      },
      onError: function (listener) {
        on('error', function (event) {
          listener({ errMsg: event.message || '' })
        })
      },
      onClose: function (listener) {
        on('close', function (event) {
          listener({ code: event.code, reason: event.reason })
        })
      },
      send: function (message) {
        socket.send(message.data)
      },
      close: function (closure) {
        socket.close(closure.code)
      }
    }
  }
}

exports.connectSocketOver = connectSocketOver
