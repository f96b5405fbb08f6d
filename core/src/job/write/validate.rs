//! The stage after preparation: the rules that an object must keep to be stored, and what its client is warned of.

use super::prepare::Prepared;
use crate::kinds::metadata::{self, NameRule};
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Kind, Strategy};
use crate::status::{Failure, Qualified};
use crate::value::{Value, names, object};
use alloc::string::String;
use alloc::vec::Vec;

/// An object that may be stored as far as its kind is concerned.
#[derive(Debug)]
pub(in crate::job) struct Validated {
    pub(super) value: Value,
    pub(super) warnings: Vec<String>,
}

impl Validated {
    /// Checks a new object of a stored kind. Its name follows the rule of the kind of the request: versions that share
    /// storage may differ in it.
    ///
    /// # Errors
    /// 422 with what is wrong.
    pub(super) fn created(
        resource: &Kind,
        name: NameRule,
        prepared: Prepared,
        facts: &Facts<'_>,
    ) -> Result<Self, Failure> {
        let Prepared { mut value } = prepared;
        let rules = resource.rules();
        let object = Located::root(&value);
        let mut errors = Errors::new();
        metadata::validate(&object, resource.namespaced(), name, &mut errors);
        if rules.standard_finalizers {
            metadata::validate_finalizer_qualification(&object, &mut errors);
        }
        resource.validate(&object, facts, &mut errors);
        check(resource, &value, errors)?;
        // Even a kind that takes any name needs one that can stand in a path and in a key.
        let mut errors = Errors::new();
        metadata::validate_name(&object, names::path_segment, &mut errors);
        check(resource, &value, errors)?;
        let mut warnings = Vec::new();
        (rules.warnings_on_create)(&object, facts, &mut warnings);
        (rules.canonicalize)(&mut value);
        Ok(Self { value, warnings })
    }

    /// Checks a changed object; the facts have the one that it replaces. `told` is what the client is warned of even if
    /// the change is refused.
    ///
    /// # Errors
    /// 422 with what is wrong.
    pub(super) fn updated(
        resource: &Kind,
        strategy: &Strategy,
        prepared: Prepared,
        facts: &Facts<'_>,
        told: &mut Vec<String>,
    ) -> Result<Self, Failure> {
        let Prepared { mut value } = prepared;
        let object = Located::root(&value);
        let mut errors = Errors::new();
        metadata::validate_common_update(&object, facts.old, resource.namespaced(), &mut errors);
        if strategy.checks_metadata {
            metadata::validate_update(&object, facts.old, &mut errors);
            if resource.rules().standard_finalizers {
                metadata::validate_finalizer_qualification(&object, &mut errors);
            }
        }
        resource.validate_update(strategy, &object, facts, &mut errors, told);
        check(resource, &value, errors)?;
        let mut warnings = Vec::new();
        (strategy.warnings_on_update)(&object, facts, &mut warnings);
        (resource.rules().canonicalize)(&mut value);
        Ok(Self { value, warnings })
    }
}

fn check(resource: &Kind, value: &Value, errors: Errors) -> Result<(), Failure> {
    if errors.is_empty() {
        return Ok(());
    }
    // Objects are named as they are stored: an Event of either API group as one of the core group.
    let kind = Qualified { group: &resource.group, name: &resource.kind };
    Err(Failure::invalid(kind, object::name(value), errors.into_causes()))
}
