//! FlowSchemas and PriorityLevelConfigurations.
//! k8s: pkg/registry/flowcontrol, pkg/apis/flowcontrol/v1/defaults.go

mod level;
mod mandatory;
mod schema;

use super::fill::{Default, Fill, fill};
use super::status;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Generation, ResetFields, Rules, Strategy};
use crate::value::Value;
use alloc::collections::BTreeSet;

pub static FLOW_SCHEMA: Rules = Rules {
    default: default_schema,
    validate: schema::validate,
    update: Strategy { validate_update: schema::validate_update, ..UPDATE },
    ..COUNTED
};
pub static PRIORITY_LEVEL: Rules = Rules {
    default: default_level,
    validate: level::validate,
    update: Strategy { validate_update: level::validate_update, ..UPDATE },
    ..COUNTED
};

const COUNTED: Rules =
    Rules { subresources: &[("status", STATUS)], generation: Generation::Spec, ..status::SPLIT };

const UPDATE: Strategy = Strategy { checks_metadata: false, ..status::UPDATE };

/// Of metadata only `managedFields` are taken, which say who wrote the status.
const STATUS: Strategy = Strategy {
    prepare_for_update: |object, facts| {
        let mut out = facts.old.clone();
        out.take(object, &["status"]);
        out.take(object, &["metadata", "managedFields"]);
        *object = out;
    },
    validate_update: |object, _, errors| validate_conditions_by_type(object, errors),
    checks_metadata: false,
    reset_fields: ResetFields::Only(&[&["metadata"], &["spec"]]),
    ..Strategy::PLAIN
};

const SCHEMA: &[Default] = &[(&["spec"], "matchingPrecedence", Fill::IntForZero(1000))];

const LEVEL: &[Default] = &[
    (&["spec", "exempt"], "nominalConcurrencyShares", Fill::Int(0)),
    (&["spec", "exempt"], "lendablePercent", Fill::Int(0)),
    (&["spec", "limited"], "nominalConcurrencyShares", Fill::Int(30)),
    (&["spec", "limited"], "lendablePercent", Fill::Int(0)),
    (&["spec", "limited", "limitResponse", "queuing"], "handSize", Fill::IntForZero(8)),
    (&["spec", "limited", "limitResponse", "queuing"], "queues", Fill::IntForZero(64)),
    (&["spec", "limited", "limitResponse", "queuing"], "queueLengthLimit", Fill::IntForZero(50)),
];

fn default_schema(object: &mut Value) {
    fill(object, SCHEMA);
}

fn default_level(object: &mut Value) {
    fill(object, LEVEL);
}

/// The conditions of a status, of which each has another type.
fn validate_conditions_by_type(object: &Located<'_, '_>, errors: &mut Errors) {
    let mut types = BTreeSet::new();
    for condition in object.at(&["status", "conditions"]).items() {
        if errors.is_full() {
            return;
        }
        let kind = condition.member("type");
        if !types.insert(kind.text()) {
            errors.duplicate_value(&kind, kind.text());
        }
        if kind.is_empty() {
            errors.required(&kind, "");
        }
    }
}
