//! metadata.managedFields: an entry for each manager and for each way in which it writes.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/{managedfields,capmanagers}.go

use super::fields_v1;
use super::set::FieldSet;
use crate::limits;
use crate::value::{Map, Text, Value, quoted};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;

const APPLY: &str = "Apply";
const UPDATE: &str = "Update";
const FIELDS_V1: &str = "FieldsV1";

/// The manager of entries that were joined because there were too many.
const ANCIENT: &str = "ancient-changes";

/// What tells entries apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldOwner {
    pub manager: Text,
    /// Applies come first where both are told of one manager.
    pub is_update: bool,
    /// Of an update. Who applies has one entry for all versions.
    pub api_version: Text,
    pub subresource: Text,
}

/// What a manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedFields {
    /// Empty until somebody asks what the stored entry names. That entry is known to name something then.
    set: OnceCell<FieldSet>,
    /// The version that names the fields so.
    pub api_version: Text,
    /// RFC 3339; empty for none.
    pub time: Text,
    /// The entry as it is stored, as long as nothing has changed it.
    stored: Option<Value>,
}

/// The managers of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners(BTreeMap<FieldOwner, OwnedFields>);

/// Whose entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracked {
    /// A client has sent them.
    Sent,
    /// They are stored, so what is not changed need not be written anew.
    Stored,
}

impl FieldOwner {
    pub(super) fn apply(manager: &str, subresource: &str) -> Self {
        Self {
            manager: named(manager),
            is_update: false,
            api_version: Text::default(),
            subresource: subresource.into(),
        }
    }

    pub(super) fn update(manager: &str, api_version: &str, subresource: &str) -> Self {
        Self {
            manager: named(manager),
            is_update: true,
            api_version: api_version.into(),
            subresource: subresource.into(),
        }
    }

    /// The entry that says that the owner has written fields, which are given as they are stored.
    pub(super) fn entry(&self, fields: Value, api_version: &str, time: Text) -> Value {
        let operation = if self.is_update { UPDATE } else { APPLY };
        let text = |name: &'static str, text: Text| {
            (!text.is_empty()).then(|| (Text::const_new(name), Value::Str(text)))
        };
        let members = [
            text("apiVersion", api_version.into()),
            text("fieldsType", Text::const_new(FIELDS_V1)),
            Some((Text::const_new("fieldsV1"), fields)),
            text("manager", self.manager.clone()),
            text("operation", Text::const_new(operation)),
            text("subresource", self.subresource.clone()),
            text("time", time),
        ];
        Value::map(Map::from_entries(members.into_iter().flatten().collect()))
    }

    /// As conflicts name it.
    /// k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go printManager
    pub(super) fn shown(&self) -> String {
        let mut text = quoted(&self.manager);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource {}", quoted(&self.subresource)));
        }
        if self.is_update {
            text.push_str(&format!(" using {}", self.api_version));
        }
        text
    }
}

fn named(manager: &str) -> Text {
    Text::from(if manager.is_empty() { "unknown" } else { manager })
}

impl OwnedFields {
    pub(super) fn new(set: FieldSet, api_version: &str, time: Text) -> Self {
        Self { set: OnceCell::from(set), api_version: api_version.into(), time, stored: None }
    }

    /// Changes the set, and whatever else is changed after it.
    pub(super) fn change(&mut self, change: impl FnOnce(FieldSet) -> FieldSet) {
        self.set();
        self.stored = None;
        let before = self.set.take().unwrap_or_default();
        self.set = OnceCell::from(change(before));
    }

    /// The fields.
    pub fn set(&self) -> &FieldSet {
        let read = || fields_v1::decoded(self.stored.as_ref()?.field("fieldsV1")?);
        self.set.get_or_init(|| read().unwrap_or_default())
    }

    /// The text of the fields as they are stored, as long as nothing has changed them.
    pub(super) fn stored_text(&self) -> Option<&str> {
        fields_v1::text(self.stored.as_ref()?)
    }

    /// Whether nobody has asked yet what the fields are.
    pub(super) fn is_unread(&self) -> bool {
        self.set.get().is_none()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.get().is_some_and(FieldSet::is_empty)
    }

    /// Whether some field is in another set too. Where the text does not even name what that has, it is not read.
    pub(super) fn meets(&self, other: &FieldSet) -> bool {
        let is_far =
            self.is_unread() && self.stored_text().is_some_and(|text| !fields_v1::may_name_any(text, other));
        !is_far && self.set().meets(other)
    }

    fn to_value(&self, owner: &FieldOwner) -> Value {
        if let Some(stored) = &self.stored {
            return stored.clone();
        }
        owner.entry(fields_v1::encoded(self.set()), &self.api_version, self.time.clone())
    }
}

impl Owners {
    /// Reads entries; None when one of them is malformed.
    pub fn decoded(entries: &[Value], tracked: Tracked) -> Option<Self> {
        Self::read(entries, tracked, &|_, _| false)
    }

    /// Entries as they are stored. Those of which a function knows the version and the text to be whole, and to name
    /// something, are not read yet.
    pub(super) fn stored(entries: &[Value], is_known: &dyn Fn(&str, &str) -> bool) -> Option<Self> {
        Self::read(entries, Tracked::Stored, is_known)
    }

    fn read(entries: &[Value], tracked: Tracked, is_known: &dyn Fn(&str, &str) -> bool) -> Option<Self> {
        let mut owners = Self::default();
        for entry in entries {
            let api_version = entry.text_at(&["apiVersion"]);
            let is_update = match entry.text_at(&["operation"]) {
                APPLY => false,
                UPDATE => true,
                _ => return None,
            };
            if api_version.is_empty() || entry.text_at(&["fieldsType"]) != FIELDS_V1 {
                return None;
            }
            let fields = entry.field("fieldsV1").unwrap_or(&Value::Null);
            let owner = FieldOwner {
                manager: entry.text_at(&["manager"]).into(),
                is_update,
                api_version: if is_update { api_version.into() } else { Text::default() },
                subresource: entry.text_at(&["subresource"]).into(),
            };
            let time = entry.text_at(&["time"]).into();
            let is_known = fields_v1::text(entry).is_some_and(|text| is_known(api_version, text));
            let set = if is_known { OnceCell::new() } else { OnceCell::from(fields_v1::decoded(fields)?) };
            let mut owned = OwnedFields { set, api_version: api_version.into(), time, stored: None };
            owned.stored = (tracked == Tracked::Stored).then(|| entry.clone());
            owners.0.insert(owner, owned);
        }
        Some(owners)
    }

    /// The entries in upstream's order.
    pub fn encoded(&self) -> Vec<Value> {
        let mut entries: Vec<(&FieldOwner, &OwnedFields)> = self.0.iter().collect();
        entries.sort_by(|(one, owned), (other, other_owned)| {
            one.is_update
                .cmp(&other.is_update)
                .then_with(|| owned.time.as_str().cmp(other_owned.time.as_str()))
                .then_with(|| one.manager.cmp(&other.manager))
                .then_with(|| owned.api_version.cmp(&other_owned.api_version))
                .then_with(|| one.subresource.cmp(&other.subresource))
        });
        entries.into_iter().map(|(owner, owned)| owned.to_value(owner)).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn get(&self, owner: &FieldOwner) -> Option<&OwnedFields> {
        self.0.get(owner)
    }

    pub(super) fn insert(&mut self, owner: FieldOwner, owned: OwnedFields) {
        self.0.insert(owner, owned);
    }

    pub(super) fn remove(&mut self, owner: &FieldOwner) -> Option<OwnedFields> {
        self.0.remove(owner)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&FieldOwner, &OwnedFields)> {
        self.0.iter()
    }

    /// Keeps the entries for which a function says so.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&FieldOwner, &mut OwnedFields) -> bool) {
        self.0.retain(|owner, owned| keep(owner, owned));
    }

    /// Gives what an update has written to its writer, who keeps what it had.
    pub(super) fn give(&mut self, owner: FieldOwner, set: FieldSet, api_version: &str, time: Text) {
        match self.0.entry(owner) {
            Entry::Occupied(mut held) => {
                let held = held.get_mut();
                held.change(|before| before.union(set));
                held.api_version = api_version.into();
                held.time = time;
            }
            Entry::Vacant(slot) => {
                slot.insert(OwnedFields::new(set, api_version, time));
            }
        }
    }

    /// Joins the oldest entries of updates of one version, while there are more than `limits::UPDATE_MANAGERS`.
    pub(super) fn cap(&mut self) {
        let mut updates: Vec<(Text, FieldOwner)> = self
            .iter()
            .filter(|(owner, _)| owner.is_update)
            .map(|(owner, owned)| (owned.time.clone(), owner.clone()))
            .collect();
        let mut count = updates.len();
        if count <= limits::UPDATE_MANAGERS {
            return;
        }
        updates.sort();
        let mut first_of: BTreeMap<Text, FieldOwner> = BTreeMap::new();
        for (_, owner) in updates {
            if count <= limits::UPDATE_MANAGERS {
                return;
            }
            let version = owner.api_version.clone();
            let Some(first) = first_of.get(&version) else {
                first_of.insert(version, owner);
                continue;
            };
            let joined = FieldOwner::update(ANCIENT, &version, "");
            if !self.0.contains_key(&joined)
                && let Some(oldest) = self.0.remove(first)
            {
                self.0.insert(joined.clone(), oldest);
            }
            let Some(owned) = self.0.get(&owner).cloned() else { continue };
            self.give(joined.clone(), owned.set().clone(), &version, owned.time);
            if owner != joined {
                self.0.remove(&owner);
            }
            count -= 1;
        }
    }
}
