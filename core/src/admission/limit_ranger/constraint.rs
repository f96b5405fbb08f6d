//! The bounds that one item of a limit range sets, and what is wrong with resources that do not keep to them.

use crate::value::quantity::Quantity;
use crate::value::{Map, Text, Value};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Quantities by the names of resources.
pub(in crate::admission) type Resources = BTreeMap<Text, Quantity>;

/// The quantities of a map of resources. What cannot be read is left out.
pub(in crate::admission) fn resources(held: Option<&Value>) -> Resources {
    let entries = held.and_then(Value::as_map).into_iter().flat_map(Map::iter);
    entries.filter_map(|(name, held)| Some((name.clone(), Quantity::from_value(held).ok()?))).collect()
}

/// What a container, pod or claim asks for.
pub(super) struct Asked {
    pub(super) requests: Resources,
    pub(super) limits: Resources,
}

impl Asked {
    pub(super) fn of(requests: Option<&Value>, limits: Option<&Value>) -> Self {
        Self { requests: resources(requests), limits: resources(limits) }
    }
}

/// The bounds of one type of thing.
pub(super) struct Constraints {
    of: &'static str,
    min: Resources,
    max: Resources,
    ratio: Resources,
}

/// Quantities that are compared: as thousandths, if none is too large for that, as whole numbers otherwise.
struct Comparable {
    request: Quantity,
    limit: Quantity,
    enforced: Quantity,
}

/// The largest number of which 64 bits hold the thousandths.
const MILLI_MAX: i64 = i64::MAX / 1000;

fn is_small(quantity: &Quantity) -> bool {
    quantity.to_i64().is_some_and(|whole| whole <= MILLI_MAX)
}

impl Comparable {
    fn of(request: Option<&Quantity>, limit: Option<&Quantity>, enforced: &Quantity) -> Self {
        let [mut request, mut limit] = [request, limit].map(|held| held.cloned().unwrap_or(Quantity::ZERO));
        let mut enforced = enforced.clone();
        let are_small = [&request, &limit, &enforced].into_iter().all(is_small);
        for quantity in [&mut request, &mut limit, &mut enforced] {
            quantity.round_up(if are_small { -3 } else { 0 });
        }
        Self { request, limit, enforced }
    }
}

fn exceeds(one: &Quantity, other: &Quantity) -> bool {
    one.compare(other) == Ordering::Greater
}

impl Constraints {
    pub(super) fn of(item: &Value, of: &'static str) -> Self {
        Self {
            of,
            min: resources(item.field("min")),
            max: resources(item.field("max")),
            ratio: resources(item.field("maxLimitRequestRatio")),
        }
    }

    /// Checks requests and limits.
    pub(super) fn check(&self, asked: &Asked, problems: &mut Vec<String>) {
        problems.extend(self.min.iter().filter_map(|(name, min)| self.below(name, min, asked)));
        problems.extend(self.max.iter().filter_map(|(name, max)| self.above(name, max, asked)));
        problems.extend(self.ratio.iter().filter_map(|(name, ratio)| self.steep(name, ratio, asked)));
    }

    /// Checks requests where there are no limits.
    pub(super) fn check_request(&self, asked: &Asked, problems: &mut Vec<String>) {
        problems.extend(self.min.iter().filter_map(|(name, min)| self.below(name, min, asked)));
        problems.extend(self.max.iter().filter_map(|(name, max)| self.request_above(name, max, asked)));
    }

    fn below(&self, name: &str, min: &Quantity, asked: &Asked) -> Option<String> {
        let (request, limit) = (asked.requests.get(name), asked.limits.get(name));
        let rounded = Comparable::of(request, limit, min);
        let told = format!("minimum {name} usage per {} is {}", self.of, min.canonical());
        match (request, limit) {
            (None, _) => Some(format!("{told}.  No request is specified")),
            (Some(request), _) if exceeds(&rounded.enforced, &rounded.request) => {
                Some(format!("{told}, but request is {}", request.canonical()))
            }
            (_, Some(limit)) if exceeds(&rounded.enforced, &rounded.limit) => {
                Some(format!("{told}, but limit is {}", limit.canonical()))
            }
            (Some(_), _) => None,
        }
    }

    fn above(&self, name: &str, max: &Quantity, asked: &Asked) -> Option<String> {
        let (request, limit) = (asked.requests.get(name), asked.limits.get(name));
        let rounded = Comparable::of(request, limit, max);
        let told = format!("maximum {name} usage per {} is {}", self.of, max.canonical());
        match (request, limit) {
            (_, None) => Some(format!("{told}.  No limit is specified")),
            (_, Some(limit)) if exceeds(&rounded.limit, &rounded.enforced) => {
                Some(format!("{told}, but limit is {}", limit.canonical()))
            }
            (Some(request), _) if exceeds(&rounded.request, &rounded.enforced) => {
                Some(format!("{told}, but request is {}", request.canonical()))
            }
            (_, Some(_)) => None,
        }
    }

    fn request_above(&self, name: &str, max: &Quantity, asked: &Asked) -> Option<String> {
        let told = format!("maximum {name} usage per {} is {}", self.of, max.canonical());
        let Some(request) = asked.requests.get(name) else {
            return Some(format!("{told}.  No request is specified"));
        };
        let rounded = Comparable::of(Some(request), None, max);
        exceeds(&rounded.request, &rounded.enforced)
            .then(|| format!("{told}, but request is {}", request.canonical()))
    }

    fn steep(&self, name: &str, ratio: &Quantity, asked: &Asked) -> Option<String> {
        let (request, limit) = (asked.requests.get(name), asked.limits.get(name));
        let told = format!("{name} max limit to request ratio per {} is {}", self.of, ratio.canonical());
        let rounded = Comparable::of(request, limit, ratio);
        if request.is_none() || rounded.request.is_zero() {
            return Some(format!("{told}, but no request is specified or request is 0"));
        }
        if limit.is_none() || rounded.limit.is_zero() {
            return Some(format!("{told}, but no limit is specified or limit is 0"));
        }
        let observed = rounded.limit.to_f64() / rounded.request.to_f64();
        let mut most = ratio.clone();
        most.round_up(if is_small(ratio) { -3 } else { 0 });
        (observed > most.to_f64()).then(|| format!("{told}, but provided ratio is {observed:.6}"))
    }
}
