//! Watches of a version that a webhook converts.

use super::scene::{Scene, V1, V2, right};
use crate::conditions::send;
use serde_json::{Value, json};
use steersman_core::config::JobId;
use steersman_core::machine::Input;
use steersman_core::wire::CallError;

#[test]
fn watchers_are_told_in_their_version_in_order_and_share_one_review() {
    let mut scene = Scene::new("v2");
    let since = scene.revision();
    let watches: Vec<JobId> =
        (0..20).map(|_| scene.watch(&format!("{V1}?watch=true&resourceVersion={since}"))).collect();
    let stored = scene.watch(&format!("{V2}?watch=true&resourceVersion={since}"));
    let selected =
        scene.watch(&format!("{V1}?watch=true&resourceVersion={since}&fieldSelector=spec.hostPort%3Dx:1"));
    scene.put("a", "x");
    assert_eq!(scene.told(stored), ["ADDED a x"], "the stored version waits for nobody");
    assert!(scene.told(watches[0]).is_empty(), "its watchers wait for the converter");
    scene.put("a", "y");
    scene.put("b", "x");
    scene.convert(right);
    assert!(scene.reviews.len() <= 2, "{} reviews", scene.reviews.len());
    for watch in &watches {
        assert_eq!(scene.told(*watch), ["ADDED a x:1", "MODIFIED a y:1", "ADDED b x:1"]);
    }
    assert_eq!(scene.told(selected), ["ADDED a x:1", "DELETED a x:1", "ADDED b x:1"]);
    let asked = scene.reviews.len();
    assert_eq!(scene.get(&format!("{V1}/b"))["spec"]["hostPort"], json!("x:1"));
    assert_eq!(scene.reviews.len(), asked, "readers use what was converted for watchers");
    let late = scene.watch(&format!("{V1}?watch=true&resourceVersion={since}"));
    assert_eq!(scene.told(late), ["ADDED a x:1", "MODIFIED a y:1", "ADDED b x:1"]);
    assert_eq!(scene.reviews.len(), asked, "and so do those that come later");
    let gone = send(&mut scene.driver, "DELETE", &format!("{V2}/a"), &Value::Null);
    assert_eq!(gone.status, 200);
    assert_eq!(scene.told(late), ["DELETED a y:1"], "a deletion shows what was known");
    scene.driver.machine().check();
}

#[test]
fn a_watch_begins_with_what_is_there() {
    let mut scene = Scene::new("v2");
    scene.put("a", "x");
    let watch = scene.watch(&format!("{V1}?watch=true&resourceVersion=0"));
    scene.convert(right);
    assert_eq!(scene.told(watch), ["ADDED a x:1"]);
    let target = format!(
        "{V1}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    );
    let list = scene.watch(&target);
    scene.convert(right);
    let events = scene.events(list);
    assert_eq!((events.len(), &events[1]["type"]), (2, &json!("BOOKMARK")));
    assert_eq!(events[1]["object"]["apiVersion"], json!("example.com/v1"));
    scene.put("b", "y");
    scene.convert(right);
    assert_eq!(scene.told(list), ["ADDED b y:1"]);
}

#[test]
fn a_bookmark_promises_nothing_that_is_not_converted() {
    let mut scene = Scene::new("v2");
    let since = scene.revision();
    let watch = scene.watch(&format!("{V1}?watch=true&resourceVersion={since}&allowWatchBookmarks=true"));
    scene.put("a", "x");
    scene.driver.pass(25_000);
    assert!(scene.told(watch).is_empty());
    scene.convert(right);
    assert_eq!(scene.told(watch), ["ADDED a x:1"]);
    scene.driver.pass(120_000);
    assert!(scene.told(watch).iter().any(|told| told.starts_with("BOOKMARK")));
}

#[test]
fn a_dead_converter_ends_the_watches_of_its_version_and_no_others() {
    let mut scene = Scene::new("v2");
    let since = scene.revision();
    let watch = scene.watch(&format!("{V1}?watch=true&resourceVersion={since}"));
    let stored = scene.watch(&format!("{V2}?watch=true&resourceVersion={since}"));
    scene.put("a", "x");
    scene.convert(|_| Err(CallError::Refused("connection refused".into())));
    let told = scene.events(watch);
    assert_eq!((told.len(), &told[0]["type"], &told[0]["object"]["code"]), (1, &json!("ERROR"), &json!(500)));
    let message = told[0]["object"]["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("conversion webhook for example.com/v2, Kind=Link failed: Post "),
        "{message}"
    );
    assert!(!scene.driver.is_open(watch), "it has ended");
    scene.put("b", "y");
    assert_eq!(scene.told(stored), ["ADDED a x", "ADDED b y"]);
    assert!(scene.driver.calls.is_empty(), "nobody watches the other version any more");
    // A converter that does not answer at all is given up after its time.
    let watch = scene.watch(&format!("{V1}?watch=true&resourceVersion={since}"));
    assert_eq!(scene.driver.calls.len(), 1);
    scene.driver.pass(61_000);
    assert_eq!(scene.events(watch)[0]["type"], json!("ERROR"));
    assert!(scene.driver.calls.is_empty(), "the call is cancelled");
    scene.driver.machine().check();
}

#[test]
fn watchers_that_leave_take_their_conversions_along() {
    let mut scene = Scene::new("v2");
    let since = scene.revision();
    let watch = scene.watch(&format!("{V1}?watch=true&resourceVersion={since}"));
    scene.put("a", "x");
    assert_eq!(scene.driver.calls.len(), 1);
    scene.driver.give(Input::Gone(watch));
    assert_eq!((scene.driver.calls.len(), scene.driver.machine().open_requests()), (0, 0));
    scene.driver.machine().check();
}
