Component({
  properties: { challenge: String },
  data: { message: 'pay' },
  methods: {
    pay() {
      wx.startSoterAuthentication({
        requestAuthModes: ['fingerPrint'],
        challenge: this.data.challenge,
        success: ({ resultJSON }) => this.setData({ message: `signed ${JSON.parse(resultJSON).raw}` }),
        fail: ({ errMsg }) => this.setData({ message: errMsg }),
        complete: () => this.triggerEvent('done'),
      })
    },
  },
})
