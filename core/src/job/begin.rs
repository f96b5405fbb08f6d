//! What comes after authorization: the choice of the file that handles a request's verb, and the body.

use super::{Answer, Ask, Next, Scene, State};
use super::{
    aggregate, binding, collection, component_status, connect, create, delete, document, eviction, fail,
    identity_review, list, read, review, token, update,
};
use crate::answer::Warnings;
use crate::answer::form::{Endpoint, Form};
use crate::authorization::{Permit, Target};
use crate::kinds::{Kind, Sub, SubKind, Verb};
use crate::museum::Mutant;
use crate::status::Failure;
use crate::wire::Method;
use crate::wire::media::patch_media;
use crate::wire::route::{RequestInfo, VERB_PROXY};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

/// Starts what was allowed.
pub(super) fn permitted(
    scene: &Scene<'_>,
    info: &RequestInfo,
    permit: &Permit<'_>,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    if let Some(api) = aggregate::server(scene, info) {
        return aggregate::begin(scene, info, permit, api);
    }
    // Authorization and routing do not read every path alike: the router does not skip a second leading slash.
    // Below `/apis` there is no group without a name.
    let is_named = !info.group.is_empty() || info.api_prefix == "api";
    let is_served = is_named && scene.world.registry.serves_group_version(&info.group, &info.version);
    if info.is_resource && is_served && !info.path.starts_with("//") {
        resource(scene, info, permit, warnings)
    } else {
        document::respond(scene, permit)
    }
}

fn resource(
    scene: &Scene<'_>,
    info: &RequestInfo,
    permit: &Permit<'_>,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    let registry = &scene.world.registry;
    let found = registry.find(&info.group, &info.version, &info.resource);
    let resource = found.ok_or_else(Failure::no_such_resource)?;
    let sub = match info.subresource.as_str() {
        "" => None,
        name => {
            let sub = resource.subs.iter().find(|sub| sub.name == name);
            Some(sub.ok_or_else(Failure::no_such_resource)?)
        }
    };
    let namespaced = resource.namespaced();
    let takes_place = namespaced && info.namespace.is_empty() && !info.name.is_empty() && info.named_in_path;
    // A right in one namespace is none on what belongs to no namespace, such as another namespace.
    let misplaced = !namespaced && info.in_namespace;
    let unwatched = info.watch_prefix && (sub.is_some() || !resource.allows(Verb::Watch));
    if takes_place || misplaced || unwatched || info.verb == VERB_PROXY {
        return Err(Failure::no_such_resource());
    }
    let name = if info.named_in_path { info.name.as_str() } else { "" };
    if sub.is_some_and(|sub| name.is_empty() || goes_on(info, resource, sub)) {
        return Err(Failure::no_such_resource());
    }
    let verb = match sub {
        // OPTIONS has no verb, and asks for something like GET.
        Some(sub) if connect::accepts_any_method(sub) => Verb::from_word(&info.verb).unwrap_or(Verb::Get),
        Some(_) | None => verb(&scene.call.request.method, info)?,
    };
    let placed = !namespaced || !info.namespace.is_empty();
    let is_served = match sub {
        None => resource.allows(verb) && takes(verb, !name.is_empty(), placed),
        Some(sub) => sub.verbs.contains(&verb),
    };
    if !is_served {
        return Err(Failure::method_not_allowed());
    }
    let target = permit.target(resource, sub, verb, name);
    check_route(scene, info, &target, warnings)?;
    match sub {
        None => whole(scene, target, warnings),
        Some(sub) => part(scene, sub, target, warnings),
    }
}

/// Whether a path goes on after a subresource that has nothing below it. The paths of custom objects are not read
/// further than the subresource.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go
fn goes_on(info: &RequestInfo, resource: &Kind, sub: &Sub) -> bool {
    let has_paths = resource.is_custom() || sub.name == VERB_PROXY;
    !has_paths && info.remainder.as_ref().is_some_and(|rest| !rest.is_empty())
}

/// The verb of a request for a resource. It is the one that was authorized, except that HEAD and methods without a
/// verb are not served, and that the old paths of watches take only GET.
fn verb(method: &Method, info: &RequestInfo) -> Result<Verb, Failure> {
    let is_served = *method != Method::Head && (!info.watch_prefix || *method == Method::Get);
    let verb = Verb::from_word(&info.verb).filter(|_| is_served);
    verb.ok_or_else(Failure::method_not_allowed)
}

/// Whether a path with a name or without one, and with a namespace if the resource has any, takes a verb on whole
/// objects.
fn takes(verb: Verb, named: bool, placed: bool) -> bool {
    match verb {
        Verb::Get | Verb::Update | Verb::Patch | Verb::Delete => named,
        Verb::Create | Verb::DeleteCollection => !named && placed,
        Verb::List => !named,
        Verb::Watch => true,
    }
}

/// Starts a verb on whole objects.
fn whole(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    check_filled(scene)?;
    if action(&target).is_some() {
        return with_body(scene, target, warnings);
    }
    if target.resource().type_name == "core.v1.ComponentStatus" {
        return component_status::begin(scene, target);
    }
    if target.resource().storage.is_none() {
        return Err(not_there_yet(&target.resource().plural));
    }
    match target.verb() {
        Verb::Get => read::begin(scene, target),
        Verb::List | Verb::Watch => list::begin(scene, target),
        Verb::Create | Verb::Update | Verb::Patch | Verb::Delete | Verb::DeleteCollection => {
            with_body(scene, target, warnings)
        }
    }
}

/// Asks for the body of a request that is allowed and has a route, if there is one. No request is read any further
/// than its head before.
fn with_body(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    if scene.call.request.has_body {
        return Ok(Next::Wait(State::Permitted(Box::new(target)), Ask::Body));
    }
    change(scene, target, warnings)
}

/// Continues with the body, or answers why it did not arrive.
pub(super) fn arrived(
    scene: &Scene<'_>,
    target: Target,
    answer: Answer,
    warnings: &mut Warnings,
) -> Result<Next, Failure> {
    match answer {
        Answer::Body(Ok(_)) => change(scene, target, warnings),
        Answer::Body(Err(error)) => Err(fail::body_failure(&error)),
        Answer::Begin
        | Answer::Seated
        | Answer::Stored(_)
        | Answer::Called(_)
        | Answer::Signed(_)
        | Answer::Verified(_)
        | Answer::Turn
        | Answer::Taken(_)
        | Answer::Fresh
        | Answer::Stale => Err(fail::misfit()),
    }
}

/// What a POST of an object that is not stored does, if this server does it.
type Action = fn(&Scene<'_>, Target, &mut Warnings) -> Result<Next, Failure>;

/// The actions by group, resource and subresource.
const ACTIONS: &[(&str, &str, &str, Action)] = &[
    ("", "bindings", "", binding::begin),
    ("", "pods", "binding", binding::begin),
    ("", "pods", "eviction", eviction::begin),
    ("", "serviceaccounts", "token", token::begin),
    (identity_review::GROUP, "selfsubjectreviews", "", identity_review::begin),
    (identity_review::GROUP, "tokenreviews", "", identity_review::begin),
    (review::GROUP, "localsubjectaccessreviews", "", review::begin),
    (review::GROUP, "selfsubjectaccessreviews", "", review::begin),
    (review::GROUP, "selfsubjectrulesreviews", "", review::begin),
    (review::GROUP, "subjectaccessreviews", "", review::begin),
];

fn action(target: &Target) -> Option<Action> {
    let resource = target.resource();
    let sub = target.subresource();
    if target.verb() != Verb::Create || !(resource.storage.is_none() || target.sub().is_some()) {
        return None;
    }
    let wanted = (&*resource.group, &*resource.plural, sub);
    let found = ACTIONS.iter().find(|(group, plural, sub, _)| (*group, *plural, *sub) == wanted);
    found.map(|(_, _, _, action)| *action)
}

/// Starts a verb that changes something, on whole objects or a subresource.
fn change(scene: &Scene<'_>, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    if let Some(action) = action(&target) {
        return action(scene, target, warnings);
    }
    if target.sub().is_some_and(|sub| sub.action == SubKind::Connect) {
        return connect::begin(scene, target, warnings);
    }
    match target.verb() {
        Verb::Get | Verb::List | Verb::Watch => Err(Failure::method_not_allowed()),
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
    target: &Target,
    warnings: &mut Warnings,
) -> Result<(), Failure> {
    let request = &scene.call.request;
    let (verb, resource) = (target.verb(), target.resource());
    if verb == Verb::Patch {
        patch_media(request.header("content-type"), resource.is_custom())?;
    }
    let endpoint = match verb {
        Verb::List | Verb::Watch => Endpoint::List,
        Verb::Get | Verb::Create | Verb::Update | Verb::Patch | Verb::Delete | Verb::DeleteCollection => {
            Endpoint::Object
        }
    };
    let is_served = action(target).is_some()
        || target.sub().is_none_or(|sub| !matches!(sub.action, SubKind::Action | SubKind::Connect));
    if is_served {
        Form::guard(request, endpoint)?;
    }
    warnings.add(&resource.deprecation);
    info.check_name()?;
    let collection = resource.storage.and_then(|storage| scene.world.collection(storage));
    if let (Some(collection), false) = (collection, target.namespace().is_empty()) {
        let keys = &collection.keys;
        info.check_namespace(verb == Verb::Create && target.sub().is_none(), || {
            let key = keys.key(target.namespace(), target.name());
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
fn part(scene: &Scene<'_>, sub: &Sub, target: Target, warnings: &mut Warnings) -> Result<Next, Failure> {
    check_filled(scene)?;
    match (sub.action, target.verb()) {
        (SubKind::Status | SubKind::Scale | SubKind::Window, Verb::Get) => read::begin(scene, target),
        (SubKind::Status | SubKind::Scale | SubKind::Window, Verb::Update | Verb::Patch) => {
            with_body(scene, target, warnings)
        }
        (
            SubKind::Status | SubKind::Scale | SubKind::Window,
            Verb::Create | Verb::Delete | Verb::DeleteCollection | Verb::List | Verb::Watch,
        ) => Err(Failure::method_not_allowed()),
        (SubKind::Action, _) if action(&target).is_some() => with_body(scene, target, warnings),
        (SubKind::Connect, _) if connect::accepts_any_method(sub) => with_body(scene, target, warnings),
        (SubKind::Connect, _) => connect::begin(scene, target, warnings),
        (SubKind::Action, _) => Err(not_there_yet(&format!("{}/{}", target.resource().plural, sub.name))),
    }
}

/// The answer for a part of the API that this server does not serve yet.
fn not_there_yet(what: &str) -> Failure {
    Failure::not_implemented(format!("{what} is not implemented by this server yet"))
}
