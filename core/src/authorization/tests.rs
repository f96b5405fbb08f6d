//! Tests of decisions, of waiting ones too, and of what a permit gives out.

use super::{Attributes, Decision, Selecting, decide};
use crate::caller::Caller;
use crate::config::{Authorizer, Config, Denial, Denials};
use crate::kinds::{Registry, Verb};
use crate::question::Reply;
use crate::store::{Ranged, Stored};
use crate::world::World;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A world with these authorizers.
pub(super) fn world_of(authorization: Vec<Authorizer>) -> World {
    let config = Config { authorization, ..Config::open(1) };
    World::new(Arc::new(config), Arc::new(Registry::builtin()))
}

fn world(authorizer: &Authorizer, are_slow: bool) -> World {
    let denial = Denial { user: "alice".into(), verb: "create".into(), resource: "pods".into() };
    let denials = Denials { rules: alloc::vec![denial], are_slow, ..Denials::default() };
    let config = Config { authorization: alloc::vec![authorizer.clone()], denials, ..Config::open(1) };
    World::new(Arc::new(config), Arc::new(Registry::builtin()))
}

pub(super) fn caller(name: &str, group: &str) -> Caller {
    Caller { name: name.into(), uid: "".into(), groups: alloc::vec![group.into()], extra: Vec::new() }
}

pub(super) fn attributes<'a>(user: &'a Caller, verb: &'a str) -> Attributes<'a> {
    Attributes {
        user,
        verb,
        is_resource: true,
        group: "",
        version: "v1",
        resource: "pods",
        subresource: "",
        namespace: "default",
        name: "a",
        path: "",
        field_selector: Selecting::All,
        label_selector: Selecting::All,
    }
}

/// What came of a question, in a word and a reason.
pub(super) fn told(decision: &Decision<'_>) -> (&'static str, String) {
    match decision {
        Decision::Allowed(_) => ("allowed", String::new()),
        Decision::Denied(why) if why.error.is_empty() => ("denied", why.reason.clone()),
        Decision::NoOpinion(why) if why.error.is_empty() => ("no opinion", why.reason.clone()),
        Decision::Denied(why) | Decision::NoOpinion(why) => ("failed", why.error.clone()),
        Decision::Wait(..) => ("wait", String::new()),
    }
}

#[test]
fn authorizers_are_asked_in_order() {
    let (allow, deny) = (&Authorizer::AlwaysAllow, &Authorizer::AlwaysDeny);
    let nothing = "Everything is forbidden.";
    let cases = [
        (allow, "alice", "users", "get", "allowed", ""),
        (allow, "alice", "users", "create", "denied", "create is denied"),
        (allow, "bob", "users", "create", "allowed", ""),
        (allow, "alice", "system:masters", "create", "allowed", ""),
        (deny, "alice", "users", "create", "denied", "create is denied"),
        (deny, "alice", "users", "get", "no opinion", nothing),
        (deny, "bob", "system:masters", "get", "allowed", ""),
    ];
    for (mode, name, group, verb, word, reason) in cases {
        let user = caller(name, group);
        let decision = decide(&world(mode, false), attributes(&user, verb));
        assert_eq!(told(&decision), (word, String::from(reason)), "{mode:?} {name} {group} {verb}");
    }
}

#[test]
fn a_decision_goes_on_after_its_answer() {
    let user = caller("alice", "users");
    let cases = [
        (&Authorizer::AlwaysAllow, "create", "denied", "create is denied"),
        (&Authorizer::AlwaysAllow, "get", "allowed", ""),
        (&Authorizer::AlwaysDeny, "get", "no opinion", "Everything is forbidden."),
    ];
    for (mode, verb, word, reason) in cases {
        let world = world(mode, true);
        let Decision::Wait(undecided, _) = decide(&world, attributes(&user, verb)) else {
            panic!("{mode:?} {verb} must wait")
        };
        let answer = Reply::Stored(Stored::Ranged(Ranged::default()));
        let decision = undecided.resume(&world, attributes(&user, verb), &answer);
        assert_eq!(told(&decision), (word, String::from(reason)), "{mode:?} {verb}");
    }
}

#[test]
fn what_cannot_be_told_is_not_allowed() {
    let user = caller("alice", "users");
    for mode in &[Authorizer::AlwaysAllow, Authorizer::AlwaysDeny] {
        let world = world(mode, true);
        let Decision::Wait(undecided, _) = decide(&world, attributes(&user, "create")) else {
            panic!("it must wait")
        };
        let answer = Reply::Stored(Stored::Unknown("no reply".into()));
        let decision = undecided.resume(&world, attributes(&user, "create"), &answer);
        assert_eq!(told(&decision), ("failed", String::from("no reply")));
    }
}

#[test]
#[should_panic(expected = "allowed was")]
fn a_permit_gives_out_nothing_but_what_was_allowed() {
    let user = caller("bob", "users");
    let world = world(&Authorizer::AlwaysAllow, false);
    let Decision::Allowed(permit) = decide(&world, attributes(&user, "get")) else { panic!("not allowed") };
    let pods = world.registry.find("", "v1", "pods").expect("pods are served");
    assert_eq!(permit.target(pods, None, Verb::Get, "a").name(), "a");
    permit.target(pods, None, Verb::Delete, "a");
}
