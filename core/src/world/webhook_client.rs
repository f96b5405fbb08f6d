//! How a webhook is called that an object describes: admission webhooks, and those that convert custom objects.
//! k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/client.go

use super::World;
use super::service_target::ServiceReference;
use crate::codec::base64;
use crate::config::{WebhookServer, WebhookUsers};
use crate::kinds::{Converter, ConverterTarget};
use crate::value::{Text, Value};
use crate::wire::{Trust, WebAddress};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use bytes::Bytes;

/// The `clientConfig` of a webhook, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookClient {
    place: Result<Place, String>,
    /// The authorities that the webhook's certificate must be of, as PEM; empty for those that the host trusts.
    authorities: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Address {
        address: WebAddress,
        /// `https://host:port`, as it is written.
        origin: Text,
    },
    Service {
        service: ServiceReference,
        path: Text,
    },
}

/// Why there is nobody to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// The object says nothing that can be called.
    Unusable(String),
    /// The service cannot be resolved, and the place that would have been called.
    Unresolved(String, Box<WebhookServer>),
}

impl WebhookClient {
    pub(crate) fn of(client: &Value) -> Self {
        let bundle = base64::decode(client.text_at(&["caBundle"])).unwrap_or_default();
        let place = match (client.field("service"), client.text_at(&["url"])) {
            (Some(service), _) if !service.is_null() => Ok(Place::Service {
                service: ServiceReference::of(service),
                path: clean(service.text_at(&["path"])).into(),
            }),
            (_, url) => address(url),
        };
        Self { place, authorities: Bytes::from(bundle) }
    }

    /// The server to call now, and how this server shows there who it is.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn server(&self, world: &World, users: &WebhookUsers) -> Result<WebhookServer, Unreachable> {
        let trust = |server_name: Text, client_certificate: &Text| Trust {
            anybody: false,
            host: self.authorities.is_empty(),
            authorities: self.authorities.clone(),
            server_name,
            client_certificate: client_certificate.clone(),
        };
        match self.place.as_ref().map_err(|why| Unreachable::Unusable(why.clone()))? {
            Place::Address { address, origin } => {
                let user = users.find(&address.host, address.port);
                Ok(WebhookServer {
                    host: address.host.as_str().into(),
                    port: address.port,
                    path: address.clean_path().into(),
                    origin: origin.clone(),
                    trust: trust(address.host.as_str().into(), &user.client_certificate),
                    authorization: user.authorization.clone(),
                })
            }
            Place::Service { service, path } => {
                let name = service.server_name();
                let user = users.find(&name, service.port);
                let mut server = WebhookServer {
                    host: Text::default(),
                    port: service.port,
                    path: path.clone(),
                    origin: format!("https://{name}:{}", service.port).into(),
                    trust: trust(name.as_str().into(), &user.client_certificate),
                    authorization: user.authorization.clone(),
                };
                match service.resolve(world) {
                    Ok((host, port)) => {
                        (server.host, server.port) = (host, port);
                        Ok(server)
                    }
                    Err(why) => Err(Unreachable::Unresolved(why, Box::new(server))),
                }
            }
        }
    }
}

impl From<&Converter> for WebhookClient {
    fn from(converter: &Converter) -> Self {
        let place = match &converter.target {
            ConverterTarget::Url(url) => address(url),
            ConverterTarget::Service { namespace, name, path, port } => Ok(Place::Service {
                service: ServiceReference { namespace: namespace.clone(), name: name.clone(), port: *port },
                path: clean(path).into(),
            }),
        };
        Self { place, authorities: converter.authorities.clone() }
    }
}

fn address(url: &str) -> Result<Place, String> {
    if url.is_empty() {
        return Err("webhook configuration must have either service or URL".to_string());
    }
    WebAddress::parse(url)
        .map(|address| Place::Address { address, origin: origin_of(url).into() })
        .map_err(|why| format!("Unparsable URL: {why}"))
}

/// The path without empty, `.` and `..` segments.
fn clean(path: &str) -> String {
    WebAddress { host: String::new(), port: 0, path: path.to_string(), query: String::new() }.clean_path()
}

/// `https://host:port`, as it is written.
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    &url[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::config::Config;
    use crate::kinds::Registry;
    use crate::store::{Batch, Event, EventType, Feed, KeyValue, LeaseId, Rev};
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    /// A world with these services, by name and spec.
    fn world(services: &[(&str, &str)]) -> World {
        let mut world = World::new(Arc::new(Config::open(0)), Arc::new(Registry::builtin()));
        let event = |(name, spec): &(&str, &str)| {
            let kv = KeyValue {
                key: format!("/registry/services/specs/ns/{name}").into(),
                value: format!(r#"{{"metadata":{{"namespace":"ns","name":"{name}"}},"spec":{spec}}}"#).into(),
                create_revision: Rev(1),
                mod_revision: Rev(1),
                version: 1,
                lease: LeaseId(0),
            };
            Event { kind: EventType::Put, kv, previous: None }
        };
        let events = services.iter().map(event).collect();
        world.apply(Batch { feed: Feed(0), events, revision: Rev(1) }.into(), &mut Vec::new());
        world
    }

    #[test]
    fn services_are_called_at_their_addresses() {
        let port = r#""ports":[{"port":443},{"port":8443}]"#;
        let cluster = format!(r#"{{"type":"ClusterIP","clusterIP":"10.0.0.7",{port}}}"#);
        let world = world(&[
            ("a", &cluster),
            ("headless", r#"{"type":"ClusterIP","clusterIP":"None"}"#),
            ("named", r#"{"type":"ExternalName","externalName":"x.test"}"#),
            ("odd", r#"{"type":"Odd"}"#),
        ]);
        let cases = [
            ("a", 443, Ok(("10.0.0.7", 443))),
            ("a", 8443, Ok(("10.0.0.7", 8443))),
            ("a", 1, Err("no service port 1 found for service \"a\"")),
            ("none", 443, Err("service \"none\" not found")),
            ("headless", 443, Err("cannot route to service with ClusterIP \"None\"")),
            ("named", 5, Ok(("x.test", 5))),
            ("odd", 443, Err("unsupported service type \"Odd\"")),
        ];
        for (name, port, expected) in cases {
            let client =
                format!(r#"{{"service":{{"namespace":"ns","name":"{name}","port":{port},"path":"/x//y"}}}}"#);
            let client = WebhookClient::of(&value(&client));
            let found = client.server(&world, &WebhookUsers::default());
            let origin = format!("https://{name}.ns.svc:{port}");
            match (found, expected) {
                (Ok(server), Ok((host, port))) => {
                    assert_eq!((server.host.as_str(), server.port), (host, port), "{name}");
                    assert_eq!(server.trust.server_name, format!("{name}.ns.svc"));
                    assert_eq!((server.origin.as_str(), server.path.as_str()), (&*origin, "/x/y"));
                }
                (Err(Unreachable::Unresolved(why, server)), Err(expected)) => {
                    assert_eq!((why.as_str(), server.origin.as_str()), (expected, &*origin));
                }
                (found, expected) => panic!("{name}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn addresses_are_called_as_they_are_written() {
        let world = world(&[]);
        let client = WebhookClient::of(&value(r#"{"url":"https://h.test/a/","caBundle":"eA=="}"#));
        let server = client.server(&world, &WebhookUsers::default()).expect("a server");
        assert_eq!((server.host.as_str(), server.port, server.path.as_str()), ("h.test", 443, "/a"));
        assert_eq!((server.origin.as_str(), &server.trust.authorities[..]), ("https://h.test", &b"x"[..]));
        assert!(!server.trust.host, "the host's authorities count only if none are given");
        let nobody = WebhookClient::of(&value("{}")).server(&world, &WebhookUsers::default());
        assert!(matches!(nobody, Err(Unreachable::Unusable(_))), "{nobody:?}");
    }
}
