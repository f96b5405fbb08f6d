//! What a call costs when it is made.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/cost.go CallCost; cel-go: interpreter/runtimecost.go,
//! ext/lists.go, ext/sets.go

use super::estimated_calls::selector_cost;
use super::range::{CostRange, ceil, times};
use super::{CHECK_COST, LIST_COST, PATTERN_FACTOR, TEXT_FACTOR};
use crate::cel::eval::{CelValue, EvalError};

/// How the cost of a call comes about, which its function and its overload tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallPrice {
    Fixed(u64),
    /// A part of the first argument's size.
    Tenth,
    Fifth,
    /// All that is in the first argument.
    Traversal,
    /// A fifth of the size of the result.
    FifthOfResult,
    /// A list of the result's size is made.
    ListOfResult,
    Flatten,
    /// Each element of this argument is compared with each.
    SelfCompare(usize),
    /// Each element of one argument is compared with each of the other one, so many times.
    Compare(u64),
    /// All elements of the second argument may be compared.
    Elements,
    Selector,
    /// A pattern is searched in a text.
    Search,
    /// A text is searched in a text.
    Contains,
    /// Two values are compared as far as the shorter one goes.
    Shorter,
    /// The same, but that values of libraries are compared at once.
    Equal,
    Joined,
    /// An address of a network; it is a text if so.
    ContainsIp(bool),
    ContainsCidr(bool),
    Validate,
}

/// What a call costs, as far as it is known before it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallCost {
    Known(u64),
    /// The result tells the rest.
    OfResult(CallPrice),
}

/// An argument: its value, or why it has none.
type Arg = Result<CelValue, EvalError>;

impl CallPrice {
    /// The price of the calls of a function. The overload is empty where several are possible.
    pub(crate) fn of(function: &str, overload: &str) -> Self {
        Self::of_extension(overload)
            .or_else(|| Self::of_library(function, overload))
            .unwrap_or_else(|| Self::of_standard(overload))
    }

    fn of_extension(overload: &str) -> Option<Self> {
        Some(match overload {
            "list_slice" | "lists_range" | "list_reverse" => Self::ListOfResult,
            "list_flatten" | "list_flatten_int" => Self::Flatten,
            "list_distinct" => Self::SelfCompare(0),
            "list_sets_contains_list" | "list_sets_intersects_list" => Self::Compare(1),
            "list_sets_equivalent_list" => Self::Compare(2),
            sort if sort.starts_with("list_") && sort.ends_with("_sort") => Self::SelfCompare(0),
            sort if sort.starts_with("list_") && sort.ends_with("_sortByAssociatedKeys") => {
                Self::SelfCompare(1)
            }
            _ => return None,
        })
    }

    fn of_library(function: &str, overload: &str) -> Option<Self> {
        Some(match function {
            "check" => Self::Fixed(CHECK_COST),
            "fieldSelector" | "labelSelector" => Self::Selector,
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => Self::Traversal,
            "ip" if overload == "cidr_ip" => Self::Fixed(1),
            "url"
            | "lowerAscii"
            | "upperAscii"
            | "substring"
            | "trim"
            | "jsonpatch.escapeKey"
            | "cidr"
            | "isIP"
            | "isCIDR"
            | "ip"
            | "quantity"
            | "isQuantity"
            | "semver"
            | "isSemver" => Self::Tenth,
            "replace" | "split" | "ip.isCanonical" => Self::Fifth,
            "join" => Self::FifthOfResult,
            "find" | "findAll" => Self::Search,
            "containsIP" => Self::ContainsIp(overload == "cidr_contains_ip_string"),
            "containsCIDR" => Self::ContainsCidr(overload == "cidr_contains_cidr_string"),
            "validate" => Self::Validate,
            "_==_" => Self::Equal,
            _ => return None,
        })
    }

    fn of_standard(overload: &str) -> Self {
        match overload {
            "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string"
            | "strings_quote" | "string_format" => Self::Tenth,
            "in_list" => Self::Elements,
            "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "not_equals" => Self::Shorter,
            "add_string" | "add_bytes" => Self::Joined,
            "matches_string" => Self::Search,
            "contains_string" => Self::Contains,
            _ => Self::Fixed(1),
        }
    }

    /// Whether the cost depends on a list that there is not.
    pub(crate) fn needs_list(self, args: &[Arg]) -> bool {
        matches!(self, Self::SelfCompare(place) if matches!(args.get(place), Some(Err(_))))
    }

    /// What a call with these arguments costs.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as upstream; a cast to a whole number stops at its bounds"
    )]
    pub(crate) fn cost(self, args: &[Arg]) -> CallCost {
        let at = |index: usize| args.get(index);
        let (first, second) = (size(at(0)), size(at(1)));
        CallCost::Known(match self {
            Self::Fixed(cost) => cost,
            Self::Tenth => times(first, TEXT_FACTOR),
            Self::Fifth => times(first, 2.0 * TEXT_FACTOR),
            Self::Traversal => at(0).map_or(0, |arg| arg.as_ref().map_or(1, traversal)),
            Self::FifthOfResult | Self::ListOfResult => return CallCost::OfResult(self),
            Self::Flatten => match at(1) {
                // A depth below zero, which is an error, is a large number upstream.
                Some(Ok(CelValue::Int(depth))) => {
                    let size = (first as f64 * *depth as f64) as i64 as u64;
                    size.wrapping_add(1 + LIST_COST)
                }
                _ => allocated(first),
            },
            Self::SelfCompare(place) => {
                let list = at(place).and_then(|arg| arg.as_ref().ok());
                let is_text =
                    matches!(list.and_then(|list| list.nth(0)), Some(CelValue::Str(_) | CelValue::Bytes(_)));
                let count = size(at(place));
                let factor = if is_text { 2.0 + TEXT_FACTOR } else { 2.0 };
                allocated((count.saturating_mul(count) as f64 * factor) as u64)
            }
            Self::Compare(factor) => first.saturating_mul(second).saturating_mul(factor).saturating_add(1),
            Self::Elements => second,
            Self::Selector => selector_cost(CostRange { min: second, max: second }).max,
            Self::Search => search(first, second),
            Self::Contains => times(first, TEXT_FACTOR).saturating_mul(times(second, TEXT_FACTOR)),
            Self::Equal if matches!(at(0), Some(Ok(CelValue::Native(_)))) => 1,
            Self::Shorter | Self::Equal => times(first.min(second), TEXT_FACTOR),
            Self::Joined => times(first.saturating_add(second), TEXT_FACTOR),
            Self::ContainsIp(is_text) => {
                let compared = times(first.saturating_add(first), TEXT_FACTOR);
                compared + if is_text { times(second, TEXT_FACTOR) } else { 0 }
            }
            Self::ContainsCidr(is_text) => {
                let compared = times(first.saturating_add(first), TEXT_FACTOR);
                let masked = times(first, TEXT_FACTOR) + 1;
                compared + masked + if is_text { times(second, TEXT_FACTOR) } else { 0 }
            }
            Self::Validate => match at(0) {
                Some(Ok(CelValue::Native(format))) => search(second, format.size().unwrap_or(1)),
                _ => 1,
            },
        })
    }

    /// What a search costs whose pattern is constant.
    pub(crate) fn of_search(self, text: u64, pattern: u64) -> u64 {
        if self == Self::Search { search(text, pattern) } else { 1 }
    }

    /// What a call costs that has this result.
    pub(crate) fn cost_of_result(self, result: &Arg) -> u64 {
        let size = size(Some(result));
        if self == Self::ListOfResult { allocated(size) } else { times(size, 2.0 * TEXT_FACTOR) }
    }
}

fn allocated(size: u64) -> u64 {
    size.saturating_add(1 + LIST_COST)
}

/// One more for the text, so that an expensive pattern costs something for an empty one too.
#[allow(clippy::cast_precision_loss, reason = "as upstream")]
fn search(text: u64, pattern: u64) -> u64 {
    ceil((1.0 + text as f64) * TEXT_FACTOR).saturating_mul(times(pattern, PATTERN_FACTOR))
}

/// How large a value is; 1 for what has no size.
fn size(arg: Option<&Arg>) -> u64 {
    match arg {
        Some(Ok(value)) => size_of(value),
        Some(Err(_)) | None => 1,
    }
}

fn size_of(value: &CelValue) -> u64 {
    match value {
        CelValue::Optional(Some(held)) => size_of(held),
        CelValue::Native(held) => held.size().unwrap_or(1),
        value => value.len().and_then(|length| u64::try_from(length).ok()).unwrap_or(1),
    }
}

/// What it costs to look at all that a value holds.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as upstream; a text is not that long"
)]
fn traversal(value: &CelValue) -> u64 {
    let part = |bytes: usize| (bytes as f64 * TEXT_FACTOR) as u64;
    match value {
        CelValue::Str(text) => part(text.len()),
        CelValue::Bytes(bytes) => part(bytes.len()),
        value => match (value.elements(), value.entries()) {
            (Some(elements), _) => elements.iter().map(traversal).fold(0, u64::saturating_add),
            (None, Some(entries)) => entries
                .iter()
                .map(|(key, value)| traversal(key).saturating_add(traversal(value)))
                .fold(0, u64::saturating_add),
            (None, None) => 1,
        },
    }
}
