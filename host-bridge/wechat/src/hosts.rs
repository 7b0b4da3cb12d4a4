//! The names under which programs know WeChat's servers.

/// The hosts of all paths of the real servers but one: the usual one, the one for disasters, and those of Shanghai, Shenzhen
/// and Hong Kong, as WeChat documents them.
pub const API_HOSTS: [&str; 5] = [
    "api.weixin.qq.com",
    "api2.weixin.qq.com",
    "sh.api.weixin.qq.com",
    "sz.api.weixin.qq.com",
    "hk.api.weixin.qq.com",
];

/// The hosts of WeChat's cloud, to which SDKs send [`WeChatPath::CloudCalls`](crate::WeChatPath::CloudCalls). `*.` stands for one
/// name or several. The oldest SDKs send what is not emulated to the first two.
pub const CLOUD_HOSTS: [&str; 5] = [
    "tcb-admin.tencentcloudapi.com",
    "tcb-admin.tencentyun.com",
    "tcb-open.tencentcloudapi.com",
    "tcb-open.tencentyun.com",
    "*.tcb-api.tencentcloudapi.com",
];

/// Whether a name is one of [`API_HOSTS`], in lower case and without a port.
pub fn is_api_host(name: &str) -> bool {
    API_HOSTS.contains(&name)
}

/// Whether a name is one of [`CLOUD_HOSTS`], in lower case and without a port.
pub fn is_cloud_host(name: &str) -> bool {
    CLOUD_HOSTS.iter().any(|host| match host.strip_prefix('*') {
        Some(suffix) => name.strip_suffix(suffix).is_some_and(|prefix| !prefix.is_empty()),
        None => name == *host,
    })
}
