// The families of phones in Chinese. In English the server describes them itself.

/** By the names of profiles. */
export const CHINESE_PROFILES = {
  'trustonic': '联发科，Trustonic TEE，FPC 指纹传感器',
  'itrustee': '华为、荣耀，iTrustee TEE',
  'qsee': '高通，QSEE TEE（结果格式为推定）',
  'ios': 'iPhone，面容 ID',
  'ios-touch-id': '较旧的 iPhone，触控 ID',
};
