//! Reviews of who somebody is: POST of a token, which is answered with its user, or of nothing, which is answered with
//! the caller.
//! k8s: pkg/registry/authentication/tokenreview/storage.go, pkg/registry/authentication/selfsubjectreview/rest.go

use super::body::Expected;
use super::posted::{Posted, PostedAdmission, PostedStage, kind_of};
use super::{Answer, Next, Notes, Scene, State, fail};
use crate::admission::Admitting;
use crate::answer::Warnings;
use crate::authorization::{Target, aggregate};
use crate::identity::{Authenticating, AuthenticationProgress, Presented, Recognized, Remarks};
use crate::kinds::Kind;
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::value::{Text, Value, object};
use crate::wire::{Method, Peer, Request};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(super) const GROUP: &str = "authentication.k8s.io";

/// The state of such a review.
#[derive(Debug)]
pub(crate) struct IdentityReview {
    posted: Posted,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Admission(PostedStage, Admitting),
    /// The token is being looked at.
    Token(Authenticating),
}

/// Starts a review, whose body has arrived.
pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let resource = resource(scene, &target)?.clone();
    let expected = Expected::of(&resource);
    let mut posted = Posted::begin(scene, target, |_| Ok(expected), warnings)?;
    posted.record(scene, expected)?;
    let review = IdentityReview { posted, phase: Phase::Token(Authenticating::default()) };
    review.admit(scene, PostedStage::Mutating, Admitting::default(), None, warnings)
}

/// The resource in its own `Arc`, which outlives the review.
fn resource<'a>(scene: &Scene<'a>, target: &Target) -> Result<&'a Arc<Kind>, Failure> {
    let resource = target.resource();
    kind_of(scene, &resource.group, &resource.version, &resource.plural)
}

impl IdentityReview {
    pub(super) fn target(&self) -> &Target {
        &self.posted.target
    }

    pub(super) fn step(
        mut self,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let reply = fail::reply(answer)?;
        match core::mem::replace(&mut self.phase, Phase::Token(Authenticating::default())) {
            Phase::Admission(stage, admitting) => self.admit(scene, stage, admitting, Some(reply), warnings),
            Phase::Token(authenticating) => self.look(scene, authenticating, Some(reply), warnings, notes),
        }
    }

    fn wait(self, phase: Phase, question: Question) -> Next {
        Next::Wait(State::IdentityReview(Box::new(Self { phase, ..self })), question.into())
    }

    fn admit(
        mut self,
        scene: &Scene<'_>,
        stage: PostedStage,
        admitting: Admitting,
        reply: Option<Reply>,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        match self.posted.admit(scene, stage, admitting, reply, warnings)? {
            PostedAdmission::Wait(admitting, ask) => {
                let phase = Phase::Admission(stage, admitting);
                Ok(Next::Wait(State::IdentityReview(Box::new(Self { phase, ..self })), ask))
            }
            PostedAdmission::Admitted if stage == PostedStage::Mutating => {
                if self.is_of_token() && self.token().is_empty() {
                    return Err(Failure::bad_request("token is required for TokenReview in authentication"));
                }
                self.admit(scene, PostedStage::Validating, Admitting::default(), None, warnings)
            }
            PostedAdmission::Admitted if self.is_of_token() => {
                // The first step verifies nothing yet, so it notes nothing either.
                self.look(scene, Authenticating::default(), None, warnings, &mut Notes::default())
            }
            PostedAdmission::Admitted => self.answer_with_caller(scene),
        }
    }

    fn is_of_token(&self) -> bool {
        self.posted.target.resource().plural == "tokenreviews"
    }

    fn token(&self) -> &str {
        self.posted.value.text_at(&["spec", "token"])
    }

    /// For whom the token has to be made: whoever asks may be another server.
    fn audiences(&self, scene: &Scene<'_>) -> Vec<Text> {
        let named = self.posted.value.at(&["spec", "audiences"]).and_then(Value::as_list).unwrap_or_default();
        let named: Vec<Text> = named.iter().filter_map(Value::as_str).map(Text::from).collect();
        if named.is_empty() { scene.world.config.audiences.clone() } else { named }
    }

    /// Looks at the token as at that of a request which has nothing else.
    fn look(
        mut self,
        scene: &Scene<'_>,
        authenticating: Authenticating,
        reply: Option<Reply>,
        warnings: &mut Warnings,
        notes: &mut Notes,
    ) -> Result<Next, Failure> {
        let request = Request {
            method: Method::Get,
            path: String::new(),
            query: String::new(),
            headers: alloc::vec![("authorization".into(), format!("Bearer {}", self.token()))],
            has_body: false,
            peer: Peer::None,
            remote_address: Text::default(),
        };
        let audiences = self.audiences(scene);
        let presented =
            Presented { world: scene.world, request: &request, audiences: &audiences, now: scene.now };
        let mut said = Remarks::default();
        let progress = authenticating.go_on(&presented, reply, &mut said);
        warnings.extend(said.warnings);
        said.notes.into_iter().for_each(|note| notes.add(note));
        let status = match progress {
            AuthenticationProgress::Wait(authenticating, question) => {
                return Ok(self.wait(Phase::Token(authenticating), question));
            }
            AuthenticationProgress::Known(recognized) => known(*recognized, &audiences)?,
            AuthenticationProgress::Unknown(why) => unknown(&why),
        };
        self.posted.value.set("status", status);
        self.respond(scene)
    }

    /// Answers with the caller, and with nothing of what was sent.
    fn answer_with_caller(mut self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let value = &mut self.posted.value;
        value.set("metadata", Value::empty_map());
        object::set_creation_timestamp(value, Some(scene.now.wall));
        value.set_at(&["status", "userInfo"], scene.caller.to_value());
        self.respond(scene)
    }

    fn respond(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let resource = resource(scene, &self.posted.target)?;
        Ok(Next::Done(self.posted.respond_with_object(Expected::of(resource))))
    }
}

/// The status of a token whose user is known.
fn known(recognized: Recognized, asked: &[Text]) -> Result<Value, Failure> {
    let Recognized { caller, audiences, .. } = recognized;
    if !asked.is_empty() && !asked.iter().any(|audience| audiences.contains(audience)) {
        return Err(Failure::internal("error validating audiences"));
    }
    let mut status = Value::empty_map();
    status.set("authenticated", Value::Bool(true));
    status.set("user", caller.to_value());
    if !audiences.is_empty() {
        status.set("audiences", Value::texts(&audiences));
    }
    Ok(status)
}

/// The status of a token whose user is not known.
fn unknown(why: &[String]) -> Value {
    let mut status = Value::empty_map();
    status.set("user", Value::empty_map());
    if why.is_empty() {
        return status;
    }
    status.set("error", Value::from(aggregate(why)));
    status
}
