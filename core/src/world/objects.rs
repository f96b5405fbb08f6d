//! The objects of the world, as rules ask for them.

use super::World;
use super::cache::Entry;
use crate::kinds::{Objects, StorageId};
use crate::value::Value;
use alloc::sync::Arc;
use core::ops::ControlFlow;

impl World {
    fn storage_of(&self, group: &str, plural: &str) -> Option<StorageId> {
        let internal = || self.registry.internal(plural).filter(|kind| kind.group == group);
        self.registry.any_version(group, plural).or_else(internal)?.storage
    }

    /// The object of a stored resource, as `Objects::get`.
    pub(crate) fn entry_named(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
        name: &str,
    ) -> Option<&Arc<Entry>> {
        let storage = self.storage_of(group, plural)?;
        let key = self.collection(storage)?.keys.key(namespace, name);
        self.cache(storage)?.get(&key)
    }

    /// The objects of a stored resource in the order of their keys, as `Objects::visit`.
    pub(crate) fn entries_of(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
    ) -> impl Iterator<Item = &Arc<Entry>> {
        let found = self.storage_of(group, plural).and_then(|storage| {
            let prefix = self.collection(storage)?.keys.namespace_prefix(namespace);
            Some(self.cache(storage)?.entries().prefix(&prefix))
        });
        found.into_iter().flatten().map(|(_, held)| held.entry())
    }
}

impl Objects for World {
    fn get(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        Some(self.entry_named(group, plural, namespace, name)?.read_value(&self.forms))
    }

    fn has(&self, group: &str, plural: &str, namespace: &str, name: &str) -> bool {
        let held = self.storage_of(group, plural).and_then(|storage| {
            let key = self.collection(storage)?.keys.key(namespace, name);
            let cache = self.cache(storage)?;
            Some(cache.get(&key).is_some() || cache.unreadable().contains_key(&key))
        });
        held.unwrap_or(false)
    }

    fn visit(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
        visitor: &mut dyn FnMut(&Value) -> ControlFlow<()>,
    ) {
        for entry in self.entries_of(group, plural, namespace) {
            if visitor(&entry.read_value(&self.forms)).is_break() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Registry;
    use crate::store::{Batch, Event, EventType, Feed, KeyValue, LeaseId, Rev};
    use alloc::string::String;
    use alloc::sync::Arc;
    use alloc::vec::Vec;
    use alloc::{format, vec};

    fn world(objects: &[(&str, &str, &str)]) -> World {
        let mut world = World::new(Arc::new(crate::config::Config::open(0)), Arc::new(Registry::builtin()));
        let event = |(revision, (key, namespace, name)): (usize, &(&str, &str, &str))| {
            let value = format!(r#"{{"metadata":{{"namespace":"{namespace}","name":"{name}"}}}}"#);
            let revision = Rev(revision as u64 + 1);
            let kv = KeyValue {
                key: format!("/registry/{key}").into(),
                value: value.into(),
                create_revision: revision,
                mod_revision: revision,
                version: 1,
                lease: LeaseId(0),
            };
            Event { kind: EventType::Put, kv, previous: None }
        };
        let events = objects.iter().enumerate().map(event).collect();
        world.apply(Batch { feed: Feed(0), events, revision: Rev(9) }.into(), &mut Vec::new());
        world
    }

    fn names(world: &World, plural: &str, namespace: &str, most: usize) -> Vec<String> {
        let mut found = Vec::new();
        world.visit("", plural, namespace, &mut |object| {
            found.push(object.text_at(&["metadata", "name"]).into());
            if found.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found
    }

    #[test]
    fn rules_see_the_objects_of_the_world() {
        let world = world(&[
            ("configmaps/a/one", "a", "one"),
            ("configmaps/a/two", "a", "two"),
            ("configmaps/ab/three", "ab", "three"),
            ("minions/node", "", "node"),
        ]);
        let found = world.get("", "configmaps", "a", "two").expect("an object");
        assert_eq!(found.text_at(&["metadata", "resourceVersion"]), "2");
        assert!(world.get("", "nodes", "", "node").is_some());
        assert!(world.get("", "configmaps", "a", "three").is_none());
        assert!(world.get("", "no-such-resource", "a", "two").is_none());
        assert_eq!(names(&world, "configmaps", "a", 9), ["one", "two"]);
        assert_eq!(names(&world, "configmaps", "", 9), ["one", "two", "three"]);
        assert_eq!(names(&world, "configmaps", "", 1), vec!["one"]);
        assert!(names(&world, "no-such-resource", "", 9).is_empty());
    }
}
