// What reasons and codes mean, in Chinese. In English the server says it itself, beside each call.

import { spoken } from './texts.js';

const ZH = {
  'profile.trustonic': '联发科，Trustonic TEE，FPC 指纹传感器',
  'profile.itrustee': '华为、荣耀，iTrustee TEE',
  'profile.qsee': '高通，QSEE TEE（结果格式为推定）',
  'profile.ios': 'iPhone，面容 ID',
  'profile.ios-touch-id': '较旧的 iPhone，触控 ID',

  'bad-key': '无法读取密钥。',
  'bad-signature-encoding': '签名既不是 256 字节的原始数据，也不是 Base64。请原样发送 resultJSONSignature。',
  'base64-plus-lost': 'Base64 中的“+”变成了空格。放在表单或地址里时请编码为 %2B，或改用 JSON 请求体。',
  'base64-unpadded': 'Base64 末尾缺少“=”。请原样发送 resultJSONSignature。',
  'base64-url-safe': 'Base64 使用了“-”和“_”。请使用标准字母表（“+”和“/”）。',
  'base64-wrapped': 'Base64 中有换行或空格。请写成一行。',
  'broken-chain': '证书链不成立。',
  'callback-object': '在 resultJSON 的位置发来了整个回调对象。请发送其中的 resultJSON 字符串，以及 resultJSONSignature。',
  'counter-as-string': 'counter 是字符串，而真机写的是数字。请原样发送 resultJSON，途中有解析器、表单或数据库把数字转成了文本。',
  'counter-replayed': '带有同一 counter 的结果已被接受过：重放。请用新的 challenge 重新认证，并检查请求是否发送了两次。',
  'counter-rolled-back': 'counter 小于此设备用过的值：旧结果晚到（例如同一部手机的两个请求先后颠倒），或手机被回滚、克隆。请拒绝并重新认证。',
  'duplicate-key': '同一 JSON 对象中有重复的键，各解析器的取值不同。真机不会这样写，应视为伪造。',
  'html-escaped': '原文或签名经过了 HTML 转义：引号变成了 &quot;。请原样发送，不要经过网页、模板或转义所有输入的过滤器。',
  'json-not-a-string': 'json_string 不是字符串：resultJSON 在发送前被解析了。请把小程序得到的原文作为一个字符串发送。',
  'ledger-unavailable': '服务器无法保存自己的判定，因此什么都不接受。原因见详情、日志或 /health；已有的记录不会丢失，修复后请重发请求。',
  'line-ends-changed': '签名原文的换行丢失、增加或变成了 CR LF。请逐字节保留原文：不要用文本模式，不要去除空白，不要逐行复制。',
  'malformed-json': 'json_string 不是合法的 JSON。请原样发送 resultJSON，检查是否被截断、转义或转换了字符集。',
  'missing-field': '缺少每个结果都有的字段。请发送 resultJSON 本身，不要只取一部分，也不要再包一层。',
  'no-answer': '后端没有得到回答，因为用户让服务器变慢或不回答。请检查后端此时的行为：它不应接受任何请求。',
  'no-auth-key': '设备已知，但此 uid 没有上传过 AuthKey。',
  'other-apps-result': '签名的密钥属于另一个小程序。请使用用户认证时所在小程序的 access_token。',
  'other-users-result': '签名的密钥属于另一个用户。请使用同一次登录由 jscode2session 得到的 openid，不要相信客户端给出的值。',
  'pkcs1-instead-of-pss': '签名使用了 PKCS#1 v1.5 填充，而 SOTER 使用 PSS。它不是由手机的 TEE 生成的。',
  'reserialised': '原文在签名之后被改动过，并且找到了改动的方式。请把 resultJSON 当作字符串原样传递，不要解析后重新序列化，注意换行和转义。',
  'retired-key': '签名的密钥已被更新的密钥取代（例如录入了新的指纹）。请重新认证。',
  'salt-out-of-range': 'salt 长度超过 222，任何签名都不可能如此。',
  'signature-length': '签名长度不是 256 字节。请完整、原样地发送 resultJSONSignature。',
  'too-long': '原文比任何结果都长。请只发送 resultJSON。',
  'too-many': '设备或密钥的数量超过了保存上限。请用 POST /sim/reset 重新开始，或换一个状态文件夹。',
  'unknown-device': '没有设备以此 cpu_id 上传过密钥。系统升级也可能改变 cpu_id。',
  'url-encoded': '原文或签名经过了 URL 编码：引号变成了 %22。请在读取请求时解码一次，或放在 JSON 请求体里发送。',
  'valid': '一切正常。请继续检查 challenge；如果在意重放，还要检查 counter。',
  'valid-replay': '签名成立，但 counter 不是新的；已按设置接受重放。请由自己的服务器拒绝。',
  'wrong-key': '签名由另一把已知的密钥生成。请检查 cpu_id 和 uid，以及是否混淆了两个用户的结果。',
  'wrong-salt-length': '签名或结果声明的 salt 长度与密钥不符。salt 长度在上传密钥时确定（20，华为为 32），不能由消息决定。',
  'wrong-signature': '原文不同、密钥不同或签名是伪造的，三者无法区分。请逐字节比对小程序得到的内容和服务器收到的内容。',
  'wrong-type': '某个字段的类型或数字的写法与真机不同。请原样发送 resultJSON，有些解析器会把整数变成浮点数。',

  10011: 'iOS 上存在此错误码，含义没有文档。',
  90001: '设备不支持 SOTER。',
  90002: '用户没有授权微信使用生物认证。',
  90003: '请求的认证方式都不受支持，或没有给出。',
  90004: 'challenge 缺失或过长。',
  90005: 'authContent 过长。',
  90006: '此错误码存在，含义没有文档。',
  90007: '内部错误。',
  90008: '用户取消。',
  90009: '未能识别。',
  90010: '尝试次数过多，已锁定。',
  90011: '没有录入指纹或人脸。',
};

/** What a reason's name or a code means, where the server's own words are in another language than the page's. */
export function meaning(name) {
  return spoken() === 'zh' ? ZH[name] : undefined;
}
