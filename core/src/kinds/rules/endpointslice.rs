//! EndpointSlices.
//! k8s: pkg/registry/discovery/endpointslice/strategy.go, pkg/apis/discovery/v1/defaults.go

use super::fill::{Default, Fill, fill};
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static RULES: Rules = Rules { default, generation: Generation::SpecAndLabels, ..Rules::PLAIN };

const DEFAULTS: &[Default] =
    &[(&["ports", "*"], "name", Fill::Text("")), (&["ports", "*"], "protocol", Fill::Text("TCP"))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}
