//! AdmissionReview, as admission webhooks are sent it.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go

use crate::admission::matching::kind_of;
use crate::admission::{AdmissionAttributes, AdmissionOperation, OperationOptions};
use crate::codec::json;
use crate::config::ReviewVersion;
use crate::kinds::Kind;
use crate::value::{Map, Value, object};
use crate::wire::options::Propagation;
use alloc::format;
use alloc::vec::Vec;

pub(super) const KIND: &str = "AdmissionReview";
pub(super) const GROUP: &str = "admission.k8s.io";

/// What is sent: the review of a write with its objects in the version of `resource`.
pub(super) fn body(
    version: ReviewVersion,
    uid: &str,
    attributes: &AdmissionAttributes<'_>,
    resource: &Kind,
    [object, old]: [Value; 2],
) -> Vec<u8> {
    let mut review = Map::new();
    review.insert("kind", KIND.into());
    review.insert("apiVersion", format!("{GROUP}/{}", version.word()).as_str().into());
    review.insert("request", Value::map(request(uid, attributes, resource, &object, Some(&old))));
    json::to_vec(&Value::map(review))
}

/// The AdmissionRequest. Without the old object it has no objects at all, as expressions see it.
pub(crate) fn request(
    uid: &str,
    attributes: &AdmissionAttributes<'_>,
    resource: &Kind,
    object: &Value,
    old: Option<&Value>,
) -> Map {
    let mut request = Map::new();
    let text = |request: &mut Map, name: &'static str, text: &str| {
        if !text.is_empty() {
            request.insert(name, text.into());
        }
    };
    let kind = |resource: &Kind| {
        let (group, version, kind) = kind_of(resource, attributes.subresource);
        named(group, version, ("kind", kind))
    };
    let plural = |resource: &Kind| named(&resource.group, &resource.version, ("resource", &resource.plural));
    if old.is_some() {
        request.insert("uid", uid.into());
    }
    request.insert("kind", kind(resource));
    request.insert("resource", plural(resource));
    text(&mut request, "subResource", attributes.subresource);
    request.insert("requestKind", kind(attributes.resource));
    request.insert("requestResource", plural(attributes.resource));
    text(&mut request, "requestSubResource", attributes.subresource);
    text(&mut request, "name", name_of(attributes, object));
    text(&mut request, "namespace", attributes.namespace_of_request());
    request.insert("operation", attributes.operation.word().into());
    request.insert("userInfo", attributes.caller.to_value());
    if let Some(old) = old {
        request.insert("object", object.clone());
        request.insert("oldObject", old.clone());
    }
    request.insert("dryRun", Value::Bool(attributes.dry_run));
    request.insert("options", options(attributes));
    request
}

/// What match conditions are told of a request: they see the resource as it was asked for in the kind that was matched.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go Match
pub(crate) fn request_of_conditions(mut request: Map) -> Value {
    if let Some(resource) = request.get("requestResource").cloned() {
        request.insert("resource", resource);
    }
    Value::map(request)
}

/// The name of the object, which a new one may have only in itself.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/rest/create.go AdmissionToValidateObjectFunc
pub(super) fn name_of<'a>(attributes: &AdmissionAttributes<'a>, object: &'a Value) -> &'a str {
    if attributes.name.is_empty() { object::name(object) } else { attributes.name }
}

fn named(group: &str, version: &str, (name, value): (&'static str, &str)) -> Value {
    let mut out = Map::new();
    out.insert("group", group.into());
    out.insert("version", version.into());
    out.insert(name, value.into());
    Value::map(out)
}

/// The options of the request, as an object.
fn options(attributes: &AdmissionAttributes<'_>) -> Value {
    let kind = match attributes.operation {
        AdmissionOperation::Create => "CreateOptions",
        AdmissionOperation::Update => "UpdateOptions",
        AdmissionOperation::Delete => "DeleteOptions",
        AdmissionOperation::Connect => return Value::Null,
    };
    let mut options = Map::new();
    options.insert("kind", kind.into());
    options.insert("apiVersion", "meta.k8s.io/v1".into());
    let all = || Value::list(alloc::vec!["All".into()]);
    match attributes.options {
        OperationOptions::Write(query) => {
            let dry_run: Vec<Value> = query.all("dryRun").map(Value::from).collect();
            if !dry_run.is_empty() {
                options.insert("dryRun", Value::list(dry_run));
            }
            for name in ["fieldManager", "fieldValidation"] {
                if !query.text(name).is_empty() {
                    options.insert(name, query.text(name).into());
                }
            }
        }
        OperationOptions::None => {}
        OperationOptions::Delete(deletion) => {
            if let Some(seconds) = deletion.grace_period_seconds {
                options.insert("gracePeriodSeconds", Value::Int(seconds));
            }
            let wanted = [
                ("uid", &deletion.precondition_uid),
                ("resourceVersion", &deletion.precondition_resource_version),
            ];
            let mut preconditions = Map::new();
            for (name, wanted) in wanted {
                if let Some(wanted) = wanted {
                    preconditions.insert(name, Value::Str(wanted.clone()));
                }
            }
            if !preconditions.is_empty() {
                options.insert("preconditions", Value::map(preconditions));
            }
            if let Some(orphans) = deletion.orphan_dependents {
                options.insert("orphanDependents", Value::Bool(orphans));
            }
            if let Some(policy) = deletion.propagation_policy {
                let word = match policy {
                    Propagation::Foreground => "Foreground",
                    Propagation::Background => "Background",
                    Propagation::Orphan => "Orphan",
                };
                options.insert("propagationPolicy", word.into());
            }
            if deletion.dry_run {
                options.insert("dryRun", all());
            }
        }
    }
    Value::map(options)
}
