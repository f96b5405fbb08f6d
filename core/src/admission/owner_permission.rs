//! OwnerReferencesPermissionEnforcement: who gives an object an owner must be allowed to delete the object, and who
//! makes it block the owner's deletion must be allowed to do so to the owner.
//! k8s: plugin/pkg/admission/gc/gc_admission.go

use super::chain::{AdmissionPlugin, Opinion, Said};
use super::{AdmissionAttributes, AdmissionOperation};
use crate::authorization::AttributesRecord;
use crate::kinds::Kind;
use crate::limits;
use crate::question::{Reply, Ruling};
use crate::status::Failure;
use crate::store::failure;
use crate::value::Value;
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) const PLUGIN: AdmissionPlugin = AdmissionPlugin { validate, ..AdmissionPlugin::IDLE };

fn owners(object: &Value) -> &[Value] {
    object.at(&["metadata", "ownerReferences"]).and_then(Value::as_list).unwrap_or_default()
}

fn blocks(owner: &Value) -> bool {
    owner.field("blockOwnerDeletion").and_then(Value::as_bool) == Some(true)
}

fn validate(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    object: &Value,
    found: Option<Reply>,
    _said: &mut Said,
) -> Result<Opinion, Failure> {
    let is_of = |plural: &str, sub: &str| {
        attributes.resource.group.is_empty()
            && attributes.resource.plural == plural
            && attributes.subresource == sub
    };
    // The strategy of a pod's status keeps its owners anyway.
    let is_passed = attributes.operation == AdmissionOperation::Delete || is_of("pods", "status");
    if is_passed || owners(object) == owners(attributes.old) {
        return Ok(Opinion::Admitted);
    }
    let asked = Questions::of(world, attributes, object);
    if asked.owners.len() > limits::OWNERS_ASKED_ABOUT {
        return Err(attributes.forbidden(object, "too many ownerReferences with blockOwnerDeletion"));
    }
    match found {
        None if asked.is_empty() => Ok(Opinion::Admitted),
        None => Ok(Opinion::Asks(asked.into_records())),
        Some(Reply::Ruled(rulings)) => match asked.refusal(&rulings) {
            Some(why) => Err(attributes.forbidden(object, &why)),
            None => Ok(Opinion::Admitted),
        },
        Some(_) => Err(failure::misfit()),
    }
}

/// What has to be allowed. The authorizers are asked all of it at once, in this order.
struct Questions {
    /// An object that exists is given another owner.
    deletion: Option<AttributesRecord>,
    /// To set finalizers on anything.
    anything: Option<AttributesRecord>,
    /// To set finalizers on the owners whose deletion will be blocked; or that an owner's kind is not served.
    owners: Vec<Result<AttributesRecord, String>>,
}

impl Questions {
    fn of(world: &World, attributes: &AdmissionAttributes<'_>, object: &Value) -> Self {
        let AdmissionAttributes { resource, caller, .. } = attributes;
        let deletion = (attributes.operation != AdmissionOperation::Create).then(|| AttributesRecord {
            version: resource.version.as_str().into(),
            subresource: attributes.subresource.into(),
            namespace: attributes.namespace.into(),
            name: attributes.name.into(),
            ..AttributesRecord::of_resource(caller, "delete", &resource.group, &resource.plural)
        });
        let uid = |owner: &Value| String::from(owner.text_at(&["uid"]));
        let blocking: Vec<String> =
            owners(attributes.old).iter().filter(|owner| blocks(owner)).map(uid).collect();
        let newly = owners(object).iter().filter(|owner| blocks(owner) && !blocking.contains(&uid(owner)));
        let newly: Vec<&Value> = newly.collect();
        let anything = (!newly.is_empty()).then(|| AttributesRecord {
            subresource: "finalizers".into(),
            name: "*".into(),
            ..AttributesRecord::of_resource(caller, "update", "*", "*")
        });
        let owners = newly.into_iter().flat_map(|owner| finalizers(world, attributes, owner)).collect();
        Self { deletion, anything, owners }
    }

    fn is_empty(&self) -> bool {
        self.deletion.is_none() && self.anything.is_none()
    }

    fn into_records(self) -> Vec<AttributesRecord> {
        let owners = self.owners.into_iter().filter_map(Result::ok);
        self.deletion.into_iter().chain(self.anything).chain(owners).collect()
    }

    /// Why the write is refused, by the answers to the questions.
    fn refusal(&self, rulings: &[Ruling]) -> Option<String> {
        let mut rulings = rulings.iter();
        let told = |ruling: &Ruling| {
            let error = if ruling.error.is_empty() { "<nil>" } else { &ruling.error };
            format!("{}, {error}", ruling.reason)
        };
        if self.deletion.is_some() {
            let ruling = rulings.next()?;
            if !ruling.is_allowed {
                return Some(format!(
                    "cannot set an ownerRef on a resource you can't delete: {}",
                    told(ruling)
                ));
            }
        }
        if self.anything.is_some() && rulings.next()?.is_allowed {
            return None;
        }
        for owner in &self.owners {
            match owner {
                Err(why) => return Some(why.clone()),
                Ok(_) => {
                    let ruling = rulings.next()?;
                    if !ruling.is_allowed {
                        let what = "cannot set blockOwnerDeletion if an ownerReference refers to a resource you \
                                    can't set finalizers on";
                        return Some(format!("{what}: {}", told(ruling)));
                    }
                }
            }
        }
        None
    }
}

/// The questions about one owner: one for each resource of its kind.
fn finalizers(
    world: &World,
    attributes: &AdmissionAttributes<'_>,
    owner: &Value,
) -> Vec<Result<AttributesRecord, String>> {
    let (api_version, kind) = (owner.text_at(&["apiVersion"]), owner.text_at(&["kind"]));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let found: Vec<&alloc::sync::Arc<Kind>> = world.registry.of_kind(group, version, kind).collect();
    if found.is_empty() {
        return alloc::vec![Err(format!(
            "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion \
             {api_version} Kind {kind}: no matches for kind {} in version {}",
            crate::value::quoted(kind),
            crate::value::quoted(api_version)
        ))];
    }
    let record = |row: &alloc::sync::Arc<Kind>| AttributesRecord {
        version: row.version.as_str().into(),
        subresource: "finalizers".into(),
        namespace: if row.namespaced() { attributes.namespace.into() } else { "".into() },
        name: owner.text_at(&["name"]).into(),
        ..AttributesRecord::of_resource(attributes.caller, "update", &row.group, &row.plural)
    };
    found.into_iter().map(|row| Ok(record(row))).collect()
}
