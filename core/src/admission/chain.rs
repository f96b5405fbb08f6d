//! The order of the plugins, and how they are asked one after the other.

use super::{
    AdmissionAttributes, claim_resize, default_class, default_toleration_seconds, lifecycle, limit_ranger,
    node_taint, priority, runtime_class, service_account, storage_protection,
};
use crate::status::Failure;
use crate::store::{Feed, Op, Stored};
use crate::value::Value;
use crate::world::World;

/// What a plugin says of a write.
pub(super) enum Opinion {
    Admitted,
    /// It needs the result of this operation first, and is then asked again.
    Needs(Feed, Op),
}

/// A plugin that may change the object. It gets what it needed when it is asked again.
type Mutate = fn(
    &World,
    &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Stored>,
) -> Result<Opinion, Failure>;

/// A plugin that may only refuse.
type Validate =
    fn(&World, &AdmissionAttributes<'_>, object: &Value, found: Option<Stored>) -> Result<Opinion, Failure>;

/// What a plugin does before and after preparation and validation.
#[derive(Clone, Copy)]
pub(super) struct AdmissionPlugin {
    pub(super) mutate: Mutate,
    pub(super) validate: Validate,
}

impl AdmissionPlugin {
    /// It admits everything: a plugin is `AdmissionPlugin { mutate, ..AdmissionPlugin::IDLE }`.
    pub(super) const IDLE: Self =
        Self { mutate: |_, _, _, _| Ok(Opinion::Admitted), validate: |_, _, _, _| Ok(Opinion::Admitted) };
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
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Admitting {
    /// How many plugins have admitted it.
    passed: usize,
}

/// How admission goes on.
#[derive(Debug)]
pub(crate) enum AdmissionProgress {
    Admitted,
    Wait(Admitting, Feed, Op),
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
        found: Option<Stored>,
    ) -> Result<AdmissionProgress, Failure> {
        self.ask(world, found, |plugin, found| (plugin.mutate)(world, attributes, object, found))
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
        found: Option<Stored>,
    ) -> Result<AdmissionProgress, Failure> {
        self.ask(world, found, |plugin, found| (plugin.validate)(world, attributes, object, found))
    }

    /// Asks all about a deletion, which has no object to change, from where this stands.
    ///
    /// # Errors
    /// A plugin's refusal.
    pub(crate) fn delete(
        self,
        world: &World,
        attributes: &AdmissionAttributes<'_>,
        mut found: Option<Stored>,
    ) -> Result<AdmissionProgress, Failure> {
        let mutating = self.ask(world, found.take(), |plugin, found| {
            (plugin.mutate)(world, attributes, &mut Value::Null, found)
        })?;
        match mutating {
            AdmissionProgress::Admitted => Self::default().validate(world, attributes, &Value::Null, None),
            AdmissionProgress::Wait(..) => Ok(mutating),
        }
    }

    fn ask(
        self,
        world: &World,
        mut found: Option<Stored>,
        mut opinion: impl FnMut(&AdmissionPlugin, Option<Stored>) -> Result<Opinion, Failure>,
    ) -> Result<AdmissionProgress, Failure> {
        let disabled = &world.config.disabled_plugins;
        for (passed, (name, plugin)) in PLUGINS.iter().enumerate().skip(self.passed) {
            if disabled.iter().any(|disabled| disabled == name) {
                continue;
            }
            match opinion(plugin, found.take())? {
                Opinion::Admitted => {}
                Opinion::Needs(feed, op) => return Ok(AdmissionProgress::Wait(Self { passed }, feed, op)),
            }
        }
        Ok(AdmissionProgress::Admitted)
    }
}
