//! What a pod says about where it runs: its containers and its address.
//! k8s: pkg/registry/core/pod/strategy.go

use super::proxy::{SchemeNamePort, port_number};
use crate::status::Failure;
use crate::value::ip::{SloppyIp, is_global_unicast};
use crate::value::{Text, Value, object};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The lists of containers, in the order in which upstream visits them.
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// The container of this name, or the only one if none is named.
///
/// # Errors
/// 400 when there is none of this name, or several and none is named.
pub(super) fn container(pod: &Value, named: &str) -> Result<Text, Failure> {
    let name = object::name(pod);
    let mut names =
        LISTS.into_iter().flat_map(|list| items(pod, &["spec", list])).map(|held| held.text_at(&["name"]));
    if !named.is_empty() {
        if names.any(|held| held == named) {
            return Ok(named.into());
        }
        return Err(Failure::bad_request(format!("container {named} is not valid for pod {name}")));
    }
    match items(pod, &["spec", "containers"]) {
        [only] => Ok(only.text_at(&["name"]).into()),
        [] => Err(Failure::bad_request(format!("a container name must be specified for pod {name}"))),
        [..] => {
            let names = names.collect::<Vec<_>>().join(" ");
            let message =
                format!("a container name must be specified for pod {name}, choose one of: [{names}]");
            Err(Failure::bad_request(message))
        }
    }
}

pub(super) fn without_host(name: &str) -> Failure {
    Failure::bad_request(format!("pod {name} does not have a host assigned"))
}

/// Where a pod is reached: at the port that is asked for, or its first one.
///
/// # Errors
/// 400 when its address is none that may be reached; 503 for a port that is no number.
pub(super) fn address(pod: &Value, at: &SchemeNamePort) -> Result<(String, u16), Failure> {
    let first = items(pod, &["spec", "containers"]).iter().find_map(|held| items(held, &["ports"]).first());
    let port = match (at.port.as_str(), first) {
        ("", Some(port)) => port.at(&["containerPort"]).and_then(Value::as_int).unwrap_or(0).to_string(),
        (given, _) => String::from(given),
    };
    let addresses = addresses(pod);
    let address = addresses.first().copied().unwrap_or_default();
    let is_allowed = SloppyIp::parse(address).is_some_and(|parsed| is_global_unicast(parsed.ip()));
    if !is_allowed {
        return Err(Failure::bad_request("address not allowed"));
    }
    let port = port_number(&port, at.scheme).map_err(Failure::service_unavailable)?;
    Ok((address.into(), port))
}

/// The addresses of a pod, the first one first.
pub(super) fn addresses(pod: &Value) -> Vec<&str> {
    match items(pod, &["status", "podIPs"]) {
        [] => Some(pod.text_at(&["status", "podIP"])).filter(|ip| !ip.is_empty()).into_iter().collect(),
        several => several.iter().map(|held| held.text_at(&["ip"])).collect(),
    }
}

/// The items of a list; none if there is no list.
pub(super) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    value.at(path).and_then(Value::as_list).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn a_container_is_named_or_the_only_one() {
        let pod = |spec: &str| {
            let text = format!(r#"{{"metadata":{{"name":"p"}},"spec":{spec}}}"#);
            json::parse(text.as_bytes()).expect("JSON").value
        };
        let two = r#"{"initContainers":[{"name":"i"}],"containers":[{"name":"a"},{"name":"b"}],"ephemeralContainers":[{"name":"e"}]}"#;
        let cases = [
            (r#"{"containers":[{"name":"a"}]}"#, "", Ok("a")),
            (two, "e", Ok("e")),
            (two, "i", Ok("i")),
            (two, "x", Err("container x is not valid for pod p")),
            (two, "", Err("a container name must be specified for pod p, choose one of: [i a b e]")),
            ("{}", "", Err("a container name must be specified for pod p")),
        ];
        for (spec, named, expected) in cases {
            let found = container(&pod(spec), named).map_err(|failure| String::from(failure.message()));
            assert_eq!(found, expected.map(Text::from).map_err(String::from), "{spec} {named}");
        }
    }
}
