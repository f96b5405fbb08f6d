//! ServiceAccounts.
//! k8s: pkg/registry/core/serviceaccount/strategy.go

use super::fill::each;
use crate::kinds::Rules;
use crate::value::{Map, Value, object};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules =
    Rules { prepare_create: clean, prepare_update, warnings: warn, returns_deleted: true, ..Rules::PLAIN };

fn prepare_update(object: &mut Value, _old: &Value) {
    clean(object);
}

/// Of the references to secrets, only the names are kept.
fn clean(object: &mut Value) {
    each(object, &["secrets", "*"], &mut |secret| {
        let mut kept = Map::new();
        if let Some(name) = secret.field("name") {
            kept.insert("name", name.clone());
        }
        *secret = kept.into();
    });
}

fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";
    let has = |object: &Value| object::annotation(object, MOUNTABLE).is_some();
    if !has(object) || old.is_some_and(has) {
        return Vec::new();
    }
    alloc::vec![format!(
        "metadata.annotations[{MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to \
         mounted secrets"
    )]
}
