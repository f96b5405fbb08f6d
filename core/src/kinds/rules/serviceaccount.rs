//! ServiceAccounts.
//! k8s: pkg/registry/core/serviceaccount/strategy.go

use super::fill::each;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::{Map, Value, names};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    prepare_for_create: clean_secrets,
    warnings_on_create: warn,
    update: Strategy {
        prepare_for_update: clean_secrets,
        validate_update,
        warnings_on_update: warn,
        ..Strategy::PLAIN
    },
    returns_deleted: true,
    ..Rules::PLAIN
};

/// Of the references to secrets, only the names are kept.
fn clean_secrets(object: &mut Value, _facts: &Facts<'_>) {
    each(object, &["secrets", "*"], &mut |secret| {
        let mut kept = Map::new();
        if let Some(name) = secret.field("name") {
            kept.insert("name", name.clone());
        }
        *secret = kept.into();
    });
}

fn validate_update(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    // Upstream looks at the metadata of an update once more.
    validate_built_in(object, true, names::dns_subdomain, errors);
}

fn warn(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";
    let annotations = object.at(&["metadata", "annotations"]);
    let mountable = annotations.key(MOUNTABLE);
    let was_there = Located::root(facts.old).at(&["metadata", "annotations"]).key(MOUNTABLE).is_set();
    if mountable.is_set() && !was_there {
        warnings.push(format!(
            "{mountable}: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        ));
    }
}
