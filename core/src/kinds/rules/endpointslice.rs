//! EndpointSlices.
//! k8s: pkg/registry/discovery/endpointslice/strategy.go, pkg/apis/discovery/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::warnings;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    warnings_on_create,
    update: Strategy { warnings_on_update: warn_of_addresses, ..Strategy::PLAIN },
    generation: Generation::SpecAndLabels,
    ..Rules::PLAIN
};

const DEFAULTS: &[Default] =
    &[(&["ports", "*"], "name", Fill::Text("")), (&["ports", "*"], "protocol", Fill::Text("TCP"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
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
