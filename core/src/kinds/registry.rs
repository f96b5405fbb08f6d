//! The kinds as a registry in which they are looked up by group, version and resource.

use super::{Row, Scope, Verb};
use crate::codec::json::RawPaths;
use crate::schema::{Catalogue, TypeId, decode};
use crate::value::Value;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The index of a resource in its registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceId(pub u16);

/// The index of a stored collection. Resources that share storage (both Events, both HorizontalPodAutoscalers) have
/// the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorageId(pub u16);

/// A resource. Those whose row is internal are not served.
#[derive(Clone, Debug)]
pub struct Resource {
    pub id: ResourceId,
    pub row: &'static Row,
    pub type_id: TypeId,
    /// Where raw JSON stands in an object; None where there is none.
    pub raws: Option<Arc<RawPaths>>,
    /// None when the resource is not stored (reviews, bindings).
    pub storage: Option<StorageId>,
}

/// All resources, in discovery order.
#[derive(Clone, Debug)]
pub struct Registry {
    pub catalogue: Arc<Catalogue>,
    resources: Vec<Resource>,
    /// For each storage, the resource whose version is stored.
    storages: Vec<ResourceId>,
    by_name: Vec<ResourceId>,
}

impl Resource {
    pub fn namespaced(&self) -> bool {
        self.row.scope == Scope::Namespaced
    }

    pub fn allows(&self, verb: Verb) -> bool {
        self.row.verbs.contains(&verb)
    }

    /// `apps/v1`, or `v1` for the core group.
    pub fn group_version(&self) -> alloc::string::String {
        if self.row.group.is_empty() {
            self.row.version.into()
        } else {
            alloc::format!("{}/{}", self.row.group, self.row.version)
        }
    }
}

impl Registry {
    /// The built-in kinds of `table::ROWS`.
    pub fn builtin() -> Self {
        Self::from_rows(super::table::ROWS, crate::schema::catalogue())
    }

    /// Panics when a row names a type or a stored version that does not exist. Tests of this crate check the table.
    pub fn from_rows(rows: &'static [Row], catalogue: Arc<Catalogue>) -> Self {
        let mut resources = Vec::with_capacity(rows.len());
        let mut storages: Vec<ResourceId> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let id = ResourceId(index as u16);
            let type_id =
                catalogue.type_named(row.type_name).unwrap_or_else(|| panic!("no type {}", row.type_name));
            let storage = (!row.prefix.is_empty() && row.stored_as.is_none()).then(|| {
                storages.push(id);
                StorageId(storages.len() as u16 - 1)
            });
            let raws = catalogue.raw_paths(type_id);
            let raws = (!raws.is_none()).then(|| Arc::new(raws.clone()));
            resources.push(Resource { id, row, type_id, raws, storage });
        }
        for index in 0..resources.len() {
            let Some((group, version)) = resources[index].row.stored_as else { continue };
            let prefix = resources[index].row.prefix;
            let stored = resources.iter().find(|other| {
                (other.row.group, other.row.version, other.row.prefix) == (group, version, prefix)
            });
            let stored = stored.unwrap_or_else(|| panic!("nothing stores {prefix} as {group}/{version}"));
            resources[index].storage = stored.storage;
        }
        let served = resources.iter().filter(|resource| !resource.row.internal);
        let mut by_name: Vec<ResourceId> = served.map(|resource| resource.id).collect();
        by_name.sort_by_key(|id| {
            let row = rows[usize::from(id.0)];
            (row.plural, row.group, row.version)
        });
        Self { catalogue, resources, storages, by_name }
    }

    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Resource> {
        // The plural is compared first, since it differs for most resources.
        let key = (plural, group, version);
        let index = self.by_name.binary_search_by(|id| {
            let row = self.resource(*id).row;
            (row.plural, row.group, row.version).cmp(&key)
        });
        index.ok().map(|index| self.resource(self.by_name[index]))
    }

    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.resources[usize::from(id.0)]
    }

    /// The served resources, in discovery order.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(|resource| !resource.row.internal)
    }

    /// A resource that no client sees, by its name.
    pub fn internal(&self, plural: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.row.internal && resource.row.plural == plural)
    }

    /// The resource whose version a storage holds.
    pub fn stored(&self, storage: StorageId) -> &Resource {
        self.resource(self.storages[usize::from(storage.0)])
    }

    /// The resource in whose version objects of this one are stored. For most resources that is the resource itself.
    pub fn stored_resource<'a>(&'a self, resource: &'a Resource) -> &'a Resource {
        match resource.storage {
            Some(storage) if resource.row.stored_as.is_some() => self.stored(storage),
            Some(_) | None => resource,
        }
    }

    /// An object of a resource's version in the version that is stored.
    pub fn to_stored(&self, resource: &Resource, object: Value) -> Value {
        let Some(conversion) = resource.row.conversion else { return object };
        let converted = (conversion.to_stored)(&self.catalogue, object);
        self.fitted(self.stored_resource(resource), converted)
    }

    /// A stored object in the version of a resource.
    pub fn from_stored(&self, resource: &Resource, object: Value) -> Value {
        let Some(conversion) = resource.row.conversion else { return object };
        let converted = (conversion.from_stored)(&self.catalogue, object);
        self.fitted(resource, converted)
    }

    /// A converted object as its own type is encoded: versions may differ in whether a zero value is left out.
    fn fitted(&self, resource: &Resource, object: Value) -> Value {
        decode::normalize(&self.catalogue, resource.type_id, object.clone()).unwrap_or(object)
    }

    pub fn storage_count(&self) -> usize {
        self.storages.len()
    }

    pub fn serves_group(&self, group: &str) -> bool {
        self.iter().any(|resource| resource.row.group == group)
    }

    pub fn serves_group_version(&self, group: &str, version: &str) -> bool {
        self.iter().any(|resource| (resource.row.group, resource.row.version) == (group, version))
    }
}
