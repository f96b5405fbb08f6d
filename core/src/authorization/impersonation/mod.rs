//! Acting as somebody else: the ways to do it are tried one after the other, until one is allowed.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation/{constrained_impersonation,mode}.go

mod modes;

use super::opinion::Objection;
use super::{Attributes, Decision, Undecided, decide};
use crate::caller::Caller;
use crate::identity::WantedUser;
use crate::question::{Question, Reply};
use crate::status::Failure;
use crate::world::World;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use modes::{ImpersonationCheck, Mode};

/// An attempt to act as somebody else, on its way through the modes.
#[derive(Debug)]
pub(crate) struct Impersonating {
    wanted: WantedUser,
    /// How many modes were tried in vain.
    tried: usize,
    /// The checks of the mode that is tried, and how many of them were passed.
    checks: Vec<ImpersonationCheck>,
    passed: usize,
    undecided: Option<Undecided>,
    /// Why the first of the modes that fit does not allow it.
    refusal: Option<Failure>,
}

/// How it goes on.
#[derive(Debug)]
pub(crate) enum ImpersonationProgress {
    /// The request goes on as this user.
    As(Caller),
    Refused(Failure),
    Wait(Box<Impersonating>, Question),
}

impl Impersonating {
    pub(crate) fn new(wanted: WantedUser) -> Self {
        Self { wanted, tried: 0, checks: Vec::new(), passed: 0, undecided: None, refusal: None }
    }

    /// Asks the authorizers from where this stands. `request` is what the request asks for, as its own caller. `reply`
    /// is what it has waited for.
    pub(crate) fn go_on(
        mut self,
        world: &World,
        request: &Attributes<'_>,
        mut reply: Option<Reply>,
    ) -> ImpersonationProgress {
        while let Some(mode) = Mode::ALL.get(self.tried).copied() {
            if self.checks.is_empty() {
                match mode.checks(&self.wanted, request.user) {
                    Some(checks) => self.checks = checks,
                    None => {
                        self.tried += 1;
                        continue;
                    }
                }
            }
            match self.check(world, request, reply.take()) {
                Passing::Passed => return ImpersonationProgress::As(mode.user(self.wanted)),
                Passing::Wait(question) => return ImpersonationProgress::Wait(Box::new(self), question),
                Passing::Refused(refusal) => {
                    self.refusal.get_or_insert(refusal);
                    self.checks.clear();
                    (self.passed, self.tried) = (0, self.tried + 1);
                }
            }
        }
        let refusal = self.refusal.unwrap_or_else(|| Failure::internal("all impersonation modes failed"));
        ImpersonationProgress::Refused(refusal)
    }

    /// Goes through the checks of a mode.
    fn check(&mut self, world: &World, request: &Attributes<'_>, mut reply: Option<Reply>) -> Passing {
        while let Some(check) = self.checks.get(self.passed) {
            let verb = match check {
                ImpersonationCheck::Request { prefix, .. } => format!("{prefix}{}", request.verb),
                ImpersonationCheck::Must(_)
                | ImpersonationCheck::Shortcut(..)
                | ImpersonationCheck::Never(_) => String::new(),
            };
            let Some(attributes) = check.attributes(request, &verb) else {
                return match check {
                    ImpersonationCheck::Never(refusal) => Passing::Refused(refusal.clone()),
                    ImpersonationCheck::Request { .. }
                    | ImpersonationCheck::Must(_)
                    | ImpersonationCheck::Shortcut(..) => Passing::Passed,
                };
            };
            let decision = match (self.undecided.take(), reply.take()) {
                (Some(undecided), Some(reply)) => undecided.resume(world, attributes, &reply),
                (Some(_) | None, _) => decide(world, attributes),
            };
            let skipped = match (decision, check) {
                (Decision::Allowed(_), ImpersonationCheck::Shortcut(_, next)) => *next,
                (
                    Decision::Allowed(_),
                    ImpersonationCheck::Request { .. }
                    | ImpersonationCheck::Must(_)
                    | ImpersonationCheck::Never(_),
                ) => 0,
                (Decision::Denied(_) | Decision::NoOpinion(_), ImpersonationCheck::Shortcut(..)) => 0,
                (
                    Decision::Denied(objection) | Decision::NoOpinion(objection),
                    ImpersonationCheck::Request { .. }
                    | ImpersonationCheck::Must(_)
                    | ImpersonationCheck::Never(_),
                ) => return Passing::Refused(attributes.forbidden(&told(&objection))),
                (Decision::Wait(undecided, question), _) => {
                    self.undecided = Some(undecided);
                    return Passing::Wait(question);
                }
            };
            self.passed += 1 + skipped;
        }
        Passing::Passed
    }
}

/// How far the checks of a mode are.
enum Passing {
    Passed,
    Refused(Failure),
    Wait(Question),
}

/// k8s: mode.go checkAuthorization
fn told(objection: &Objection) -> String {
    match (objection.error.as_str(), objection.reason.as_str()) {
        ("", reason) => reason.into(),
        (error, "") => error.into(),
        (error, reason) => format!("{error}: {reason}"),
    }
}
