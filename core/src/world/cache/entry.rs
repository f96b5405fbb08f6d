//! One stored object: its encoded bytes, which are shared with the store, and the few fields that lists and watches
//! select by.

use super::LabelMark;
use super::forms::{FormKey, FormRoom, FormText, Forms};
use super::kept_tree::KeptTree;
use crate::codec::json::{self, RawPaths};
use crate::codec::partial::{self, Scan};
use crate::codec::proto;
use crate::kinds::{FieldSource, Kind, KindId};
use crate::schema::{decode, encode, protobuf};
use crate::status::ENCRYPTED;
use crate::store::{KeyValue, Rev};
use crate::value::{Map, Text, Value, object};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// The prefix of values that were written by a server with encryption at rest.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/value/encrypt/identity/identity.go
const ENCRYPTED_PREFIX: &[u8] = b"k8s:enc:";

/// A stored object. The bytes hold no resource version; it is spliced in when they are sent, so that
/// one buffer serves the store, the cache and every reader.
#[derive(Clone, Debug)]
pub struct Entry {
    key: Bytes,
    /// The kind in whose version the bytes are: for nearly all objects the one whose version is stored.
    version: KindId,
    /// Where the identity starts in the key: at the namespace, or at the name of a cluster-scoped object.
    identity_at: u32,
    value: Bytes,
    /// The bytes in the store, if they are another object than `value` (`Entry::is_mended`).
    mended: Option<Box<Bytes>>,
    revision: Rev,
    content_at: u32,
    /// The bytes of `metadata` with its braces.
    metadata: (u32, u32),
    version_at: u32,
    version_last: bool,
    namespaced: bool,
    labels: Box<[(Text, Text)]>,
    fields: Box<[Text]>,
    /// The paths of fields that hold raw JSON; only few kinds have any.
    raws: Option<Arc<RawPaths>>,
    forms: Forms,
    tree: KeptTree,
}

/// Why stored bytes are not an object of the collection's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecodable(pub String);

impl Entry {
    /// Reads the indexed fields from stored bytes. Bytes that another server wrote in another field order, or as
    /// protobuf, are encoded again in this server's order; a custom object is mended. `prefix_len` is the length of the
    /// collection's key prefix with its last slash.
    pub fn decode(resource: &Kind, prefix_len: usize, kv: KeyValue) -> Result<Self, Undecodable> {
        let paths = resource.field_paths();
        let stored = kv.value.clone();
        let scan = partial::scan(&stored, paths);
        let read = match scan.is_none() || !is_ours(resource, &stored) {
            true => Some(canonical(resource, &stored)?),
            false => Canonical::mended(resource, &stored)?,
        };
        let Some(read) = read else { return Self::scanned(resource, resource.id, prefix_len, kv, scan) };
        let scan = partial::scan(&read.value, paths);
        let kv = KeyValue { value: read.value, ..kv };
        let mut entry = Self::scanned(resource, read.version, prefix_len, kv, scan)?;
        entry.mended = read.is_mended.then(|| Box::new(stored));
        Ok(entry)
    }

    /// An object of the store in the version of a kind, as it was converted: encoded in this server's order. Nothing is
    /// filled in.
    pub fn converted(resource: &Kind, prefix_len: usize, kv: KeyValue) -> Result<Self, Undecodable> {
        let scan = partial::scan(&kv.value, resource.field_paths());
        Self::scanned(resource, resource.id, prefix_len, kv, scan)
    }

    fn scanned(
        resource: &Kind,
        version: KindId,
        prefix_len: usize,
        kv: KeyValue,
        scan: Option<Scan>,
    ) -> Result<Self, Undecodable> {
        let value = kv.value;
        let scan = scan.ok_or_else(|| Undecodable("no metadata".to_string()))?;
        // Everything that is sent of the object is cut at these places.
        let places = [scan.content_at, scan.metadata_at, scan.version_at, value.len()];
        assert!(places.is_sorted(), "the type, then metadata, then the place of the version: {places:?}");
        Ok(Self {
            fields: field_texts(resource, &scan.values),
            key: kv.key,
            version,
            identity_at: prefix_len as u32,
            revision: kv.mod_revision,
            content_at: scan.content_at as u32,
            metadata: (scan.metadata_at as u32 - 1, scan.metadata_end as u32),
            version_at: scan.version_at as u32,
            version_last: scan.version_last,
            namespaced: resource.namespaced(),
            labels: scan.labels.into_boxed_slice(),
            raws: resource.raws.clone(),
            forms: Forms::default(),
            tree: KeptTree::default(),
            mended: None,
            value,
        })
    }

    /// The kind in whose version the bytes are. It differs from the one whose version is stored while another version
    /// was stored before and a webhook converts.
    pub fn version(&self) -> KindId {
        self.version
    }

    pub fn key(&self) -> &Bytes {
        &self.key
    }

    pub fn revision(&self) -> Rev {
        self.revision
    }

    /// The object without a resource version, as it is read from the store.
    pub fn value(&self) -> &Bytes {
        &self.value
    }

    /// Whether the object is another one than the bytes in the store say: a custom one has the defaults and the version
    /// that its definition has now, and nothing that is no longer in its schema. To write it changes the store, even if
    /// the write changes nothing of what is read.
    pub fn is_mended(&self) -> bool {
        self.mended.is_some()
    }

    /// The bytes in the store that the object was read from, unless only their encoding was another one.
    pub fn stored(&self) -> &Bytes {
        self.mended.as_deref().unwrap_or(&self.value)
    }

    /// Empty for a cluster-scoped object.
    pub fn namespace(&self) -> &str {
        if self.namespaced {
            self.identity().split_once('/').map_or("", |(namespace, _)| namespace)
        } else {
            ""
        }
    }

    pub fn name(&self) -> &str {
        if self.namespaced {
            self.identity().split_once('/').map_or("", |(_, name)| name)
        } else {
            self.identity()
        }
    }

    /// `namespace/name`, or the name of a cluster-scoped object.
    pub fn identity(&self) -> &str {
        core::str::from_utf8(self.key.get(self.identity_at as usize..).unwrap_or_default())
            .unwrap_or_default()
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        let index = self.labels.binary_search_by(|(held, _)| held.as_str().cmp(key)).ok()?;
        Some(&self.labels[index].1)
    }

    /// The mark of all labels of the object.
    pub fn mark(&self) -> LabelMark {
        let marks = self.labels.iter().map(|(key, value)| LabelMark::of(key, value));
        marks.fold(LabelMark::NONE, LabelMark::with)
    }

    /// The value of the selectable field at this position of the kind's list; empty for a position past its end.
    pub fn field(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", |text| text)
    }

    /// The same object with another revision, for a deletion event. It begins without forms, which hold the revision.
    pub fn at_revision(&self, revision: Rev) -> Self {
        Self { revision, ..self.clone() }
    }

    /// Appends the whole object as JSON.
    pub fn write_object(&self, out: &mut Vec<u8>) {
        self.write_range(0, self.value.len(), out);
    }

    /// Appends the object as an item of a typed list, which has no kind and apiVersion.
    pub fn write_item(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        self.write_range(self.content_at as usize, self.value.len(), out);
    }

    /// Appends the object's metadata.
    pub fn write_metadata(&self, out: &mut Vec<u8>) {
        let (start, end) = self.metadata;
        self.write_range(start as usize, end as usize, out);
    }

    /// The stored bytes of the object's metadata.
    pub(crate) fn metadata(&self) -> &[u8] {
        let (start, end) = self.metadata;
        self.value.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The stored bytes behind the object's metadata, from the comma on.
    pub(crate) fn after_metadata(&self) -> &[u8] {
        self.value.get(self.metadata.1 as usize..).unwrap_or_default()
    }

    /// Gives `send` a form of the object. `make` makes it unless it is kept, and says whether it may be kept because it
    /// is the same at all times.
    pub(crate) fn with_form<R>(
        &self,
        key: FormKey,
        room: &Arc<FormRoom>,
        make: impl FnOnce() -> (FormText, bool),
        send: impl FnOnce(&FormText) -> R,
    ) -> R {
        self.forms.with(key, room, make, send)
    }

    /// Appends a range of the stored bytes, in which the resource version belongs.
    fn write_range(&self, start: usize, end: usize, out: &mut Vec<u8>) {
        let at = self.version_at as usize;
        out.extend_from_slice(&self.value[start..at]);
        if self.version_last {
            if !self.value[..at].ends_with(b"{") {
                out.push(b',');
            }
            write_version(self.revision, out);
        } else {
            write_version(self.revision, out);
            out.push(b',');
        }
        out.extend_from_slice(&self.value[at..end]);
    }

    /// Roughly how many bytes `write_object` appends.
    pub fn len_bytes(&self) -> usize {
        self.value.len() + 32
    }

    /// As `to_value`, for those who only read and ask for the same objects again and again: the tree of a small object
    /// is kept.
    pub(crate) fn read_value(&self, room: &Arc<FormRoom>) -> Value {
        self.tree.get(self.value.len(), room, || self.to_value())
    }

    /// The object as a tree, with its resource version. Raw JSON in it is kept byte for byte.
    pub fn to_value(&self) -> Value {
        let none = RawPaths::NONE;
        let raws = self.raws.as_deref().unwrap_or(&none);
        let mut value = json::parse_stored(&self.value, raws).unwrap_or(Value::Null);
        set_version(&mut value, self.revision);
        value
    }
}

/// Puts a revision into `metadata.resourceVersion`.
pub fn set_version(object: &mut Value, revision: Rev) {
    let mut text = String::new();
    core::fmt::Write::write_fmt(&mut text, format_args!("{}", revision.0)).expect("writing to a string");
    object.set_at(&["metadata", "resourceVersion"], text.into());
}

fn write_version(revision: Rev, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"resourceVersion\":\"");
    json::write_int(revision.0 as i64, out);
    out.push(b'"');
}

/// Whether the bytes begin in the way in which this server writes objects of the kind.
fn is_ours(resource: &Kind, value: &[u8]) -> bool {
    let slash = if resource.group.is_empty() { "" } else { "/" };
    let (group, version, kind) = (&*resource.group, &*resource.version, &*resource.kind);
    let parts = ["{\"kind\":\"", kind, "\",\"apiVersion\":\"", group, slash, version, "\""];
    let mut rest = value;
    for part in parts {
        match rest.strip_prefix(part.as_bytes()) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// An object as it is read: encoded in this server's field order without a resource version.
struct Canonical {
    value: Bytes,
    version: KindId,
    /// As `Entry::is_mended`.
    is_mended: bool,
}

impl Canonical {
    /// What this server has written itself, if it is another object by the schema that there is now: only a custom
    /// object can be.
    fn mended(resource: &Kind, stored: &Bytes) -> Result<Option<Self>, Undecodable> {
        if !resource.is_custom() {
            return Ok(None);
        }
        let none = RawPaths::NONE;
        let raws = resource.raws.as_deref().unwrap_or(&none);
        let object = json::parse_stored(stored, raws).map_err(|error| Undecodable(error.0))?;
        let value = Self::of(resource, &as_defined(resource, object));
        Ok((value != *stored).then(|| Self { value, version: resource.id, is_mended: true }))
    }

    fn of(resource: &Kind, object: &Value) -> Bytes {
        let mut out = Vec::new();
        encode::to_json(&resource.catalogue, resource.type_id, object, &mut out);
        out.into()
    }
}

/// A custom object with the defaults of its kind, and without what is not in its schema. One that does not fit its
/// metadata stays as it is.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go
/// crdConversionRESTOptionsGetter
fn as_defined(resource: &Kind, mut object: Value) -> Value {
    let Kind { catalogue, type_id, .. } = resource;
    decode::apply_defaults(catalogue, *type_id, &mut object);
    decode::normalize(catalogue, *type_id, object.clone()).unwrap_or(object)
}

/// JSON or protobuf that another server wrote, encoded in this server's field order without a resource version.
fn canonical(resource: &Kind, value: &[u8]) -> Result<Canonical, Undecodable> {
    if value.starts_with(ENCRYPTED_PREFIX) {
        return Err(Undecodable(ENCRYPTED.to_string()));
    }
    let mut object = if value.starts_with(proto::MAGIC) {
        from_protobuf(resource, value)?
    } else {
        let parsed = json::parse_exact(value, resource.raws.as_deref().unwrap_or(&RawPaths::NONE))
            .map_err(|error| Undecodable(error.0))?
            .value;
        check_kind(resource, object::api_version(&parsed), object::kind(&parsed))?;
        parsed
    };
    if object.field("metadata").and_then(Value::as_map).is_none() {
        return Err(Undecodable("no metadata".to_string()));
    }
    object.remove_at(&["metadata", "resourceVersion"]);
    if resource.converter.is_some()
        && !object::api_version(&object).is_empty()
        && !resource.is_version_of(&object)
    {
        let (value, version) = of_other_version(resource, object)?;
        return Ok(Canonical { value, version, is_mended: false });
    }
    let is_renamed = !resource.is_version_of(&object);
    object.set("kind", resource.kind.clone().into());
    object.set("apiVersion", resource.group_version().into());
    if resource.is_custom() {
        let before = (!is_renamed).then(|| Canonical::of(resource, &object));
        let value = Canonical::of(resource, &as_defined(resource, object));
        let is_mended = before.is_none_or(|before| before != value);
        return Ok(Canonical { value, version: resource.id, is_mended });
    }
    // Upstream sets defaults whenever it decodes: those of fields that the writer did not know yet, and what protobuf
    // has no place for, such as the kinds of a stateful set's claims.
    // k8s: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/versioning/versioning.go
    decode::apply_defaults(&resource.catalogue, resource.type_id, &mut object);
    (resource.rules().default)(&mut object);
    Ok(Canonical { value: Canonical::of(resource, &object), version: resource.id, is_mended: false })
}

/// An object that was stored in another version than the one that is stored now. Only the webhook knows what it is in
/// that one.
fn of_other_version(resource: &Kind, object: Value) -> Result<(Bytes, KindId), Undecodable> {
    let api_version = object::api_version(&object);
    let version = api_version.rsplit_once('/').map_or("", |(_, version)| version);
    let found = resource.family.iter().find(|(name, _)| name == version);
    let (_, version) = found.ok_or_else(|| {
        Undecodable(alloc::format!("request to convert CR from an invalid group/version: {api_version}"))
    })?;
    let catalogue = &resource.catalogue;
    let mut out = alloc::vec![b'{'];
    for name in ["kind", "apiVersion"] {
        json::write_str(name, &mut out);
        out.push(b':');
        json::write_str(object.text_at(&[name]), &mut out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"metadata\":");
    let metadata = object.field("metadata").cloned().unwrap_or_default();
    match catalogue.type_named("meta.v1.ObjectMeta") {
        Some(id) => {
            let metadata =
                decode::normalize(catalogue, id, metadata).map_err(|error| Undecodable(error.0))?;
            encode::to_json(catalogue, id, &metadata, &mut out);
        }
        None => json::write(&metadata, &mut out),
    }
    for (name, value) in object.as_map().into_iter().flat_map(Map::iter) {
        if !matches!(name.as_str(), "kind" | "apiVersion" | "metadata") {
            out.push(b',');
            json::write_str(name, &mut out);
            out.push(b':');
            json::write(value, &mut out);
        }
    }
    out.push(b'}');
    Ok((Bytes::from(out), *version))
}

/// Decodes protobuf, in which kube-apiserver stores its built-in kinds.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/serializer/protobuf/protobuf.go
fn from_protobuf(resource: &Kind, value: &[u8]) -> Result<Value, Undecodable> {
    let envelope = proto::Envelope::open(value).map_err(|error| Undecodable(error.text().to_string()))?;
    check_kind(resource, &envelope.api_version, &envelope.kind)?;
    let message = protobuf::message(&resource.catalogue, resource.type_id, envelope.raw);
    let mut object = message.map_err(|error| Undecodable(error.to_string()))?;
    object.set("kind", resource.kind.clone().into());
    object.set("apiVersion", resource.group_version().into());
    // Protobuf contains fields that JSON omits, such as empty strings.
    decode::normalize(&resource.catalogue, resource.type_id, object).map_err(|error| Undecodable(error.0))
}

/// Checks that a value is of the kind that its key implies. A value that names no kind passes.
/// k8s: staging/src/k8s.io/apimachinery/pkg/runtime/scheme.go, converter.go
fn check_kind(resource: &Kind, api_version: &str, kind: &str) -> Result<(), Undecodable> {
    if kind.is_empty() || (kind == resource.kind && api_version == resource.group_version().as_str()) {
        return Ok(());
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    // Another version of a custom resource may have been stored before.
    if resource.is_custom() && kind == resource.kind && group == resource.group {
        return Ok(());
    }
    let is_known = resource.catalogue.iter().any(|(_, def)| def.is_kind(group, version, kind));
    if !is_known {
        let scheme = "pkg/api/legacyscheme/scheme.go:30";
        return Err(Undecodable(alloc::format!(
            "no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"{scheme}\""
        )));
    }
    let package = match resource.group.split('.').next() {
        Some("") | None => "core",
        Some(first) => first,
    };
    let wanted = &resource.kind;
    Err(Undecodable(alloc::format!(
        "converting ({version}.{kind}) to ({package}.{wanted}): unknown conversion"
    )))
}

/// The texts of the kind's selectable fields, from the values at `field_paths`.
fn field_texts(resource: &Kind, values: &[Option<Value>]) -> Box<[Text]> {
    let mut values = values.iter();
    let mut next = || values.next().and_then(Option::as_ref).map_or_else(Text::default, scalar_text);
    let texts = resource.fields.iter().map(|field| match &field.source {
        FieldSource::Path(_, absent) => {
            let text = next();
            if text.is_empty() { absent.clone() } else { text }
        }
        FieldSource::Either(..) => {
            let (first, second) = (next(), next());
            if first.is_empty() { second } else { first }
        }
    });
    texts.collect()
}

fn scalar_text(value: &Value) -> Text {
    match value {
        Value::Str(text) => text.clone(),
        Value::Null => Text::default(),
        Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Json(_)
        | Value::List(_)
        | Value::Map(_) => Text::from(json::to_string(value)),
    }
}
