//! FlowSchemas and PriorityLevelConfigurations.
//! k8s: pkg/registry/flowcontrol, pkg/apis/flowcontrol/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::status;
use crate::kinds::{Generation, ResetFields, Rules, Strategy};
use crate::value::Value;

pub static FLOW_SCHEMA: Rules = Rules { default: default_schema, ..COUNTED };
pub static PRIORITY_LEVEL: Rules = Rules { default: default_level, ..COUNTED };

const COUNTED: Rules =
    Rules { subresources: &[("status", STATUS)], generation: Generation::Spec, ..status::SPLIT };

/// Of metadata only `managedFields` are taken, which say who wrote the status.
const STATUS: Strategy = Strategy {
    prepare_for_update: |object, facts| {
        let mut out = facts.old.clone();
        out.take(object, &["status"]);
        out.take(object, &["metadata", "managedFields"]);
        *object = out;
    },
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
