//! The kinds that are served, as a registry in which they are looked up by id and by group, version and resource.

use super::convert::SAME;
use super::custom::DefinedKind;
use super::row::Row;
use super::{Definition, Kind, KindId, StorageId, compare_versions};
use crate::schema::{Catalogue, decode};
use crate::value::{Text, Value};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a type is for, or a field of it; an empty field stands for the type itself. Types have the names that OpenAPI
/// publishes. None if nothing is known.
pub type Describe = fn(type_name: &str, field: &str) -> Option<&'static str>;

/// All kinds. It changes when a kind comes or goes; a clone shares the kinds.
#[derive(Clone, Debug)]
pub struct Registry {
    /// The built-in types.
    pub catalogue: Arc<Catalogue>,
    /// In discovery order.
    kinds: Vec<Arc<Kind>>,
    /// By id.
    by_id: Vec<Arc<Kind>>,
    /// By resource, group and version.
    by_name: Vec<Arc<Kind>>,
    /// The served versions of each group, sorted.
    versions: Vec<(Text, Text)>,
    /// For each storage, by its id, the kind whose version is stored.
    storages: Vec<(StorageId, Arc<Kind>)>,
    /// What the next kind is named.
    next_kind: KindId,
    next_storage: StorageId,
    /// Describes built-in types. None if the program knows no descriptions.
    pub describe: Option<Describe>,
}

/// Kinds of a definition that are not served yet.
#[derive(Debug)]
pub(crate) struct NewKinds {
    kinds: Vec<DefinedKind>,
    /// The one whose version is stored.
    stored: Arc<Kind>,
    storage: StorageId,
}

impl NewKinds {
    /// The kind whose version is stored, and its storage.
    pub(crate) fn stored(&self) -> (&Arc<Kind>, StorageId) {
        (&self.stored, self.storage)
    }
}

impl Registry {
    /// The built-in kinds of `table::ROWS`.
    pub fn builtin() -> Self {
        Self::from_rows(super::table::ROWS, crate::schema::catalogue())
    }

    /// Panics when a row names a type or a stored version that does not exist. Tests of this crate check the table.
    pub fn from_rows(rows: &'static [Row], catalogue: Arc<Catalogue>) -> Self {
        let is_stored = |row: &Row| !row.prefix.is_empty() && row.stored_as.is_none();
        let stored: Vec<&Row> = rows.iter().filter(|row| is_stored(row)).collect();
        let storage_of = |row: &Row| {
            let (group, version) = row.stored_as.unwrap_or((row.group, row.version));
            let holder = stored
                .iter()
                .position(|other| (other.group, other.version, other.prefix) == (group, version, row.prefix));
            let prefix = row.prefix;
            let holder = holder.unwrap_or_else(|| panic!("nothing stores {prefix} as {group}/{version}"));
            StorageId(holder as u64)
        };
        let kinds: Vec<Arc<Kind>> = (0..)
            .zip(rows)
            .map(|(id, row)| {
                let storage = (!row.prefix.is_empty()).then(|| storage_of(row));
                Arc::new(Kind::of_row(row, KindId(id), storage, &catalogue))
            })
            .collect();
        let holders = kinds.iter().filter(|kind| kind.stored_as.is_none());
        let storages = holders.filter_map(|kind| Some((kind.storage?, kind.clone()))).collect();
        let is_of = |row: &Row, kind: &Kind| row.type_name == kind.type_name && row.plural == kind.plural;
        let is_served = |kind: &&Arc<Kind>| rows.iter().any(|row| !row.internal && is_of(row, kind));
        let (by_id, kinds) = (kinds.clone(), kinds.iter().filter(is_served).cloned().collect::<Vec<_>>());
        let mut by_name = kinds.clone();
        by_name.sort_by(|one, other| name_of(one).cmp(&name_of(other)));
        let versions = versions_of(&kinds);
        let (next_kind, next_storage) = (KindId(by_id.len() as u64), StorageId(stored.len() as u64));
        Self { catalogue, by_id, by_name, versions, kinds, storages, next_kind, next_storage, describe: None }
    }

    /// The same kinds, with descriptions of the built-in types for OpenAPI.
    #[must_use]
    pub fn described_by(mut self, describe: Describe) -> Self {
        self.describe = Some(describe);
        self
    }

    /// The same kinds, without a subresource of one of them.
    #[must_use]
    pub fn without_subresource(&self, group: &str, plural: &str, name: &str) -> Self {
        let mut less = self.clone();
        let stored = less.storages.iter_mut().map(|(_, kind)| kind);
        let kinds = less.kinds.iter_mut().chain(&mut less.by_id).chain(&mut less.by_name).chain(stored);
        for kind in kinds.filter(|kind| kind.group == group && kind.plural == plural) {
            Arc::make_mut(kind).subs.retain(|sub| sub.name != name);
        }
        less
    }

    /// Whether the names of a definition can be served, and nothing else has them. What it replaces has them until
    /// then.
    ///
    /// # Errors
    /// A sentence about what cannot be served, or who has a name.
    pub(crate) fn check_names(&self, definition: &Definition) -> Result<(), String> {
        definition.check()?;
        let replaced = self.replaced_by(definition);
        self.check_prefix(&definition.prefix(), replaced)?;
        let mut versions = definition.versions.iter();
        versions.try_for_each(|version| self.check_version(definition, &version.name, replaced))
    }

    /// The storage of the kinds whose place a definition takes.
    fn replaced_by(&self, definition: &Definition) -> Option<StorageId> {
        self.custom(&definition.group, &definition.plural).and_then(|kind| kind.storage)
    }

    /// Makes the kinds of a definition, with ids that no kinds had before; `add` serves them.
    ///
    /// # Errors
    /// A sentence about what cannot be served.
    pub(crate) fn prepare(&self, definition: &Definition) -> Result<NewKinds, String> {
        self.check_names(definition)?;
        let kinds = definition.to_kinds(&self.catalogue, self.next_kind, self.next_storage)?;
        let stored = kinds.iter().find(|defined| defined.kind.stored_as.is_none());
        let stored = stored.ok_or("no version is stored")?.kind.clone();
        Ok(NewKinds { kinds, stored, storage: self.next_storage })
    }

    /// No prefix can lie below another.
    fn check_prefix(&self, prefix: &str, replaced: Option<StorageId>) -> Result<(), String> {
        let is_below = |one: &str, other: &str| {
            one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut others = self.storages.iter().filter(|(storage, _)| Some(*storage) != replaced);
        match others.find(|(_, held)| is_below(&held.prefix, prefix) || is_below(prefix, &held.prefix)) {
            Some((_, taken)) => Err(alloc::format!("the prefix {} is taken", taken.prefix)),
            None => Ok(()),
        }
    }

    /// Two kinds of a group version cannot have one name.
    fn check_version(
        &self,
        definition: &Definition,
        version: &str,
        replaced: Option<StorageId>,
    ) -> Result<(), String> {
        let Definition { group, kind, plural, .. } = definition;
        let mut others = self.kinds.iter().filter(|held| {
            held.group == *group
                && held.version == version
                && (replaced.is_none() || held.storage != replaced)
        });
        match others.find(|held| held.kind == *kind || held.plural == *plural) {
            Some(held) => Err(alloc::format!("{} is served with kind {}", held.resource(), held.kind)),
            None => Ok(()),
        }
    }

    /// Serves new kinds. They must have been prepared by this registry, to which none was added since.
    pub(crate) fn add(&mut self, new: NewKinds) {
        let NewKinds { kinds, stored, storage } = new;
        assert_eq!(storage, self.next_storage, "nothing was added since");
        self.next_kind.0 += kinds.len() as u64;
        self.next_storage.0 += 1;
        self.storages.push((storage, stored));
        for DefinedKind { kind, is_served } in kinds {
            self.by_id.push(kind.clone());
            if is_served {
                let place = self.by_name.partition_point(|held| name_of(held) < name_of(&kind));
                self.by_name.insert(place, kind.clone());
                let version = (kind.group.clone(), kind.version.clone());
                if let Err(place) = self.versions.binary_search(&version) {
                    self.versions.insert(place, version);
                }
                self.kinds.insert(self.place_in_discovery(&kind), kind);
            }
        }
    }

    /// Removes the kinds of a definition by their storage. Nothing happens to built-in ones, and false says so.
    pub(crate) fn remove(&mut self, storage: StorageId) -> bool {
        let Some(group) = self.stored(storage).filter(|kind| kind.is_custom()).map(|kind| kind.group.clone())
        else {
            return false;
        };
        let stays = |held: &Arc<Kind>| held.storage != Some(storage);
        self.by_id.retain(stays);
        self.by_name.retain(stays);
        self.kinds.retain(stays);
        self.storages.retain(|(held, _)| *held != storage);
        let left: Vec<_> = self.kinds.iter().filter(|kind| kind.group == group).collect();
        self.versions
            .retain(|(of, version)| *of != group || left.iter().any(|kind| kind.version == *version));
        true
    }

    /// Kinds that come at run time follow the built-in ones, except those of a built-in group, which stand in it.
    /// k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/autoregister, and the priorities that
    /// pkg/controlplane/controller/crdregistration gives
    fn place_in_discovery(&self, kind: &Kind) -> usize {
        let group = |held: &Kind| held.group == kind.group;
        let first = self.kinds.iter().position(|held| group(held));
        let first = first.unwrap_or_else(|| {
            let later = |held: &Kind| held.is_custom() && held.group > kind.group;
            self.kinds.iter().position(|held| later(held)).unwrap_or(self.kinds.len())
        });
        let of_group = self.kinds[first..].iter().take_while(|held| group(held));
        let before = |held: &Kind| {
            let by_version = compare_versions(&held.version, &kind.version);
            by_version.then_with(|| held.plural.cmp(&kind.plural)).is_lt()
        };
        first + of_group.take_while(|held| before(held)).count()
    }

    /// The kind in whose version a resource is stored that came at run time.
    pub fn custom(&self, group: &str, plural: &str) -> Option<&Arc<Kind>> {
        let mut kinds = self.storages.iter().map(|(_, kind)| kind).rev().take_while(|kind| kind.is_custom());
        kinds.find(|kind| kind.plural == plural && kind.group == group)
    }

    /// The kind of a resource in one of the versions that are served; all of them share one storage.
    pub fn any_version(&self, group: &str, plural: &str) -> Option<&Arc<Kind>> {
        let from = self.by_name.partition_point(|kind| (&*kind.plural, &*kind.group) < (plural, group));
        self.by_name.get(from).filter(|kind| kind.plural == plural && kind.group == group)
    }

    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        // The plural is compared first, since it differs for most resources.
        let key = (plural, group, version);
        let index = self.by_name.binary_search_by(|kind| name_of(kind).cmp(&key));
        index.ok().map(|index| &self.by_name[index])
    }

    /// None for a kind that has gone.
    pub fn kind(&self, id: KindId) -> Option<&Arc<Kind>> {
        let index = self.by_id.binary_search_by_key(&id, |kind| kind.id);
        index.ok().map(|index| &self.by_id[index])
    }

    /// How many kinds are served.
    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// The served kinds, in discovery order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.iter()
    }

    /// The served resources of a kind, in discovery order.
    pub(crate) fn of_kind(&self, group: &str, version: &str, kind: &str) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds
            .iter()
            .filter(move |held| held.kind == kind && held.group == group && held.version == version)
    }

    /// A kind that no client sees, by its resource.
    pub fn internal(&self, plural: &str) -> Option<&Arc<Kind>> {
        let mut named = self.by_id.iter().filter(|kind| kind.plural == plural);
        named.find(|kind| self.find(&kind.group, &kind.version, plural).is_none())
    }

    /// The kind whose version a storage holds. None for a storage that has gone.
    pub fn stored(&self, storage: StorageId) -> Option<&Arc<Kind>> {
        let index = self.storages.binary_search_by_key(&storage, |(id, _)| *id);
        index.ok().map(|index| &self.storages[index].1)
    }

    /// All storages by their ids, each with the kind whose version it holds.
    pub fn storages(&self) -> impl Iterator<Item = (StorageId, &Arc<Kind>)> {
        self.storages.iter().map(|(storage, kind)| (*storage, kind))
    }

    /// The kind in whose version objects of this one are stored. For most kinds that is the kind itself.
    pub fn stored_kind<'a>(&'a self, kind: &'a Kind) -> &'a Kind {
        match kind.storage {
            Some(storage) if kind.stored_as.is_some() => {
                self.stored(storage).map_or(kind, |stored| &**stored)
            }
            Some(_) | None => kind,
        }
    }

    /// The kind in whose version objects of this one are written until they are encoded: validated, shown to plugins
    /// and so on. Built-in kinds have one such version, the stored one; custom objects have the version of the request.
    pub fn working_kind<'a>(&'a self, kind: &'a Kind) -> &'a Kind {
        if kind.is_custom() { kind } else { self.stored_kind(kind) }
    }

    /// The kind of another version of a kind that came at run time, by its name; also one that is not served.
    pub fn version_of(&self, kind: &Kind, version: &str) -> Option<&Arc<Kind>> {
        let (_, id) = kind.family.iter().find(|(name, _)| name == version)?;
        self.kind(*id)
    }

    /// An object of a kind's version in the version that is stored. Objects that a webhook converts only get another
    /// `apiVersion` here.
    pub fn to_stored(&self, kind: &Kind, object: Value) -> Value {
        let Some(conversion) = kind.conversion else { return object };
        let stored = self.stored_kind(kind);
        fitted(stored, (conversion.to_stored)(&stored.catalogue, object))
    }

    /// A stored object in the version of a kind. Nothing happens to a custom object that is in that version already.
    /// Objects that a webhook converts only get another `apiVersion` here.
    pub fn from_stored(&self, kind: &Kind, object: Value) -> Value {
        let Some(conversion) = kind.conversion else { return object };
        if kind.is_custom() && kind.is_version_of(&object) {
            return object;
        }
        fitted(kind, (conversion.from_stored)(&kind.catalogue, object))
    }

    /// A custom object in the version of a kind, if versions differ in nothing but their names.
    pub fn renamed(&self, kind: &Kind, object: Value) -> Value {
        fitted(kind, (SAME.from_stored)(&kind.catalogue, object))
    }

    /// A custom object without what the version of a kind has no field for.
    pub fn fitted(&self, kind: &Kind, object: Value) -> Value {
        fitted(kind, object)
    }

    pub fn serves_group(&self, group: &str) -> bool {
        let at = self.versions.partition_point(|(held, _)| held.as_str() < group);
        self.versions.get(at).is_some_and(|(held, _)| held == group)
    }

    pub fn serves_group_version(&self, group: &str, version: &str) -> bool {
        let key = (group, version);
        self.versions
            .binary_search_by(|(group, version)| (group.as_str(), version.as_str()).cmp(&key))
            .is_ok()
    }
}

/// What `by_name` is sorted by.
fn name_of(kind: &Kind) -> (&str, &str, &str) {
    (&kind.plural, &kind.group, &kind.version)
}

fn versions_of(kinds: &[Arc<Kind>]) -> Vec<(Text, Text)> {
    let mut versions: Vec<_> = kinds.iter().map(|kind| (kind.group.clone(), kind.version.clone())).collect();
    versions.sort();
    versions.dedup();
    versions
}

/// A converted object as its own type is encoded: versions may differ in whether a zero value is left out.
fn fitted(kind: &Kind, object: Value) -> Value {
    decode::normalize(&kind.catalogue, kind.type_id, object.clone()).unwrap_or(object)
}
