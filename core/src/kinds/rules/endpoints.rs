//! Endpoints.
//! k8s: pkg/registry/core/endpoint/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::warnings;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    warnings_on_create: warn,
    update: Strategy { warnings_on_update: warn, ..Strategy::PLAIN },
    allow_create_on_update: true,
    ..Rules::PLAIN
};

const DEFAULTS: &[Default] = &[(&["subsets", "*", "ports", "*"], "protocol", Fill::Text("TCP"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// The controller of endpoints writes addresses in their standard form: its objects are not looked at.
fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let labels = object.at(&["metadata", "labels"]);
    if labels.key("endpoints.kubernetes.io/managed-by").text() == "endpoint-controller" {
        return;
    }
    for subset in object.member("subsets").items() {
        for list in ["addresses", "notReadyAddresses"] {
            warnings::address::ips(&subset.member(list), &["ip"], warnings);
        }
    }
}
