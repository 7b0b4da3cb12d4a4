//! The variables in which programs find a proxy, and the hosts that they ask without one.

use std::env;
use std::ffi::OsString;

use soter_wechat::CLOUD_HOSTS;

/// The variables that name a proxy.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy", "https_proxy"];

/// Whether programs use a proxy.
pub(super) fn are_set() -> bool {
    PROXIES.iter().any(|name| env::var_os(name).is_some())
}

/// The variables with the hosts that are asked without a proxy: those of a person, the servers, and the hosts that a Node
/// preload leads to them. Some programs read the names in upper case, some those in lower case.
pub(super) fn exceptions() -> [(&'static str, OsString); 2] {
    ["NO_PROXY", "no_proxy"].map(|name| (name, with_own_hosts(env::var_os(name))))
}

fn with_own_hosts(present: Option<OsString>) -> OsString {
    let mut hosts = present.unwrap_or_default();
    let cloud = CLOUD_HOSTS.iter().map(|host| host.trim_start_matches('*'));
    for host in ["127.0.0.1", "localhost"].into_iter().chain(cloud) {
        if !hosts.is_empty() {
            hosts.push(",");
        }
        hosts.push(host);
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_proxy_are_added_to_those_that_are_there() {
        let own = with_own_hosts(None).into_string().unwrap();
        assert!(own.starts_with("127.0.0.1,localhost,tcb-"), "{own}");
        // Where NO_PROXY is read, an end of names begins with a dot.
        assert!(own.ends_with(",.tcb-api.tencentcloudapi.com"), "{own}");
        assert_eq!(with_own_hosts(Some("intranet".into())), *format!("intranet,{own}"));
    }
}
