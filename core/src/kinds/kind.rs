//! A kind as it is served: owned text, so that one that came at run time gives back all it held when it goes.

use super::columns::ColumnSet;
use super::converter::Converter;
use super::custom::{self, Custom};
use super::row::{Row, RowField, RowSource, RowSub};
use super::validation::{Errors, Located};
use super::{Facts, Rules, Scope, Strategy, SubKind, Verb, convert};
use crate::codec::json::RawPaths;
use crate::schema::{Catalogue, TypeId};
use crate::value::{Text, Value, object};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Names a kind for as long as the server runs. The numbers rise, and one that has gone is never used again, so that
/// an id which outlives its kind finds nothing instead of another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindId(pub u64);

/// Names a stored collection, as `KindId` names a kind. Kinds that share storage (both Events, both
/// HorizontalPodAutoscalers) have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorageId(pub u64);

/// A kind that is served, under one version.
#[derive(Clone, Debug)]
pub struct Kind {
    pub id: KindId,
    /// Empty for the core group.
    pub group: Text,
    pub version: Text,
    pub kind: Text,
    /// The kind of its lists.
    pub list_kind: Text,
    pub plural: Text,
    pub singular: Text,
    pub scope: Scope,
    pub verbs: &'static [Verb],
    pub short: Vec<Text>,
    pub categories: Vec<Text>,
    /// The key prefix below `--etcd-prefix`, without slashes at the ends: `pods`, `services/specs`.
    /// Empty when the kind is not stored.
    pub prefix: Text,
    /// The catalogue's name of the type: `core.v1.Pod`.
    pub type_name: Text,
    /// Discovery's storage version hash; empty when there is none.
    pub storage_version_hash: Text,
    /// The version in which it is stored, if that is another kind's: `("autoscaling", "v2")`.
    pub stored_as: Option<(Text, Text)>,
    /// The conversion to the stored version and back. It is set if `stored_as` is.
    pub conversion: Option<&'static convert::Conversion>,
    /// Who converts objects between the versions of a kind that came at run time, if it is not done by `conversion`.
    pub converter: Option<Arc<Converter>>,
    /// The versions of a kind that came at run time, with the ids of their kinds; empty for a built-in kind.
    pub family: Arc<[(Text, KindId)]>,
    pub subs: Vec<Arc<Sub>>,
    pub behaviour: Behaviour,
    /// Field selectors beyond metadata.name and metadata.namespace.
    pub fields: Vec<SelectableField>,
    /// The paths that the fields read, in order; a field with two sources has two.
    pub(super) field_paths: Vec<Vec<Text>>,
    pub columns: ColumnSet,
    /// The warning that every response of the kind carries; empty for none.
    pub deprecation: Text,
    /// Tells its types from those that a kind of this name had before; empty for a built-in kind.
    pub fingerprint: Text,
    /// The types of the kind's objects, those of its own among them.
    pub catalogue: Arc<Catalogue>,
    /// The type of the kind in its catalogue.
    pub type_id: TypeId,
    /// Where raw JSON stands in an object; None where there is none.
    pub raws: Option<Arc<RawPaths>>,
    /// None when the kind is not stored (reviews, bindings).
    pub storage: Option<StorageId>,
}

/// What a kind does beyond the generic.
#[derive(Clone, Debug)]
pub enum Behaviour {
    Builtin(&'static Rules),
    /// Of a kind that came at run time: its schema decides.
    Custom(Arc<Custom>),
}

/// A subresource of a kind.
#[derive(Clone, Debug)]
pub struct Sub {
    /// `status`, `scale`, `log`, ...
    pub name: Text,
    pub action: SubKind,
    /// The kind that it takes and returns, with group and version if they differ from those of the kind itself
    /// (discovery shows those): `("autoscaling", "v1", "Scale")`.
    pub kind: Text,
    pub foreign: Option<(Text, Text)>,
    pub verbs: &'static [Verb],
    /// Where an object has what its Scale shows; only of a Scale.
    pub scale: Option<Arc<ScalePaths>>,
}

/// Where an object has what its Scale shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    pub replicas: Vec<Text>,
    pub status_replicas: Vec<Text>,
    /// Text that selects pods; None for objects whose `spec.selector` is labels or a LabelSelector.
    pub selector: Option<Vec<Text>>,
}

/// A field that a field selector of the kind may name, and how its value is read (as text, the empty
/// string when unset). k8s: the `*ToSelectableFields` functions of pkg/registry.
#[derive(Clone, Debug)]
pub struct SelectableField {
    pub name: Text,
    pub source: FieldSource,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldSource {
    /// Text, number or bool at this path; when absent, this text.
    Path(Vec<Text>, Text),
    /// The first of two paths whose value is not empty (event source and reporting controller).
    Either(Vec<Text>, Vec<Text>),
}

impl Kind {
    /// The kind of a built-in row, whose type is in the catalogue.
    pub(super) fn of_row(
        row: &'static Row,
        id: KindId,
        storage: Option<StorageId>,
        catalogue: &Arc<Catalogue>,
    ) -> Self {
        let type_id =
            catalogue.type_named(row.type_name).unwrap_or_else(|| panic!("no type {}", row.type_name));
        let raws = catalogue.raw_paths(type_id);
        let fields: Vec<_> = row.fields.iter().map(SelectableField::of_row).collect();
        Self {
            id,
            group: text(row.group),
            version: text(row.version),
            kind: text(row.kind),
            list_kind: alloc::format!("{}List", row.kind).into(),
            plural: text(row.plural),
            singular: text(row.singular),
            scope: row.scope,
            verbs: row.verbs,
            short: texts(row.short),
            categories: texts(row.categories),
            prefix: text(row.prefix),
            type_name: text(row.type_name),
            storage_version_hash: text(row.storage_version_hash),
            stored_as: row.stored_as.map(pair),
            conversion: row.conversion,
            converter: None,
            family: Arc::default(),
            subs: row.subs.iter().map(|sub| Arc::new(Sub::of_row(sub))).collect(),
            behaviour: Behaviour::Builtin(row.rules),
            field_paths: fields.iter().flat_map(SelectableField::paths).collect(),
            fields,
            columns: ColumnSet::Builtin(row.columns),
            deprecation: text(row.deprecation),
            fingerprint: Text::default(),
            raws: (!raws.is_none()).then(|| Arc::new(raws.clone())),
            catalogue: catalogue.clone(),
            type_id,
            storage,
        }
    }

    pub fn namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    pub fn allows(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// The rules of the kind that need no schema.
    pub fn rules(&self) -> &'static Rules {
        match &self.behaviour {
            Behaviour::Builtin(rules) => rules,
            Behaviour::Custom(custom) => custom.rules(),
        }
    }

    /// Errors of an object that is to be created, after those of its metadata.
    pub fn validate(&self, object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
        (self.rules().validate)(object, facts, errors);
        if let Behaviour::Custom(custom) = &self.behaviour {
            custom::validate(self, custom, object, errors);
        }
    }

    /// Errors of an update by a strategy of the kind, after those of its metadata, and what its writer is warned of
    /// whether it is refused or not.
    pub fn validate_update(
        &self,
        strategy: &Strategy,
        object: &Located<'_, '_>,
        facts: &Facts<'_>,
        errors: &mut Errors,
        warnings: &mut Vec<alloc::string::String>,
    ) {
        (strategy.validate_update)(object, facts, errors);
        if let Behaviour::Custom(custom) = &self.behaviour {
            custom::validate_update(self, custom, object, facts, errors, warnings);
        }
    }

    /// Whether the kind came at run time, so that it can go.
    pub fn is_custom(&self) -> bool {
        match self.behaviour {
            Behaviour::Builtin(_) => false,
            Behaviour::Custom(_) => true,
        }
    }

    /// The schema of a kind that has one of a definition, as JSON, null if the definition has none.
    pub fn schema(&self) -> Option<&str> {
        match &self.behaviour {
            Behaviour::Builtin(_) => None,
            Behaviour::Custom(custom) => custom.schema(),
        }
    }

    /// Resource and group, as messages and notes name it: `deployments.apps`, `pods`.
    pub fn resource(&self) -> Text {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            alloc::format!("{}.{}", self.plural, self.group).into()
        }
    }

    /// The paths that the selectable fields read, in order; a field with two sources has two.
    pub fn field_paths(&self) -> &[Vec<Text>] {
        &self.field_paths
    }

    /// Whether an object names the group and version of the kind.
    pub fn is_version_of(&self, object: &Value) -> bool {
        let held = object::api_version(object);
        match held.rsplit_once('/') {
            Some((group, version)) => self.group == group && self.version == version,
            None => self.group.is_empty() && self.version == held,
        }
    }

    /// `apps/v1`, or `v1` for the core group.
    pub fn group_version(&self) -> alloc::string::String {
        if self.group.is_empty() {
            self.version.as_str().into()
        } else {
            alloc::format!("{}/{}", self.group, self.version)
        }
    }
}

impl ScalePaths {
    /// Those of built-in kinds.
    fn builtin() -> Self {
        let path = |names: [&'static str; 2]| names.map(Text::const_new).to_vec();
        Self {
            replicas: path(["spec", "replicas"]),
            status_replicas: path(["status", "replicas"]),
            selector: None,
        }
    }
}

impl Sub {
    fn of_row(row: &RowSub) -> Self {
        Self {
            name: text(row.name),
            action: row.action,
            kind: text(row.kind),
            scale: (row.action == SubKind::Scale).then(|| Arc::new(ScalePaths::builtin())),
            foreign: row.foreign.map(pair),
            verbs: row.verbs,
        }
    }

    /// Group and version of the subresource's own kind; None when they are those of the kind it belongs to.
    pub fn foreign(&self) -> Option<(&str, &str)> {
        self.foreign.as_ref().map(|(group, version)| (group.as_str(), version.as_str()))
    }
}

impl SelectableField {
    fn of_row(row: &RowField) -> Self {
        let source = match row.source {
            RowSource::Path(path, absent) => FieldSource::Path(texts(path), text(absent)),
            RowSource::Either(first, second) => FieldSource::Either(texts(first), texts(second)),
        };
        Self { name: text(row.name), source }
    }

    pub(super) fn paths(&self) -> Vec<Vec<Text>> {
        match &self.source {
            FieldSource::Path(path, _) => alloc::vec![path.clone()],
            FieldSource::Either(first, second) => alloc::vec![first.clone(), second.clone()],
        }
    }
}

/// Constant text is referred to and not copied.
fn text(text: &'static str) -> Text {
    Text::const_new(text)
}

fn texts(words: &'static [&'static str]) -> Vec<Text> {
    words.iter().map(|word| text(word)).collect()
}

fn pair((group, version): (&'static str, &'static str)) -> (Text, Text) {
    (text(group), text(version))
}
