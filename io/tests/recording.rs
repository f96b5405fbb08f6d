//! What a server on many threads recorded answers the same when it is replayed on one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use steersman_core::answer::Body;
use steersman_core::config::JobId;
use steersman_core::kinds::Registry;
use steersman_core::machine::text::{Digests, HEADING, Recorded, parse_config, parse_input, write_effect};
use steersman_core::machine::{Drain, Effect, Input, Machine, Page, Task};
use steersman_io::record::Recorder;

use crate::serving::{config, request, send, start_with};

/// Status and body of every answer that was no stream, by request.
type Answers = BTreeMap<u64, (u16, String)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_replays_to_the_same_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("recording");
    let server = start_with(Some(Recorder::create(&path, &config()).expect("a recording"))).await;
    let mut client = server.admin().await;
    let configmaps = "/api/v1/namespaces/default/configmaps";
    let object =
        |name: u32| format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c{name}"}}}}"#);
    let mut requests = Vec::new();
    for name in 0..20 {
        requests.push(("POST", configmaps.to_owned(), object(name)));
        requests.push(("GET", format!("{configmaps}/c{name}"), String::new()));
        requests.push(("POST", configmaps.to_owned(), object(name / 2)));
        requests.push(("DELETE", format!("{configmaps}/c{}", name / 3), String::new()));
        requests.push(("GET", configmaps.to_owned(), String::new()));
    }
    let mut seen = Answers::new();
    for (id, (method, path, body)) in (1..).zip(requests) {
        let (head, body) = send(&mut client, request(method, &path, body)).await;
        seen.insert(id, (head.status().as_u16(), body));
    }
    drop(client);
    server.shell.drain(Drain::default());
    server.serving.stop(Duration::from_secs(30)).await;
    server.shell.close().await;
    let recording = std::fs::read_to_string(&path).expect("a recording");
    let replayed = replay(&recording);
    assert_eq!(replayed, seen);
    assert!(
        seen.values().any(|(status, _)| *status == 201) && seen.values().any(|(status, _)| *status == 409)
    );
}

fn replay(recording: &str) -> Answers {
    let mut lines = recording.lines();
    let mut digests = Digests::default();
    assert_eq!(next_line(&mut lines, &mut digests), HEADING);
    let config = parse_config(next_line(&mut lines, &mut digests)).expect("a configuration");
    let mut machine = Machine::new(config, Arc::new(Registry::builtin()));
    let mut tasks: BTreeMap<JobId, Task> = BTreeMap::new();
    let mut pages: BTreeMap<JobId, Page> = BTreeMap::new();
    let mut answers = Answers::new();
    loop {
        let line = next_line(&mut lines, &mut digests);
        if let Some(recorded) = Digests::parse(line) {
            assert_eq!(digests, recorded, "inputs and effects are the recorded ones");
            assert_eq!(lines.next(), None, "nothing follows");
            return answers;
        }
        let (now, recorded) = parse_input(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let input = match recorded {
            Recorded::Input(input) => *input,
            Recorded::Ran { id, seen } => {
                let task = tasks.remove(&id).expect("a task that ran was handed out");
                assert_eq!(task.sees(), seen, "{line}");
                Input::Ran(task.run())
            }
            Recorded::Decoded { id } => {
                let page = pages.remove(&id).expect("a page that was decoded was handed out");
                Input::Decoded(page.run())
            }
        };
        let mut effects = Vec::new();
        machine.handle(now, input, &mut effects);
        machine.check();
        for effect in effects {
            let mut text = String::new();
            write_effect(&effect, &mut text);
            digests.add_effect(&text);
            match effect {
                Effect::Run(task) => {
                    tasks.insert(task.id, task);
                }
                Effect::Decode(page) => {
                    pages.insert(page.id, page);
                }
                Effect::Respond(id, response) => {
                    let body = match response.body {
                        Body::Empty | Body::Metrics(_) | Body::MetricsReset(_) => Bytes::new(),
                        Body::Full(bytes) | Body::Health(bytes, _) => bytes,
                        Body::List(mut list) => std::iter::from_fn(|| list.next_chunk()).flatten().collect(),
                        Body::Stream(_) | Body::Tunnel(_) | Body::Relay(_) => continue,
                    };
                    answers.insert(id.0, (response.status, String::from_utf8_lossy(&body).into_owned()));
                }
                Effect::Store(..)
                | Effect::Body(_)
                | Effect::Call(..)
                | Effect::Dial(..)
                | Effect::Sign(..)
                | Effect::Verify(..)
                | Effect::CancelCalls(_)
                | Effect::Frame { .. }
                | Effect::Close(_)
                | Effect::Discard(_)
                | Effect::Follow { .. }
                | Effect::RequestProgress(_)
                | Effect::Note(_) => {}
            }
        }
    }
}

/// The next line; all but the last are digested.
fn next_line<'a>(lines: &mut std::str::Lines<'a>, digests: &mut Digests) -> &'a str {
    let line = lines.next().expect("the recording has an end");
    if Digests::parse(line).is_none() {
        digests.add_input(line);
    }
    line
}
