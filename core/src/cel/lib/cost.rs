//! What a call costs when it is made.
//! cel-go: interpreter/runtimecost.go; k8s: staging/src/k8s.io/apiserver/pkg/cel/library/cost.go

use crate::cel::ast::operators;
use crate::cel::eval::CelValue;

/// The parts of an operation that a text of this length costs.
fn tenth(length: u64) -> u64 {
    length.div_ceil(10)
}

fn size(value: Option<&CelValue>) -> u64 {
    match value {
        Some(CelValue::Optional(Some(held))) => size(Some(held)),
        Some(value) => value.len().and_then(|length| u64::try_from(length).ok()).unwrap_or(1),
        None => 1,
    }
}

/// What a search for a pattern costs. One more for the text, so that an expensive pattern costs something for an empty
/// one too.
pub(crate) fn of_match(text: usize, pattern: u64) -> u64 {
    tenth(u64::try_from(text).unwrap_or(u64::MAX).saturating_add(1)).saturating_mul(pattern.div_ceil(4))
}

pub(super) fn of_call(name: &str, args: &[CelValue]) -> u64 {
    let (first, second) = (size(args.first()), size(args.get(1)));
    let is_text = matches!(args.first(), Some(CelValue::Str(_) | CelValue::Bytes(_)));
    let is_list = args.first().is_some_and(CelValue::is_list);
    match name {
        "startsWith" | "endsWith" | "strings.quote" | "format" => tenth(first),
        "bytes" | "string" if is_text => tenth(first),
        operators::IN if args.get(1).is_some_and(CelValue::is_list) => second,
        operators::EQUALS | operators::NOT_EQUALS => tenth(first.min(second)),
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS
            if is_text =>
        {
            tenth(first.min(second))
        }
        operators::ADD if is_text => tenth(first + second),
        "matches" | "find" | "findAll" => of_match(usize::try_from(first).unwrap_or(usize::MAX), second),
        "contains" | "indexOf" | "lastIndexOf" if is_text => {
            tenth(first).saturating_mul(tenth(second)).max(1)
        }
        "lowerAscii" | "upperAscii" | "trim" | "substring" | "replace" | "split" | "join" => tenth(first),
        "isSorted" | "sum" | "min" | "max" | "indexOf" | "lastIndexOf" if is_list => first,
        "reverse" | "slice" | "flatten" => first,
        "distinct" | "sort" | "@sortByAssociatedKeys" => first.saturating_mul(first),
        "sets.contains" | "sets.intersects" => first.saturating_mul(second),
        "sets.equivalent" => first.saturating_mul(second).saturating_mul(2),
        "lists.range" => match args.first() {
            Some(CelValue::Int(end)) => u64::try_from(*end).unwrap_or(1),
            _ => 1,
        },
        "validate" | "url" | "isURL" | "ip" | "isIP" | "cidr" | "isCIDR" | "quantity" | "isQuantity"
        | "semver" | "isSemver" => tenth(first).max(1),
        _ => 1,
    }
}
