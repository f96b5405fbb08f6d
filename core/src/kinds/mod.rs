//! The served kinds: one row for each, and rules for kinds that need them.

pub mod columns;
pub mod convert;
pub mod facts;
pub mod fields;
pub mod metadata;
pub mod owners;
pub mod registry;
pub mod rules;
pub mod scheme;
pub mod strategy;
pub mod table;
pub mod validation;

pub use facts::{Facts, Objects, Operation};
pub use registry::{Registry, Resource, ResourceId, StorageId};
pub use strategy::{FieldPaths, Generation, ResetFields, Rules, Strategy, Termination};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// What may be done to a resource. Order is that of discovery documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Create,
    Delete,
    DeleteCollection,
    Get,
    List,
    Patch,
    Update,
    Watch,
}

impl Verb {
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Delete,
        Self::DeleteCollection,
        Self::Get,
        Self::List,
        Self::Patch,
        Self::Update,
        Self::Watch,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Get => "get",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Update => "update",
            Self::Watch => "watch",
        }
    }

    /// The verb with this word; None for words that stand for something else, such as `proxy`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }
}

/// What a subresource does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubKind {
    /// Reads and writes the object's status alone.
    Status,
    /// Reads and writes autoscaling/v1 Scale over the object.
    Scale,
    /// Reads and writes a part of the object by rules of its own: finalize, approval, ephemeralcontainers, resize.
    Window,
    /// Takes another kind and acts on the object: binding, eviction, token.
    Action,
    /// Streams to or from another server: exec, attach, log, portforward, proxy.
    Connect,
}

/// A subresource of a row.
#[derive(Clone, Copy, Debug)]
pub struct Sub {
    /// `status`, `scale`, `log`, ...
    pub name: &'static str,
    pub action: SubKind,
    /// The kind that it takes and returns, with group and version if they differ from the row's (discovery shows
    /// those): `("autoscaling", "v1", "Scale")`.
    pub kind: &'static str,
    pub foreign: Option<(&'static str, &'static str)>,
    pub verbs: &'static [Verb],
}

/// One built-in resource: a row of `table::ROWS`.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub scope: Scope,
    pub verbs: &'static [Verb],
    pub short: &'static [&'static str],
    pub categories: &'static [&'static str],
    /// The key prefix below `--etcd-prefix`, without slashes at the ends: `pods`, `services/specs`.
    /// Empty when the resource is not stored.
    pub prefix: &'static str,
    /// The catalogue's name of the type: `core.v1.Pod`.
    pub type_name: &'static str,
    /// Discovery's storage version hash; empty when there is none.
    pub storage_version_hash: &'static str,
    /// The version in which it is stored, if that is another row's: `("autoscaling", "v2")`.
    pub stored_as: Option<(&'static str, &'static str)>,
    /// The conversion to the stored version and back. It is set if `stored_as` is.
    pub conversion: Option<&'static convert::Conversion>,
    pub subs: &'static [Sub],
    pub rules: &'static Rules,
    /// Field selectors beyond metadata.name and metadata.namespace.
    pub fields: &'static [SelectableField],
    pub columns: &'static columns::Columns,
    /// The warning that every response of the resource carries; empty for none.
    pub deprecation: &'static str,
}

/// A field that a field selector of the kind may name, and how its value is read (as text, the empty
/// string when unset). k8s: the `*ToSelectableFields` functions of pkg/registry.
#[derive(Clone, Copy, Debug)]
pub struct SelectableField {
    pub name: &'static str,
    pub source: FieldSource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldSource {
    /// Text, number or bool at this path; when absent, this text.
    Path(&'static [&'static str], &'static str),
    /// The first of two paths whose value is not empty (event source and reporting controller).
    Either(&'static [&'static str], &'static [&'static str]),
}
