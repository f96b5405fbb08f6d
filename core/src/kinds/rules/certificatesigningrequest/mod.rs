//! CertificateSigningRequests.
//! k8s: pkg/registry/certificates/certificates/strategy.go

mod subject;
mod validation;

use super::fill::is_unset;
use super::status;
use crate::kinds::{Facts, ResetFields, Rules, Strategy};
use crate::now::Wall;
use crate::value::{Value, names};
use alloc::vec::Vec;

pub(crate) use subject::RequestedSubject;

pub static RULES: Rules = Rules {
    name: names::any,
    prepare_for_create,
    validate: validation::validate,
    update: Strategy {
        prepare_for_update,
        validate_update: validation::validate_update,
        reset_fields: ResetFields::Only(&[&["spec"], &["status"]]),
        ..Strategy::PLAIN
    },
    subresources: &[("approval", APPROVAL), ("status", STATUS)],
    ..Rules::PLAIN
};

/// A decision changes the conditions alone, and metadata.
const APPROVAL: Strategy = Strategy {
    prepare_for_update: prepare_for_approval,
    validate_update: validation::validate_approval,
    reset_fields: ResetFields::Only(&[&["spec"], &["status", "certificate"]]),
    ..Strategy::PLAIN
};

const STATUS: Strategy = Strategy {
    prepare_for_update: prepare_for_status,
    validate_update: validation::validate_status,
    reset_fields: ResetFields::Only(&[&["spec"], &["status", "conditions"]]),
    ..Strategy::PLAIN
};

/// Who asks is what the server knows, whatever the request says of it.
fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    for field in ["extra", "groups", "uid", "username"] {
        object.remove_at(&["spec", field]);
    }
    let caller = facts.caller;
    for (field, text) in [("uid", &caller.uid), ("username", &caller.name)] {
        if !text.is_empty() {
            object.set_at(&["spec", field], text.clone().into());
        }
    }
    if !caller.groups.is_empty() {
        object.set_at(&["spec", "groups"], Value::texts(&caller.groups));
    }
    if !caller.extra.is_empty() {
        object.set_at(&["spec", "extra"], caller.extra_value());
    }
    status::drop_status(object, facts);
}

/// What is asked for never changes.
fn prepare_for_update(object: &mut Value, facts: &Facts<'_>) {
    status::keep_status(object, facts);
    object.take(facts.old, &["spec"]);
}

/// A writer of the status issues the certificate; whether it may be issued is for the approval to say.
fn prepare_for_status(object: &mut Value, facts: &Facts<'_>) {
    let old = facts.old;
    status::take_status(object, old, &[]);
    for kind in ["Approved", "Denied"] {
        let held: Vec<&Value> = conditions(old).iter().filter(|held| is_of(held, kind)).collect();
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
    date_conditions(object, old, facts.now);
}

fn prepare_for_approval(object: &mut Value, facts: &Facts<'_>) {
    date_conditions(object, facts.old, facts.now);
    let mut out = facts.old.clone();
    out.take(object, &["metadata"]);
    out.take(object, &["status", "conditions"]);
    *object = out;
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
