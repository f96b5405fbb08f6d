//! Where a request for a service leads: to one of its endpoints.
//! k8s: pkg/registry/core/service/storage/storage.go ResourceLocation

use super::super::Scene;
use super::pod::{self, items};
use crate::status::Failure;
use crate::value::{Value, object, quoted};
use alloc::format;
use alloc::string::String;

/// A service that was read.
pub(super) struct FoundService<'a>(pub(super) &'a Value);

impl FoundService<'_> {
    /// The name of a port that was asked for by its number.
    ///
    /// # Errors
    /// 503 when the service has no such port.
    pub(super) fn port_name(&self, port: i64) -> Result<String, Failure> {
        let ports = items(self.0, &["spec", "ports"]);
        let found = ports.iter().find(|held| held.at(&["port"]).and_then(Value::as_int) == Some(port));
        let name = || quoted(object::name(self.0));
        let missing = || format!("no service port {port} found for service {}", name());
        let found = found.ok_or_else(|| Failure::service_unavailable(missing()))?;
        Ok(found.text_at(&["name"]).into())
    }
}

/// An address and a port of a service's endpoints, for a port of this name: any one, drawn at random, of those that are
/// pods. `id` is how the request named the service.
///
/// # Errors
/// 503 when there is none.
pub(super) fn address(
    scene: &Scene<'_>,
    namespace: &str,
    id: &str,
    endpoints: &Value,
    port_name: &str,
) -> Result<(String, u16), Failure> {
    let subsets = items(endpoints, &["subsets"]);
    let missing = |name: &str| {
        Failure::service_unavailable(format!("no endpoints available for service {}", quoted(name)))
    };
    if subsets.is_empty() {
        return Err(missing(object::name(endpoints)));
    }
    let mut rng = scene.call.rng.fork("endpoint", 0);
    for subset in rotated(subsets, rng.below(subsets.len() as u64)) {
        let ports = items(subset, &["ports"]);
        let addresses = items(subset, &["addresses"]);
        let Some(port) = ports.iter().find(|held| held.text_at(&["name"]) == port_name) else { continue };
        let Some(number) = port.at(&["port"]).and_then(Value::as_int) else { continue };
        let Ok(number) = u16::try_from(number) else { continue };
        if addresses.is_empty() {
            continue;
        }
        let drawn = rng.below(addresses.len() as u64);
        if let Some(address) = rotated(addresses, drawn).find(|held| is_pods(scene, namespace, held)) {
            return Ok((address.text_at(&["ip"]).into(), number));
        }
    }
    Err(missing(id))
}

/// The items from one on, and then those before it.
fn rotated(items: &[Value], from: u64) -> impl Iterator<Item = &Value> {
    let from = usize::try_from(from).unwrap_or(0).min(items.len());
    let (before, after) = items.split_at(from);
    after.iter().chain(before)
}

/// Whether an address is that of the pod that it names. No request leads anywhere else. The cache may know of a pod a
/// little later than upstream, which asks the store.
/// k8s: pkg/registry/core/service/storage/storage.go isValidAddress
fn is_pods(scene: &Scene<'_>, namespace: &str, address: &Value) -> bool {
    let named = |field: &str| address.text_at(&["targetRef", field]);
    let pods = scene.world.registry.find("", "v1", "pods").filter(|_| named("namespace") == namespace);
    let found = pods.and_then(|kind| {
        let collection = scene.collection(kind).ok()?;
        scene.cached(kind, &collection.keys.key(namespace, named("name")))
    });
    found.is_some_and(|entry| {
        let ip = address.text_at(&["ip"]);
        !ip.is_empty() && pod::addresses(&entry.to_value()).contains(&ip)
    })
}
