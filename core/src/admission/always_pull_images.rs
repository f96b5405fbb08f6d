//! AlwaysPullImages: a pod pulls its images each time it starts, so that nobody uses an image that is only there
//! because somebody else could pull it.
//! k8s: plugin/pkg/admission/alwayspullimages/admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::kinds::references::{containers, set, volumes};
use crate::question::Reply;
use crate::status::{Causes, Failure, Path};
use crate::value::Value;
use crate::world::World;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { mutate, validate, ..AdmissionPlugin::IDLE };

const ALWAYS: &str = "Always";

/// Lists of containers, in the order in which upstream visits them.
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

fn mutate(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &mut Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if is_concerned(attributes, object) {
        for of in LISTS {
            each(object, of, |container| container.set("imagePullPolicy", ALWAYS.into()));
        }
        each(object, "volumes", |volume| {
            if set(volume, "image").is_some() {
                volume.set_at(&["image", "pullPolicy"], ALWAYS.into());
            }
        });
    }
    Ok(Opinion::Admitted)
}

fn validate(
    _world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    _found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    if !is_concerned(attributes, object) {
        return Ok(Opinion::Admitted);
    }
    let mut problems: Vec<String> = Vec::new();
    let mut check = |path: Path, policy: &str| {
        if policy != ALWAYS {
            let mut causes = Causes::default();
            causes.not_supported(&path, &policy.into(), &[ALWAYS]);
            problems.push(attributes.forbidden(object, &causes.summary()).message().into());
        }
    };
    let spec = Path::new("spec");
    for of in LISTS {
        let list = object.at(&["spec", of]).and_then(Value::as_list).unwrap_or_default();
        for (index, container) in list.iter().enumerate() {
            let path = spec.child(of).index(index).child("imagePullPolicy");
            check(path, container.text_at(&["imagePullPolicy"]));
        }
    }
    for (index, volume) in volumes(object).iter().enumerate() {
        if let Some(image) = set(volume, "image") {
            let path = spec.child("volumes").index(index).child("image").child("pullPolicy");
            check(path, image.text_at(&["pullPolicy"]));
        }
    }
    match problems.as_slice() {
        [] => Ok(Opinion::Admitted),
        [problem] => Err(Failure::unclassified(problem.as_str())),
        [_, ..] => Err(Failure::unclassified(alloc::format!("[{}]", problems.join(", ")))),
    }
}

/// New pods, and updates that bring an image.
fn is_concerned(attributes: &AdmissionAttributes<'_>, object: &Value) -> bool {
    if !attributes.is_of("", "pods") {
        return false;
    }
    match attributes.operation {
        AdmissionOperation::Create => true,
        AdmissionOperation::Delete | AdmissionOperation::Connect => false,
        AdmissionOperation::Update => {
            let image = |container: &Value| String::from(container.text_at(&["image"]));
            let held: Vec<String> = containers(attributes.old).map(image).collect();
            containers(object).any(|container| !held.contains(&image(container)))
        }
    }
}

/// Changes each item of a list in the spec.
fn each(pod: &mut Value, of: &str, change: impl Fn(&mut Value)) {
    let Some(held) = pod.at(&["spec", of]).and_then(Value::as_list) else { return };
    let mut items = held.to_vec();
    items.iter_mut().for_each(change);
    pod.set_at(&["spec", of], Value::list(items));
}
