//! Questions to the authorizers beside that of the request itself: those of access reviews, of plugins, and about the
//! right to give away rights. They are kept while they wait.

use super::opinion::Objection;
use super::{Attributes, Decision, Selecting, Undecided, decide};
use crate::caller::Caller;
use crate::question::{Question, Reply, Ruling};
use crate::value::{Text, Value};
use crate::world::World;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What somebody wants to do, in a form that outlives a step. The texts are those of `Attributes`.
#[derive(Clone, Debug)]
pub(crate) struct AttributesRecord {
    pub(crate) user: Caller,
    pub(crate) verb: Text,
    pub(crate) is_resource: bool,
    pub(crate) group: Text,
    /// `*` for all versions.
    pub(crate) version: Text,
    pub(crate) resource: Text,
    pub(crate) subresource: Text,
    pub(crate) namespace: Text,
    pub(crate) name: Text,
    pub(crate) path: Text,
    /// As an access review has them; Null for none.
    pub(crate) field_selector: Value,
    pub(crate) label_selector: Value,
}

impl AttributesRecord {
    /// To do something with the objects of a resource, in any version; the rest is empty.
    pub(crate) fn of_resource(user: &Caller, verb: &str, group: &str, resource: &str) -> Self {
        let user = user.clone();
        Self { is_resource: true, group: group.into(), resource: resource.into(), ..Self::blank(user, verb) }
    }

    /// To use a path.
    pub(crate) fn of_path(user: Caller, verb: &str, path: &str) -> Self {
        Self { path: path.into(), version: Text::default(), ..Self::blank(user, verb) }
    }

    fn blank(user: Caller, verb: &str) -> Self {
        Self {
            user,
            verb: verb.into(),
            is_resource: false,
            group: Text::default(),
            version: "*".into(),
            resource: Text::default(),
            subresource: Text::default(),
            namespace: Text::default(),
            name: Text::default(),
            path: Text::default(),
            field_selector: Value::Null,
            label_selector: Value::Null,
        }
    }

    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes {
            user: &self.user,
            verb: &self.verb,
            is_resource: self.is_resource,
            group: &self.group,
            version: &self.version,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            path: &self.path,
            field_selector: Selecting::of_review(Some(&self.field_selector)),
            label_selector: Selecting::of_review(Some(&self.label_selector)),
        }
    }
}

/// Questions that are decided one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Deciding {
    questions: Vec<AttributesRecord>,
    /// The results of the first of them.
    rulings: Vec<Ruling>,
    /// The decision about the next one, if it waits.
    undecided: Option<Undecided>,
}

/// How far questions are decided.
#[derive(Debug)]
pub(crate) enum Decided {
    /// All of them, in their order.
    All(Vec<Ruling>),
    Wait(Box<Deciding>, Question),
}

impl Deciding {
    pub(crate) fn new(questions: Vec<AttributesRecord>) -> Self {
        Self { questions, rulings: Vec::new(), undecided: None }
    }

    /// Goes on, with the answer to what it waited for if it did.
    pub(crate) fn go_on(mut self, world: &World, mut answer: Option<&Reply>) -> Decided {
        while let Some(question) = self.questions.get(self.rulings.len()) {
            let attributes = question.attributes();
            let decision = match (self.undecided.take(), answer.take()) {
                (Some(undecided), Some(answer)) => undecided.resume(world, attributes, answer),
                (Some(_) | None, _) => decide(world, attributes),
            };
            let ruling = match decision {
                Decision::Allowed(permit) => {
                    Ruling { is_allowed: true, reason: permit.reason(), ..Ruling::default() }
                }
                Decision::Denied(Objection { reason, error }) => {
                    Ruling { is_denied: true, reason, error, ..Ruling::default() }
                }
                Decision::NoOpinion(Objection { reason, error }) => {
                    Ruling { reason, error, ..Ruling::default() }
                }
                Decision::Wait(undecided, question) => {
                    let waiting = Self { undecided: Some(undecided), ..self };
                    return Decided::Wait(Box::new(waiting), question);
                }
            };
            self.rulings.push(ruling);
        }
        Decided::All(self.rulings)
    }
}
