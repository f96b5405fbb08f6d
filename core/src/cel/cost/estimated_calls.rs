//! What a call costs, as far as it is known from the sizes of its arguments.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/cost.go EstimateCallCost; cel-go: checker/cost.go functionCost,
//! ext/lists.go, ext/sets.go

use super::estimate::{PartPath, VariableSizes, size_at};
use super::range::{CostRange, ceil};
use super::{CHECK_COST, LIST_COST, PATTERN_FACTOR, STRUCT_COST, TEXT_FACTOR};
use crate::cel::ast::{Expr, ExprKind, Literal};
use crate::cel::check::CelType;
use crate::value::Text;
use alloc::vec::Vec;

/// An argument, with what is known of it.
pub(super) struct EstimatedPart<'e> {
    pub(super) path: PartPath,
    pub(super) of: CelType,
    pub(super) expr: &'e Expr,
    pub(super) size: Option<CostRange>,
}

impl EstimatedPart<'_> {
    pub(super) fn size_or_unknown(&self) -> CostRange {
        self.size.unwrap_or(CostRange::UNKNOWN)
    }

    /// The number that is written there, if it is one.
    fn literal(&self) -> Option<i64> {
        match &self.expr.kind {
            ExprKind::Literal(Literal::Int(number)) => Some(*number),
            _ => None,
        }
    }
}

/// What a call costs, and how large its result is if that is known.
pub(super) struct CallEstimate {
    pub(super) cost: CostRange,
    pub(super) result_size: Option<CostRange>,
}

impl CallEstimate {
    pub(super) fn of(cost: CostRange) -> Self {
        Self { cost, result_size: None }
    }

    fn sized(cost: CostRange, size: CostRange) -> Self {
        Self { cost, result_size: Some(size) }
    }
}

/// Types, as far as costs tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeKind {
    /// Of a size that is always the same.
    Scalar,
    Text,
    Other,
}

pub(super) fn kind_of(of: &CelType) -> SizeKind {
    match of {
        CelType::Bool
        | CelType::Int
        | CelType::Uint
        | CelType::Double
        | CelType::Duration
        | CelType::Timestamp => SizeKind::Scalar,
        CelType::Str | CelType::Bytes => SizeKind::Text,
        CelType::Dyn
        | CelType::Error
        | CelType::Null
        | CelType::Type(_)
        | CelType::List(_)
        | CelType::Map(..)
        | CelType::Object(_)
        | CelType::Opaque(..)
        | CelType::Param(_)
        | CelType::Var(_) => SizeKind::Other,
    }
}

const ONE: CostRange = CostRange::fixed(1);

/// The bytes of an address: four, or sixteen.
const ADDRESS: CostRange = CostRange { min: 4, max: 16 };

/// How long formats and their patterns can be.
const FORMAT_LENGTH: u64 = 64;
const FORMAT_PATTERN: f64 = 128.0;

/// What a call costs beside its arguments; None for what costs one, and for operators whose cost depends on how their
/// arguments are evaluated.
pub(super) fn estimate_call(
    sizes: Option<VariableSizes<'_>>,
    function: &str,
    overload: &str,
    target: Option<&EstimatedPart<'_>>,
    args: &[EstimatedPart<'_>],
) -> Option<CallEstimate> {
    let call = Call { sizes, target, args };
    let extension = if overload.starts_with("list_sets_") { call.set(overload) } else { call.list(overload) };
    extension.or_else(|| call.library(function, overload)).or_else(|| call.standard(overload))
}

struct Call<'c, 'e> {
    sizes: Option<VariableSizes<'c>>,
    target: Option<&'c EstimatedPart<'e>>,
    args: &'c [EstimatedPart<'e>],
}

impl Call<'_, '_> {
    fn size(&self, part: &EstimatedPart<'_>) -> CostRange {
        part.size.or_else(|| size_at(self.sizes, &part.path)).unwrap_or(CostRange::UNKNOWN)
    }

    /// How large the elements of a list are; None for what is no list.
    fn element(&self, list: &EstimatedPart<'_>) -> Option<(CelType, CostRange)> {
        let of = (*list.of.parameters().first()?).clone();
        let path: Vec<Text> = list.path.iter().cloned().chain(["@items".into()]).collect();
        let size = if list.path.is_empty() { None } else { size_at(self.sizes, &path) };
        Some((of, size.unwrap_or(CostRange::UNKNOWN)))
    }

    fn set(&self, overload: &str) -> Option<CallEstimate> {
        let [one, other] = self.args else { return None };
        let factor = if overload == "list_sets_equivalent_list" { 2.0 } else { 1.0 };
        let product = self.size(one).multiply(self.size(other));
        Some(CallEstimate::of(product.times(factor).add(ONE)))
    }

    fn list(&self, overload: &str) -> Option<CallEstimate> {
        let made = |factor: f64, size: CostRange| {
            let cost = size.times(factor).add(CostRange::fixed(1 + LIST_COST));
            Some(CallEstimate::sized(cost, size))
        };
        let number = |part: &EstimatedPart<'_>, otherwise: u64| {
            part.literal().map_or(otherwise, |number| u64::try_from(number).unwrap_or(0))
        };
        let squared = |size: CostRange| size.multiply(size);
        match (overload, self.target, self.args) {
            ("list_slice", Some(list), [start, end]) => {
                let end = number(end, self.size(list).max);
                made(1.0, CostRange::fixed(end.wrapping_sub(number(start, 0))))
            }
            ("list_flatten", Some(list), []) => made(1.0, self.size(list)),
            #[allow(clippy::cast_precision_loss, reason = "as upstream")]
            ("list_flatten_int", Some(list), [depth]) => {
                made(number(depth, u64::MAX) as f64, self.size(list))
            }
            ("lists_range", None, [end]) => made(1.0, CostRange::fixed(number(end, u64::MAX))),
            ("list_reverse", Some(list), []) => made(1.0, self.size(list)),
            ("list_distinct", Some(list), []) => made(2.0, squared(self.size(list))),
            (sort, Some(list), []) if sort.ends_with("_sort") => {
                made(sort_factor(sort), squared(self.size(list)))
            }
            (sort, Some(_), [keys]) if sort.ends_with("_sortByAssociatedKeys") => {
                made(sort_factor(sort), squared(self.size(keys)))
            }
            (_, _, _) => None,
        }
    }

    fn library(&self, function: &str, overload: &str) -> Option<CallEstimate> {
        let traversed = |size: CostRange| Some(CallEstimate::of(size.times(TEXT_FACTOR)));
        let first = self.args.first().map(|arg| self.size(arg));
        match function {
            "check" => Some(CallEstimate::of(CostRange::fixed(CHECK_COST))),
            "ip" if overload == "cidr_ip" => Some(CallEstimate::of(ONE)),
            "serviceAccount"
            | "path"
            | "group"
            | "resource"
            | "subresource"
            | "namespace"
            | "name"
            | "allowed"
            | "reason"
            | "error"
            | "errored"
            | "masked"
            | "prefixLength"
            | "family"
            | "isUnspecified"
            | "isLoopback"
            | "isLinkLocalMulticast"
            | "isLinkLocalUnicast"
            | "isGlobalUnicast"
            | "format.named"
            | "sign"
            | "asInteger"
            | "isInteger"
            | "asApproximateFloat"
            | "isGreaterThan"
            | "isLessThan"
            | "compareTo"
            | "add"
            | "sub"
            | "major"
            | "minor"
            | "patch"
            | "getScheme"
            | "getHostname"
            | "getHost"
            | "getPort"
            | "getEscapedPath"
            | "getQuery" => Some(CallEstimate::of(ONE)),
            "fieldSelector" | "labelSelector" => match self.args {
                [selector] => Some(CallEstimate::of(selector_cost(self.size(selector)))),
                _ => None,
            },
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
                let target = self.target?;
                let size = self.size(target);
                let Some((of, element)) = self.element(target) else { return traversed(size) };
                let compared = match kind_of(&of) {
                    SizeKind::Text => ONE.add(element.times(TEXT_FACTOR)),
                    SizeKind::Scalar | SizeKind::Other => ONE,
                };
                Some(CallEstimate::of(size.multiply(compared)))
            }
            "url" | "jsonpatch.escapeKey" => match self.args {
                [text] => {
                    let size = self.size(text);
                    Some(CallEstimate::sized(size.times(TEXT_FACTOR), size))
                }
                _ => None,
            },
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                let size = self.size(self.target?);
                Some(CallEstimate::sized(size.times(TEXT_FACTOR), size))
            }
            "replace" => self.replace(),
            "split" => {
                let size = self.size(self.target?);
                // Upstream's number is one without a sign.
                #[allow(clippy::cast_sign_loss, reason = "as upstream")]
                let parts =
                    self.args.get(1).and_then(EstimatedPart::literal).map_or(size.max, |parts| parts as u64);
                Some(CallEstimate::sized(size.times(2.0 * TEXT_FACTOR), CostRange { min: 0, max: parts }))
            }
            "join" => self.join(),
            "find" | "findAll" => {
                let size = self.size(self.target?);
                let cost = size.add(ONE).times(TEXT_FACTOR).multiply(first?.times(PATTERN_FACTOR));
                Some(CallEstimate::sized(cost, CostRange { min: 0, max: size.max }))
            }
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
                traversed(first?)
            }
            "ip.isCanonical" => Some(CallEstimate::of(first?.times(2.0 * TEXT_FACTOR))),
            "containsIP" => {
                let compared = ADDRESS.add(ADDRESS).times(TEXT_FACTOR);
                let is_text = overload == "cidr_contains_ip_string";
                let parsed = if is_text { first?.times(TEXT_FACTOR) } else { CostRange::default() };
                Some(CallEstimate::of(compared.add(parsed)))
            }
            "containsCIDR" => {
                let masked = ADDRESS.times(TEXT_FACTOR).add(ONE);
                let compared = ADDRESS.add(ADDRESS).times(TEXT_FACTOR).add(masked);
                let is_text = overload == "cidr_contains_cidr_string";
                let parsed = if is_text { first?.times(TEXT_FACTOR) } else { CostRange::default() };
                Some(CallEstimate::of(compared.add(parsed)))
            }
            "validate" => {
                let cost = first?.times(TEXT_FACTOR).times(FORMAT_PATTERN * PATTERN_FACTOR);
                Some(CallEstimate::of(cost))
            }
            "_==_" => self.same_type(),
            _ => None,
        }
    }

    /// Values of libraries are compared at once.
    fn same_type(&self) -> Option<CallEstimate> {
        let [one, other] = self.args else { return None };
        if one.of != other.of {
            return None;
        }
        let CelType::Opaque(name, _) = &one.of else { return None };
        match name.as_str() {
            "kubernetes.NamedFormat" => {
                let cost = CostRange { min: 1, max: FORMAT_LENGTH }.times(TEXT_FACTOR);
                Some(CallEstimate::of(cost))
            }
            "kubernetes.URL" => {
                let size = other.size.unwrap_or(ONE);
                Some(CallEstimate::of(CostRange { min: 1, max: size.max }.times(TEXT_FACTOR)))
            }
            "optional_type" => None,
            _ => Some(CallEstimate::of(ONE)),
        }
    }

    fn replace(&self) -> Option<CallEstimate> {
        let [from, to, ..] = self.args else { return None };
        let (size, from, to) = (self.size(self.target?), self.size(from), self.size(to));
        let (mut count, mut kept) = (CostRange::default(), CostRange::default());
        // The longest result: an empty text is found around each character.
        if from.min == 0 {
            count.max = size.max.saturating_add(1);
            kept.max = size.max;
        } else if to.max <= from.min {
            kept.max = size.max;
        } else {
            count.max = quotient(size.max, from.min);
        }
        // The shortest one.
        if from.max == 0 {
            count.min = size.min.saturating_add(1);
            kept.min = size.min;
        } else if from.max <= to.min {
            kept.min = size.min;
        } else {
            count.min = quotient(size.min, from.max);
        }
        let result = count.multiply(to).add(kept);
        Some(CallEstimate::sized(size.times(2.0 * TEXT_FACTOR), result))
    }

    fn join(&self) -> Option<CallEstimate> {
        let target = self.target?;
        let count = self.size(target);
        let mut size = self.element(target).map_or(CostRange::default(), |(_, size)| count.multiply(size));
        if let Some(separator) = self.args.first() {
            let between = CostRange { min: count.min.saturating_sub(1), max: count.max.saturating_sub(1) };
            size = size.add(self.size(separator).multiply(between));
        }
        Some(CallEstimate::sized(size.times(TEXT_FACTOR), size))
    }

    fn standard(&self, overload: &str) -> Option<CallEstimate> {
        let (target, args) = (self.target.map(EstimatedPart::size_or_unknown), self.args);
        let first = args.first().map(EstimatedPart::size_or_unknown);
        match overload {
            "string_format" => Some(CallEstimate::of(target?.times(TEXT_FACTOR))),
            "string_to_bytes" => {
                let size = first?;
                let result = CostRange { min: size.min, max: size.max.wrapping_mul(4) };
                Some(CallEstimate::sized(size.times(TEXT_FACTOR), result))
            }
            "bytes_to_string" => {
                let size = first?;
                let result = CostRange { min: size.min / 4, max: size.max };
                Some(CallEstimate::sized(size.times(TEXT_FACTOR), result))
            }
            "strings_quote" => {
                let size = first?;
                let result = CostRange {
                    min: size.min.wrapping_add(2),
                    max: size.max.wrapping_mul(2).wrapping_add(2),
                };
                Some(CallEstimate::sized(size.times(TEXT_FACTOR), result))
            }
            "starts_with_string" | "ends_with_string" => Some(CallEstimate::of(first?.times(TEXT_FACTOR))),
            "in_list" => Some(CallEstimate::of(args.get(1)?.size_or_unknown())),
            "matches_string" => {
                let text = target?.add(ONE).times(TEXT_FACTOR);
                Some(CallEstimate::of(text.multiply(first?.times(PATTERN_FACTOR))))
            }
            "contains_string" => {
                let text = target?.times(TEXT_FACTOR);
                Some(CallEstimate::of(text.multiply(first?.times(TEXT_FACTOR))))
            }
            "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "equals"
            | "not_equals" => {
                let max = first?.max.min(args.get(1)?.size_or_unknown().max);
                Some(CallEstimate::of(CostRange { min: u64::from(max > 0), max }.times(TEXT_FACTOR)))
            }
            _ => None,
        }
    }
}

/// Texts take longer to be compared.
fn sort_factor(overload: &str) -> f64 {
    if overload.starts_with("list_string_") || overload.starts_with("list_bytes_") {
        2.0 + TEXT_FACTOR
    } else {
        2.0
    }
}

#[allow(clippy::cast_precision_loss, reason = "as upstream")]
fn quotient(number: u64, by: u64) -> u64 {
    ceil(number as f64 / by as f64)
}

/// What a selector costs: it is read, and every two characters may be a requirement.
pub(super) fn selector_cost(length: CostRange) -> CostRange {
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let requirement = (LIST_COST + STRUCT_COST) as f64;
    let read = length.times(TEXT_FACTOR);
    CostRange::fixed(LIST_COST).add(read).add(length.times(0.5).times(requirement))
}
