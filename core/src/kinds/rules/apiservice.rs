//! APIServices.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/registry/apiservice/strategy.go

use super::status;
use crate::kinds::Rules;

pub static RULES: Rules = Rules { unconditional_update: false, ..status::SPLIT };
