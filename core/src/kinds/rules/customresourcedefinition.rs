//! CustomResourceDefinitions.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go

use super::status;
use crate::kinds::{Generation, Rules};

pub static RULES: Rules =
    Rules { generation: Generation::Spec, unconditional_update: false, ..status::SPLIT };
