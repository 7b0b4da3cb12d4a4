//! The names under which clients know WeChat's servers.

/// The hosts of WeChat's paths. Documented: the usual one, the one for disasters, and those of Shanghai, Shenzhen and
/// Hong Kong.
pub const API_HOSTS: [&str; 5] = [
    "api.weixin.qq.com",
    "api2.weixin.qq.com",
    "sh.api.weixin.qq.com",
    "sz.api.weixin.qq.com",
    "hk.api.weixin.qq.com",
];

/// Whether this name, without a port, is one of WeChat's hosts. Upper case is as good as lower case.
pub(crate) fn is_api_host(name: &str) -> bool {
    API_HOSTS.iter().any(|host| host.eq_ignore_ascii_case(name))
}
