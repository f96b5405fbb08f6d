//! ResourceQuotas.
//! k8s: pkg/registry/core/resourcequota/strategy.go

use super::fill::round_amounts;
use super::status;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Rules};
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub static RULES: Rules = Rules { default, warnings_on_create, returns_deleted: true, ..status::SPLIT };

fn default(object: &mut Value) {
    round_amounts(object, &[&["spec", "hard"], &["status", "hard"], &["status", "used"]]);
}

/// A quota of requests that is larger than the one of limits.
fn warnings_on_create(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let hard = object.at(&["spec", "hard"]);
    for resource in ["cpu", "memory", "storage", "ephemeral-storage"] {
        let requests = format!("requests.{resource}");
        let request = hard.key(&requests).quantity().map(|amount| (requests.as_str(), amount));
        let bare = || {
            let amount = hard.key(resource).quantity().filter(|_| matches!(resource, "cpu" | "memory"));
            amount.map(|amount| (resource, amount))
        };
        let limits = format!("limits.{resource}");
        let limit = hard.key(&limits).quantity();
        let (Some((name, request)), Some(limit)) = (request.or_else(bare), limit) else { continue };
        if request.compare(&limit) == Ordering::Greater {
            let (request, limit) = (request.canonical(), limit.canonical());
            warnings.push(format!("ResourceQuota {name} ({request}) should be less than {limits} ({limit})"));
        }
    }
}
