//! Where things are: paths and keys of resources, from the same registry that the servers have.

use bytes::Bytes;
use std::sync::Arc;
use steersman_core::kinds::{Registry, Resource, ResourceId};
use steersman_core::store::key::KeySpace;
use steersman_core::value::Text;
use steersman_core::world::World;

/// An object, or a collection where the name is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub resource: ResourceId,
    /// Empty for all namespaces, and for kinds that have none.
    pub namespace: Text,
    pub name: Text,
    /// Empty for the object itself.
    pub subresource: &'static str,
}

/// The map of the API.
#[derive(Clone, Debug)]
pub struct Directory {
    pub registry: Arc<Registry>,
    /// A world that holds nothing: it knows where collections lie.
    world: Arc<World>,
}

impl Place {
    pub fn collection(resource: ResourceId, namespace: &str) -> Self {
        Self { resource, namespace: namespace.into(), name: Text::default(), subresource: "" }
    }

    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.into(), ..self.clone() }
    }

    #[must_use]
    pub fn sub(&self, subresource: &'static str) -> Self {
        Self { subresource, ..self.clone() }
    }
}

impl Directory {
    /// `world` is any server's; nothing of it but its map is used.
    pub fn new(world: &Arc<World>) -> Self {
        Self { registry: world.registry.clone(), world: world.clone() }
    }

    /// The resource of a group, at the version it has.
    ///
    /// # Panics
    /// When there is none: names of resources are ours.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> ResourceId {
        let found = self.registry.find(group, version, plural);
        found.unwrap_or_else(|| panic!("{plural} of {group}/{version} is a resource")).id
    }

    pub fn resource(&self, id: ResourceId) -> &Resource {
        self.registry.resource(id)
    }

    /// The path of a URL.
    pub fn path(&self, place: &Place) -> String {
        let resource = self.resource(place.resource);
        let mut path = match resource.row.group {
            "" => format!("/api/{}", resource.row.version),
            group => format!("/apis/{group}/{}", resource.row.version),
        };
        if !place.namespace.is_empty() && resource.namespaced() {
            path.push_str("/namespaces/");
            path.push_str(&place.namespace);
        }
        for part in [resource.row.plural, &place.name, place.subresource] {
            if !part.is_empty() {
                path.push('/');
                path.push_str(part);
            }
        }
        path
    }

    /// The store's key of an object; None for resources that are not stored.
    pub fn key(&self, place: &Place) -> Option<Bytes> {
        Some(self.keys(place.resource)?.key(&place.namespace, &place.name))
    }

    /// What the keys of a collection begin with.
    pub fn prefix(&self, place: &Place) -> Option<Bytes> {
        Some(self.keys(place.resource)?.namespace_prefix(&place.namespace))
    }

    fn keys(&self, resource: ResourceId) -> Option<&KeySpace> {
        let storage = self.resource(resource).storage?;
        Some(&self.world.collection(storage).keys)
    }

    /// The collection that a key of the store belongs to: its resource, namespace and name.
    pub fn place_of(&self, key: &[u8]) -> Option<Place> {
        let collection = self.world.collection_of(key)?;
        let (namespace, name) = collection.keys.parse(key)?;
        let resource = self.registry.stored(collection.storage).id;
        Some(Place { resource, namespace: namespace.into(), name: name.into(), subresource: "" })
    }
}
