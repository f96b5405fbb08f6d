//! Kinds that come while the server runs: what defines one, and its behaviour, which its schema drives.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go, status_strategy.go

use super::columns::ColumnSet;
use super::converter::Converter;
use super::kind::{Behaviour, FieldSource, Kind, KindId, ScalePaths, SelectableField, StorageId, Sub};
use super::rules::custom;
use super::{Rules, Scope, SubKind, Verb, convert};
use crate::codec::json;
use crate::limits;
use crate::schema::structural::{self, Previous, Structural};
use crate::schema::{Catalogue, ListType, Shape, TypeId};
use crate::status::{CauseType, Causes, Path};
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What defines a resource that comes while the server runs, in all its versions. All text of it is owned by its kinds,
/// and goes with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// At least two labels, as `example.com`.
    pub group: Text,
    pub kind: Text,
    pub plural: Text,
    pub singular: Text,
    pub scope: Scope,
    pub short: Vec<Text>,
    pub categories: Vec<Text>,
    /// In discovery's order. One of them is `stored`.
    pub versions: Vec<DefinedVersion>,
    /// The version in which objects are stored.
    pub stored: Text,
    /// Who converts objects from one version to another. Without it they differ in their `apiVersion` only.
    pub converter: Option<Arc<Converter>>,
}

/// One version of a resource that is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedVersion {
    pub name: Text,
    /// A version that is not served can still be the one that is stored.
    pub is_served: bool,
    pub types: DefinedTypes,
    /// The kind has a status, which is written through a subresource of its own only.
    pub has_status: bool,
    /// The kind has a Scale.
    pub scale: Option<DefinedScale>,
    /// Fields that field selectors may name, as paths with dots: `spec.color`.
    pub fields: Vec<Text>,
    pub columns: Vec<DefinedColumn>,
    /// The warning of each answer of the version; empty for none.
    pub deprecation: Text,
}

/// Where objects have what their Scale shows, as paths with dots: `spec.replicas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedScale {
    pub replicas: Text,
    pub status_replicas: Text,
    /// Empty for none.
    pub selector: Text,
}

/// What the objects of a version look like, at most `limits::DEFINITION_BYTES` long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefinedTypes {
    /// Types in the notation of the catalogue. They may name built-in types. One of them has the name that `type_name`
    /// gives; the type of lists is added to them.
    Notation(Text),
    /// A structural schema, as JSON.
    Schema(Text),
}

/// A column that a definition adds to the Table of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedColumn {
    pub name: Text,
    /// `string`, `integer`, `number`, `boolean` or `date`; a date is shown as the time that has passed since.
    pub kind: Text,
    pub description: Text,
    pub priority: i64,
    /// With dots: `spec.color`.
    pub path: Text,
}

/// The behaviour of a kind that came at run time, beside what its schema says.
#[derive(Clone, Debug)]
pub struct Custom {
    rules: &'static Rules,
}

const VERBS: &[Verb] = &[
    Verb::Delete,
    Verb::DeleteCollection,
    Verb::Get,
    Verb::List,
    Verb::Patch,
    Verb::Create,
    Verb::Update,
    Verb::Watch,
];
const STATUS_VERBS: &[Verb] = &[Verb::Get, Verb::Patch, Verb::Update];

impl Definition {
    /// The kinds that are defined, one for each version, over the built-in types. They have the ids from `first` on.
    ///
    /// # Errors
    /// A sentence about what cannot be served.
    pub(super) fn to_kinds(
        &self,
        builtin: &Arc<Catalogue>,
        first: KindId,
        storage: StorageId,
    ) -> Result<Vec<DefinedKind>, String> {
        self.check()?;
        let ids = (first.0..).map(KindId);
        let named = ids.clone().zip(&self.versions).map(|(id, version)| (version.name.clone(), id));
        let family: Arc<[(Text, KindId)]> = named.collect();
        ids.zip(&self.versions)
            .map(|(id, version)| {
                let kind = Kind { family: family.clone(), ..self.to_kind(version, builtin, id, storage)? };
                Ok(DefinedKind { kind: Arc::new(kind), is_served: version.is_served })
            })
            .collect()
    }

    fn check(&self) -> Result<(), String> {
        let words = [
            ("group", &self.group),
            ("kind", &self.kind),
            ("plural", &self.plural),
            ("singular", &self.singular),
        ];
        let versions = self.versions.iter().map(|version| ("version", &version.name));
        for (what, text) in words.into_iter().chain(versions) {
            if text.is_empty() || text.contains('/') {
                return Err(format!("the {what} {text:?} is no word of a path"));
            }
        }
        if !self.group.contains('.') {
            return Err(format!("the group {:?} has one label only", self.group));
        }
        if self.versions.len() > limits::DEFINED_VERSIONS {
            return Err(format!("more than {} versions", limits::DEFINED_VERSIONS));
        }
        let is_twice = |(at, version): (usize, &DefinedVersion)| {
            self.versions[..at].iter().any(|other| other.name == version.name)
        };
        if self.versions.iter().enumerate().any(is_twice) {
            return Err("a version is defined twice".into());
        }
        match self.versions.iter().any(|version| version.name == self.stored) {
            true => Ok(()),
            false => Err(format!("the version {:?}, which is stored, is not defined", self.stored)),
        }
    }

    fn to_kind(
        &self,
        version: &DefinedVersion,
        builtin: &Arc<Catalogue>,
        id: KindId,
        storage: StorageId,
    ) -> Result<Kind, String> {
        let (DefinedTypes::Notation(types) | DefinedTypes::Schema(types)) = &version.types;
        if types.len() > limits::DEFINITION_BYTES {
            return Err(format!("the types take more than {} bytes", limits::DEFINITION_BYTES));
        }
        if version.fields.len() > limits::SCAN_PATHS {
            return Err(format!("more than {} selectable fields", limits::SCAN_PATHS));
        }
        let type_name = self.type_name(&version.name);
        let catalogue = match &version.types {
            DefinedTypes::Notation(types) => {
                let list = format!("\n{type_name}List kind={}\n metadata 1 meta.v1.ListMeta o\n", self.group);
                Catalogue::with(builtin, &format!("{types}{list} items 2 [{type_name}] r"))?
            }
            DefinedTypes::Schema(text) => {
                let props = json::parse(text.as_bytes()).map_err(|_| "the schema is no JSON")?.value;
                Catalogue::with_custom(builtin, &type_name, &self.group, &Structural::read(&props))?
            }
        };
        let type_id = catalogue.added().find(|(_, def)| def.name == type_name).map(|(id, _)| id);
        let type_id = type_id.ok_or_else(|| format!("the type {type_name} is not defined"))?;
        let raws = catalogue.raw_paths(type_id);
        let raws = (!raws.is_none()).then(|| Arc::new(raws.clone()));
        let status = Sub {
            name: Text::const_new("status"),
            action: SubKind::Status,
            kind: self.kind.clone(),
            foreign: None,
            verbs: STATUS_VERBS,
            scale: None,
        };
        let mut subs: Vec<Arc<Sub>> = Vec::new();
        subs.extend(version.has_status.then(|| Arc::new(status)));
        subs.extend(version.scale.as_ref().map(|scale| Arc::new(scale.to_sub())));
        let fields: Vec<SelectableField> = version.fields.iter().map(SelectableField::dotted).collect();
        let is_stored = version.name == self.stored;
        Ok(Kind {
            id,
            group: self.group.clone(),
            version: version.name.clone(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
            singular: self.singular.clone(),
            scope: self.scope,
            verbs: VERBS,
            short: self.short.clone(),
            categories: self.categories.clone(),
            prefix: format!("{}/{}", self.group, self.plural).into(),
            type_name,
            storage_version_hash: Text::default(),
            stored_as: (!is_stored).then(|| (self.group.clone(), self.stored.clone())),
            conversion: (!is_stored).then_some(&convert::SAME),
            converter: self.converter.clone(),
            family: Arc::default(),
            subs,
            behaviour: Behaviour::Custom(Arc::new(Custom {
                rules: if version.has_status { &custom::SPLIT } else { &custom::WHOLE },
            })),
            field_paths: fields.iter().flat_map(SelectableField::paths).collect(),
            fields,
            columns: ColumnSet::defined(&version.columns),
            deprecation: version.deprecation.clone(),
            fingerprint: fingerprint(types),
            catalogue: Arc::new(catalogue),
            type_id,
            raws,
            storage: Some(storage),
        })
    }

    /// The name of the type of the objects of a version, which begins with the labels of the group from last to first:
    /// `com.example.v1.Widget`.
    pub fn type_name(&self, version: &str) -> Text {
        let labels: Vec<&str> = self.group.rsplit('.').collect();
        format!("{}.{version}.{}", labels.join("."), self.kind).into()
    }
}

/// A kind of a definition.
#[derive(Clone, Debug)]
pub(super) struct DefinedKind {
    pub(super) kind: Arc<Kind>,
    pub(super) is_served: bool,
}

impl DefinedScale {
    fn to_sub(&self) -> Sub {
        let path = |dotted: &Text| dotted.split('.').map(Text::from).collect::<Vec<_>>();
        let selector = if self.selector.is_empty() { Vec::new() } else { path(&self.selector) };
        let (replicas, status_replicas) = (path(&self.replicas), path(&self.status_replicas));
        Sub {
            name: Text::const_new("scale"),
            action: SubKind::Scale,
            kind: Text::const_new("Scale"),
            foreign: Some((Text::const_new("autoscaling"), Text::const_new("v1"))),
            verbs: STATUS_VERBS,
            scale: Some(Arc::new(ScalePaths { replicas, status_replicas, selector: Some(selector) })),
        }
    }
}

impl Custom {
    pub(super) fn rules(&self) -> &'static Rules {
        self.rules
    }
}

/// FNV-1a over 64 bits, as hexadecimal digits.
fn fingerprint(types: &str) -> Text {
    let state = types.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{state:016x}").into()
}

/// The errors of an object by its schema: what is required and absent, and what occurs twice in a list that holds
/// nothing twice. Types were checked when the object was decoded.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/validation/validation.go,
/// pkg/apiserver/schema/listtype/validation.go
pub(super) fn check_schema(kind: &Kind, object: &Value, previous: Previous<'_>, causes: &mut Causes) {
    if let Some(custom) = &kind.catalogue.get(kind.type_id).custom {
        structural::validate(&custom.0, object, previous, causes);
        structural::validate_list_types(&custom.0, object, causes);
        return;
    }
    for field in &kind.catalogue.get(kind.type_id).fields {
        // The metadata has a validation of its own.
        if field.name == "metadata" {
            continue;
        }
        let path = Path::new(&field.name);
        match object.field(&field.name) {
            Some(value) => check(&kind.catalogue, &field.shape, &field.list, value, &path, causes),
            None if field.required => causes.required(&path, ""),
            None => {}
        }
    }
}

/// The recursion is bounded by the depth of the value, which its parser bounds.
fn check(
    catalogue: &Catalogue,
    shape: &Shape,
    list: &ListType,
    value: &Value,
    path: &Path,
    causes: &mut Causes,
) {
    match shape {
        Shape::Struct(id) => check_fields(catalogue, *id, value, path, causes),
        Shape::List(inner) => {
            let items = value.as_list().unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                check(catalogue, inner, &ListType::Undeclared, item, &path.index(index), causes);
            }
            check_list(list, items, path, causes);
        }
        Shape::Map(inner) => {
            for (key, member) in value.as_map().into_iter().flat_map(crate::value::Map::iter) {
                check(catalogue, inner, &ListType::Undeclared, member, &path.child(key), causes);
            }
        }
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Bytes
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Duration
        | Shape::Any
        | Shape::Custom(_) => {}
    }
}

fn check_fields(catalogue: &Catalogue, id: TypeId, value: &Value, path: &Path, causes: &mut Causes) {
    for field in &catalogue.get(id).fields {
        let path = path.child(&field.name);
        match value.field(&field.name) {
            Some(value) => check(catalogue, &field.shape, &field.list, value, &path, causes),
            None if field.required => causes.required(&path, ""),
            None => {}
        }
    }
}

/// What occurs twice in a list that is a set, or that is a map by some of its items' fields.
fn check_list(list: &ListType, items: &[Value], path: &Path, causes: &mut Causes) {
    let identities: Vec<Value> = match list {
        ListType::Undeclared | ListType::Atomic => return,
        ListType::Set => items.to_vec(),
        ListType::Map(keys) => items.iter().map(|item| identity(item, keys)).collect(),
    };
    let mut order: Vec<usize> = (0..identities.len()).collect();
    let text = |index: usize| crate::codec::json::to_string(&identities[index]);
    order.sort_by_cached_key(|index| (text(*index), *index));
    let mut repeated: Vec<usize> = order
        .windows(2)
        .filter(|pair| identities[pair[0]] == identities[pair[1]])
        .map(|pair| pair[1])
        .collect();
    repeated.sort_unstable();
    for index in repeated {
        causes.add(CauseType::Duplicate, &path.index(index), Some(&identities[index]), &"");
    }
}

fn identity(item: &Value, keys: &[Text]) -> Value {
    let members = keys.iter().filter_map(|key| Some((key.clone(), item.field(key)?.clone())));
    Value::map(members.collect())
}

impl SelectableField {
    /// The field at a path with dots, by which it is also named.
    fn dotted(path: &Text) -> Self {
        let labels = path.split('.').map(Text::from).collect();
        Self { name: path.clone(), source: FieldSource::Path(labels, Text::default()) }
    }
}
