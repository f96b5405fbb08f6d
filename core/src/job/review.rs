//! Access reviews: POST of a question about what somebody may do, which is answered with the authorizers' decision and
//! stored nowhere.
//! k8s: pkg/registry/authorization/{subjectaccessreview,selfsubjectaccessreview,localsubjectaccessreview,
//! selfsubjectrulesreview}/rest.go

mod asked;
mod validation;

use super::body::Expected;
use super::posted::{Posted, PostedAdmission, PostedStage, kind_of};
use super::{Answer, Next, Scene, State, fail};
use crate::admission::Admitting;
use crate::answer::Warnings;
use crate::authorization::{Decided, Deciding, Selecting, Target, list_rules};
use crate::kinds::Kind;
use crate::kinds::validation::Errors;
use crate::question::Ruling;
use crate::status::{Failure, Qualified};
use crate::value::{Text, Value};
use crate::world::indexes::PolicyRule;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(super) const GROUP: &str = "authorization.k8s.io";

/// Whose rights a review is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReviewKind {
    /// Those of a user whom the review names.
    Subject,
    /// The same, in one namespace.
    LocalSubject,
    /// The caller's own.
    SelfSubject,
    /// All of the caller's own in a namespace.
    SelfRules,
}

/// The state of an access review.
#[derive(Debug)]
pub(crate) struct AccessReview {
    kind: ReviewKind,
    posted: Posted,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Plugins that may change the review wait.
    Mutating(Admitting),
    /// Plugins that may refuse it wait.
    Validating(Admitting),
    /// The authorizers wait.
    Deciding(Box<Deciding>),
}

/// Starts a review, whose body has arrived.
pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let kind = match target.resource().plural.as_str() {
        "subjectaccessreviews" => ReviewKind::Subject,
        "localsubjectaccessreviews" => ReviewKind::LocalSubject,
        "selfsubjectaccessreviews" => ReviewKind::SelfSubject,
        _ => ReviewKind::SelfRules,
    };
    let resource = resource(scene, &target)?.clone();
    let expected = Expected::of(&resource);
    let mut posted = Posted::begin(scene, target, |_| Ok(expected), warnings)?;
    posted.record(scene, expected)?;
    let phase = Phase::Mutating(Admitting::default());
    AccessReview { kind, posted, phase }.mutate(scene, Admitting::default(), None, warnings)
}

/// The resource in its own `Arc`, which outlives the review.
fn resource<'a>(scene: &Scene<'a>, target: &Target) -> Result<&'a Arc<Kind>, Failure> {
    let resource = target.resource();
    kind_of(scene, &resource.group, &resource.version, &resource.plural)
}

impl AccessReview {
    pub(super) fn target(&self) -> &Target {
        &self.posted.target
    }

    pub(super) fn step(
        self,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let Self { kind, posted, phase } = self;
        let again = |phase| Self { kind, posted, phase };
        match phase {
            Phase::Mutating(admitting) => {
                again(Phase::Mutating(Admitting::default())).mutate(scene, admitting, Some(answer), warnings)
            }
            Phase::Validating(admitting) => again(Phase::Validating(Admitting::default())).validate(
                scene,
                admitting,
                Some(answer),
                warnings,
            ),
            Phase::Deciding(deciding) => {
                again(Phase::Validating(Admitting::default())).decide(scene, *deciding, Some(answer))
            }
        }
    }

    fn wait(self, phase: Phase, ask: super::Ask) -> Next {
        Next::Wait(State::Review(Box::new(Self { phase, ..self })), ask)
    }

    fn mutate(
        mut self,
        scene: &Scene<'_>,
        admitting: Admitting,
        answer: Option<Answer>,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let found = answer.map(fail::reply).transpose()?;
        match self.posted.admit(scene, PostedStage::Mutating, admitting, found, warnings)? {
            PostedAdmission::Wait(admitting, ask) => Ok(self.wait(Phase::Mutating(admitting), ask)),
            PostedAdmission::Admitted => {
                self.check()?;
                self.validate(scene, Admitting::default(), None, warnings)
            }
        }
    }

    fn check(&self) -> Result<(), Failure> {
        if self.kind == ReviewKind::SelfRules {
            if self.posted.value.text_at(&["spec", "namespace"]).is_empty() {
                return Err(Failure::bad_request("no namespace on request"));
            }
            return Ok(());
        }
        let mut errors = Errors::new();
        validation::validate(self.kind, &self.posted.value, &mut errors);
        if errors.is_empty() {
            return Ok(());
        }
        // Upstream names no kind here.
        Err(Failure::invalid(Qualified { group: GROUP, name: "" }, "", errors.into_causes()))
    }

    fn validate(
        mut self,
        scene: &Scene<'_>,
        admitting: Admitting,
        answer: Option<Answer>,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let found = answer.map(fail::reply).transpose()?;
        match self.posted.admit(scene, PostedStage::Validating, admitting, found, warnings)? {
            PostedAdmission::Wait(admitting, ask) => Ok(self.wait(Phase::Validating(admitting), ask)),
            PostedAdmission::Admitted if self.kind == ReviewKind::SelfRules => self.list(scene),
            PostedAdmission::Admitted => {
                let record = match self.kind {
                    ReviewKind::SelfSubject | ReviewKind::SelfRules => {
                        asked::record(scene.caller.clone(), &self.posted.value)
                    }
                    ReviewKind::Subject | ReviewKind::LocalSubject => {
                        asked::record(asked::subject(&self.posted.value), &self.posted.value)
                    }
                };
                self.decide(scene, Deciding::new(alloc::vec![record]), None)
            }
        }
    }

    fn decide(
        mut self,
        scene: &Scene<'_>,
        deciding: Deciding,
        answer: Option<Answer>,
    ) -> Result<Next, Failure> {
        let found = answer.map(fail::reply).transpose()?;
        match deciding.go_on(scene.world, found.as_ref()) {
            Decided::Wait(deciding, question) => Ok(self.wait(Phase::Deciding(deciding), question.into())),
            Decided::All(rulings) => {
                let ruling = rulings.into_iter().next().ok_or_else(fail::misfit)?;
                let status = status(&ruling, &self.posted.value);
                self.posted.value.set("status", status);
                self.respond(scene)
            }
        }
    }

    /// Answers with all rules, and with nothing of what was sent.
    fn list(mut self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let namespace = self.posted.value.text_at(&["spec", "namespace"]);
        let listed = list_rules(scene.world, scene.caller, namespace);
        let mut status = Value::empty_map();
        let of_resources = listed.rules.iter().filter(|rule| !rule.resources.is_empty());
        status.set("resourceRules", Value::list(of_resources.map(resource_rule).collect()));
        let of_paths = listed.rules.iter().filter(|rule| !rule.non_resource_urls.is_empty());
        status.set("nonResourceRules", Value::list(of_paths.map(non_resource_rule).collect()));
        status.set("incomplete", Value::Bool(listed.is_incomplete));
        set_text(&mut status, "evaluationError", &listed.error);
        for member in ["metadata", "spec"] {
            self.posted.value.set(member, Value::empty_map());
        }
        self.posted.value.set("status", status);
        self.respond(scene)
    }

    fn respond(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let resource = resource(scene, &self.posted.target)?;
        Ok(Next::Done(self.posted.respond_with_object(Expected::of(resource))))
    }
}

fn set_text(value: &mut Value, member: &str, text: &str) {
    if !text.is_empty() {
        value.set(member, Value::str(text));
    }
}

/// k8s: pkg/registry/authorization/util/helpers.go BuildEvaluationError
fn status(ruling: &Ruling, review: &Value) -> Value {
    let mut status = Value::empty_map();
    status.set("allowed", Value::Bool(ruling.is_allowed));
    if ruling.is_denied {
        status.set("denied", Value::Bool(true));
    }
    set_text(&mut status, "reason", &ruling.reason);
    let mut errors: Vec<String> =
        Some(ruling.error.clone()).into_iter().filter(|error| !error.is_empty()).collect();
    let selecting =
        |member: &'static str| Selecting::of_review(review.at(&["spec", "resourceAttributes", member]));
    let (fields, labels) = (selecting("fieldSelector").fields(), selecting("labelSelector").labels());
    let read = [
        ("fieldSelector", fields.is_incomplete, fields.requirements.is_empty()),
        ("labelSelector", labels.is_incomplete, labels.requirements.is_empty()),
    ];
    for (member, _, is_ignored) in read.into_iter().filter(|(_, is_incomplete, _)| *is_incomplete) {
        let how = if is_ignored { "ignored" } else { "partially ignored" };
        errors.push(alloc::format!("spec.resourceAttributes.{member} {how} due to parse error"));
    }
    set_text(&mut status, "evaluationError", &errors.join("; "));
    status
}

fn set_texts(value: &mut Value, member: &str, list: &[Text]) {
    if !list.is_empty() {
        value.set(member, Value::texts(list));
    }
}

fn resource_rule(rule: &PolicyRule) -> Value {
    let mut value = Value::empty_map();
    value.set("verbs", Value::texts(&rule.verbs));
    set_texts(&mut value, "apiGroups", &rule.api_groups);
    set_texts(&mut value, "resources", &rule.resources);
    set_texts(&mut value, "resourceNames", &rule.resource_names);
    value
}

fn non_resource_rule(rule: &PolicyRule) -> Value {
    let mut value = Value::empty_map();
    value.set("verbs", Value::texts(&rule.verbs));
    set_texts(&mut value, "nonResourceURLs", &rule.non_resource_urls);
    value
}
