//! What an object of a kind that came at run time must look like, after its metadata and in upstream's order: its
//! schema, what its Scale shows, the objects inside it, what occurs twice, its rules.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/{strategy,status_strategy,validator}.go

use super::{Custom, embedded, notation};
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Kind, ScalePaths};
use crate::patch;
use crate::schema::structural::{self, Previous, RULES_COST, RuledValue, Structural};
use crate::status::CauseType;
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Adds the errors of a new object.
pub(in crate::kinds) fn validate(
    kind: &Kind,
    custom: &Custom,
    object: &Located<'_, '_>,
    errors: &mut Errors,
) {
    let Some(value) = object.value() else { return };
    let Some(schema) = schema_of(kind) else { return notation::check(kind, value, errors.causes()) };
    structural::validate(schema, value, Previous::None, "", errors.causes());
    validate_scale(kind, value, true, errors);
    embedded::validate(schema, object, errors);
    structural::validate_list_types(schema, value, errors.causes());
    let ruled = RuledValue { new: value, old: None, is_ratcheted: false };
    apply_rules(custom, schema, ruled, errors, &mut Vec::new());
}

/// Adds the errors of a change of an object, of its status alone if that is all that the request writes, and what the
/// writer is warned of: what has not changed may go on to break rules.
pub(in crate::kinds) fn validate_update(
    kind: &Kind,
    custom: &Custom,
    object: &Located<'_, '_>,
    facts: &Facts<'_>,
    errors: &mut Errors,
    warnings: &mut Vec<String>,
) {
    let Some(value) = object.value() else { return };
    let Some(schema) = schema_of(kind) else { return notation::check(kind, value, errors.causes()) };
    let writes_status = facts.subresource == "status";
    if writes_status {
        let held = facts.old.field("status").map_or(Previous::None, Previous::Was);
        if let (Some(schema), Some(status)) = (schema.properties.get("status"), value.field("status")) {
            structural::validate(schema, status, held, "status", errors.causes());
        }
    } else {
        structural::validate(schema, value, Previous::Was(facts.old), "", errors.causes());
    }
    validate_scale(kind, value, !writes_status, errors);
    if !writes_status {
        embedded::validate(schema, object, errors);
    }
    // What a list held twice before, it may go on to hold.
    let mut held = Errors::new();
    structural::validate_list_types(schema, facts.old, held.causes());
    if held.is_empty() {
        structural::validate_list_types(schema, value, errors.causes());
    }
    let ruled = RuledValue { new: value, old: Some(facts.old), is_ratcheted: true };
    apply_rules(custom, schema, ruled, errors, warnings);
}

/// Applies the rules of a schema, unless something is wrong with the object that leaves nothing to apply them to.
fn apply_rules(
    custom: &Custom,
    schema: &Structural,
    ruled: RuledValue<'_>,
    errors: &mut Errors,
    warnings: &mut Vec<String>,
) {
    let Some(validator) = custom.validator(schema) else { return };
    if !blocks_rules(errors) {
        validator.apply(schema, ruled, "", RULES_COST, errors.causes(), warnings);
    }
}

/// None for a kind whose types are in the notation of the catalogue.
pub(super) fn schema_of(kind: &Kind) -> Option<&Structural> {
    Some(&*kind.catalogue.get(kind.type_id).custom.as_ref()?.0)
}

/// What the Scale of an object shows must be numbers of replicas, and text that selects.
fn validate_scale(kind: &Kind, object: &Value, with_spec: bool, errors: &mut Errors) {
    let Some(paths) = kind.subs.iter().find_map(|sub| sub.scale.as_deref()) else { return };
    let ScalePaths { replicas, status_replicas, selector } = paths;
    for path in [Some(replicas).filter(|_| with_spec), Some(status_replicas)].into_iter().flatten() {
        let place = shown(path);
        match nested(object, path, "int64", |value| value.as_int()) {
            Err(why) => errors.causes().invalid(&place, &Value::Int(0), &why),
            Ok(number) => {
                let number = number.unwrap_or(0);
                let most = i64::from(i32::MAX);
                if number < 0 {
                    errors.causes().invalid(&place, &Value::Int(number), "should be a non-negative integer");
                } else if number > most {
                    let detail = format!("should be less than or equal to {most}");
                    errors.causes().invalid(&place, &Value::Int(number), &detail);
                }
            }
        }
    }
    let selector = selector.as_deref().unwrap_or_default();
    if !selector.is_empty()
        && let Err(why) = nested(object, selector, "string", |value| value.as_str())
    {
        errors.causes().invalid(&shown(selector), &"".into(), &why);
    }
}

fn shown(path: &[Text]) -> String {
    path.iter().fold(String::new(), |shown, name| format!("{shown}.{name}"))
}

/// What is at a path, if it is there.
///
/// # Errors
/// That something on the way is of another type.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/helpers.go
fn nested<'v, T>(
    object: &'v Value,
    path: &[Text],
    wanted: &str,
    read: impl Fn(&'v Value) -> Option<T>,
) -> Result<Option<T>, String> {
    let refusal = |depth: usize, value: &Value, wanted: &str| {
        let place = shown(path.get(..depth).unwrap_or_default());
        format!(
            "{place} accessor error: {} is of the type {}, expected {wanted}",
            patch::go_text(value),
            value.go_type()
        )
    };
    let mut value = object;
    for (depth, name) in path.iter().enumerate() {
        if value.is_null() {
            return Ok(None);
        }
        let Some(map) = value.as_map() else { return Err(refusal(depth, value, "map[string]interface{}")) };
        let Some(member) = map.get(name) else { return Ok(None) };
        value = member;
    }
    read(value).map(Some).ok_or_else(|| refusal(path.len(), value, wanted))
}

/// Whether errors have been found that leave nothing to apply rules to. If so, one more error says that they were not.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go hasBlockingErr
fn blocks_rules(errors: &mut Errors) -> bool {
    let blocks = errors.causes().iter().any(|cause| {
        matches!(
            cause.reason,
            CauseType::NotSupported
                | CauseType::Required
                | CauseType::TooLong
                | CauseType::TooMany
                | CauseType::TypeInvalid
        )
    });
    if blocks {
        let detail = "some validation rules were not checked because the object was invalid; correct the existing \
                      errors to complete validation";
        errors.causes().invalid(&"<nil>", &Value::Null, detail);
    }
    blocks
}
