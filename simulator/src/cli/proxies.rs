//! The variables in which programs find a proxy, and the hosts that they ask without one.

use std::env;
use std::ffi::OsString;

use soter_text::tr;
use soter_wechat::{API_HOSTS, CLOUD_HOSTS};

/// The variables that name a proxy.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy", "https_proxy"];
/// The variables with the hosts that are asked without a proxy. Some programs read the one, some the other.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];
const JAVA_TOOL_OPTIONS: &str = "JAVA_TOOL_OPTIONS";
/// Java's property with the hosts that are asked without a proxy. No property is for https alone.
const JAVA_EXCEPTIONS: &str = "-Dhttp.nonProxyHosts=";

/// Whether programs use a proxy.
pub(super) fn are_set() -> bool {
    PROXIES.iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Whether programs may ask a proxy for the servers on this computer, because no exception names it.
pub(super) fn may_hide_this_computer() -> bool {
    let exceptions = EXCEPTIONS.map(of_person).join(",");
    are_set() && !hosts(&exceptions).any(|host| ["127.0.0.1", "127.0.0.0/8", "*"].contains(&host))
}

/// The variables with the hosts that are asked without a proxy: those of a person, the servers, and the hosts of WeChat's cloud,
/// which a Node preload leads to them.
pub(super) fn exceptions() -> [(&'static str, OsString); 2] {
    EXCEPTIONS.map(|name| (name, with_own_hosts(&of_person(name), |_| true).into()))
}

/// The same where the proxy is our own, and the only way to WeChat's API hosts. What would lead past it is left out.
pub(super) fn exceptions_of_own_proxy() -> [(&'static str, OsString); 2] {
    EXCEPTIONS.map(|name| (name, with_own_hosts(&of_person(name), |host| !matches_api_host(host)).into()))
}

/// What a person has put into the variables and is left out, a line.
pub(super) fn left_out() -> Option<String> {
    let values = EXCEPTIONS.map(of_person).join(",");
    let left_out: Vec<_> = hosts(&values).filter(|host| matches_api_host(host)).collect();
    (!left_out.is_empty()).then(|| {
        tr!("{hosts} of your NO_PROXY would lead programs to the real WeChat, and is left out for this command", hosts = left_out.join(", "))
    })
}

/// Java's property for our own proxy. Java reads no variable, so that a person's `NO_PROXY` is part of it, and what a
/// person has told Java.
pub(super) fn java_exceptions() -> String {
    let told = of_person(JAVA_TOOL_OPTIONS);
    java_exceptions_with(&EXCEPTIONS.map(of_person).join(","), &told)
}

fn java_exceptions_with(exceptions: &str, options: &str) -> String {
    let own = ["localhost", "127.*", "[::1]"].map(str::to_owned);
    let of_variables = hosts(exceptions).filter(|host| !matches_api_host(host)).flat_map(|host| {
        let name = host.trim_start_matches('*').trim_start_matches('.');
        let alone = (name == host).then(|| name.to_owned());
        alone.into_iter().chain([format!("*.{name}")])
    });
    let told =
        options.split([' ', '\t', '"', '\'']).filter_map(|option| option.strip_prefix(JAVA_EXCEPTIONS));
    let told =
        told.flat_map(|hosts| hosts.split('|')).filter(|host| !matches_api_host(host)).map(str::to_owned);
    let mut all = Vec::new();
    for host in own.into_iter().chain(of_variables).chain(told) {
        if !all.contains(&host) {
            all.push(host);
        }
    }
    format!("{JAVA_EXCEPTIONS}{}", all.join("|"))
}

/// What a person has set; names of hosts are ASCII.
fn of_person(name: &str) -> String {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
}

fn hosts(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', ' ']).map(str::trim).filter(|host| !host.is_empty())
}

fn with_own_hosts(present: &str, is_kept: impl Fn(&str) -> bool) -> String {
    let present = hosts(present).filter(|host| is_kept(host));
    let cloud = CLOUD_HOSTS.iter().map(|host| host.trim_start_matches('*'));
    present.chain(["127.0.0.1", "localhost"]).chain(cloud).collect::<Vec<_>>().join(",")
}

/// Whether one of WeChat's API hosts is meant: by its name, the end of its name, or with all others.
fn matches_api_host(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let end = name.trim_start_matches('*').trim_start_matches('.');
    end.is_empty() && name.starts_with('*')
        || !end.is_empty() && API_HOSTS.iter().any(|api| *api == end || api.ends_with(&format!(".{end}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_proxy_are_added_to_those_that_are_there() {
        let own = with_own_hosts("", |_| true);
        assert!(own.starts_with("127.0.0.1,localhost,tcb-"), "{own}");
        // Where NO_PROXY is read, an end of names begins with a dot.
        assert!(own.ends_with(",.tcb-api.tencentcloudapi.com"), "{own}");
        assert_eq!(with_own_hosts("intranet, other", |_| true), format!("intranet,other,{own}"));
    }

    #[test]
    fn what_leads_to_the_real_wechat_is_recognised_in_all_forms() {
        for host in
            ["*", "qq.com", ".qq.com", "*.qq.com", "com", "API.weixin.qq.com", "api2.weixin.qq.com:443"]
        {
            assert!(matches_api_host(host), "{host}");
        }
        for host in ["", "intranet", "mp.weixin.qq.com", ".internal", "q.com", "[::1]", "127.*", "10.0.0.0/8"]
        {
            assert!(!matches_api_host(host), "{host}");
        }
    }

    #[test]
    fn java_gets_the_exceptions_of_the_variables_and_its_own() {
        let property = java_exceptions_with(
            "intranet.test, .corp.test,*",
            "-Xmx1g \"-Dhttp.nonProxyHosts=a.test|*.qq.com\" -Da=b",
        );
        assert_eq!(
            property,
            "-Dhttp.nonProxyHosts=localhost|127.*|[::1]|intranet.test|*.intranet.test|*.corp.test|a.test"
        );
    }
}
