//! A quota counts exactly what is stored: it grows in the revision in which an object does, by what that object counts
//! for, and by nothing else.

use super::{Guarantee, Violation};
use crate::client::{QUOTA, QUOTA_KEY};
use crate::truth::CommittedChange;
use bytes::Bytes;
use std::collections::BTreeMap;
use steersman_core::codec::json;
use steersman_core::store::Rev;
use steersman_core::value::Value;
use steersman_core::value::quantity::Quantity;

const CONFIG_MAPS: &[u8] = b"/registry/configmaps/kube-public/";
const PODS: &[u8] = b"/registry/pods/kube-public/";
const SERVICES: &[u8] = b"/registry/services/specs/kube-public/";

/// Thousandths of what is counted, by name.
type Count = BTreeMap<&'static str, i64>;

/// What the quota says and what its namespace holds, as of a revision. Nothing is judged until the quota is there.
#[derive(Clone, Debug, Default)]
pub struct Quotas {
    revision: Rev,
    used: Option<BTreeMap<String, i64>>,
    hard: BTreeMap<String, i64>,
    /// What the quota says was used before this revision, if it has changed at it.
    before: Option<BTreeMap<String, i64>>,
    objects: BTreeMap<Bytes, Count>,
    /// What objects have grown by at this revision.
    growth: Count,
    /// A value appeared that cannot be read, or somebody has changed what the quota is: nothing is known any more.
    is_blind: bool,
}

impl Quotas {
    /// Notes a change of the store. A revision is judged when the next one begins.
    ///
    /// # Errors
    /// When the quota does not count what is stored, or does not hold.
    pub fn note(&mut self, change: &CommittedChange) -> Result<(), Violation> {
        if change.revision > self.revision {
            self.judge()?;
            self.revision = change.revision;
        }
        let (key, new) = (&change.key, change.new.as_ref());
        let is_quota = key == QUOTA_KEY.as_bytes();
        if !is_quota && ![CONFIG_MAPS, PODS, SERVICES].iter().any(|prefix| key.starts_with(prefix)) {
            return Ok(());
        }
        if new.is_some_and(|held| !held.is_readable()) {
            self.is_blind = true;
            return Ok(());
        }
        match new {
            Some(new) if is_quota => {
                let hard = read(&new.object, "hard");
                self.is_blind |= hard != read(&initial(), "hard");
                self.hard = hard;
                self.before = self.used.replace(read(&new.object, "used"));
            }
            None if is_quota => self.is_blind = true,
            Some(new) => {
                let count = count(key, &new.object);
                let old = self.objects.insert(key.clone(), count.clone()).unwrap_or_default();
                for (name, amount) in count {
                    let grown = amount - old.get(name).copied().unwrap_or(0);
                    *self.growth.entry(name).or_default() += grown.max(0);
                }
            }
            None => {
                self.objects.remove(key);
            }
        }
        Ok(())
    }

    /// Judges the last revision.
    ///
    /// # Errors
    /// As `note`.
    pub fn judge(&mut self) -> Result<(), Violation> {
        let growth = std::mem::take(&mut self.growth);
        let before = self.before.take();
        let Some(used) = self.used.as_ref().filter(|_| !self.is_blind) else { return Ok(()) };
        let before = before.as_ref().unwrap_or(used);
        let has_grown = growth.values().any(|amount| *amount > 0);
        for (name, hard) in &self.hard {
            let of = |counts: &BTreeMap<String, i64>| counts.get(name).copied().unwrap_or(0);
            let (now, then) = (of(used), of(before));
            let grown = growth.get(name.as_str()).copied().unwrap_or(0);
            let held: i64 = self.objects.values().filter_map(|count| count.get(name.as_str())).sum();
            let problem = if now < held {
                "is less than what is stored"
            } else if held > *hard {
                "is kept to by less than what is stored"
            } else if has_grown && now - then != grown {
                "did not grow by what was stored"
            } else if now - then > grown {
                "grew by what was not stored"
            } else {
                continue;
            };
            let at = self.revision.0;
            let why = format!(
                "at {at}: {name}: {then} and then {now} of {hard} thousandths {problem}: {held}, {grown} more"
            );
            return Err(Violation::new(Guarantee::QuotasAreExact, why));
        }
        Ok(())
    }
}

fn initial() -> Value {
    json::parse(QUOTA.as_bytes()).expect("the quota is JSON").value
}

fn read(quota: &Value, field: &str) -> BTreeMap<String, i64> {
    let held = quota.at(&["status", field]).and_then(Value::as_map).into_iter().flat_map(|map| map.iter());
    held.map(|(name, amount)| (name.as_str().to_owned(), thousandths(amount))).collect()
}

fn thousandths(amount: &Value) -> i64 {
    Quantity::from_value(amount).ok().and_then(|amount| amount.to_milli()).unwrap_or(0)
}

/// What an object counts for. This is no code of the server's.
fn count(key: &[u8], object: &Value) -> Count {
    let list = |path: &[&str]| object.at(path).and_then(Value::as_list).unwrap_or_default();
    if key.starts_with(CONFIG_MAPS) {
        return Count::from([("configmaps", 1000)]);
    }
    if key.starts_with(PODS) {
        let cpu = list(&["spec", "containers"]).iter();
        let cpu =
            cpu.filter_map(|container| container.at(&["resources", "requests", "cpu"])).map(thousandths);
        let ended = matches!(object.text_at(&["status", "phase"]), "Succeeded" | "Failed");
        let cpu = if ended { 0 } else { cpu.sum() };
        return Count::from([("count/pods", 1000), ("requests.cpu", cpu)]);
    }
    let ports = match object.text_at(&["spec", "type"]) {
        "NodePort" | "LoadBalancer" => list(&["spec", "ports"]).len() as i64,
        _ => 0,
    };
    Count::from([("services", 1000), ("services.nodeports", ports * 1000)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::StoredObject;
    use std::sync::Arc;

    fn change(revision: u64, key: &[u8], json: Option<&str>) -> CommittedChange {
        let key = Bytes::copy_from_slice(key);
        let stored = |text: &str| {
            let object = json::parse(text.as_bytes()).expect("JSON").value;
            Arc::new(StoredObject {
                key: key.clone(),
                revision: Rev(revision),
                bytes: Bytes::from(text.to_owned()),
                object,
            })
        };
        CommittedChange { key: key.clone(), revision: Rev(revision), old: None, new: json.map(stored) }
    }

    /// Whether changes hold, after the quota and at revisions from 2 on.
    fn hold(changes: &[(u64, &[u8], Option<&str>)]) -> bool {
        let mut quotas = Quotas::default();
        let first = change(1, QUOTA_KEY.as_bytes(), Some(QUOTA));
        let all = std::iter::once(first).chain(changes.iter().map(|(at, key, text)| change(*at, key, *text)));
        all.map(|change| quotas.note(&change)).all(|noted| noted.is_ok()) && quotas.judge().is_ok()
    }

    #[test]
    fn a_quota_grows_with_what_is_stored() {
        let used = |count: &str| {
            QUOTA.replace(r#""used":{"configmaps":"0""#, &format!(r#""used":{{"configmaps":"{count}""#))
        };
        let (quota, map) = (QUOTA_KEY.as_bytes(), b"/registry/configmaps/kube-public/a".as_slice());
        let (none, one) = (used("0"), used("1"));
        assert!(hold(&[(2, map, Some("{}")), (2, quota, Some(&one))]));
        assert!(hold(&[
            (2, map, Some("{}")),
            (2, quota, Some(&one)),
            (3, map, None),
            (4, quota, Some(&none))
        ]));
        assert!(!hold(&[(2, map, Some("{}"))]), "stored and not counted");
        assert!(!hold(&[(2, quota, Some(&one))]), "counted and not stored");
        assert!(!hold(&[(2, quota, Some(&one)), (3, map, Some("{}"))]), "counted before");
        assert!(!hold(&[(2, map, Some("{}")), (2, quota, Some(&one)), (3, quota, Some(&none))]), "forgotten");
        let elsewhere = b"/registry/configmaps/default/a".as_slice();
        assert!(hold(&[(2, elsewhere, Some("{}"))]));
    }
}
