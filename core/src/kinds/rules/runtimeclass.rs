//! RuntimeClasses.
//! k8s: pkg/registry/node/runtimeclass/strategy.go

use super::warnings;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Rules, Strategy};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    warnings_on_create: warn,
    update: Strategy { warnings_on_update: warn, ..Strategy::PLAIN },
    allow_create_on_update: true,
    allow_unconditional_update: false,
    ..Rules::PLAIN
};

/// k8s: pkg/api/node/util.go
fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let selector = object.at(&["scheduling", "nodeSelector"]);
    let replaced = warnings::node_label::keys(&selector);
    warnings.extend(replaced.map(|(_, message)| format!("{selector}: {message}")));
}
