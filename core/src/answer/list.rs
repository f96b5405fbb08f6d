//! A list as a response: streamed from the cache's bytes if the form allows it, otherwise built as a tree.

use super::View;
use super::form::{Media, Representation, pretty};
use super::table;
use super::{Body, Response};
use super::{Items, ListBody};
use crate::store::Rev;
use crate::value::{Map, Text, Value};
use crate::world::cache::Entry;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// metav1.ListMeta.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListMeta {
    pub(crate) revision: Rev,
    /// Empty on the last page.
    pub(crate) next: Text,
    /// Items after this page, where that is known.
    pub(crate) remaining: Option<u64>,
}

/// The response with these items. JSON is written item by item while it is sent. YAML is made as a tree, and so is a
/// Table whose rows stand in another order than the list.
pub(crate) fn list(view: &View<'_>, meta: &ListMeta, items: Items) -> Response {
    let content_type = view.form.content_type();
    let is_reordered = matches!(view.form.representation, Representation::Table(_))
        && view.resource.columns.order().is_some();
    if view.form.media != Media::Json || is_reordered {
        let objects: Vec<Value> = items.map(|entry: Arc<Entry>| entry.to_value()).collect();
        let value = tree(view, meta, objects);
        let bytes = view.form.encode(&value, || {
            let mut out = Vec::new();
            table::write(view.resource, &value, &mut out);
            out
        });
        return Response::new(200, content_type, bytes);
    }
    let is_null = items.is_empty() && matches!(view.form.representation, Representation::MetadataList(_));
    // Upstream has null in place of the items of an empty list of metadata.
    let (start, tail) = if is_null { ("null", "}\n") } else { ("[", "]}\n") };
    let mut head = head(view, meta);
    head.extend_from_slice(start.as_bytes());
    let mut body = ListBody::new(view.renderer(), head.into(), items, Bytes::from_static(tail.as_bytes()));
    if !view.form.pretty {
        let headers = alloc::vec![("content-type".into(), content_type.into())];
        return Response { status: 200, headers, body: Body::List(body) };
    }
    let mut whole = Vec::new();
    while let Some(chunk) = body.next_chunk() {
        whole.extend_from_slice(&chunk);
    }
    Response::new(200, content_type, pretty(&whole))
}

/// The response with these objects, which are not stored, so that the list has no resource version.
pub(crate) fn list_of(view: &View<'_>, objects: Vec<Value>) -> Response {
    let mut value = tree(view, &ListMeta::default(), objects);
    value.remove_at(&["metadata", "resourceVersion"]);
    let bytes = view.form.encode(&value, || {
        let mut out = Vec::new();
        table::write(view.resource, &value, &mut out);
        out
    });
    Response::new(200, view.form.content_type(), bytes)
}

/// A list as a tree.
fn tree(view: &View<'_>, meta: &ListMeta, objects: Vec<Value>) -> Value {
    match view.form.representation {
        Representation::Full => full_list(view, meta, objects),
        Representation::Table(version) => view.with_rows_converted(table::table(
            &view.resource.columns,
            &objects,
            view.include,
            version,
            &table_meta(meta),
            true,
            view.now,
        )),
        Representation::Metadata(version) | Representation::MetadataList(version) => {
            table::partial_metadata_list(&objects, version, &table_meta(meta))
        }
    }
}

/// `{"kind":"PodList","apiVersion":"v1","metadata":{...},"items":`, or the same of a list in another shape.
fn head(view: &View<'_>, meta: &ListMeta) -> Vec<u8> {
    let mut out = Vec::with_capacity(160 + meta.next.len());
    let meta = table_meta(meta);
    let group_version = view.resource.group_version();
    let (kind, api_version) = match view.form.representation {
        Representation::Full => (view.resource.list_kind.as_str(), group_version.as_str()),
        Representation::Metadata(version) | Representation::MetadataList(version) => {
            ("PartialObjectMetadataList", version.api_version())
        }
        Representation::Table(version) => {
            table::write_head(&view.resource.columns, version, &meta, true, &mut out);
            return out;
        }
    };
    for part in ["{\"kind\":\"", kind, "\",\"apiVersion\":\"", api_version, "\",\"metadata\":"] {
        out.extend_from_slice(part.as_bytes());
    }
    let says_continue = view.form.representation == Representation::Full && view.resource.is_custom();
    table::write_list_meta(&meta, says_continue, &mut out);
    out.extend_from_slice(b",\"items\":");
    out
}

/// A list as a tree. The items of a typed one have no kind and no apiVersion.
fn full_list(view: &View<'_>, meta: &ListMeta, objects: Vec<Value>) -> Value {
    let bare = objects.into_iter().map(|object| {
        let mut object = view.converted(object);
        if !view.resource.is_custom() {
            object.remove_at(&["kind"]);
            object.remove_at(&["apiVersion"]);
        }
        object
    });
    let mut list = Map::new();
    list.insert("items", Value::list(bare.collect()));
    list.insert("kind", view.resource.list_kind.as_str().into());
    list.insert("apiVersion", view.resource.group_version().into());
    list.insert("metadata", meta_value(meta, view.resource.is_custom()));
    list.into()
}

/// Lists of custom objects say even that they are complete.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/unstructured_list.go SetContinue
fn meta_value(meta: &ListMeta, says_continue: bool) -> Value {
    let mut out = Map::new();
    out.insert("resourceVersion", meta.revision.0.to_string().into());
    if says_continue || !meta.next.is_empty() {
        out.insert("continue", Value::Str(meta.next.clone()));
    }
    if let Some(remaining) = meta.remaining {
        out.insert("remainingItemCount", Value::Int(remaining as i64));
    }
    out.into()
}

fn table_meta(meta: &ListMeta) -> table::TableMeta {
    table::TableMeta {
        resource_version: meta.revision.0.to_string().into(),
        next: meta.next.clone(),
        remaining: meta.remaining.map(|count| count as i64),
    }
}
