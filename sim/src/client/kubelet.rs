//! A kubelet's view: pods come to nodes and go again, and nodes read the secrets of those pods, and others.

use super::{Client, ClientContext, IDLE_MILLIS, Next};
use crate::client_request::{Action, ClientRequest, Identity, RequestOptions};
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use crate::users;
use std::sync::Arc;

/// How many names of pods and secrets there are for each client. Checkers look for as many pods.
pub(crate) const NAMES: u64 = 3;

#[derive(Clone, Debug)]
pub(super) struct Kubelet {
    number: u64,
    secrets: Place,
    pods: Place,
    /// A node asks for a secret.
    reads: bool,
}

impl Kubelet {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        let place = |plural| Place::collection(directory.find("", "v1", plural), "default");
        Self { number, secrets: place("secrets"), pods: place("pods"), reads: false }
    }

    fn name(&self, context: &mut ClientContext<'_>) -> String {
        format!("k{}-{}", self.number, context.pick(NAMES))
    }

    fn request(&mut self, drawn: u64, context: &mut ClientContext<'_>) -> ClientRequest {
        let name = self.name(context);
        let pod = self.pods.named(&name);
        match drawn {
            0 => ClientRequest::create(&self.secrets, format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)),
            1 => self.pod(&name, "", context),
            2 => {
                let node = users::node(context.pick(users::NODES.into()) as u8);
                self.pod(&name, &format!(r#""nodeName":"{node}","#), context)
            }
            3 => {
                let node = users::node(context.pick(users::NODES.into()) as u8);
                let path = format!("{}/binding", context.directory.path(&pod));
                let body = format!(r#"{{"target":{{"kind":"Node","name":"{node}"}}}}"#);
                let ask = ClientRequest::create(&self.pods, body);
                ClientRequest { action: Action::Raw("POST".into(), path), place: None, ..ask }
            }
            4 => ClientRequest::delete(&pod, r#"{"gracePeriodSeconds":0}"#),
            _ => self.read(&name, context),
        }
    }

    /// A pod that needs a secret, in one of the ways in which a pod can.
    fn pod(&self, name: &str, bound: &str, context: &mut ClientContext<'_>) -> ClientRequest {
        let secret = self.name(context);
        let (pod, container) = match context.pick(3) {
            0 => (
                format!(r#""volumes":[{{"name":"v","secret":{{"secretName":"{secret}"}}}}],"#),
                String::new(),
            ),
            1 => (format!(r#""imagePullSecrets":[{{"name":"{secret}"}}],"#), String::new()),
            _ => (String::new(), format!(r#","envFrom":[{{"secretRef":{{"name":"{secret}"}}}}]"#)),
        };
        ClientRequest::create(
            &self.pods,
            format!(
                r#"{{"metadata":{{"name":"{name}"}},"spec":{{{bound}{pod}"containers":[{{"name":"c","image":"i"{container}}}]}}}}"#
            ),
        )
    }

    /// A node reads a secret, by its path or as a list of one.
    fn read(&mut self, name: &str, context: &mut ClientContext<'_>) -> ClientRequest {
        self.reads = true;
        let identity = Identity::Node(context.pick(users::NODES.into()) as u8);
        let ask = match context.pick(4) {
            0 => {
                let field = Some((Arc::from("metadata.name"), name.to_owned()));
                ClientRequest::list(&self.secrets, RequestOptions { field, ..RequestOptions::default() })
            }
            _ => ClientRequest::get(&self.secrets.named(name)),
        };
        ClientRequest { identity, ..ask }
    }
}

impl Client for Kubelet {
    fn kind(&self) -> &'static str {
        "kubelet"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.reads = false;
        if context.calm {
            return Next::Listen;
        }
        match context.pick(13) {
            0 => Next::Sleep(IDLE_MILLIS),
            drawn => self.request(drawn - 1, context).into(),
        }
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        if std::mem::take(&mut self.reads) {
            match reply.status {
                200 => context.mark(Mark::SecretOfOwnPod),
                403 => context.mark(Mark::SecretOfNoPod),
                _ => {}
            }
        }
        context.pause()
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        context.pause()
    }
}
