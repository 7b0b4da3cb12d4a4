// As WeChat's page for soter.verifySignature prints it, with its three placeholders:
// https://developers.weixin.qq.com/miniprogram/dev/api-backend/open-api/soter/soter.verifySignature.html
const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async (event, context) => {
  try {
    const result = await cloud.openapi.soter.verifySignature({
      openid: '$openid',
      jsonString: '$resultJSON',
      jsonSignature: '$resultJSONSignature'
    })
    return result
  } catch (err) {
    return err
  }
}
