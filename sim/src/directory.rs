//! Maps resources to paths and keys, by the same registry that the servers use.

use bytes::Bytes;
use std::sync::Arc;
use steersman_core::kinds::{Kind, KindId, Registry, Sub, table};
use steersman_core::store::key::KeySpace;
use steersman_core::value::Text;
use steersman_core::world::World;

/// An object, or a collection if the name is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub resource: KindId,
    /// Empty for all namespaces, and for cluster-scoped kinds.
    pub namespace: Text,
    pub name: Text,
    /// Empty for the object itself.
    pub subresource: &'static str,
}

/// Knows the paths and keys of all resources.
#[derive(Clone, Debug)]
pub struct Directory {
    pub registry: Arc<Registry>,
    /// An empty world, used for where its collections are.
    world: Arc<World>,
}

impl Place {
    pub fn collection(resource: KindId, namespace: &str) -> Self {
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
    /// `world` may be any server's, since only its collections are used.
    pub fn new(world: &Arc<World>) -> Self {
        Self { registry: world.registry.clone(), world: world.clone() }
    }

    /// The resource of a group, in the given version.
    ///
    /// # Panics
    /// When there is none: the names come from our own code.
    pub fn find(&self, group: &str, version: &str, plural: &str) -> KindId {
        let found = self.registry.find(group, version, plural);
        found.unwrap_or_else(|| panic!("{plural} of {group}/{version} is a resource")).id
    }

    pub fn resource(&self, id: KindId) -> &Kind {
        self.registry.kind(id).expect("the directory knows the kinds that it names")
    }

    /// The path of a URL.
    pub fn path(&self, place: &Place) -> String {
        let resource = self.resource(place.resource);
        let mut path = match resource.group.as_str() {
            "" => format!("/api/{}", resource.version),
            group => format!("/apis/{group}/{}", resource.version),
        };
        if !place.namespace.is_empty() && resource.namespaced() {
            path.push_str("/namespaces/");
            path.push_str(&place.namespace);
        }
        for part in [resource.plural.as_str(), &place.name, place.subresource] {
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

    /// The prefix of the keys of a collection.
    pub fn prefix(&self, place: &Place) -> Option<Bytes> {
        Some(self.keys(place.resource)?.namespace_prefix(&place.namespace))
    }

    fn keys(&self, resource: KindId) -> Option<&KeySpace> {
        let storage = self.resource(resource).storage?;
        Some(&self.world.collection(storage)?.keys)
    }

    /// The resource, namespace and name that a key of the store belongs to.
    pub fn place_of(&self, key: &[u8]) -> Option<Place> {
        let collection = self.world.collection_of(key)?;
        let (namespace, name) = collection.keys.parse(key)?;
        let resource = self.registry.stored(collection.storage)?.id;
        Some(Place { resource, namespace: namespace.into(), name: name.into(), subresource: "" })
    }
}

/// The name of a subresource of a built-in kind.
pub fn known_subresource(sub: &Sub) -> Option<&'static str> {
    let known = table::ROWS.iter().flat_map(|row| row.subs);
    known.map(|known| known.name).find(|name| sub.name == *name)
}
