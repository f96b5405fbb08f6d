//! The rules of a schema (`x-kubernetes-validations`): what they say of themselves, whether their expressions compile,
//! and what they may cost.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/{validation,cel_validation}.go

use crate::cel::ValueSchema;
use crate::kinds::validation::{Errors, Located, internal_json};
use crate::schema::structural::{CompiledRule, FieldPath, Structural, compile_rules};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a rule may cost by estimate, for all values that it is about. Beyond: an error.
/// k8s: validation.go StaticEstimatedCostLimit
const RULE_ESTIMATE: u64 = 10_000_000;

/// The same of all rules of a version. Beyond: an error.
/// k8s: validation.go StaticEstimatedCRDCostLimit
const RULES_ESTIMATE: u64 = 100_000_000;

const REASONS: &[&str] =
    &["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// What a rule says beside its expressions. Errors are those of the schema.
pub(super) fn validate_texts(rules: &Located<'_, '_>, schema: &Located<'_, '_>, errors: &mut Errors) {
    let breaks = |text: &str| text.contains(['\n', '\r']);
    let mut read = None;
    for rule in rules.items() {
        if errors.is_full() {
            return;
        }
        let (expression, message) = (rule.member("rule"), rule.member("message"));
        let (trimmed, said) = (expression.text().trim(), message.text().trim());
        if trimmed.is_empty() {
            errors.required(&expression, "rule is not specified");
        } else if !message.is_empty() && said.is_empty() {
            errors.invalid(&message, "must be non-empty if specified");
        } else if breaks(said) {
            errors.invalid(&message, "must not contain line breaks");
        } else if breaks(trimmed) && said.is_empty() {
            errors.required(&message, "message must be specified if rule contains line breaks");
        }
        let dynamic = rule.member("messageExpression");
        if !dynamic.is_empty() && dynamic.text().trim().is_empty() {
            errors.required(&dynamic, "messageExpression must be non-empty if specified");
        }
        let (reason, path) = (rule.member("reason"), rule.member("fieldPath"));
        if reason.is_set() && !REASONS.contains(&reason.text()) {
            errors.not_supported(&reason, REASONS);
        }
        if !path.is_empty() && path.text().trim().is_empty() {
            errors.invalid(&path, "must be non-empty if specified");
        }
        if breaks(path.text()) {
            errors.invalid(&path, "must not contain line breaks");
        }
        if !path.is_empty() {
            let read = read.get_or_insert_with(|| schema.value().map(Structural::read).unwrap_or_default());
            if FieldPath::follow(path.text(), read, true).is_err() {
                errors.invalid(&path, "must be a valid path");
            }
        }
    }
}

/// A schema of which expressions can be compiled.
#[derive(Clone, Copy)]
pub(super) struct RuledSchema<'s> {
    pub(super) schema: &'s Structural,
    pub(super) values: &'s Arc<ValueSchema>,
    /// How many values of the schema an object can have; None for any number.
    pub(super) cardinality: Option<u64>,
}

impl<'s> RuledSchema<'s> {
    pub(super) fn property(&self, name: &str) -> Option<Self> {
        let (schema, values) = (self.schema.properties.get(name)?, self.values.properties.get(name)?);
        Some(Self { schema, values, cardinality: self.inner_cardinality() })
    }

    pub(super) fn additional(&self) -> Option<Self> {
        let crate::schema::structural::Additional::Schema(schema) = &self.schema.additional else {
            return None;
        };
        let values = self.values.additional.as_ref()?;
        Some(Self { schema, values, cardinality: self.inner_cardinality() })
    }

    pub(super) fn items(&self) -> Option<Self> {
        let (schema, values) = (self.schema.items.as_deref()?, self.values.items.as_ref()?);
        Some(Self { schema, values, cardinality: self.inner_cardinality() })
    }

    /// How many values the schemas inside can have: as many for each value as it may hold.
    fn inner_cardinality(&self) -> Option<u64> {
        use crate::schema::structural::{Additional, SchemaType};
        let most = |bound: Option<i64>| bound.map(|bound| u64::try_from(bound).unwrap_or(0));
        let factor = match (self.schema.kind, &self.schema.additional) {
            (Some(SchemaType::Array), _) => most(self.schema.bounds.items_max),
            (Some(SchemaType::Object), Additional::Absent) => Some(1),
            (Some(SchemaType::Object), _) => most(self.schema.bounds.properties_max),
            (_, _) => Some(1),
        };
        Some(self.cardinality?.saturating_mul(factor?))
    }
}

/// What the rules of a schema cost together.
#[derive(Debug, Default)]
pub(super) struct TotalCost {
    total: u64,
    /// The places of the rules that cost most, the dearest first.
    dearest: Vec<(String, u64)>,
}

impl TotalCost {
    fn observe(&mut self, place: &Located<'_, '_>, cost: u64) {
        const SHOWN: usize = 4;
        self.total = self.total.saturating_add(cost);
        if cost < RULES_ESTIMATE / 100 {
            return;
        }
        let at = self.dearest.partition_point(|(_, held)| *held >= cost);
        self.dearest.insert(at, (place.to_string(), cost));
        self.dearest.truncate(SHOWN);
    }

    /// Tells of schemas whose rules cost too much together.
    pub(super) fn tell(&self, schema: &Located<'_, '_>, errors: &mut Errors) {
        if self.total <= RULES_ESTIMATE {
            return;
        }
        for (place, _) in &self.dearest {
            let detail =
                "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            errors.causes().forbidden(place, detail);
        }
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        errors.forbidden(schema, exceeds(what, self.total, RULES_ESTIMATE));
    }
}

fn exceeds(what: &str, cost: u64, limit: u64) -> String {
    let factor = cost as f64 / limit as f64;
    let factor = if factor > 100.0 {
        "more than 100x".into()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

/// Compiles the rules of a schema. `uncorrelated` is the place around it from which on it cannot be told which value
/// an old one was; empty for none. Rules of a schema that has not changed may cost what they cost.
pub(super) fn validate_expressions(
    rules: &Located<'_, '_>,
    ruled: RuledSchema<'_>,
    uncorrelated: &str,
    is_unchanged: bool,
    total: &mut TotalCost,
    errors: &mut Errors,
) {
    let Some(declared) = Structural::self_type(ruled.values) else {
        let detail = "internal error: failed to construct type information for x-kubernetes-validations rules: unable \
                      to convert structural schema to CEL declarations";
        errors.internal(rules, detail);
        return;
    };
    for (rule, compiled) in rules.items().zip(compile_rules(ruled.schema, &declared)) {
        if errors.is_full() {
            return;
        }
        validate_expression(&rule, &compiled, ruled, uncorrelated, is_unchanged, total, errors);
    }
}

fn validate_expression(
    rule: &Located<'_, '_>,
    compiled: &CompiledRule,
    ruled: RuledSchema<'_>,
    uncorrelated: &str,
    is_unchanged: bool,
    total: &mut TotalCost,
    errors: &mut Errors,
) {
    let (expression, message) = (rule.member("rule"), rule.member("messageExpression"));
    let times = ruled.cardinality.unwrap_or(compiled.max_cardinality);
    let cost = compiled.max_cost.saturating_mul(times);
    if !is_unchanged && cost > RULE_ESTIMATE {
        errors.forbidden(&expression, exceeds("estimated rule cost", cost, RULE_ESTIMATE));
    }
    total.observe(&expression, cost);
    let shown = || internal_json("ValidationRule", rule.value());
    if let Some(why) = &compiled.error {
        errors.invalid_shown(&expression, &shown(), why);
    }
    match (&compiled.message_error, &compiled.message) {
        (Some(why), _) => errors.invalid_shown(&message, &shown(), why),
        (None, Some(_)) => {
            let cost = compiled.message_max_cost;
            if !is_unchanged && cost > RULE_ESTIMATE {
                let what = "estimated messageExpression cost";
                errors.forbidden(&message, exceeds(what, cost, RULE_ESTIMATE));
            }
            total.observe(&message, cost);
        }
        (None, None) => {}
    }
    let optional = rule.member("optionalOldSelf");
    if compiled.uses_old_self && !uncorrelated.is_empty() {
        let detail = format!(
            "oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}"
        );
        errors.invalid(&expression, detail);
    } else if !compiled.uses_old_self && optional.is_set() {
        errors.invalid(&optional, "may not be set if oldSelf is not used in rule");
    }
}
