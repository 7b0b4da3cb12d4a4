// The mini program's own server. 小程序自己的后端。
const { backend } = require('./config')

let session = null

/** Posts to the server, as the user who is logged in. A refusal is also an answer: `{refused}`. */
async function post(path, data) {
  if (!session) {
    const { code } = await wx.login()
    const answer = await send('/login', { code })
    if (answer.refused) return answer
    session = answer.session
  }
  const answer = await send(path, { session, ...data })
  // The server has forgotten the session: it was restarted, or the user logged in elsewhere.
  if (answer.statusCode === 401) session = null
  return answer
}

function send(path, data) {
  return new Promise((resolve, reject) => {
    wx.request({
      url: backend + path,
      method: 'POST',
      data,
      success: ({ data, statusCode }) => resolve({ ...data, statusCode }),
      fail: reject,
    })
  })
}

module.exports = { post }
