//! Which admission plugins are asked, and what flags tell them.

use super::PluginConfigurations;
use super::PodSecurity;
use crate::value::Text;
use alloc::vec::Vec;

/// The flags of admission.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/options/admission.go AdmissionOptions
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmissionOptions {
    /// `--enable-admission-plugins`: plugins that are asked although they are off by default, or disabled too.
    pub enabled: Vec<Text>,
    /// `--disable-admission-plugins`: plugins that are not asked unless they are enabled.
    pub disabled: Vec<Text>,
    /// `--default-not-ready-toleration-seconds`.
    pub not_ready_toleration_seconds: i64,
    /// `--default-unreachable-toleration-seconds`.
    pub unreachable_toleration_seconds: i64,
    /// What PodSecurity's part of `--admission-control-config-file` says.
    pub pod_security: PodSecurity,
    /// `--admission-control-config-file`.
    pub plugins: PluginConfigurations,
}

impl Default for AdmissionOptions {
    /// Without flags.
    fn default() -> Self {
        Self {
            enabled: Vec::new(),
            disabled: Vec::new(),
            not_ready_toleration_seconds: 300,
            unreachable_toleration_seconds: 300,
            pod_security: PodSecurity::default(),
            plugins: PluginConfigurations::default(),
        }
    }
}

impl AdmissionOptions {
    /// All plugins that are on by default but some.
    pub fn without(disabled: &[&str]) -> Self {
        Self { disabled: disabled.iter().map(|name| Text::from(*name)).collect(), ..Self::default() }
    }

    /// Whether a plugin is asked.
    /// k8s: staging/src/k8s.io/apiserver/pkg/server/options/admission.go enabledPluginNames
    pub(crate) fn asks(&self, name: &str, is_on_by_default: bool) -> bool {
        let named = |plugins: &[Text]| plugins.iter().any(|plugin| plugin == name);
        (is_on_by_default && !named(&self.disabled)) || named(&self.enabled)
    }
}
