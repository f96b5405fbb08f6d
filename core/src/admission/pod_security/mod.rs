//! PodSecurity: holds pods to the level and version that their namespace's labels say, warns of workloads whose pods
//! would be refused, and of pods that are there when a namespace begins to enforce more. What a namespace says to
//! record (`audit`) has no effect yet, since there is no audit log.
//! k8s: staging/src/k8s.io/pod-security-admission/admission/admission.go

mod checks;
mod existing;
mod host;
mod kernel;
mod pod_view;
mod policy;
mod privilege;
#[cfg(test)]
mod tests;
mod users;
mod volumes;

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::config::{LevelVersion, PodSecurity, SecurityLevel, SecurityPolicy};
use crate::question::{self, Question, Reply};
use crate::status::{Causes, Failure, Qualified};
use crate::store::{Op, Range};
use crate::value::{Text, Value, object, quoted};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use pod_view::{PodView, items, name};

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

/// The workloads, and where the template of their pods is.
const WORKLOADS: &[(&str, &str, &[&str])] = &[
    ("", "replicationcontrollers", &["spec", "template"]),
    ("", "podtemplates", &["template"]),
    ("apps", "replicasets", &["spec", "template"]),
    ("apps", "deployments", &["spec", "template"]),
    ("apps", "statefulsets", &["spec", "template"]),
    ("apps", "daemonsets", &["spec", "template"]),
    ("batch", "jobs", &["spec", "template"]),
    ("batch", "cronjobs", &["spec", "jobTemplate", "spec", "template"]),
];

/// The subresources of a pod through which nothing of it changes that controls look at.
const IGNORED: &[&str] = &["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"];

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure> {
    let kind = attributes.resource;
    if attributes.operation == AdmissionOperation::Delete {
        return Ok(Opinion::Admitted);
    }
    if kind.group.is_empty() && kind.plural == "namespaces" {
        return namespace(world, attributes, object, said).map(|()| Opinion::Admitted);
    }
    if kind.group.is_empty() && kind.plural == "pods" {
        if IGNORED.contains(&attributes.subresource) {
            return Ok(Opinion::Admitted);
        }
        let is_same =
            attributes.operation == AdmissionOperation::Update && !is_significant(object, attributes.old);
        return pod(
            world,
            attributes,
            &Subject { pod: PodView(object), is_enforced: true, is_same },
            found,
            said,
        );
    }
    let workload = WORKLOADS.iter().find(|(group, plural, _)| *plural == kind.plural && *group == kind.group);
    match workload.and_then(|(.., template)| object.at(template)).filter(|template| !template.is_null()) {
        Some(template) if attributes.subresource.is_empty() => {
            let subject = Subject { pod: PodView(template), is_enforced: false, is_same: false };
            pod(world, attributes, &subject, found, said)
        }
        Some(_) | None => Ok(Opinion::Admitted),
    }
}

/// What controls look at.
struct Subject<'a> {
    pod: PodView<'a>,
    /// It is a pod, which can be refused; what only describes one is warned of.
    is_enforced: bool,
    /// Nothing has changed that controls look at.
    is_same: bool,
}

/// k8s: staging/src/k8s.io/pod-security-admission/admission/admission.go ValidatePod, ValidatePodController
fn pod(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    subject: &Subject<'_>,
    found: Option<Reply>,
    said: &mut Said,
) -> Result<Opinion, Failure> {
    let config = &world.config.admission.pod_security;
    let is_exempt = is_named(&config.exempt_namespaces, attributes.namespace)
        || is_named(&config.exempt_users, &attributes.caller.name)
        || is_exempt_class(config, subject.pod);
    if subject.is_same || is_exempt {
        return Ok(Opinion::Admitted);
    }
    let SecurityPolicy { enforce, warn, .. } = match policy_of(world, attributes.namespace, found) {
        Ok(Sought::Policy(policy)) => policy,
        Ok(Sought::Unknown(question)) => return Ok(Opinion::Needs(question)),
        Err(failure) if subject.is_enforced => return Err(failure),
        Err(_) => return Ok(Opinion::Admitted),
    };
    if subject.is_enforced {
        let violations = checks::violations(enforce, &subject.pod);
        if !violations.is_empty() {
            let (enforced, details) = (quoted(&format!("{enforce}")), violations.details());
            let why = format!("violates PodSecurity {enforced}: {details}");
            return Err(attributes.forbidden(subject.pod.0, &why));
        }
    }
    said.warnings.extend(would_violate(warn, subject.pod));
    Ok(Opinion::Admitted)
}

fn would_violate(warned: LevelVersion, pod: PodView<'_>) -> Option<String> {
    let violations = checks::violations(warned, &pod);
    let warned = quoted(&format!("{warned}"));
    (!violations.is_empty()).then(|| format!("would violate PodSecurity {warned}: {}", violations.details()))
}

/// What the pods of a namespace are held to.
enum Sought {
    Policy(SecurityPolicy),
    /// The cache may be behind: only the store can tell.
    Unknown(Question),
}

fn policy_of(world: &World, namespace: &str, found: Option<Reply>) -> Result<Sought, Failure> {
    let failed = || Failure::internal(format!("failed to lookup namespace {}", quoted(namespace)));
    let storage = world.registry.find("", "v1", "namespaces").and_then(|kind| kind.storage);
    let storage = storage.ok_or_else(failed)?;
    let collection = world.collection(storage).ok_or_else(failed)?;
    let defaults = world.config.admission.pod_security.defaults;
    let key = collection.keys.key("", namespace);
    // What cannot be read in labels has its own policy: see `policy::policy`.
    let mut unread = Causes::new();
    if let Some(entry) = world.cache(storage).and_then(|cache| cache.get(&key)) {
        return Ok(Sought::Policy(policy::policy(&|label| entry.label(label), defaults, &mut unread)));
    }
    let Some(stored) = found else {
        let op = Op::Range(Range { key, ..Range::default() });
        return Ok(Sought::Unknown(Question::Store(collection.feed, op)));
    };
    let kv = question::ranged(stored)?.kvs.pop().ok_or_else(failed)?;
    let entry = world.decode(storage, kv).ok_or_else(failed)?.map_err(|_| failed())?;
    Ok(Sought::Policy(policy::policy(&|label| entry.label(label), defaults, &mut unread)))
}

fn is_named(names: &[Text], name: &str) -> bool {
    !name.is_empty() && names.iter().any(|exempt| exempt == name)
}

fn is_exempt_class(config: &PodSecurity, pod: PodView<'_>) -> bool {
    let class = pod.spec(&["runtimeClassName"]).and_then(Value::as_str);
    class.is_some_and(|class| is_named(&config.exempt_runtime_classes, class))
}

/// Whether a pod changes in what controls look at: by a container or its image.
/// k8s: staging/src/k8s.io/pod-security-admission/admission/admission.go isSignificantPodUpdate
fn is_significant(pod: &Value, old: &Value) -> bool {
    fn list<'a>(pod: &'a Value, of: &str) -> &'a [Value] {
        items(pod.at(&["spec", of]))
    }
    fn image(container: &Value) -> &str {
        container.text_at(&["image"])
    }
    let differ = |of: &str| {
        let (new, old) = (list(pod, of), list(old, of));
        new.len() != old.len() || new.iter().zip(old).any(|(new, old)| image(new) != image(old))
    };
    let debugs = |container: &Value| {
        let mut known = list(old, "ephemeralContainers").iter();
        let known = known.find(|old| name(old) == name(container));
        known.is_none_or(|old| image(container) != image(old))
    };
    differ("containers") || differ("initContainers") || list(pod, "ephemeralContainers").iter().any(debugs)
}

/// k8s: staging/src/k8s.io/pod-security-admission/admission/admission.go ValidateNamespace
fn namespace(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    namespace: &Value,
    said: &mut Said,
) -> Result<(), Failure> {
    if !attributes.subresource.is_empty() {
        return Ok(());
    }
    let config = &world.config.admission.pod_security;
    let read = |of: &Value| {
        let mut causes = Causes::new();
        let labels = |label: &str| object::labels(of).and_then(|labels| labels.get(label)?.as_str());
        (policy::policy(&labels, config.defaults, &mut causes), causes)
    };
    let name = object::name(namespace);
    let (new, causes) = read(namespace);
    let invalid = |causes: Causes| {
        let kind = Qualified { group: "", name: "Namespace" };
        Err(Failure::invalid(kind, name, causes))
    };
    let is_exempt = is_named(&config.exempt_namespaces, name);
    if attributes.operation == AdmissionOperation::Create {
        if !causes.is_empty() {
            return invalid(causes);
        }
        said.warnings.extend(is_exempt.then(|| ignored(config, &new, namespace)).flatten());
        return Ok(());
    }
    let (old, old_causes) = read(attributes.old);
    if !causes.is_empty() && causes != old_causes {
        return invalid(causes);
    }
    let is_relaxed = new.enforce.version == old.enforce.version && new.enforce.level <= old.enforce.level;
    if is_relaxed || new.enforce.level == SecurityLevel::Privileged {
        return Ok(());
    }
    if is_exempt {
        said.warnings.extend(ignored(config, &new, namespace));
    } else {
        said.warnings.extend(existing::warnings(world, name, new.enforce));
    }
    Ok(())
}

/// The warning that the labels of an exempt namespace have no effect.
/// k8s: staging/src/k8s.io/pod-security-admission/admission/admission.go exemptNamespaceWarning
fn ignored(config: &PodSecurity, policy: &SecurityPolicy, namespace: &Value) -> Option<String> {
    if policy.is_privileged() || policy.is_equivalent(&config.defaults) {
        return None;
    }
    let modes = [
        ("enforce", policy.enforce, policy::ENFORCE),
        ("audit", policy.audit, policy::AUDIT),
        ("warn", policy.warn, policy::WARN),
    ];
    let is_set = |labels: [&str; 2]| labels.iter().any(|label| object::label(namespace, label).is_some());
    let said =
        modes.iter().filter(|(_, held, labels)| held.level != SecurityLevel::Privileged && is_set(*labels));
    let said: Vec<String> = said.map(|(mode, held, _)| format!("{mode}={held}")).collect();
    let (name, said) = (quoted(object::name(namespace)), said.join(", "));
    Some(format!("namespace {name} is exempt from Pod Security, and the policy ({said}) will be ignored"))
}
