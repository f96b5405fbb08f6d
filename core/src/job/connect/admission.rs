//! A connection on its way through admission, which may change its options.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go ConnectResource

use super::super::posted::{PostedAdmission, PostedStage, admit};
use super::super::{Answer, Next, Scene, State, fail};
use crate::admission::{AdmissionAttributes, AdmissionOperation, Admitting, OperationOptions};
use crate::answer::Warnings;
use crate::authorization::Target;
use crate::question::Reply;
use crate::status::Failure;
use crate::value::Value;
use alloc::boxed::Box;

/// A connection that is being admitted.
#[derive(Clone, Debug)]
pub(crate) struct ConnectAdmission {
    pub(in crate::job) target: Target,
    /// The options of the subresource, as plugins see them.
    options: Value,
    stage: PostedStage,
    admitting: Admitting,
}

impl ConnectAdmission {
    pub(super) fn begin(
        scene: &Scene<'_>,
        target: Target,
        options: Value,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let (stage, admitting) = (PostedStage::Mutating, Admitting::default());
        Self { target, options, stage, admitting }.ask(scene, None, warnings)
    }

    pub(in crate::job) fn step(
        self,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let found = fail::reply(answer)?;
        self.ask(scene, Some(found), warnings)
    }

    fn ask(
        mut self,
        scene: &Scene<'_>,
        mut found: Option<Reply>,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        loop {
            let attributes = AdmissionAttributes {
                operation: AdmissionOperation::Connect,
                resource: self.target.resource(),
                subresource: self.target.subresource(),
                namespace: self.target.namespace(),
                name: self.target.name(),
                old: &Value::Null,
                caller: scene.caller,
                now: scene.now.wall,
                dry_run: false,
                options: OperationOptions::None,
                rng: &scene.call.rng,
                converter: scene,
            };
            let from = (self.stage, core::mem::take(&mut self.admitting), found.take());
            match admit(scene, &attributes, &mut self.options, from, warnings)? {
                PostedAdmission::Wait(admitting, ask) => {
                    let waiting = Self { admitting, ..self };
                    return Ok(Next::Wait(State::AdmitConnection(Box::new(waiting)), ask));
                }
                PostedAdmission::Admitted => match self.stage {
                    PostedStage::Mutating => self.stage = PostedStage::Validating,
                    PostedStage::Validating => return super::admitted(scene, self.target, &self.options),
                },
            }
        }
    }
}
