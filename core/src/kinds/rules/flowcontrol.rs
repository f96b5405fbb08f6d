//! FlowSchemas and PriorityLevelConfigurations.
//! k8s: pkg/registry/flowcontrol

use super::status;
use crate::kinds::{Generation, Rules};

pub static FLOW_SCHEMA: Rules =
    Rules { generation: Generation::Spec, unconditional_update: false, ..status::SPLIT };
pub static PRIORITY_LEVEL: Rules =
    Rules { generation: Generation::Spec, unconditional_update: false, ..status::SPLIT };
