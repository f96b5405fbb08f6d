//! Eviction: deletes a pod if the disruption budget that guards it allows that, which is counted in the budget in the
//! same commit.
//! k8s: pkg/registry/core/pod/storage/eviction.go

mod budget;

use super::body::Expected;
use super::delete::{Deletion, Verdict};
use super::existing::{Existing, read_key};
use super::posted::{Posted, PostedAdmission, PostedStage, kind_of};
use super::write::{SeveralProgress, StoringSeveral, encoded, encoded_status};
use super::{Answer, Ask, Next, Notes, Scene, State, fail};
use crate::admission::Admitting;
use crate::answer::Warnings;
use crate::authorization::Target;
use crate::kinds::Kind;
use crate::kinds::pod_condition::{self, PodCondition};
use crate::museum::Mutant;
use crate::status::{Causes, Failure, Path, Qualified};
use crate::store::{Commit, Feed, KeyValue, LeaseId, Op, Range, Rev};
use crate::value::{Value, object};
use crate::wire::options::DeleteOptions;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use bytes::Bytes;

/// The state of an eviction.
#[derive(Clone, Debug)]
pub(crate) struct EvictPod {
    posted: Posted,
    /// How the pod is deleted.
    options: DeleteOptions,
    /// A budget has been charged, in a commit of its own since it is stored elsewhere than the pod.
    is_paid: bool,
    tries: u32,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Admission(PostedStage, Admitting),
    /// The pod is being read.
    Read,
    /// The newest revision of the feed of budgets is being read.
    Newest(Box<Existing>),
    /// The cache of budgets must reach the revision.
    Fresh(Box<Existing>, Rev),
    /// A budget is charged that is not stored where the pod is.
    Charge(StoringSeveral),
    Write(StoringSeveral),
}

pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let catalogue = &*scene.world.registry.catalogue;
    let type_id = catalogue.type_named("policy.v1.Eviction").ok_or_else(fail::misfit)?;
    let expected = |body: &Value| {
        let is_old = body.text_at(&["apiVersion"]) == "policy/v1beta1";
        let version = if is_old { "v1beta1" } else { "v1" };
        Ok(Expected { group: "policy", version, kind: "Eviction", catalogue, type_id })
    };
    let posted = Posted::begin(scene, target, expected, warnings)?;
    let evict =
        EvictPod { posted, options: DeleteOptions::default(), is_paid: false, tries: 0, phase: Phase::Read };
    evict.admit(scene, PostedStage::Mutating, Admitting::default(), Answer::Begin, warnings)
}

impl EvictPod {
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
                let ranged = fail::ranged(answer)?;
                self.read_done(scene, ranged.kvs.into_iter().next(), ranged.revision)
            }
            Phase::Newest(existing) => {
                let revision = fail::ranged(answer)?.revision;
                self.when_fresh(scene, *existing, revision)
            }
            Phase::Fresh(existing, revision) => match answer {
                Answer::Fresh => self.guarded(scene, *existing),
                Answer::Begin
                | Answer::Seated
                | Answer::Body(_)
                | Answer::Stored(_)
                | Answer::Called(_)
                | Answer::Signed(_)
                | Answer::Verified(_)
                | Answer::Turn
                | Answer::Taken(_)
                | Answer::Stale => Err(fail::too_large(revision, scene.world.revision(budget::feed(scene)?))),
            },
            Phase::Charge(storing) => {
                match storing.resume(scene.world, budget::kind(scene)?, answer, notes)? {
                    SeveralProgress::Wait(storing, ask) => Ok(self.wait(Phase::Charge(storing), ask)),
                    SeveralProgress::Committed => Self { is_paid: true, ..self }.read(scene),
                    SeveralProgress::Lost => self.again(scene),
                }
            }
            Phase::Write(storing) => match storing.resume(scene.world, pods(scene)?, answer, notes)? {
                SeveralProgress::Wait(storing, ask) => Ok(self.wait(Phase::Write(storing), ask)),
                SeveralProgress::Committed => Ok(Next::Done(self.posted.respond(scene))),
                SeveralProgress::Lost => self.again(scene),
            },
        }
    }

    fn wait(self, phase: Phase, ask: Ask) -> Next {
        Next::Wait(State::Evict(Box::new(Self { phase, ..self })), ask)
    }

    /// Asks the plugins of a stage. What the eviction says is validated between the two stages.
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
                self.options = self.delete_options(scene)?;
                self.admit(scene, PostedStage::Validating, Admitting::default(), Answer::Begin, warnings)
            }
            PostedAdmission::Admitted => self.read(scene),
        }
    }

    /// How the pod is to be deleted, of what the body and the query say.
    fn delete_options(&self, scene: &Scene<'_>) -> Result<DeleteOptions, Failure> {
        let eviction = &self.posted.value;
        if self.posted.name() != object::name(eviction) {
            return Err(Failure::bad_request("name in URL does not match name in Eviction object"));
        }
        let Some(options) = eviction.field("deleteOptions").filter(|options| !options.is_null()) else {
            return Ok(DeleteOptions { dry_run: self.posted.dry_run, ..DeleteOptions::default() });
        };
        const UNSAFE: &str = "ignoreStoreReadErrorWithClusterBreakingPotential";
        if options.field(UNSAFE).and_then(Value::as_bool) == Some(true) {
            let why = "can not be set for pod eviction, try after removing the option";
            let mut causes = Causes::new();
            causes.invalid(&Path::new("deleteOptions").child(UNSAFE), &Value::Bool(true), why);
            let kind = Qualified { group: "policy", name: "Eviction" };
            return Err(Failure::invalid(kind, self.posted.name(), causes));
        }
        let of_query: Vec<&str> = scene.call.query.all("dryRun").collect();
        let of_body = options.field("dryRun").and_then(Value::as_list).unwrap_or_default();
        let of_body: Vec<&str> = of_body.iter().filter_map(Value::as_str).collect();
        if !of_query.is_empty() && !of_body.is_empty() && of_query != of_body {
            let [query, body] = [of_query.join(" "), of_body.join(" ")];
            let why = format!("Non-matching dry-run options in request and content: [{query}] and [{body}]");
            return Err(Failure::unclassified(why));
        }
        let options = DeleteOptions::from_body(options)?;
        Ok(DeleteOptions { dry_run: options.dry_run || self.posted.dry_run, ..options })
    }

    fn key(&self, scene: &Scene<'_>) -> Result<Bytes, Failure> {
        Ok(scene.collection(pods(scene)?)?.keys.key(self.posted.target.namespace(), self.posted.name()))
    }

    fn read(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        let feed = scene.collection(pods(scene)?)?.feed;
        let key = self.key(scene)?;
        if scene.flaw().is(Mutant::BudgetOverrun)
            && let Some(entry) = scene.cached(pods(scene)?, &key)
        {
            return self.found(scene, Existing::new(entry), Rev(0));
        }
        Ok(self.wait(Phase::Read, Ask::Store(feed, read_key(&key))))
    }

    /// Begins anew after a commit was lost, unless it was lost too often already.
    fn again(self, scene: &Scene<'_>) -> Result<Next, Failure> {
        if self.tries + 1 >= scene.world.config.bounds.conflict_retries {
            return Err(Failure::modified(self.posted.target.qualified(), self.posted.name()));
        }
        Self { tries: self.tries + 1, ..self }.read(scene)
    }

    fn read_done(self, scene: &Scene<'_>, kv: Option<KeyValue>, revision: Rev) -> Result<Next, Failure> {
        let kv = kv.ok_or_else(|| self.posted.target.not_found())?;
        let existing = Existing::new(scene.entry_of(pods(scene)?, kv)?);
        self.found(scene, existing, revision)
    }

    /// Continues with the pod as it was at a revision of its store.
    fn found(self, scene: &Scene<'_>, existing: Existing, revision: Rev) -> Result<Next, Failure> {
        if self.is_paid || is_free(&existing.value) {
            return self.delete(scene, &existing, None);
        }
        let (of_pods, of_budgets) = (scene.collection(pods(scene)?)?.feed, budget::feed(scene)?);
        if of_pods == of_budgets {
            return self.when_fresh(scene, existing, revision);
        }
        let op = Op::Range(Range { key: self.key(scene)?, ..Range::default() });
        Ok(self.wait(Phase::Newest(Box::new(existing)), Ask::Store(of_budgets, op)))
    }

    /// Continues when the cache of budgets is as new as the pod is, so that no budget is overlooked.
    fn when_fresh(self, scene: &Scene<'_>, existing: Existing, revision: Rev) -> Result<Next, Failure> {
        let feed = budget::feed(scene)?;
        if scene.world.revision(feed) < revision {
            let phase = Phase::Fresh(Box::new(existing), revision);
            return Ok(self.wait(phase, Ask::Fresh(feed, revision)));
        }
        self.guarded(scene, existing)
    }

    /// Evicts a pod that a budget may guard.
    fn guarded(self, scene: &Scene<'_>, existing: Existing) -> Result<Next, Failure> {
        let budgets = budget::of_pod(scene, &existing.value)?;
        match budgets.as_slice() {
            [] => self.delete(scene, &existing, None),
            [budget] if budget::spares(&budget.value, &existing.value) => self.delete(scene, &existing, None),
            [budget] => {
                let name = self.posted.name();
                let charged = budget::charged(&budget.value, name, scene.now.wall)?;
                self.delete(scene, &existing, Some((budget, charged)))
            }
            [_, _, ..] => {
                let why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not \
                           support.";
                Err(Failure::unclassified(why))
            }
        }
    }

    /// Deletes the pod and writes the budget that was charged for it.
    fn delete(
        self,
        scene: &Scene<'_>,
        existing: &Existing,
        charged: Option<(&Existing, Value)>,
    ) -> Result<Next, Failure> {
        let deletion = Deletion {
            target: self.posted.target.clone(),
            options: self.options.clone(),
            is_of_collection: false,
        };
        let verdict = deletion.judge(scene, existing)?;
        if self.options.dry_run {
            return Ok(Next::Done(self.posted.respond(scene)));
        }
        let feed = scene.collection(pods(scene)?)?.feed;
        let mut commit = Commit::default();
        if let Some((budget, value)) = charged {
            let kind = budget::kind(scene)?;
            let bytes = encoded_status(scene.world, kind, &budget.value, value, scene.now.wall)?;
            commit = commit.put(budget.entry.key(), budget.revision(), bytes, LeaseId(0));
            let of_budgets = budget::feed(scene)?;
            if of_budgets != feed {
                let flaw = (scene.flaw(), Mutant::BudgetOverrun);
                let (storing, ask) = StoringSeveral::begin(of_budgets, commit, true, flaw);
                return Ok(self.wait(Phase::Charge(storing), ask));
            }
        }
        self.write(scene, existing, verdict, commit, feed)
    }

    fn write(
        self,
        scene: &Scene<'_>,
        existing: &Existing,
        verdict: Verdict,
        commit: Commit,
        feed: Feed,
    ) -> Result<Next, Failure> {
        let (key, revision) = (existing.entry.key(), existing.revision());
        let marked = match verdict {
            Verdict::Remove { .. } => None,
            Verdict::Mark(draft) => Some(draft.value),
            Verdict::Wait => Some(existing.value.clone()),
        };
        let commit = match marked {
            None => commit.delete(key, revision),
            Some(mut pod) => {
                pod_condition::set(&mut pod, DISRUPTED, scene.now.wall);
                commit.put(key, revision, encoded(scene.world, pods(scene)?, pod)?, LeaseId(0))
            }
        };
        let (storing, ask) = StoringSeveral::begin(feed, commit, true, (scene.flaw(), Mutant::BudgetOverrun));
        Ok(self.wait(Phase::Write(storing), ask))
    }
}

/// Why an evicted pod ends.
const DISRUPTED: PodCondition<'static> = PodCondition {
    condition: "DisruptionTarget",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
};

/// Whether no budget guards the pod, since it does not run yet, or ends or has ended already.
fn is_free(pod: &Value) -> bool {
    let phase = pod.text_at(&["status", "phase"]);
    matches!(phase, "Succeeded" | "Failed" | "Pending") || object::is_being_deleted(pod)
}

fn pods<'a>(scene: &Scene<'a>) -> Result<&'a Kind, Failure> {
    kind_of(scene, "", "v1", "pods").map(|kind| &**kind)
}
