//! The ownership of fields after a write: of an update, of an apply.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/{fieldmanager,managedfieldsupdater,
//! skipnonapplied,stripmeta,structuredmerge}.go

use super::entries::{FieldOwner, Owners, Tracked};
use super::fields_v1;
use super::filter::FieldFilter;
use super::last_applied;
use super::set::FieldSet;
use super::updater::{Obstacle, SetUpdater};
use crate::limits;
use crate::now::Wall;
use crate::schema::{Catalogue, TypeId};
use crate::status::{Cause, CauseType, Details, Failure, Reason};
use crate::value::{Map, Text, Value, object};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The manager of what an object had before it was first applied.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The versions of a kind.
pub trait Versions {
    /// The type of a version; None when there is none.
    fn type_of(&self, api_version: &str) -> Option<(&Catalogue, TypeId)>;

    /// An object in another version; None when nobody knows the version any more, so that what was written in it is
    /// forgotten.
    ///
    /// # Errors
    /// The version may be good, but the object cannot be converted to it.
    fn converted(&self, object: &Value, from: &str, to: &str) -> Result<Option<Value>, String>;
}

/// How a request writes.
#[derive(Clone, Copy)]
pub struct Ownership<'a> {
    pub versions: &'a dyn Versions,
    /// The version of the request.
    pub api_version: &'a str,
    pub kind: &'a str,
    /// Empty for the object itself.
    pub subresource: &'a str,
    pub filter: FieldFilter<'a>,
    pub now: Wall,
}

/// An object after an apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedObject {
    /// The merged object, in the version of the request, which has yet to be given the shape of its type. None when
    /// the configuration changes nothing of the object.
    pub object: Option<Value>,
    /// The new entries of metadata.managedFields.
    pub entries: Vec<Value>,
}

/// What nobody owns, since the server decides on it.
const UNOWNED: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["metadata"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "clusterName"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

fn stripped(set: FieldSet) -> FieldSet {
    set.without_names(UNOWNED)
}

impl<'a> Ownership<'a> {
    fn updater(&self) -> SetUpdater<'a> {
        SetUpdater { versions: self.versions, filter: self.filter, version: self.api_version }
    }

    fn time(&self) -> Text {
        self.now.rfc3339().into()
    }

    /// The managers whose sets an update starts from.
    /// k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/fieldmanager.go decodeLiveOrNew
    fn before(&self, old: &Value, new: &Value) -> Owners {
        let is_known = |version: &str, text: &str| self.updater().knows(version, text);
        let stored = || Owners::stored(object::managed_fields(old), &is_known).unwrap_or_default();
        let sent = object::metadata(new).and_then(|metadata| metadata.get("managedFields"));
        let Some(Value::List(sent)) = sent else { return stored() };
        if !self.subresource.is_empty() {
            return stored();
        }
        let is_reset = match sent.as_slice() {
            [] => true,
            [Value::Map(only)] => is_blank(only),
            _ => false,
        };
        if is_reset {
            return Owners::default();
        }
        if sent.as_slice() == object::managed_fields(old) {
            return stored();
        }
        let sent = Owners::decoded(sent, Tracked::Sent);
        sent.filter(|owners| !owners.is_empty()).unwrap_or_else(stored)
    }

    /// The entries of a new object that no entries were sent with; None where sets have to tell them.
    pub(super) fn fresh(&self, unset: &Value, new: &Value, manager: &str) -> Option<Vec<Value>> {
        let schema = self.updater().schema(self.api_version)?;
        let fields = schema.fresh_fields(unset, new, self.filter, UNOWNED)?;
        if matches!(&fields, Value::Json(text) if text == fields_v1::NONE) {
            return Some(Vec::new());
        }
        let owner = FieldOwner::update(manager, self.api_version, self.subresource);
        Some(alloc::vec![owner.entry(fields, self.api_version, self.time())])
    }

    /// Counts what is new as written by a manager.
    pub(super) fn written(
        &self,
        old: &Value,
        new: &Value,
        owners: Owners,
        manager: &str,
    ) -> Result<Owners, Obstacle> {
        let (mut owners, set) = self.updater().update(old, new, owners)?;
        let set = stripped(set);
        if !set.is_empty() {
            let owner = FieldOwner::update(manager, self.api_version, self.subresource);
            owners.give(owner, set, self.api_version, self.time());
        }
        owners.cap();
        Ok(owners)
    }
}

/// An entry that says nothing.
fn is_blank(entry: &Map) -> bool {
    entry.iter().all(|(_, value)| value.is_null() || value.as_str().is_some_and(str::is_empty))
}

/// The entries of metadata.managedFields after an update. Both objects are in the version of the request; the old one
/// is that of a type whose fields have not been set, if the object is created. No entries, when the ownership cannot be
/// told, as when a converter fails, or nothing was tracked before.
pub fn recorded(ownership: &Ownership<'_>, old: &Value, new: &Value, manager: &str) -> Vec<Value> {
    let owners = ownership.before(old, new);
    if owners.is_empty() {
        if !object::uid(old).is_empty() {
            return Vec::new();
        }
        if let Some(entries) = ownership.fresh(old, new, manager) {
            return entries;
        }
    }
    ownership.written(old, new, owners, manager).map_or_else(|_| Vec::new(), |owners| owners.encoded())
}

/// Applies a configuration to an object in the version of the request. An object that is to be created is one of its
/// type whose fields have not been set.
///
/// # Errors
/// 409 with the conflicts, 400 and 500 for a configuration that is none of the type.
pub fn applied(
    ownership: &Ownership<'_>,
    live: &Value,
    configuration: &Value,
    manager: &str,
    force: bool,
) -> Result<AppliedObject, Failure> {
    let entries = object::managed_fields(live);
    let owners = Owners::decoded(entries, Tracked::Stored)
        .ok_or_else(|| Failure::unclassified("failed to decode managed fields"))?;
    ownership.check_type(configuration)?;
    let owners = if owners.is_empty() { ownership.first(live)? } else { owners };
    let schema = ownership.updater().schema(ownership.api_version);
    let schema = schema.ok_or_else(|| Failure::internal("the kind has no type"))?;
    if object::metadata(configuration)
        .and_then(|metadata| metadata.get("managedFields"))
        .is_some_and(|entries| entries.as_list().is_some())
    {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    schema.check(configuration).map_err(|why| {
        let named = ownership.named(configuration);
        Failure::unclassified(format!("failed to create typed patch object ({named}): {why}"))
    })?;
    let owner = FieldOwner::apply(manager, ownership.subresource);
    let apply = |force| ownership.updater().apply(live, configuration, owners.clone(), &owner, force);
    let found = match apply(force) {
        Err(Obstacle::Conflicts(conflicts)) if manager == last_applied::KUBECTL => {
            match last_applied::allowed(&schema, ownership.api_version, live) {
                None => Err(Obstacle::Conflicts(conflicts)),
                Some(allowed) => match last_applied::without_allowed(conflicts, &allowed) {
                    left if left.is_empty() => apply(true),
                    left => Err(Obstacle::Conflicts(left)),
                },
            }
        }
        found => found,
    };
    let (mut merged, mut owners) = found.map_err(refusal)?;
    owners.retain(|held, owned| {
        if *held == owner {
            owned.change(stripped);
            if merged.is_some() {
                owned.time = ownership.time();
            }
        }
        !owned.is_empty()
    });
    if manager == last_applied::KUBECTL {
        let mut object = merged.take().unwrap_or_else(|| live.clone());
        last_applied::refresh(&mut object, configuration);
        merged = (object != *live).then_some(object);
    }
    Ok(AppliedObject { object: merged, entries: owners.encoded() })
}

impl Ownership<'_> {
    fn check_type(&self, configuration: &Value) -> Result<(), Failure> {
        let (api_version, kind) = (object::api_version(configuration), object::kind(configuration));
        if (api_version, kind) == (self.api_version, self.kind) {
            return Ok(());
        }
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let (group, version) = if api_version.matches('/').count() > 1 { ("", "") } else { (group, version) };
        Err(Failure::bad_request(format!("invalid object type: {group}/{version}, Kind={kind}")))
    }

    /// The owner of all that an object has that nobody owns yet.
    fn first(&self, live: &Value) -> Result<Owners, Failure> {
        let empty = self.versions.type_of(self.api_version).map(|(catalogue, id)| {
            crate::schema::decode::normalize(catalogue, id, Value::Null).unwrap_or(Value::Null)
        });
        let empty = empty.unwrap_or(Value::Null);
        self.written(&empty, live, Owners::default(), BEFORE_FIRST_APPLY).map_err(|obstacle| match obstacle {
            Obstacle::Failed(why) => {
                Failure::unclassified(format!("failed to create manager for existing fields: {why}"))
            }
            Obstacle::Conflicts(_) => refusal(obstacle),
        })
    }

    /// Namespace, name and kind of a configuration, as messages name it.
    pub fn named(&self, value: &Value) -> String {
        let slash = if self.api_version.contains('/') { "" } else { "/" };
        let (namespace, name) = (object::namespace(value), object::name(value));
        format!("{namespace}/{name}; {slash}{}, Kind={}", self.api_version, self.kind)
    }
}

/// k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go NewConflictError
fn refusal(obstacle: Obstacle) -> Failure {
    let conflicts = match obstacle {
        Obstacle::Failed(why) => return Failure::unclassified(why),
        Obstacle::Conflicts(conflicts) => conflicts,
    };
    let count: usize = conflicts.iter().map(|(_, set)| set.len()).sum();
    let mut causes = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for (owner, set) in &conflicts {
        let shown = owner.shown();
        let paths = set.paths(limits::CAUSES.saturating_sub(causes.len()));
        lines.push(format!("conflicts with {shown}:"));
        lines.extend(paths.iter().map(|path| format!("- {path}")));
        causes.extend(paths.into_iter().map(|field| Cause {
            reason: CauseType::FieldManagerConflict,
            message: format!("conflict with {shown}"),
            field,
        }));
    }
    let message = match (count, causes.first()) {
        (1, Some(only)) => format!("Apply failed with 1 conflict: {}: {}", only.message, only.field),
        (_, _) => format!("Apply failed with {count} conflicts: {}", lines.join("\n")),
    };
    Failure::new(Reason::Conflict, message).with_details(Details { causes, ..Details::default() })
}
