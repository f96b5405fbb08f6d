//! Default values of schemas: each must be a value that its schema allows, whole, and without members that would be
//! pruned.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go

use crate::kinds::custom::validate_embedded;
use crate::kinds::validation::{Errors, Located};
use crate::schema::structural::{self, Misfits, Previous, RULES_COST, RuleValidator, RuledValue, Structural};
use crate::schema::{Catalogue, catalogue};
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Adds the errors of the defaults of a whole object's schema. `must_be_pruned` refuses members that it does not name.
pub(super) fn validate_defaults(
    schema: &Located<'_, '_>,
    read: &Structural,
    must_be_pruned: bool,
    errors: &mut Errors,
) {
    let root = Structural { is_embedded: true, has_embedded: true, ..read.clone() };
    let catalogue = catalogue();
    let mut checking =
        Checking { catalogue: &catalogue, must_be_pruned, steps: Vec::new(), budget: RULES_COST };
    checking.schema(schema, &root, Inside { object: &root, from: 0, is_metadata: false }, errors);
}

/// Whether a schema has a default with members that it does not name.
pub(super) fn has_unpruned_defaults(schema: &Located<'_, '_>) -> bool {
    schema.value().is_some_and(|schema| is_unpruned_inside(&Structural::read(schema)))
}

fn is_unpruned_inside(schema: &Structural) -> bool {
    schema.default.as_ref().is_some_and(|default| !is_pruned(schema, default))
        || schema.properties.values().chain(schema.items.as_deref()).any(is_unpruned_inside)
}

fn is_pruned(schema: &Structural, default: &Value) -> bool {
    let mut pruned = default.clone();
    if schema.is_embedded {
        schema.prune(&mut pruned);
    } else {
        schema.prune_member(&mut pruned, "");
    }
    pruned == *default
}

/// The object that a schema is a part of.
#[derive(Clone, Copy)]
struct Inside<'s> {
    object: &'s Structural,
    /// Where in the steps its parts begin.
    from: usize,
    /// The schema is one of its metadata or type.
    is_metadata: bool,
}

/// How a value is reached in its object.
enum Step<'s> {
    Member(&'s Text),
    Item,
}

struct Checking<'s> {
    catalogue: &'s Catalogue,
    must_be_pruned: bool,
    /// From the whole object to the schema that is being checked.
    steps: Vec<Step<'s>>,
    /// What rules may still cost.
    budget: i64,
}

impl<'s> Checking<'s> {
    /// The recursion is as deep as the schema, which its parser bounds. Members of maps can have no defaults.
    fn schema(
        &mut self,
        at: &Located<'_, '_>,
        schema: &'s Structural,
        inside: Inside<'s>,
        errors: &mut Errors,
    ) {
        if errors.is_full() || self.budget < 0 {
            return;
        }
        let inside = if schema.is_embedded {
            Inside { object: schema, from: self.steps.len(), is_metadata: false }
        } else {
            inside
        };
        if let Some(default) = &schema.default {
            self.default(&at.member("default"), schema, default, inside, errors);
        }
        if let Some(items) = &schema.items {
            self.steps.push(Step::Item);
            self.schema(&at.member("items"), items, inside, errors);
            self.steps.pop();
        }
        let properties = at.member("properties");
        for (name, property) in &schema.properties {
            let is_meta = schema.is_embedded && matches!(name.as_str(), "metadata" | "apiVersion" | "kind");
            let inside = Inside { is_metadata: inside.is_metadata || is_meta, ..inside };
            self.steps.push(Step::Member(name));
            self.schema(&properties.key(name), property, inside, errors);
            self.steps.pop();
        }
    }

    fn default(
        &mut self,
        at: &Located<'_, '_>,
        schema: &Structural,
        default: &Value,
        inside: Inside<'_>,
        errors: &mut Errors,
    ) {
        let before = errors.len();
        if inside.is_metadata {
            self.metadata(at, default, inside, errors);
        } else {
            if self.must_be_pruned && !is_pruned(schema, default) {
                errors.invalid(at, "must not have unknown fields");
            }
            let unpruned = errors.len();
            let mut fitted = default.clone();
            match schema.coerce(self.catalogue, &mut fitted, &at.to_string(), Misfits::Refuse) {
                Err(misfit) => errors.causes().invalid(&misfit.path, &misfit.value, &misfit.detail),
                Ok(_) => validate_embedded(schema, at, errors),
            }
            if errors.len() > unpruned {
                return;
            }
        }
        if inside.is_metadata && errors.len() > before {
            return;
        }
        let sound = errors.len();
        structural::validate(schema, default, Previous::None, &at.to_string(), errors.causes());
        if errors.len() == sound && schema.has_rules {
            self.rules(at, schema, default, inside, errors);
        }
    }

    /// A default must keep the rules both as a new value and as one that stays.
    fn rules(
        &mut self,
        at: &Located<'_, '_>,
        schema: &Structural,
        default: &Value,
        inside: Inside<'_>,
        errors: &mut Errors,
    ) {
        let is_root = core::ptr::eq(inside.object, schema);
        let Some(validator) = RuleValidator::new(schema, is_root) else { return };
        let (place, before) = (at.to_string(), errors.len());
        let apply = |old: Option<&Value>, errors: &mut Errors| {
            let value = RuledValue { new: default, old, is_ratcheted: false };
            validator.apply(schema, value, &place, self.budget, errors.causes(), &mut Vec::new())
        };
        let mut left = apply(Some(default), errors);
        if errors.len() == before {
            left = left.min(apply(None, errors));
        }
        self.budget = left;
    }

    /// A default of metadata or of a type is looked at in an object that has nothing else.
    fn metadata(&self, at: &Located<'_, '_>, default: &Value, inside: Inside<'_>, errors: &mut Errors) {
        let steps = self.steps.get(inside.from..).unwrap_or_default();
        let mut object = steps.iter().rev().fold(default.clone(), |value, step| match step {
            Step::Item => Value::list(alloc::vec![value]),
            Step::Member(name) => {
                let mut around = Value::empty_map();
                around.set(name, value);
                around
            }
        });
        for (name, text) in [("apiVersion", "validation/v1"), ("kind", "Validation")] {
            if object.field(name).is_none() {
                object.set(name, text.into());
            }
        }
        let why = match inside.object.coerce(self.catalogue, &mut object, "", Misfits::Refuse) {
            Err(misfit) => misfit.to_string(),
            Ok(_) => {
                let mut found = Errors::new();
                validate_embedded(inside.object, &Located::root(&object), &mut found);
                if found.is_empty() {
                    return;
                }
                found.summary()
            }
        };
        errors.invalid(at, format!("must result in valid metadata: {why}"));
    }
}
