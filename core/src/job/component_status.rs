//! GET and list of ComponentStatuses: how the scheduler, the controller manager and the stores are. Nothing of them is
//! stored: the first two are asked at their usual ports on this machine, and of the stores the server knows itself.
//! k8s: pkg/registry/core/componentstatus/{rest,validator}.go, pkg/probe/http/http.go

use super::{Answer, Ask, Next, Scene, State, fail, view};
use crate::answer;
use crate::answer::form::{Endpoint, Form};
use crate::authorization::Target;
use crate::kinds::Verb;
use crate::selector::not_a_known_field;
use crate::status::{Failure, Qualified};
use crate::store::Feed;
use crate::value::{Map, Text, Value, object};
use crate::wire::options::{IncludeObject, ListOptions};
use crate::wire::{CallError, CallOutcome, Method, Outcall, Trust};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The components that are asked, and their ports.
const ASKED: &[(&str, u16)] = &[("controller-manager", 10257), ("scheduler", 10259)];
const HOST: &str = "127.0.0.1";
const PATH: &str = "/healthz";
const TIMEOUT_MILLIS: u64 = 20_000;
/// The longest answer of a component that is shown, bytes.
/// k8s: pkg/probe/http/http.go maxRespBodyLength
const ANSWER_BYTES: usize = 10 * 1024;

/// A component, and what is known of it.
#[derive(Clone, Debug)]
enum Component {
    /// It is asked at this port.
    Asked(&'static str, u16),
    /// The store of a feed.
    Store(Feed),
}

/// The state of such a request, while the components are asked.
#[derive(Debug)]
pub(crate) struct ComponentStatuses {
    pub(super) target: Target,
    form: Form,
    include: IncludeObject,
    components: Vec<Component>,
}

pub(super) fn begin(scene: &Scene<'_>, target: Target) -> Result<Next, Failure> {
    let is_list = target.verb() == Verb::List;
    let endpoint = if is_list { Endpoint::List } else { Endpoint::Object };
    let form = Form::negotiate(&scene.call.request, endpoint)?;
    let components = if is_list { selected(scene)? } else { named(scene, target.name())? };
    let include = scene.call.include()?;
    let calls = components.iter().filter_map(Component::call).collect();
    let statuses = ComponentStatuses { target, form, include, components };
    Ok(Next::Wait(State::Components(Box::new(statuses)), Ask::Calls(calls)))
}

/// All components, by name.
fn all(scene: &Scene<'_>) -> Vec<Component> {
    let asked = ASKED.iter().map(|(name, port)| Component::Asked(name, *port));
    let stores = scene.world.feeds().map(|(feed, _)| Component::Store(feed));
    let mut all: Vec<Component> = asked.chain(stores).collect();
    all.sort_by_key(Component::name);
    all
}

fn named(scene: &Scene<'_>, name: &str) -> Result<Vec<Component>, Failure> {
    let found: Vec<Component> = all(scene).into_iter().filter(|held| held.name() == name).collect();
    if found.is_empty() {
        return Err(Failure::not_found(Qualified { group: "", name: "componentstatus" }, name));
    }
    Ok(found)
}

/// The components that a list selects. They have no labels, and no fields but their names.
fn selected(scene: &Scene<'_>) -> Result<Vec<Component>, Failure> {
    let options = ListOptions::from_query(&scene.call.query)?;
    const FIELDS: &[&str] = &["metadata.name", "metadata.namespace"];
    if let Some(field) = options.field_selector.first_unknown(|field| FIELDS.contains(&field)) {
        return Err(Failure::bad_request(not_a_known_field(field, FIELDS)));
    }
    let is_selected = |component: &Component| {
        let name = component.name();
        let field = |field: &str| if field == "metadata.name" { name.as_str() } else { "" };
        options.label_selector.matches_labels(None) && options.field_selector.matches(field)
    };
    Ok(all(scene).into_iter().filter(is_selected).collect())
}

impl Component {
    fn name(&self) -> Text {
        match self {
            Self::Asked(name, _) => Text::from(*name),
            Self::Store(feed) => format!("etcd-{}", feed.0).into(),
        }
    }

    fn call(&self) -> Option<Outcall> {
        let Self::Asked(_, port) = self else { return None };
        Some(Outcall {
            host: HOST.into(),
            port: *port,
            trust: Trust { anybody: true, server_name: HOST.into(), ..Trust::default() },
            method: Method::Get,
            target: PATH.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            timeout_millis: TIMEOUT_MILLIS,
            attempts: 1,
            answer_bytes_max: ANSWER_BYTES,
        })
    }

    /// Whether the component is well, what it says, and what kept it from saying something. `outcomes` are those of
    /// the calls, in the order of the components that are called.
    fn condition(
        &self,
        scene: &Scene<'_>,
        outcomes: &mut impl Iterator<Item = CallOutcome>,
    ) -> Result<(&'static str, String, String), Failure> {
        match self {
            Self::Asked(_, port) => {
                let outcome = outcomes.next().ok_or_else(fail::misfit)?;
                let (status, message) = judged(&outcome, *port);
                Ok((status, message, String::new()))
            }
            Self::Store(feed) => Ok(match scene.world.illness_of(*feed) {
                None => ("True", "ok".into(), String::new()),
                Some(why) => ("False", String::new(), String::from(why.as_str())),
            }),
        }
    }
}

/// What an answer says of a component. An answer that is too long is no answer here, where upstream shows its
/// beginning.
fn judged(outcome: &CallOutcome, port: u16) -> (&'static str, String) {
    let called = |why: &str| format!("Get \"https://{HOST}:{port}{PATH}\": {why}");
    match outcome {
        Ok(called) => {
            let body = String::from_utf8_lossy(&called.body).into_owned();
            match called.status {
                200..=299 => ("True", body),
                300..=399 => ("Unknown", format!("Probe terminated redirects, Response body: {body}")),
                status => ("False", format!("HTTP probe failed with statuscode: {status}")),
            }
        }
        Err(CallError::Refused(why)) if why.contains("refused") => {
            ("False", called(&format!("dial tcp {HOST}:{port}: connect: connection refused")))
        }
        Err(CallError::TimedOut) => {
            let why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
            ("False", called(why))
        }
        Err(CallError::Refused(why) | CallError::Untrusted(why) | CallError::Malformed(why)) => {
            ("False", called(why))
        }
        Err(CallError::TooLarge) => ("False", called("the answer is too long")),
        Err(CallError::NoRoom) => ("False", called("too many calls are under way")),
    }
}

impl ComponentStatuses {
    pub(super) fn step(self, scene: &Scene<'_>, answer: Answer) -> Result<Next, Failure> {
        let outcomes = match answer {
            Answer::Called(outcomes) => outcomes,
            Answer::Begin
            | Answer::Seated
            | Answer::Body(_)
            | Answer::Stored(_)
            | Answer::Signed(_)
            | Answer::Verified(_)
            | Answer::Turn
            | Answer::Taken(_)
            | Answer::Fresh
            | Answer::Stale => return Err(fail::misfit()),
        };
        let mut outcomes = outcomes.into_iter();
        let mut objects = Vec::new();
        for component in &self.components {
            let (status, message, error) = component.condition(scene, &mut outcomes)?;
            objects.push(object(&component.name(), status, &message, &error));
        }
        if self.target.verb() == Verb::List {
            let view = view::of_list(scene, &self.target, self.form, self.include)?;
            return Ok(Next::Done(answer::list_of(&view, objects)));
        }
        let view = view::of_object(scene, &self.target, self.form, self.include)?;
        let object = objects.pop().ok_or_else(fail::misfit)?;
        Ok(Next::Done(view.respond(200, object)))
    }
}

fn object(name: &str, status: &str, message: &str, error: &str) -> Value {
    let mut condition = Map::new();
    for (field, text) in [("type", "Healthy"), ("status", status), ("message", message), ("error", error)] {
        if !text.is_empty() {
            condition.insert(field, text.into());
        }
    }
    let mut component = Value::empty_map();
    object::set_api_version_and_kind(&mut component, "v1", "ComponentStatus");
    object::set_name(&mut component, name);
    component.set("conditions", Value::list(alloc::vec![condition.into()]));
    component
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Called;

    #[test]
    fn a_component_is_as_its_answer_says() {
        let said = |status: u16, body: &'static str| {
            Ok(Called { status, headers: Vec::new(), body: Bytes::from_static(body.as_bytes()) })
        };
        let cases = [
            (said(200, "ok"), "True", "ok"),
            (said(299, "fine"), "True", "fine"),
            (said(302, "there"), "Unknown", "Probe terminated redirects, Response body: there"),
            (said(400, "no"), "False", "HTTP probe failed with statuscode: 400"),
            (said(500, "ill"), "False", "HTTP probe failed with statuscode: 500"),
            (
                Err(CallError::Refused("Connection refused (os error 111)".into())),
                "False",
                "Get \"https://127.0.0.1:10259/healthz\": dial tcp 127.0.0.1:10259: connect: connection refused",
            ),
            (
                Err(CallError::TimedOut),
                "False",
                "Get \"https://127.0.0.1:10259/healthz\": context deadline exceeded (Client.Timeout exceeded \
                 while awaiting headers)",
            ),
        ];
        for (outcome, status, message) in cases {
            assert_eq!(judged(&outcome, 10259), (status, String::from(message)));
        }
    }
}
