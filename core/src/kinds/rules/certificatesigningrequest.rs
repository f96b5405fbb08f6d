//! CertificateSigningRequests.
//! k8s: pkg/registry/certificates/certificates/strategy.go

use super::status;
use crate::kinds::{Rules, names};

pub static RULES: Rules = Rules { name: names::any, ..status::SPLIT };
