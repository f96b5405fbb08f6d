//! The pods that are there already when a namespace begins to enforce more: they stay, and the client is warned.
//! k8s: staging/src/k8s.io/pod-security-admission/admission/admission.go EvaluatePodsInNamespace

use super::checks;
use super::is_exempt_class;
use super::pod_view::{PodView, items};
use crate::config::LevelVersion;
use crate::limits;
use crate::value::{Text, Value, object, quoted};
use crate::world::World;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::ControlFlow;

const UNREADABLE: &str = "failed to list pods while checking new PodSecurity enforce level";

/// The pods that violate a level and version in the same way.
struct Alike {
    /// The first of their names in alphabetical order.
    first: Text,
    count: usize,
}

/// The warnings about pods that a namespace would not admit any more.
pub(super) fn warnings(world: &World, namespace: &str, enforced: LevelVersion) -> Vec<String> {
    let Some(Existing { pods, total }) = Existing::find(world, namespace) else {
        return Vec::from([UNREADABLE.into()]);
    };
    let mut alike: BTreeMap<String, Alike> = BTreeMap::new();
    for pod in &pods {
        let violations = checks::violations(enforced, &PodView(pod));
        if violations.is_empty() {
            continue;
        }
        let name = object::name(pod);
        let held =
            alike.entry(violations.reasons()).or_insert_with(|| Alike { first: name.into(), count: 0 });
        held.count += 1;
        if name < held.first.as_str() {
            held.first = name.into();
        }
    }
    let mut warnings = Vec::new();
    if pods.len() < total {
        let checked = pods.len();
        warnings.push(format!(
            "new PodSecurity enforce level only checked against the first {checked} of {total} existing pods"
        ));
    }
    if !alike.is_empty() {
        let (namespace, enforced) = (quoted(namespace), quoted(&format!("{enforced}")));
        warnings.push(format!(
            "existing pods in namespace {namespace} violate the new PodSecurity enforce level {enforced}"
        ));
    }
    let mut of_pods: Vec<String> = alike.iter().map(|(reasons, alike)| alike.warning(reasons)).collect();
    of_pods.sort();
    warnings.extend(of_pods);
    warnings
}

impl Alike {
    fn warning(&self, reasons: &str) -> String {
        let first = &self.first;
        match self.count {
            1 => format!("{first}: {reasons}"),
            2 => format!("{first} (and 1 other pod): {reasons}"),
            count => format!("{first} (and {} other pods): {reasons}", count - 1),
        }
    }
}

/// The pods of a namespace whose runtime class is not exempt.
struct Existing {
    /// Those that are checked, at most `limits::PODS_CHECKED`: pods of different controllers before those whose
    /// controller has another one among them.
    pods: Vec<Value>,
    /// How many there are.
    total: usize,
}

impl Existing {
    /// None if one of them cannot be read.
    /// k8s: staging/src/k8s.io/pod-security-admission/admission/admission.go prioritizePods
    fn find(world: &World, namespace: &str) -> Option<Self> {
        let storage = world.registry.find("", "v1", "pods")?.storage?;
        let (keys, cache) = (&world.collection(storage)?.keys, world.cache(storage)?);
        let prefix = keys.namespace_prefix(namespace);
        if cache.unreadable().keys().any(|key| key.starts_with(&prefix)) {
            return None;
        }
        let mut controllers: BTreeSet<Text> = BTreeSet::new();
        let (mut first, mut others) = (Vec::new(), Vec::new());
        let mut exempt = 0;
        let all = cache.entries().count_prefix(&prefix);
        let _ = cache.entries().prefix(&prefix).take(limits::PODS_VIEWED).try_for_each(|(_, held)| {
            let pod = held.entry().to_value();
            if is_exempt_class(&world.config.admission.pod_security, PodView(&pod)) {
                exempt += 1;
            } else if controller(&pod).is_none_or(|uid| controllers.insert(uid.into())) {
                first.push(pod);
            } else if others.len() < limits::PODS_CHECKED {
                others.push(pod);
            }
            if first.len() < limits::PODS_CHECKED {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        first.extend(others);
        first.truncate(limits::PODS_CHECKED);
        Some(Self { pods: first, total: all.saturating_sub(exempt) })
    }
}

/// The uid of the object that controls a pod.
fn controller(pod: &Value) -> Option<&str> {
    let owners = items(pod.at(&["metadata", "ownerReferences"]));
    let is_controller = |owner: &&Value| owner.field("controller").and_then(Value::as_bool) == Some(true);
    owners.iter().find(is_controller).map(|owner| owner.text_at(&["uid"]))
}
