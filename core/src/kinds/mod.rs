//! The served kinds: one row for each, and rules for kinds that need them.

pub mod columns;
pub mod convert;
pub mod fields;
pub mod label_selector;
pub mod metadata;
pub mod owners;
pub mod registry;
pub mod rules;
pub mod scheme;
pub mod table;
pub mod together;

pub use registry::{Registry, Resource, ResourceId, StorageId};

use crate::caller::Caller;
use crate::now::Wall;
use crate::value::{Value, names};

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
    /// No client sees the resource: it is stored, followed and cached, and not served.
    pub internal: bool,
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

/// A kind's rules beyond the generic ones, like upstream's create and update strategies. `PLAIN` is a kind without
/// rules: a kind's rules are `Rules { validate, ..Rules::PLAIN }`.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Problems of a name, in upstream's sentences; `prefix` is true for a generateName.
    pub name: fn(name: &str, prefix: bool) -> names::Problems,
    /// Sets computed defaults on every decoded object of the kind, stored ones included.
    pub default: fn(object: &mut Value),
    /// Called before a create: removes what a creator may not set (status), and sets what a creation sets. Name, uid
    /// and creation timestamp are set before it. The object is normalized again afterwards.
    pub prepare_create: fn(object: &mut Value),
    /// Called before an update: restores what an updater may not change.
    pub prepare_update: fn(object: &mut Value, old: &Value),
    /// Stores who requests a new object, before `prepare_create`; None for kinds that do not store it.
    pub sign: Option<fn(object: &mut Value, caller: &Caller)>,
    /// Members of metadata that a status update does not change.
    pub status_keeps: &'static [&'static str],
    /// Called before a status update, when the rest of the object has been restored: restores what a status update
    /// may not change either, and sets what such an update sets.
    pub prepare_status: fn(object: &mut Value, old: &Value, now: Wall),
    /// Called before an update through another subresource, by its name: reduces the object to the changes that the
    /// subresource may make.
    pub prepare_window: fn(sub: &str, object: &mut Value, old: &Value, now: Wall),
    /// Errors of an object that is to be created, after those of its metadata.
    pub validate: fn(object: &Value, causes: &mut crate::status::Causes),
    /// Errors of an update, after those of its metadata. It does not include `validate` unless the kind calls it.
    pub validate_update: fn(object: &Value, old: &Value, causes: &mut crate::status::Causes),
    /// Errors of an update through another subresource or of the status, by the subresource's name, after those of
    /// its metadata.
    pub validate_window: fn(sub: &str, object: &Value, old: &Value, causes: &mut crate::status::Causes),
    /// Warnings of a create (no old object) or update.
    pub warnings: fn(object: &Value, old: Option<&Value>) -> alloc::vec::Vec<alloc::string::String>,
    /// Warnings of an update of the status.
    pub status_warnings: fn(object: &Value) -> alloc::vec::Vec<alloc::string::String>,
    /// Members outside metadata and status whose change counts as a new generation. Empty: the kind has
    /// no generation.
    pub generation: Generation,
    /// A PUT to an absent name creates the object.
    pub create_on_update: bool,
    /// A PUT without a resource version is allowed.
    pub unconditional_update: bool,
    /// The grace period of a graceful deletion, in seconds, when the client asks for `asked`; 0 for an immediate
    /// deletion. None for kinds without graceful deletion.
    pub grace_seconds: fn(object: &Value, asked: Option<i64>) -> Option<i64>,
    /// A DELETE that removes the object is answered with its last state instead of a Status.
    pub returns_deleted: bool,
    /// A DELETE without a propagation policy orphans the dependents.
    pub orphans: bool,
    /// Objects of the kind can own others, so that a finalizer can tell the garbage collector what to do with those.
    pub owns: bool,
    /// The warning for a DELETE without a propagation policy; empty for none.
    pub deletion_warning: &'static str,
    /// A phase of its own before removal, which namespaces have.
    pub termination: Option<Termination>,
    /// Objects expire after `--event-ttl`.
    pub expires: bool,
}

/// The phase between a request to delete an object and its removal, in addition to metadata.finalizers.
#[derive(Clone, Copy, Debug)]
pub struct Termination {
    /// Marks an object that is to be deleted.
    pub mark: fn(object: &mut Value),
    /// Whether something in the object prevents its removal.
    pub held: fn(object: &Value) -> bool,
    /// Names that can never be deleted, and the error for an attempt.
    pub protected: &'static [&'static str],
    pub protected_message: &'static str,
}

/// When metadata.generation grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Never set by the server.
    None,
    /// 1 at creation, and never incremented (PriorityClasses).
    AtCreation,
    /// The client's value at creation, if any; incremented when something outside metadata and status changes
    /// (CSIDrivers).
    OnChange,
    /// 1 at creation, incremented when something outside metadata and status changes.
    Spec,
    /// As `Spec`, and also when annotations change (Deployments).
    SpecAndAnnotations,
    /// As `Spec`, and also when labels change (EndpointSlices).
    SpecAndLabels,
}

impl Rules {
    pub const PLAIN: Self = Self {
        name: names::dns_subdomain,
        default: |_| {},
        prepare_create: |_| {},
        prepare_update: |_, _| {},
        sign: None,
        status_keeps: &[],
        prepare_status: |_, _, _| {},
        prepare_window: |_, object, old, _| *object = old.clone(),
        validate: |_, _| {},
        validate_update: |_, _, _| {},
        validate_window: |_, _, _, _| {},
        warnings: |_, _| alloc::vec::Vec::new(),
        status_warnings: |_| alloc::vec::Vec::new(),
        generation: Generation::None,
        create_on_update: false,
        unconditional_update: true,
        grace_seconds: |_, _| None,
        returns_deleted: false,
        orphans: false,
        owns: true,
        deletion_warning: "",
        termination: None,
        expires: false,
    };
}
