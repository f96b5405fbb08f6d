//! The answer to a write: the object as it was stored.
//! k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go, which decodes what it has written

use super::draft::Draft;
use crate::answer::{self, Response, View};
use crate::job::Scene;
use crate::kinds::Kind;
use crate::schema::decode;
use crate::status::Failure;
use crate::store::{KeyValue, Rev};
use crate::value::{Value, object};
use bytes::Bytes;

/// An object that is written, as it will be shown when it is stored: a custom one is converted to the version that is
/// stored, gets the defaults of that one when it is read, and is converted back.
pub(in crate::job) fn shown(scene: &Scene<'_>, kind: &Kind, draft: Draft) -> Value {
    let Some(mut stored) = draft.stored else { return draft.value };
    let Kind { catalogue, type_id, .. } = scene.world.registry.stored_kind(kind);
    decode::apply_defaults(catalogue, *type_id, &mut stored);
    let mut shown = scene.converted(stored, kind);
    object::set_resource_version(&mut shown, object::resource_version(&draft.value));
    shown
}

/// The answer with an object as written at a revision; without one for a dry run. It shares the cache's bytes if the
/// write is in the cache by now.
pub(in crate::job) fn respond(
    scene: &Scene<'_>,
    view: &View<'_>,
    status: u16,
    key: &[u8],
    mut draft: Draft,
    revision: Option<Rev>,
) -> Result<Response, Failure> {
    if let Some(revision) = revision.filter(|_| view.resource.converter.is_some()) {
        let kv = KeyValue {
            key: Bytes::copy_from_slice(key),
            value: draft.bytes.clone(),
            mod_revision: revision,
            ..KeyValue::default()
        };
        let entry = scene.in_version(&scene.entry_of(view.resource, kv)?, view.resource)?;
        return Ok(answer::object(view, status, &entry));
    }
    let cached = scene.cached(view.resource, key).filter(|entry| Some(entry.revision()) == revision);
    Ok(match cached {
        Some(entry) if view.is_stored_json() => answer::object(view, status, &entry),
        Some(_) | None if revision.is_some() => {
            object::clear_self_link(&mut draft.value);
            view.respond(status, answer::versioned(shown(scene, view.resource, draft), revision))
        }
        Some(_) | None => view.respond(status, shown(scene, view.resource, draft)),
    })
}
