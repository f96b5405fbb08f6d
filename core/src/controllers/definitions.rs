//! What definitions of custom resources go through: it is told whether they are approved of and whether their schemas
//! are structural, their names are accepted, they are established, and before one goes, its objects do.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/controller/{apiapproval,status,establish,finalizer}

use super::plan::{Planner, map};
use crate::job::{OwnChange, OwnWriter};
use crate::kinds::{Approval, Kind, condition, has_condition, is_approval_told};
use crate::limits;
use crate::value::{Text, Value, object, quoted};
use crate::world::UsedNames;
use crate::world::cache::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

pub(super) fn plan(planner: &mut Planner<'_>) {
    let Some(kind) = planner.kind("apiextensions.k8s.io", "v1", "customresourcedefinitions") else { return };
    let unsettled: Vec<Text> = planner.world.indexes().unsettled_definitions().iter().cloned().collect();
    // Names that this plan accepts are used for those after it.
    let mut used = BTreeMap::new();
    for name in unsettled {
        let Some(entry) = planner.held(kind, ("", &name)) else { continue };
        let definition = entry.to_value();
        if object::is_being_deleted(&definition) {
            finalize(planner, kind, entry, definition);
        } else {
            let group: Text = definition.text_at(&["spec", "group"]).into();
            let names = || planner.world.indexes().used_names(&group);
            let used = used.entry(group.clone()).or_insert_with(names);
            settle(planner, kind, entry, definition, used);
        }
    }
}

/// Accepts names, and establishes what has its names.
fn settle(
    planner: &mut Planner<'_>,
    kind: &Kind,
    entry: &Arc<Entry>,
    definition: Value,
    used: &mut UsedNames,
) {
    let mut wanted = definition.clone();
    if let Some(approval) = Approval::of(&definition).filter(|_| !is_approval_told(&definition)) {
        let (status, reason, message) = approval.condition();
        let told = [status, reason, &message];
        set_condition(planner, &mut wanted, "KubernetesAPIApprovalPolicyConformant", told);
        planner.change(kind, entry, OwnWriter::STATUS, OwnChange::Replace(wanted));
        return;
    }
    if has_condition(&definition, "NamesAccepted") && !has_condition(&definition, "Established") {
        let is_as_asked = definition.at(&["spec", "names"]) == definition.at(&["status", "acceptedNames"]);
        if is_as_asked {
            let told = ["True", "InitialNamesAccepted", "the initial names have been accepted"];
            set_condition(planner, &mut wanted, "Established", told);
            planner.change(kind, entry, OwnWriter::STATUS, OwnChange::Replace(wanted));
            return;
        }
    }
    let (accepted, conflict) = accept(&definition, used);
    used.add(&accepted);
    wanted.set_at(&["status", "acceptedNames"], accepted);
    match &conflict {
        Some((reason, message)) => {
            set_condition(planner, &mut wanted, "NamesAccepted", ["False", reason, message]);
            if condition(&definition, "Established").is_none() {
                let told = ["False", "NotAccepted", "not all names are accepted"];
                set_condition(planner, &mut wanted, "Established", told);
            }
        }
        None => {
            let told = ["True", "NoConflicts", "no conflicts found"];
            set_condition(planner, &mut wanted, "NamesAccepted", told);
            if !has_condition(&definition, "Established") {
                let told = ["False", "Installing", "the initial names have been accepted"];
                set_condition(planner, &mut wanted, "Established", told);
            }
        }
    }
    if wanted != definition {
        planner.change(kind, entry, OwnWriter::STATUS, OwnChange::Replace(wanted));
    }
}

/// The names that a definition can have, and why it cannot have all that it asks for.
fn accept(definition: &Value, used: &UsedNames) -> (Value, Option<(&'static str, String)>) {
    let asked = definition.at(&["spec", "names"]).cloned().unwrap_or_else(Value::empty_map);
    let held = definition.at(&["status", "acceptedNames"]).cloned().unwrap_or_else(Value::empty_map);
    let mut accepted = held.clone();
    let mut conflict = None;
    let is_free = |name: &Text, used: &BTreeSet<Text>| !used.contains(name);
    let names = [
        ("plural", "PluralConflict", &used.resources),
        ("singular", "SingularConflict", &used.resources),
        ("shortNames", "ShortNamesConflict", &used.resources),
        ("kind", "KindConflict", &used.kinds),
        ("listKind", "ListKindConflict", &used.kinds),
    ];
    for (field, reason, used) in names {
        let texts = |names: &Value| -> Vec<Text> {
            let member = names.field(field);
            let list = member.and_then(Value::as_list).unwrap_or_default();
            list.iter().chain(member).filter_map(Value::as_str).map(Text::from).collect()
        };
        let own = texts(&held);
        let taken: Vec<String> = texts(&asked)
            .iter()
            .filter(|name| !own.contains(name) && !is_free(name, used))
            .map(|name| format!("{} is already in use", quoted(name)))
            .collect();
        match taken.as_slice() {
            [] => match asked.field(field) {
                Some(name) => accepted.set(field, name.clone()),
                None => drop(accepted.remove_at(&[field])),
            },
            [one] => conflict = Some((reason, one.clone())),
            several => conflict = Some((reason, format!("[{}]", several.join(", ")))),
        }
    }
    match asked.field("categories") {
        Some(categories) => accepted.set("categories", categories.clone()),
        None => drop(accepted.remove_at(&["categories"])),
    }
    (accepted, conflict)
}

/// Sets a condition. Its time is that of the last change of its status.
fn set_condition(planner: &Planner<'_>, definition: &mut Value, kind: &str, told: [&str; 3]) {
    let [status, reason, message] = told;
    let before = condition(definition, kind).cloned();
    let time = match &before {
        Some(before) if before.text_at(&["status"]) == status => before.field("lastTransitionTime").cloned(),
        Some(_) | None => Some(planner.now.wall.rfc3339().into()),
    };
    let mut wanted = map([
        ("type", kind.into()),
        ("status", status.into()),
        ("reason", reason.into()),
        ("message", message.into()),
    ]);
    if let Some(time) = time {
        wanted.set("lastTransitionTime", time);
    }
    let held = definition.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    let mut conditions = held.to_vec();
    match conditions.iter_mut().find(|condition| condition.text_at(&["type"]) == kind) {
        Some(condition) => *condition = wanted,
        None => conditions.push(wanted),
    }
    definition.set_at(&["status", "conditions"], Value::list(conditions));
}

/// Deletes the objects of a definition that is being deleted, then lets it go.
fn finalize(planner: &mut Planner<'_>, kind: &Kind, entry: &Arc<Entry>, definition: Value) {
    if !object::finalizers(&definition).any(|held| held == FINALIZER) {
        return;
    }
    let mut wanted = definition.clone();
    let (group, plural) =
        (definition.text_at(&["spec", "group"]), definition.text_at(&["status", "acceptedNames", "plural"]));
    let custom = planner.world.registry.custom(group, plural);
    let told = if has_condition(&definition, "Established") {
        let Some(custom) = custom else { return };
        if delete_objects(planner, custom) > 0 {
            let told = ["True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"];
            set_condition(planner, &mut wanted, "Terminating", told);
            if wanted != definition {
                planner.change(kind, entry, OwnWriter::STATUS, OwnChange::Replace(wanted));
            }
            return;
        }
        ["False", "InstanceDeletionCompleted", "removed all instances"]
    } else {
        ["False", "NeverEstablished", "resource was never established"]
    };
    set_condition(planner, &mut wanted, "Terminating", told);
    object::remove_finalizer(&mut wanted, FINALIZER);
    if object::finalizers(&wanted).next().is_none() {
        planner.delete(kind, entry);
    } else {
        planner.write(kind, entry, wanted);
    }
}

/// Removes objects, or marks those that wait for their finalizers; some at a time. Returns how many there were. Values
/// that cannot be read count too, so that a definition does not go without them.
fn delete_objects(planner: &mut Planner<'_>, custom: &Kind) -> usize {
    let Some(cache) = custom.storage.and_then(|storage| planner.world.cache(storage)) else { return 1 };
    let held: Vec<Arc<Entry>> =
        cache.entries().iter().map(|(_, held)| held.entry().clone()).take(limits::OWN_DELETIONS).collect();
    for entry in &held {
        let mut value = entry.to_value();
        if object::finalizers(&value).next().is_none() {
            planner.delete(custom, entry);
        } else if !object::is_being_deleted(&value) {
            object::set_deletion_timestamp(&mut value, Some(planner.now.wall));
            object::set_deletion_grace_period_seconds(&mut value, Some(0));
            object::raise_generation(&mut value);
            planner.write(custom, entry, value);
        }
    }
    cache.entries().len() + cache.unreadable().len()
}
