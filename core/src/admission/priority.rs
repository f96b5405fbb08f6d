//! Priority: the number of a pod's priority, and whether it preempts others, come from its PriorityClass.
//! k8s: plugin/pkg/admission/priority/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::Objects;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::{Text, Value, object};
use crate::world::World;
use alloc::format;
use core::ops::ControlFlow;

const GROUP: &str = "scheduling.k8s.io";
const PLURAL: &str = "priorityclasses";

/// What a class gives to a pod.
struct Priority {
    class: Text,
    value: i64,
    /// Absent in a class of an old server.
    policy: Option<Text>,
}

pub(super) const PLUGIN: AdmissionPlugin =
    AdmissionPlugin { mutate: admit, validate, ..AdmissionPlugin::IDLE };

fn admit(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !attributes.is_of("", "pods") || object.field("spec").and_then(Value::as_map).is_none() {
        return Ok(Opinion::Admitted);
    }
    match attributes.operation {
        AdmissionOperation::Create => {
            let priority = establish(world, attributes, object)?;
            set(attributes, object, &priority)?;
        }
        AdmissionOperation::Update => {
            for field in ["priority", "preemptionPolicy"] {
                if object.at(&["spec", field]).is_none_or(Value::is_null) {
                    object.take(attributes.old, &["spec", field]);
                }
            }
        }
        AdmissionOperation::Delete | AdmissionOperation::Connect => {}
    }
    Ok(Opinion::Admitted)
}

/// The priority of a new pod: that of the class it names, or of the default class.
fn establish(
    objects: &dyn Objects,
    attributes: &AdmissionAttributes<'_>,
    pod: &Value,
) -> Result<Priority, Failure> {
    let name = pod.text_at(&["spec", "priorityClassName"]);
    if name.is_empty() {
        let default = default_class(objects);
        return Ok(default.as_ref().map_or_else(
            || Priority { class: "".into(), value: 0, policy: Some("PreemptLowerPriority".into()) },
            priority,
        ));
    }
    let class = objects.get(GROUP, PLURAL, "", name);
    let absent = || attributes.forbidden(pod, &format!("no PriorityClass with name {name} was found"));
    class.as_ref().map(priority).ok_or_else(absent)
}

fn priority(class: &Value) -> Priority {
    let policy = class.field("preemptionPolicy").and_then(Value::as_str);
    Priority { class: object::name(class).into(), value: value(class), policy: policy.map(Into::into) }
}

fn value(class: &Value) -> i64 {
    class.field("value").and_then(Value::as_int).unwrap_or(0)
}

/// Of several default classes, which two writers at once can make, the one with the lowest value.
fn default_class(objects: &dyn Objects) -> Option<Value> {
    let mut default: Option<Value> = None;
    objects.visit(GROUP, PLURAL, "", &mut |class| {
        let is_default = class.field("globalDefault").and_then(Value::as_bool) == Some(true);
        if is_default && default.as_ref().is_none_or(|held| value(held) > value(class)) {
            default = Some(class.clone());
        }
        ControlFlow::Continue(())
    });
    default
}

fn set(attributes: &AdmissionAttributes<'_>, pod: &mut Value, priority: &Priority) -> Result<(), Failure> {
    const COMPUTED: &str = "must not be provided in pod spec; priority admission controller computed";
    const FROM: &str = "from the given PriorityClass name";
    if !priority.class.is_empty() {
        pod.set_at(&["spec", "priorityClassName"], Value::Str(priority.class.clone()));
    }
    let value = priority.value;
    if let Some(given) = pod.at(&["spec", "priority"]).and_then(Value::as_int)
        && given != value
    {
        let why = format!("the integer value of priority ({given}) {COMPUTED} {value} {FROM}");
        return Err(attributes.forbidden(pod, &why));
    }
    pod.set_at(&["spec", "priority"], Value::Int(value));
    let Some(policy) = &priority.policy else { return Ok(()) };
    if let Some(given) = pod.at(&["spec", "preemptionPolicy"]).and_then(Value::as_str)
        && given != policy
    {
        let why = format!("the string value of PreemptionPolicy ({given}) {COMPUTED} {policy} {FROM}");
        return Err(attributes.forbidden(pod, &why));
    }
    pod.set_at(&["spec", "preemptionPolicy"], Value::Str(policy.clone()));
    Ok(())
}

/// Only one class can be the default.
fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let wants = object.field("globalDefault").and_then(Value::as_bool) == Some(true);
    if !attributes.is_of(GROUP, PLURAL) || !wants {
        return Ok(Opinion::Admitted);
    }
    let Some(default) = default_class(world) else { return Ok(Opinion::Admitted) };
    let name = object::name(&default);
    if attributes.operation == AdmissionOperation::Update && name == object::name(object) {
        return Ok(Opinion::Admitted);
    }
    let why = format!("PriorityClass {name} is already marked as default. Only one default can exist");
    Err(attributes.forbidden(object, &why))
}
