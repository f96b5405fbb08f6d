//! What a rule may know beside the object it is given: who asks, when, of which server, and what else there is.

use crate::caller::Caller;
use crate::config::Config;
use crate::now::Wall;
use crate::value::Value;
use core::ops::ControlFlow;

/// The facts of one write. They are true for one attempt at it: an attempt after a conflict gets others.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub caller: &'a Caller,
    /// When the step of the request began; the same for everything that this attempt writes.
    pub now: Wall,
    pub config: &'a Config,
    /// The other objects, as the server's snapshot has them.
    pub objects: &'a dyn Objects,
    pub operation: Operation,
    /// The subresource through which the object is written; empty for none.
    pub subresource: &'a str,
    /// The API group of the request, which is not that of the stored object where two groups share storage.
    pub group: &'a str,
    /// Nothing will be stored.
    pub dry_run: bool,
    /// The stored object that an update changes. Null for a create, so that it reads as an object without members.
    pub old: &'a Value,
}

/// What is done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Create,
    Update,
}

impl<'a> Facts<'a> {
    /// The facts of the creation of an object.
    pub fn of_create(caller: &'a Caller, now: Wall, config: &'a Config, objects: &'a dyn Objects) -> Self {
        Self {
            caller,
            now,
            config,
            objects,
            operation: Operation::Create,
            subresource: "",
            group: "",
            dry_run: false,
            old: &Value::Null,
        }
    }

    /// The same facts for a request to this API group.
    #[must_use]
    pub fn of_group(self, group: &'a str) -> Self {
        Self { group, ..self }
    }

    /// The same facts for an update of an object.
    #[must_use]
    pub fn of_update(self, subresource: &'a str, old: &'a Value) -> Self {
        Self { operation: Operation::Update, subresource, old, ..self }
    }

    pub fn is_create(&self) -> bool {
        self.operation == Operation::Create
    }
}

/// Other objects, in their stored versions with their resource versions. A rule sees what the server's cache holds,
/// which another write may have changed since: what must not be wrong is claimed in the write itself.
pub trait Objects {
    /// The object of a stored resource; None when there is none, or no such resource. The namespace is empty for
    /// resources without.
    fn get(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Value>;

    /// Whether there is an object of a stored resource, even one that cannot be read.
    fn has(&self, group: &str, plural: &str, namespace: &str, name: &str) -> bool {
        self.get(group, plural, namespace, name).is_some()
    }

    /// Visits the objects of a stored resource in the order of their keys, those of one namespace or (when it is
    /// empty) all, until the visitor breaks. Each is decoded for the visit, so a visitor should stop when it knows.
    fn visit(
        &self,
        group: &str,
        plural: &str,
        namespace: &str,
        visitor: &mut dyn FnMut(&Value) -> ControlFlow<()>,
    );
}

/// Facts for tests of rules.
#[cfg(test)]
pub(in crate::kinds) mod given {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::string::String;

    /// Objects by group, plural, namespace and name.
    #[derive(Default)]
    pub(in crate::kinds) struct InMemory(pub(in crate::kinds) BTreeMap<[String; 4], Value>);

    impl Objects for InMemory {
        fn get(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Value> {
            self.0.get(&[group.into(), plural.into(), namespace.into(), name.into()]).cloned()
        }

        fn visit(
            &self,
            group: &str,
            plural: &str,
            namespace: &str,
            visitor: &mut dyn FnMut(&Value) -> ControlFlow<()>,
        ) {
            for ([of_group, of_plural, of_namespace, _], object) in &self.0 {
                let wanted = namespace.is_empty() || of_namespace == namespace;
                if wanted
                    && (of_group.as_str(), of_plural.as_str()) == (group, plural)
                    && visitor(object).is_break()
                {
                    return;
                }
            }
        }
    }

    /// Calls a function with the facts of a create by the server at the beginning of time, among these objects.
    pub(in crate::kinds) fn with_facts<T>(objects: &InMemory, run: impl FnOnce(&Facts<'_>) -> T) -> T {
        let (caller, config) = (Caller::server(), Config::open(0));
        run(&Facts::of_create(&caller, Wall::from_seconds(0), &config, objects))
    }
}

#[cfg(test)]
mod tests {
    use super::given::{InMemory, with_facts};
    use super::*;
    use alloc::vec::Vec;

    /// A rule that looks around: how many objects of a namespace have the old object's name in theirs.
    fn alike(facts: &Facts<'_>) -> usize {
        let mut found = Vec::new();
        facts.objects.visit("", "pods", "a", &mut |pod| {
            found.push(pod.text_at(&["metadata", "name"]).contains(facts.old.text_at(&["metadata", "name"])));
            ControlFlow::Continue(())
        });
        found.into_iter().filter(|alike| *alike).count()
    }

    #[test]
    fn a_rule_sees_the_old_object_and_the_others() {
        let mut objects = InMemory::default();
        for (namespace, name) in [("a", "one"), ("a", "one-more"), ("a", "two"), ("b", "one")] {
            let mut pod = Value::empty_map();
            pod.set_at(&["metadata", "name"], name.into());
            objects.0.insert(["".into(), "pods".into(), namespace.into(), name.into()], pod);
        }
        with_facts(&objects, |facts| {
            assert!(facts.is_create() && facts.old.is_null() && facts.subresource.is_empty());
            assert_eq!(alike(facts), 3);
            let old = objects.get("", "pods", "a", "one").expect("an object");
            let facts = facts.of_update("status", &old);
            assert!(!facts.is_create());
            assert_eq!((facts.subresource, facts.caller.name.as_str()), ("status", "system:apiserver"));
            assert_eq!(alike(&facts), 2);
        });
    }
}
