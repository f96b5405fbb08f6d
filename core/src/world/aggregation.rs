//! Servers of aggregated APIs: how they are reached, whether they have what it takes to be available, and what they
//! were last heard to serve.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote,
//! staging/src/k8s.io/kube-aggregator/pkg/apiserver/{handler_discovery,resolvers}.go

use super::World;
use super::indexes::RemoteApi;
use super::service_target::ServiceReference;
use crate::config::Aggregation;
use crate::kinds::Objects;
use crate::limits;
use crate::rng::Rng;
use crate::value::{Text, Value, object, quoted};
use crate::wire::{Method, Outcall, Trust};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::ControlFlow;

/// What was last heard of each server, by the name of its API service.
pub type HeardApis = BTreeMap<Text, Arc<HeardApi>>;

/// What was last heard of the server of a group and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeardApi {
    /// Whether it answered when it was asked last, and if not, why; None before.
    pub answers: Option<Result<(), Text>>,
    /// Its entry of the aggregated document of discovery (APIVersionDiscovery), without its freshness; None before the
    /// first.
    pub discovery: Option<Value>,
    /// The entity tag of the document; empty if it has none.
    pub entity_tag: Text,
    /// The document could not be had anew.
    pub is_stale: bool,
    /// Where its OpenAPI document is, as its own index tells it; empty if it has none.
    pub openapi_location: Text,
    /// Its OpenAPI v2 document; empty if it has none, or if there is no room for it.
    pub openapi_v2: Bytes,
    /// The entity tag of that document; empty if it has none.
    pub openapi_v2_tag: Text,
}

/// Why an API service is not available, as its condition tells it: the status, the reason and the message.
pub type Unavailable = (&'static str, &'static str, String);

/// The port of a reference that names none.
const PORT: u16 = 443;

impl RemoteApi {
    fn reference(&self) -> ServiceReference {
        let reference = &self.service;
        let port = reference.field("port").and_then(Value::as_int).and_then(|port| u16::try_from(port).ok());
        ServiceReference {
            namespace: reference.text_at(&["namespace"]).into(),
            name: reference.text_at(&["name"]).into(),
            port: port.filter(|port| *port != 0).unwrap_or(PORT),
        }
    }

    /// A call of the server that asks for nothing yet. With `--enable-aggregator-routing` it leads to any endpoint.
    ///
    /// # Errors
    /// Why the service has no address, a sentence.
    pub(crate) fn reached(&self, world: &World, rng: Rng) -> Result<Outcall, String> {
        let reference = self.reference();
        let Aggregation { client_certificate, routes_to_endpoints } = &world.config.aggregation;
        let (host, port) = match routes_to_endpoints {
            true => endpoint(world, &reference, rng)?,
            false => reference.resolve(world)?,
        };
        Ok(Outcall {
            host,
            port,
            trust: Trust {
                anybody: self.trusts_anybody,
                host: self.authorities.is_empty(),
                authorities: self.authorities.clone(),
                server_name: reference.server_name().into(),
                client_certificate: client_certificate.clone(),
            },
            method: Method::Get,
            target: String::new(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout_millis: limits::AGGREGATED_DISCOVERY_MILLIS,
            attempts: 1,
            answer_bytes_max: limits::CALL_ANSWER_BYTES,
        })
    }

    /// Why the server cannot be available, by what the objects say: there is no service, or it has no endpoints.
    pub fn hindrance(&self, world: &World) -> Option<Unavailable> {
        let ServiceReference { namespace, name, port } = self.reference();
        let place = format!("service/{name} in {}", quoted(&namespace));
        let no = |reason, message| Some(("False", reason, message));
        let Some(service) = world.get("", "services", &namespace, &name) else {
            return no("ServiceNotFound", format!("{place} is not present"));
        };
        if service.text_at(&["spec", "type"]) != "ClusterIP" {
            return None;
        }
        let ports = service.at(&["spec", "ports"]).and_then(Value::as_list).unwrap_or_default();
        let is_it = |held: &&Value| held.field("port").and_then(Value::as_int) == Some(i64::from(port));
        let Some(found) = ports.iter().find(is_it) else {
            return no("ServicePortError", format!("{place} is not listening on port {port}"));
        };
        let slices = endpoint_slices(world, &namespace, &name);
        if slices.is_empty() {
            return no("EndpointsNotFound", format!("cannot find endpointslices for {place}"));
        }
        let port_name = found.text_at(&["name"]);
        let serves = |slice: &Value| {
            list(slice, "endpoints").iter().any(is_ready)
                && list(slice, "ports").iter().any(|port| is_named(port, port_name))
        };
        if slices.iter().any(serves) {
            return None;
        }
        let name = quoted(port_name);
        no("MissingEndpoints", format!("endpointslices for {place} have no addresses with port name {name}"))
    }
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.field(field).and_then(Value::as_list).unwrap_or_default()
}

fn is_ready(endpoint: &Value) -> bool {
    endpoint.at(&["conditions", "ready"]).and_then(Value::as_bool).unwrap_or(true)
}

fn is_named(port: &Value, name: &str) -> bool {
    port.field("name").and_then(Value::as_str) == Some(name)
        && port.field("port").is_some_and(|held| !held.is_null())
}

/// The endpoint slices of a service.
fn endpoint_slices(world: &World, namespace: &str, service: &str) -> Vec<Value> {
    const SERVICE: &str = "kubernetes.io/service-name";
    let mut slices = Vec::new();
    world.visit("discovery.k8s.io", "endpointslices", namespace, &mut |slice| {
        if object::label(slice, SERVICE) == Some(service) {
            slices.push(slice.clone());
        }
        ControlFlow::Continue(())
    });
    slices
}

/// A ready endpoint of a service, drawn at random: of its first family of addresses, if that has one.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go ResolveEndpoint
fn endpoint(world: &World, reference: &ServiceReference, mut rng: Rng) -> Result<(Text, u16), String> {
    let ServiceReference { namespace, name, port } = reference;
    let service = world.get("", "services", namespace, name);
    let service = service.ok_or_else(|| format!("service {} not found", quoted(name)))?;
    let kind = service.text_at(&["spec", "type"]);
    if !matches!(kind, "ClusterIP" | "LoadBalancer" | "NodePort") {
        return Err(format!("unsupported service type {}", quoted(kind)));
    }
    let ports = service.at(&["spec", "ports"]).and_then(Value::as_list).unwrap_or_default();
    let is_it = |held: &&Value| held.field("port").and_then(Value::as_int) == Some(i64::from(*port));
    let missing = || format!("no service port {port} found for service {}", quoted(name));
    let port_name = ports.iter().find(is_it).ok_or_else(missing)?.text_at(&["name"]);
    let families = service.at(&["spec", "ipFamilies"]).and_then(Value::as_list).unwrap_or_default();
    let preferred = families.first().and_then(Value::as_str).unwrap_or_default();
    let mut slices = endpoint_slices(world, namespace, name);
    slices.sort_by_cached_key(|slice| (slice.text_at(&["addressType"]) != preferred, rng.next_u64()));
    for slice in &slices {
        let number = list(slice, "ports").iter().find(|port| is_named(port, port_name));
        let number = number.and_then(|port| port.field("port")).and_then(Value::as_int);
        let Some(number) = number.and_then(|port| u16::try_from(port).ok()) else { continue };
        let ready: Vec<&Value> = list(slice, "endpoints").iter().filter(|held| is_ready(held)).collect();
        if ready.is_empty() {
            continue;
        }
        let drawn = usize::try_from(rng.below(ready.len() as u64)).unwrap_or(0);
        let address =
            ready.get(drawn).and_then(|held| list(held, "addresses").first()).and_then(Value::as_str);
        if let Some(address) = address {
            return Ok((address.into(), number));
        }
    }
    Err(format!("no endpoints available for service {}", quoted(name)))
}
