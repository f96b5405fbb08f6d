//! Definitions as upstream's internal type has them, which its paths and messages show: what all versions have in
//! common stands in the spec itself, and how a webhook is called stands beside it.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/conversion.go

use crate::value::Value;

/// What versions can have in common, and its name in the spec.
const SHARED: [(&str, &str); 4] = [
    ("subresources", "subresources"),
    ("schema", "validation"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

/// A definition in its internal form.
pub(super) fn hoisted(definition: &Value) -> Value {
    let mut out = definition.clone();
    let Some(spec) = out.field_mut("spec") else { return out };
    hoist_webhook(spec);
    let versions = spec.field("versions").and_then(Value::as_list).unwrap_or_default();
    let Some(first) = versions.first().cloned() else { return out };
    let same = |field: &str| versions.iter().all(|version| version.field(field) == first.field(field));
    let shared = SHARED.map(|(field, name)| (field, name, same(field)));
    spec.set("version", first.text_at(&["name"]).into());
    for (field, name, _) in shared.iter().filter(|(_, _, same)| *same) {
        if let Some(held) = first.field(field) {
            spec.set(name, held.clone());
        }
        for version in spec.field_mut("versions").and_then(Value::as_list_mut).into_iter().flatten() {
            version.remove_at(&[field]);
        }
    }
    out
}

fn hoist_webhook(spec: &mut Value) {
    let Some(conversion) = spec.field_mut("conversion") else { return };
    let Some(webhook) = conversion.remove_at(&["webhook"]) else { return };
    for (field, name) in
        [("clientConfig", "webhookClientConfig"), ("conversionReviewVersions", "conversionReviewVersions")]
    {
        if let Some(held) = webhook.field(field) {
            conversion.set(name, held.clone());
        }
    }
}
