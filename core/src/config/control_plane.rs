//! What a server tells others about itself through the store.

use crate::value::Text;
use alloc::vec::Vec;

/// What the server keeps in the store about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlPlane {
    /// `apiserver-` and what is made of the host's name; empty for a server that keeps no identity lease.
    pub id: Text,
    pub host_name: Text,
    /// `host:port` at which other servers reach this one.
    pub peer_address: Text,
    pub endpoints: EndpointReconciler,
    pub trusted: TrustedClients,
}

/// `--endpoint-reconciler-type`: how the endpoints of the `kubernetes` service are kept.
/// k8s: pkg/controlplane/reconcilers/reconcilers.go
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointReconciler {
    /// Each server holds a lease; the endpoints are those whose leases live.
    Lease,
    /// As many as `--apiserver-count`: each server adds its own, and removes one too many.
    MasterCount(u32),
    None,
}

impl Default for EndpointReconciler {
    fn default() -> Self {
        Self::MasterCount(1)
    }
}

/// How the server knows clients by certificates and by headers, for API servers that are to trust the same ones.
/// k8s: pkg/controlplane/controller/clusterauthenticationtrust ClusterAuthenticationInfo
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedClients {
    /// `--client-ca-file`, its content; empty without the flag.
    pub client_ca: Text,
    /// `--requestheader-client-ca-file`, its content; empty without the flag.
    pub proxy_ca: Text,
    /// `--requestheader-username-headers`, and so on.
    pub user_headers: Vec<Text>,
    pub uid_headers: Vec<Text>,
    pub group_headers: Vec<Text>,
    pub extra_prefixes: Vec<Text>,
    pub allowed_names: Vec<Text>,
}
