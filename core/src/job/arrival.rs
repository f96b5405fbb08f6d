//! The first steps of a request, until it is known who makes it, and as whom. The job asks for a seat only afterwards,
//! so that requests which fail authentication take no seats from others.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/authentication.go

use super::call::Call;
use super::{Answer, Ask, Job, Known, Phase, State, Stepped, fail};
use crate::answer::{self, Warnings};
use crate::authorization::{Attributes, Impersonating, ImpersonationProgress};
use crate::caller::Caller;
use crate::identity::{Authenticating, AuthenticationProgress, Presented, Recognized, Remarks, WantedUser};
use crate::now::Now;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::Text;
use crate::world::World;
use alloc::sync::Arc;
use bytes::Bytes;

/// A request whose caller is not known yet.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) call: Arc<Call>,
    /// Empty, unless a historical bug has read it too early.
    pub(super) body: Bytes,
    pub(super) warnings: Warnings,
}

impl Arrival {
    /// Goes on with authentication. `answer` is what it has waited for.
    pub(super) fn authenticate(
        mut self,
        authenticating: Authenticating,
        world: &World,
        now: Now,
        answer: Answer,
    ) -> Stepped {
        if let Err(why) = &self.call.info {
            return Stepped::done(answer::unroutable(&self.call.request, why), None);
        }
        let reply = match found(answer) {
            Ok(reply) => reply,
            Err(failure) => return self.refuse(world, &failure),
        };
        let audiences = &world.config.audiences;
        let presented = Presented { world, request: &self.call.request, audiences, now };
        let mut said = Remarks::default();
        let progress = authenticating.go_on(&presented, reply, &mut said);
        self.warnings.extend(said.warnings);
        let mut stepped = match progress {
            AuthenticationProgress::Known(recognized) if is_for(audiences, &recognized) => {
                self.recognize(*recognized, world)
            }
            AuthenticationProgress::Known(_) | AuthenticationProgress::Unknown(_) => {
                self.refuse(world, &Failure::unauthorized())
            }
            AuthenticationProgress::Wait(authenticating, question) => {
                let Self { call, body, warnings } = self;
                let job = Job::at(call, body, warnings, Phase::Arriving(authenticating));
                Stepped::waiting(job, question.into(), None)
            }
        };
        stepped.notes.extend(said.notes);
        stepped
    }

    /// Goes on as the caller, or as the user whom the request names.
    fn recognize(self, recognized: Recognized, world: &World) -> Stepped {
        let caller = Arc::new(recognized.caller);
        match WantedUser::of(&self.call.request) {
            Ok(None) => self.sit(caller),
            Ok(Some(wanted)) => self.impersonate(caller, Impersonating::new(wanted), world, None),
            Err(failure) => self.refuse_impersonation(caller, world, &failure),
        }
    }

    /// Goes on with a request to act as another user. `reply` is what it has waited for.
    pub(super) fn impersonate(
        self,
        caller: Arc<Caller>,
        impersonating: Impersonating,
        world: &World,
        reply: Option<Reply>,
    ) -> Stepped {
        let info = match &self.call.info {
            Ok(info) => info,
            Err(why) => return Stepped::done(answer::unroutable(&self.call.request, why), Some(caller)),
        };
        let attributes = Attributes::of_request(info, &caller);
        match impersonating.go_on(world, &attributes, reply) {
            ImpersonationProgress::As(user) => self.sit(Arc::new(user)),
            ImpersonationProgress::Refused(failure) => self.refuse_impersonation(caller, world, &failure),
            ImpersonationProgress::Wait(impersonating, question) => {
                let Self { call, body, warnings } = self;
                let phase = Phase::Impersonating(caller.clone(), impersonating);
                let job = Job::at(call, body, warnings, phase);
                Stepped::waiting(job, question.into(), Some(caller))
            }
        }
    }

    /// Goes on as this user.
    fn sit(self, caller: Arc<Caller>) -> Stepped {
        let Self { call, body, warnings } = self;
        let ask = Ask::Seat { privileged: caller.is_privileged() };
        let known = Known { caller: caller.clone(), state: State::Seat };
        Stepped::waiting(Job::at(call, body, warnings, Phase::Known(known)), ask, Some(caller))
    }

    fn refuse_impersonation(&self, caller: Arc<Caller>, world: &World, failure: &Failure) -> Stepped {
        let response = self.call.failure(world, failure).with_header("x-content-type-options", "nosniff");
        Stepped::done(self.warnings.on(response), Some(caller))
    }

    pub(super) fn refuse(&self, world: &World, failure: &Failure) -> Stepped {
        Stepped::done(self.warnings.on(self.call.failure(world, failure)), None)
    }
}

/// The reply that authentication has waited for; None at its beginning.
pub(super) fn found(answer: Answer) -> Result<Option<Reply>, Failure> {
    match answer {
        Answer::Begin | Answer::Body(_) => Ok(None),
        Answer::Stored(_)
        | Answer::Called(_)
        | Answer::Signed(_)
        | Answer::Verified(_)
        | Answer::Turn
        | Answer::Taken(_)
        | Answer::Seated
        | Answer::Fresh
        | Answer::Stale => fail::reply(answer).map(Some),
    }
}

/// Whether a credential is meant for this server.
fn is_for(own: &[Text], recognized: &Recognized) -> bool {
    let named = &recognized.audiences;
    own.is_empty() || named.is_empty() || named.iter().any(|audience| own.contains(audience))
}
