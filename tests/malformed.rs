//! Malformed input of each sort gets a Status, never a panic. The properties run a few seconds in the
//! gate; `PROPTEST_CASES` makes them run as long as wanted.

mod generate;

use crate::conditions::{JSON, json, server};
use generate::{
    changed_object, damage, damaged, json_patch, media, method, selection, stored, target, value, yaml,
};
use proptest::prelude::*;
use std::cell::RefCell;
use std::sync::Arc;
use steersman_core::config::Note;
use steersman_core::kinds::Registry;
use steersman_core::machine::Input;
use steersman_core::wire::CallError;
use steersman_core::world::World;
use steersman_sim::choose::{ByteSource, Chooser, Label};
use steersman_sim::client_request::Action;
use steersman_sim::directory::Directory;
use steersman_sim::driver::{Driver, open_config};
use steersman_sim::generate::Generator;

thread_local! {
    static GENERATOR: (Generator, Directory) = {
        let world = World::new(Arc::new(open_config(1)), Arc::new(Registry::builtin()));
        (Generator::new(), Directory::new(&Arc::new(world)))
    };
    static SERVER: RefCell<Driver> = RefCell::new(server("m"));
}

/// Makes a request on a shared server and checks that the answer is whole.
fn answered(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<(), TestCaseError> {
    SERVER.with_borrow_mut(|driver| {
        let id = driver.begin(method, target, headers, body);
        if driver.is_open(id) {
            driver.give(Input::Gone(id));
            return Ok(());
        }
        driver.pass(4_000);
        // Some requests ask other servers, of which none is here.
        for (id, index, _) in std::mem::take(&mut driver.calls) {
            driver.give(Input::Called(id, index, Err(CallError::TimedOut)));
        }
        driver.pass(4_000);
        let reply = driver.take(id).unwrap_or_default();
        prop_assert!((200..600).contains(&reply.status), "{method} {target}: {}", reply.status);
        let is_json = reply.header("content-type").is_some_and(|media| media.starts_with("application/json"));
        if reply.status >= 400 && is_json {
            let status = json(&reply);
            prop_assert_eq!(&status["kind"], "Status", "{} {}: {}", method, target, reply.text());
            prop_assert_ne!(&status["reason"], "InternalError", "{} {}: {}", method, target, reply.text());
        }
        let panicked = driver.notes.iter().any(|note| matches!(note, Note::Panicked { .. }));
        prop_assert!(!panicked, "{} {}: a step panicked", method, target);
        driver.notes.clear();
        Ok(())
    })
}

/// How many cases each property has.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_of_simulated_clients_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut chooser = Chooser::new(ByteSource::new(bytes));
        let ask = GENERATOR.with(|(generator, directory)| {
            generator.request(&mut |bound| chooser.pick(Label::Client.only(), bound), directory)
        });
        let Action::Raw(method, target) = &ask.action else { return Err(TestCaseError::fail("a raw request")) };
        answered(method, target, &[("content-type", ask.media)], &ask.body)?;
    }

    #[test]
    fn any_path_and_query_is_answered(method in method(), target in target(), body in "[ -~]{0,40}") {
        answered(method, &target, JSON, body.as_bytes())?;
    }

    #[test]
    fn any_bytes_as_a_body_are_answered(
        body in prop::collection::vec(any::<u8>(), 0..200),
        media in prop::sample::select(vec!["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "text/plain", ""]),
    ) {
        answered("POST", "/api/v1/namespaces/m/configmaps", &[("content-type", media)], &body)?;
        let mut enveloped = b"k8s\0".to_vec();
        enveloped.extend_from_slice(&body);
        answered("POST", "/api/v1/namespaces/m/pods", &[("content-type", media)], &enveloped)?;
    }

    #[test]
    fn any_text_as_yaml_is_answered(body in "[a-z:\\-\\[\\]{}&*!|>'\"#%@, \n]{0,120}") {
        answered("POST", "/api/v1/namespaces/m/configmaps", &[("content-type", "application/yaml")], body.as_bytes())?;
    }

    #[test]
    fn any_object_is_answered(
        object in value(5),
        resource in prop::sample::select(vec!["pods", "services", "configmaps", "secrets", "events", "persistentvolumeclaims"]),
    ) {
        answered("POST", &format!("/api/v1/namespaces/m/{resource}"), JSON, object.to_string().as_bytes())?;
        answered("POST", "/apis/apps/v1/namespaces/m/deployments", JSON, object.to_string().as_bytes())?;
    }

    #[test]
    fn any_patch_is_answered(
        patch in value(5),
        media in prop::sample::select(vec!["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"]),
    ) {
        SERVER.with_borrow_mut(|driver| {
            let body = br#"{"metadata":{"name":"p"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#;
            driver.call("POST", "/apis/apps/v1/namespaces/m/deployments", JSON, body);
        });
        let at = "/apis/apps/v1/namespaces/m/deployments/p?fieldManager=t";
        answered("PATCH", at, &[("content-type", media)], patch.to_string().as_bytes())?;
    }

    #[test]
    fn any_selection_is_answered(target in selection()) {
        answered("GET", &target, JSON, b"")?;
    }

    #[test]
    fn any_yaml_is_answered(body in yaml(), place in prop::sample::select(vec!["configmaps", "pods"])) {
        let headers = &[("content-type", "application/yaml")];
        answered("POST", &format!("/api/v1/namespaces/m/{place}?fieldValidation=Strict"), headers, body.as_bytes())?;
        let apply = &[("content-type", "application/apply-patch+yaml")];
        answered("PATCH", "/api/v1/namespaces/m/configmaps/y?fieldManager=t", apply, body.as_bytes())?;
    }

    #[test]
    fn any_media_types_are_answered(
        accept in media(),
        content in media(),
        (place, object) in stored(),
        which in 0..40_u8,
    ) {
        let headers = &[("accept", accept.as_str()), ("content-type", content.as_str())];
        answered("POST", &format!("{place}?dryRun=All"), headers, object.to_string().as_bytes())?;
        answered("GET", &place, headers, b"")?;
        answered("GET", &format!("{place}?watch=1&timeoutSeconds=1"), headers, b"")?;
        // The documents are large: few cases ask for one.
        let document = ["/apis", "/openapi/v3", "/openapi/v2", "/version"];
        if let Some(path) = document.get(usize::from(which)) {
            answered("GET", path, headers, b"")?;
        }
    }

    #[test]
    fn an_object_with_changes_is_answered((place, object) in changed_object(), (_, other) in changed_object()) {
        answered("POST", &format!("{place}?dryRun=All&fieldValidation=Strict"), JSON, object.to_string().as_bytes())?;
        let made = SERVER.with_borrow_mut(|driver| {
            driver.call("POST", &place, JSON, object.to_string().as_bytes())
        });
        let name = json_name(&made.body);
        if made.status == 201 && !name.is_empty() {
            let at = format!("{place}/{name}");
            answered("GET", &at, &[("accept", "application/json;as=Table;g=meta.k8s.io;v=v1")], b"")?;
            answered("GET", &at, &[("accept", "application/vnd.kubernetes.protobuf")], b"")?;
            let other = other.to_string();
            let trial = format!("{at}?dryRun=All");
            answered("PATCH", &trial, &[("content-type", "application/strategic-merge-patch+json")], other.as_bytes())?;
            answered("PUT", &format!("{at}/status"), JSON, other.as_bytes())?;
            let merge = &[("content-type", "application/merge-patch+json")];
            answered("PATCH", &format!("{at}/status"), merge, other.as_bytes())?;
            answered("PATCH", &format!("{at}/scale"), merge, other.as_bytes())?;
            answered("PATCH", &at, merge, other.as_bytes())?;
            answered("PUT", &at, JSON, other.as_bytes())?;
            answered("DELETE", &at, JSON, br#"{"gracePeriodSeconds":0,"propagationPolicy":"Background"}"#)?;
        }
    }

    #[test]
    fn any_json_patch_is_answered((place, object) in stored(), patch in json_patch()) {
        SERVER.with_borrow_mut(|driver| driver.call("POST", &place, JSON, object.to_string().as_bytes()));
        let at = format!("{place}/{}?dryRun=All", object["metadata"]["name"].as_str().unwrap_or_default());
        let media = &[("content-type", "application/json-patch+json")];
        answered("PATCH", &at, media, patch.to_string().as_bytes())?;
    }

    #[test]
    fn damaged_json_is_answered((place, object) in stored(), damage in damage()) {
        let body = damaged(object.to_string().into_bytes(), &damage);
        answered("POST", &format!("{place}?dryRun=All"), JSON, &body)?;
        let at = format!("{place}/one?fieldManager=t&dryRun=All");
        answered("PATCH", &at, &[("content-type", "application/strategic-merge-patch+json")], &body)?;
    }

    #[test]
    fn damaged_protobuf_is_answered((place, object) in stored(), damage in damage()) {
        let protobuf = &[("content-type", "application/vnd.kubernetes.protobuf")];
        let whole = SERVER.with_borrow_mut(|driver| {
            let headers = &[("content-type", "application/json"), ("accept", "application/vnd.kubernetes.protobuf")];
            driver.call("POST", &format!("{place}?dryRun=All"), headers, object.to_string().as_bytes()).body
        });
        answered("POST", &format!("{place}?dryRun=All"), protobuf, &damaged(whole.to_vec(), &damage))?;
    }
}

/// The name of an object, empty for anything else.
fn json_name(body: &[u8]) -> String {
    let object: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}
