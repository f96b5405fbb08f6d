//! Amounts of resources: their names, requests, limits and claims.

use super::context::each_container;
use super::words::validate_dns_label;
use crate::kinds::rules::resource_names::{
    is_huge_pages, is_overcommit_allowed, validate_container_resource_name, validate_quantity,
    validate_resource_name,
};
use crate::kinds::validation::{Errors, Located};
use crate::value::Value;
use crate::value::quantity::Quantity;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

const HUGE_PAGES: &str = "hugepages-";

/// Which resources can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kinds::rules) enum ResourceNames {
    OfContainer,
    OfPod,
}

impl ResourceNames {
    fn validate(self, at: &Located<'_, '_>, name: &str, errors: &mut Errors) {
        match self {
            Self::OfContainer => validate_container_resource_name(name, at, errors),
            Self::OfPod => {
                let is_known = validate_resource_name(name, at, errors);
                if is_known && !matches!(name, "cpu" | "memory") && !is_huge_pages(name) {
                    errors.not_supported_value(at, name, &["cpu", HUGE_PAGES, "memory"]);
                }
            }
        }
    }
}

/// What a pod needs beside its containers.
pub(super) fn validate_overhead(overhead: &Located<'_, '_>, lets_indivisible: bool, errors: &mut Errors) {
    // Upstream reads it as the limits of requirements that stand at its place.
    let (limits, nothing) = (overhead.member("limits"), Value::Null);
    let (limits, nothing) = (overhead.shown_at(&limits), Located::root(&nothing));
    let names = ResourceNames::OfContainer;
    validate_amounts(&limits, &nothing, overhead, names, lets_indivisible, errors);
}

/// What is seen in limits or requests.
#[derive(Default)]
struct Kinds {
    compute: bool,
    huge_pages: bool,
}

impl Kinds {
    fn see(&mut self, name: &str) {
        self.compute |= matches!(name, "cpu" | "memory");
        self.huge_pages |= is_huge_pages(name);
    }
}

/// Requests and limits that are not those of a container in a pod, and use no claims: what a runtime takes.
pub(in crate::kinds::rules) fn validate_resource_requirements(
    requirements: &Located<'_, '_>,
    errors: &mut Errors,
) {
    validate_requirements(requirements, ResourceNames::OfContainer, false, &BTreeSet::new(), errors);
}

pub(super) fn validate_requirements(
    requirements: &Located<'_, '_>,
    names: ResourceNames,
    lets_indivisible: bool,
    claims: &BTreeSet<&str>,
    errors: &mut Errors,
) {
    let (limits, requests) = (requirements.member("limits"), requirements.member("requests"));
    validate_amounts(&limits, &requests, requirements, names, lets_indivisible, errors);
    validate_claims(&requirements.member("claims"), claims, errors);
}

fn validate_amounts(
    limits: &Located<'_, '_>,
    requests: &Located<'_, '_>,
    requirements: &Located<'_, '_>,
    names: ResourceNames,
    lets_indivisible: bool,
    errors: &mut Errors,
) {
    let mut kinds = Kinds::default();
    for (name, limit) in limits.entries() {
        if errors.is_full() {
            return;
        }
        validate_amount(name, &limit, names, errors);
        validate_huge_pages(name, &limit, lets_indivisible, errors);
        kinds.see(name);
    }
    for (name, request) in requests.entries() {
        if errors.is_full() {
            return;
        }
        validate_amount(name, &request, names, errors);
        validate_within_limit(name, &request, requests, limits, errors);
        validate_huge_pages(name, &request, lets_indivisible, errors);
        kinds.see(name);
    }
    if kinds.huge_pages && !kinds.compute {
        errors.forbidden(requirements, "HugePages require cpu or memory");
    }
}

fn validate_amount(name: &str, amount: &Located<'_, '_>, names: ResourceNames, errors: &mut Errors) {
    names.validate(amount, name, errors);
    validate_quantity(name, amount, errors);
}

/// A request is at most its limit, and the same where nothing may be promised twice.
fn validate_within_limit(
    name: &str,
    request: &Located<'_, '_>,
    requests: &Located<'_, '_>,
    limits: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let limit = limits.key(name);
    let (Some(amount), limit) = (request.quantity(), limit.quantity()) else { return };
    let Some(limit) = limit else {
        if !is_overcommit_allowed(name) {
            errors.required(limits, "Limit must be set for non overcommitable resources");
        }
        return;
    };
    let shown = |what: &str| format!("{what} {name} limit of {}", limit.canonical());
    match amount.compare(&limit) {
        Ordering::Equal => {}
        _ if !is_overcommit_allowed(name) => {
            errors.invalid_value(requests, amount.canonical(), shown("must be equal to"));
        }
        Ordering::Greater => {
            errors.invalid_value(requests, amount.canonical(), shown("must be less than or equal to"));
        }
        Ordering::Less => {}
    }
}

fn validate_huge_pages(name: &str, at: &Located<'_, '_>, lets_indivisible: bool, errors: &mut Errors) {
    if !lets_indivisible
        && is_huge_pages(name)
        && let Some(amount) = at.quantity()
        && is_indivisible(name, &amount)
    {
        let shown = amount.canonical();
        let detail = format!("{shown} is not positive integer multiple of {name}");
        errors.invalid_value(at, shown, detail);
    }
}

/// Counted in thousandths, as upstream does, it is a multiple of a thousand.
fn is_whole(amount: &Quantity) -> bool {
    let (mut thousandths, mut whole) = (amount.clone(), amount.clone());
    thousandths.round_up(-3);
    whole.round_up(0);
    thousandths.compare(&whole) == Ordering::Equal
}

/// An amount of huge pages that is no multiple of their size.
fn is_indivisible(name: &str, amount: &Quantity) -> bool {
    let Some(size) = name.strip_prefix(HUGE_PAGES) else { return false };
    let size = Quantity::parse(size).ok().filter(|size| size.signum() > 0 && is_whole(size));
    let bytes = |quantity: &Quantity| {
        let mut whole = quantity.clone();
        whole.round_up(0);
        whole.to_i64().unwrap_or(i64::MAX)
    };
    size.is_none_or(|size| bytes(amount).checked_rem(bytes(&size)) != Some(0))
}

/// Whether a spec asks for parts of huge pages somewhere.
pub(super) fn has_indivisible_huge_pages(spec: &Located<'_, '_>) -> bool {
    let mut found = false;
    let mut see = |amounts: &Located<'_, '_>| {
        let is_wrong = |(name, at): (&str, Located<'_, '_>)| {
            at.quantity().is_some_and(|amount| is_indivisible(name, &amount))
        };
        found = found || amounts.entries().any(is_wrong);
    };
    each_container(spec, &mut |container| {
        see(&container.at(&["resources", "limits"]));
        see(&container.at(&["resources", "requests"]));
    });
    see(&spec.member("overhead"));
    found
}

/// Claims of a container are claims of its pod, each named once.
fn validate_claims(list: &Located<'_, '_>, claims: &BTreeSet<&str>, errors: &mut Errors) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for claim in list.items() {
        if errors.is_full() {
            return;
        }
        let name = claim.member("name").text();
        if name.is_empty() {
            errors.required(&claim, "");
            continue;
        }
        if seen.contains(name) {
            errors.duplicate_value(&claim, name);
        } else {
            validate_claim_request(&claim, name, &mut seen, errors);
        }
        if !claims.contains(name) {
            let known: Vec<&str> = claims.iter().copied().collect();
            let known =
                if known.is_empty() { " which is empty".into() } else { format!(": {}", known.join(", ")) };
            let detail = format!("must be one of the names in pod.spec.resourceClaims{known}");
            errors.not_found_because(&claim, name, detail);
        }
    }
}

fn validate_claim_request(
    claim: &Located<'_, '_>,
    name: &str,
    seen: &mut BTreeSet<String>,
    errors: &mut Errors,
) {
    let request = claim.member("request");
    if request.is_empty() {
        // The claim as a whole is more than each of its requests.
        let begins = format!("{name}/");
        for _ in seen.iter().filter(|key| key.starts_with(&begins)) {
            errors.duplicate_value(claim, name);
        }
        seen.insert(name.into());
        return;
    }
    validate_dns_label(&request, errors);
    let key = format!("{name}/{}", request.text());
    if seen.contains(&key) {
        errors.duplicate_value(claim, key.as_str());
    }
    seen.insert(key);
}

/// What the amount of a resource may be divided by.
pub(super) fn validate_divisor(resource: &str, divisor: &Located<'_, '_>, errors: &mut Errors) {
    const OF_BYTES: &[&str] =
        &["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    const BYTES: &str = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the";
    let Some(amount) = divisor.quantity().filter(|amount| !amount.is_zero()) else { return };
    let allowed = |values: &[&str]| values.contains(&amount.canonical().as_str());
    let detail = match resource {
        "limits.cpu" | "requests.cpu" if !allowed(&["1m", "1"]) => {
            "only divisor's values 1m and 1 are supported with the cpu resource".into()
        }
        _ if allowed(OF_BYTES) => return,
        "limits.memory" | "requests.memory" => format!("only divisor's values {BYTES} memory resource"),
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => {
            format!("only divisor's values {BYTES} local ephemeral storage resource")
        }
        other if other.starts_with("requests.hugepages-") || other.starts_with("limits.hugepages-") => {
            format!("only divisor's values {BYTES} hugepages resource")
        }
        _ => return,
    };
    errors.invalid_value(divisor, resource, detail);
}
