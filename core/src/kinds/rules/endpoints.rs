//! Endpoints.
//! k8s: pkg/registry/core/endpoint/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{Default, Fill, fill};
use crate::kinds::Rules;
use crate::value::Value;

pub static RULES: Rules = Rules { default, create_on_update: true, ..Rules::PLAIN };

const DEFAULTS: &[Default] = &[(&["subsets", "*", "ports", "*"], "protocol", Fill::Text("TCP"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}
