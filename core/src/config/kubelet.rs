//! How the server reaches kubelets and the servers of aggregated APIs.

use crate::value::Text;
use alloc::vec::Vec;
use bytes::Bytes;

/// How kubelets are reached, for logs, exec and their like.
/// k8s: pkg/kubelet/client/kubelet_client.go KubeletClientConfig
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletClient {
    /// `--kubelet-preferred-address-types`: which of a node's addresses is taken, the most wanted first.
    pub preferred_address_types: Vec<Text>,
    /// The port of kubelets whose nodes name none.
    pub port: u16,
    /// `--kubelet-certificate-authority`, its content as PEM. Without it every kubelet is trusted.
    pub authorities: Bytes,
    /// The name of the driver's client certificate for kubelets; empty for none.
    pub client_certificate: Text,
}

impl Default for KubeletClient {
    fn default() -> Self {
        let types = ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];
        Self {
            preferred_address_types: types.map(Text::from).to_vec(),
            port: Self::PORT,
            authorities: Bytes::new(),
            client_certificate: Text::default(),
        }
    }
}

impl KubeletClient {
    /// k8s: pkg/cluster/ports/ports.go KubeletPort
    pub const PORT: u16 = 10250;
    /// The name of the driver's client certificate, if it has one.
    pub const CERTIFICATE: &str = "kubelet";
}

/// How the servers of aggregated APIs are reached.
/// k8s: staging/src/k8s.io/kube-aggregator/pkg/apiserver/apiserver.go ExtraConfig
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregation {
    /// The name of the driver's client certificate for them (`--proxy-client-cert-file`); empty for none.
    pub client_certificate: Text,
    /// `--enable-aggregator-routing`: requests go to an endpoint of the service, not to its address.
    pub routes_to_endpoints: bool,
}

impl Aggregation {
    /// The name of the driver's client certificate, if it has one.
    pub const CERTIFICATE: &str = "front-proxy";
}
