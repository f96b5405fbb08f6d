//! What a write does to the sets of all managers: who gets fields, who loses them, and who would have to be asked.
//! k8s: sigs.k8s.io/structured-merge-diff merge/update.go

use super::compare::{Comparison, equal};
use super::element::PathElement;
use super::entries::{FieldOwner, OwnedFields, Owners};
use super::filter::FieldFilter;
use super::form::{Relation, Schema, Walked};
use super::problems::FieldProblems;
use super::set::{FieldNode, FieldSet};
use super::write::Versions;
use crate::value::{Text, Value};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Why a configuration cannot be applied.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// Other managers own what it would change.
    Conflicts(Vec<(FieldOwner, FieldSet)>),
    Failed(String),
}

/// The writes of one request.
#[derive(Clone, Copy)]
pub(super) struct SetUpdater<'v> {
    pub(super) versions: &'v dyn Versions,
    pub(super) filter: FieldFilter<'v>,
    /// The version of the request, which its objects have.
    pub(super) version: &'v str,
}

/// An object in the version of its schema.
struct Versioned<'v, 'a> {
    schema: Schema<'v>,
    value: Cow<'a, Value>,
}

impl<'v> SetUpdater<'v> {
    pub(super) fn schema(&self, version: &str) -> Option<Schema<'v>> {
        self.versions.type_of(version).map(|(catalogue, root)| Schema { catalogue, root })
    }

    /// Whether a stored set is known to be whole in a version.
    pub(super) fn knows(&self, version: &str, text: &str) -> bool {
        self.schema(version).is_some_and(|schema| schema.catalogue.whole_sets.has(schema.root, text))
    }

    /// An object in another version; None when nobody knows that version.
    fn versioned<'a>(
        &self,
        value: &'a Value,
        from: &str,
        to: &str,
    ) -> Result<Option<Versioned<'v, 'a>>, String> {
        let value = if from == to {
            Cow::Borrowed(value)
        } else {
            match self.versions.converted(value, from, to)? {
                Some(converted) => Cow::Owned(converted),
                None => return Ok(None),
            }
        };
        Ok(self.schema(to).map(|schema| Versioned { schema, value }))
    }

    fn own_schema(&self) -> Result<Schema<'v>, String> {
        self.schema(self.version).ok_or_else(|| format!("no corresponding type for {}", self.version))
    }

    /// The managers after a change by somebody who is none of them, and what the change is. Without force, a change of
    /// what others own is refused.
    fn changed(
        &self,
        old: &Value,
        new: &Value,
        mut owners: Owners,
        except: Option<&FieldOwner>,
        force: bool,
    ) -> Result<(Owners, Comparison), Obstacle> {
        let failed = |why: FieldProblems| Obstacle::Failed(format!("failed to compare objects: {why}"));
        let schema = self.own_schema().map_err(Obstacle::Failed)?;
        let own = self.filtered(schema.compare(old, new).map_err(failed)?);
        let mut comparisons: BTreeMap<Text, Option<Comparison>> = BTreeMap::new();
        comparisons.insert(self.version.into(), Some(own));
        for (_, owned) in owners.iter().filter(|(owner, _)| Some(*owner) != except) {
            if comparisons.contains_key(&owned.api_version) {
                continue;
            }
            let version = owned.api_version.as_str();
            let versioned = |what: &str, value| {
                let found = self.versioned(value, self.version, version);
                found.map_err(|why| Obstacle::Failed(format!("failed to convert {what} object: {why}")))
            };
            let found = match (versioned("old", old)?, versioned("new", new)?) {
                (Some(old), Some(new)) => {
                    Some(self.filtered(old.schema.compare(&old.value, &new.value).map_err(failed)?))
                }
                (None, _) | (_, None) => None,
            };
            comparisons.insert(version.into(), found);
        }
        // Often there is nobody whose fields could be concerned.
        let sets: BTreeMap<&Text, FieldSet> = comparisons
            .iter()
            .filter(|_| !owners.is_empty())
            .filter_map(|(version, comparison)| Some((version, comparison.as_ref()?.clone().into_set())))
            .collect();
        let mut conflicts = Vec::new();
        owners.retain(|owner, owned| {
            if Some(owner) == except {
                return true;
            }
            let Some(Some(comparison)) = comparisons.get(&owned.api_version) else { return false };
            if let Some(set) = sets.get(&owned.api_version).filter(|set| owned.meets(set)) {
                if force {
                    owned.change(|held| held.difference(set));
                } else {
                    conflicts.push((owner.clone(), owned.set().intersection(set)));
                }
            }
            if owned.meets(&comparison.removed) {
                owned.change(|held| held.difference(&comparison.removed));
            }
            true
        });
        if !conflicts.is_empty() {
            return Err(Obstacle::Conflicts(conflicts));
        }
        owners.retain(|_, owned| !owned.is_empty());
        let own = comparisons.remove(self.version).flatten().unwrap_or_default();
        Ok((owners, own))
    }

    fn filtered(&self, comparison: Comparison) -> Comparison {
        Comparison {
            removed: self.filter.apply(comparison.removed),
            modified: self.filter.apply(comparison.modified),
            added: self.filter.apply(comparison.added),
        }
    }

    /// After an update: the managers, and what the writer has written.
    pub(super) fn update(
        &self,
        old: &Value,
        new: &Value,
        owners: Owners,
    ) -> Result<(Owners, FieldSet), Obstacle> {
        let owners = self.reconciled(old, owners)?;
        let (owners, comparison) = self.changed(old, new, owners, None, true)?;
        Ok((owners, comparison.into_set()))
    }

    /// After an apply: the object, unless it is the same as before, and the managers.
    pub(super) fn apply(
        &self,
        live: &Value,
        configuration: &Value,
        owners: Owners,
        owner: &FieldOwner,
        force: bool,
    ) -> Result<(Option<Value>, Owners), Obstacle> {
        let failed = |what: &str, why: &dyn ToString| {
            Obstacle::Failed(format!("failed to {what}: {}", why.to_string()))
        };
        let mut owners = self.reconciled(live, owners)?;
        let schema = self.own_schema().map_err(Obstacle::Failed)?;
        let merged = schema.merge(live, configuration).map_err(|why| failed("merge config", &why))?;
        let last = owners.remove(owner);
        let set = self.filter.apply(schema.fields_of(configuration));
        let time = last.as_ref().map_or_else(Text::default, |last| last.time.clone());
        owners.insert(owner.clone(), OwnedFields::new(set, self.version, time));
        let new = self.pruned(merged, &owners, last.as_ref()).map_err(|why| failed("prune fields", &why))?;
        let (owners, _) = self.changed(live, &new, owners, Some(owner), force)?;
        let is_same = equal(live, &new);
        Ok(((!is_same).then_some(new), owners))
    }

    /// Removes what a manager has applied before and does not apply any more, unless another manager owns it.
    fn pruned(&self, merged: Value, owners: &Owners, last: Option<&OwnedFields>) -> Result<Value, String> {
        let Some(last) = last.filter(|last| !last.is_empty()) else { return Ok(merged) };
        let version = last.api_version.as_str();
        let found = self.versioned(&merged, self.version, version);
        let found =
            found.map_err(|why| format!("failed to convert merged object to last applied version: {why}"))?;
        let Some(Versioned { schema, value: before }) = found else { return Ok(merged) };
        let last_set = schema.with_named_fields(last.set());
        let pruned = schema.without(&before, &last_set);
        let pruned = self.with_owned(&before, pruned, version, owners);
        let pruned = pruned.map_err(|why| format!("failed add back owned items: {why}"))?;
        // Of what is gone, only what the manager owned before may stay away.
        let [kept, all] = [&pruned, &*before].map(|value| schema.with_named_fields(&schema.fields_of(value)));
        let pruned = schema.without(&before, &all.difference(&kept).intersection(&last_set));
        if version == self.version {
            return Ok(pruned);
        }
        let converted = self.versions.converted(&pruned, version, self.version)?;
        converted.ok_or_else(|| format!("no conversion to {}", self.version))
    }

    /// Puts back what managers own, those of the version of the objects first.
    fn with_owned(
        &self,
        before: &Value,
        mut pruned: Value,
        version: &str,
        owners: &Owners,
    ) -> Result<Value, String> {
        let mut sets: BTreeMap<&str, FieldSet> = BTreeMap::new();
        for (_, owned) in owners.iter() {
            let held = sets.entry(owned.api_version.as_str()).or_default();
            *held = core::mem::take(held).union(owned.set().clone());
        }
        let first = sets.remove(version).map(|set| (version, set));
        for (owned_in, set) in first.into_iter().chain(sets) {
            let versioned = |what: &str, value| {
                let found = self.versioned(value, version, owned_in);
                found.map_err(|why| format!("failed to convert {what} object at version {owned_in}: {why}"))
            };
            let Some(whole) = versioned("merged", before)? else { continue };
            let Some(rest) = versioned("pruned", &pruned)? else { continue };
            let schema = whole.schema;
            let [all, kept] =
                [&whole.value, &rest.value].map(|value| schema.with_named_fields(&schema.fields_of(value)));
            let gone = all.difference(&kept.union(schema.with_named_fields(&set)));
            let with = schema.without(&whole.value, &gone);
            pruned = if owned_in == version {
                with
            } else {
                self.versions.converted(&with, owned_in, version)?.unwrap_or(pruned)
            };
        }
        Ok(pruned)
    }

    /// Sets in a version that nobody knows go. Where a type has become one value, who owned something inside it owns
    /// the whole. The object that is there has to be convertible to the version of each set.
    /// k8s: sigs.k8s.io/structured-merge-diff typed/reconcile_schema.go
    fn reconciled(&self, live: &Value, mut owners: Owners) -> Result<Owners, Obstacle> {
        let mut known: BTreeMap<Text, bool> = BTreeMap::new();
        for (_, owned) in owners.iter().filter(|(_, owned)| owned.api_version != self.version) {
            if !known.contains_key(&owned.api_version) {
                let found = self.versioned(live, self.version, &owned.api_version);
                known.insert(owned.api_version.clone(), found.map_err(Obstacle::Failed)?.is_some());
            }
        }
        owners.retain(|_, owned| {
            if known.get(&owned.api_version) == Some(&false) {
                return false;
            }
            let Some(schema) = self.schema(&owned.api_version) else { return false };
            if owned.is_unread() {
                return true;
            }
            if holds_parts(&schema, Some(schema.form()), owned.set()) {
                owned.change(|set| whole(&schema, Some(schema.form()), set));
            } else if let Some(text) = owned.stored_text().filter(|_| !owned.is_empty()) {
                schema.catalogue.whole_sets.note(schema.root, text);
            }
            true
        });
        Ok(owners)
    }
}

/// The form of what is inside, and whether the form is one value.
fn inside<'c>(
    schema: &Schema<'c>,
    form: super::form::MergeForm<'c>,
) -> (bool, impl Fn(&PathElement) -> Option<super::form::MergeForm<'c>>) {
    let walked = schema.atom(form).walked(None);
    let is_whole = match &walked {
        Some(Walked::Map(map)) => map.atomic,
        Some(Walked::List(list)) => matches!(list.relation, Relation::Atomic),
        Some(Walked::Scalar(_)) | None => false,
    };
    let below = move |element: &PathElement| match (&walked, element) {
        (Some(Walked::Map(map)), PathElement::Field(name)) => map.member(name),
        (Some(Walked::List(list)), PathElement::Key(_) | PathElement::Item(_) | PathElement::Index(_)) => {
            Some(list.item)
        }
        (Some(Walked::Map(_) | Walked::List(_) | Walked::Scalar(_)) | None, _) => None,
    };
    (is_whole, below)
}

/// Whether a set has fields inside something that is one value.
fn holds_parts<'c>(schema: &Schema<'c>, form: Option<super::form::MergeForm<'c>>, set: &FieldSet) -> bool {
    let Some(form) = form else { return false };
    if set.is_empty() {
        return false;
    }
    let (is_whole, below) = inside(schema, form);
    is_whole || set.nodes().iter().any(|node| holds_parts(schema, below(&node.element), &node.inner))
}

fn whole<'c>(schema: &Schema<'c>, form: Option<super::form::MergeForm<'c>>, set: FieldSet) -> FieldSet {
    let Some(form) = form else { return set };
    let (_, below) = inside(schema, form);
    let nodes = set.into_nodes().into_iter().map(|node| {
        let form = below(&node.element);
        let is_whole = form.is_some_and(|form| inside(schema, form).0) && !node.inner.is_empty();
        let inner = if is_whole { FieldSet::EMPTY } else { whole(schema, form, node.inner) };
        FieldNode { element: node.element, is_member: node.is_member || is_whole, inner }
    });
    FieldSet::of_nodes(nodes.collect())
}
