//! How the kubelet of a node is reached.
//! k8s: pkg/kubelet/client/kubelet_client.go NodeConnectionInfoGetter, pkg/util/node/node.go GetPreferredNodeAddress,
//! pkg/registry/core/node/strategy.go ResourceLocation

use super::pod::items;
use super::proxy::{Forwarding, SchemeNamePort, port_number};
use crate::answer::ADDRESS_NOT_ALLOWED;
use crate::config::{Config, KubeletClient};
use crate::limits;
use crate::status::Failure;
use crate::value::Value;
use crate::value::ip::is_global_unicast;
use crate::wire::{Method, Outcall, Trust};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::IpAddr;

/// Where a kubelet listens.
#[derive(Debug)]
pub(super) struct KubeletAddress {
    host: String,
    port: u16,
}

impl KubeletAddress {
    /// The kubelet of a node.
    ///
    /// # Errors
    /// 500 when the node has no address of a type that is wanted.
    pub(super) fn of(node: &Value, config: &KubeletClient) -> Result<Self, Failure> {
        let addresses = items(node, &["status", "addresses"]);
        let of_type = |wanted: &str| addresses.iter().find(|held| held.text_at(&["type"]) == wanted);
        let preferred = config.preferred_address_types.iter().find_map(|wanted| of_type(wanted));
        let Some(address) = preferred else {
            let known: Vec<String> = addresses
                .iter()
                .map(|held| format!("{{{} {}}}", held.text_at(&["type"]), held.text_at(&["address"])))
                .collect();
            let known = known.join(" ");
            let message = format!("no preferred addresses found; known addresses: [{known}]");
            return Err(Failure::unclassified(message));
        };
        let reported = node.at(&["status", "daemonEndpoints", "kubeletEndpoint", "Port"]);
        let port = reported.and_then(Value::as_int).and_then(|port| u16::try_from(port).ok());
        let port = port.filter(|port| *port > 0).unwrap_or(config.port);
        Ok(Self { host: address.text_at(&["address"]).into(), port })
    }

    /// A call of the kubelet, which has to show its certificate if the server knows who signs those.
    pub(super) fn call(&self, config: &Config, target: String, skips_verification: bool) -> Outcall {
        let KubeletClient { authorities, client_certificate, .. } = &config.kubelet;
        Outcall {
            host: self.host.as_str().into(),
            port: self.port,
            trust: Trust {
                anybody: skips_verification || authorities.is_empty(),
                host: false,
                authorities: authorities.clone(),
                server_name: self.host.as_str().into(),
                client_certificate: client_certificate.clone(),
            },
            method: Method::Get,
            target,
            headers: Vec::new(),
            body: Bytes::new(),
            timeout_millis: config.request_timeout_millis,
            attempts: 1,
            answer_bytes_max: limits::KUBELET_ERROR_BYTES,
        }
    }

    /// Where a request for the node leads: to its kubelet, or to another port of the machine.
    ///
    /// # Errors
    /// 400 for an address that no request may lead to, 503 for a port that is no number.
    pub(super) fn forwarding(&self, config: &Config, at: &SchemeNamePort) -> Result<Forwarding, Failure> {
        // The addresses of a name are known when it is connected to.
        if self.host.parse::<IpAddr>().is_ok_and(|ip| !is_global_unicast(ip)) {
            return Err(Failure::bad_request(ADDRESS_NOT_ALLOWED));
        }
        if at.port.is_empty() || at.port == self.port.to_string() {
            return Ok(Forwarding {
                call: self.call(config, String::new(), false),
                is_plain: false,
                is_global: true,
            });
        }
        let port = port_number(&at.port, at.scheme).map_err(Failure::service_unavailable)?;
        Ok(Forwarding { is_global: true, ..Forwarding::to_any(&self.host, port, at.scheme) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn the_most_wanted_address_is_taken() {
        let cases = [
            (
                r#"{"addresses":[{"type":"InternalIP","address":"10.0.0.7"},{"type":"Hostname","address":"n"}]}"#,
                "n:10250",
            ),
            (
                r#"{"addresses":[{"type":"InternalIP","address":"10.0.0.7"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":1025}}}"#,
                "10.0.0.7:1025",
            ),
            (
                r#"{"addresses":[{"type":"InternalIP","address":"10.0.0.7"}],"daemonEndpoints":{"kubeletEndpoint":{"Port":-1}}}"#,
                "10.0.0.7:10250",
            ),
            (
                r#"{"addresses":[{"type":"A","address":"x"},{"type":"B","address":"y"}]}"#,
                "no preferred addresses found; known addresses: [{A x} {B y}]",
            ),
            ("{}", "no preferred addresses found; known addresses: []"),
        ];
        for (status, expected) in cases {
            let text = format!(r#"{{"status":{status}}}"#);
            let node = json::parse(text.as_bytes()).expect("JSON").value;
            let found = KubeletAddress::of(&node, &KubeletClient::default());
            let told = match &found {
                Ok(kubelet) => format!("{}:{}", kubelet.host, kubelet.port),
                Err(failure) => failure.message().into(),
            };
            assert_eq!(told, expected, "{status}");
        }
    }
}
