//! LimitRanges.
//! k8s: pkg/registry/core/limitrange/strategy.go, pkg/apis/core/v1/defaults.go

use super::fill::{each, round_amounts};
use crate::kinds::Rules;
use crate::value::Value;

pub static RULES: Rules = Rules { default, allow_create_on_update: true, ..Rules::PLAIN };

/// What a container item leaves out, in this order: limits default to the maximum, requests to the
/// limits, then to the minimum.
const DERIVED: [(&str, &str); 3] =
    [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")];

fn default(object: &mut Value) {
    each(object, &["spec", "limits", "*"], &mut |item| {
        round_amounts(
            item,
            &[&["max"], &["min"], &["default"], &["defaultRequest"], &["maxLimitRequestRatio"]],
        );
        if item.text_at(&["type"]) != "Container" {
            return;
        }
        for (target, source) in DERIVED {
            let amounts = item.field(source).and_then(Value::as_map).cloned().unwrap_or_default();
            for (resource, amount) in amounts.iter() {
                if item.at(&[target, resource]).is_none() {
                    item.set_at(&[target, resource], amount.clone());
                }
            }
        }
    });
}
