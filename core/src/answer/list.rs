//! A list as a response: streamed from the cache's bytes if the form allows it, otherwise built as a tree.

use super::View;
use super::form::{Media, Representation, pretty};
use super::table;
use super::{Body, Response};
use super::{Items, ListBody};
use crate::codec::json;
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

/// The response with these items.
pub(crate) fn list(view: &View<'_>, meta: &ListMeta, items: Items) -> Response {
    let content_type = view.form.content_type();
    if view.is_stored_form() && view.form.media == Media::Json {
        let mut body = ListBody::new(head(view, meta), items, Bytes::from_static(b"]}\n"));
        if !view.form.pretty {
            let headers = alloc::vec![("content-type".into(), content_type.into())];
            return Response { status: 200, headers, body: Body::List(body) };
        }
        let mut whole = Vec::new();
        while let Some(chunk) = body.next_chunk() {
            whole.extend_from_slice(&chunk);
        }
        return Response::new(200, content_type, pretty(&whole));
    }
    let objects: Vec<Value> = items.map(|entry: Arc<Entry>| entry.to_value()).collect();
    let value = match view.form.representation {
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
    };
    let bytes = view.form.encode(&value, || list_json(view, &value));
    Response::new(200, content_type, bytes)
}

/// `{"kind":"PodList","apiVersion":"v1","metadata":{...},"items":[`
fn head(view: &View<'_>, meta: &ListMeta) -> Bytes {
    let mut out = Vec::with_capacity(160 + meta.next.len());
    out.extend_from_slice(b"{\"kind\":\"");
    out.extend_from_slice(view.resource.kind.as_bytes());
    out.extend_from_slice(b"List\",\"apiVersion\":\"");
    out.extend_from_slice(view.resource.group_version().as_bytes());
    out.extend_from_slice(b"\",\"metadata\":{\"resourceVersion\":\"");
    json::write_int(meta.revision.0 as i64, &mut out);
    out.push(b'"');
    if !meta.next.is_empty() {
        out.extend_from_slice(b",\"continue\":");
        json::write_str(&meta.next, &mut out);
    }
    if let Some(remaining) = meta.remaining {
        out.extend_from_slice(b",\"remainingItemCount\":");
        json::write_int(remaining as i64, &mut out);
    }
    out.extend_from_slice(b"},\"items\":[");
    Bytes::from(out)
}

/// A typed list as a tree; its items have no kind and no apiVersion.
fn full_list(view: &View<'_>, meta: &ListMeta, objects: Vec<Value>) -> Value {
    let bare = objects.into_iter().map(|object| {
        let mut object = view.converted(object);
        object.remove_at(&["kind"]);
        object.remove_at(&["apiVersion"]);
        object
    });
    let mut list = Map::new();
    list.insert("items", Value::list(bare.collect()));
    list.insert("kind", alloc::format!("{}List", view.resource.kind).into());
    list.insert("apiVersion", view.resource.group_version().into());
    list.insert("metadata", meta_value(meta));
    list.into()
}

fn meta_value(meta: &ListMeta) -> Value {
    let mut out = Map::new();
    out.insert("resourceVersion", meta.revision.0.to_string().into());
    if !meta.next.is_empty() {
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

fn list_json(view: &View<'_>, value: &Value) -> Vec<u8> {
    let catalogue = &view.resource.catalogue;
    let list_type = alloc::format!("{}List", view.resource.type_name);
    let mut out = Vec::new();
    match (view.form.representation, catalogue.type_named(&list_type)) {
        (Representation::Full, Some(id)) => crate::schema::encode::to_json(catalogue, id, value, &mut out),
        (Representation::Full, None)
        | (Representation::Table(_) | Representation::Metadata(_) | Representation::MetadataList(_), _) => {
            json::write(value, &mut out);
        }
    }
    out
}
