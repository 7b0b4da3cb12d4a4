// The page's words in English and Chinese. `{name}` stands for a value.

const EN = {
  'skip': 'Skip to the journal',
  'emulated': 'emulated',
  'device': 'Phone',
  'language': 'Language',
  'theme': 'Colours',
  'theme.auto': 'Auto',
  'theme.light': 'Light',
  'theme.dark': 'Dark',
  'phone': 'Phone',
  'panel': 'Journal and settings',
  'tab.journal': 'Journal',
  'tab.settings': 'Troubles',
  'tab.keys': 'Fingers and keys',
  'tab.desk': 'Phones',
  'online': 'Connected',
  'offline': 'Offline: no answer from {host}. Connecting again by itself; start it with `soter-sim serve`.',
  'offline.notSent': 'Not sent: the page is offline.',
  'waits.elsewhere': 'A dialog waits on {device}.',
  'waits.go': 'Show {device}',
  'waits.more': 'Dialogs wait on {count} more phones.',

  'idle.title': 'No dialog is open',
  'idle.text': 'A dialog opens here when a mini program calls wx.startSoterAuthentication.',
  'idle.try': 'Try it: pay ¥42',
  'idle.content': 'Confirm the payment of ¥42',
  'dialog.title': 'Authentication',
  'dialog.signs': 'Signs',
  'dialog.fingerPrint': 'Touch the fingerprint sensor',
  'dialog.facial': 'Look at the camera',
  'dialog.either': 'Touch the sensor or look at the camera',
  'dialog.rejected': 'Not recognised. Attempts left: {left}',
  'dialog.ignored': 'This dialog does not listen to that sensor',
  'dialog.cancel': 'Cancel',
  'dialog.opened': 'An authentication dialog is open: {content}',

  'sensor': 'Sensor',
  'sensor.finger': 'Finger {number}',
  'sensor.face': 'Face {number}',
  'sensor.wrong': 'Wrong finger',
  'sensor.hint': 'Keys: a number presents that finger or face, X a wrong one, Esc cancels.',
  'sensor.auto': 'The sensor touches by itself.',
  'sensor.script': 'The sensor plays a script: {script}',
  'sensor.none': 'Nothing is enrolled.',

  'locked.timed': 'Too many attempts. Locked for {seconds} s',
  'locked.permanent': 'Locked until the PIN is entered',
  'locked.failures': 'Failed attempts: {count}',
  'locked.over': 'Unlocked',
  'unlock': 'Enter the PIN',

  'last.signed': 'Signed',
  'last.signedText': 'Counter {counter}, salt {salt} bytes',
  'last.failed': 'errCode {code}',
  'last.judgedGood': 'The backend was told is_ok: true',
  'last.judgedBad': 'The backend was told is_ok: false ({reason})',

  'settings.sensor': 'Who touches',
  'sensor.mode.ask': 'A person',
  'sensor.mode.auto': 'The right finger, at once',
  'sensor.mode.script': 'A script',
  'settings.script': 'Script',
  'settings.scriptHint': 'For example wrong,wrong,1 or cancel',
  'settings.support': 'Supports SOTER',
  'settings.supportHint': 'Off: 90001',
  'settings.permission': 'Permission granted',
  'settings.permissionHint': 'Off: 90002',
  'settings.modes': 'Supported modes',
  'mode.fingerPrint': 'Fingerprint',
  'mode.facial': 'Face',
  'mode.speech': 'Speech',
  'settings.modesDefault': 'As the profile has it',
  'settings.reportNotEnrolled': 'Says that nothing is enrolled',
  'settings.reportNotEnrolledHint': '90011 although something is',
  'settings.reportFaceAsFinger': 'Reports a face as a finger',
  'settings.reportFaceAsFingerHint': 'authMode is fingerPrint all the same',
  'settings.internalError': 'Internal error',
  'settings.internalErrorHint': 'Every authentication fails with 90007 and this text',
  'settings.failNext': 'Fail once with',
  'settings.failNextHint': 'The next authentication alone',
  'settings.none': 'None',
  'settings.latency': 'Latency (ms)',
  'settings.latencyHint': 'Between the match and the answer; a phone takes about 500',
  'settings.user': 'WeChat user',
  'settings.userHint': 'Empty: the first one of WeChat’s servers',
  'settings.save': 'Set',
  'settings.events': 'Happens now',
  'settings.upgrade': 'System upgrade',
  'settings.upgradeHint': 'The phone gets another cpu_id',
  'settings.reset': 'Factory reset',
  'settings.resetHint': 'Apps, keys and fingers go; cpu_id and counter stay',
  'sure': 'Really: {what}',
  'failure': 'The servers accept nothing:',

  'keys.enrolled': 'Enrolled',
  'keys.enrollFinger': 'Enrol a finger',
  'keys.enrollFace': 'Enrol a face',
  'keys.enrollHint': 'Enrolling makes every AuthKey invalid, as on Android 6 and later.',
  'keys.remove': 'Remove {what}',
  'keys.identity': 'Identity',
  'keys.counter': 'Counter',
  'keys.clock': 'Clock',
  'keys.user': 'User',
  'keys.keys': 'Keys',
  'keys.kind': 'Kind',
  'keys.owner': 'uid and name',
  'keys.fingerprint': 'SHA-256',
  'keys.copy': 'Copy the public key',
  'keys.invalid': 'invalid since an enrolment',
  'keys.noKeys': 'No keys yet: the first authentication makes them.',

  'desk.phones': 'Phones on the desk',
  'desk.filter': 'Filter phones',
  'desk.selected': 'selected',
  'desk.seeded': 'seeded',
  'desk.select': 'Select {device}',
  'desk.remove': 'Remove {device}',
  'desk.more': '{count} more: filter by name or profile.',
  'desk.manyMore': 'There are more phones: find one by the beginning of its name.',
  'desk.create': 'Another phone',
  'desk.name': 'Name',
  'desk.profile': 'Profile',
  'desk.seed': 'Seed',
  'desk.seedHint': 'Empty: random. With a seed, keys and counters are the same each time.',
  'desk.add': 'Put it on the desk',
  'desk.anew': 'Begin anew',
  'desk.anewHint': 'New phones; WeChat’s servers forget keys, counters and sessions',

  'journal.search': 'Search',
  'journal.searchHint': 'Method, reason, openid, challenge…',
  'journal.filter': 'Show',
  'journal.all': 'All calls',
  'journal.wechat': 'WeChat’s servers',
  'journal.rpc': 'RPC',
  'journal.refused': 'Refused',
  'journal.export': 'Export JSON',
  'journal.count': '{shown} of {loaded} calls',
  'journal.older': 'Load older calls',
  'journal.empty': 'No calls yet. A mini program or a backend that calls appears here at once.',
  'journal.noMatch': 'No call matches.',
  'journal.gap': '{count} calls came too fast to be shown; they are in the export while the server keeps them',
  'journal.list': 'Calls, the newest first',
  'journal.keys': 'Arrow keys choose a call, Enter goes to it.',
  'journal.pick': 'Choose a call to lay it open.',
  'journal.took': '{ms} ms',
  'entry.request': 'Request',
  'entry.answer': 'Answer',
  'entry.verdict': 'Verdict',
  'entry.refusal': 'Refusal',
  'entry.curl': 'Copy as curl',
  'entry.json': 'Copy as JSON',
  'entry.cut': 'The journal keeps no more of this call, so the command is not quite the same.',
  'entry.close': 'Back to the list',
  'entry.laidOpen': 'laid open',
  'entry.base64': '{bytes} bytes in Base64',
  'copied': 'Copied.',
  'notCopied': 'The browser did not let the page copy.',
  'exported': 'Exported {count} calls.',
};

const ZH = {
  'skip': '跳到调用日志',
  'emulated': '模拟',
  'device': '手机',
  'language': '语言',
  'theme': '配色',
  'theme.auto': '跟随系统',
  'theme.light': '浅色',
  'theme.dark': '深色',
  'phone': '手机',
  'panel': '日志与设置',
  'tab.journal': '调用日志',
  'tab.settings': '故障开关',
  'tab.keys': '指纹与密钥',
  'tab.desk': '手机列表',
  'online': '已连接',
  'offline': '离线：{host} 没有响应。正在自动重连；请用 `soter-sim serve` 启动。',
  'offline.notSent': '未发送：页面处于离线状态。',
  'waits.elsewhere': '{device} 上有对话框在等待。',
  'waits.go': '查看 {device}',
  'waits.more': '另有 {count} 部手机上有对话框在等待。',

  'idle.title': '没有打开的对话框',
  'idle.text': '小程序调用 wx.startSoterAuthentication 时，对话框会出现在这里。',
  'idle.try': '试一试：支付 ¥42',
  'idle.content': '请确认支付 ¥42',
  'dialog.title': '身份验证',
  'dialog.signs': '待签名',
  'dialog.fingerPrint': '请触摸指纹传感器',
  'dialog.facial': '请注视摄像头',
  'dialog.either': '请触摸传感器或注视摄像头',
  'dialog.rejected': '未能识别，还可尝试 {left} 次',
  'dialog.ignored': '此对话框不使用该传感器',
  'dialog.cancel': '取消',
  'dialog.opened': '身份验证对话框已打开：{content}',

  'sensor': '传感器',
  'sensor.finger': '手指 {number}',
  'sensor.face': '人脸 {number}',
  'sensor.wrong': '错误的手指',
  'sensor.hint': '按键：数字表示对应的手指或人脸，X 表示错误的手指，Esc 取消。',
  'sensor.auto': '传感器会自动触摸。',
  'sensor.script': '传感器按脚本触摸：{script}',
  'sensor.none': '尚未录入任何指纹或人脸。',

  'locked.timed': '尝试次数过多，锁定 {seconds} 秒',
  'locked.permanent': '已锁定，需输入锁屏密码',
  'locked.failures': '失败次数：{count}',
  'locked.over': '已解锁',
  'unlock': '输入锁屏密码',

  'last.signed': '已签名',
  'last.signedText': 'counter {counter}，salt {salt} 字节',
  'last.failed': 'errCode {code}',
  'last.judgedGood': '后端得到 is_ok: true',
  'last.judgedBad': '后端得到 is_ok: false（{reason}）',

  'settings.sensor': '由谁触摸',
  'sensor.mode.ask': '人',
  'sensor.mode.auto': '立即用正确的手指',
  'sensor.mode.script': '脚本',
  'settings.script': '脚本',
  'settings.scriptHint': '例如 wrong,wrong,1 或 cancel',
  'settings.support': '支持 SOTER',
  'settings.supportHint': '关闭：90001',
  'settings.permission': '已授权',
  'settings.permissionHint': '关闭：90002',
  'settings.modes': '支持的认证方式',
  'mode.fingerPrint': '指纹',
  'mode.facial': '人脸',
  'mode.speech': '声纹',
  'settings.modesDefault': '与机型一致',
  'settings.reportNotEnrolled': '报告未录入',
  'settings.reportNotEnrolledHint': '已录入也返回 90011',
  'settings.reportFaceAsFinger': '把人脸报告为指纹',
  'settings.reportFaceAsFingerHint': 'authMode 仍为 fingerPrint',
  'settings.internalError': '内部错误',
  'settings.internalErrorHint': '每次认证都以 90007 和此文本失败',
  'settings.failNext': '失败一次',
  'settings.failNextHint': '仅下一次认证',
  'settings.none': '无',
  'settings.latency': '延迟（毫秒）',
  'settings.latencyHint': '从匹配到返回的时间；真机约 500',
  'settings.user': '微信用户',
  'settings.userHint': '留空：微信服务器上的第一个用户',
  'settings.save': '设置',
  'settings.events': '立即发生',
  'settings.upgrade': '系统升级',
  'settings.upgradeHint': '手机得到新的 cpu_id',
  'settings.reset': '恢复出厂设置',
  'settings.resetHint': '应用、密钥和指纹消失；cpu_id 和 counter 保留',
  'sure': '确定：{what}',
  'failure': '服务器目前什么都不接受：',

  'keys.enrolled': '已录入',
  'keys.enrollFinger': '录入指纹',
  'keys.enrollFace': '录入人脸',
  'keys.enrollHint': '录入会使所有 AuthKey 失效，与 Android 6 及以上一致。',
  'keys.remove': '删除{what}',
  'keys.identity': '标识',
  'keys.counter': 'counter',
  'keys.clock': '时钟',
  'keys.user': '用户',
  'keys.keys': '密钥',
  'keys.kind': '类型',
  'keys.owner': 'uid 与名称',
  'keys.fingerprint': 'SHA-256',
  'keys.copy': '复制公钥',
  'keys.invalid': '录入后已失效',
  'keys.noKeys': '还没有密钥：第一次认证时生成。',

  'desk.phones': '桌上的手机',
  'desk.filter': '筛选手机',
  'desk.selected': '当前',
  'desk.seeded': '有种子',
  'desk.select': '选择 {device}',
  'desk.remove': '移除 {device}',
  'desk.more': '还有 {count} 部：请按名称或机型筛选。',
  'desk.manyMore': '还有更多手机：请输入名称的开头查找。',
  'desk.create': '添加手机',
  'desk.name': '名称',
  'desk.profile': '机型',
  'desk.seed': '种子',
  'desk.seedHint': '留空：随机。有种子时，密钥和 counter 每次相同。',
  'desk.add': '放到桌上',
  'desk.anew': '重新开始',
  'desk.anewHint': '全新的手机；微信服务器忘记密钥、counter 和会话',

  'journal.search': '搜索',
  'journal.searchHint': '方法、原因、openid、challenge…',
  'journal.filter': '显示',
  'journal.all': '全部调用',
  'journal.wechat': '微信服务器',
  'journal.rpc': 'RPC',
  'journal.refused': '被拒绝',
  'journal.export': '导出 JSON',
  'journal.count': '{shown} / {loaded} 次调用',
  'journal.older': '加载更早的调用',
  'journal.empty': '还没有调用。小程序或后端一有调用就会出现在这里。',
  'journal.noMatch': '没有匹配的调用。',
  'journal.gap': '{count} 次调用来得太快未能显示；服务器仍保留时可在导出中找到',
  'journal.list': '调用，最新的在前',
  'journal.keys': '方向键选择调用，回车键查看详情。',
  'journal.pick': '选择一次调用查看详情。',
  'journal.took': '{ms} 毫秒',
  'entry.request': '请求',
  'entry.answer': '响应',
  'entry.verdict': '结论',
  'entry.refusal': '拒绝',
  'entry.curl': '复制为 curl',
  'entry.json': '复制为 JSON',
  'entry.cut': '日志没有保留这次调用的全部内容，命令与原请求不完全相同。',
  'entry.close': '返回列表',
  'entry.laidOpen': '已展开',
  'entry.base64': 'Base64，{bytes} 字节',
  'copied': '已复制。',
  'notCopied': '浏览器不允许页面复制。',
  'exported': '已导出 {count} 次调用。',
};

const LANGUAGES = { en: EN, zh: ZH };
const KEPT = 'soter-sim.language';

/** The language that was chosen here before, or else the browser's. */
function first() {
  const chosen = remembered(KEPT);
  if (chosen in LANGUAGES) return chosen;
  return navigator.languages.find((name) => /^(zh|en)\b/.test(name))?.startsWith('zh') ? 'zh' : 'en';
}

let language = first();

/** The text of this name, with these values in it. */
export function text(name, values = {}) {
  return LANGUAGES[language][name].replace(/\{(\w+)\}/g, (_, value) => String(values[value]));
}

/** The language that is spoken: `en` or `zh`. */
export function spoken() {
  return language;
}

/** A moment in milliseconds since 1970 as this language writes it: the time of day alone, or all of it. */
export function moment(at, isWhole = false) {
  const locale = language === 'zh' ? 'zh-CN' : 'en-GB';
  return isWhole ? new Date(at).toLocaleString(locale) : new Date(at).toLocaleTimeString(locale);
}

/** Speaks another language from now on, here and when the page is loaded again. */
export function speak(name) {
  language = name;
  remember(KEPT, name);
  translate();
}

/** Puts the words into everything that the document itself says. */
export function translate() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', text(element.dataset.label));
  }
}

/** What was kept under a name; `null` where a browser keeps nothing. */
export function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a value for the next visit, if the browser does. */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Private windows may refuse; the choice holds until the page is closed.
  }
}
