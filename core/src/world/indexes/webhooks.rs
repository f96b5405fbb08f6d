//! The admission webhooks of all configurations, read when a configuration changes and not for each request.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/configuration/mutating_webhook_manager.go,
//! validating_webhook_manager.go

use super::Changed;
use crate::config::ReviewVersion;
use crate::expressions::{Declared, MatchConditions, admission_env};
use crate::value::{Text, Value};
use crate::world::cache::Entry;
use crate::world::match_criteria::MatchCriteria;
use crate::world::webhook_client::WebhookClient;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

/// A webhook of a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Webhook {
    pub(crate) name: Text,
    /// What names it among all: several of a configuration may have one name.
    pub(crate) key: Text,
    pub(crate) criteria: MatchCriteria,
    pub(crate) client: WebhookClient,
    pub(crate) conditions: HookConditions,
    /// Writes go on without its answer (`failurePolicy: Ignore`).
    pub(crate) ignores_failures: bool,
    /// It may be asked about writes that are not meant: it says that this has no side effects.
    pub(crate) takes_dry_runs: bool,
    /// The time for its answer, milliseconds.
    pub(crate) timeout_millis: u64,
    /// The first version that both sides know; None if there is none.
    pub(crate) review_version: Option<ReviewVersion>,
    /// It is asked again about an object that was changed after it has seen it (`reinvocationPolicy: IfNeeded`).
    pub(crate) is_reinvocable: bool,
}

/// The conditions under which a webhook is asked.
#[derive(Debug)]
pub(crate) struct HookConditions {
    listed: Option<Value>,
    compiled: OnceBox<MatchConditions>,
}

impl PartialEq for HookConditions {
    fn eq(&self, other: &Self) -> bool {
        self.listed == other.listed
    }
}

impl Eq for HookConditions {}

impl HookConditions {
    fn of(webhook: &Value) -> Self {
        Self { listed: webhook.field("matchConditions").cloned(), compiled: OnceBox::new() }
    }

    /// Their expressions. Whoever asks first compiles them.
    pub(crate) fn compiled(&self) -> &MatchConditions {
        let compile = || {
            let env = admission_env(Declared { authorizer: true, ..Declared::default() });
            Box::new(MatchConditions::compile(self.listed.as_ref(), &env))
        };
        self.compiled.get_or_init(compile)
    }
}

/// All webhooks, in the order in which they are asked: by the names of their configurations, then as these list them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Webhooks {
    mutating: Arc<BTreeMap<Text, Vec<Arc<Webhook>>>>,
    validating: Arc<BTreeMap<Text, Vec<Arc<Webhook>>>>,
}

const MUTATING: &str = "mutatingwebhookconfigurations";
const VALIDATING: &str = "validatingwebhookconfigurations";

/// The time for an answer where the object names none.
const TIMEOUT_SECONDS: i64 = 10;

impl Webhook {
    fn of(configuration: &str, webhook: &Value, earlier: usize) -> Self {
        let name = webhook.text_at(&["name"]);
        let nothing = Value::Null;
        let versions = webhook.field("admissionReviewVersions").and_then(Value::as_list).unwrap_or_default();
        let mut versions = versions.iter().filter_map(Value::as_str);
        let seconds = webhook.field("timeoutSeconds").and_then(Value::as_int).unwrap_or(TIMEOUT_SECONDS);
        Self {
            name: name.into(),
            key: format!("{configuration}/{name}/{earlier}").into(),
            criteria: MatchCriteria::of_webhook(webhook),
            client: WebhookClient::of(webhook.field("clientConfig").unwrap_or(&nothing)),
            conditions: HookConditions::of(webhook),
            ignores_failures: webhook.text_at(&["failurePolicy"]) == "Ignore",
            takes_dry_runs: matches!(webhook.text_at(&["sideEffects"]), "None" | "NoneOnDryRun"),
            timeout_millis: u64::try_from(seconds.clamp(1, 30)).unwrap_or(1) * 1000,
            review_version: versions.find_map(ReviewVersion::from_word),
            is_reinvocable: webhook.text_at(&["reinvocationPolicy"]) == "IfNeeded",
        }
    }
}

fn read(entry: &Entry) -> Vec<Arc<Webhook>> {
    let configuration = entry.to_value();
    let webhooks = configuration.field("webhooks").and_then(Value::as_list).unwrap_or_default();
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = Vec::with_capacity(webhooks.len());
    for webhook in webhooks {
        let earlier = names.entry(webhook.text_at(&["name"])).or_default();
        out.push(Arc::new(Webhook::of(entry.name(), webhook, *earlier)));
        *earlier += 1;
    }
    out
}

impl Webhooks {
    pub(super) fn changed(&mut self, change: Changed<'_>) {
        let Some(name) = change.new.or(change.old).map(Entry::name) else { return };
        let held = match &*change.kind.plural {
            MUTATING => &mut self.mutating,
            VALIDATING => &mut self.validating,
            _ => return,
        };
        match change.new {
            Some(entry) => drop(Arc::make_mut(held).insert(name.into(), read(entry))),
            None => drop(Arc::make_mut(held).remove(name)),
        }
    }

    /// Those that may change an object.
    pub(crate) fn mutating(&self) -> impl Iterator<Item = &Arc<Webhook>> {
        self.mutating.values().flatten()
    }

    /// Those that may only refuse it.
    pub(crate) fn validating(&self) -> impl Iterator<Item = &Arc<Webhook>> {
        self.validating.values().flatten()
    }
}
