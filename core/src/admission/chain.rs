//! The order of the plugins, and how they are asked one after the other.

use super::{
    AdmissionAttributes, claim_resize, default_class, default_toleration_seconds, lifecycle, limit_ranger,
    node_taint, priority, runtime_class, service_account, storage_protection,
};
use crate::kinds::Claims;
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::value::Value;
use crate::world::World;
use alloc::string::String;
use alloc::vec::Vec;

/// What a plugin says of a write.
pub(super) enum Opinion {
    Admitted,
    /// It has to know this first, and is then asked again.
    Needs(Question),
}

/// What plugins add to a write that they admit or refuse.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// For the client, whether the write is admitted or not.
    pub(crate) warnings: Vec<String>,
    /// What the write changes beside its own object, in the same commit. Nothing of it happens in a dry run.
    pub(crate) claims: Claims,
}

/// A plugin that may change the object. It gets what it needed when it is asked again.
type Mutate = fn(
    &World,
    &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure>;

/// A plugin that may only refuse.
type Validate = fn(
    &World,
    &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure>;

/// What a plugin does before and after preparation and validation.
#[derive(Clone, Copy)]
pub(super) struct AdmissionPlugin {
    pub(super) mutate: Mutate,
    pub(super) validate: Validate,
}

impl AdmissionPlugin {
    /// It admits everything: a plugin is `AdmissionPlugin { mutate, ..AdmissionPlugin::IDLE }`.
    pub(super) const IDLE: Self = Self {
        mutate: |_, _, _, _, _| Ok(Opinion::Admitted),
        validate: |_, _, _, _, _| Ok(Opinion::Admitted),
    };
}

/// All plugins in upstream's order, under upstream's names: each new one is inserted in its place.
/// k8s: pkg/kubeapiserver/options/plugins.go AllOrderedPlugins
const PLUGINS: &[(&str, AdmissionPlugin)] = &[
    ("NamespaceLifecycle", lifecycle::PLUGIN),
    ("LimitRanger", limit_ranger::PLUGIN),
    ("ServiceAccount", service_account::PLUGIN),
    ("TaintNodesByCondition", node_taint::PLUGIN),
    ("Priority", priority::PLUGIN),
    ("DefaultTolerationSeconds", default_toleration_seconds::PLUGIN),
    ("DefaultStorageClass", default_class::STORAGE),
    ("StorageObjectInUseProtection", storage_protection::PLUGIN),
    ("PersistentVolumeClaimResize", claim_resize::PLUGIN),
    ("RuntimeClass", runtime_class::PLUGIN),
    ("DefaultIngressClass", default_class::INGRESS),
];

/// The names of the plugins, which are all on unless the configuration turns them off.
pub fn plugin_names() -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().map(|(name, _)| *name)
}

/// A write on its way through the plugins.
#[derive(Debug, Default)]
pub(crate) struct Admitting {
    /// How many plugins have admitted it.
    passed: usize,
    /// What those have claimed.
    claims: Claims,
}

/// How admission goes on.
#[derive(Debug)]
pub(crate) enum AdmissionProgress {
    Admitted,
    Wait(Admitting, Question),
}

impl Admitting {
    /// Asks those that may change the object, from where this stands. `found` is what it waited for.
    ///
    /// # Errors
    /// A plugin's refusal.
    pub(crate) fn mutate(
        self,
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        object: &mut Value,
        found: Option<Reply>,
        said: &mut Said,
    ) -> Result<AdmissionProgress, Failure> {
        self.ask(world, found, said, |plugin, found, said| {
            (plugin.mutate)(world, attributes, object, found, said)
        })
    }

    /// Asks those that may only refuse, from where this stands. `found` is what it waited for.
    ///
    /// # Errors
    /// A plugin's refusal.
    pub(crate) fn validate(
        self,
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        object: &Value,
        found: Option<Reply>,
        said: &mut Said,
    ) -> Result<AdmissionProgress, Failure> {
        self.ask(world, found, said, |plugin, found, said| {
            (plugin.validate)(world, attributes, object, found, said)
        })
    }

    /// Asks all about a deletion, which has no object to change, from where this stands.
    ///
    /// # Errors
    /// A plugin's refusal.
    pub(crate) fn delete(
        self,
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        mut found: Option<Reply>,
        said: &mut Said,
    ) -> Result<AdmissionProgress, Failure> {
        let mutating = self.ask(world, found.take(), said, |plugin, found, said| {
            (plugin.mutate)(world, attributes, &mut Value::Null, found, said)
        })?;
        match mutating {
            AdmissionProgress::Admitted => {
                Self::default().validate(world, attributes, &Value::Null, None, said)
            }
            AdmissionProgress::Wait(..) => Ok(mutating),
        }
    }

    fn ask(
        self,
        world: &World,
        mut found: Option<Reply>,
        said: &mut Said,
        mut opinion: impl FnMut(&AdmissionPlugin, Option<Reply>, &mut Said) -> Result<Opinion, Failure>,
    ) -> Result<AdmissionProgress, Failure> {
        let disabled = &world.config.disabled_plugins;
        said.claims.extend(self.claims);
        for (passed, (name, plugin)) in PLUGINS.iter().enumerate().skip(self.passed) {
            if disabled.iter().any(|disabled| disabled == name) {
                continue;
            }
            match opinion(plugin, found.take(), said)? {
                Opinion::Admitted => {}
                Opinion::Needs(question) => {
                    let claims = core::mem::take(&mut said.claims);
                    return Ok(AdmissionProgress::Wait(Self { passed, claims }, question));
                }
            }
        }
        Ok(AdmissionProgress::Admitted)
    }
}
