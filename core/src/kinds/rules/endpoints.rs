//! Endpoints.
//! k8s: pkg/registry/core/endpoint/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::warnings;
use crate::kinds::Rules;
use crate::value::{Value, object};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules { default, warnings: warn, create_on_update: true, ..Rules::PLAIN };

const DEFAULTS: &[Default] = &[(&["subsets", "*", "ports", "*"], "protocol", Fill::Text("TCP"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// The controller of endpoints writes addresses in their standard form: its objects are not looked at.
fn warn(object: &Value, _old: Option<&Value>) -> Vec<String> {
    let mut out = Vec::new();
    if object::label(object, "endpoints.kubernetes.io/managed-by") == Some("endpoint-controller") {
        return out;
    }
    for (index, subset) in warnings::items(object, &["subsets"]).iter().enumerate() {
        for list in ["addresses", "notReadyAddresses"] {
            let path = warnings::path(&["subsets"]).index(index).child(list);
            warnings::address::ips(&path, warnings::items(subset, &[list]), &["ip"], &mut out);
        }
    }
    out
}
