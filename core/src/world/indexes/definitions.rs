//! The names that definitions of custom resources hold, and the definitions that something is still to be done for.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go

use super::Changed;
use crate::kinds::{has_condition, is_approval_told};
use crate::value::{Text, Value, object};
use crate::world::cache::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is known of the definitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DefinitionNames {
    held: Arc<BTreeMap<Text, HeldNames>>,
    /// Those that are not as they are to stay: new, renamed, or being deleted.
    unsettled: Arc<BTreeSet<Text>>,
}

/// The names that one definition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HeldNames {
    group: Text,
    /// Plural, singular and short names.
    resources: Vec<Text>,
    /// The names of the kind and of its lists.
    kinds: Vec<Text>,
}

/// The names that a group's definitions have been given.
#[derive(Clone, Debug, Default)]
pub struct UsedNames {
    pub resources: BTreeSet<Text>,
    pub kinds: BTreeSet<Text>,
}

impl UsedNames {
    /// Adds the names that a definition was given.
    pub fn add(&mut self, accepted: &Value) {
        let (resources, kinds) = names_of(Some(accepted));
        self.resources.extend(resources);
        self.kinds.extend(kinds);
    }
}

/// The names of a resource, and those of its kind.
fn names_of(accepted: Option<&Value>) -> (Vec<Text>, Vec<Text>) {
    let name = |field: &str| accepted.map(|names| names.text_at(&[field])).filter(|name| !name.is_empty());
    let short = accepted.and_then(|names| names.field("shortNames")).and_then(Value::as_list);
    let short = short.unwrap_or_default().iter().filter_map(Value::as_str);
    let texts = |names: [Option<&str>; 2]| names.into_iter().flatten().map(Text::from).collect::<Vec<_>>();
    let mut resources = texts([name("plural"), name("singular")]);
    resources.extend(short.map(Text::from));
    (resources, texts([name("kind"), name("listKind")]))
}

impl DefinitionNames {
    pub(super) fn changed(&mut self, change: Changed<'_>) {
        let Some(name) = change.new.or(change.old).map(Entry::name) else { return };
        let value = change.new.map(Entry::to_value);
        let held = value.as_ref().map(HeldNames::of);
        if self.held.get(name) != held.as_ref() {
            let all = Arc::make_mut(&mut self.held);
            match held {
                Some(held) => all.insert(name.into(), held),
                None => all.remove(name),
            };
        }
        let is_unsettled = value.as_ref().is_some_and(is_unsettled);
        if is_unsettled != self.unsettled.contains(name) {
            let all = Arc::make_mut(&mut self.unsettled);
            if is_unsettled {
                all.insert(name.into())
            } else {
                all.remove(name)
            };
        }
    }

    pub(super) fn unsettled(&self) -> &BTreeSet<Text> {
        &self.unsettled
    }

    pub(super) fn used(&self, group: &str) -> UsedNames {
        let mut used = UsedNames::default();
        for held in self.held.values().filter(|held| held.group == group) {
            used.resources.extend(held.resources.iter().cloned());
            used.kinds.extend(held.kinds.iter().cloned());
        }
        used
    }
}

impl HeldNames {
    fn of(definition: &Value) -> Self {
        let (resources, kinds) = names_of(definition.at(&["status", "acceptedNames"]));
        Self { group: definition.text_at(&["spec", "group"]).into(), resources, kinds }
    }
}

/// Whether its names are not those that were accepted, or it is not established, or it is being deleted, or something
/// is to be told of it.
fn is_unsettled(definition: &Value) -> bool {
    let names = definition.at(&["spec", "names"]);
    object::is_being_deleted(definition)
        || names != definition.at(&["status", "acceptedNames"])
        || !has_condition(definition, "Established")
        || !is_approval_told(definition)
}
