const { post } = require('../../backend')

Page({
  data: { order: null, yuan: '', busy: false, message: '' },

  onShow() {
    return this.attempt(this.newOrder)
  },

  pay() {
    return this.attempt(this.payOrder)
  },

  async newOrder() {
    const { refused, order, cents, challenge } = await post('/order')
    if (refused) throw new Error(refused)
    this.setData({ order: { order, challenge }, yuan: (cents / 100).toFixed(2) })
  },

  async payOrder() {
    if (!this.data.order) return this.newOrder()
    const { order, challenge } = this.data.order
    const { supportMode } = await wx.checkIsSupportSoterAuthentication()
    if (supportMode.length === 0) throw new Error('这台手机不支持生物认证 No biometrics here')
    const { authMode, resultJSON, resultJSONSignature } = await wx.startSoterAuthentication({
      requestAuthModes: supportMode,
      challenge,
      authContent: `支付 ${this.data.yuan} 元`,
    })
    // Forward the text unchanged: parsing and writing it again breaks the signature. 原样转发，不要重新序列化。
    const request = { order, resultJSON, resultJSONSignature }
    getApp().payment = { authMode, request, answer: await post('/pay', request) }
    wx.navigateTo({ url: '/pages/result/result' })
  },

  /** Runs a step, and shows an error of the phone, the server or the network. */
  async attempt(step) {
    if (this.data.busy) return
    this.setData({ busy: true, message: '' })
    try {
      await step.call(this)
    } catch (error) {
      this.setData({ message: error.errMsg || error.message })
    }
    this.setData({ busy: false })
  },
})
