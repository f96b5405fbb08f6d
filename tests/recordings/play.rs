//! Replays a scenario against a server of its own.

use super::normal::{self, Kept};
use super::step::{Asked, Scenario, Step};
use super::{compare, folder, webhook};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use steersman_core::codec::base64;
use steersman_core::config::Authorizer;
use steersman_core::config::Bootstrap;
use steersman_core::config::Config;
use steersman_core::config::IssuerKey;
use steersman_core::config::{AdmissionOptions, Authentication, Token};
use steersman_core::config::{ControlPlane, EndpointReconciler, TrustedClients};
use steersman_core::machine::Input;
use steersman_core::now::Wall;
use steersman_sim::driver::{Driver, Reply, open_config};

/// Virtual time between two steps, milliseconds.
const STEP_MILLIS: u64 = 10;
/// How long an answer is waited for, and a watch listened to, at most, seconds of virtual time.
const WAIT_SECONDS: u32 = 60;

/// What came of a step that is compared.
pub(super) struct Outcome {
    pub(super) step: u64,
    pub(super) request: String,
    pub(super) differences: Vec<String>,
    pub(super) is_status_equal: bool,
}

/// The values that requests name: those that earlier answers held.
type Saved = BTreeMap<String, String>;

fn remove_managed_fields(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        Value::Array(items) => items.iter_mut().for_each(remove_managed_fields),
        Value::Object(members) => {
            members.remove("managedFields");
            members.values_mut().for_each(remove_managed_fields);
        }
    }
}

/// Replays a scenario. Managed fields are compared if they were recorded.
pub(super) fn play(scenario: &Scenario, is_tracked: bool) -> Vec<Outcome> {
    let mut driver = Driver::start_at(config(), recorded_at());
    let authority =
        std::fs::read_to_string(folder().join("server/ca.crt")).expect("the authority can be read");
    let mut saved = Saved::from([("caBundle".to_owned(), base64::encode(authority.as_bytes()))]);
    let mut outcomes = Vec::new();
    for step in &scenario.steps {
        driver.pass(STEP_MILLIS);
        let (reply, asked) = ask(&mut driver, step, &saved, &authority);
        for (name, pointer) in &step.save {
            let parsed = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
            let value = match parsed.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => "missing".to_owned(),
            };
            saved.insert(name.clone(), value);
        }
        driver.pass((step.sleep * 1000.0) as u64);
        if let Some(wanted) = step.resp.as_ref().filter(|_| !step.setup) {
            let mut got = shape(step, &saved, &reply, asked);
            if !is_tracked {
                remove_managed_fields(&mut got);
            }
            outcomes.push(Outcome {
                step: step.step,
                request: format!("{} {}", step.req.method, step.req.path),
                differences: compare::differences(wanted, &got),
                is_status_equal: wanted["status"] == got["status"],
            });
        }
    }
    outcomes
}

/// When the recordings were made, since some answers tell how long ago something was.
fn recorded_at() -> Wall {
    Wall::parse_rfc3339("2026-11-29T12:00:00Z").expect("a time")
}

/// The server that the recordings were made with, as far as it is served.
fn config() -> Config {
    static KEYS: OnceLock<Vec<IssuerKey>> = OnceLock::new();
    let server = folder().join("server");
    let token = |line: &str| {
        let mut words = line.splitn(4, ',').map(|word| word.trim().trim_matches('"'));
        let mut next = || words.next().unwrap_or_default();
        let (token, user, uid) = (next().into(), next().into(), next().into());
        let groups = next().split(',').filter(|group| !group.is_empty()).map(Into::into).collect();
        Token { token, user, uid, groups }
    };
    let lines = std::fs::read_to_string(server.join("tokens.csv")).expect("the tokens can be read");
    let mut tokens: Vec<Token> = lines.lines().filter(|line| !line.is_empty()).map(token).collect();
    tokens.sort_by(|one, other| one.token.cmp(&other.token));
    let keys = KEYS.get_or_init(|| {
        steersman_io::issuer::public_keys(&server.join("sa.key")).expect("the key can be read")
    });
    Config {
        advertised: "192.0.2.2:6443".into(),
        authorization: vec![Authorizer::Node, Authorizer::Rbac],
        authentication: Authentication { tokens, anonymous: true, ..Authentication::default() },
        issuer: "https://kubernetes.default.svc".into(),
        issuer_keys: keys.clone(),
        admission: AdmissionOptions::default(),
        signing_key: keys.first().cloned(),
        audiences: vec!["https://kubernetes.default.svc".into()],
        control_plane: control_plane(),
        bootstrap: Bootstrap::Whole,
        ..open_config(1)
    }
}

/// What the recorded server told about itself.
fn control_plane() -> ControlPlane {
    let client_ca = std::fs::read_to_string(folder().join("server/ca.crt")).unwrap_or_default();
    ControlPlane {
        id: "apiserver-wlv32tlttr4jl3gtroqexyxapa".into(),
        host_name: "vm".into(),
        peer_address: "192.0.2.2:16543".into(),
        endpoints: EndpointReconciler::Lease,
        trusted: TrustedClients { client_ca: client_ca.into(), ..TrustedClients::default() },
    }
}

fn filled(text: &str, saved: &Saved) -> String {
    saved.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

/// The body that is sent.
fn body(asked: &Asked, saved: &Saved) -> Option<String> {
    let text = asked.body.as_ref().map(|body| body.get()).or(asked.raw.as_deref())?;
    Some(filled(text, saved))
}

/// Makes the request of a step, and answers what the server asks the webhook meanwhile. Returns what that was too.
fn ask(driver: &mut Driver, step: &Step, saved: &Saved, authority: &str) -> (Reply, Vec<Value>) {
    let asked = &step.req;
    let accept = asked.accept.as_deref().unwrap_or("application/json");
    let mut headers = vec![("user-agent".to_owned(), "golden/1".to_owned())];
    let token = match asked.user.as_deref().unwrap_or("admin") {
        "anonymous" => None,
        "bad" => Some("no-such-token".to_owned()),
        user => Some(format!("{user}-token")),
    };
    headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
    let body = body(asked, saved);
    if body.is_some() {
        let media = asked.content_type.as_deref().unwrap_or("application/json");
        headers.push(("content-type".to_owned(), media.to_owned()));
    }
    let named = asked.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), filled(value, saved)));
    let named: Vec<_> = named.collect();
    headers.retain(|(name, _)| !named.iter().any(|(other, _)| other == name));
    if !named.iter().any(|(name, _)| name == "accept") {
        headers.push(("accept".to_owned(), accept.to_owned()));
    }
    headers.extend(named);
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let target = filled(&asked.path, saved);
    let id = driver.begin(&asked.method, &target, &headers, body.unwrap_or_default().as_bytes());
    let mut calls = Vec::new();
    while !driver.calls.is_empty() {
        let (job, index, call) = driver.calls.remove(0);
        let answered = webhook::answer(&call, authority);
        calls.extend(answered.asked);
        driver.pass(answered.after_millis);
        driver.give(Input::Called(job, index, answered.outcome));
    }
    // Some answers wait for time to pass, and a watch ends when its time is over.
    let mut reply = driver.take(id);
    for _ in 0..WAIT_SECONDS {
        if reply.is_some() && !(step.watch && driver.is_open(id)) {
            break;
        }
        driver.pass(1000);
        match (&mut reply, driver.take(id)) {
            (Some(reply), Some(more)) => reply.body.extend_from_slice(&more.body),
            (none, first) => *none = first,
        }
    }
    (reply.unwrap_or_default(), calls)
}

/// The comparable form of an answer.
fn shape(step: &Step, saved: &Saved, reply: &Reply, calls: Vec<Value>) -> Value {
    let kept = match (&step.req.body, &step.req.raw) {
        (Some(body), _) => {
            Kept::of_body(&serde_json::from_str(&filled(body.get(), saved)).expect("a recorded body is JSON"))
        }
        (None, Some(text)) => Kept::of_text(text),
        (None, None) => Kept::default(),
    };
    let media = reply.header("content-type").unwrap_or_default();
    let media = match media.starts_with("application/json;") {
        true => media.replace(' ', ""),
        false => media.split(';').next().unwrap_or_default().trim().to_owned(),
    };
    let mut out = Map::new();
    out.insert("status".into(), json!(reply.status));
    out.insert("ctype".into(), json!(media));
    let warnings = reply.headers.iter().filter(|(name, _)| name == "warning");
    let warnings: Vec<Value> = warnings
        .map(|(_, value)| normal::text(value.strip_prefix("299 - ").unwrap_or(value).trim(), &kept).into())
        .collect();
    if !warnings.is_empty() {
        out.insert("warnings".into(), Value::Array(warnings));
    }
    let text = reply.text();
    if step.watch {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let event =
            |line: &str| serde_json::from_str(line).map_or(Value::Null, |event| normal::value(&event, &kept));
        out.insert("events".into(), lines.map(event).collect());
    } else if step.head {
        out.insert("body".into(), Value::Null);
    } else {
        match serde_json::from_str::<Value>(&text) {
            Ok(parsed) => out.insert("body".into(), normal::value(&parsed, &kept)),
            Err(_) => out.insert("text".into(), normal::text(&text, &kept).into()),
        };
    }
    if step.hooks {
        out.insert("calls".into(), calls.iter().map(|call| normal::value(call, &kept)).collect());
    }
    if let Some(body) = out.get_mut("body") {
        for pointer in &step.drop {
            let (parent, leaf) = pointer.rsplit_once('/').unwrap_or(("", pointer));
            if let Some(Value::Object(members)) = body.pointer_mut(parent) {
                members.remove(leaf);
            }
        }
        if step.keys_only
            && let Some(members) = body.as_object()
        {
            *body = members.keys().cloned().map(Value::String).collect();
        }
    }
    Value::Object(out)
}
