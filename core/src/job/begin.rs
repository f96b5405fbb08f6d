//! The first steps of a request: authentication, authorization, and the choice of the file that handles its verb.

use super::call::Target;
use super::caller;
use super::{Ask, Next, Scene, State, collection, create, delete, document, list, read, update};
use crate::answer::form::{Endpoint, Form};
use crate::answer::{self, Warnings};
use crate::caller::Caller;
use crate::config::Authorization;
use crate::kinds::{Resource, Sub, SubKind, Verb};
use crate::museum::Mutant;
use crate::status::{Failure, Qualified};
use crate::value::Text;
use crate::value::quoted;
use crate::wire::Method;
use crate::wire::media::patch_media;
use crate::wire::route::{RequestInfo, VERB_PROXY};
use alloc::format;
use alloc::string::String;

/// The group that may do everything. Its members are served even when all seats are taken.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/user/user.go SystemPrivilegedGroup
const PRIVILEGED_GROUP: &str = "system:masters";

/// Authenticates the caller. The job asks for a seat only afterwards, so that requests which fail authentication take
/// no seats from others.
pub(super) fn begin(scene: &Scene<'_>, warnings: &mut Warnings) -> Result<Next, Failure> {
    let request = &scene.call.request;
    if let Err(unroutable) = &scene.call.info {
        return Ok(Next::Done(answer::unroutable(request, unroutable)));
    }
    let caller = caller::authenticate(scene, warnings)?;
    if let Err(failure) = caller::refuse_impersonation(request) {
        let response = scene.call.failure(scene.world, &failure);
        return Ok(Next::Done(response.with_header("x-content-type-options", "nosniff")));
    }
    let privileged = caller.groups.iter().any(|group| group == PRIVILEGED_GROUP);
    Ok(Next::Wait(State::Authenticated(caller), Ask::Seat { privileged }))
}

pub(super) fn seated(scene: &Scene<'_>, caller: &Caller, warnings: &mut Warnings) -> Result<Next, Failure> {
    let info = match &scene.call.info {
        Ok(info) => info,
        Err(unroutable) => return Ok(Next::Done(answer::unroutable(&scene.call.request, unroutable))),
    };
    authorize(scene, info, caller)?;
    // Authorization and routing do not read every path alike: the router does not skip a second leading slash.
    let is_served = scene.world.registry.serves_group_version(&info.group, &info.version);
    if info.is_resource && is_served && !info.path.starts_with("//") {
        resource(scene, info, warnings)
    } else {
        document::respond(scene, info)
    }
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

fn resource(scene: &Scene<'_>, info: &RequestInfo, warnings: &mut Warnings) -> Result<Next, Failure> {
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
    let unwatched = info.watch_prefix && (sub.is_some() || !resource.allows(Verb::Watch));
    if takes_place || misplaced || unwatched || info.verb == VERB_PROXY {
        return Err(Failure::no_such_resource());
    }
    let target = Target {
        resource: resource.id,
        sub,
        namespace: if namespaced { info.namespace.clone() } else { Text::default() },
        name: if info.named_in_path { info.name.clone() } else { Text::default() },
    };
    match sub {
        None => whole(scene, info, resource, target, warnings),
        Some(sub) => part(scene, info, sub, target, warnings),
    }
}

/// Starts a verb on whole objects.
fn whole(
    scene: &Scene<'_>,
    info: &RequestInfo,
    resource: &Resource,
    target: Target,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let named = !target.name.is_empty();
    let placed = !resource.namespaced() || !target.namespace.is_empty();
    let verb = match (&scene.call.request.method, named) {
        (Method::Get, _) if info.watch_prefix => Verb::Watch,
        (_, _) if info.watch_prefix => return Err(Failure::method_not_allowed()),
        (Method::Get, true) => Verb::Get,
        (Method::Get, false) if info.verb == "watch" => Verb::Watch,
        (Method::Get, false) => Verb::List,
        (Method::Post, false) if placed => Verb::Create,
        (Method::Put, true) => Verb::Update,
        (Method::Patch, true) => Verb::Patch,
        (Method::Delete, true) => Verb::Delete,
        (Method::Delete, false) if placed => Verb::DeleteCollection,
        (
            Method::Head
            | Method::Post
            | Method::Put
            | Method::Patch
            | Method::Delete
            | Method::Options
            | Method::Other(_),
            _,
        ) => {
            return Err(Failure::method_not_allowed());
        }
    };
    if !resource.allows(verb) {
        return Err(Failure::method_not_allowed());
    }
    check_route(scene, info, resource, &target, verb, warnings)?;
    if resource.storage.is_none() {
        return Err(not_there_yet(resource.row.plural));
    }
    check_filled(scene)?;
    match verb {
        Verb::Get => read::begin(scene, target),
        Verb::List | Verb::Watch => list::begin(scene, target, verb == Verb::Watch),
        Verb::Create => create::begin(scene, target, warnings),
        Verb::Update => update::begin_put(scene, target, warnings),
        Verb::Patch => update::begin_patch(scene, target, warnings),
        Verb::Delete => delete::begin(scene, target, warnings),
        Verb::DeleteCollection => collection::begin(scene, target, warnings),
    }
}

/// Checks that upstream makes before a handler may add warnings; warnings that all answers of the route carry; and
/// names and namespaces that no key can hold.
fn check_route(
    scene: &Scene<'_>,
    info: &RequestInfo,
    resource: &Resource,
    target: &Target,
    verb: Verb,
    warnings: &mut Warnings,
) -> Result<(), Failure> {
    let request = &scene.call.request;
    if verb == Verb::Patch {
        patch_media(request.header("content-type"), false)?;
    }
    let endpoint = match verb {
        Verb::List | Verb::Watch => Endpoint::List,
        Verb::Get | Verb::Create | Verb::Update | Verb::Patch | Verb::Delete | Verb::DeleteCollection => {
            Endpoint::Object
        }
    };
    let is_served = target.sub.is_none_or(|sub| !matches!(sub.action, SubKind::Action | SubKind::Connect));
    if is_served {
        Form::guard(request, endpoint)?;
    }
    warnings.add(resource.row.deprecation);
    info.check_name()?;
    if let (Some(storage), false) = (resource.storage, target.namespace.is_empty()) {
        let keys = &scene.world.collection(storage).keys;
        info.check_namespace(verb == Verb::Create && target.sub.is_none(), || {
            let key = keys.key(&target.namespace, &target.name);
            let root = scene.world.config.etcd_prefix.len();
            String::from_utf8_lossy(key.get(root..).unwrap_or_default()).trim_end_matches('/').into()
        })?;
    }
    Ok(())
}

/// Refuses a request while the store has not been listed yet: the cache could not even tell that an object is absent.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go
fn check_filled(scene: &Scene<'_>) -> Result<(), Failure> {
    if scene.world.synced() || scene.flaw().is(Mutant::EmptyListBeforeSync) {
        return Ok(());
    }
    Err(Failure::too_many_requests("storage is (re)initializing", 1))
}

/// Starts a verb on a subresource.
fn part(
    scene: &Scene<'_>,
    info: &RequestInfo,
    sub: &'static Sub,
    target: Target,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    if target.name.is_empty() {
        return Err(Failure::no_such_resource());
    }
    let verb = match scene.call.request.method {
        Method::Get => Verb::Get,
        Method::Post => Verb::Create,
        Method::Put => Verb::Update,
        Method::Patch => Verb::Patch,
        Method::Delete => Verb::Delete,
        Method::Head | Method::Options | Method::Other(_) => return Err(Failure::method_not_allowed()),
    };
    if !sub.verbs.contains(&verb) {
        return Err(Failure::method_not_allowed());
    }
    check_route(scene, info, scene.resource(&target), &target, verb, warnings)?;
    check_filled(scene)?;
    match (sub.action, verb) {
        (SubKind::Status | SubKind::Scale | SubKind::Window, Verb::Get) => read::begin(scene, target),
        (SubKind::Status | SubKind::Scale | SubKind::Window, Verb::Update) => {
            update::begin_put(scene, target, warnings)
        }
        (SubKind::Status | SubKind::Scale | SubKind::Window, Verb::Patch) => {
            update::begin_patch(scene, target, warnings)
        }
        (SubKind::Status | SubKind::Scale | SubKind::Window, _) => Err(Failure::method_not_allowed()),
        (SubKind::Action | SubKind::Connect, _) => {
            Err(not_there_yet(&format!("{}/{}", info.resource, sub.name)))
        }
    }
}

/// The answer for a part of the API that this server does not serve yet.
fn not_there_yet(what: &str) -> Failure {
    Failure::not_implemented(format!("{what} is not implemented by this server yet"))
}
