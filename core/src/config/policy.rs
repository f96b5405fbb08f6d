//! The authorizers in their order, and the policies of ABAC.

use super::Authorizer;
use crate::value::Text;
use alloc::vec::Vec;

/// What one line of `--authorization-policy-file` allows. Texts that the line does not have are empty.
/// k8s: pkg/apis/abac/types.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbacPolicy {
    pub user: Text,
    pub group: Text,
    /// Only requests that change nothing.
    pub is_read_only: bool,
    pub api_group: Text,
    pub resource: Text,
    pub namespace: Text,
    pub non_resource_path: Text,
}

/// The authorizers in the order in which they are asked. A decision keeps to those that it began with.
#[derive(Debug, PartialEq, Eq)]
pub struct AuthorizerChain {
    /// Grows by one whenever the authorizers are replaced while the server runs.
    pub generation: u64,
    pub authorizers: Vec<Authorizer>,
}
