//! A client that creates Deployments and Pods and changes their spec and their status, separately and together. It
//! also does what a kubelet does.

use super::{Client, ClientContext, IDLE_MILLIS, Next, reading};
use crate::client_request::{ClientRequest, RequestOptions};
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

    fn ask(&self, operation: Operation, name: u64, context: &ClientContext<'_>) -> ClientRequest {
        let deployment = self.deployments.named(&format!("d{name}"));
        let pod = self.pods.named(&format!("p{name}"));
        let count = context.turn % 5;
        let by = format!("workload-{}-{}", self.number, context.turn);
        match operation {
            Operation::CreateDeployment => ClientRequest::create(
                &self.deployments,
                format!(
                    r#"{{"metadata":{{"name":"d{name}"}},"spec":{{"replicas":{count},"selector":{{"matchLabels":{{"app":"a"}}}},"template":{{"metadata":{{"labels":{{"app":"a"}}}},"spec":{{"containers":[{{"name":"c","image":"nginx:1.25"}}]}}}}}}}}"#
                ),
            ),
            Operation::PutSpec => ClientRequest::update(&deployment, both(context, &deployment, count)),
            Operation::PutStatus => {
                ClientRequest::update(&deployment.sub("status"), both(context, &deployment, count))
            }
            Operation::PatchSpec => {
                ClientRequest::merge_patch(&deployment, format!(r#"{{"spec":{{"replicas":{count}}}}}"#))
            }
            Operation::PatchTemplate => ClientRequest::strategic_patch(
                &deployment,
                format!(
                    r#"{{"spec":{{"template":{{"spec":{{"containers":[{{"name":"c","image":"nginx:{count}"}}]}}}}}}}}"#
                ),
            ),
            Operation::PatchLabels => ClientRequest::strategic_patch(
                &deployment,
                format!(r#"{{"metadata":{{"labels":{{"by":"{by}"}}}}}}"#),
            ),
            Operation::PatchStatus => ClientRequest::merge_patch(
                &deployment.sub("status"),
                format!(
                    r#"{{"spec":{{"replicas":9}},"status":{{"readyReplicas":{count},"replicas":{count}}}}}"#
                ),
            ),
            Operation::ReadScale => ClientRequest::get(&deployment.sub("scale")),
            Operation::PutScale => ClientRequest::update(
                &deployment.sub("scale"),
                format!(
                    r#"{{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{{"name":"d{name}","namespace":"default"}},"spec":{{"replicas":{count}}}}}"#
                ),
            ),
            Operation::PatchScale => ClientRequest::merge_patch(
                &deployment.sub("scale"),
                format!(r#"{{"spec":{{"replicas":{count}}}}}"#),
            ),
            Operation::AddFinalizer => ClientRequest::merge_patch(&deployment, finalizers(true)),
            Operation::DropFinalizers => ClientRequest::merge_patch(&deployment, finalizers(false)),
            Operation::DeleteDeployment(propagation) => ClientRequest::delete(&deployment, "")
                .with(RequestOptions { propagation, ..RequestOptions::default() }),
            Operation::CreatePod => {
                let node = format!(r#""nodeName":"node-{}","#, context.turn % 2);
                ClientRequest::create(&self.pods, self.pod(name, &node))
            }
            Operation::CreateUnscheduled => ClientRequest::create(&self.pods, self.pod(name, "")),
            Operation::PatchImage => ClientRequest::strategic_patch(
                &pod,
                format!(r#"{{"spec":{{"containers":[{{"name":"c","image":"nginx:{count}"}}]}}}}"#),
            ),
            Operation::PatchPodStatus => {
                let phase = ["Running", "Pending", "Running", "Succeeded", "Running"][count as usize];
                ClientRequest::strategic_patch(
                    &pod.sub("status"),
                    format!(r#"{{"spec":{{"priority":7}},"status":{{"phase":"{phase}","message":"{by}"}}}}"#),
                )
            }
            Operation::AddPodFinalizer => ClientRequest::merge_patch(&pod, finalizers(true)),
            Operation::DropPodFinalizers => ClientRequest::merge_patch(&pod, finalizers(false)),
            Operation::DeletePod => ClientRequest::delete(&pod, ""),
            Operation::DeletePodGrace => ClientRequest::delete(&pod, grace(1 + count)),
            Operation::DeletePodAtOnce => ClientRequest::delete(&pod, grace(0)),
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
fn both(context: &ClientContext<'_>, place: &Place, count: u64) -> Bytes {
    let Some(held) = context.held(place) else { return Bytes::from_static(b"{}") };
    let mut object = held.object.clone();
    let count = Value::Int(count as i64);
    object.set_at(&["spec", "replicas"], count.clone());
    object.set_at(&["status", "replicas"], count.clone());
    object.set_at(&["status", "updatedReplicas"], count);
    if context.turn.is_multiple_of(2) {
        object::set_resource_version(&mut object, &held.revision.0.to_string());
    }
    json::to_vec(&object).into()
}

impl Client for Workload {
    fn kind(&self) -> &'static str {
        "workload"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.calm {
            return Next::Listen;
        }
        let Some(drawn) = context.pick(NAMES * OPERATIONS.len() as u64 + 1).checked_sub(1) else {
            return Next::Sleep(IDLE_MILLIS);
        };
        let operation = OPERATIONS[(drawn / NAMES) as usize];
        self.releases = matches!(operation, Operation::DropFinalizers | Operation::DropPodFinalizers);
        self.gives_up = operation == Operation::CreateUnscheduled;
        self.ask(operation, drawn % NAMES, context).into()
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if self.releases && reply.status == 200 && object::is_being_deleted(&reading::body(reply)) {
            context.mark(Mark::FinalizerReleased);
        }
        // The deletion comes before any other server's cache can have the pod.
        if std::mem::take(&mut self.gives_up) && reply.status == 201 && context.pick(3) > 0 {
            return ClientRequest::delete(&self.pods.named(object::name(&reading::body(reply))), "").into();
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
