//! Kinds that come while the server runs: what defines one, and its behaviour, which its schema drives.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go, status_strategy.go

use super::columns::ColumnSet;
use super::kind::{Behaviour, FieldSource, Kind, KindId, SelectableField, StorageId, Sub};
use super::rules::custom;
use super::{Rules, Scope, SubKind, Verb};
use crate::limits;
use crate::schema::{Catalogue, ListType, Shape, TypeId};
use crate::status::{CauseType, Causes, Path};
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What defines a kind that comes while the server runs. All text of it is owned by the kind, and goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// At least two labels, as `example.com`.
    pub group: Text,
    pub version: Text,
    pub kind: Text,
    pub plural: Text,
    pub singular: Text,
    pub scope: Scope,
    pub short: Vec<Text>,
    pub categories: Vec<Text>,
    /// The types of its objects in the notation of the catalogue, at most `limits::DEFINITION_BYTES` long. They may
    /// name built-in types. One of them has the name that `type_name` gives; the type of lists is added to them.
    pub types: Text,
    /// The kind has a status, which is written through a subresource of its own only.
    pub has_status: bool,
    /// Fields that field selectors may name, as paths with dots: `spec.color`.
    pub fields: Vec<Text>,
    pub columns: Vec<DefinedColumn>,
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
    Verb::Create,
    Verb::Delete,
    Verb::DeleteCollection,
    Verb::Get,
    Verb::List,
    Verb::Patch,
    Verb::Update,
    Verb::Watch,
];
const STATUS_VERBS: &[Verb] = &[Verb::Get, Verb::Patch, Verb::Update];

impl Definition {
    /// The kind that is defined, over the built-in types.
    ///
    /// # Errors
    /// A sentence about what cannot be served.
    pub(super) fn to_kind(
        &self,
        builtin: &Arc<Catalogue>,
        id: KindId,
        storage: StorageId,
    ) -> Result<Kind, String> {
        for (what, text) in [
            ("group", &self.group),
            ("version", &self.version),
            ("kind", &self.kind),
            ("plural", &self.plural),
            ("singular", &self.singular),
        ] {
            if text.is_empty() || text.contains('/') {
                return Err(format!("the {what} {text:?} is no word of a path"));
            }
        }
        if !self.group.contains('.') {
            return Err(format!("the group {:?} has one label only", self.group));
        }
        if self.types.len() > limits::DEFINITION_BYTES {
            return Err(format!("the types take more than {} bytes", limits::DEFINITION_BYTES));
        }
        if self.fields.len() > limits::SCAN_PATHS {
            return Err(format!("more than {} selectable fields", limits::SCAN_PATHS));
        }
        let type_name = self.type_name();
        let list = format!("\n{type_name}List kind={}\n metadata 1 meta.v1.ListMeta o\n", self.group);
        let types = format!("{}{list} items 2 [{type_name}] r", self.types);
        let catalogue = Catalogue::with(builtin, &types)?;
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
        };
        let fields: Vec<SelectableField> = self.fields.iter().map(SelectableField::dotted).collect();
        Ok(Kind {
            id,
            group: self.group.clone(),
            version: self.version.clone(),
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
            stored_as: None,
            conversion: None,
            subs: if self.has_status { alloc::vec![Arc::new(status)] } else { Vec::new() },
            behaviour: Behaviour::Custom(Arc::new(Custom {
                rules: if self.has_status { &custom::SPLIT } else { &custom::WHOLE },
            })),
            field_paths: fields.iter().flat_map(SelectableField::paths).collect(),
            fields,
            columns: ColumnSet::defined(&self.columns),
            deprecation: Text::default(),
            fingerprint: fingerprint(&self.types),
            catalogue: Arc::new(catalogue),
            type_id,
            raws,
            storage: Some(storage),
        })
    }
}

impl Definition {
    /// The name of the type of the objects, which begins with the labels of the group from last to first:
    /// `com.example.v1.Widget`.
    pub fn type_name(&self) -> Text {
        let labels: Vec<&str> = self.group.rsplit('.').collect();
        format!("{}.{}.{}", labels.join("."), self.version, self.kind).into()
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
pub(super) fn check_schema(kind: &Kind, object: &Value, causes: &mut Causes) {
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
        | Shape::Any => {}
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
