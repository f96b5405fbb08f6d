//! Authorization in a job: of the request, before anything is looked at, and of what the request turns out to do
//! beside what it asked for.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/authorization.go

use super::{Answer, Ask, Next, Scene, State, begin, fail};
use crate::answer::{self, Warnings};
use crate::authorization::{self, Attributes, Decision, Objection, Target, Undecided};
use crate::kinds::Verb;
use crate::status::Failure;

/// Decides about the request, and starts it if it is allowed. `asked` is a decision that waited for an answer, and the
/// answer.
pub(super) fn request(
    scene: &Scene<'_>,
    asked: Option<(Undecided, Answer)>,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let request = &scene.call.request;
    let info = match &scene.call.info {
        Ok(info) => info,
        Err(unroutable) => return Ok(Next::Done(answer::unroutable(request, unroutable))),
    };
    let attributes = Attributes::of_request(info, scene.caller);
    let decision = match asked {
        None => authorization::decide(scene.world, attributes),
        Some((undecided, answer)) => undecided.resume(scene.world, attributes, &fail::reply(answer)?),
    };
    match decision {
        Decision::Allowed(permit) => begin::permitted(scene, info, &permit, warnings),
        Decision::Denied(Objection { reason, error }) | Decision::NoOpinion(Objection { reason, error }) => {
            if !error.is_empty() {
                return Ok(Next::Done(answer::internal_error(request, &error)));
            }
            Err(attributes.forbidden(&reason))
        }
        Decision::Wait(undecided, question) => Ok(Next::Wait(State::Undecided(undecided), question.into())),
    }
}

/// The result of asking again in the middle of a request.
pub(super) enum Again {
    /// The same object, with the right to do to it what was asked for.
    Allowed(Target),
    /// Ask once more, with the answer to this.
    Wait(Undecided, Ask),
}

/// Decides whether the caller may also do something else to the target. `asked` is a decision that waited for an
/// answer, and the answer.
pub(super) fn again(
    scene: &Scene<'_>,
    target: &Target,
    verb: Verb,
    asked: Option<(Undecided, Answer)>,
) -> Result<Again, Failure> {
    let attributes = target.attributes(scene.caller, verb);
    let decision = match asked {
        None => authorization::decide_again(scene.world, attributes),
        Some((undecided, answer)) => undecided.resume(scene.world, attributes, &fail::reply(answer)?),
    };
    match decision {
        Decision::Allowed(permit) => Ok(Again::Allowed(target.permitted(&permit, verb))),
        Decision::Denied(Objection { reason, error }) | Decision::NoOpinion(Objection { reason, error }) => {
            if !error.is_empty() {
                return Err(Failure::internal(error));
            }
            Err(attributes.forbidden_meanwhile(&reason))
        }
        Decision::Wait(undecided, question) => Ok(Again::Wait(undecided, question.into())),
    }
}
