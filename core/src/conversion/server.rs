//! Where a converter is: the address that its definition names, or that of the service which it names.
//! k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/{client,authentication}.go

use crate::config::WebhookServer;
use crate::kinds::{Converter, ConverterTarget};
use crate::limits;
use crate::value::Text;
use crate::wire::{CallError, Outcall, Trust, WebAddress};
use crate::world::World;
use crate::world::service_target::ServiceReference;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// As whom webhooks are called.
const USER_AGENT: &str = "kube-apiserver-admission";

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
    let trust = |server_name: Text| Trust {
        authorities: converter.authorities.clone(),
        server_name,
        ..Trust::default()
    };
    match &converter.target {
        ConverterTarget::Url(url) => {
            let address = WebAddress::parse(url)?;
            let shown =
                if address.host.contains(':') { format!("[{}]", address.host) } else { address.host.clone() };
            let is_named = url.split_once("://").is_some_and(|(_, rest)| {
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                authority.ends_with(&format!(":{}", address.port))
            });
            let port = if is_named { format!(":{}", address.port) } else { String::new() };
            let server = WebhookServer {
                host: address.host.as_str().into(),
                port: address.port,
                path: address.clean_path().into(),
                origin: format!("https://{shown}{port}").into(),
                trust: trust(address.host.as_str().into()),
                authorization: Text::default(),
            };
            Ok(ConverterServer { server, unreachable: None })
        }
        ConverterTarget::Service { namespace, name, path, port } => {
            let reference =
                ServiceReference { namespace: namespace.clone(), name: name.clone(), port: *port };
            let server_name = reference.server_name();
            let origin = format!("https://{server_name}:{port}");
            // The origin is only read to have the path as it is sent.
            let path = WebAddress::parse(&format!("{origin}{path}"))?.clean_path();
            let (found, unreachable) = match reference.resolve(world) {
                Ok(found) => (found, None),
                Err(why) => ((Text::default(), *port), Some(why)),
            };
            let server = WebhookServer {
                host: found.0,
                port: found.1,
                path: path.into(),
                origin: origin.into(),
                trust: trust(server_name.into()),
                authorization: Text::default(),
            };
            Ok(ConverterServer { server, unreachable })
        }
    }
}

impl ConverterServer {
    /// The call with a review.
    ///
    /// # Errors
    /// The sentence about a server that cannot be reached.
    pub(crate) fn call(&self, body: Vec<u8>) -> Result<Outcall, String> {
        if let Some(why) = &self.unreachable {
            return Err(self.server.no_answer(limits::CONVERSION_MILLIS, why));
        }
        let mut call = self.server.call(body, limits::CONVERSION_MILLIS);
        for (name, value) in &mut call.headers {
            if name == "user-agent" {
                *value = USER_AGENT.into();
            }
        }
        call.attempts = 1;
        call.answer_bytes_max = limits::CALL_ANSWER_BYTES;
        Ok(call)
    }

    /// Why there is no answer.
    pub(crate) fn no_answer(&self, error: &CallError) -> String {
        crate::review::no_answer(&self.server, limits::CONVERSION_MILLIS, error)
    }
}
