//! Conversion of custom objects by webhooks: what a converter is asked, where it is, and what of its answers is taken.
//!
//! Everything here is a function of its arguments. Who waits for a converter, and what is kept of what it says, is the
//! matter of jobs (`job/conversions.rs`) and of the hub of watchers.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go

mod review;
mod server;

pub(crate) use review::{Review, outcome, unanswered};
pub(crate) use server::{ConverterServer, called_at};
