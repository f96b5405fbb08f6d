//! FlowSchemas and PriorityLevelConfigurations.
//! k8s: pkg/registry/flowcontrol, pkg/apis/flowcontrol/v1/defaults.go

use super::fill::{Default, Fill, fill};
use super::status;
use crate::kinds::{Generation, Rules};
use crate::value::Value;

pub static FLOW_SCHEMA: Rules = Rules { default: default_schema, ..COUNTED };
pub static PRIORITY_LEVEL: Rules = Rules { default: default_level, ..COUNTED };

const COUNTED: Rules =
    Rules { generation: Generation::Spec, status_keeps: status::RESET_ALL, ..status::SPLIT };

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
