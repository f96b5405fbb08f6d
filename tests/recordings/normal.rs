//! Answers without what differs from run to run: uids, times, resource versions, random names and allocated addresses
//! become tokens, unless the request itself named them.

use regex::{Captures, Regex};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The texts that a request named: they stay as they are.
#[derive(Default)]
pub(super) struct Kept(BTreeSet<String>);

impl Kept {
    /// Every scalar of a JSON body.
    pub(super) fn of_body(body: &Value) -> Self {
        let mut kept = Self::default();
        kept.collect(body);
        kept
    }

    /// Every word of a text.
    pub(super) fn of_text(text: &str) -> Self {
        let is_separator = |letter: char| letter.is_whitespace() || "\"',[]{}".contains(letter);
        Self(text.split(is_separator).filter(|word| !word.is_empty()).map(String::from).collect())
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(bool) => drop(self.0.insert(bool.to_string())),
            Value::Number(number) => drop(self.0.insert(number.to_string())),
            Value::String(text) => drop(self.0.insert(text.clone())),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(members) => members.values().for_each(|member| self.collect(member)),
        }
    }

    fn has(&self, text: &str) -> bool {
        self.0.contains(text)
    }
}

struct Patterns {
    uid: Regex,
    time: Regex,
    token: Regex,
    cluster_ip: Regex,
    server: Regex,
    version: Regex,
    current: Regex,
    access: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let regex = |pattern: &str| Regex::new(pattern).expect("a pattern");
    Patterns {
        uid: regex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        time: regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
        token: regex(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"),
        cluster_ip: regex(r"\b10\.0\.0\.\d{1,3}\b"),
        server: regex(r"127\.0\.0\.1:\d+"),
        version: regex(r#"(resourceVersion\\*"?: ?\\*")\d+"#),
        current: regex(r"current: \d+"),
        access: regex("kube-api-access-[a-z0-9]{5}"),
    }
});

/// The addresses of the services that every server has: `kubernetes`, and the usual one of DNS.
const KNOWN_ADDRESSES: [&str; 2] = ["10.0.0.1", "10.0.0.10"];

/// Columns of a Table that hold a time which has passed.
const AGES: [&str; 7] =
    ["Age", "Last Seen", "First Seen", "Created At", "Duration", "Last Schedule", "LastSeen"];

pub(super) fn text(text: &str, kept: &Kept) -> String {
    if kept.has(text) {
        return text.to_owned();
    }
    let patterns = &*PATTERNS;
    let text = patterns.uid.replace_all(text, "<uid>");
    let text = patterns.time.replace_all(&text, "<time>");
    let text = patterns.token.replace_all(&text, "<jwt>");
    let text = patterns.cluster_ip.replace_all(&text, |found: &Captures<'_>| {
        let address = &found[0];
        let stays = KNOWN_ADDRESSES.contains(&address) || kept.has(address);
        if stays { address.to_owned() } else { "<clusterIP>".to_owned() }
    });
    let text = patterns.server.replace_all(&text, "<server>");
    let text = patterns.version.replace_all(&text, "${1}<rv>");
    let text = patterns.current.replace_all(&text, "current: <rv>");
    patterns.access.replace_all(&text, "kube-api-access-<random>").into_owned()
}

pub(super) fn value(value: &Value, kept: &Kept) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(held) => Value::String(text(held, kept)),
        Value::Array(items) => items.iter().map(|item| self::value(item, kept)).collect(),
        Value::Object(members) => {
            let without_ages = table_without_ages(members);
            let members = without_ages.as_ref().unwrap_or(members);
            let normal = |(name, held): (&String, &Value)| (name.clone(), member(members, name, held, kept));
            Value::Object(members.iter().map(normal).collect())
        }
    }
}

fn member(members: &Map<String, Value>, name: &str, held: &Value, kept: &Kept) -> Value {
    let is_port = || held.as_i64().is_some_and(|port| !kept.has(&port.to_string()));
    match (name, held) {
        ("resourceVersion", Value::String(version)) if !matches!(version.as_str(), "" | "0") => "<rv>".into(),
        ("resourceVersion", Value::String(_)) => held.clone(),
        ("continue", Value::String(token)) if !token.is_empty() => "<continue>".into(),
        ("nodePort", Value::Number(port))
            if is_port() && port.as_i64().is_some_and(|port| (30_000..=32_767).contains(&port)) =>
        {
            "<nodePort>".into()
        }
        ("healthCheckNodePort", Value::Number(port)) if is_port() && port.as_i64() != Some(0) => {
            "<nodePort>".into()
        }
        ("name", Value::String(made)) => {
            let base = members.get("generateName").and_then(Value::as_str);
            match base.filter(|base| made.starts_with(base) && !kept.has(made)) {
                Some(base) => format!("{base}<random>").into(),
                None => value(held, kept),
            }
        }
        _ => value(held, kept),
    }
}

/// A Table whose cells of ages and descriptions of columns do not count.
fn table_without_ages(members: &Map<String, Value>) -> Option<Map<String, Value>> {
    let rows = members.get("rows")?.as_array()?;
    if members.get("kind")?.as_str()? != "Table" {
        return None;
    }
    let none = Vec::new();
    let columns = members.get("columnDefinitions").and_then(Value::as_array).unwrap_or(&none);
    let is_age = |column: &Value| column["name"].as_str().is_some_and(|name| AGES.contains(&name));
    let mut table = members.clone();
    let rows = rows.iter().cloned().map(|mut row| {
        if let Some(cells) = row.get_mut("cells").and_then(Value::as_array_mut) {
            for (cell, _) in
                cells.iter_mut().zip(columns).filter(|(cell, column)| cell.is_string() && is_age(column))
            {
                *cell = "<age>".into();
            }
        }
        row
    });
    table.insert("rows".into(), rows.collect());
    let columns = columns.iter().cloned().map(|mut column| {
        if let Some(column) = column.as_object_mut() {
            column.remove("description");
        }
        column
    });
    table.insert("columnDefinitions".into(), columns.collect());
    Some(table)
}
