//! POST of an object that is not stored itself, but tells the server to do something: what the kinds of it share.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go

use super::body::{self, DecodedBody, Expected};
use super::write::place::{drop_repeated_owners, place};
use super::{Ask, Scene, fail};
use crate::admission::{
    AdmissionAttributes, AdmissionOperation, AdmissionProgress, Admitting, OperationOptions, Said,
};
use crate::answer::form::{Endpoint, Form, Representation};
use crate::answer::{self, Response, Warnings};
use crate::authorization::Target;
use crate::kinds::Kind;
use crate::ownership::{self, FieldFilter, Ownership, Versions};
use crate::question::Reply;
use crate::schema::{Catalogue, TypeId, decode, encode};
use crate::status::Failure;
use crate::value::{Value, object};
use crate::wire::media::body_media;
use crate::wire::options::WriteOptions;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Such an object, and how its client wants to be answered.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub(super) target: Target,
    pub(super) value: Value,
    pub(super) dry_run: bool,
    form: Form,
}

/// Which plugins are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PostedStage {
    /// Those that may change the object, before it is validated.
    Mutating,
    /// Those that may only refuse it, afterwards.
    Validating,
}

/// How admission goes on.
pub(super) enum PostedAdmission {
    Admitted,
    Wait(Admitting, Ask),
}

/// The only version of such an object, as the ownership of fields sees it.
struct OneVersion<'a> {
    api_version: &'a str,
    expected: Expected<'a>,
}

impl Versions for OneVersion<'_> {
    fn type_of(&self, api_version: &str) -> Option<(&Catalogue, TypeId)> {
        (api_version == self.api_version).then_some((self.expected.catalogue, self.expected.type_id))
    }

    fn converted(&self, object: &Value, from: &str, to: &str) -> Result<Option<Value>, String> {
        Ok((from == to).then(|| object.clone()))
    }
}

impl Posted {
    /// Decodes the body. `expected` says of which kind it must be, from the kind and version that it names.
    pub(super) fn begin<'a>(
        scene: &Scene<'a>,
        target: Target,
        expected: impl Fn(&Value) -> Result<Expected<'a>, Failure>,
        warnings: &mut Warnings,
    ) -> Result<Self, Failure> {
        let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
        let media = body_media(scene.call.request.header("content-type"))?;
        let options = WriteOptions::for_create(&scene.call.query)?;
        let parsed = body::parsed(scene, media, expected(&Value::Null)?)?;
        let expected = expected(&parsed.value)?;
        let DecodedBody { mut value, warnings: told } =
            body::typed(scene, parsed, expected, options.field_validation)?;
        warnings.extend(told);
        place(&target, &mut value)?;
        drop_repeated_owners(&mut value, false, warnings);
        Ok(Self { target, value, dry_run: options.dry_run, form })
    }

    /// Records who has written the fields, though the object is not stored.
    pub(super) fn record(&mut self, scene: &Scene<'_>, expected: Expected<'_>) -> Result<(), Failure> {
        let manager = scene.manager(&WriteOptions::for_create(&scene.call.query)?);
        let api_version = expected.api_version();
        let versions = OneVersion { api_version: &api_version, expected };
        let ownership = Ownership {
            versions: &versions,
            api_version: &api_version,
            kind: expected.kind,
            subresource: self.target.subresource(),
            filter: FieldFilter::NONE,
            now: scene.now.wall,
        };
        let unset = decode::normalize(expected.catalogue, expected.type_id, Value::Null);
        let unset = unset.map_err(|error| Failure::internal(error.0))?;
        let entries = ownership::recorded(&ownership, &unset, &self.value, &manager);
        object::set_managed_fields(&mut self.value, entries);
        Ok(())
    }

    /// The name of the object that it is about: the path's, or without one the body's.
    pub(super) fn name(&self) -> &str {
        if self.target.name().is_empty() { object::name(&self.value) } else { self.target.name() }
    }

    /// Asks the plugins of a stage, from where admission stands. `found` is what it waited for.
    pub(super) fn admit(
        &mut self,
        scene: &Scene<'_>,
        stage: PostedStage,
        admitting: Admitting,
        found: Option<Reply>,
        warnings: &mut Warnings,
    ) -> Result<PostedAdmission, Failure> {
        let attributes = AdmissionAttributes {
            operation: AdmissionOperation::Create,
            resource: self.target.resource(),
            subresource: self.target.subresource(),
            namespace: self.target.namespace(),
            name: &String::from(self.name()),
            old: &Value::Null,
            caller: scene.caller,
            now: scene.now.wall,
            dry_run: self.dry_run,
            options: OperationOptions::Write(&scene.call.query),
            rng: &scene.call.rng,
            converter: scene,
        };
        admit(scene, &attributes, &mut self.value, (stage, admitting, found), warnings)
    }

    /// The answer with the object itself.
    pub(super) fn respond_with_object(&self, expected: Expected<'_>) -> Response {
        let form = Form { representation: Representation::Full, ..self.form };
        let bytes = form.encode(&self.value, || {
            let mut out = Vec::new();
            encode::to_json(expected.catalogue, expected.type_id, &self.value, &mut out);
            out
        });
        Response::new(201, form.content_type(), bytes)
    }

    /// The answer when it was done.
    pub(super) fn respond(&self, scene: &Scene<'_>) -> Response {
        let form = Form { representation: Representation::Full, ..self.form };
        answer::created(&scene.world.registry, form)
    }
}

/// Asks the plugins of a stage about an object that is not stored, from where admission stands.
///
/// # Errors
/// A plugin's refusal.
pub(super) fn admit(
    scene: &Scene<'_>,
    attributes: &AdmissionAttributes<'_>,
    value: &mut Value,
    (stage, admitting, found): (PostedStage, Admitting, Option<Reply>),
    warnings: &mut Warnings,
) -> Result<PostedAdmission, Failure> {
    let mut said = Said::default();
    let progress = match stage {
        PostedStage::Mutating => admitting.mutate(scene.world, attributes, value, found, &mut said),
        PostedStage::Validating => admitting.validate(scene.world, attributes, value, found, &mut said),
    };
    warnings.extend(said.warnings);
    Ok(match progress? {
        AdmissionProgress::Admitted => PostedAdmission::Admitted,
        AdmissionProgress::Wait(admitting, question) => PostedAdmission::Wait(admitting, question.into()),
    })
}

/// The kind of a built-in resource.
pub(super) fn kind_of<'a>(
    scene: &Scene<'a>,
    group: &str,
    version: &str,
    plural: &str,
) -> Result<&'a Arc<Kind>, Failure> {
    scene.world.registry.find(group, version, plural).ok_or_else(fail::misfit)
}
