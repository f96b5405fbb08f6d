//! A server that starts: what it answers before it has read its store.

use std::sync::Arc;
use steersman_core::answer::Body;
use steersman_core::config::{Bootstrap, Config, ControlPlane, JobId, TrustedClients};
use steersman_core::kinds::Registry;
use steersman_core::machine::{Effect, Input, Machine};
use steersman_core::now::{Mono, Now, Wall};
use steersman_core::store::{Feed, Ranged, Rev, Stored, Why};
use steersman_core::wire::{Method, Peer, Request};
use steersman_sim::driver::{Driver, open_config};

/// An empty list at revision 0 would make a client believe that nothing exists.
#[test]
fn a_cache_that_was_not_filled_answers_nothing() {
    let now = Now { mono: Mono(1), wall: Wall(0) };
    let mut machine = Machine::new(open_config(1), Arc::new(Registry::builtin()));
    let mut effects = Vec::new();
    machine.handle(now, Input::Start, &mut effects);
    let queries = ["resourceVersion=0", "watch=1&resourceVersion=0", "watch=1&resourceVersion=7", ""];
    for (index, query) in queries.into_iter().enumerate() {
        let id = JobId(index as u64 + 1);
        let request = Request {
            method: Method::Get,
            path: "/api/v1/configmaps".to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            has_body: false,
            peer: Peer::None,
            remote_address: "192.0.2.1".into(),
        };
        effects.clear();
        machine.handle(now, Input::Request(id, request), &mut effects);
        // The first step finds out who asks, the second what for.
        for _ in 0..2 {
            let Some(Effect::Run(task)) = effects.pop() else { panic!("a request begins with two steps") };
            machine.handle(now, Input::Ran(task.run()), &mut effects);
        }
        let response = effects.iter().find_map(|effect| match effect {
            Effect::Respond(_, response) => Some(response),
            _ => None,
        });
        let response = response.unwrap_or_else(|| panic!("{query}: no answer"));
        assert_eq!(response.status, 429, "{query}");
        let Body::Full(body) = &response.body else { panic!("a Status has a body") };
        assert!(String::from_utf8_lossy(body).contains("storage is (re)initializing"));
        assert!(response.headers.iter().any(|(name, value)| name == "retry-after" && value == "1"));
    }
}

/// A feed that is reported lost while it is being listed is listed all the same: nothing else would end
/// the start.
#[test]
fn a_feed_lost_while_it_is_listed_is_listed_to_the_end() {
    let now = Now { mono: Mono(1), wall: Wall(0) };
    let mut machine = Machine::new(open_config(1), Arc::new(Registry::builtin()));
    let mut effects = Vec::new();
    machine.handle(now, Input::Start, &mut effects);
    let Some(Effect::Store(listing, ..)) = effects.pop() else { panic!("a start lists the store") };
    machine.handle(now, Input::Lost(Feed(0), Why::Disconnected("reset".into())), &mut effects);
    let page = Ranged { revision: Rev(5), ..Ranged::default() };
    machine.handle(now, Input::Stored(listing, Stored::Ranged(page)), &mut effects);
    let Some(Effect::Decode(page)) = effects.pop() else { panic!("a page is decoded") };
    machine.handle(now, Input::Decoded(page.run()), &mut effects);
    assert!(machine.world().synced());
    assert_eq!(machine.world().revision(Feed(0)), Rev(5));
}

/// What was deleted before the server listed the store is not in its cache: lists of the time before are read from
/// the store. Found by the simulator (seeds 279 and 640 of the run with members).
#[test]
fn a_list_from_before_the_start_has_objects_deleted_since() {
    let mut first = Driver::start(open_config(1));
    let place = "/api/v1/namespaces/default/configmaps";
    for name in ["a", "b"] {
        let body = format!(r#"{{"metadata":{{"name":"{name}"}}}}"#);
        let json = [("content-type", "application/json")];
        assert_eq!(first.call("POST", place, &json, body.as_bytes()).status, 201);
    }
    let revision = first.machine().world().revision(Feed(0)).0;
    assert_eq!(first.call("DELETE", &format!("{place}/b"), &[], b"").status, 200);
    let mut second = Driver::start_on(open_config(2), first.into_etcd());
    let list = format!("{place}?resourceVersion={revision}&resourceVersionMatch=Exact");
    let text = second.call("GET", &list, &[], b"").text();
    assert!(text.contains(r#""name":"a""#) && text.contains(r#""name":"b""#), "{text}");
}

/// Other API servers learn from a running server whom to trust, whenever the files that say it change.
#[test]
fn authorities_that_change_are_published_at_once() {
    let trusted = |body: &str| TrustedClients {
        client_ca: format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").into(),
        ..TrustedClients::default()
    };
    let control_plane = ControlPlane { trusted: trusted("AA=="), ..ControlPlane::default() };
    let mut driver = Driver::start(Config { bootstrap: Bootstrap::Whole, control_plane, ..open_config(1) });
    let path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
    let published = |driver: &mut Driver| {
        let reply = driver.call("GET", path, &[], b"");
        reply.value().text_at(&["data", "client-ca-file"]).to_owned()
    };
    let first = trusted("AA==").client_ca;
    assert_eq!(published(&mut driver), first.as_str());
    driver.give(Input::TrustedClients(Box::new(trusted("AQ=="))));
    // Certificates of the old authority are still trusted by other servers.
    let both = format!("{first}{}", trusted("AQ==").client_ca);
    assert_eq!(published(&mut driver), both);
}
