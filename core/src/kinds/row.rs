//! A row of the table of built-in kinds: constant text, of which the registry makes a `Kind` at start.

use super::{Rules, Scope, SubKind, Verb, columns, convert};

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
    pub subs: &'static [RowSub],
    pub rules: &'static Rules,
    /// Field selectors beyond metadata.name and metadata.namespace.
    pub fields: &'static [RowField],
    pub columns: &'static columns::Columns,
    /// The warning that every response of the resource carries; empty for none.
    pub deprecation: &'static str,
    /// No client sees the resource: it is stored, followed and cached, and not served.
    pub internal: bool,
}

/// A subresource of a row.
#[derive(Clone, Copy, Debug)]
pub struct RowSub {
    /// `status`, `scale`, `log`, ...
    pub name: &'static str,
    pub action: SubKind,
    /// The kind that it takes and returns, with group and version if they differ from the row's (discovery shows
    /// those): `("autoscaling", "v1", "Scale")`.
    pub kind: &'static str,
    pub foreign: Option<(&'static str, &'static str)>,
    pub verbs: &'static [Verb],
}

/// A field that a field selector of the row may name.
#[derive(Clone, Copy, Debug)]
pub struct RowField {
    pub name: &'static str,
    pub source: RowSource,
}

/// Where the value of a row's field is read, as `FieldSource` of a kind.
#[derive(Clone, Copy, Debug)]
pub enum RowSource {
    Path(&'static [&'static str], &'static str),
    Either(&'static [&'static str], &'static [&'static str]),
}
