//! Whether a caller may do what they ask for: the authorizers are asked one after the other, until one decides.
//! k8s: pkg/kubeapiserver/authorizer/config.go,
//! staging/src/k8s.io/apiserver/pkg/authorization/union/union.go

use super::{Attributes, Permit};
use crate::config::{Authorizer, Config};
use crate::museum::Mutant;
use crate::question::{Question, Reply};
use crate::store::{Feed, Op, Range, Stored};
use crate::world::World;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// What came of a question.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    Allowed(Permit<'a>),
    /// An authorizer forbids it, and why.
    Denied(String),
    /// No authorizer allows it. The reasons of all of them, a line each.
    NoOpinion(String),
    /// An authorizer could not tell, and forbids what it cannot tell; and why.
    Failed(String),
    /// An authorizer must know something first. The deciding goes on with `resume`.
    Wait(Undecided, Question),
}

/// A decision that waits for the answer to a question.
#[derive(Debug, Default)]
pub(crate) struct Undecided {
    /// The authorizer that is asked next, or that has asked the question.
    at: usize,
    /// Why those before it do not allow it, as far as they say.
    reasons: Vec<String>,
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
fn asked(config: &Config, at: usize) -> Option<Asked<'_>> {
    match at {
        0 => Some(Asked::PrivilegedGroup),
        1 => Some(Asked::Denials),
        _ => config.authorization.get(at - 2).map(Asked::Configured),
    }
}

/// What one authorizer says.
enum Opinion {
    Allow,
    Deny(String),
    /// It leaves the decision to the next one, and why it does not allow it itself; empty for no reason.
    None(String),
    Failed(String),
    Ask(Question),
}

/// Decides whether a request is allowed.
pub(crate) fn decide<'a>(world: &World, attributes: Attributes<'a>) -> Decision<'a> {
    Undecided::default().go_on(world, attributes, None)
}

/// Decides about something that a request turns out to do beside what it asked for first, such as a PUT that creates
/// its object.
pub(crate) fn decide_again<'a>(world: &World, attributes: Attributes<'a>) -> Decision<'a> {
    if world.config.flaw.is(Mutant::CreationNotAskedFor) {
        return Decision::Allowed(Permit::new(attributes));
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
        while let Some(authorizer) = asked(&world.config, self.at) {
            match authorizer.opinion(world, &attributes, answer.take()) {
                Opinion::Allow => return Decision::Allowed(Permit::new(attributes)),
                Opinion::Deny(reason) => return Decision::Denied(reason),
                Opinion::Ask(question) => return Decision::Wait(self, question),
                Opinion::None(reason) if reason.is_empty() => {}
                Opinion::None(reason) => self.reasons.push(reason),
                Opinion::Failed(why) => return Decision::Failed(why),
            }
            self.at += 1;
        }
        Decision::NoOpinion(self.reasons.join("\n"))
    }
}

impl Asked<'_> {
    /// What the authorizer says, after `answer` if it has asked a question.
    fn opinion(self, world: &World, attributes: &Attributes<'_>, answer: Option<&Reply>) -> Opinion {
        match self {
            Self::PrivilegedGroup if attributes.user.is_privileged() => Opinion::Allow,
            Self::PrivilegedGroup => Opinion::None(String::new()),
            Self::Denials => denials(world, attributes, answer),
            Self::Configured(Authorizer::AlwaysAllow) => Opinion::Allow,
            Self::Configured(Authorizer::AlwaysDeny) => {
                Opinion::None(String::from("Everything is forbidden."))
            }
        }
    }
}

/// Slow denials ask the store for nothing but its revision first, which takes as long as to ask another server would.
fn denials(world: &World, attributes: &Attributes<'_>, answer: Option<&Reply>) -> Opinion {
    let Attributes { user, verb, resource, .. } = attributes;
    let denials = &world.config.denials;
    match answer {
        None if denials.are_slow && denials.concern(&user.name) => {
            let key = Bytes::copy_from_slice(world.config.etcd_prefix.as_bytes());
            let range = Range { key, count_only: true, ..Range::default() };
            return Opinion::Ask(Question::Store(Feed(0), Op::Range(range)));
        }
        None | Some(Reply::Stored(Stored::Ranged(_))) => {}
        Some(Reply::Stored(Stored::Failed(error))) => return Opinion::Failed(format!("{error:?}")),
        Some(Reply::Stored(Stored::Unknown(why))) => return Opinion::Failed(String::from(why.as_str())),
        Some(
            Reply::Stored(Stored::Txn(_) | Stored::Compacted | Stored::Leased { .. } | Stored::Revoked)
            | Reply::Called(_)
            | Reply::Verified(_)
            | Reply::Turn
            | Reply::Fresh
            | Reply::Stale,
        ) => return Opinion::Failed(String::from("another question was answered")),
    }
    if attributes.is_resource && denials.deny(&user.name, verb, resource) {
        return Opinion::Deny(format!("{verb} is denied"));
    }
    Opinion::None(String::new())
}
