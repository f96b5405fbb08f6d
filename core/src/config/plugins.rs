//! What admission plugins were told by `--admission-control-config-file`.

use alloc::string::String;
use alloc::vec::Vec;

/// The configuration of each plugin that takes one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginConfigurations {
    /// What nobody may use without a quota for it.
    pub limited_resources: Vec<LimitedResource>,
}

/// A resource whose objects need a quota that covers what they use.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/apis/resourcequota/types.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitedResource {
    pub api_group: String,
    pub resource: String,
    /// Parts of names of resources that quotas have to cover.
    pub match_contains: Vec<String>,
    /// Scopes that quotas have to cover.
    pub match_scopes: Vec<LimitedScope>,
}

/// A requirement of a scope selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitedScope {
    pub scope: String,
    pub operator: String,
    pub values: Vec<String>,
}
