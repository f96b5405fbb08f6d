//! Files that configure the server: kubeconfigs of servers that it asks, the authorizers, the policies of ABAC.

mod authorization;
mod decode;
mod kubeconfig;
mod policy;
mod webhook;

use steersman_core::value::Text;
use steersman_io::certificates::Issued;

pub(crate) use authorization::{Authorizers, Following, from_file, from_flags};

/// Client certificates for servers that are asked, by the names that calls use for them.
#[derive(Default)]
pub(crate) struct ClientCertificates(pub(crate) Vec<(Text, Issued)>);

impl std::fmt::Debug for ClientCertificates {
    /// Keys are not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}
