//! Where a converter is, and the calls with its reviews.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go

use crate::config::{WebhookServer, WebhookUsers};
use crate::kinds::Converter;
use crate::limits;
use crate::wire::{CallError, Outcall};
use crate::world::World;
use crate::world::webhook_client::{Unreachable, WebhookClient};
use alloc::string::String;
use alloc::vec::Vec;

/// The server of a converter, and why it cannot be reached, if that is known before it is called.
#[derive(Debug)]
pub(crate) struct ConverterServer {
    server: WebhookServer,
    unreachable: Option<String>,
}

/// The server of a converter as the world shows it.
///
/// # Errors
/// A sentence about an address that is none.
pub(crate) fn called_at(converter: &Converter, world: &World) -> Result<ConverterServer, String> {
    // Nobody is shown to converters: only plugins of admission have a configuration that says as whom they call.
    match WebhookClient::from(converter).server(world, &WebhookUsers::default()) {
        Ok(server) => Ok(ConverterServer { server, unreachable: None }),
        Err(Unreachable::Unresolved(why, server)) => {
            Ok(ConverterServer { server: *server, unreachable: Some(why) })
        }
        Err(Unreachable::Unusable(why)) => Err(why),
    }
}

impl ConverterServer {
    /// The call with a review.
    ///
    /// # Errors
    /// The sentence about a server that cannot be reached.
    pub(crate) fn call(&self, body: Vec<u8>) -> Result<Outcall, String> {
        match &self.unreachable {
            Some(why) => Err(self.server.no_answer(limits::CONVERSION_MILLIS, why)),
            None => Ok(self.server.call_once(body, limits::CONVERSION_MILLIS)),
        }
    }

    /// Why there is no answer.
    pub(crate) fn no_answer(&self, error: &CallError) -> String {
        crate::review::no_answer(&self.server, limits::CONVERSION_MILLIS, error)
    }
}
