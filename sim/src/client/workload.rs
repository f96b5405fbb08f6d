//! A client that creates Deployments and Pods and changes their spec and their status, separately and together. It
//! also does what a kubelet does.

use super::{Client, IDLE_MILLIS, Next, Scene, reading};
use crate::ask::{Ask, Query};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use bytes::Bytes;
use steersman_core::codec::json;
use steersman_core::value::{Value, object};

const NAMES: u64 = 3;
const FINALIZER: &str = "example.com/hold";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    CreateDeployment,
    /// Updates a whole object with a changed spec. Its status is changed too, which must have no effect.
    PutSpec,
    PatchSpec,
    PatchTemplate,
    PatchLabels,
    /// Updates the status with a whole object. Its spec is changed too, which must have no effect.
    PutStatus,
    PatchStatus,
    ReadScale,
    PutScale,
    PatchScale,
    AddFinalizer,
    DropFinalizers,
    DeleteDeployment(&'static str),
    CreatePod,
    /// Creates a pod without a node, which a deletion removes at once.
    CreateUnscheduled,
    PatchImage,
    PatchPodStatus,
    AddPodFinalizer,
    DropPodFinalizers,
    DeletePod,
    DeletePodGrace,
    /// Deletes a pod with grace period 0, as the kubelet does when its containers have ended.
    DeletePodAtOnce,
}

const OPERATIONS: &[Operation] = &[
    Operation::CreateDeployment,
    Operation::CreateDeployment,
    Operation::CreatePod,
    Operation::CreatePod,
    Operation::CreateUnscheduled,
    Operation::PutSpec,
    Operation::PutSpec,
    Operation::PatchSpec,
    Operation::PatchTemplate,
    Operation::PatchLabels,
    Operation::PutStatus,
    Operation::PutStatus,
    Operation::PatchStatus,
    Operation::ReadScale,
    Operation::PutScale,
    Operation::PatchScale,
    Operation::AddFinalizer,
    Operation::DropFinalizers,
    Operation::DropFinalizers,
    Operation::DeleteDeployment(""),
    Operation::DeleteDeployment("Background"),
    Operation::PatchImage,
    Operation::PatchPodStatus,
    Operation::AddPodFinalizer,
    Operation::DropPodFinalizers,
    Operation::DropPodFinalizers,
    Operation::DeletePod,
    Operation::DeletePod,
    Operation::DeletePodGrace,
    Operation::DeletePodAtOnce,
    Operation::DeletePodAtOnce,
    Operation::CreateUnscheduled,
];

/// One of several users, controllers and kubelets that work on the same objects.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    number: u64,
    deployments: Place,
    pods: Place,
    /// Removes finalizers.
    releases: bool,
    /// Creates a pod without a node, which may be deleted as soon as it exists.
    gives_up: bool,
}

impl Workload {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        let deployments = Place::collection(directory.find("apps", "v1", "deployments"), "default");
        let pods = Place::collection(directory.find("", "v1", "pods"), "default");
        Self { number, deployments, pods, releases: false, gives_up: false }
    }

    fn ask(&self, operation: Operation, name: u64, scene: &Scene<'_>) -> Ask {
        let deployment = self.deployments.named(&format!("d{name}"));
        let pod = self.pods.named(&format!("p{name}"));
        let count = scene.turn % 5;
        let by = format!("workload-{}-{}", self.number, scene.turn);
        match operation {
            Operation::CreateDeployment => Ask::create(
                &self.deployments,
                format!(
                    r#"{{"metadata":{{"name":"d{name}"}},"spec":{{"replicas":{count},"selector":{{"matchLabels":{{"app":"a"}}}},"template":{{"metadata":{{"labels":{{"app":"a"}}}},"spec":{{"containers":[{{"name":"c","image":"nginx:1.25"}}]}}}}}}}}"#
                ),
            ),
            Operation::PutSpec => Ask::update(&deployment, both(scene, &deployment, count)),
            Operation::PutStatus => Ask::update(&deployment.sub("status"), both(scene, &deployment, count)),
            Operation::PatchSpec => {
                Ask::merge_patch(&deployment, format!(r#"{{"spec":{{"replicas":{count}}}}}"#))
            }
            Operation::PatchTemplate => Ask::strategic_patch(
                &deployment,
                format!(
                    r#"{{"spec":{{"template":{{"spec":{{"containers":[{{"name":"c","image":"nginx:{count}"}}]}}}}}}}}"#
                ),
            ),
            Operation::PatchLabels => {
                Ask::strategic_patch(&deployment, format!(r#"{{"metadata":{{"labels":{{"by":"{by}"}}}}}}"#))
            }
            Operation::PatchStatus => Ask::merge_patch(
                &deployment.sub("status"),
                format!(
                    r#"{{"spec":{{"replicas":9}},"status":{{"readyReplicas":{count},"replicas":{count}}}}}"#
                ),
            ),
            Operation::ReadScale => Ask::get(&deployment.sub("scale")),
            Operation::PutScale => Ask::update(
                &deployment.sub("scale"),
                format!(
                    r#"{{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{{"name":"d{name}","namespace":"default"}},"spec":{{"replicas":{count}}}}}"#
                ),
            ),
            Operation::PatchScale => {
                Ask::merge_patch(&deployment.sub("scale"), format!(r#"{{"spec":{{"replicas":{count}}}}}"#))
            }
            Operation::AddFinalizer => Ask::merge_patch(&deployment, finalizers(true)),
            Operation::DropFinalizers => Ask::merge_patch(&deployment, finalizers(false)),
            Operation::DeleteDeployment(propagation) => {
                Ask::delete(&deployment, "").with(Query { propagation, ..Query::default() })
            }
            Operation::CreatePod => {
                let node = format!(r#""nodeName":"node-{}","#, scene.turn % 2);
                Ask::create(&self.pods, self.pod(name, &node))
            }
            Operation::CreateUnscheduled => Ask::create(&self.pods, self.pod(name, "")),
            Operation::PatchImage => Ask::strategic_patch(
                &pod,
                format!(r#"{{"spec":{{"containers":[{{"name":"c","image":"nginx:{count}"}}]}}}}"#),
            ),
            Operation::PatchPodStatus => {
                let phase = ["Running", "Pending", "Running", "Succeeded", "Running"][count as usize];
                Ask::strategic_patch(
                    &pod.sub("status"),
                    format!(r#"{{"spec":{{"priority":7}},"status":{{"phase":"{phase}","message":"{by}"}}}}"#),
                )
            }
            Operation::AddPodFinalizer => Ask::merge_patch(&pod, finalizers(true)),
            Operation::DropPodFinalizers => Ask::merge_patch(&pod, finalizers(false)),
            Operation::DeletePod => Ask::delete(&pod, ""),
            Operation::DeletePodGrace => Ask::delete(&pod, grace(1 + count)),
            Operation::DeletePodAtOnce => Ask::delete(&pod, grace(0)),
        }
    }

    fn pod(&self, name: u64, node: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"p{name}","labels":{{"by":"workload-{}"}}}},"spec":{{{node}"terminationGracePeriodSeconds":3,"containers":[{{"name":"c","image":"nginx:1.25"}}]}}}}"#,
            self.number
        )
    }
}

fn grace(seconds: u64) -> String {
    format!(r#"{{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":{seconds}}}"#)
}

fn finalizers(held: bool) -> String {
    let list = if held { format!(r#"["{FINALIZER}"]"#) } else { "null".to_owned() };
    format!(r#"{{"metadata":{{"finalizers":{list}}}}}"#)
}

/// The stored object with both its spec and its status changed. Every second one names the resource version that it
/// was made from.
fn both(scene: &Scene<'_>, place: &Place, count: u64) -> Bytes {
    let Some(held) = scene.held(place) else { return Bytes::from_static(b"{}") };
    let mut object = held.object.clone();
    let count = Value::Int(count as i64);
    object.set_at(&["spec", "replicas"], count.clone());
    object.set_at(&["status", "replicas"], count.clone());
    object.set_at(&["status", "updatedReplicas"], count);
    if scene.turn.is_multiple_of(2) {
        object::set_resource_version(&mut object, &held.revision.0.to_string());
    }
    json::to_vec(&object).into()
}

impl Client for Workload {
    fn kind(&self) -> &'static str {
        "workload"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        if scene.calm {
            return Next::Listen;
        }
        let Some(drawn) = scene.pick(NAMES * OPERATIONS.len() as u64 + 1).checked_sub(1) else {
            return Next::Sleep(IDLE_MILLIS);
        };
        let operation = OPERATIONS[(drawn / NAMES) as usize];
        self.releases = matches!(operation, Operation::DropFinalizers | Operation::DropPodFinalizers);
        self.gives_up = operation == Operation::CreateUnscheduled;
        self.ask(operation, drawn % NAMES, scene).into()
    }

    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        if self.releases && reply.status == 200 && object::is_being_deleted(&reading::body(reply)) {
            scene.mark(Mark::FinalizerReleased);
        }
        // The deletion comes before any other server's cache can have the pod.
        if std::mem::take(&mut self.gives_up) && reply.status == 201 && scene.pick(3) > 0 {
            return Ask::delete(&self.pods.named(object::name(&reading::body(reply))), "").into();
        }
        scene.pause()
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        scene.pause()
    }
}
