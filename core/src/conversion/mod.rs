//! Conversion of custom objects by webhooks: what a converter is asked, where it is, and what of its answers is taken.
//!
//! Everything here is a function of its arguments. Who waits for a converter, and what is kept of what it says, is the
//! matter of jobs (`job/conversions.rs`) and of the hub of watchers.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go

mod review;
mod server;

use crate::kinds::Kind;
use crate::value::Value;
use crate::world::cache::Entry;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

pub(crate) use review::{Review, outcome, unanswered};
pub(crate) use server::{ConverterServer, called_at};

/// Who has custom objects in other versions. What a step is given before the webhook has answered has no meaning: the
/// step is run again with the answer.
pub(crate) trait ObjectConverter: fmt::Debug {
    /// An object in the version of a kind.
    ///
    /// # Errors
    /// Why the webhook has not converted it.
    fn object(&self, object: Value, to: &Kind) -> Result<Value, String>;

    /// An object of the store in the version of a kind, if a webhook converts it; another one as it is stored.
    ///
    /// # Errors
    /// Why the webhook has not converted it.
    fn entry(&self, entry: &Arc<Entry>, to: &Kind) -> Result<Arc<Entry>, String>;
}
