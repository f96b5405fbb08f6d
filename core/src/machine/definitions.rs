//! Serves what CustomResourceDefinitions define: a definition that is established brings its kinds, one that changes
//! exchanges them, and one that goes takes them away.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go

use super::{Effect, Machine};
use crate::kinds::{Definition, StorageId};
use crate::museum::Mutant;
use crate::now::Now;
use crate::value::Text;
use crate::world::cache::{Change, Entry};
use alloc::vec::Vec;

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";

impl Machine {
    /// The storage of the definitions.
    pub(super) fn definitions(&self) -> Option<StorageId> {
        self.world.registry.find(GROUP, "v1", PLURAL)?.storage
    }

    /// Follows a change of a definition.
    pub(super) fn redefine(&mut self, change: &Change, now: Now, out: &mut Vec<Effect>) {
        let Some(name) = change.new.as_deref().or(change.old.as_deref()).map(Entry::name) else { return };
        let wanted = change.new.as_deref().and_then(|entry| Definition::of_object(&entry.to_value()));
        self.define(&Text::from(name), wanted, now, out);
    }

    /// Follows all definitions, after they have been listed.
    pub(super) fn redefine_all(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(cache) = self.definitions().and_then(|storage| self.world.cache(storage)) else { return };
        let held: Vec<(Text, Option<Definition>)> = cache
            .entries()
            .iter()
            .map(|(_, held)| {
                let entry = held.entry();
                (entry.name().into(), Definition::of_object(&entry.to_value()))
            })
            .collect();
        let is_held = |name: &Text| held.iter().any(|(other, _)| other == name);
        let gone: Vec<Text> = self.defined.keys().filter(|name| !is_held(name)).cloned().collect();
        for name in gone {
            self.define(&name, None, now, out);
        }
        for (name, wanted) in held {
            self.define(&name, wanted, now, out);
        }
    }

    fn define(&mut self, name: &Text, wanted: Option<Definition>, now: Now, out: &mut Vec<Effect>) {
        if self.defined.get(name) == wanted.as_ref() {
            return;
        }
        let before = self.defined.remove(name);
        let Some(wanted) = wanted else {
            if let Some(before) = before {
                self.withdraw(&before.group, &before.plural, now, out);
            }
            return;
        };
        if before.is_some() && self.config.flaw.is(Mutant::DefinitionServedOnce) {
            self.defined.insert(name.clone(), wanted);
            return;
        }
        if let Some(before) = before.filter(|before| before.plural != wanted.plural) {
            self.withdraw(&before.group, &before.plural, now, out);
        }
        self.defined.insert(name.clone(), wanted.clone());
        self.serve(wanted, out);
    }
}
