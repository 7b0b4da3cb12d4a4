const { post } = require('../../backend')

Page({
  data: { authMode: '', members: [], signature: '', answer: '', isPaid: false, replay: '' },

  onLoad() {
    const { authMode, request, answer } = getApp().payment
    const members = JSON.parse(request.resultJSON)
    this.setData({
      authMode,
      members: Object.keys(members).map((name) => ({ name, value: String(members[name]) })),
      signature: request.resultJSONSignature,
      answer: said(answer),
      isPaid: !answer.refused,
    })
  },

  /** Sends the same result again, as an attacker would. */
  async replay() {
    try {
      this.setData({ replay: said(await post('/pay', getApp().payment.request)) })
    } catch (error) {
      this.setData({ replay: error.errMsg || error.message })
    }
  },

  again() {
    wx.navigateBack()
  },
})

function said({ refused, paid }) {
  return refused ? `拒绝 Refused: ${refused}` : `已支付 Paid: ${paid}`
}
