//! CertificateSigningRequests.
//! k8s: pkg/registry/certificates/certificates/strategy.go

use super::fill::is_unset;
use super::status;
use crate::caller::Caller;
use crate::kinds::Rules;
use crate::now::Wall;
use crate::status::{Causes, Path};
use crate::value::{Map, Text, Value, names};
use alloc::format;

pub static RULES: Rules = Rules {
    name: names::any,
    sign: Some(sign),
    prepare_update,
    prepare_status,
    prepare_window: prepare_approval,
    validate_window,
    ..status::SPLIT
};

/// Who asks is what the server knows, whatever the request says of it.
fn sign(object: &mut Value, caller: &Caller) {
    for field in ["extra", "groups", "uid", "username"] {
        object.remove_at(&["spec", field]);
    }
    for (field, text) in [("uid", &caller.uid), ("username", &caller.name)] {
        if !text.is_empty() {
            object.set_at(&["spec", field], Value::Str(text.clone()));
        }
    }
    let texts = |texts: &[Text]| Value::list(texts.iter().cloned().map(Value::Str).collect());
    if !caller.groups.is_empty() {
        object.set_at(&["spec", "groups"], texts(&caller.groups));
    }
    if !caller.extra.is_empty() {
        let mut extra = Map::new();
        for (key, values) in &caller.extra {
            extra.insert(key.clone(), texts(values));
        }
        object.set_at(&["spec", "extra"], extra.into());
    }
}

/// What is asked for never changes.
fn prepare_update(object: &mut Value, old: &Value) {
    status::keep(object, old);
    object.take(old, &["spec"]);
}

/// A writer of the status issues the certificate; whether it may be issued is for the approval to say.
fn prepare_status(object: &mut Value, old: &Value, now: Wall) {
    for kind in ["Approved", "Denied"] {
        let held: alloc::vec::Vec<&Value> = conditions(old).iter().filter(|held| is_of(held, kind)).collect();
        if conditions(object).iter().filter(|new| is_of(new, kind)).count() != held.len() {
            continue;
        }
        let held = held.into_iter();
        let new = object.field_mut("status").and_then(|status| status.field_mut("conditions"));
        let new = new.and_then(Value::as_list_mut).into_iter().flatten();
        for (new, held) in new.filter(|new| is_of(new, kind)).zip(held) {
            *new = held.clone();
        }
    }
    date_conditions(object, old, now);
}

/// An approval changes the conditions alone, and metadata.
fn prepare_approval(_sub: &str, object: &mut Value, old: &Value, now: Wall) {
    date_conditions(object, old, now);
    let mut out = old.clone();
    out.take(object, &["metadata"]);
    out.take(object, &["status", "conditions"]);
    *object = out;
}

/// Decisions are never taken back, and made by the approval alone; a certificate never changes.
/// k8s: pkg/apis/certificates/validation/validation.go
fn validate_window(sub: &str, object: &Value, old: &Value, causes: &mut Causes) {
    let path = Path::new("status").child("conditions");
    let count =
        |object: &Value, kind: &str| conditions(object).iter().filter(|held| is_of(held, kind)).count();
    for kind in ["Approved", "Denied", "Failed"] {
        if count(object, kind) < count(old, kind) {
            causes.forbidden(&path, &format!("updates may not remove a condition of type \"{kind}\""));
        }
    }
    if sub == "approval" {
        return;
    }
    for kind in ["Approved", "Denied"] {
        if count(object, kind) > count(old, kind) {
            causes.forbidden(&path, &format!("updates may not add a condition of type \"{kind}\""));
        }
    }
    const CERTIFICATE: &[&str] = &["status", "certificate"];
    if !old.text_at(CERTIFICATE).is_empty() && object.text_at(CERTIFICATE) != old.text_at(CERTIFICATE) {
        let path = Path::new("status").child("certificate");
        causes.forbidden(&path, "updates may not modify existing certificate content");
    }
}

fn conditions(object: &Value) -> &[Value] {
    object.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default()
}

fn is_of(condition: &Value, kind: &str) -> bool {
    condition.text_at(&["type"]) == kind
}

/// Conditions without times get them; one that was there with the same status keeps the time of its transition.
fn date_conditions(object: &mut Value, old: &Value, now: Wall) {
    let now = Value::from(now.rfc3339());
    let new = object.field_mut("status").and_then(|status| status.field_mut("conditions"));
    for condition in new.and_then(Value::as_list_mut).into_iter().flatten() {
        if is_unset(condition, "lastUpdateTime") {
            condition.set("lastUpdateTime", now.clone());
        }
        if is_unset(condition, "lastTransitionTime") {
            let same = |held: &&Value| {
                let fields = ["type", "status"];
                fields.iter().all(|field| held.field(field) == condition.field(field))
                    && !is_unset(held, "lastTransitionTime")
            };
            let held = conditions(old).iter().find(same);
            let time = held.and_then(|held| held.field("lastTransitionTime")).unwrap_or(&now).clone();
            condition.set("lastTransitionTime", time);
        }
    }
}
