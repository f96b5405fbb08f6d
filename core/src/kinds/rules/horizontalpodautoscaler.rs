//! HorizontalPodAutoscalers of both versions, which share storage.
//! k8s: pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go

use super::status;
use crate::kinds::Rules;

pub static RULES: Rules = Rules { ..status::SPLIT };
