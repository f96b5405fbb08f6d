//! The cluster IPs of a service.
//! k8s: pkg/registry/core/service/storage/alloc.go

use super::super::allocation::address;
use super::super::allocation::ip_ranges::{FULL, IpRanges};
use super::claims::{invalid, list};
use super::families::keeps_both;
use super::kind::{is_external_name, is_headless_by_addresses};
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Claims, Facts};
use crate::museum::Mutant;
use crate::rng::Rng;
use crate::status::Failure;
use crate::value::{Value, object, quoted};
use alloc::format;
use alloc::string::ToString;

/// Takes the addresses that a service needs and does not have, and gives back those that it had and does not need.
///
/// # Errors
/// 422 for an address that it cannot have, 500 when no address is left.
pub(super) fn take(
    service: &mut Value,
    facts: &Facts<'_>,
    rng: &Rng,
    claims: &mut Claims,
) -> Result<(), Failure> {
    let spec = service.field("spec").cloned().unwrap_or_default();
    let Some(old) = facts.old.field("spec").filter(|_| !facts.is_create()) else {
        return take_all(service, &spec, facts, rng, claims);
    };
    if keeps_both(&spec, old) {
        return Ok(());
    }
    match (is_external_name(old), is_external_name(&spec)) {
        (true, true) => return Ok(()),
        (true, false) => return take_all(service, &spec, facts, rng, claims),
        (false, true) => {
            release_all(facts.old, facts, claims);
            return Ok(());
        }
        (false, false) => {}
    }
    if list(old, "clusterIPs").first().and_then(Value::as_str) == Some("None") {
        return Ok(());
    }
    match (list(old, "ipFamilies").len(), list(&spec, "ipFamilies").len()) {
        (1, 2) => take_from(1, service, &spec, facts, rng, claims),
        (2, 1) => {
            for address in list(old, "clusterIPs").iter().skip(1).filter_map(Value::as_str) {
                address::release(address, facts.old, facts, claims);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Gives back all addresses of a service.
pub(super) fn release(service: &Value, facts: &Facts<'_>, claims: &mut Claims) {
    if !service.field("spec").is_some_and(is_external_name) && !facts.config.flaw.is(Mutant::AddressLeaked) {
        release_all(service, facts, claims);
    }
}

fn release_all(service: &Value, facts: &Facts<'_>, claims: &mut Claims) {
    let Some(spec) = service.field("spec") else { return };
    let addresses = list(spec, "clusterIPs").iter().filter_map(Value::as_str);
    // Services of the time before the list have only the single address.
    let single = Some(spec.text_at(&["clusterIP"])).filter(|_| list(spec, "clusterIPs").is_empty());
    for address in addresses.chain(single) {
        address::release(address, service, facts, claims);
    }
}

fn take_all(
    service: &mut Value,
    spec: &Value,
    facts: &Facts<'_>,
    rng: &Rng,
    claims: &mut Claims,
) -> Result<(), Failure> {
    if is_external_name(spec) || is_headless_by_addresses(spec) {
        return Ok(());
    }
    take_from(0, service, spec, facts, rng, claims)
}

/// Takes an address for each family from one on: the one that is named, or any.
fn take_from(
    from: usize,
    service: &mut Value,
    spec: &Value,
    facts: &Facts<'_>,
    rng: &Rng,
    claims: &mut Claims,
) -> Result<(), Failure> {
    let mut addresses = list(spec, "clusterIPs").to_vec();
    let families = list(spec, "ipFamilies");
    // An address that is still to be chosen is shown as an empty one.
    addresses.resize(families.len().max(addresses.len()), Value::str(""));
    service.set_at(&["spec", "clusterIPs"], addresses.clone().into());
    for (index, family) in families.iter().enumerate().skip(from) {
        let ranges = IpRanges::of(family.as_str().unwrap_or(""), facts);
        let named = addresses.get(index).and_then(Value::as_str).unwrap_or("");
        let chosen = if named.is_empty() {
            ranges.choose(facts, &rng.fork("cluster ip", index as u64)).map_err(|why| full(service, &why))?
        } else {
            let taken = ranges.check(named, facts);
            taken.map_err(|why| refused(service, &format!("failed to allocate IP {named}: {why}")))?
        };
        if named.is_empty()
            && let Some(place) = addresses.get_mut(index)
        {
            *place = Value::str(chosen.to_string());
        }
        address::take(chosen, service, facts, claims);
    }
    if let Some(first) = addresses.first() {
        service.set_at(&["spec", "clusterIP"], first.clone());
    }
    service.set_at(&["spec", "clusterIPs"], addresses.into());
    Ok(())
}

fn refused(service: &Value, why: &str) -> Failure {
    let mut errors = Errors::new();
    errors.invalid(&Located::root(service).at(&["spec", "clusterIPs"]), why);
    invalid(service, errors.into_causes())
}

fn full(service: &Value, why: &str) -> Failure {
    if why != FULL {
        return refused(service, &format!("failed to allocate IP: {why}"));
    }
    let name = quoted(object::name(service));
    Failure::internal(format!("failed to allocate a serviceIP for Service {name}: {why}"))
}
