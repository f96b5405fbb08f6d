//! Whether a caller may do what they ask for: the authorizers are asked one after the other, until one decides.
//! k8s: pkg/kubeapiserver/authorizer/config.go,
//! staging/src/k8s.io/apiserver/pkg/authorization/union/union.go

use super::opinion::{AuthorizerOpinion, Grounds, Objection, aggregate};
use super::{Attributes, Permit, abac, node, rbac, webhook};
use crate::config::{Authorizer, AuthorizerChain};
use crate::museum::Mutant;
use crate::question::{Consulting, Question, Reply};
use crate::store::{Feed, Op, Range, Stored};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// What came of a question.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    Allowed(Permit<'a>),
    /// An authorizer forbids it.
    Denied(Objection),
    /// No authorizer allows it. The reasons of all of them, a line each, and the errors of all.
    NoOpinion(Objection),
    /// An authorizer must know something first. The deciding goes on with `resume`.
    Wait(Undecided, Question),
}

/// A decision that waits for the answer to a question.
#[derive(Clone, Debug)]
pub(crate) struct Undecided {
    /// Who is asked: authorizers that come meanwhile are for later decisions.
    chain: Arc<AuthorizerChain>,
    /// The authorizer that is asked next, or that has asked the question.
    at: usize,
    /// Why those before it do not allow it, as far as they say.
    reasons: Vec<String>,
    /// What went wrong with those before it.
    errors: Vec<String>,
}

/// Who is asked: two that are always there, then those of the configuration in its order.
#[derive(Clone, Copy, Debug)]
enum Asked<'a> {
    /// The members of one group may do everything, whatever the authorizers say.
    PrivilegedGroup,
    /// `Config::denials`.
    Denials,
    Configured(&'a Authorizer),
}

/// Whose turn it is; None after the last.
fn asked(chain: &AuthorizerChain, at: usize) -> Option<Asked<'_>> {
    match at {
        0 => Some(Asked::PrivilegedGroup),
        1 => Some(Asked::Denials),
        _ => chain.authorizers.get(at - 2).map(Asked::Configured),
    }
}

/// Decides whether a request is allowed.
pub(crate) fn decide<'a>(world: &World, attributes: Attributes<'a>) -> Decision<'a> {
    let chain = world.authorizers.clone();
    Undecided { chain, at: 0, reasons: Vec::new(), errors: Vec::new() }.go_on(world, attributes, None)
}

/// Decides about something that a request turns out to do beside what it asked for first, such as a PUT that creates
/// its object.
pub(crate) fn decide_again<'a>(world: &World, attributes: Attributes<'a>) -> Decision<'a> {
    if world.config.flaw.is(Mutant::CreationNotAskedFor) {
        return Decision::Allowed(Permit::new(attributes, Grounds::default()));
    }
    decide(world, attributes)
}

impl Undecided {
    /// Goes on with a decision after the answer to its question. The attributes must be those of the beginning.
    pub(crate) fn resume<'a>(
        self,
        world: &World,
        attributes: Attributes<'a>,
        answer: &Reply,
    ) -> Decision<'a> {
        self.go_on(world, attributes, Some(answer))
    }

    fn go_on<'a>(
        mut self,
        world: &World,
        attributes: Attributes<'a>,
        mut answer: Option<&Reply>,
    ) -> Decision<'a> {
        let chain = self.chain.clone();
        while let Some(authorizer) = asked(&chain, self.at) {
            let by = Consulting::Authorizer { generation: chain.generation, at: self.at };
            match authorizer.opinion(world, by, &attributes, answer.take()) {
                AuthorizerOpinion::Allow(grounds) => {
                    return Decision::Allowed(Permit::new(attributes, grounds));
                }
                AuthorizerOpinion::Deny(objection) => return Decision::Denied(objection),
                AuthorizerOpinion::Ask(question) => return Decision::Wait(self, question),
                AuthorizerOpinion::None(Objection { reason, error }) => {
                    self.reasons.extend(Some(reason).filter(|reason| !reason.is_empty()));
                    self.errors.extend(Some(error).filter(|error| !error.is_empty()));
                }
            }
            self.at += 1;
        }
        let (reason, error) = (self.reasons.join("\n"), aggregate(&self.errors));
        Decision::NoOpinion(Objection { reason, error })
    }
}

impl Asked<'_> {
    /// What the authorizer says, after `answer` if it has asked a question.
    fn opinion(
        self,
        world: &World,
        by: Consulting,
        attributes: &Attributes<'_>,
        answer: Option<&Reply>,
    ) -> AuthorizerOpinion {
        match self {
            Self::PrivilegedGroup if attributes.user.is_privileged() => {
                AuthorizerOpinion::Allow(Grounds::Untold)
            }
            Self::PrivilegedGroup => AuthorizerOpinion::None(Objection::default()),
            Self::Denials => denials(world, attributes, answer),
            Self::Configured(Authorizer::AlwaysAllow)
                if world.config.denials.bound.contains(&attributes.user.name) =>
            {
                AuthorizerOpinion::None(Objection::default())
            }
            Self::Configured(Authorizer::AlwaysAllow) => AuthorizerOpinion::Allow(Grounds::Untold),
            Self::Configured(Authorizer::AlwaysDeny) => {
                AuthorizerOpinion::None(Objection::of_reason("Everything is forbidden."))
            }
            Self::Configured(Authorizer::Node) => node::opinion(world, attributes),
            Self::Configured(Authorizer::Rbac) => rbac::opinion(world, attributes),
            Self::Configured(Authorizer::Abac(policies)) if abac::allows(policies, attributes) => {
                AuthorizerOpinion::Allow(Grounds::Untold)
            }
            Self::Configured(Authorizer::Abac(_)) => {
                AuthorizerOpinion::None(Objection::of_reason("No policy matched."))
            }
            Self::Configured(Authorizer::Webhook(webhook)) => match answer {
                None => webhook::begin(webhook, by, attributes),
                Some(answer) => webhook::opinion(webhook, answer, world.config.flaw),
            },
        }
    }
}

/// Slow denials ask the store for nothing but its revision first, which takes as long as to ask another server would.
fn denials(world: &World, attributes: &Attributes<'_>, answer: Option<&Reply>) -> AuthorizerOpinion {
    let Attributes { user, verb, resource, .. } = attributes;
    let denials = &world.config.denials;
    match answer {
        None if denials.are_slow && denials.concern(&user.name) => {
            let key = Bytes::copy_from_slice(world.config.etcd_prefix.as_bytes());
            let range = Range { key, count_only: true, ..Range::default() };
            return AuthorizerOpinion::Ask(Question::Store(Feed(0), Op::Range(range)));
        }
        None | Some(Reply::Stored(Stored::Ranged(_))) => {}
        Some(Reply::Stored(Stored::Failed(error))) => return failed(&format!("{error:?}")),
        Some(Reply::Stored(Stored::Unknown(why))) => return failed(why),
        Some(
            Reply::Stored(Stored::Txn(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked)
            | Reply::Called(_)
            | Reply::Verified(_)
            | Reply::Turn
            | Reply::Taken(_)
            | Reply::Fresh
            | Reply::Stale
            | Reply::Ruled(_),
        ) => return failed("another question was answered"),
    }
    if attributes.is_resource && denials.deny(&user.name, verb, resource) {
        return AuthorizerOpinion::Deny(Objection::of_reason(format!("{verb} is denied")));
    }
    AuthorizerOpinion::None(Objection::default())
}

/// What cannot be told is forbidden.
fn failed(why: &str) -> AuthorizerOpinion {
    AuthorizerOpinion::Deny(Objection::of_error(why))
}
