//! The first step: who asks, whether that is allowed, and which verb's file goes on.

use super::call::Target;
use super::{Ask, Next, Scene, State, collection, create, delete, list, read, update};
use crate::http::route::RequestInfo;
use crate::http::{Method, Peer, Response, discovery, health, openapi, openid};
use crate::kinds::{Resource, Sub, SubKind, Verb};
use crate::museum::Mutant;
use crate::status::{Failure, Qualified, quoted};
use crate::value::Text;
use crate::world::Authorization;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Those who may do everything, and get an answer when the server is full.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/user/user.go SystemPrivilegedGroup
const PRIVILEGED_GROUP: &str = "system:masters";

/// Who makes the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(super) name: Text,
    pub(super) groups: Vec<Text>,
}

/// Finds out who asks. Only then a seat is taken, so that those who are refused here keep nobody from one.
pub(super) fn begin(scene: &Scene<'_>) -> Result<Next, Failure> {
    let caller = authenticate(scene)?;
    let privileged = caller.groups.iter().any(|group| group == PRIVILEGED_GROUP);
    Ok(Next::Wait(State::Authenticated(caller), Ask::Seat { privileged }))
}

pub(super) fn seated(scene: &Scene<'_>, caller: &Caller) -> Result<Next, Failure> {
    let info = scene.call.info.as_ref().map_err(Clone::clone)?;
    authorize(scene, info, caller)?;
    if info.is_resource && scene.world.registry.serves_group_version(&info.group, &info.version) {
        resource(scene, info)
    } else {
        document(scene, info)
    }
}

/// k8s: pkg/kubeapiserver/authenticator/config.go
fn authenticate(scene: &Scene<'_>) -> Result<Caller, Failure> {
    let config = &scene.world.config.authentication;
    let in_group = |group: &str, mut groups: Vec<Text>| {
        groups.push(group.into());
        groups
    };
    let rejected = match &scene.call.request.peer {
        Peer::Certificate { common_name, organizations } => {
            let groups = in_group("system:authenticated", organizations.clone());
            return Ok(Caller { name: common_name.clone(), groups });
        }
        Peer::Rejected(_) => true,
        Peer::None => false,
    };
    if let Some(token) = bearer_token(scene) {
        let known = config.tokens.binary_search_by(|held| held.token.as_str().cmp(token));
        let line = known.map(|index| &config.tokens[index]).map_err(|_| Failure::unauthorized())?;
        let groups = in_group("system:authenticated", line.groups.clone());
        return Ok(Caller { name: line.user.clone(), groups });
    }
    if rejected || !config.anonymous {
        return Err(Failure::unauthorized());
    }
    Ok(Caller { name: "system:anonymous".into(), groups: in_group("system:unauthenticated", Vec::new()) })
}

fn bearer_token<'a>(scene: &Scene<'a>) -> Option<&'a str> {
    let header = scene.call.request.header("authorization")?.trim();
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim_start().split(' ').next()?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/authorization.go
fn authorize(scene: &Scene<'_>, info: &RequestInfo, caller: &Caller) -> Result<(), Failure> {
    match scene.world.config.authorization {
        Authorization::AlwaysAllow => Ok(()),
        Authorization::AlwaysDeny => {
            if caller.groups.iter().any(|group| group == PRIVILEGED_GROUP) {
                return Ok(());
            }
            Err(forbidden(info, caller, "Everything is forbidden."))
        }
    }
}

/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go
fn forbidden(info: &RequestInfo, caller: &Caller, reason: &str) -> Failure {
    let user = quoted(&caller.name);
    let what = Qualified { group: &info.group, name: &info.resource };
    let mut why = if info.is_resource {
        let resource = match info.subresource.as_str() {
            "" => String::from(info.resource.as_str()),
            sub => format!("{}/{sub}", info.resource),
        };
        let place = if info.namespace.is_empty() {
            String::from("at the cluster scope")
        } else {
            format!("in the namespace {}", quoted(&info.namespace))
        };
        let (verb, resource, group) = (&info.verb, quoted(&resource), quoted(&info.group));
        format!("User {user} cannot {verb} resource {resource} in API group {group} {place}")
    } else {
        format!("User {user} cannot {} path {}", info.verb, quoted(&info.path))
    };
    if !reason.is_empty() {
        why = format!("{why}: {reason}");
    }
    if info.is_resource {
        return Failure::forbidden(what, &info.name, &why);
    }
    let failure = Failure::forbidden(Qualified { group: "", name: "" }, "", &why);
    Failure { message: format!("forbidden: {why}"), ..failure }
}

/// A path that is about no resource: discovery, health, OpenAPI, metrics.
fn document(scene: &Scene<'_>, info: &RequestInfo) -> Result<Next, Failure> {
    let request = &scene.call.request;
    let registry = &scene.world.registry;
    let readable = matches!(request.method, Method::Get | Method::Head);
    if info.path == "/metrics" && readable {
        // The shell puts its registry's text in the place of this body.
        return Ok(Next::Done(Response::text(200, "").with_header("x-steersman-metrics", "1")));
    }
    if readable {
        let unlisted = (!scene.world.synced()).then_some("the store has not been read yet");
        let unreadable = scene.world.unreadable_at_start();
        let health = health::Health {
            store: scene.world.illness().map(Text::as_str).or(unlisted),
            storage: unreadable.as_deref().or(unlisted),
            caches: scene.world.synced(),
            bootstrapped: scene.world.booted,
            stopping: scene.world.draining,
        };
        if let Some(response) = health::respond(health, &info.path, scene.call.query.pairs()) {
            return Ok(Next::Done(response));
        }
        if let Some(response) = openapi::respond(registry, request, scene.call.query.first("hash")) {
            return Ok(Next::Done(response));
        }
    }
    let config = &scene.world.config;
    if let Some(response) = openid::respond(config, request)? {
        return Ok(Next::Done(response));
    }
    let issuer_paths = openid::paths(config);
    if let Some(response) = discovery::respond(registry, request, &config.advertised, issuer_paths) {
        return Ok(Next::Done(response));
    }
    Ok(Next::Done(discovery::absent(registry, &info.path)))
}

fn resource(scene: &Scene<'_>, info: &RequestInfo) -> Result<Next, Failure> {
    let registry = &scene.world.registry;
    let found = registry.find(&info.group, &info.version, &info.resource);
    let resource = found.ok_or_else(Failure::no_such_resource)?;
    let sub = match info.subresource.as_str() {
        "" => None,
        name => {
            let sub = resource.row.subs.iter().find(|sub| sub.name == name);
            Some(sub.ok_or_else(Failure::no_such_resource)?)
        }
    };
    let namespaced = resource.namespaced();
    let takes_place = namespaced && info.namespace.is_empty() && !info.name.is_empty() && info.named_in_path;
    let misplaced = !namespaced && !info.namespace.is_empty() && info.resource != "namespaces";
    if takes_place || misplaced {
        return Err(Failure::no_such_resource());
    }
    info.check_segments()?;
    let target = Target {
        resource: resource.id,
        sub,
        namespace: if namespaced { info.namespace.clone() } else { Text::default() },
        name: if info.named_in_path { info.name.clone() } else { Text::default() },
    };
    match sub {
        None => whole(scene, info, resource, target),
        Some(sub) => part(scene, info, sub, target),
    }
}

/// A verb on objects themselves.
fn whole(
    scene: &Scene<'_>,
    info: &RequestInfo,
    resource: &Resource,
    target: Target,
) -> Result<Next, Failure> {
    let named = !target.name.is_empty();
    let placed = !resource.namespaced() || !target.namespace.is_empty();
    let verb = match (&scene.call.request.method, named) {
        (Method::Get, _) if info.watch_prefix => Verb::Watch,
        (Method::Get | Method::Head, true) => Verb::Get,
        (Method::Get | Method::Head, false) if info.verb == "watch" => Verb::Watch,
        (Method::Get | Method::Head, false) => Verb::List,
        (Method::Post, false) if placed => Verb::Create,
        (Method::Put, true) => Verb::Update,
        (Method::Patch, true) => Verb::Patch,
        (Method::Delete, true) => Verb::Delete,
        (Method::Delete, false) if placed => Verb::DeleteCollection,
        (
            Method::Post | Method::Put | Method::Patch | Method::Delete | Method::Options | Method::Other(_),
            _,
        ) => {
            return Err(Failure::method_not_allowed());
        }
    };
    if !resource.allows(verb) {
        return Err(Failure::method_not_allowed());
    }
    if resource.storage.is_none() {
        return Err(not_there_yet(resource.row.plural));
    }
    check_filled(scene)?;
    match verb {
        Verb::Get => read::begin(scene, target),
        Verb::List | Verb::Watch => list::begin(scene, target, verb == Verb::Watch),
        Verb::Create => create::begin(scene, target),
        Verb::Update => update::begin_put(scene, target),
        Verb::Patch => update::begin_patch(scene, target),
        Verb::Delete => delete::begin(scene, target),
        Verb::DeleteCollection => collection::begin(scene, target),
    }
}

/// Before the store has been read whole the cache knows nothing, not even what is not there.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go
fn check_filled(scene: &Scene<'_>) -> Result<(), Failure> {
    if scene.world.synced() || scene.flaw().is(Mutant::EmptyListBeforeSync) {
        return Ok(());
    }
    Err(Failure::too_many_requests("storage is (re)initializing", 1))
}

/// A verb on a part of an object.
fn part(scene: &Scene<'_>, info: &RequestInfo, sub: &'static Sub, target: Target) -> Result<Next, Failure> {
    if target.name.is_empty() {
        return Err(Failure::no_such_resource());
    }
    let verb = match scene.call.request.method {
        Method::Get | Method::Head => Verb::Get,
        Method::Post => Verb::Create,
        Method::Put => Verb::Update,
        Method::Patch => Verb::Patch,
        Method::Delete => Verb::Delete,
        Method::Options | Method::Other(_) => return Err(Failure::method_not_allowed()),
    };
    if !sub.verbs.contains(&verb) {
        return Err(Failure::method_not_allowed());
    }
    check_filled(scene)?;
    match (sub.action, verb) {
        (SubKind::Status | SubKind::Scale | SubKind::Window, Verb::Get) => read::begin(scene, target),
        (SubKind::Status | SubKind::Scale | SubKind::Window, Verb::Update) => {
            update::begin_put(scene, target)
        }
        (SubKind::Status | SubKind::Scale | SubKind::Window, Verb::Patch) => {
            update::begin_patch(scene, target)
        }
        (SubKind::Status | SubKind::Scale | SubKind::Window, _) => Err(Failure::method_not_allowed()),
        (SubKind::Action | SubKind::Connect, _) => {
            Err(not_there_yet(&format!("{}/{}", info.resource, sub.name)))
        }
    }
}

/// A part of the API that this server does not serve yet.
fn not_there_yet(what: &str) -> Failure {
    Failure::not_implemented(format!("{what} is not implemented by this server yet"))
}
