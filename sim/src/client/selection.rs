//! The selections of watching clients, and the stored objects that belong to them.

use super::ClientContext;
use crate::client_request::{ClientRequest, RequestOptions};
use crate::directory::{Directory, Place};
use crate::truth::{StoredObject, Truth};
use std::collections::BTreeMap;
use std::sync::Arc;
use steersman_core::kinds::{FieldSource, Kind};
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value, object};

/// Group, version, plural, namespace, label and field of a possible selection. The first is the plainest.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<(&'static str, &'static str)>,
    Option<(&'static str, &'static str)>,
);

const SELECTIONS: &[Row] = &[
    ("", "v1", "configmaps", "default", None, None),
    ("", "v1", "configmaps", "default", Some(("parity", "1")), None),
    ("", "v1", "configmaps", "", None, None),
    ("", "v1", "configmaps", "", Some(("parity", "0")), None),
    ("", "v1", "configmaps", "default", None, Some(("metadata.name", "c1"))),
    ("", "v1", "configmaps", "", None, Some(("metadata.namespace", "ns-1"))),
    ("", "v1", "pods", "default", None, None),
    ("", "v1", "pods", "", None, Some(("spec.nodeName", "node-1"))),
    ("apps", "v1", "deployments", "default", None, None),
    ("", "v1", "namespaces", "", None, None),
    ("", "v1", "namespaces", "", None, Some(("status.phase", "Active"))),
    ("", "v1", "events", "default", None, None),
    ("coordination.k8s.io", "v1", "leases", "kube-system", None, None),
];

/// The list request of a selection, which is drawn.
pub(super) fn draw(context: &mut ClientContext<'_>) -> ClientRequest {
    let (group, version, plural, namespace, label, field) = context.one_of(SELECTIONS);
    let place = Place::collection(context.directory.find(group, version, plural), namespace);
    let label = label.map(|(name, value)| (name.into(), value.to_owned()));
    let field = field.map(|(name, value)| (name.into(), value.to_owned()));
    ClientRequest::list(&place, RequestOptions { label, field, ..RequestOptions::default() })
}

/// The stored objects at a revision that a list or watch selects, by namespace and name.
pub fn selected(
    truth: &Truth,
    directory: &Directory,
    ask: &ClientRequest,
    at: Rev,
) -> BTreeMap<(Text, Text), Arc<StoredObject>> {
    let Some(place) = &ask.place else { return BTreeMap::new() };
    let Some(prefix) = directory.prefix(place) else { return BTreeMap::new() };
    let resource = directory.resource(place.resource);
    let mut found = BTreeMap::new();
    for stored in truth.under(&prefix, at) {
        if matches(ask, resource, &stored.object) {
            let key = (object::namespace(&stored.object).into(), object::name(&stored.object).into());
            found.insert(key, stored.clone());
        }
    }
    found
}

/// Whether a request's label and field selectors match an object in its stored form.
pub fn matches(ask: &ClientRequest, resource: &Kind, object: &Value) -> bool {
    let label = ask.options.label.as_ref();
    let field = ask.options.field.as_ref();
    label.is_none_or(|(name, value)| object::label(object, name) == Some(value))
        && field.is_none_or(|(name, value)| field_text(resource, object, name) == *value)
}

/// The value of a field that field selectors may name.
fn field_text(resource: &Kind, object: &Value, name: &str) -> String {
    let at = |path: &[Text]| match object.at(&path.iter().map(Text::as_str).collect::<Vec<_>>()) {
        Some(Value::Str(text)) => text.to_string(),
        Some(Value::Int(number)) => number.to_string(),
        Some(Value::Bool(held)) => held.to_string(),
        Some(Value::Null | Value::Float(_) | Value::Json(_) | Value::List(_) | Value::Map(_)) | None => {
            String::new()
        }
    };
    let or = |text: String, other: &dyn Fn() -> String| if text.is_empty() { other() } else { text };
    match name {
        "metadata.name" => object::name(object).to_owned(),
        "metadata.namespace" => object::namespace(object).to_owned(),
        _ => match resource.fields.iter().find(|field| field.name == name).map(|field| &field.source) {
            Some(FieldSource::Path(path, absent)) => or(at(path), &|| absent.to_string()),
            Some(FieldSource::Either(first, second)) => or(at(first), &|| at(second)),
            None => String::new(),
        },
    }
}
