//! The ranges that addresses are taken from, and how an address is chosen.
//! k8s: pkg/registry/core/service/ipallocator/{ipallocator,cidrallocator}.go

use super::address::{family, is_held};
use crate::kinds::Facts;
use crate::rng::Rng;
use crate::value::ip::{IpNetwork, SloppyCidr, SloppyIp};
use crate::value::{Value, object};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::ControlFlow;

pub(in super::super) const FULL: &str = "range is full";
const ALLOCATED: &str = "provided IP is already allocated";
const MISMATCHED: &str = "the provided network does not match the current range";
const NOT_READY: &str = "allocator not ready";

/// The shortest prefix of an IPv6 range that addresses are taken from.
const IPV6_BITS_MIN: u32 = 64;

/// The ranges of one family that ServiceCIDR objects name, and whether addresses may be taken from them.
pub(in super::super) struct IpRanges(Vec<(IpRange, bool)>);

impl IpRanges {
    pub(in super::super) fn of(wanted: &str, facts: &Facts<'_>) -> Self {
        let mut found = BTreeMap::<String, (IpRange, bool)>::new();
        facts.objects.visit("networking.k8s.io", "servicecidrs", "", &mut |object| {
            let is_ready = is_ready(object) && !object::is_being_deleted(object);
            for text in object.at(&["spec", "cidrs"]).and_then(Value::as_list).unwrap_or_default() {
                let network = text.as_str().and_then(SloppyCidr::parse).map(|range| range.network());
                let range = network.filter(|network| family(network.address().is_ipv6()) == wanted);
                if let Some(range) = range.and_then(IpRange::of) {
                    let held = found.entry(range.network.to_string()).or_insert((range, false));
                    held.1 |= is_ready;
                }
            }
            ControlFlow::Continue(())
        });
        Self(found.into_values().collect())
    }

    /// An address that nobody holds; only an example in a dry run.
    pub(in super::super) fn choose(&self, facts: &Facts<'_>, rng: &Rng) -> Result<IpAddr, String> {
        if facts.dry_run {
            let first = self.0.first().filter(|(_, is_ready)| *is_ready);
            return first.map(|(range, _)| range.network.address()).ok_or_else(|| NOT_READY.into());
        }
        let ready = || self.0.iter().filter(|(_, is_ready)| *is_ready).map(|(range, _)| range);
        let free = ready()
            .enumerate()
            .find_map(|(index, range)| range.free(facts, &rng.fork("range", index as u64)));
        free.ok_or_else(|| FULL.into())
    }

    /// The named address, if it is in a range and nobody holds it.
    pub(in super::super) fn check(&self, named: &str, facts: &Facts<'_>) -> Result<IpAddr, String> {
        let address = SloppyIp::parse(named).map(|address| address.ip()).ok_or("no address")?;
        if facts.dry_run {
            let (range, is_ready) = self.0.first().ok_or(NOT_READY)?;
            if !is_ready {
                return Err(NOT_READY.into());
            }
            if !range.has(address) {
                let network = range.network;
                return Err(format!(
                    "the provided IP ({address}) is not in the valid range. The range of valid IPs is {network}"
                ));
            }
            return Ok(address);
        }
        if !self.0.iter().any(|(range, is_ready)| *is_ready && range.has(address)) {
            return Err(MISMATCHED.into());
        }
        if is_held(address, facts) { Err(ALLOCATED.into()) } else { Ok(address) }
    }
}

/// A ServiceCIDR without the condition counts as ready.
fn is_ready(object: &Value) -> bool {
    let conditions = object.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition.text_at(&["type"]) == "Ready");
    ready.is_none_or(|ready| ready.text_at(&["status"]) == "True")
}

/// A range of addresses. Those that are chosen come from the upper part as long as it has any, so that the lower part
/// is left for addresses that clients name.
#[derive(Clone, Copy, Debug)]
struct IpRange {
    network: IpNetwork,
    first: u128,
    last: u128,
    /// The first address of the upper part.
    upper: u128,
}

impl IpRange {
    /// None for a range that addresses cannot be taken from.
    fn of(network: IpNetwork) -> Option<Self> {
        if network.address().is_ipv6() && network.bits() < IPV6_BITS_MIN {
            return None;
        }
        let host_bits = network.most_bits() - network.bits();
        let base = number_of(network.address());
        let size = 1_u128 << host_bits;
        // Neither the address of the network nor, in IPv4, that of all its hosts.
        let first = base.saturating_add(1);
        let last = base + (size - 1);
        let last = if network.address().is_ipv4() { last.saturating_sub(1) } else { last };
        let upper = first + band(host_bits, size, network.address().is_ipv4());
        Some(Self { network, first, last, upper })
    }

    fn has(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.network.address().is_ipv4()
            && (self.first..=self.last).contains(&number_of(address))
    }

    /// An address that nobody holds. It is searched from a random one on; the search passes only addresses that are
    /// held, so it is no longer than the list of them.
    fn free(&self, facts: &Facts<'_>, rng: &Rng) -> Option<IpAddr> {
        let upper = self.free_in(self.upper, self.last, facts, rng.fork("upper", 0));
        upper.or_else(|| self.free_in(self.first, self.upper - 1, facts, rng.fork("lower", 0)))
    }

    fn free_in(&self, first: u128, last: u128, facts: &Facts<'_>, mut rng: Rng) -> Option<IpAddr> {
        if first > last {
            return None;
        }
        let size = last - first + 1;
        let start = first + u128::from(rng.below(u64::try_from(size).unwrap_or(u64::MAX)));
        let mut candidates = (start..=last).chain(first..start).map(|number| self.address(number));
        candidates.find(|address| !is_held(*address, facts))
    }

    fn address(&self, number: u128) -> IpAddr {
        if self.network.address().is_ipv4() {
            IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)))
        } else {
            IpAddr::V6(Ipv6Addr::from(number))
        }
    }
}

/// How many addresses are in the lower part: a sixteenth, between 16 and 256, and none of a range of at most 16.
fn band(host_bits: u32, size: u128, is_ipv4: bool) -> u128 {
    let is_beyond_count = is_ipv4 && host_bits >= 31;
    if is_beyond_count || size <= 16 { 0 } else { (size / 16).clamp(16, 256) }
}

fn number_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::codec::json;
    use crate::config::Config;
    use crate::kinds::facts::given::InMemory;
    use crate::now::Wall;

    /// A ServiceCIDR, and IPAddresses of these names.
    fn objects(ranges: &str, status: &str, held: impl IntoIterator<Item = String>) -> InMemory {
        let mut objects = InMemory::default();
        let text = format!(r#"{{"spec":{{"cidrs":{ranges}}},"status":{status}}}"#);
        let range = json::parse(text.as_bytes()).expect("JSON").value;
        let key = |plural: &str, name: &str| ["networking.k8s.io", plural, "", name].map(String::from);
        objects.0.insert(key("servicecidrs", "kubernetes"), range);
        for name in held {
            objects.0.insert(key("ipaddresses", &name), Value::empty_map());
        }
        objects
    }

    fn with<T>(objects: &InMemory, dry_run: bool, run: impl FnOnce(&Facts<'_>) -> T) -> T {
        let (caller, config) = (Caller::server(), Config::open(0));
        let facts = Facts::of_create(&caller, Wall::from_seconds(0), &config, objects);
        run(&Facts { dry_run, ..facts })
    }

    #[test]
    fn every_address_of_a_range_is_had_once_and_the_upper_ones_first() {
        let mut held = Vec::<String>::new();
        for count in 0..62 {
            let objects = objects(r#"["10.0.0.0/26"]"#, "{}", held.clone());
            let chosen = with(&objects, false, |facts| {
                IpRanges::of("IPv4", facts).choose(facts, &Rng::new(count)).expect("an address")
            });
            let IpAddr::V4(address) = chosen else { panic!("an IPv6 address") };
            let last = address.octets()[3];
            assert!(
                if count < 46 { (17..=62).contains(&last) } else { (1..=16).contains(&last) },
                "{address}"
            );
            assert!(!held.contains(&address.to_string()), "{address}");
            held.push(address.to_string());
        }
        let objects = objects(r#"["10.0.0.0/26"]"#, "{}", held);
        with(&objects, false, |facts| {
            assert_eq!(IpRanges::of("IPv4", facts).choose(facts, &Rng::new(1)), Err(FULL.into()));
        });
    }

    #[test]
    fn a_named_address_must_be_in_a_range_that_is_ready_and_free() {
        let (range, held) = (r#"["10.0.0.0/24","fd00::/112"]"#, ["10.0.0.9".to_string()]);
        let waiting = r#"{"conditions":[{"type":"Ready","status":"False"}]}"#;
        let outside =
            "the provided IP (10.0.1.1) is not in the valid range. The range of valid IPs is 10.0.0.0/24";
        let table = [
            ("{}", false, "IPv4", "10.0.0.1", "10.0.0.1"),
            ("{}", false, "IPv4", "10.0.0.254", "10.0.0.254"),
            ("{}", false, "IPv4", "10.0.0.0", MISMATCHED),
            ("{}", false, "IPv4", "10.0.0.255", MISMATCHED),
            ("{}", false, "IPv4", "10.0.0.9", ALLOCATED),
            ("{}", false, "IPv6", "fd00::ffff", "fd00::ffff"),
            ("{}", false, "IPv6", "fd00::", MISMATCHED),
            ("{}", true, "IPv4", "10.0.0.9", "10.0.0.9"),
            ("{}", true, "IPv4", "10.0.1.1", outside),
            (waiting, false, "IPv4", "10.0.0.1", MISMATCHED),
            (waiting, true, "IPv4", "10.0.0.1", NOT_READY),
        ];
        for (status, dry_run, family, named, expected) in table {
            let objects = objects(range, status, held.clone());
            let found = with(&objects, dry_run, |facts| IpRanges::of(family, facts).check(named, facts));
            assert_eq!(found.map_or_else(|why| why, |address| address.to_string()), expected, "{named}");
        }
    }

    #[test]
    fn the_lower_part_has_upstreams_size() {
        let network = |text: &str| SloppyCidr::parse(text).expect("a range").network();
        let table = [
            ("10.0.0.0/28", 0),
            ("10.0.0.0/27", 16),
            ("10.0.0.0/24", 16),
            ("10.0.0.0/23", 32),
            ("10.0.0.0/20", 256),
            ("10.0.0.0/12", 256),
            ("fd00::/112", 256),
            ("fd00::/64", 256),
        ];
        for (text, size) in table {
            let range = IpRange::of(network(text)).expect("a range");
            assert_eq!(range.upper - range.first, size, "{text}");
        }
        assert!(IpRange::of(network("fd00::/63")).is_none());
        for text in
            ["10.0.0.0/32", "10.0.0.0/31", "fd00::/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"]
        {
            let range = IpRange::of(network(text)).expect("a range");
            assert!(range.first > range.last || range.last == u128::MAX, "{text}");
        }
        let last = IpRange::of(network("ffff:ffff:ffff:ffff::/64")).expect("a range");
        assert_eq!(last.last, u128::MAX);
    }
}
