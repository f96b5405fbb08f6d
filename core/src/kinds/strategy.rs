//! What a kind does beyond the generic, and how it says so: functions and data, under the names of upstream's
//! strategies.
//! k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/{create,update,delete}.go

use super::claims::ClaimRules;
use super::facts::Facts;
use super::validation::{Errors, Located};
use crate::value::{Value, names};
use alloc::string::String;
use alloc::vec::Vec;

/// Changes an object that is about to be written.
pub type Prepare = fn(object: &mut Value, facts: &Facts<'_>);

/// Says what is wrong with an object.
pub type Validate = fn(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors);

/// Adds what a client is warned of.
pub type Warn = fn(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>);

/// A kind's rules beyond the generic ones. `PLAIN` is a kind without rules: a kind's rules are
/// `Rules { validate, ..Rules::PLAIN }`.
///
/// The functions are called in the order in which they stand here. `name`, `default`, `canonicalize` and those of
/// deletions depend on nothing but the object; the others get the facts of the request. What is written here for a
/// built-in kind is what a custom one answers from its definition: its names are subdomains, its defaults and
/// validation come from its schema, it has a strategy for each subresource that the definition declares, and every
/// other member is as in `PLAIN`.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Problems of a name, in upstream's sentences; `prefix` is true for a generateName.
    pub name: fn(name: &str, prefix: bool) -> names::Problems,
    /// Sets computed defaults on every decoded object of the kind, stored ones included.
    pub default: fn(object: &mut Value),
    /// `default` reads the spec for what it sets in the status, so that a write of the status needs the spec too.
    pub status_defaults_need_spec: bool,
    /// What writes of the object take from what all objects share, before they are prepared; None for nothing.
    pub claims: Option<ClaimRules>,
    /// Called before a create: removes what a creator may not set (status), and sets what a creation sets. Name, uid
    /// and creation timestamp are set before it. The object is normalized again afterwards.
    pub prepare_for_create: Prepare,
    /// Errors of an object that is to be created, after those of its metadata.
    pub validate: Validate,
    /// Warnings of a create.
    pub warnings_on_create: Warn,
    /// Updates of the object itself.
    pub update: Strategy,
    /// Updates through its subresources, by their names. Every subresource of the table that can be updated is here.
    pub subresources: &'static [(&'static str, Strategy)],
    /// Called before every write, when the object has been validated: brings it into its stored form.
    pub canonicalize: fn(object: &mut Value),
    /// Whether a change counts as a new generation.
    pub generation: Generation,
    /// A PUT to an absent name creates the object.
    pub allow_create_on_update: bool,
    /// A PUT without a resource version is allowed.
    pub allow_unconditional_update: bool,
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
    /// A finalizer without a domain must be one of Kubernetes' own.
    pub standard_finalizers: bool,
}

/// How an object is updated, either itself or through a subresource. `facts.old` is the object that exists.
#[derive(Clone, Copy, Debug)]
pub struct Strategy {
    /// Called before the update: restores what an updater may not change.
    pub prepare_for_update: Prepare,
    /// Errors of the update, after those of its metadata. It does not include the validation of a new object unless
    /// the kind calls it.
    pub validate_update: Validate,
    /// The kind's validation checks anew the changes of metadata that every update is checked for, so that problems
    /// of them are listed twice.
    pub checks_metadata: bool,
    /// Warnings of the update.
    pub warnings_on_update: Warn,
    /// The fields of which a writer cannot become the manager, since preparing the update resets them.
    pub reset_fields: ResetFields,
}

/// Paths from the root of the object, `*` for every item of a list. A path stands for the field and all that is in it.
pub type FieldPaths = &'static [&'static [&'static str]];

/// Which fields an update resets, as data. It follows what upstream declares, which is not in every place what it
/// does.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/update.go ResetFieldsStrategy, ResetFieldsFilterStrategy
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetFields {
    /// These.
    Only(FieldPaths),
    /// All but these.
    AllBut(FieldPaths),
}

impl ResetFields {
    pub const NONE: Self = Self::Only(&[]);

    /// A field of the object itself is reset with all that is in it.
    pub fn resets(&self, field: &str) -> bool {
        match self {
            Self::Only(paths) => paths.contains(&[field].as_slice()),
            Self::AllBut(paths) => paths.iter().all(|path| path.first() != Some(&field)),
        }
    }

    pub fn paths(&self) -> FieldPaths {
        match self {
            Self::Only(paths) | Self::AllBut(paths) => paths,
        }
    }
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
    /// As `Spec`, judged before the update is prepared, so that a field of a feature that is not turned on counts too
    /// (ResourceSlices).
    SpecAsSent,
    /// As `Spec`, and also when annotations change (Deployments).
    SpecAndAnnotations,
    /// As `Spec`, and also when labels change (EndpointSlices).
    SpecAndLabels,
}

impl Strategy {
    /// An update takes everything and is fine with everything.
    pub const PLAIN: Self = Self {
        prepare_for_update: |_, _| {},
        validate_update: |_, _, _| {},
        checks_metadata: true,
        warnings_on_update: |_, _, _| {},
        reset_fields: ResetFields::NONE,
    };
}

impl Rules {
    pub const PLAIN: Self = Self {
        name: names::dns_subdomain,
        default: |_| {},
        status_defaults_need_spec: false,
        claims: None,
        prepare_for_create: |_, _| {},
        validate: |_, _, _| {},
        warnings_on_create: |_, _, _| {},
        update: Strategy::PLAIN,
        subresources: &[],
        canonicalize: |_| {},
        generation: Generation::None,
        allow_create_on_update: false,
        allow_unconditional_update: true,
        grace_seconds: |_, _| None,
        returns_deleted: false,
        orphans: false,
        owns: true,
        deletion_warning: "",
        termination: None,
        expires: false,
        standard_finalizers: true,
    };

    /// How the object is updated through a subresource, or itself when the name is empty. None for a subresource that
    /// cannot be updated.
    pub fn strategy(&self, subresource: &str) -> Option<&Strategy> {
        if subresource.is_empty() {
            return Some(&self.update);
        }
        self.subresources.iter().find(|(name, _)| *name == subresource).map(|(_, strategy)| strategy)
    }
}
