//! The object of an address, which says who holds it: its holder's commit creates and removes it.
//! k8s: pkg/registry/core/service/ipallocator/ipallocator.go

use crate::kinds::{ClaimChange, ClaimPlace, Claims, Facts};
use crate::museum::Mutant;
use crate::value::ip::SloppyIp;
use crate::value::{Value, object};
use alloc::string::ToString;
use core::net::IpAddr;

const GROUP: &str = "networking.k8s.io";
const ADDRESSES: &str = "ipaddresses";
const FAMILY_LABEL: &str = "ipaddress.kubernetes.io/ip-family";
const MANAGED_BY_LABEL: &str = "ipaddress.kubernetes.io/managed-by";
const MANAGER: &str = "ipallocator.k8s.io";

/// The name of a family.
pub(in super::super) fn family(is_ipv6: bool) -> &'static str {
    if is_ipv6 { "IPv6" } else { "IPv4" }
}

/// Whether somebody holds an address.
pub(in super::super) fn is_held(address: IpAddr, facts: &Facts<'_>) -> bool {
    facts.objects.has(GROUP, ADDRESSES, "", &address.to_string())
}

/// Claims an address for a service.
pub(in super::super) fn take(address: IpAddr, service: &Value, facts: &Facts<'_>, claims: &mut Claims) {
    if facts.config.flaw.is(Mutant::AddressUnclaimed) {
        return;
    }
    let place = ClaimPlace::of_cluster(GROUP, ADDRESSES, address.to_string());
    claims.add(place, None, ClaimChange::Put(address_object(address, service)));
}

/// Removes the object of an address, if it says that the service holds it.
pub(in super::super) fn release(address: &str, service: &Value, facts: &Facts<'_>, claims: &mut Claims) {
    let Some(address) = SloppyIp::parse(address).map(|address| address.ip()) else { return };
    let name = address.to_string();
    let place = ClaimPlace::of_cluster(GROUP, ADDRESSES, name.as_str());
    let Some(mut held) = facts.objects.get(GROUP, ADDRESSES, "", &name) else {
        // It may be there nevertheless, unseen as yet.
        return claims.add(place, None, ClaimChange::Keep);
    };
    if holder_of(&held) != holder(service) {
        // The service may have taken it after this was read.
        return claims.add(place, Some(&held), ClaimChange::Keep);
    }
    if object::finalizers(&held).next().is_none() {
        claims.add(place, Some(&held), ClaimChange::Delete);
    } else if object::is_being_deleted(&held) {
        claims.add(place, Some(&held), ClaimChange::Keep);
    } else {
        let seen = held.clone();
        object::set_deletion_timestamp(&mut held, Some(facts.now));
        object::set_deletion_grace_period_seconds(&mut held, Some(0));
        claims.add(place, Some(&seen), ClaimChange::Put(held));
    }
}

type Holder<'a> = (&'a str, &'a str, &'a str);

fn holder(service: &Value) -> Holder<'_> {
    ("services", object::namespace(service), object::name(service))
}

fn holder_of(address: &Value) -> Holder<'_> {
    let part = |name: &str| address.text_at(&["spec", "parentRef", name]);
    (part("resource"), part("namespace"), part("name"))
}

/// The object that says who holds an address.
fn address_object(address: IpAddr, service: &Value) -> Value {
    let (resource, namespace, name) = holder(service);
    let mut object = Value::empty_map();
    object::set_api_version_and_kind(&mut object, "networking.k8s.io/v1", "IPAddress");
    object::set_name(&mut object, &address.to_string());
    object::set_label(&mut object, FAMILY_LABEL, family(address.is_ipv6()));
    object::set_label(&mut object, MANAGED_BY_LABEL, MANAGER);
    for (field, text) in [("resource", resource), ("namespace", namespace), ("name", name)] {
        object.set_at(&["spec", "parentRef", field], text.into());
    }
    object
}
