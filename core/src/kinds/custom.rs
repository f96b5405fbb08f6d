//! Kinds that come while the server runs: what defines one, and its behaviour, which its schema drives.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go, status_strategy.go

mod embedded;
mod notation;
mod validation;

use super::columns::ColumnSet;
use super::converter::Converter;
use super::defined::FREE;
use super::kind::{Behaviour, FieldSource, Kind, KindId, ScalePaths, SelectableField, StorageId, Sub};
use super::rules::custom;
pub(super) use embedded::validate as validate_embedded;
pub(super) use validation::{validate, validate_update};

use super::{Rules, Scope, SubKind, Verb, convert};
use crate::codec::base64;
use crate::limits;
use crate::schema::Catalogue;
use crate::schema::structural::{RuleValidator, Structural};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use once_cell::race::OnceBox;
use sha2::{Digest, Sha256};

/// What defines a resource that comes while the server runs, in all its versions. All text of it is owned by its kinds,
/// and goes with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// At least two labels, as `example.com`.
    pub group: Text,
    pub kind: Text,
    /// The kind of lists.
    pub list_kind: Text,
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
    /// A structural schema, as JSON, which all that holds it shares.
    Schema(Arc<str>),
}

/// A column that a definition adds to the Table of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinedColumn {
    pub name: Text,
    /// `string`, `integer`, `number`, `boolean` or `date`; a date is shown as the time that has passed since.
    pub kind: Text,
    /// A hint of how it is shown, as `date-time`; mostly empty.
    pub format: Text,
    pub description: Text,
    pub priority: i64,
    /// A JSONPath without its braces: `.spec.color`.
    pub path: Text,
}

/// The behaviour of a kind that came at run time, beside what its schema says.
#[derive(Clone, Debug)]
pub struct Custom {
    rules: &'static Rules,
    /// The rules of its schema, which are compiled for the first object that they are about.
    validator: OnceBox<Option<RuleValidator>>,
    /// The schema of its version as the definition has it, JSON, null if there is none; None if its types are those of
    /// the catalogue's notation.
    schema: Option<Arc<str>>,
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
    /// The names must have been checked.
    ///
    /// # Errors
    /// A sentence about what cannot be served.
    pub(super) fn to_kinds(
        &self,
        builtin: &Arc<Catalogue>,
        first: KindId,
        storage: StorageId,
    ) -> Result<Vec<DefinedKind>, String> {
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

    /// Whether its names and versions can be served.
    ///
    /// # Errors
    /// A sentence about what cannot be.
    pub(super) fn check(&self) -> Result<(), String> {
        let words = [
            ("group", &self.group),
            ("kind", &self.kind),
            ("kind of lists", &self.list_kind),
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
        if version.types.text().len() > limits::DEFINITION_BYTES {
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
                Catalogue::with_custom(builtin, &type_name, &self.group, text.clone())?
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
            list_kind: self.list_kind.clone(),
            plural: self.plural.clone(),
            singular: self.singular.clone(),
            scope: self.scope,
            verbs: VERBS,
            short: self.short.clone(),
            categories: self.categories.clone(),
            prefix: self.prefix().into(),
            type_name,
            storage_version_hash: self.storage_version_hash(),
            stored_as: (!is_stored).then(|| (self.group.clone(), self.stored.clone())),
            conversion: (!is_stored).then_some(&convert::SAME),
            converter: self.converter.clone(),
            family: Arc::default(),
            subs,
            behaviour: Behaviour::Custom(Arc::new(Custom {
                rules: if version.has_status { &custom::SPLIT } else { &custom::WHOLE },
                validator: OnceBox::new(),
                schema: version.types.schema(),
            })),
            field_paths: fields.iter().flat_map(SelectableField::paths).collect(),
            fields,
            columns: ColumnSet::defined(&version.columns),
            deprecation: version.deprecation.clone(),
            fingerprint: fingerprint(self, version),
            catalogue: Arc::new(catalogue),
            type_id,
            raws,
            storage: Some(storage),
        })
    }

    /// Where the objects are stored, below the prefix of all keys.
    pub(crate) fn prefix(&self) -> String {
        format!("{}/{}", self.group, self.plural)
    }

    /// Tells clients whether the version that is stored has changed.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/discovery/storageversionhash.go
    fn storage_version_hash(&self) -> Text {
        const BYTES: usize = 8;
        let digest = Sha256::digest(format!("{}/{}/{}", self.group, self.stored, self.kind));
        base64::encode(&digest[..BYTES]).into()
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

impl DefinedTypes {
    fn text(&self) -> &str {
        match self {
            Self::Notation(text) => text,
            Self::Schema(text) => text,
        }
    }

    /// The schema of a definition, as JSON; null if it has none.
    fn schema(&self) -> Option<Arc<str>> {
        match self {
            Self::Notation(_) => None,
            Self::Schema(text) if **text == *FREE => Some("null".into()),
            Self::Schema(text) => Some(text.clone()),
        }
    }
}

impl Custom {
    /// The schema of its version as the definition has it, JSON, null if there is none; None if its types are those of
    /// the catalogue's notation.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    pub(super) fn rules(&self) -> &'static Rules {
        self.rules
    }

    /// The rules of its schema, compiled; None if there are none.
    pub(super) fn validator(&self, schema: &Structural) -> Option<&RuleValidator> {
        self.validator.get_or_init(|| Box::new(RuleValidator::new(schema, true))).as_ref()
    }
}

/// FNV-1a over 64 bits of all that documents show of a version, as hexadecimal digits.
fn fingerprint(definition: &Definition, version: &DefinedVersion) -> Text {
    let scope = format!("{:?} {} {}", definition.scope, version.has_status, version.scale.is_some());
    let texts =
        [version.types.text(), scope.as_str()].into_iter().chain(version.fields.iter().map(Text::as_str));
    let bytes = texts.flat_map(|text| text.bytes().chain([0]));
    let state = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{state:016x}").into()
}

impl SelectableField {
    /// The field at a path with dots, by which it is also named.
    fn dotted(path: &Text) -> Self {
        let labels = path.split('.').map(Text::from).collect();
        Self { name: path.clone(), source: FieldSource::Path(labels, Text::default()) }
    }
}
