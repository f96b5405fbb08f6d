//! Which families of addresses a service gets: what its client says, made complete by what the cluster has.
//! k8s: pkg/registry/core/service/storage/alloc.go initIPFamilyFields

use super::super::allocation::address::family;
use super::claims::{invalid, list};
use super::cluster_ips;
use super::kind::is_external_name;
use crate::config::Config;
use crate::kinds::Facts;
use crate::kinds::validation::{Errors, Located};
use crate::status::Failure;
use crate::value::ip::SloppyCidr;
use crate::value::{Map, Value};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

const SINGLE: &str = "SingleStack";
const REQUIRE_BOTH: &str = "RequireDualStack";
const PREFER_BOTH: &str = "PreferDualStack";

/// The families of the cluster's ranges, the first one first.
pub(super) fn configured(config: &Config) -> Vec<&'static str> {
    let ranges = config.service_range.split(',').filter_map(|range| SloppyCidr::parse(range.trim()));
    ranges.map(|range| family(range.address().is_ipv6())).collect()
}

fn other(family: &str) -> &'static str {
    if family == "IPv4" { "IPv6" } else { "IPv4" }
}

/// Completes the policy and the families.
///
/// # Errors
/// 422 when they contradict each other, the addresses or the cluster.
pub(super) fn complete(service: &mut Value, facts: &Facts<'_>) -> Result<(), Failure> {
    let empty = Value::empty_map();
    let old = facts.old.field("spec").filter(|_| !facts.is_create());
    let spec = service.field("spec").unwrap_or(&empty);
    if is_external_name(spec) || old.is_some_and(|old| keeps_both(spec, old)) {
        return Ok(());
    }
    complete_policy(service, old);
    let mut errors = Errors::new();
    cluster_ips::validate(&Located::root(service), facts.old, &mut errors);
    refuse(service, errors)?;
    let configured = configured(facts.config);
    let mut errors = Errors::new();
    if let Some(old) = old {
        release_second(service, old, &mut errors);
    }
    check_single(service, &mut errors);
    infer(service, &configured, &mut errors);
    refuse(service, errors)?;
    let is_headless = service.text_at(&["spec", "clusterIP"]) == "None";
    if is_headless && has_no_selector(service) {
        add_families(service, &configured, true);
        return Ok(());
    }
    let mut errors = Errors::new();
    check_configured(service, &configured, &mut errors);
    refuse(service, errors)?;
    add_families(service, &configured, configured.len() == 2);
    Ok(())
}

fn refuse(service: &Value, errors: Errors) -> Result<(), Failure> {
    if errors.is_empty() { Ok(()) } else { Err(invalid(service, errors.into_causes())) }
}

/// A service that preferred both families and still does keeps what it has, whatever the cluster has become.
pub(super) fn keeps_both(spec: &Value, old: &Value) -> bool {
    let policy = |spec: &Value| spec.field("ipFamilyPolicy").and_then(Value::as_str) == Some(PREFER_BOTH);
    let is_same = |field: &str| list(spec, field) == list(old, field);
    let is_known = matches!(spec.text_at(&["type"]), "ClusterIP" | "NodePort" | "LoadBalancer");
    let had_none = old.field("ipFamilyPolicy").is_none_or(Value::is_null);
    is_known
        && spec.text_at(&["type"]) == old.text_at(&["type"])
        && policy(spec)
        && (had_none || policy(old))
        && is_same("clusterIPs")
        && is_same("ipFamilies")
}

fn has_no_selector(service: &Value) -> bool {
    service.at(&["spec", "selector"]).and_then(Value::as_map).is_none_or(Map::is_empty)
}

/// A headless service without a selector may have endpoints of both families.
fn complete_policy(service: &mut Value, old: Option<&Value>) {
    if service.at(&["spec", "ipFamilyPolicy"]).is_some_and(|held| !held.is_null()) {
        return;
    }
    let is_open = service.text_at(&["spec", "clusterIP"]) == "None" && has_no_selector(service);
    let held = old.and_then(|old| old.field("ipFamilyPolicy")).filter(|held| !held.is_null());
    let chosen = held.cloned().unwrap_or_else(|| Value::str(if is_open { REQUIRE_BOTH } else { SINGLE }));
    service.set_at(&["spec", "ipFamilyPolicy"], chosen);
}

fn policy(service: &Value) -> &str {
    service.text_at(&["spec", "ipFamilyPolicy"])
}

fn is_single(service: &Value) -> bool {
    policy(service) == SINGLE
}

/// An update to a single family gives up the second address and family; any other update must keep them.
fn release_second(service: &mut Value, old: &Value, errors: &mut Errors) {
    const WHAT: [(&str, &str); 2] = [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")];
    let single = is_single(service);
    for (field, what) in WHAT {
        let held = service.at(&["spec", field]).and_then(Value::as_list).unwrap_or_default();
        let was = list(old, field);
        if single {
            if held == was && held.len() > 1 {
                let first = held.first().cloned().into_iter().collect::<Vec<_>>();
                service.set_at(&["spec", field], first.into());
            }
        } else if !held.is_empty() && held.len() < was.len() {
            let root = Located::root(service);
            let why = format!("must be 'SingleStack' to release the secondary {what}");
            errors.invalid(&root.at(&["spec", "ipFamilyPolicy"]), why);
        }
    }
}

fn check_single(service: &Value, errors: &mut Errors) {
    if !is_single(service) {
        return;
    }
    let root = Located::root(service);
    let spec = root.member("spec");
    for (field, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
        if spec.member(field).len() == 2 {
            let why =
                format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            errors.invalid(&spec.member("ipFamilyPolicy"), why);
        }
    }
}

/// Addresses tell the families of a service that names none for them.
fn infer(service: &mut Value, configured: &[&str], errors: &mut Errors) {
    let snapshot = service.clone();
    let root = Located::root(&snapshot);
    let spec = root.member("spec");
    let addresses = spec.member("clusterIPs");
    let named = spec.member("ipFamilies").value().and_then(Value::as_list).unwrap_or_default();
    let mut families = named.to_vec();
    for (index, address) in addresses.items().enumerate() {
        if address.text() == "None" {
            break;
        }
        let family = family(cluster_ips::is_ipv6(address.text()));
        if index < families.len() {
            continue;
        }
        if configured.contains(&family) {
            families.push(family.into());
        } else {
            let why = format!("{family} is not configured on this cluster");
            errors.invalid(&addresses.shown_at(&address), why);
        }
    }
    if families.len() > named.len() {
        service.set_at(&["spec", "ipFamilies"], families.into());
    }
}

fn check_configured(service: &Value, configured: &[&str], errors: &mut Errors) {
    let root = Located::root(service);
    let spec = root.member("spec");
    if policy(service) == REQUIRE_BOTH && configured.len() < 2 {
        let why = "this cluster is not configured for dual-stack services";
        errors.invalid(&spec.member("ipFamilyPolicy"), why);
    }
    for family in spec.member("ipFamilies").items() {
        if !configured.contains(&family.text()) {
            errors.invalid(&family, "not configured on this cluster");
        }
    }
}

/// Adds the cluster's first family where none is named, and the other one where both are wanted and can be had.
fn add_families(service: &mut Value, configured: &[&str], can_have_both: bool) {
    let mut families =
        service.at(&["spec", "ipFamilies"]).and_then(Value::as_list).unwrap_or_default().to_vec();
    if families.is_empty() {
        families = vec![Value::str(configured.first().copied().unwrap_or("IPv4"))];
    }
    if let [only] = families.as_slice()
        && !is_single(service)
        && can_have_both
    {
        let second = other(only.as_str().unwrap_or(""));
        families.push(second.into());
    }
    service.set_at(&["spec", "ipFamilies"], families.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::codec::json;
    use crate::kinds::facts::given::InMemory;
    use crate::now::Wall;
    use alloc::string::{String, ToString};

    fn parsed(text: &str) -> Value {
        let spec = json::parse(text.as_bytes()).expect("JSON").value;
        let mut service = Value::empty_map();
        service.set("spec", spec);
        service
    }

    /// The policy and the families, or what is wrong.
    fn completed(range: &str, spec: &str, old: Option<&str>) -> String {
        let config = Config { service_range: range.into(), ..Config::open(0) };
        let (caller, objects) = (Caller::server(), InMemory::default());
        let facts = Facts::of_create(&caller, Wall::from_seconds(0), &config, &objects);
        let (mut service, old) = (parsed(spec), old.map(parsed));
        let done = match &old {
            Some(old) => complete(&mut service, &facts.of_update("", old)),
            None => complete(&mut service, &facts),
        };
        match done {
            Ok(()) => {
                let families = service.at(&["spec", "ipFamilies"]).map(json::to_string).unwrap_or_default();
                format!("{} {families}", policy(&service))
            }
            Err(failure) => failure.message().to_string(),
        }
    }

    const FOUR: &str = "10.0.0.0/24";
    const SIX: &str = "fd00::/112";
    const BOTH: &str = "10.0.0.0/24,fd00::/112";

    #[test]
    fn families_follow_the_policy_and_the_cluster() {
        let table = [
            (FOUR, r#"{"type":"ClusterIP"}"#, r#"SingleStack ["IPv4"]"#),
            (SIX, r#"{"type":"ClusterIP"}"#, r#"SingleStack ["IPv6"]"#),
            (FOUR, r#"{"type":"ClusterIP","clusterIP":"None"}"#, r#"RequireDualStack ["IPv4","IPv6"]"#),
            (SIX, r#"{"type":"ClusterIP","clusterIP":"None"}"#, r#"RequireDualStack ["IPv6","IPv4"]"#),
            (
                FOUR,
                r#"{"type":"ClusterIP","ipFamilyPolicy":"PreferDualStack"}"#,
                r#"PreferDualStack ["IPv4"]"#,
            ),
            (
                BOTH,
                r#"{"type":"ClusterIP","ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv6"]}"#,
                r#"PreferDualStack ["IPv6","IPv4"]"#,
            ),
            (
                FOUR,
                r#"{"type":"ClusterIP","ipFamilyPolicy":"RequireDualStack"}"#,
                "Service \"\" is invalid: spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is \
                 not configured for dual-stack services",
            ),
            (
                FOUR,
                r#"{"type":"ClusterIP","ipFamilies":["IPv6"]}"#,
                "Service \"\" is invalid: spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this \
                 cluster",
            ),
        ];
        for (range, spec, expected) in table {
            let spec = spec.replace(r#""None"}"#, r#""None","clusterIPs":["None"]}"#);
            assert_eq!(completed(range, &spec, None), expected, "{range} {spec}");
        }
    }

    #[test]
    fn a_second_family_goes_by_the_policy_alone() {
        let spec = |policy: &str, rest: &str| {
            format!(r#"{{"type":"ClusterIP","ipFamilyPolicy":"{policy}","clusterIP":"10.0.0.9",{rest}}}"#)
        };
        let both = r#""clusterIPs":["10.0.0.9","fd00::9"],"ipFamilies":["IPv4","IPv6"]"#;
        let one = r#""clusterIPs":["10.0.0.9"],"ipFamilies":["IPv4"]"#;
        let old = spec(PREFER_BOTH, both);
        assert_eq!(completed(BOTH, &spec(SINGLE, both), Some(&old)), r#"SingleStack ["IPv4"]"#);
        assert_eq!(
            completed(FOUR, &spec(PREFER_BOTH, both), Some(&old)),
            r#"PreferDualStack ["IPv4","IPv6"]"#
        );
        let refused = completed(BOTH, &spec(PREFER_BOTH, one), Some(&old));
        assert!(refused.contains("must be 'SingleStack' to release the secondary cluster IP"), "{refused}");
        assert!(refused.contains("must be 'SingleStack' to release the secondary IP family"), "{refused}");
    }
}
