//! Where a Service is reached, for calls that name one instead of an address: those of webhooks, of converters and of
//! aggregated API servers.
//! k8s: staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go ResolveCluster,
//! staging/src/k8s.io/apiserver/pkg/util/webhook/client.go hookClientConfig

use super::World;
use crate::kinds::Objects;
use crate::value::{Text, Value, quoted};
use alloc::format;
use alloc::string::String;

/// The port of a reference that names none.
pub(crate) const DEFAULT_SERVICE_PORT: u16 = 443;

/// A Service that is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceReference {
    pub(crate) namespace: Text,
    pub(crate) name: Text,
    pub(crate) port: u16,
}

impl ServiceReference {
    /// Of an object with `namespace`, `name` and maybe `port`.
    pub(crate) fn of(reference: &Value) -> Self {
        let port = reference.field("port").and_then(Value::as_int).and_then(|port| u16::try_from(port).ok());
        Self {
            namespace: reference.text_at(&["namespace"]).into(),
            name: reference.text_at(&["name"]).into(),
            port: port.filter(|port| *port != 0).unwrap_or(DEFAULT_SERVICE_PORT),
        }
    }

    /// The name that the certificate of the Service must be for.
    pub(crate) fn server_name(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }

    /// The host and the port to connect to.
    ///
    /// # Errors
    /// A sentence, upstream's: there is no such Service or port, or it has no address.
    pub(crate) fn resolve(&self, world: &World) -> Result<(Text, u16), String> {
        let service = world.get("", "services", &self.namespace, &self.name);
        let service = service.ok_or_else(|| format!("service {} not found", quoted(&self.name)))?;
        let spec = |field: &str| service.text_at(&["spec", field]);
        match spec("type") {
            "ClusterIP" if spec("clusterIP") == "None" => {
                Err("cannot route to service with ClusterIP \"None\"".into())
            }
            "ClusterIP" | "LoadBalancer" | "NodePort" => {
                let ports = service.at(&["spec", "ports"]).and_then(Value::as_list).unwrap_or_default();
                let is_it =
                    |port: &&Value| port.field("port").and_then(Value::as_int) == Some(i64::from(self.port));
                if !ports.iter().any(|port| is_it(&port)) {
                    let name = quoted(&self.name);
                    return Err(format!("no service port {} found for service {name}", self.port));
                }
                Ok((spec("clusterIP").into(), self.port))
            }
            "ExternalName" => Ok((spec("externalName").into(), self.port)),
            other => Err(format!("unsupported service type {}", quoted(other))),
        }
    }
}
