//! RuntimeClasses.
//! k8s: pkg/registry/node/runtimeclass/strategy.go

use super::warnings;
use crate::kinds::Rules;
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules =
    Rules { warnings: warn, create_on_update: true, unconditional_update: false, ..Rules::PLAIN };

/// k8s: pkg/api/node/util.go
fn warn(object: &Value, _old: Option<&Value>) -> Vec<String> {
    let selector = object.at(&["scheduling", "nodeSelector"]);
    let replaced = warnings::node_label::keys(selector);
    replaced.map(|(_, message)| format!("scheduling.nodeSelector: {message}")).collect()
}
