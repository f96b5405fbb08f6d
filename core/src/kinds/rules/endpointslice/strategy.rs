//! EndpointSlices.
//! k8s: pkg/registry/discovery/endpointslice/strategy.go, pkg/apis/discovery/v1/defaults.go

use super::super::fill::{Default, Fill, each, fill};
use super::super::warnings;
use super::validation;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::{Value, names};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    prepare_for_create: drop_topology,
    validate: validation::validate,
    warnings_on_create,
    update: Strategy {
        prepare_for_update: drop_topology,
        validate_update: validation::validate_update,
        warnings_on_update: warn_of_addresses,
        ..Strategy::PLAIN
    },
    generation: Generation::SpecAndLabels,
    ..Rules::PLAIN
};

const DEFAULTS: &[Default] =
    &[(&["ports", "*"], "name", Fill::Text("")), (&["ports", "*"], "protocol", Fill::Text("TCP"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// The label that once held the name of an endpoint's node.
const HOST: &str = "kubernetes.io/hostname";

/// The topology of the time before this version is not taken any more. A client that keeps it, and so leaves out the
/// name of a node, means the node that the topology names.
fn drop_topology(slice: &mut Value, facts: &Facts<'_>) {
    if !facts.is_create() && slice.field("endpoints") == facts.old.field("endpoints") {
        return;
    }
    let old = facts.old.field("endpoints").and_then(Value::as_list).unwrap_or_default();
    let held: BTreeSet<&str> =
        old.iter().map(|endpoint| endpoint.text_at(&["deprecatedTopology", HOST])).collect();
    each(slice, &["endpoints", "*"], &mut |endpoint| {
        let node = endpoint.text_at(&["deprecatedTopology", HOST]);
        let is_known =
            !node.is_empty() && held.contains(node) && names::dns_subdomain(node, false).is_empty();
        let node = Value::str(node);
        if is_known && endpoint.field("nodeName").is_none_or(Value::is_null) {
            endpoint.set("nodeName", node);
        }
        endpoint.remove_at(&["deprecatedTopology"]);
    });
}

/// The controllers that make slices write addresses in their standard form.
const CONTROLLERS: [&str; 2] =
    ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];

fn warnings_on_create(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if object.member("addressType").text() == "FQDN" {
        warnings.push("spec.addressType: FQDN endpoints are deprecated".into());
    }
    warn_of_addresses(object, facts, warnings);
}

fn warn_of_addresses(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let labels = object.at(&["metadata", "labels"]);
    if CONTROLLERS.contains(&labels.key("endpointslice.kubernetes.io/managed-by").text()) {
        return;
    }
    for endpoint in object.member("endpoints").items() {
        warnings::address::ips(&endpoint.member("addresses"), &[], warnings);
    }
}
