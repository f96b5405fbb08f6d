//! Hosts that a program which holds the server answers for itself: calls to them reach a function of the program
//! instead of a socket. No certificate is asked for, since the function is trusted as the program is.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use steersman_core::value::Text;
use steersman_core::wire::{CallError, Called, Outcall};

use super::message::{called, request};

type Answering = Pin<Box<dyn Future<Output = http::Response<Bytes>> + Send>>;
type Handler = Arc<dyn Fn(http::Request<Bytes>) -> Answering + Send + Sync>;

/// Who answers for which host.
#[derive(Default)]
pub(super) struct HostHandlers {
    handlers: RwLock<BTreeMap<Text, Handler>>,
}

impl HostHandlers {
    /// From now on calls to a host are answered by a function, whatever their port is.
    pub(super) fn add<A>(
        &self,
        host: &str,
        handler: impl Fn(http::Request<Bytes>) -> A + Send + Sync + 'static,
    ) where
        A: Future<Output = http::Response<Bytes>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        self.handlers.write().unwrap_or_else(PoisonError::into_inner).insert(host.into(), handler);
    }

    fn handler(&self, host: &str) -> Option<Handler> {
        self.handlers.read().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }

    /// The answer to a call, if somebody answers for its host. `most` is the longest body, bytes.
    pub(super) async fn answer(&self, call: &Outcall, most: usize) -> Option<Result<Called, CallError>> {
        let handler = self.handler(&call.host)?;
        let asked = match request(call) {
            Ok(request) => request.map(|_| call.body.clone()),
            Err(error) => return Some(Err(error)),
        };
        let (head, body) = handler(asked).await.into_parts();
        Some(if body.len() > most { Err(CallError::TooLarge) } else { Ok(called(&head, body)) })
    }
}
