//! Binding: assigns a pod to a node, once. It is posted to the pod's subresource, or in the old way to the collection
//! of bindings.
//! k8s: pkg/registry/core/pod/storage/storage.go BindingREST, LegacyBindingREST

use super::body::Expected;
use super::existing::{Existing, read_key};
use super::posted::{Posted, PostedAdmission, PostedStage, kind_of};
use super::write::conditions::check_same;
use super::write::{SeveralProgress, StoringSeveral, encoded};
use super::{Answer, Ask, Next, Notes, Scene, State, fail};
use crate::admission::Admitting;
use crate::answer::Warnings;
use crate::authorization::Target;
use crate::kinds::Kind;
use crate::kinds::pod_condition::{self, PodCondition};
use crate::kinds::validation::{Errors, Located};
use crate::museum::Mutant;
use crate::status::{Failure, Qualified};
use crate::store::{Commit, LeaseId};
use crate::value::{Map, Value, names, object, quoted};
use alloc::boxed::Box;
use alloc::format;
use bytes::Bytes;

const PODS: Qualified<'static> = Qualified { group: "", name: "pods" };
const POD_BINDING: Qualified<'static> = Qualified { group: "", name: "pods/binding" };

/// The state of a binding.
#[derive(Clone, Debug)]
pub(crate) struct BindPod {
    posted: Posted,
    tries: u32,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Admission(PostedStage, Admitting),
    /// The pod is being read, because it was not in the cache or the cached one led to an error.
    Read,
    Write(StoringSeveral),
}

pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let catalogue = &*scene.world.registry.catalogue;
    let type_id = catalogue.type_named("core.v1.Binding").ok_or_else(fail::misfit)?;
    let expected = Expected { group: "", version: "v1", kind: "Binding", catalogue, type_id };
    let posted = Posted::begin(scene, target, |_| Ok(expected), warnings)?;
    let bind = BindPod { posted, tries: 0, phase: Phase::Read };
    bind.admit(scene, PostedStage::Mutating, Admitting::default(), Answer::Begin, warnings)
}

impl BindPod {
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
        match core::mem::replace(&mut self.phase, Phase::Read) {
            Phase::Admission(stage, admitting) => self.admit(scene, stage, admitting, answer, warnings),
            Phase::Read => {
                let kv = fail::ranged(answer)?.kvs.pop().ok_or_else(|| self.absent())?;
                let entry = scene.entry_of(pods(scene)?, kv)?;
                self.attempt(scene, Existing::new(entry), true)
            }
            Phase::Write(storing) => match storing.resume(scene.world, pods(scene)?, answer, notes)? {
                SeveralProgress::Wait(storing, ask) => Ok(self.wait(Phase::Write(storing), ask)),
                SeveralProgress::Committed => Ok(Next::Done(self.posted.respond(scene))),
                SeveralProgress::Lost => self.again(scene),
            },
        }
    }

    fn wait(self, phase: Phase, ask: Ask) -> Next {
        Next::Wait(State::Bind(Box::new(Self { phase, ..self })), ask)
    }

    /// Asks the plugins of a stage. What a binding says is validated between the two stages.
    fn admit(
        mut self,
        scene: &Scene<'_>,
        stage: PostedStage,
        admitting: Admitting,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let found = match answer {
            Answer::Begin => None,
            answer => Some(fail::reply(answer)?),
        };
        match self.posted.admit(scene, stage, admitting, found, warnings)? {
            PostedAdmission::Wait(admitting, ask) => Ok(self.wait(Phase::Admission(stage, admitting), ask)),
            PostedAdmission::Admitted if stage == PostedStage::Mutating => {
                self.validate()?;
                self.admit(scene, PostedStage::Validating, Admitting::default(), Answer::Begin, warnings)
            }
            PostedAdmission::Admitted => self.start(scene),
        }
    }

    /// k8s: pkg/apis/core/validation/validation.go ValidatePodBinding
    fn validate(&self) -> Result<(), Failure> {
        let binding = &self.posted.value;
        if self.posted.name() != object::name(binding) {
            return Err(Failure::bad_request("name in URL does not match name in Binding object"));
        }
        let binding = Located::root(binding);
        let mut errors = Errors::new();
        let kind = binding.at(&["target", "kind"]);
        if !matches!(kind.text(), "" | "Node") {
            errors.not_supported(&kind, &["Node", "<empty>"]);
        }
        let name = binding.at(&["target", "name"]);
        if name.text().is_empty() {
            errors.required(&name, "");
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Failure::unclassified(errors.into_causes().summary()))
    }

    fn key(&self, scene: &Scene<'_>) -> Result<Bytes, Failure> {
        Ok(scene.collection(pods(scene)?)?.keys.key(self.posted.target.namespace(), self.posted.name()))
    }

    fn absent(&self) -> Failure {
        Failure::not_found(PODS, self.posted.name())
    }

    /// Starts from the cached pod. In the old way the name is not part of the path, and not checked yet.
    fn start(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let name = self.posted.name();
        if name.is_empty() {
            return Err(Failure::bad_request("Name parameter required."));
        }
        if let Some(problem) = names::path_segment(name, false).first() {
            return Err(Failure::bad_request(format!("Name parameter invalid: {}: {problem}", quoted(name))));
        }
        match scene.cached(pods(scene)?, &self.key(scene)?) {
            Some(entry) => self.attempt(scene, Existing::new(entry), false),
            None => self.read(scene),
        }
    }

    fn read(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let feed = scene.collection(pods(scene)?)?.feed;
        let op = read_key(&self.key(scene)?);
        Ok(self.wait(Phase::Read, Ask::Store(feed, op)))
    }

    /// Reads the pod again after the commit was lost, unless it was lost too often already.
    fn again(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        if self.tries + 1 >= scene.world.config.bounds.conflict_retries {
            return Err(Failure::modified(PODS, self.posted.name()));
        }
        Self { tries: self.tries + 1, ..self }.read(scene)
    }

    /// Assigns a pod. The cached one may be stale, so what it leads to is told only after the store's one
    /// (`confirmed`) has led to it too.
    fn attempt(self, scene: &Scene<'_>, existing: Existing, confirmed: bool) -> Result<Next, Failure> {
        let assigned = match self.assigned(scene, &existing) {
            Err(_) if !confirmed => return self.read(scene),
            Ok(_) if self.posted.dry_run && !confirmed => return self.read(scene),
            assigned => assigned?,
        };
        if self.posted.dry_run {
            return Ok(Next::Done(self.posted.respond(scene)));
        }
        let kind = pods(scene)?;
        let bytes = encoded(scene.world, kind, assigned)?;
        let key = existing.entry.key();
        let commit = Commit::default().put(key, existing.revision(), bytes, LeaseId(0));
        let feed = scene.collection(kind)?.feed;
        let (storing, ask) =
            StoringSeveral::begin(feed, commit, confirmed, (scene.flaw(), Mutant::BoundTwice));
        Ok(self.wait(Phase::Write(storing), ask))
    }

    /// The pod on its node.
    fn assigned(&self, scene: &Scene<'_>, existing: &Existing) -> Result<Value, Failure> {
        let (binding, pod) = (&self.posted.value, &existing.value);
        let name = object::name(pod);
        let key = existing.entry.key();
        check_same(PODS, name, binding, pod, key)?;
        let refused = |why: &str| Err(Failure::conflict(POD_BINDING, name, why));
        if object::is_being_deleted(pod) {
            return refused(&format!("pod {name} is being deleted, cannot be assigned to a host"));
        }
        let node = pod.text_at(&["spec", "nodeName"]);
        if !node.is_empty() {
            return refused(&format!("pod {name} is already assigned to node {}", quoted(node)));
        }
        let gates = pod.at(&["spec", "schedulingGates"]).and_then(Value::as_list).unwrap_or_default();
        if !gates.is_empty() {
            return refused(&format!("pod {name} has non-empty .spec.schedulingGates"));
        }
        let mut pod = pod.clone();
        pod.set_at(&["spec", "nodeName"], binding.text_at(&["target", "name"]).into());
        pod.remove_at(&["status", "nominatedNodeName"]);
        for field in ["annotations", "labels"] {
            let held = binding.at(&["metadata", field]).and_then(Value::as_map);
            for (key, value) in held.into_iter().flat_map(Map::iter) {
                pod.set_at(&["metadata", field, key], value.clone());
            }
        }
        let scheduled = PodCondition { condition: "PodScheduled", reason: "", message: "" };
        pod_condition::set(&mut pod, scheduled, scene.now.wall);
        Ok(pod)
    }
}

fn pods<'a>(scene: &Scene<'a>) -> Result<&'a Kind, Failure> {
    kind_of(scene, "", "v1", "pods").map(|kind| &**kind)
}
