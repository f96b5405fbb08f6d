//! GET of one object.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/get.go

use super::existing::read_key;
use super::{Answer, Ask, Next, Scene, State, fail, scale, view};
use crate::answer;
use crate::answer::form::{Endpoint, Form};
use crate::authorization::Target;
use crate::museum::Mutant;
use crate::status::Failure;
use crate::store::Rev;
use crate::wire::options::{IncludeObject, parse_resource_version};
use crate::world::cache::Entry;
use alloc::boxed::Box;
use alloc::sync::Arc;

/// The state of a GET.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(super) target: Target,
    form: Form,
    include: IncludeObject,
    /// The oldest revision that the client accepts; None for the newest.
    asked: Option<Rev>,
}

/// Starts a GET. It reads from the store, unless the client named a revision: the cache is then enough.
pub(super) fn begin(scene: &Scene<'_>, target: Target) -> Result<Next, Failure> {
    let form = Form::negotiate(&scene.call.request, Endpoint::Object)?;
    let text = scene.call.query.text("resourceVersion");
    let revision = parse_resource_version(text).map_err(Failure::unclassified)?;
    let asked = (!text.is_empty()).then_some(revision);
    let read = Read { target, form, include: scene.call.include()?, asked };
    let resource = read.target.resource();
    let collection = scene.collection(resource)?;
    match asked {
        None => {
            let key = collection.keys.key(read.target.namespace(), read.target.name());
            let ask = Ask::Store(collection.feed, read_key(&key));
            Ok(Next::Wait(State::Read(Box::new(read)), ask))
        }
        Some(revision) if scene.world.revision(collection.feed) >= revision => read.answer_cached(scene),
        Some(_) if scene.flaw().is(Mutant::StaleNotOlderThan) => read.answer_cached(scene),
        Some(revision) => {
            let ask = Ask::Fresh(collection.feed, revision);
            Ok(Next::Wait(State::Read(Box::new(read)), ask))
        }
    }
}

impl Read {
    pub(super) fn step(self, scene: &Scene<'_>, answer: Answer) -> Result<Next, Failure> {
        match answer {
            Answer::Fresh => self.answer_cached(scene),
            Answer::Stale => {
                let collection = scene.collection(self.target.resource())?;
                let asked = self.asked.unwrap_or(Rev(0));
                Err(fail::too_large(asked, scene.world.revision(collection.feed)))
            }
            Answer::Stored(_)
            | Answer::Begin
            | Answer::Seated
            | Answer::Body(_)
            | Answer::Called(_)
            | Answer::Signed(_)
            | Answer::Verified(_)
            | Answer::Turn
            | Answer::Taken(_) => {
                let kv = fail::ranged(answer)?.kvs.pop();
                let kv = kv.ok_or_else(|| self.target.not_found())?;
                let entry = scene.entry_of(self.target.resource(), kv)?;
                self.respond(scene, &entry)
            }
        }
    }

    fn answer_cached(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let resource = self.target.resource();
        let key = scene.collection(resource)?.keys.key(self.target.namespace(), self.target.name());
        scene.check_readable(resource, &key)?;
        let entry = scene.cached(resource, &key).ok_or_else(|| self.target.not_found())?;
        self.respond(scene, &entry)
    }

    fn respond(self, scene: &Scene<'_>, entry: &Arc<Entry>) -> Result<Next, Failure> {
        let view = view::of_object(scene, &self.target, self.form, self.include)?;
        let entry = &scene.in_version(entry, self.target.resource())?;
        if self.target.is_scale() {
            return Ok(Next::Done(scale::respond(scene, &view, &self.target, entry.to_value())?));
        }
        Ok(Next::Done(answer::object(&view, 200, entry)))
    }
}
