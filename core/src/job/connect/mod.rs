//! Requests that are carried out by a kubelet, or that are passed on to a pod, a node or a service: log, exec, attach,
//! portforward, proxy. A job finds out where the request leads, and answers with what the server there says.
//! k8s: pkg/registry/core/pod/rest, pkg/registry/core/{node/rest,service}/proxy.go,
//! staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go ConnectResource

mod admission;
mod kubelet;
mod log;
mod options;
mod pod;
pub(super) mod proxy;
mod service;
mod stream;

use super::authorize::{self, Again};
use super::existing::read_key;
use super::{Answer, Ask, Next, Scene, State, fail};
use crate::answer::form::{Endpoint, Form};
use crate::answer::{Dial, DialGoal, Response, Warnings};
use crate::authorization::{Target, Undecided};
use crate::kinds::{Kind, Verb};
use crate::status::Failure;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

pub(super) use admission::ConnectAdmission;
use kubelet::KubeletAddress;
use log::LogOptions;
use proxy::ProxyRequest;
pub(super) use proxy::{Forwarding, accepts_any_method};
use service::FoundService;
use stream::StreamOptions;

/// The state of such a request.
#[derive(Debug)]
pub(crate) struct Connect {
    pub(super) target: Target,
    wanted: Wanted,
    phase: Phase,
}

/// What is asked for.
#[derive(Debug)]
enum Wanted {
    Log(LogOptions),
    Stream(StreamOptions),
    Proxy(Box<ProxyRequest>),
}

#[derive(Debug)]
enum Phase {
    /// Whether a stream may be created is being decided.
    Undecided(Undecided),
    /// The pod is being read.
    Pod,
    /// The node is being read; of a pod, also its container.
    Node {
        container: Text,
    },
    /// The service is being read, for the name of this port.
    Service {
        port: i64,
    },
    /// The endpoints of the service are being read, for the port of this name.
    Endpoints {
        port: String,
    },
    Dialed(Box<Dial>),
}

pub(super) fn begin(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    let query = &scene.call.query;
    if target.subresource() == "log" {
        Form::negotiate(&scene.call.request, Endpoint::Log)?;
        let options = LogOptions::from_query(query, target.name())?;
        return read(scene, Connect { target, wanted: Wanted::Log(options), phase: Phase::Pod });
    }
    if query.contains("dryRun") {
        return Err(Failure::bad_request("dryRun is not supported"));
    }
    let options = options::of_connection(scene, &target)?;
    ConnectAdmission::begin(scene, target, options, warnings)
}

/// Goes on with a connection that is admitted with these options.
fn admitted(scene: &Scene<'_>, target: Target, options: &Value) -> Result<Next, Failure> {
    let sub = target.subresource();
    if sub == "proxy" {
        let request = Box::new(ProxyRequest::of(&target, options.text_at(&["path"]))?);
        let phase = request.first_phase(&target);
        return read(scene, Connect { target, wanted: Wanted::Proxy(request), phase });
    }
    let options = StreamOptions::of(sub, options);
    let connect = Connect { target, wanted: Wanted::Stream(options), phase: Phase::Pod };
    // A stream over WebSocket begins with GET, and may do no less than one that begins with POST.
    // k8s: pkg/registry/core/pod/rest/authorize.go
    if connect.target.verb() == Verb::Create {
        return read(scene, connect);
    }
    connect.authorize(scene, None)
}

/// Waits for the object that the phase names.
fn read(scene: &Scene<'_>, connect: Connect) -> Result<Next, Failure> {
    let (plural, name) = match (&connect.phase, &connect.wanted) {
        (Phase::Pod, Wanted::Proxy(request)) => ("pods", request.at.name.as_str()),
        (Phase::Pod, _) => ("pods", connect.target.name()),
        (Phase::Node { .. }, Wanted::Proxy(request)) => ("nodes", request.at.name.as_str()),
        (Phase::Service { .. }, Wanted::Proxy(request)) => ("services", request.at.name.as_str()),
        (Phase::Endpoints { .. }, Wanted::Proxy(request)) => ("endpoints", request.at.name.as_str()),
        (
            Phase::Node { .. }
            | Phase::Service { .. }
            | Phase::Endpoints { .. }
            | Phase::Undecided(_)
            | Phase::Dialed(_),
            _,
        ) => return Err(fail::misfit()),
    };
    let name = String::from(name);
    connect.read_named(scene, plural, &name)
}

impl Connect {
    /// Waits for an object that is not read from the cache, since what it says must still hold.
    fn read_named(self, scene: &Scene<'_>, plural: &str, name: &str) -> Result<Next, Failure> {
        let kind = kind(scene, plural)?;
        let collection = scene.collection(kind)?;
        let namespace = if kind.namespaced() { self.target.namespace() } else { "" };
        let ask = Ask::Store(collection.feed, read_key(&collection.keys.key(namespace, name)));
        Ok(Next::Wait(State::Connect(Box::new(self)), ask))
    }

    fn authorize(mut self, scene: &Scene<'_>, asked: Option<(Undecided, Answer)>) -> Result<Next, Failure> {
        match authorize::again(scene, &self.target, Verb::Create, asked)? {
            Again::Allowed(target) => read(scene, Self { target, phase: Phase::Pod, ..self }),
            Again::Wait(undecided, ask) => {
                self.phase = Phase::Undecided(undecided);
                Ok(Next::Wait(State::Connect(Box::new(self)), ask))
            }
        }
    }

    pub(super) fn step(
        mut self,
        scene: &Scene<'_>,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        match core::mem::replace(&mut self.phase, Phase::Pod) {
            Phase::Undecided(undecided) => self.authorize(scene, Some((undecided, answer))),
            Phase::Pod => {
                let pod = self.found(scene, "pods", answer)?;
                self.with_pod(scene, &pod)
            }
            Phase::Node { container } => {
                let node = self.found_node(scene, answer)?;
                let kubelet = KubeletAddress::of(&node, &scene.world.config.kubelet)?;
                self.with_kubelet(scene, &kubelet, &container)
            }
            Phase::Service { port } => {
                let service = self.found(scene, "services", answer)?;
                let port = FoundService(&service).port_name(port)?;
                self.phase = Phase::Endpoints { port };
                read(scene, self)
            }
            Phase::Endpoints { port } => {
                let endpoints = self.found(scene, "endpoints", answer)?;
                self.with_endpoints(scene, &endpoints, &port)
            }
            Phase::Dialed(dial) => self.dialed(scene, &dial, answer, warnings),
        }
    }

    /// The object that was read. One that is not there is reported as of the resource of the request, as upstream does.
    fn found(&self, scene: &Scene<'_>, plural: &str, answer: Answer) -> Result<Value, Failure> {
        let name = match &self.wanted {
            Wanted::Proxy(request) => request.at.name.as_str(),
            Wanted::Log(_) | Wanted::Stream(_) => self.target.name(),
        };
        self.found_named(scene, plural, name, answer)
    }

    fn found_node(&self, scene: &Scene<'_>, answer: Answer) -> Result<Value, Failure> {
        let name = match &self.wanted {
            Wanted::Proxy(request) => request.at.name.as_str(),
            Wanted::Log(LogOptions { node, .. }) | Wanted::Stream(StreamOptions { node, .. }) => node,
        };
        self.found_named(scene, "nodes", name, answer)
    }

    fn found_named(
        &self,
        scene: &Scene<'_>,
        plural: &str,
        name: &str,
        answer: Answer,
    ) -> Result<Value, Failure> {
        let kv = fail::ranged(answer)?.kvs.pop();
        let kv = kv.ok_or_else(|| Failure::not_found(self.target.qualified(), name))?;
        Ok(scene.entry_of(kind(scene, plural)?, kv)?.to_value())
    }

    fn with_pod(mut self, scene: &Scene<'_>, pod: &Value) -> Result<Next, Failure> {
        let node = Text::from(pod.text_at(&["spec", "nodeName"]));
        let container = match &mut self.wanted {
            Wanted::Proxy(request) => {
                let (host, port) = pod::address(pod, &request.at)?;
                let scheme = request.at.scheme;
                return self.pass_on(scene, Forwarding::to_any(&host, port, scheme));
            }
            Wanted::Log(options) => {
                let container = pod::container(pod, &options.container)?;
                if node.is_empty() {
                    return Ok(Next::Done(Response::empty(204)));
                }
                options.node = node.clone();
                container
            }
            Wanted::Stream(options) => {
                let container = options.container_of(pod)?;
                if node.is_empty() {
                    return Err(pod::without_host(self.target.name()));
                }
                options.node = node.clone();
                container
            }
        };
        self.phase = Phase::Node { container };
        self.read_named(scene, "nodes", &node)
    }

    fn with_kubelet(
        self,
        scene: &Scene<'_>,
        kubelet: &KubeletAddress,
        container: &str,
    ) -> Result<Next, Failure> {
        let config = &scene.world.config;
        let place = (self.target.namespace(), self.target.name(), container);
        match &self.wanted {
            Wanted::Log(options) => {
                let call = kubelet.call(config, options.path(place), options.skips_verification);
                let dial = Dial::of_target(&self.target, DialGoal::Download, call);
                self.dial(dial)
            }
            Wanted::Stream(options) => {
                let mut call = kubelet.call(config, options.path(place), false);
                proxy::carry(&mut call, &scene.call.request, scene.world, true);
                let dial = Dial::new(&self.target, &scene.call.request, call)?;
                self.dial(dial)
            }
            Wanted::Proxy(request) => {
                let forwarding = kubelet.forwarding(config, &request.at)?;
                self.pass_on(scene, forwarding)
            }
        }
    }

    fn with_endpoints(self, scene: &Scene<'_>, endpoints: &Value, port: &str) -> Result<Next, Failure> {
        let Wanted::Proxy(request) = &self.wanted else { return Err(fail::misfit()) };
        let namespace = self.target.namespace();
        let (host, port) = service::address(scene, namespace, self.target.name(), endpoints, port)?;
        let scheme = request.at.scheme;
        self.pass_on(scene, Forwarding::to_any(&host, port, scheme))
    }

    /// Passes the request on to a server.
    fn pass_on(self, scene: &Scene<'_>, to: Forwarding) -> Result<Next, Failure> {
        let Wanted::Proxy(request) = &self.wanted else { return Err(fail::misfit()) };
        if let Some(redirection) = request.redirection(scene) {
            return Ok(Next::Done(redirection));
        }
        let dial = request.dial(scene, &self.target, to);
        self.dial(dial)
    }

    fn dial(mut self, dial: Dial) -> Result<Next, Failure> {
        self.phase = Phase::Dialed(Box::new(dial.clone()));
        Ok(Next::Wait(State::Connect(Box::new(self)), Ask::Dial(Box::new(dial))))
    }

    fn dialed(
        self,
        scene: &Scene<'_>,
        dial: &Dial,
        answer: Answer,
        warnings: &mut Warnings,
    ) -> Result<Next, Failure> {
        let Answer::Called(outcomes) = answer else { return Err(fail::misfit()) };
        let outcome = outcomes.into_iter().next().ok_or_else(fail::misfit)?;
        let response = match (&self.wanted, dial.goal()) {
            (Wanted::Log(_), _) => log::answer(dial, outcome, self.target.name())?,
            (Wanted::Stream(_), _) | (Wanted::Proxy(_), DialGoal::Tunnel) => {
                let response = dial.answered(outcome)?;
                // It is the other server's own, from its first line on.
                *warnings = Warnings::default();
                response
            }
            (Wanted::Proxy(request), _) => {
                request.answer(scene, dial, outcome).map_err(|why| refused(&why))?
            }
        };
        Ok(Next::Done(response))
    }
}

/// The error for a server that could not be reached.
fn refused(why: &proxy::NotPassedOn) -> Failure {
    match why {
        proxy::NotPassedOn::Forbidden(why) => Failure::bad_request(why.as_str()),
        proxy::NotPassedOn::Other(why) => Failure::service_unavailable(why.as_str()),
    }
}

fn kind<'a>(scene: &Scene<'a>, plural: &str) -> Result<&'a Arc<Kind>, Failure> {
    scene.world.registry.find("", "v1", plural).ok_or_else(fail::misfit)
}
