//! PodNodeSelector: pods get the node selector of their namespace, and may only select nodes by what the configuration
//! allows there.
//! k8s: plugin/pkg/admission/podnodeselector/admission.go

use super::AdmissionAttributes;
use super::chain::{AdmissionPlugin, Opinion, Said};
use super::namespace_of::namespace;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Map, Text, Value, names, object, quoted};
use crate::world::World;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate, validate, ..AdmissionPlugin::IDLE };

const ANNOTATION: &str = "scheduler.alpha.kubernetes.io/node-selector";
/// The name in the configuration of the selector for namespaces without one.
const DEFAULT: &str = "clusterDefaultNodeSelector";
const SELECTOR: &[&str] = &["spec", "nodeSelector"];

type Labels = BTreeMap<Text, Text>;

fn mutate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.creates("", "pods") {
        return Ok(Opinion::Admitted);
    }
    let wanted = match of_namespace(world, attributes, found)? {
        Ok(wanted) => wanted,
        Err(opinion) => return Ok(opinion),
    };
    check(world, attributes, object, &wanted)?;
    for (key, value) in wanted {
        object.set_at(&["spec", "nodeSelector", key.as_str()], Value::Str(value));
    }
    check_allowed(world, attributes, object)
}

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.creates("", "pods") {
        return Ok(Opinion::Admitted);
    }
    let wanted = match of_namespace(world, attributes, found)? {
        Ok(wanted) => wanted,
        Err(opinion) => return Ok(opinion),
    };
    check(world, attributes, object, &wanted)?;
    check_allowed(world, attributes, object)
}

/// What a namespace, or else the configuration, says that its pods select.
fn of_namespace(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    found: Option<Reply>,
) -> Result<Result<Labels, Opinion>, Failure> {
    let namespace = match namespace(world, attributes.namespace, found)? {
        Ok(namespace) => namespace,
        Err(opinion) => return Ok(Err(opinion)),
    };
    let configured = &world.config.admission.plugins.node_selectors;
    let default = || configured.get(DEFAULT).map_or("", Text::as_str);
    labels(object::annotation(&namespace, ANNOTATION).unwrap_or_else(default)).map(Ok)
}

fn selected(pod: &Value) -> impl Iterator<Item = (&Text, &str)> {
    let held = pod.at(SELECTOR).and_then(Value::as_map).into_iter().flat_map(Map::iter);
    held.map(|(key, value)| (key, value.as_str().unwrap_or_default()))
}

/// Refuses a pod that selects otherwise than its namespace.
fn check(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    pod: &Value,
    wanted: &Labels,
) -> Result<(), Failure> {
    let conflicts = |(key, value): (&Text, &str)| wanted.get(key).is_some_and(|wanted| wanted != value);
    if selected(pod).any(conflicts) {
        let why = "pod node label selector conflicts with its namespace node label selector";
        return Err(Failure::forbidden(attributes.qualified(), object::name(pod), why));
    }
    Ok(())
}

/// Refuses a pod that selects by more than the configuration allows in its namespace.
fn check_allowed(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    pod: &Value,
) -> Result<Opinion, Failure> {
    let configured = world.config.admission.plugins.node_selectors.get(attributes.namespace);
    let allowed = labels(configured.map_or("", Text::as_str))?;
    let is_allowed = |(key, value): (&Text, &str)| allowed.get(key).is_some_and(|allowed| allowed == value);
    if allowed.is_empty() || selected(pod).all(is_allowed) {
        return Ok(Opinion::Admitted);
    }
    let why = "pod node label selector labels conflict with its namespace whitelist";
    Err(Failure::forbidden(attributes.qualified(), object::name(pod), why))
}

/// `a=b,c=d` as labels.
/// k8s: staging/src/k8s.io/apimachinery/pkg/labels/labels.go ConvertSelectorToLabelsMap
fn labels(text: &str) -> Result<Labels, Failure> {
    let mut labels = Labels::new();
    for label in text.split(',').filter(|_| !text.is_empty()) {
        let parts: Vec<&str> = label.split('=').collect();
        let [key, value] = parts.as_slice() else {
            return Err(Failure::unclassified(format!("invalid selector: [{}]", parts.join(" "))));
        };
        let (key, value) = (key.trim(), value.trim());
        let invalid = |place: String, bad: &str, problems: Vec<String>| {
            let problems = problems.join("; ");
            Failure::unclassified(format!("{place}: Invalid value: {}: {problems}", quoted(bad)))
        };
        let problems = names::label_key(key);
        if !problems.is_empty() {
            return Err(invalid("<nil>".into(), key, problems));
        }
        let problems = names::label_value(value);
        if !problems.is_empty() {
            return Err(invalid(format!("[{key}]"), value, problems));
        }
        labels.insert(key.into(), value.into());
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_labels() {
        let table = [
            ("", Ok("")),
            ("a=b", Ok("a=b")),
            (" a = b ,c=d", Ok("a=b,c=d")),
            ("a", Err("invalid selector: [a]")),
            ("a=b=c", Err("invalid selector: [a b c]")),
            ("a=b,", Err("invalid selector: []")),
        ];
        for (text, want) in table {
            let found = labels(text).map(|labels| {
                let parts: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                parts.join(",")
            });
            assert_eq!(found.as_deref().map_err(|failure| failure.message()), want, "{text}");
        }
        assert!(labels("a b=c").is_err() && labels("a=b c").is_err());
    }
}
