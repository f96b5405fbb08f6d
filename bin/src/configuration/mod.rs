//! Files that configure the server: kubeconfigs of servers that it asks, the authorizers, the policies of ABAC, issuers
//! of tokens.

mod authorization;
mod decode;
mod federation;
mod issuer_validation;
mod issuers;
mod kubeconfig;
mod policy;
mod webhook;

use steersman_core::value::Text;
use steersman_io::certificates::Issued;

pub(crate) use authorization::{Authorizers, Following, from_file, from_flags};
pub(crate) use federation::{Federated, federated};
pub(crate) use issuers::{FollowingIssuers, issuers_from_file};
pub(crate) use kubeconfig::{load as kubeconfig, users as webhook_users};

/// Client certificates for servers that are asked, by the names that calls use for them.
#[derive(Default)]
pub(crate) struct ClientCertificates(pub(crate) Vec<(Text, Issued)>);

impl std::fmt::Debug for ClientCertificates {
    /// Keys are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
