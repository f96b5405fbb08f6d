//! The order of the plugins, and how they are asked one after the other. Those that may change the object are asked a
//! second time if one of them has changed it after others had seen it.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/chain.go, reinvocation.go

use super::policy::{self, PolicyProgress};
use super::reinvocation::Reinvocation;
use super::webhook::{self, MutatingWebhooks, ValidatingWebhooks};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::authorization::{AttributesRecord, Decided, Deciding};
use crate::config::AdmissionOptions;
use crate::kinds::Claims;
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::value::Value;
use crate::world::World;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// What a plugin says of a write.
pub(super) enum Opinion {
    Admitted,
    /// It has to know this first, and is then asked again.
    Needs(Question),
    /// It has to know whether these are allowed, and is then asked again with the rulings.
    Asks(Vec<AttributesRecord>),
}

/// What plugins add to a write that they admit or refuse, and what they keep for when they are asked again.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// For the client, whether the write is admitted or not.
    pub(crate) warnings: Vec<String>,
    /// What the write changes beside its own object, in the same commit. Nothing of it happens in a dry run.
    pub(crate) claims: Claims,
    /// What the plugin that is asked has kept while it waited. A plugin that waits several times leaves here what it
    /// has come to, and takes it when it is asked again.
    pub(super) memory: PluginMemory,
    /// What plugins that change the object know of each other.
    pub(super) reinvocation: Reinvocation,
}

/// What a plugin keeps while it waits, by the plugin. One that waits at most once and can begin again needs none.
#[derive(Clone, Debug, Default)]
pub(super) enum PluginMemory {
    /// It is asked for the first time.
    #[default]
    Nothing,
    MutatingWebhooks(Box<MutatingWebhooks>),
    ValidatingWebhooks(Box<ValidatingWebhooks>),
    Policies(Box<PolicyProgress>),
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
    /// It is also asked about connections. The others are asked only about writes.
    pub(super) judges_connections: bool,
}

impl AdmissionPlugin {
    /// It admits everything: a plugin is `AdmissionPlugin { mutate, ..AdmissionPlugin::IDLE }`.
    pub(super) const IDLE: Self = Self {
        mutate: |_, _, _, _, _| Ok(Opinion::Admitted),
        validate: |_, _, _, _, _| Ok(Opinion::Admitted),
        judges_connections: false,
    };

    /// Whether it is asked about what is done.
    fn judges(&self, operation: AdmissionOperation) -> bool {
        self.judges_connections || operation != AdmissionOperation::Connect
    }
}

/// A place in the order of the plugins.
#[derive(Clone, Copy)]
struct Place {
    name: &'static str,
    is_on_by_default: bool,
    served: Served,
}

/// What stands in a place.
#[derive(Clone, Copy)]
enum Served {
    Plugin(AdmissionPlugin),
    /// Upstream's plugin does nothing, since it belongs to a feature that is off.
    Inactive,
}

const fn on(name: &'static str, plugin: AdmissionPlugin) -> Place {
    Place { name, is_on_by_default: true, served: Served::Plugin(plugin) }
}

const fn off(name: &'static str, plugin: AdmissionPlugin) -> Place {
    Place { name, is_on_by_default: false, served: Served::Plugin(plugin) }
}

const fn inactive(name: &'static str) -> Place {
    Place { name, is_on_by_default: true, served: Served::Inactive }
}

/// All plugins in upstream's order, under upstream's names.
/// k8s: pkg/kubeapiserver/options/plugins.go AllOrderedPlugins
const PLUGINS: &[Place] = &[
    off("AlwaysAdmit", super::always::ADMIT),
    off("NamespaceAutoProvision", super::namespace_provision::PLUGIN),
    on("NamespaceLifecycle", super::lifecycle::PLUGIN),
    off("NamespaceExists", super::namespace_exists::PLUGIN),
    off("LimitPodHardAntiAffinityTopology", super::anti_affinity::PLUGIN),
    on("LimitRanger", super::limit_ranger::PLUGIN),
    on("ServiceAccount", super::service_account::PLUGIN),
    off("NodeRestriction", super::node_restriction::PLUGIN),
    on("TaintNodesByCondition", super::node_taint::PLUGIN),
    off("AlwaysPullImages", super::always_pull_images::PLUGIN),
    off("ImagePolicyWebhook", super::image_policy::PLUGIN),
    on("PodSecurity", super::pod_security::PLUGIN),
    off("PodNodeSelector", super::pod_node_selector::PLUGIN),
    on("Priority", super::priority::PLUGIN),
    on("DefaultTolerationSeconds", super::default_toleration_seconds::PLUGIN),
    off("PodTolerationRestriction", super::pod_toleration_restriction::PLUGIN),
    off("EventRateLimit", super::event_rate_limit::PLUGIN),
    off("ExtendedResourceToleration", super::extended_resource_toleration::PLUGIN),
    on("DefaultStorageClass", super::default_class::STORAGE),
    on("StorageObjectInUseProtection", super::storage_protection::PLUGIN),
    inactive("PodGroupProtection"),
    off("OwnerReferencesPermissionEnforcement", super::owner_permission::PLUGIN),
    on("PersistentVolumeClaimResize", super::claim_resize::PLUGIN),
    on("RuntimeClass", super::runtime_class::PLUGIN),
    on("CertificateApproval", super::certificate_signer::APPROVAL),
    on("CertificateSigning", super::certificate_signer::SIGNING),
    inactive("ClusterTrustBundleAttest"),
    on("CertificateSubjectRestriction", super::certificate_subject::PLUGIN),
    on("DefaultIngressClass", super::default_class::INGRESS),
    off("DenyServiceExternalIPs", super::external_ips::PLUGIN),
    on("PodTopologyLabels", super::pod_topology_labels::PLUGIN),
    inactive("PodGroupWorkloadExists"),
    on("NodeDeclaredFeatureValidator", super::node_features::PLUGIN),
    inactive("JobValidation"),
    on("PodResizeValidator", super::pod_resize::PLUGIN),
    on("MutatingAdmissionPolicy", policy::MUTATING),
    on("MutatingAdmissionWebhook", webhook::MUTATING),
    on("ValidatingAdmissionPolicy", policy::VALIDATING),
    on("ValidatingAdmissionWebhook", webhook::VALIDATING),
    on(COUNTING, super::quota::PLUGIN),
    off("AlwaysDeny", super::always::DENY),
];

/// What a write counts for. Of the plugins that admit anything it is the last, since what it has counted must not be
/// refused.
const COUNTING: &str = "ResourceQuota";

/// The names of all plugins of kube-apiserver, in the order in which they are asked.
pub fn plugin_names() -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().map(|place| place.name)
}

/// The names of the plugins that are asked.
pub fn asked_plugins(options: &AdmissionOptions) -> Vec<&'static str> {
    let asked = PLUGINS.iter().filter(|place| options.asks(place.name, place.is_on_by_default));
    asked.map(|place| place.name).collect()
}

/// Asks one plugin, with what it waited for.
type AskPlugin<'a> = dyn FnMut(&AdmissionPlugin, Option<Reply>, &mut Said) -> Result<Opinion, Failure> + 'a;

/// A write on its way through the plugins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admitting {
    /// How many plugins have admitted it.
    passed: usize,
    /// What those have claimed.
    claims: Claims,
    /// What the next one has asked the authorizers, if they wait.
    deciding: Option<Box<Deciding>>,
    /// What the next one keeps.
    memory: PluginMemory,
    reinvocation: Reinvocation,
    /// Of a deletion: those that could change an object have admitted it.
    is_validating: bool,
}

/// How admission goes on.
#[derive(Debug)]
pub(crate) enum AdmissionProgress {
    Admitted,
    Wait(Admitting, Question),
}

impl Admitting {
    /// Asks those that may change the object, from where this stands: twice if one of them asks for it. `found` is what
    /// it waited for.
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
        let mut opinion = |plugin: &AdmissionPlugin, found: Option<Reply>, said: &mut Said| {
            (plugin.mutate)(world, attributes, object, found, said)
        };
        let operation = attributes.operation;
        match self.ask(world, operation, found, said, &mut opinion)? {
            AdmissionProgress::Admitted if said.reinvocation.begins_again() => {
                let again = Self { reinvocation: core::mem::take(&mut said.reinvocation), ..Self::default() };
                again.ask(world, operation, None, said, &mut opinion)
            }
            progress @ (AdmissionProgress::Admitted | AdmissionProgress::Wait(..)) => Ok(progress),
        }
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
        self.ask(world, attributes.operation, found, said, &mut |plugin, found, said| {
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
        found: Option<Reply>,
        said: &mut Said,
    ) -> Result<AdmissionProgress, Failure> {
        let validate = |admitting: Self, found, said: &mut Said| {
            let progress = admitting.validate(world, attributes, &Value::Null, found, said)?;
            Ok(match progress {
                AdmissionProgress::Admitted => AdmissionProgress::Admitted,
                AdmissionProgress::Wait(waiting, question) => {
                    AdmissionProgress::Wait(Self { is_validating: true, ..waiting }, question)
                }
            })
        };
        if self.is_validating {
            return validate(self, found, said);
        }
        match self.mutate(world, attributes, &mut Value::Null, found, said)? {
            AdmissionProgress::Admitted => validate(Self::default(), None, said),
            waiting @ AdmissionProgress::Wait(..) => Ok(waiting),
        }
    }

    /// Only the last plugin, which counts what is written, is still to be asked.
    pub(crate) fn counting() -> Self {
        let passed = PLUGINS.iter().position(|place| place.name == COUNTING).unwrap_or(PLUGINS.len());
        Self { passed, ..Self::default() }
    }

    fn ask(
        self,
        world: &World,
        operation: AdmissionOperation,
        mut found: Option<Reply>,
        said: &mut Said,
        opinion: &mut AskPlugin<'_>,
    ) -> Result<AdmissionProgress, Failure> {
        let admission = &world.config.admission;
        said.claims.extend(self.claims);
        said.memory = self.memory;
        said.reinvocation = self.reinvocation;
        let mut deciding = self.deciding;
        for (passed, place) in PLUGINS.iter().enumerate().skip(self.passed) {
            let plugin = match place.served {
                Served::Plugin(plugin) if admission.asks(place.name, place.is_on_by_default) => plugin,
                Served::Plugin(_) | Served::Inactive => continue,
            };
            if !plugin.judges(operation) {
                continue;
            }
            loop {
                if let Some(asked) = deciding.take() {
                    match asked.go_on(world, found.take().as_ref()) {
                        Decided::All(rulings) => found = Some(Reply::Ruled(rulings)),
                        Decided::Wait(asked, question) => {
                            return Ok(Self::waiting(passed, Some(asked), said, question));
                        }
                    }
                }
                match opinion(&plugin, found.take(), said)? {
                    Opinion::Admitted => break,
                    Opinion::Needs(question) => return Ok(Self::waiting(passed, None, said, question)),
                    Opinion::Asks(questions) => deciding = Some(Box::new(Deciding::new(questions))),
                }
            }
            said.memory = PluginMemory::Nothing;
        }
        Ok(AdmissionProgress::Admitted)
    }

    /// A plugin waits. What is kept until it is asked again is taken from what was said.
    fn waiting(
        passed: usize,
        deciding: Option<Box<Deciding>>,
        said: &mut Said,
        question: Question,
    ) -> AdmissionProgress {
        let waiting = Self {
            passed,
            claims: core::mem::take(&mut said.claims),
            deciding,
            memory: core::mem::take(&mut said.memory),
            reinvocation: core::mem::take(&mut said.reinvocation),
            is_validating: false,
        };
        AdmissionProgress::Wait(waiting, question)
    }
}
