//! ResourceQuotas.
//! k8s: pkg/registry/core/resourcequota/strategy.go

use super::fill::round_amounts;
use super::status;
use crate::kinds::Rules;
use crate::value::Value;
use crate::value::quantity::Quantity;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub static RULES: Rules = Rules { default, warnings: warn, returns_deleted: true, ..status::SPLIT };

fn default(object: &mut Value) {
    round_amounts(object, &[&["spec", "hard"], &["status", "hard"], &["status", "used"]]);
}

/// A quota of requests that is larger than the one of limits.
fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    let hard = |name: &str| Quantity::from_value(object.at(&["spec", "hard", name])?).ok();
    let mut out = Vec::new();
    for resource in ["cpu", "memory", "storage", "ephemeral-storage"].into_iter().filter(|_| old.is_none()) {
        let requests = format!("requests.{resource}");
        let request = hard(&requests).map(|amount| (requests.as_str(), amount));
        let bare = || {
            hard(resource).filter(|_| matches!(resource, "cpu" | "memory")).map(|amount| (resource, amount))
        };
        let limits = format!("limits.{resource}");
        let (Some((name, request)), Some(limit)) = (request.or_else(bare), hard(&limits)) else { continue };
        if request.compare(&limit) == Ordering::Greater {
            let (request, limit) = (request.canonical(), limit.canonical());
            out.push(format!("ResourceQuota {name} ({request}) should be less than {limits} ({limit})"));
        }
    }
    out
}
