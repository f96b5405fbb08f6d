//! Functions of lists, sets and maps.
//! cel-go: ext/lists.go, ext/sets.go, ext/comprehensions.go; k8s: staging/src/k8s.io/apiserver/pkg/cel/library/lists.go

use super::{Function, Result, function};
use crate::cel::eval::{CelMap, CelValue, EvalError, compare, equal};
use crate::limits;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub(super) const FUNCTIONS: &[Function] = &[
    function("cel.@mapInsert", |args| insert(args.to_vec())),
    function("isSorted", is_sorted),
    function("sum", sum),
    function("min", |args| most(args, "min", Ordering::Greater)),
    function("max", |args| most(args, "max", Ordering::Less)),
    function("distinct", distinct),
    function("reverse", |args| {
        let mut items = list(args)?;
        items.reverse();
        Ok(CelValue::list(items))
    }),
    function("slice", slice),
    function("flatten", flatten),
    function("lists.range", range),
    function("sort", |args| sort(args.first(), args.first())),
    function("@sortByAssociatedKeys", |args| sort(args.first(), args.get(1))),
    function("sets.contains", |args| {
        let (all, some) = two(args)?;
        Ok(CelValue::Bool(some.iter().all(|item| holds(&all, item))))
    }),
    function("sets.equivalent", |args| {
        let (one, other) = two(args)?;
        let within = |some: &[CelValue], all: &[CelValue]| some.iter().all(|item| holds(all, item));
        Ok(CelValue::Bool(within(&one, &other) && within(&other, &one)))
    }),
    function("sets.intersects", |args| {
        let (one, other) = two(args)?;
        Ok(CelValue::Bool(one.iter().any(|item| holds(&other, item))))
    }),
];

fn list(args: &[CelValue]) -> Result<Vec<CelValue>> {
    args.first().and_then(CelValue::elements).ok_or_else(EvalError::no_overload)
}

fn two(args: &[CelValue]) -> Result<(Vec<CelValue>, Vec<CelValue>)> {
    let other = args.get(1).and_then(CelValue::elements).ok_or_else(EvalError::no_overload)?;
    Ok((list(args)?, other))
}

fn holds(items: &[CelValue], item: &CelValue) -> bool {
    items.iter().any(|held| equal(held, item))
}

/// Adds a list to a list, in place if nobody else holds it; None for what are no lists.
pub(super) fn add(args: &mut Vec<CelValue>) -> Option<Result<CelValue>> {
    let [first, second] = args.as_slice() else { return None };
    if !first.is_list() || !second.is_list() {
        return None;
    }
    let length = first.len()? + second.len()?;
    if length > limits::CEL_ELEMENTS {
        return Some(Err(EvalError::new("list has too many elements")));
    }
    let (second, first) = (args.pop()?, args.pop()?);
    if let CelValue::TypedList(list) = &first {
        return Some(list.add(&second).ok_or_else(EvalError::no_overload));
    }
    if matches!(second, CelValue::TypedList(_)) && first.len() == Some(0) {
        return Some(Ok(second));
    }
    let more = second.elements()?;
    let held = match first {
        CelValue::List(items) => items,
        other => Arc::new(other.elements()?),
    };
    let mut items = Arc::unwrap_or_clone(held);
    items.extend(more);
    Some(Ok(CelValue::List(Arc::new(items))))
}

/// A map with one entry more, or with all of another one.
pub(super) fn insert(mut args: Vec<CelValue>) -> Result<CelValue> {
    let more = match (args.len(), args.pop()) {
        (3, Some(value)) => Vec::from([(args.pop().unwrap_or(CelValue::Null), value)]),
        (_, last) => last.and_then(|last| last.entries()).ok_or_else(EvalError::no_overload)?,
    };
    let mut map = match args.pop() {
        Some(CelValue::Map(map)) => Arc::unwrap_or_clone(map),
        Some(other) => CelMap { entries: other.entries().ok_or_else(EvalError::no_overload)? },
        None => return Err(EvalError::no_overload()),
    };
    for (key, value) in more {
        if map.get(&key).is_some() {
            return Err(EvalError::new(format!("insert failed: key {} already exists", key.shown())));
        }
        map.entries.push((key, value));
    }
    Ok(CelValue::Map(Arc::new(map)))
}

pub(super) fn index_of(args: &[CelValue], is_last: bool) -> Result<CelValue> {
    let [_, item] = args else { return Err(EvalError::no_overload()) };
    let items = list(args)?;
    let is = |held: &CelValue| equal(held, item);
    let found = if is_last { items.iter().rposition(is) } else { items.iter().position(is) };
    Ok(CelValue::Int(found.and_then(|found| i64::try_from(found).ok()).unwrap_or(-1)))
}

fn is_sorted(args: &[CelValue]) -> Result<CelValue> {
    let items = list(args)?;
    for pair in items.windows(2) {
        if let [one, other] = pair
            && compare(one, other)? == Ordering::Greater
        {
            return Ok(CelValue::Bool(false));
        }
    }
    Ok(CelValue::Bool(true))
}

fn sum(args: &[CelValue]) -> Result<CelValue> {
    let mut total: Option<CelValue> = None;
    for item in list(args)? {
        total = Some(match total {
            None => item,
            Some(total) => super::standard::add(&[total, item])?,
        });
    }
    // The type of an empty list is not known here: a whole number is equal to that of every other type.
    Ok(total.unwrap_or(CelValue::Int(0)))
}

fn most(args: &[CelValue], name: &str, replaces: Ordering) -> Result<CelValue> {
    let mut found: Option<CelValue> = None;
    for item in list(args)? {
        match &found {
            Some(held) if compare(held, &item)? != replaces => {}
            Some(_) | None => found = Some(item),
        }
    }
    found.ok_or_else(|| EvalError::new(format!("{name} called on empty list")))
}

fn distinct(args: &[CelValue]) -> Result<CelValue> {
    let mut kept: Vec<CelValue> = Vec::new();
    for item in list(args)? {
        if !holds(&kept, &item) {
            kept.push(item);
        }
    }
    Ok(CelValue::list(kept))
}

fn slice(args: &[CelValue]) -> Result<CelValue> {
    let [_, CelValue::Int(start), CelValue::Int(end)] = args else { return Err(EvalError::no_overload()) };
    let items = list(args)?;
    let length = items.len();
    let refuse = |why: &str| Err(EvalError::new(format!("cannot slice({start}, {end}), {why}")));
    let (Ok(from), Ok(to)) = (usize::try_from(*start), usize::try_from(*end)) else {
        return refuse("negative indexes not supported");
    };
    if from > to {
        return refuse("start index must be less than or equal to end index");
    }
    match items.get(from..to) {
        Some(part) => Ok(CelValue::list(part.to_vec())),
        None => refuse(&format!("list is length {length}")),
    }
}

fn flatten(args: &[CelValue]) -> Result<CelValue> {
    let level = match args {
        [_] => 1,
        [_, CelValue::Int(level)] => *level,
        _ => return Err(EvalError::no_overload()),
    };
    if level < 0 {
        return Err(EvalError::new("level must be non-negative"));
    }
    let mut flat = Vec::new();
    flatten_into(list(args)?, level, &mut flat);
    Ok(CelValue::list(flat))
}

fn flatten_into(items: Vec<CelValue>, level: i64, flat: &mut Vec<CelValue>) {
    for item in items {
        match item.elements() {
            Some(inner) if level > 0 => flatten_into(inner, level - 1, flat),
            Some(_) | None => flat.push(item),
        }
    }
}

fn range(args: &[CelValue]) -> Result<CelValue> {
    let [CelValue::Int(end)] = args else { return Err(EvalError::no_overload()) };
    if usize::try_from(*end).is_ok_and(|end| end > limits::CEL_ELEMENTS) {
        return Err(EvalError::new("list has too many elements"));
    }
    Ok(CelValue::list((0..*end).map(CelValue::Int).collect()))
}

fn sort(list: Option<&CelValue>, keys: Option<&CelValue>) -> Result<CelValue> {
    let items = list.and_then(CelValue::elements).ok_or_else(EvalError::no_overload)?;
    let keys = keys.and_then(CelValue::elements).ok_or_else(EvalError::no_overload)?;
    if items.len() != keys.len() {
        let (items, keys) = (items.len(), keys.len());
        return Err(EvalError::new(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {items} \
             and {keys} elements respectively"
        )));
    }
    if let [first, rest @ ..] = keys.as_slice() {
        compare(first, first).map_err(|_| EvalError::new("list elements must be comparable"))?;
        if rest.iter().any(|key| key.type_name() != first.type_name()) {
            return Err(EvalError::new("list elements must have the same type"));
        }
    }
    let mut pairs: Vec<(CelValue, CelValue)> = keys.into_iter().zip(items).collect();
    pairs.sort_by(|(one, _), (other, _)| compare(one, other).unwrap_or(Ordering::Equal));
    Ok(CelValue::list(pairs.into_iter().map(|(_, item)| item).collect()))
}
