//! ServiceAccounts.
//! k8s: pkg/registry/core/serviceaccount/strategy.go

use super::fill::each;
use crate::kinds::Rules;
use crate::value::{Map, Value};

pub static RULES: Rules =
    Rules { prepare_create: clean, prepare_update, returns_deleted: true, ..Rules::PLAIN };

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
