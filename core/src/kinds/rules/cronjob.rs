//! CronJobs.
//! k8s: pkg/registry/batch/cronjob/strategy.go

use super::status;
use crate::kinds::{Generation, Rules};

pub static RULES: Rules = Rules { generation: Generation::Spec, ..status::SPLIT };
