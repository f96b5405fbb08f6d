//! metav1.Status as a response.

use super::Response;
use super::form::Form;
use crate::codec::json;
use crate::kinds::Registry;
use crate::schema::encode;
use crate::status::{Details, Failure};
use crate::value::{Map, Value};
use crate::wire::Request;
use alloc::string::ToString;
use alloc::vec::Vec;

/// The answer to a request that failed.
pub fn failure(registry: &Registry, request: &Request, failure: &Failure) -> Response {
    let form = Form::for_error(request);
    let response = status(registry, form, failure.code(), &failure.to_value());
    match failure.retry_after_seconds() {
        seconds @ 1.. => response.with_header("retry-after", seconds.to_string()),
        _ => response,
    }
}

/// The answer to a deletion that is complete.
pub(crate) fn deleted(registry: &Registry, form: Form, details: &Details) -> Response {
    let mut value = success();
    value.insert("details", details.to_value());
    status(registry, form, 200, &value.into())
}

/// The answer to a POST that was carried out and has made no object.
pub(crate) fn created(registry: &Registry, form: Form) -> Response {
    let mut value = success();
    value.insert("code", Value::Int(201));
    status(registry, form, 201, &value.into())
}

fn success() -> Map {
    let mut value = Map::new();
    value.insert("kind", "Status".into());
    value.insert("apiVersion", "v1".into());
    value.insert("metadata", Value::empty_map());
    value.insert("status", "Success".into());
    value
}

fn status(registry: &Registry, form: Form, code: u16, value: &Value) -> Response {
    let catalogue = &registry.catalogue;
    let bytes = form.encode(value, || {
        let mut out = Vec::new();
        match catalogue.type_named("meta.v1.Status") {
            Some(id) => encode::to_json(catalogue, id, value, &mut out),
            None => json::write(value, &mut out),
        }
        out
    });
    Response::new(code, form.content_type(), bytes)
}

/// The response to a request for which no seat is free.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/filters/maxinflight.go tooManyRequests
pub(crate) fn too_many_requests() -> Response {
    Response::text(429, "Too many requests, please try again later.\n")
        .with_header("x-content-type-options", "nosniff")
        .with_header("retry-after", "1")
}
