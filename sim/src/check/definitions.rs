//! What a definition allows whose schema changes: a write is decided by a schema that its server has served between the
//! request and the answer. The authors of definitions write only what is read here.

use super::{CheckedAnswer, Guarantee, Violation};
use crate::client_request::Action;
use std::collections::BTreeMap;
use steersman_core::codec::json;
use steersman_core::store::Rev;
use steersman_core::value::{Value, object};
use steersman_core::world::World;

/// The definition, and what it defines.
pub const DEFINITION: &str = "levels.author.example.com";
const GROUP: &str = "author.example.com";
const PLURAL: &str = "levels";
/// Where the objects are, behind the version.
const PLACE: &str = "/apis/author.example.com/";
const KEYS: &str = "/registry/author.example.com/levels/";
const DEFINITION_KEY: &str =
    "/registry/apiextensions.k8s.io/customresourcedefinitions/levels.author.example.com";

/// What is served of the definition: by the version, the highest level that its schema and its rules allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedLevels(BTreeMap<String, u64>);

impl ServedLevels {
    /// What a server serves now.
    pub fn of_world(world: &World) -> Self {
        let served = ["v1", "v2"].into_iter().filter_map(|version| {
            let schema = world.registry.find(GROUP, version, PLURAL)?.schema()?;
            let schema = json::parse(schema.as_bytes()).ok()?.value;
            Some((version.to_owned(), highest(&schema)?))
        });
        Self(served.collect())
    }

    /// What the definition says that the store holds. None while there is none, or it is neither established nor there
    /// to stay.
    pub fn wanted(truth: &crate::truth::Truth) -> Option<Self> {
        let definition = &truth.newest(DEFINITION_KEY.as_bytes())?.object;
        let conditions = list(definition.at(&["status", "conditions"]));
        let is_established = conditions.iter().any(|condition| {
            condition.text_at(&["type"]) == "Established" && condition.text_at(&["status"]) == "True"
        });
        if !is_established || object::is_being_deleted(definition) {
            return None;
        }
        let versions = list(definition.at(&["spec", "versions"])).iter();
        let served =
            versions.filter(|version| version.field("served").and_then(Value::as_bool) == Some(true));
        let found = served.filter_map(|version| {
            let most = highest(version.at(&["schema", "openAPIV3Schema"])?)?;
            Some((version.text_at(&["name"]).to_owned(), most))
        });
        Some(Self(found.collect()))
    }

    pub fn allows(&self, version: &str, level: u64) -> bool {
        self.0.get(version).is_some_and(|most| level <= *most)
    }

    fn denies(&self, version: &str, level: u64) -> bool {
        self.0.get(version).is_some_and(|most| level > *most)
    }
}

/// The highest level that a schema allows, by its bound or by a rule.
fn highest(schema: &Value) -> Option<u64> {
    let level = schema.at(&["properties", "spec", "properties", "level"])?;
    let bound = level.field("maximum").and_then(Value::as_int).and_then(|most| u64::try_from(most).ok());
    let rules = list(level.field("x-kubernetes-validations")).iter();
    let of_rules = rules.filter_map(|rule| rule.text_at(&["rule"]).strip_prefix("self <= ")?.parse().ok());
    of_rules.chain(bound).min()
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_list).unwrap_or_default()
}

fn level_of(object: &Value) -> Option<u64> {
    let level = object.at(&["spec", "level"]).and_then(Value::as_int)?;
    u64::try_from(level).ok()
}

pub(super) fn check(answer: &CheckedAnswer<'_>) -> Result<(), Violation> {
    let Action::Raw(method, target) = &answer.ask.action else { return Ok(()) };
    let Some((version, _)) = target.strip_prefix(PLACE).and_then(|rest| rest.split_once('/')) else {
        return Ok(());
    };
    let sent = json::parse(&answer.ask.body).ok().and_then(|sent| level_of(&sent.value));
    let Some(level) = sent.filter(|_| method == "POST" || method == "PATCH") else { return Ok(()) };
    let broken = |why: &str| {
        let why = format!("{why} level {level} of {version}, and it has served {:?}", answer.levels);
        Err(answer.broken(Guarantee::SchemasDecide, why))
    };
    let is_refused = answer.reply.status == 422 && answer.body.text_at(&["message"]).contains("spec.level");
    if is_refused && !answer.levels.iter().any(|served| served.denies(version, level)) {
        return broken("the server refuses");
    }
    let is_new = |(revision, key): &&(Rev, bytes::Bytes)| {
        // What an update leaves as it was need not be valid any more.
        let before = answer.truth.at(key, Rev(revision.0 - 1)).and_then(|held| level_of(&held.object));
        key.starts_with(KEYS.as_bytes()) && before != Some(level)
    };
    let is_stored = answer.commits.iter().any(|commit| is_new(&commit));
    if is_stored && !answer.levels.iter().any(|served| served.allows(version, level)) {
        return broken("the server has stored");
    }
    Ok(())
}
