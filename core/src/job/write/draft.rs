//! An object that may be stored, encoded; and whether storing it would change anything.

use super::claims::{Charges, ClaimedKey};
use crate::job::Scene;
use crate::job::existing::Existing;
use crate::kinds::Kind;
use crate::limits;
use crate::schema::changed::encode_changed;
use crate::schema::encode;
use crate::status::Failure;
use crate::store::{StoreError, failure};
use crate::value::{Value, object};
use crate::world::World;
use alloc::vec::Vec;
use bytes::Bytes;

/// An object that may be stored.
#[derive(Clone, Debug)]
pub(in crate::job) struct Draft {
    /// The object without a resource version: a custom one in the version of the request, others in the one that is
    /// stored.
    pub(in crate::job) value: Value,
    /// The object in the stored version, if that is another one.
    pub(in crate::job) stored: Option<Value>,
    /// The encoded object, as it is written to the store.
    pub(in crate::job) bytes: Bytes,
    /// What is written with it.
    pub(in crate::job) claims: Vec<ClaimedKey>,
    /// What it counts for.
    pub(in crate::job) charges: Charges,
}

impl Draft {
    /// Encodes an object that is worked on in the stored version; `existing` is the one that it was made of.
    ///
    /// # Errors
    /// 413 when it is larger than `limits::OBJECT_BYTES`.
    pub(in crate::job) fn of(
        world: &World,
        resource: &Kind,
        value: Value,
        existing: Option<&Existing>,
    ) -> Result<Self, Failure> {
        Self::encoded(world, resource, (value, None), existing)
            .map_err(|_| failure::of(&StoreError::TooLarge))
    }

    /// As `of`, of an object that is worked on in the version of the request.
    pub(in crate::job) fn of_scene(
        scene: &Scene<'_>,
        resource: &Kind,
        value: Value,
        existing: Option<&Existing>,
    ) -> Result<Self, Failure> {
        let stored = scene.stored_form(resource, &value);
        let draft = Self::encoded(scene.world, resource, (value, stored), existing);
        draft.map_err(|_| failure::of(&StoreError::TooLarge))
    }

    /// As `of`; gives an object back that is too large.
    fn encoded(
        world: &World,
        resource: &Kind,
        (mut value, mut stored): (Value, Option<Value>),
        existing: Option<&Existing>,
    ) -> Result<Self, Value> {
        value.remove_at(&["metadata", "resourceVersion"]);
        // It is never stored, and a dry run shows what was sent.
        let self_link = value.remove_at(&["metadata", "selfLink"]);
        let Kind { catalogue, type_id, .. } = world.registry.stored_kind(resource);
        let mut out = Vec::with_capacity(limits::OBJECT_BYTES_USUAL);
        match (existing, &mut stored) {
            (_, Some(stored)) => {
                stored.remove_at(&["metadata", "resourceVersion"]);
                encode::to_json(catalogue, *type_id, stored, &mut out);
            }
            (Some(Existing { entry, value: old }), None) => {
                // Metadata are never as they were, since it was recorded who writes.
                encode_changed(catalogue, *type_id, &value, (old, entry.after_metadata()), &mut out);
            }
            (None, None) => encode::to_json(catalogue, *type_id, &value, &mut out),
        }
        if let Some(self_link) = self_link {
            value.set_at(&["metadata", "selfLink"], self_link);
        }
        if out.len() > limits::OBJECT_BYTES {
            return Err(value);
        }
        // The copy has exactly the needed capacity: the cache keeps these bytes for long.
        Ok(Self {
            value,
            stored,
            bytes: Bytes::copy_from_slice(&out),
            claims: Vec::new(),
            charges: Charges::default(),
        })
    }

    /// As `of`, of an object that a client writes: if it is too large with its managed fields, it is stored without
    /// them, unless they are what an apply is about.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{create,update,patch}.go isTooLargeError
    pub(in crate::job) fn of_request(
        scene: &Scene<'_>,
        resource: &Kind,
        value: Value,
        existing: Option<&Existing>,
    ) -> Result<Self, Failure> {
        if scene.call.applies() || object::managed_fields(&value).is_empty() {
            return Self::of_scene(scene, resource, value, existing);
        }
        let stored = scene.stored_form(resource, &value);
        Self::encoded(scene.world, resource, (value, stored), existing).or_else(|mut value| {
            object::set_managed_fields(&mut value, Vec::new());
            Self::of_scene(scene, resource, value, existing)
        })
    }

    /// Whether the object is what is stored already. Times at which managers are said to have written fields do not
    /// count when nothing else differs.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager/equality.go
    /// IgnoreManagedFieldsTimestampsTransformer
    pub(in crate::job) fn changes_nothing(
        &self,
        world: &World,
        resource: &Kind,
        existing: &Existing,
    ) -> bool {
        if existing.entry.is_mended() {
            // The store holds something else, which is what migrations of stored objects rely on.
            return false;
        }
        if self.bytes == *existing.entry.value() {
            return true;
        }
        let [new, old] = [&self.value, &existing.value].map(object::managed_fields);
        let differ_in_times = new != old
            && new.len() == old.len()
            && new.iter().zip(old).all(|(new, old)| without_time(new) == without_time(old));
        if !differ_in_times {
            return false;
        }
        let (mut new, mut stored) = (self.value.clone(), self.stored.clone());
        for value in core::iter::once(&mut new).chain(&mut stored) {
            object::set_managed_fields(value, old.to_vec());
        }
        Self::encoded(world, resource, (new, stored), Some(existing))
            .is_ok_and(|draft| draft.bytes == *existing.entry.value())
    }
}

fn without_time(entry: &Value) -> Value {
    let mut entry = entry.clone();
    entry.remove_at(&["time"]);
    entry
}
