//! The kinds that come at run time, as far as their rules need no schema.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go, status_strategy.go

use super::status;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, ResetFields, Rules, Strategy};
use crate::limits;
use crate::value::{Value, names, object, quoted};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Kinds without a status of its own.
pub static WHOLE: Rules = Rules {
    generation: Generation::Spec,
    allow_unconditional_update: false,
    standard_finalizers: false,
    warnings_on_create: warn_of_finalizers,
    update: Strategy { warnings_on_update: warn_of_finalizers, ..Strategy::PLAIN },
    subresources: &[("scale", Strategy::PLAIN)],
    ..Rules::PLAIN
};

/// Kinds whose status is written through a subresource only.
pub static SPLIT: Rules = Rules {
    generation: Generation::Spec,
    allow_unconditional_update: false,
    standard_finalizers: false,
    warnings_on_create: warn_of_finalizers,
    update: Strategy { warnings_on_update: warn_of_finalizers, ..status::UPDATE },
    subresources: &[("scale", Strategy::PLAIN), ("status", STATUS)],
    ..status::SPLIT
};

const STATUS: Strategy = Strategy {
    prepare_for_update: take_status,
    reset_fields: ResetFields::AllBut(&[&["status"]]),
    ..Strategy::PLAIN
};

/// A writer of the status changes nothing else but the managed fields.
fn take_status(object: &mut Value, facts: &Facts<'_>) {
    let mut out = facts.old.clone();
    out.take(object, &["status"]);
    out.take(object, &["metadata", "managedFields"]);
    *object = out;
}

/// Names of finalizers that others may have too. Of an update only what is new is told.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/validator.go validateKubeFinalizerName
fn warn_of_finalizers(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let Some(object) = object.value() else { return };
    let held: BTreeSet<&str> = object::finalizers(facts.old).collect();
    let new: BTreeSet<&str> = object::finalizers(object).filter(|name| !held.contains(name)).collect();
    for name in new.into_iter().take(limits::WARNINGS) {
        let shown = format!("metadata.finalizers: {}", quoted(name));
        warnings.extend(names::qualified_name(name).into_iter().map(|problem| format!("{shown}: {problem}")));
        if name.contains('/') || STANDARD_FINALIZERS.contains(&name) {
            continue;
        }
        let with_path = if name.contains('.') { " including a path (/)" } else { "" };
        warnings.push(format!(
            "{shown}: prefer a domain-qualified finalizer name{with_path} to avoid accidental conflicts with other \
             finalizer writers"
        ));
    }
}

const STANDARD_FINALIZERS: [&str; 3] =
    [object::FINALIZER_ORPHAN_DEPENDENTS, object::FINALIZER_DELETE_DEPENDENTS, "kubernetes"];
