//! Every bug of the museum is put back: a client sees its effect, and does not see it without the bug.

mod disruptions;

use crate::conditions::{JSON, MERGE, events, fetch, json, send, told, version};
use crate::run_time_kinds::widgets;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use steersman_core::config::{Config, JobId};
use steersman_core::job::ProbeTask;
use steersman_core::kinds::Registry;
use steersman_core::limits::Bounds;
use steersman_core::machine::{Effect, Input, Machine};
use steersman_core::museum::{Flaw, Mutant};
use steersman_core::now::{Mono, Now, Wall};
use steersman_core::store::{
    Batch, Event, EventType, Feed, KeyValue, LeaseId, Op, Put, Range, Ranged, Rev, Stored, Txn, TxnOp, Why,
};
use steersman_core::wire::{Method, Peer, Request};
use steersman_sim::driver::{Driver, ReplyLoss, open_config};
use steersman_sim::etcd::{FakeEtcd, ServerId};

mod allocation;
mod definitions;
mod feeds;
mod identity;
mod intents;
mod nodes;
mod policies;
mod quota;
mod revisions;
mod roles;
mod scales;
mod webhooks;

const PLACE: &str = "/api/v1/namespaces/w/configmaps";
const KEYS: &str = "/registry/configmaps/w/";

/// Whether a bug shows, in a server that has it or has not.
type Exhibit = fn(Flaw) -> bool;

fn exhibit(mutant: Mutant) -> Exhibit {
    match mutant {
        Mutant::ReplayedEvents => replayed_events,
        Mutant::LostEventOfEmptyWindow => lost_event_of_empty_window,
        Mutant::InclusiveStart => inclusive_start,
        Mutant::StaleNotOlderThan => stale_not_older_than,
        Mutant::WatchSurvivesRelist => watch_survives_relist,
        Mutant::LostDeleteWithoutPrevious => lost_delete_without_previous,
        Mutant::BookmarkOfRequestedRevision => bookmark_of_requested_revision,
        Mutant::ProgressStarvesWatchers => progress_starves_watchers,
        Mutant::FinalizerIgnored => finalizer_ignored,
        Mutant::PreconditionOnOwnChange => precondition_on_own_change,
        Mutant::DeletedCarriesUpdate => deleted_carries_update,
        Mutant::ClosedInsteadOfExpired => closed_instead_of_expired,
        Mutant::QuietCacheNeverAdvances => quiet_cache_never_advances,
        Mutant::EmptyListBeforeSync => empty_list_before_sync,
        Mutant::LostFeedEndsStart => lost_feed_ends_start,
        Mutant::DeletionClaimedOfStale => deletion_claimed_of_stale,
        Mutant::RestOfRevisionLost => revisions::rest_of_revision_lost,
        Mutant::RevisionInPieces => revisions::revision_in_pieces,
        Mutant::DrainLeavesWatches => revisions::drain_leaves_watches,
        Mutant::SelectionForgotten => intents::selection_forgotten,
        Mutant::DryRunStored => intents::dry_run_stored,
        Mutant::GraceForgotten => intents::grace_forgotten,
        Mutant::UnknownMeansFailed => unknown_means_failed,
        Mutant::SettledByBytes => settled_by_bytes,
        Mutant::LostUpdate => lost_update,
        Mutant::StatusWritesSpec => scales::status_writes_spec,
        Mutant::GenerationNotRaised => scales::generation_not_raised,
        Mutant::Canary => canary,
        Mutant::UidReused => uid_reused,
        Mutant::PageOfNewest => page_of_newest,
        Mutant::BookmarkAheadOfEvents => bookmark_ahead_of_events,
        Mutant::DepartureUntold => departure_untold,
        Mutant::PastListedFromCache => past_listed_from_cache,
        Mutant::LeaseOutlived => lease_outlived,
        Mutant::GoneUnderOldVersion => gone_under_old_version,
        Mutant::KindPatchedAway => kind_patched_away,
        Mutant::LeaseDropped => lease_dropped,
        Mutant::IllnessUntold => illness_untold,
        Mutant::UnreadableMeansDeleted => unreadable_means_deleted,
        Mutant::IndexMissesUpdates => index_misses_updates,
        Mutant::ConverterTrusted => crate::conversions::converter_trusted,
        Mutant::WatchSurvivesItsKind => watch_survives_its_kind,
        Mutant::SeatBeforeIdentity => identity::seat_before_identity,
        Mutant::BodyBeforeIdentity => identity::body_before_identity,
        Mutant::CallsOutlived => calls_outlived,
        Mutant::BoundTwice => disruptions::bound_twice,
        Mutant::BudgetOverrun => disruptions::budget_overrun,
        Mutant::CreationNotAskedFor => identity::creation_not_asked_for,
        Mutant::AddressUnclaimed => allocation::address_unclaimed,
        Mutant::AddressLeaked => allocation::address_leaked,
        Mutant::NodePortsUnclaimed => allocation::node_ports_unclaimed,
        Mutant::QuotaChargedApart => quota::quota_charged_apart,
        Mutant::QuotaCountedOnce => quota::quota_counted_once,
        Mutant::RevocationForgotten => roles::revocation_forgotten,
        Mutant::NamespaceOfBindingIgnored => roles::namespace_of_binding_ignored,
        Mutant::GraphKeepsDeletedPods => nodes::graph_keeps_deleted_pods,
        Mutant::PolicyCompiledOnce => policies::policy_compiled_once,
        Mutant::DefinitionServedOnce => definitions::definition_served_once,
        Mutant::WebhookFailureAdmits => webhooks::webhook_failure_admits,
        Mutant::ConditionFailureSkips => webhooks::condition_failure_skips,
        Mutant::AuthorizerFailureAllows => identity::authorizer_failure_allows,
        Mutant::ApprovedUnprepared => webhooks::approved_unprepared,
        Mutant::OldEventsApplied => feeds::old_events_applied,
        Mutant::NodesReadAnySecret => nodes::nodes_read_any_secret,
        Mutant::AccountNotLookedUp => identity::account_not_looked_up,
        Mutant::ExpiryIgnored => identity::expiry_ignored,
        Mutant::ConflictsOverlooked => crate::apply::conflicts_overlooked,
    }
}

#[test]
fn every_bug_shows_where_it_is_and_only_there() {
    let mut failures = Vec::new();
    for mutant in Mutant::ALL {
        let shows = exhibit(*mutant);
        if !shows(Flaw::of(*mutant)) {
            failures.push(format!("{} does not show", mutant.name()));
        }
        if shows(Flaw::default()) {
            failures.push(format!("{} shows in a server without it", mutant.name()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn config(flaw: Flaw) -> Config {
    Config { flaw, ..open_config(1) }
}

fn server_with(config: Config) -> Driver {
    let mut driver = Driver::start(config);
    let made = send(&mut driver, "POST", "/api/v1/namespaces", &json!({"metadata": {"name": "w"}}));
    assert_eq!(made.status, 201, "{}", made.text());
    driver
}

fn server(flaw: Flaw) -> Driver {
    server_with(config(flaw))
}

fn make(driver: &mut Driver, name: &str, label: &str) -> Value {
    let body = json!({"metadata": {"name": name, "labels": {"l": label}}, "data": {"k": "old"}});
    let made = send(driver, "POST", PLACE, &body);
    assert_eq!(made.status, 201, "{}", made.text());
    json(&made)
}

fn relabel(driver: &mut Driver, name: &str, label: &str) {
    let body = json!({"metadata": {"labels": {"l": label}}}).to_string();
    let changed = driver.call("PATCH", &format!("{PLACE}/{name}"), MERGE, body.as_bytes());
    assert_eq!(changed.status, 200, "{}", changed.text());
}

fn watch(driver: &mut Driver, query: &str) -> JobId {
    driver.begin("GET", &format!("{PLACE}?watch=1&{query}"), JSON, b"")
}

fn seen(driver: &mut Driver, id: JobId) -> Vec<String> {
    told(&driver.take(id).unwrap_or_default())
}

fn put(key: &str, value: &str) -> TxnOp {
    let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    TxnOp::Put(Put { key, value, lease: LeaseId(0) })
}

/// A write by another client, which the server has not received when the next request begins. Returns its revision.
fn write_unheard(driver: &mut Driver, then: Vec<TxnOp>) -> Rev {
    let now = driver.now().mono;
    match driver.etcd_mut().perform(now, &Op::Txn(Txn { then, ..Txn::default() })) {
        Stored::Txn(reply) => reply.revision,
        other => panic!("{other:?}"),
    }
}

/// The stored text of an object.
fn stored(driver: &Driver, name: &str) -> String {
    let key = Bytes::from(format!("{KEYS}{name}"));
    let ranged = driver.etcd().mvcc().range(&Range { key, ..Range::default() }).expect("a range");
    String::from_utf8_lossy(&ranged.kvs[0].value).into_owned()
}

/// A server that starts over a store with one object. The revision of the object, and the server.
fn server_over_one_object(flaw: Flaw) -> (Rev, Driver) {
    let mut etcd = FakeEtcd::new();
    let value = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"w","uid":"u"}}"#;
    let write = Txn { then: vec![put(&format!("{KEYS}a"), value)], ..Txn::default() };
    let Stored::Txn(reply) = etcd.perform(Mono(1), &Op::Txn(write)) else { panic!("a write") };
    (reply.revision, Driver::start_on(config(flaw), etcd))
}

fn replayed_events(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    make(&mut driver, "a", "x");
    let from = version(&make(&mut driver, "b", "x"));
    make(&mut driver, "c", "x");
    let id = watch(&mut driver, &format!("resourceVersion={from}"));
    seen(&mut driver, id) != ["ADDED c"]
}

fn lost_event_of_empty_window(flaw: Flaw) -> bool {
    let (revision, mut driver) = server_over_one_object(flaw);
    let id = watch(&mut driver, &format!("resourceVersion={}", revision.0 - 1));
    driver.is_open(id) && seen(&mut driver, id).is_empty()
}

fn inclusive_start(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let from = version(&make(&mut driver, "a", "x"));
    let id = watch(&mut driver, &format!("resourceVersion={from}"));
    !seen(&mut driver, id).is_empty()
}

fn stale_not_older_than(flaw: Flaw) -> bool {
    let stale = |target: &str| {
        let mut driver = server(flaw);
        make(&mut driver, "a", "x");
        let changed = stored(&driver, "a").replace("old", "new");
        let revision = write_unheard(&mut driver, vec![put(&format!("{KEYS}a"), &changed)]);
        let reply = fetch(&mut driver, &format!("{PLACE}{target}?resourceVersion={}", revision.0));
        assert_eq!(reply.status, 200, "{}", reply.text());
        version(&json(&reply)) < revision.0
    };
    stale("") && stale("/a")
}

fn watch_survives_relist(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let from = version(&make(&mut driver, "a", "x"));
    let id = watch(&mut driver, &format!("resourceVersion={from}"));
    driver.etcd_mut().unfollow(ServerId(0), Feed(0));
    let text = stored(&driver, "a");
    let revision =
        write_unheard(&mut driver, vec![put(&format!("{KEYS}b"), &text.replace("\"a\"", "\"b\""))]);
    driver.give(Input::Lost(Feed(0), Why::Compacted { compact_revision: revision }));
    driver.pass(1);
    let known = fetch(&mut driver, &format!("{PLACE}/b?resourceVersion=0"));
    assert_eq!(known.status, 200, "{}", known.text());
    driver.is_open(id) && seen(&mut driver, id).is_empty()
}

fn lost_delete_without_previous(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let revision = Rev(version(&make(&mut driver, "a", "x")) + 1);
    let kv = KeyValue { key: format!("{KEYS}a").into(), mod_revision: revision, ..KeyValue::default() };
    let event = Event { kind: EventType::Delete, kv, previous: None };
    driver.give(Input::Changed(Batch { feed: Feed(0), events: vec![event], revision }.into()));
    fetch(&mut driver, &format!("{PLACE}/a?resourceVersion=0")).status == 200
}

fn bookmark_of_requested_revision(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let first = version(&make(&mut driver, "a", "x"));
    let second = version(&make(&mut driver, "b", "x"));
    let query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    let id = watch(&mut driver, &format!("{query}&resourceVersion={first}"));
    let initial = events(&driver.take(id).unwrap_or_default());
    assert_eq!(initial.len(), 3);
    version(&initial[2]["object"]) < second
}

fn progress_starves_watchers(flaw: Flaw) -> bool {
    let bounds = Bounds { watcher_queue_frames: 4, ..Bounds::PRODUCTION };
    let mut driver = server_with(Config { bounds, ..config(flaw) });
    let from = version(&make(&mut driver, "a", "x"));
    let id = watch(&mut driver, &format!("allowWatchBookmarks=true&resourceVersion={from}"));
    driver.stop_reading(id);
    for _ in 0..10 {
        driver.give(Input::Changed(Batch { feed: Feed(0), events: Vec::new(), revision: Rev(from) }.into()));
    }
    seen(&mut driver, id).len() > bounds.watcher_queue_frames
}

fn finalizer_ignored(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    make(&mut driver, "a", "x");
    let held =
        stored(&driver, "a").replace("\"metadata\":{", "\"metadata\":{\"finalizers\":[\"example.com/f\"],");
    write_unheard(&mut driver, vec![put(&format!("{KEYS}a"), &held)]);
    let deleted = driver.call("DELETE", &format!("{PLACE}/a"), JSON, b"");
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    fetch(&mut driver, &format!("{PLACE}/a")).status == 404
}

fn precondition_on_own_change(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let body = json!({"metadata": {"name": "a", "finalizers": ["example.com/f"]}});
    let made = json(&send(&mut driver, "POST", PLACE, &body));
    let options = json!({"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}});
    let status = send(&mut driver, "DELETE", &format!("{PLACE}/a"), &options).status;
    let marked = json(&fetch(&mut driver, &format!("{PLACE}/a")));
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    status == 409
}

/// The event of an object's leaving a selection.
fn departure(flaw: Flaw) -> Option<Value> {
    let mut driver = server(flaw);
    let from = version(&make(&mut driver, "a", "in"));
    let id = watch(&mut driver, &format!("labelSelector=l%3Din&resourceVersion={from}"));
    relabel(&mut driver, "a", "out");
    events(&driver.take(id).unwrap_or_default()).pop()
}

fn deleted_carries_update(flaw: Flaw) -> bool {
    let event = departure(flaw).expect("an event");
    assert_eq!(event["type"], json!("DELETED"));
    event["object"]["metadata"]["labels"]["l"] == json!("out")
}

fn departure_untold(flaw: Flaw) -> bool {
    departure(flaw).is_none()
}

fn closed_instead_of_expired(flaw: Flaw) -> bool {
    let (_, mut driver) = server_over_one_object(flaw);
    let id = watch(&mut driver, "resourceVersion=1");
    assert!(!driver.is_open(id));
    let reply = driver.take(id).expect("an answer");
    reply.status == 200 && events(&reply).is_empty()
}

fn quiet_cache_never_advances(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    write_unheard(&mut driver, vec![put("/other/x", "v")]);
    let id = driver.begin("GET", PLACE, JSON, b"");
    driver.pass(4_000);
    driver.take(id).expect("an answer").status == 504
}

/// A machine that has just started, and the effects of the start.
fn starting(flaw: Flaw) -> (Now, Machine, Vec<Effect>) {
    let now = Now { mono: Mono(1), wall: Wall(0) };
    let mut machine = Machine::new(config(flaw), Arc::new(Registry::builtin()));
    let mut effects = Vec::new();
    machine.handle(now, Input::Start, &mut effects);
    (now, machine, effects)
}

fn empty_list_before_sync(flaw: Flaw) -> bool {
    let (now, mut machine, mut effects) = starting(flaw);
    let request = Request {
        method: Method::Get,
        path: PLACE.to_owned(),
        query: "resourceVersion=0".to_owned(),
        headers: Vec::new(),
        has_body: false,
        peer: Peer::None,
        remote_address: "192.0.2.1".into(),
    };
    machine.handle(now, Input::Request(JobId(1), request), &mut effects);
    loop {
        match effects.pop() {
            Some(Effect::Run(task)) => machine.handle(now, Input::Ran(task.run()), &mut effects),
            Some(Effect::Respond(_, response)) => return response.status == 200,
            other => panic!("a step or an answer, not {other:?}"),
        }
    }
}

fn lost_feed_ends_start(flaw: Flaw) -> bool {
    let (now, mut machine, mut effects) = starting(flaw);
    let Some(Effect::Store(listing, ..)) = effects.pop() else { panic!("a start lists the store") };
    machine.handle(now, Input::Lost(Feed(0), Why::Disconnected("reset".into())), &mut effects);
    let page = Ranged { revision: Rev(5), ..Ranged::default() };
    machine.handle(now, Input::Stored(listing, Stored::Ranged(page)), &mut effects);
    let decoded = effects.into_iter().find_map(|effect| match effect {
        Effect::Decode(page) => Some(page.run()),
        _ => None,
    });
    if let Some(decoded) = decoded {
        machine.handle(now, Input::Decoded(decoded), &mut Vec::new());
    }
    !machine.world().synced()
}

fn index_misses_updates(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    driver.call("DELETE", "/api/v1/namespaces/w", JSON, b"");
    assert_eq!(json(&fetch(&mut driver, "/api/v1/namespaces/w"))["status"]["phase"], "Terminating");
    let body = json!({"metadata": {"name": "a"}});
    send(&mut driver, "POST", PLACE, &body).status == 201
}

fn watch_survives_its_kind(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    driver.give(Input::Serve(Box::new(widgets())));
    let id = driver.begin("GET", "/apis/example.com/v1/widgets?watch=1", JSON, b"");
    assert!(driver.is_open(id));
    driver.give(Input::Withdraw { group: "example.com".into(), plural: "widgets".into() });
    driver.is_open(id)
}

fn deletion_claimed_of_stale(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    make(&mut driver, "a", "x");
    write_unheard(&mut driver, vec![TxnOp::Delete { key: format!("{KEYS}a").into(), end: None }]);
    driver.lose_next_write(ReplyLoss::BeforeEffect);
    driver.call("DELETE", &format!("{PLACE}/a"), JSON, b"").status == 200
}

fn unknown_means_failed(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    driver.lose_next_write(ReplyLoss::AfterEffect);
    send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}})).status == 409
}

fn settled_by_bytes(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    driver.lose_next_write_before(|etcd| {
        let key = Bytes::from(format!("{KEYS}a"));
        let ranged = etcd.mvcc().range(&Range { key, ..Range::default() }).expect("a range");
        let text = String::from_utf8_lossy(&ranged.kvs[0].value).replace("mine", "theirs");
        let write = Txn { then: vec![put(&format!("{KEYS}a"), &text)], ..Txn::default() };
        assert!(matches!(etcd.perform(Mono(1), &Op::Txn(write)), Stored::Txn(_)));
    });
    let made = send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}, "data": {"k": "mine"}}));
    assert!(made.status == 504 || json(&made)["data"]["k"] == json!("mine"), "{}", made.text());
    made.status == 504
}

fn lost_update(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let mut object = make(&mut driver, "a", "x");
    let theirs = stored(&driver, "a").replace("old", "theirs");
    write_unheard(&mut driver, vec![put(&format!("{KEYS}a"), &theirs)]);
    object["data"]["k"] = json!("mine");
    let status = send(&mut driver, "PUT", &format!("{PLACE}/a"), &object).status;
    assert!(status == 200 || status == 409, "{status}");
    json(&fetch(&mut driver, &format!("{PLACE}/a")))["data"]["k"] != json!("theirs")
}

fn canary(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    make(&mut driver, "a", "x");
    assert_eq!(driver.call("DELETE", &format!("{PLACE}/a"), JSON, b"").status, 200);
    fetch(&mut driver, &format!("{PLACE}/a")).status == 200
}

fn uid_reused(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let first = make(&mut driver, "a", "x");
    driver.call("DELETE", &format!("{PLACE}/a"), JSON, b"");
    let second = make(&mut driver, "a", "x");
    first["metadata"]["uid"] == second["metadata"]["uid"]
}

fn page_of_newest(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    make(&mut driver, "a", "x");
    make(&mut driver, "c", "x");
    let first = json(&fetch(&mut driver, &format!("{PLACE}?limit=1")));
    let next = first["metadata"]["continue"].as_str().expect("a token");
    make(&mut driver, "b", "x");
    let second = json(&fetch(&mut driver, &format!("{PLACE}?limit=1&continue={next}")));
    assert_eq!(version(&first), version(&second));
    second["items"][0]["metadata"]["name"] == json!("b")
}

fn bookmark_ahead_of_events(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let from = version(&make(&mut driver, "a", "x"));
    let id = watch(&mut driver, &format!("allowWatchBookmarks=true&resourceVersion={from}"));
    make(&mut driver, "b", "x");
    seen(&mut driver, id) != ["ADDED b"]
}

fn past_listed_from_cache(flaw: Flaw) -> bool {
    let mut first = server(flaw);
    make(&mut first, "a", "x");
    let revision = version(&make(&mut first, "b", "x"));
    assert_eq!(first.call("DELETE", &format!("{PLACE}/a"), JSON, b"").status, 200);
    let mut second = Driver::start_on(config(flaw), first.into_etcd());
    let query = format!("resourceVersion={revision}&resourceVersionMatch=Exact");
    let listed = json(&fetch(&mut second, &format!("{PLACE}?{query}")));
    listed["items"].as_array().expect("items").len() < 2
}

fn lease_outlived(flaw: Flaw) -> bool {
    let mut driver = server_with(Config { event_ttl_seconds: 5, ..config(flaw) });
    let mut record = |name: &str| {
        let about = json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": "w", "name": "a"});
        let event = json!({"metadata": {"name": name}, "involvedObject": about, "type": "Normal"});
        let made = send(&mut driver, "POST", "/api/v1/namespaces/w/events", &event);
        driver.pass(10_000);
        made.status
    };
    assert_eq!(record("one"), 201);
    record("two") == 500
}

fn gone_under_old_version(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let kind = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"w","uid":"u"}}"#;
    let revision = write_unheard(&mut driver, vec![put("/registry/pods/w/a", kind)]);
    driver.lose_next_write(ReplyLoss::AfterEffect);
    let gone = driver.call("DELETE", "/api/v1/namespaces/w/pods/a", JSON, b"");
    assert_eq!(gone.status, 200, "{}", gone.text());
    let shown = json(&gone);
    assert!(shown["metadata"]["deletionTimestamp"].is_string(), "{shown}");
    shown["metadata"]["resourceVersion"] == json!(revision.0.to_string())
}

fn kind_patched_away(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let made = driver.call("POST", PLACE, JSON, br#"{"metadata":{"name":"a"}}"#);
    assert_eq!(made.status, 201, "{}", made.text());
    let patched = driver.call("PATCH", &format!("{PLACE}/a"), MERGE, br#"{"kind":null,"data":{"k":"v"}}"#);
    assert_eq!(patched.status, 200, "{}", patched.text());
    let range = Range { key: format!("{KEYS}a").into(), ..Range::default() };
    let held = driver.etcd().mvcc().range(&range).expect("the key can be read").kvs;
    !held[0].value.starts_with(br#"{"kind":"ConfigMap""#)
}

fn lease_dropped(flaw: Flaw) -> bool {
    let mut driver = server_with(Config { event_ttl_seconds: 5, ..config(flaw) });
    let place = "/api/v1/namespaces/w/events";
    let about = json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": "w", "name": "a"});
    let event = |name: &str, message: &str| {
        json!({
            "metadata": {"name": name, "finalizers": ["example.com/f"]},
            "involvedObject": about,
            "type": "Normal",
            "message": message,
        })
    };
    for name in ["updated", "patched", "marked"] {
        assert_eq!(send(&mut driver, "POST", place, &event(name, "")).status, 201);
    }
    driver.pass(3_000);
    let written = [
        send(&mut driver, "PUT", &format!("{place}/updated"), &event("updated", "again")),
        driver.call("PATCH", &format!("{place}/patched"), MERGE, br#"{"message":"again"}"#),
        driver.call("DELETE", &format!("{place}/marked"), JSON, b""),
    ];
    assert!(written.iter().all(|reply| reply.status == 200), "{}", written[0].text());
    driver.pass(4_000);
    let left = |driver: &mut Driver| json(&fetch(driver, place))["items"].as_array().map_or(0, Vec::len);
    assert_eq!(left(&mut driver), 3, "each lives on from its last write");
    driver.pass(3_000);
    left(&mut driver) > 0
}

fn illness_untold(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    driver.give(Input::Health(Feed(0), Err("the store does not answer".into())));
    fetch(&mut driver, "/livez").status == 200
}

fn unreadable_means_deleted(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    make(&mut driver, "a", "x");
    write_unheard(&mut driver, vec![put(&format!("{KEYS}a"), "k8s:enc:aescbc:v1:k:xxx")]);
    driver.pass(1);
    fetch(&mut driver, PLACE).status == 200
}

fn calls_outlived(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let id = JobId(1 << 40);
    driver.give(Input::Probe(id, ProbeTask::Calls(vec![crate::outcalls::call()])));
    assert_eq!(driver.calls.len(), 1);
    driver.give(Input::Gone(id));
    !driver.calls.is_empty()
}
