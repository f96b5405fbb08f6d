//! The served kinds: one row for each, and rules for kinds that need them.

pub mod claims;
pub mod columns;
pub mod convert;
mod converter;
mod custom;
mod defined;
pub mod facts;
pub mod fields;
pub mod internal_annotation;
mod kind;
pub mod metadata;
pub mod owners;
pub mod pod_condition;
pub mod priorities;
pub(crate) mod references;
mod registry;
mod row;
pub mod rules;
pub mod scale;
pub mod scheme;
pub mod strategy;
pub mod table;
pub mod together;
pub mod validation;
mod version_order;
mod versions;

pub use claims::{Claim, ClaimChange, ClaimPlace, ClaimRules, Claims};
pub use converter::{Converter, ConverterTarget};
pub use custom::{Custom, DefinedColumn, DefinedScale, DefinedTypes, DefinedVersion, Definition};
pub use defined::{condition, has_condition, is_approval_told};
pub use facts::{Facts, Objects, Operation};
pub use kind::{Behaviour, FieldSource, Kind, KindId, ScalePaths, SelectableField, StorageId, Sub};
pub(crate) use registry::NewKinds;
pub use registry::{Describe, Registry};
pub use row::{Row, RowField, RowSource, RowSub};
pub use rules::customresourcedefinition::{Approval, ApprovalState};
pub use strategy::{FieldPaths, Generation, ResetFields, Rules, Strategy, Termination};
pub use version_order::compare_versions;
pub use versions::KindVersions;

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
