//! Asks the servers of aggregated APIs, again and again, whether they answer and what they serve. Nobody waits for
//! them: requests see what was heard last (`World::heard_apis`).
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go,
//! staging/src/k8s.io/kube-aggregator/pkg/apiserver/handler_discovery.go

use super::Effect;
use super::handle::Machine;
use super::timers::Timer;
use crate::caller::Caller;
use crate::codec::json;
use crate::config::{Controller, Controllers, JobId, Note};
use crate::documents::aggregation::{AGGREGATED_ACCEPT, version_entry, version_entry_of_resources};
use crate::job::who;
use crate::kinds::{Objects, condition};
use crate::limits;
use crate::now::{Mono, Now};
use crate::value::{Text, Value};
use crate::wire::{CallError, CallOutcome, Called, Outcall};
use crate::world::World;
use crate::world::aggregation::HeardApi;
use crate::world::indexes::RemoteApi;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;

/// How often a server is asked at once whether it answers: one good answer is enough.
const ATTEMPTS: u32 = 5;
/// The places of the other calls after these.
const DISCOVERY: usize = ATTEMPTS as usize;
const OPENAPI: usize = DISCOVERY + 1;
const OPENAPI_V2: usize = OPENAPI + 1;
const CALLS: usize = OPENAPI_V2 + 1;

/// The servers that are asked.
#[derive(Debug, Default)]
pub(super) struct Aggregating {
    /// By the name of the API service.
    asked: BTreeMap<Text, Asked>,
    /// The rounds that are under way, by the job that their calls are made for.
    rounds: BTreeMap<JobId, Text>,
}

#[derive(Debug)]
struct Asked {
    api: Arc<RemoteApi>,
    /// The calls of the round that is under way, with their outcomes.
    round: Option<Round>,
    /// When it is asked again.
    next: Mono,
    /// How many rounds in a row have had no good answer.
    failures: u32,
}

#[derive(Debug)]
struct Round {
    job: JobId,
    url: String,
    outcomes: Vec<Option<CallOutcome>>,
}

/// What the documents of a server say, as far as they could be had.
#[derive(Debug, Default)]
struct Documents {
    /// Its entry of the aggregated document of discovery, with the document's entity tag.
    entry: Option<(Value, Text)>,
    openapi_location: Option<Text>,
    /// The OpenAPI v2 document with its entity tag.
    openapi_v2: Option<(Bytes, Text)>,
}

impl Aggregating {
    /// Whether calls of this job ask a server of an aggregated API.
    pub(super) fn has_asked(&self, job: JobId) -> bool {
        self.rounds.contains_key(&job)
    }
}

impl Machine {
    /// Looks which servers there are now. Those whose API service or service has changed are asked at once.
    pub(super) fn look_at_apis(&mut self, now: Now, out: &mut Vec<Effect>) {
        let is_on = Controllers::of(self.config.bootstrap).has(Controller::RemoteApiServices);
        if !is_on || !self.world.synced() {
            return;
        }
        let world = self.world.clone();
        let apis = world.indexes().remote_apis();
        if apis.is_empty() && self.aggregating.asked.is_empty() {
            return;
        }
        let mut gone: Vec<Text> = self.aggregating.asked.keys().cloned().collect();
        for api in apis.iter().take(limits::REMOTE_APIS) {
            gone.retain(|name| *name != api.name);
            let is_same = |held: &Asked| same_server(&held.api, api);
            let held = self.aggregating.asked.get_mut(&api.name);
            match held.filter(|held| is_same(held)) {
                // The condition, which this server itself sets, is no reason to ask again.
                Some(held) => {
                    if held.api.is_available && !api.is_available {
                        let reason = unavailable_reason(&world, &api.name);
                        out.push(Effect::Note(Note::RemoteApiUnavailable { name: api.name.clone(), reason }));
                    }
                    held.api = api.clone();
                }
                None => {
                    self.stop_asking(&api.name, out);
                    let asked = Asked { api: api.clone(), round: None, next: now.mono, failures: 0 };
                    self.aggregating.asked.insert(api.name.clone(), asked);
                }
            }
        }
        for name in gone {
            self.stop_asking(&name, out);
            Arc::make_mut(&mut Arc::make_mut(&mut self.world).heard_apis).remove(&name);
        }
        self.ask_apis(now, out);
    }

    /// A service or its endpoints have changed: who could not be reached is asked at once.
    pub(super) fn services_changed(&mut self, now: Now, out: &mut Vec<Effect>) {
        for asked in self.aggregating.asked.values_mut().filter(|asked| asked.failures > 0) {
            asked.next = now.mono;
        }
        self.ask_apis(now, out);
    }

    fn stop_asking(&mut self, name: &Text, out: &mut Vec<Effect>) {
        let round = self.aggregating.asked.remove(name).and_then(|asked| asked.round);
        if let Some(round) = round {
            self.aggregating.rounds.remove(&round.job);
            out.push(Effect::CancelCalls(round.job));
        }
    }

    /// Asks those whose time has come.
    pub(super) fn ask_apis(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.draining.is_some() {
            return;
        }
        let is_due = |asked: &Asked| asked.round.is_none() && asked.next <= now.mono;
        let due: Vec<Text> = self
            .aggregating
            .asked
            .iter()
            .filter(|(_, asked)| is_due(asked))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            self.ask_api(&name, now, out);
        }
        let waiting = self.aggregating.asked.values().filter(|asked| asked.round.is_none());
        if let Some(at) = waiting.map(|asked| asked.next).min() {
            self.timers.set(at, Timer::RemoteApis);
        }
    }

    fn ask_api(&mut self, name: &Text, now: Now, out: &mut Vec<Effect>) {
        let Some(api) = self.aggregating.asked.get(name).map(|asked| asked.api.clone()) else { return };
        let job = self.own_number();
        let reached = match api.hindrance(&self.world) {
            Some((_, _, why)) => Err(why),
            None => api.reached(&self.world, self.rng.fork("remote-api", job.0)),
        };
        let call = match reached {
            Ok(call) => call,
            Err(why) => {
                self.heard(name, Err(why.into()), Documents::default(), now, out);
                return;
            }
        };
        let root = root(&api);
        let url = format!("https://{}{root}", call.authority());
        let held = self.world.heard_apis.get(name).cloned().unwrap_or_default();
        const JSON: &str = "application/json";
        for index in 0..CALLS {
            let (target, caller, accept, entity_tag) = match index {
                DISCOVERY => ("/apis", discoverer(), AGGREGATED_ACCEPT, held.entity_tag.as_str()),
                OPENAPI => ("/openapi/v3", reader(), JSON, ""),
                OPENAPI_V2 => ("/openapi/v2", reader(), JSON, held.openapi_v2_tag.as_str()),
                _ => (root.as_str(), discoverer(), JSON, ""),
            };
            let mut call = Outcall { target: target.into(), headers: who(&caller), ..call.clone() };
            call.headers.push(("accept".into(), accept.into()));
            if !entity_tag.is_empty() {
                call.headers.push(("if-none-match".into(), entity_tag.into()));
            }
            out.push(Effect::Call(job, index as u32, call));
        }
        self.aggregating.rounds.insert(job, name.clone());
        if let Some(asked) = self.aggregating.asked.get_mut(name) {
            asked.round = Some(Round { job, url, outcomes: alloc::vec![None; CALLS] });
        }
    }

    /// One of the calls of a round has an outcome.
    pub(super) fn remote_called(
        &mut self,
        job: JobId,
        index: u32,
        outcome: CallOutcome,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let Some(name) = self.aggregating.rounds.get(&job).cloned() else { return };
        let Some(asked) = self.aggregating.asked.get_mut(&name) else { return };
        let Some(round) = &mut asked.round else { return };
        if let Some(place) = round.outcomes.get_mut(index as usize) {
            place.get_or_insert(outcome);
        }
        if round.outcomes.iter().any(Option::is_none) {
            return;
        }
        self.aggregating.rounds.remove(&job);
        let Some(Round { url, outcomes, .. }) = asked.round.take() else { return };
        let api = asked.api.clone();
        let outcomes: Vec<CallOutcome> = outcomes.into_iter().flatten().collect();
        let answers = answers(&outcomes[..DISCOVERY.min(outcomes.len())], &url);
        let resources = outcomes.iter().take(DISCOVERY).find_map(|outcome| good(outcome));
        let held = self.world.heard_apis.get(&name).cloned();
        let entry =
            outcomes.get(DISCOVERY).and_then(|outcome| discovered(outcome, &api, resources, held.as_deref()));
        let openapi_location = outcomes.get(OPENAPI).and_then(good).map(|called| location_of(called, &api));
        let openapi_v2 = outcomes.get(OPENAPI_V2).and_then(good);
        let openapi_v2 = openapi_v2.map(|called| (called.body.clone(), called.header("etag").into()));
        self.heard(&name, answers, Documents { entry, openapi_location, openapi_v2 }, now, out);
    }

    /// Notes what came of a round, and when the next one begins.
    fn heard(
        &mut self,
        name: &Text,
        answers: Result<(), Text>,
        documents: Documents,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let Some(asked) = self.aggregating.asked.get_mut(name) else { return };
        asked.failures = if answers.is_ok() { 0 } else { asked.failures.saturating_add(1) };
        let millis = match asked.failures {
            0 => limits::REMOTE_API_MILLIS,
            failures => {
                (limits::REMOTE_API_RETRY_MILLIS << (failures - 1).min(16)).min(limits::REMOTE_API_MILLIS)
            }
        };
        asked.next = now.mono.plus_millis(millis);
        self.timers.set(asked.next, Timer::RemoteApis);
        let held = self.world.heard_apis.get(name).map(|heard| (**heard).clone()).unwrap_or_default();
        let Documents { entry, openapi_location, openapi_v2 } = documents;
        let is_stale = entry.is_none();
        let (discovery, entity_tag) = match entry {
            Some((entry, tag)) => (Some(entry), tag),
            None => (held.discovery.clone(), Text::default()),
        };
        let others = self.world.heard_apis.iter().filter(|(other, _)| *other != name);
        let kept: usize = others.map(|(_, heard)| heard.openapi_v2.len()).sum();
        let has_room = |document: &Bytes| kept.saturating_add(document.len()) <= limits::REMOTE_OPENAPI_BYTES;
        let (openapi_v2, openapi_v2_tag) = match openapi_v2 {
            // As upstream, what was had last is kept.
            None => (held.openapi_v2.clone(), held.openapi_v2_tag.clone()),
            Some((document, tag)) if has_room(&document) => (document, tag),
            Some(_) => Default::default(),
        };
        let heard = HeardApi {
            answers: Some(answers),
            discovery,
            is_stale,
            openapi_location: openapi_location.unwrap_or_else(|| held.openapi_location.clone()),
            openapi_v2,
            openapi_v2_tag,
            entity_tag,
        };
        if heard != held {
            let world = Arc::make_mut(&mut self.world);
            Arc::make_mut(&mut world.heard_apis).insert(name.clone(), Arc::new(heard));
            self.run_remote_api_services(now, out);
        }
    }
}

/// Whether two API services name the same server, which is trusted alike.
fn same_server(one: &RemoteApi, other: &RemoteApi) -> bool {
    let of = |api: &RemoteApi| (api.service.clone(), api.trusts_anybody, api.authorities.clone());
    of(one) == of(other)
}

/// Why an API service is not available, a word.
fn unavailable_reason(world: &World, name: &str) -> Text {
    let service = world.get("apiregistration.k8s.io", "apiservices", "", name).unwrap_or_default();
    condition(&service, "Available")
        .map_or_else(|| "UnknownReason".into(), |held| held.text_at(&["reason"]).into())
}

/// As whom the server asks what others serve.
fn discoverer() -> Caller {
    Caller {
        name: "system:kube-aggregator".into(),
        uid: Text::default(),
        groups: alloc::vec![Caller::PRIVILEGED_GROUP.into()],
        extra: Vec::new(),
    }
}

/// As whom the server asks for OpenAPI documents.
/// k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/openapi/aggregator/aggregator.go aggregatorUser
fn reader() -> Caller {
    Caller { name: "system:aggregator".into(), uid: Text::default(), groups: Vec::new(), extra: Vec::new() }
}

/// The path that the server of a group and version must answer.
fn root(api: &RemoteApi) -> String {
    match api.group.as_str() {
        "" => format!("/api/{}", api.version),
        group => format!("/apis/{group}/{}", api.version),
    }
}

fn good(outcome: &CallOutcome) -> Option<&Called> {
    outcome.as_ref().ok().filter(|called| called.status == 200)
}

/// Whether one of the calls was answered well; else what came of the last one.
fn answers(outcomes: &[CallOutcome], url: &str) -> Result<(), Text> {
    let mut last = Text::default();
    for outcome in outcomes {
        let why = match outcome {
            Ok(called) if (200..300).contains(&called.status) => return Ok(()),
            Ok(called) => format!("bad status from {url}: {}", called.status),
            Err(CallError::TimedOut) => {
                let why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
                format!("Get \"{url}\": {why}")
            }
            Err(CallError::Refused(why) | CallError::Untrusted(why) | CallError::Malformed(why)) => {
                format!("Get \"{url}\": {why}")
            }
            Err(CallError::TooLarge) => format!("Get \"{url}\": the answer is too long"),
            Err(CallError::NoRoom) => format!("Get \"{url}\": too many calls are under way"),
        };
        last = format!("failing or missing response from {url}: {why}").into();
    }
    Err(last)
}

/// The entry of a group and version in the server's aggregated document, with the document's entity tag; or one made of
/// its list of resources, if it has no such document. None if neither could be had.
fn discovered(
    outcome: &CallOutcome,
    api: &RemoteApi,
    resources: Option<&Called>,
    held: Option<&HeardApi>,
) -> Option<(Value, Text)> {
    let called = outcome.as_ref().ok()?;
    if called.status == 304 {
        let held = held?;
        return Some((held.discovery.clone()?, held.entity_tag.clone()));
    }
    if called.status == 503 {
        return None;
    }
    let is_aggregated =
        called.status == 200 && called.header("content-type").contains("as=APIGroupDiscoveryList");
    if is_aggregated {
        let document = json::parse(&called.body).ok()?.value;
        let entry = version_entry(&document, &api.group, &api.version);
        return Some((entry, called.header("etag").into()));
    }
    let list = json::parse(&resources?.body).ok()?.value;
    Some((version_entry_of_resources(&list, &api.version), Text::default()))
}

/// Where the OpenAPI document of the group and version is, by the server's index of such documents.
fn location_of(called: &Called, api: &RemoteApi) -> Text {
    let Ok(parsed) = json::parse(&called.body) else { return Text::default() };
    let path = root(api);
    let entry = parsed.value.at(&["paths", path.trim_start_matches('/')]);
    entry.map_or_else(Text::default, |entry| entry.text_at(&["serverRelativeURL"]).into())
}
