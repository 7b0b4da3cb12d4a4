const { soterSim } = require('./config')
const { installSoterSim } = require('./soter-sim/index')

App({
  /** The result of the last payment, for the page that shows it. */
  payment: null,

  onLaunch() {
    // In DevTools only: a phone has SOTER itself. 仅在开发者工具中替换，真机自带 SOTER。
    if (wx.getSystemInfoSync().platform === 'devtools') {
      installSoterSim(wx, { url: soterSim, login: true })
    }
  },
})
