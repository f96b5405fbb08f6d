//! EndpointSlices.
//! k8s: pkg/registry/discovery/endpointslice/strategy.go, pkg/apis/discovery/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::warnings;
use crate::kinds::{Generation, Rules};
use crate::value::{Value, object};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules =
    Rules { default, warnings: warn, generation: Generation::SpecAndLabels, ..Rules::PLAIN };

const DEFAULTS: &[Default] =
    &[(&["ports", "*"], "name", Fill::Text("")), (&["ports", "*"], "protocol", Fill::Text("TCP"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// The controllers that make slices write addresses in their standard form.
const CONTROLLERS: [&str; 2] =
    ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];

fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    if old.is_none() && object.text_at(&["addressType"]) == "FQDN" {
        out.push("spec.addressType: FQDN endpoints are deprecated".into());
    }
    let manager = object::label(object, "endpointslice.kubernetes.io/managed-by");
    if manager.is_some_and(|manager| CONTROLLERS.contains(&manager)) {
        return out;
    }
    for (index, endpoint) in warnings::items(object, &["endpoints"]).iter().enumerate() {
        let path = warnings::path(&["endpoints"]).index(index).child("addresses");
        warnings::address::ips(&path, warnings::items(endpoint, &["addresses"]), &[], &mut out);
    }
    out
}
