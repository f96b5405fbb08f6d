//! An address and a node port belong to one service at most, and whatever no service has can be taken again.

use super::{Guarantee, Violation, shown};
use crate::truth::CommittedChange;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use steersman_core::codec::base64;
use steersman_core::store::Rev;
use steersman_core::value::Value;

const SERVICES: &[u8] = b"/registry/services/specs/";
const ADDRESSES: &[u8] = b"/registry/ipaddresses/";
const PORTS: &[u8] = b"/registry/ranges/servicenodeports";

/// The first node port of the range.
const FIRST_PORT: i64 = 30_000;

/// What services have and what is claimed, as of a revision.
#[derive(Clone, Debug, Default)]
pub struct Allocations {
    revision: Rev,
    /// A service changed at the revision.
    of_service: bool,
    /// The addresses that were claimed or given back at the revision.
    touched: BTreeSet<String>,
    services: BTreeMap<Bytes, Held>,
    claimed: BTreeSet<String>,
    ports: BTreeSet<i64>,
    /// Addresses whose objects a client has written itself: what becomes of them is its own affair.
    meddled: BTreeSet<String>,
    /// A value appeared that cannot be read, so nothing is known any more.
    is_blind: bool,
}

#[derive(Clone, Debug, Default)]
struct Held {
    addresses: Vec<String>,
    ports: BTreeSet<i64>,
}

impl Allocations {
    /// Notes a change of the store. A revision is judged when the next one begins.
    ///
    /// # Errors
    /// When two services have the same, or what is claimed is not what services have.
    pub fn note(&mut self, change: &CommittedChange) -> Result<(), Violation> {
        if change.revision > self.revision {
            self.judge()?;
            self.revision = change.revision;
        }
        let (key, new) = (&change.key, change.new.as_ref());
        if ![SERVICES, ADDRESSES, PORTS].iter().any(|prefix| key.starts_with(prefix)) {
            return Ok(());
        }
        if [new, change.old.as_ref()].into_iter().flatten().any(|held| !held.is_readable()) {
            self.is_blind = true;
            return Ok(());
        }
        if key.starts_with(SERVICES) {
            self.of_service = true;
            match new {
                Some(new) => self.services.insert(key.clone(), Held::of(&new.object)),
                None => self.services.remove(key),
            };
        } else if let Some(name) = key.strip_prefix(ADDRESSES) {
            let name = String::from_utf8_lossy(name).into_owned();
            match new {
                Some(_) => self.claimed.insert(name.clone()),
                None => self.claimed.remove(&name),
            };
            self.touched.insert(name);
        } else if let Some(new) = new {
            self.ports = ports_in(&new.object);
        }
        Ok(())
    }

    /// Judges the last revision.
    ///
    /// # Errors
    /// As `note`.
    pub fn judge(&mut self) -> Result<(), Violation> {
        let touched = std::mem::take(&mut self.touched);
        let of_service = std::mem::take(&mut self.of_service);
        if !of_service {
            // Services are written in the same commit as their addresses.
            self.meddled.extend(touched);
            return Ok(());
        }
        if self.is_blind {
            return Ok(());
        }
        let mut holders: BTreeMap<String, &Bytes> = BTreeMap::new();
        for (key, held) in &self.services {
            let ports = held.ports.iter().map(|port| format!("port {port}"));
            let addresses = held.addresses.iter().filter(|address| !self.meddled.contains(*address));
            for what in addresses.cloned().chain(ports) {
                if let Some(other) = holders.insert(what.clone(), key) {
                    let why = format!("{} and {} both have {what}", shown(other), shown(key));
                    return Err(self.broken(Guarantee::AllocationsAreHeldOnce, why));
                }
            }
        }
        let claimed = self.claimed.difference(&self.meddled).cloned();
        let claimed: BTreeSet<String> =
            claimed.chain(self.ports.iter().map(|port| format!("port {port}"))).collect();
        let held: BTreeSet<String> = holders.into_keys().collect();
        if let Some(what) = claimed.symmetric_difference(&held).next() {
            let is = if held.contains(what) { "is held and not claimed" } else { "is claimed by nobody" };
            return Err(self.broken(Guarantee::AllocationsAreNotLost, format!("{what} {is}")));
        }
        Ok(())
    }

    fn broken(&self, guarantee: Guarantee, why: String) -> Violation {
        Violation::new(guarantee, format!("at {}: {why}", self.revision.0))
    }
}

impl Held {
    fn of(service: &Value) -> Self {
        let kind = service.text_at(&["spec", "type"]);
        let list = |path: &[&str]| service.at(path).and_then(Value::as_list).unwrap_or_default().to_vec();
        let addresses = list(&["spec", "clusterIPs"]);
        let addresses = addresses.iter().filter_map(Value::as_str).filter(|text| *text != "None");
        let mut ports = BTreeSet::new();
        if matches!(kind, "NodePort" | "LoadBalancer") {
            let items = list(&["spec", "ports"]);
            ports.extend(items.iter().filter_map(|port| port.field("nodePort").and_then(Value::as_int)));
        }
        if kind == "LoadBalancer" && service.text_at(&["spec", "externalTrafficPolicy"]) == "Local" {
            ports.extend(service.at(&["spec", "healthCheckNodePort"]).and_then(Value::as_int));
        }
        ports.remove(&0);
        Self { addresses: addresses.map(str::to_owned).collect(), ports }
    }
}

/// The ports that a stored allocation says are taken.
fn ports_in(allocations: &Value) -> BTreeSet<i64> {
    let bytes = base64::decode(allocations.text_at(&["data"])).unwrap_or_default();
    let mut ports = BTreeSet::new();
    for (place, byte) in bytes.iter().rev().enumerate() {
        ports
            .extend((0..8).filter(|bit| byte >> bit & 1 == 1).map(|bit| FIRST_PORT + place as i64 * 8 + bit));
    }
    ports
}
