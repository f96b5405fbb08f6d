//! A recording: scenarios of steps, each a request and the answer that kube-apiserver gave.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// A conversation over one connection.
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Deserialize)]
pub(super) struct Step {
    pub(super) req: Asked,
    scenario: String,
    pub(super) step: u64,
    /// What kube-apiserver answered; absent where it is held back.
    pub(super) resp: Option<Value>,
    /// The step prepares others and is not compared.
    #[serde(default)]
    pub(super) setup: bool,
    /// Values of the answer (JSON pointers) that later requests name.
    #[serde(default)]
    pub(super) save: BTreeMap<String, String>,
    /// Seconds that pass after the step.
    #[serde(default)]
    pub(super) sleep: f64,
    /// Parts of the answer that are not compared.
    #[serde(default)]
    pub(super) drop: Vec<String>,
    /// What the server asked the webhook is part of the answer.
    #[serde(default)]
    pub(super) hooks: bool,
    #[serde(default)]
    pub(super) watch: bool,
    #[serde(default)]
    pub(super) head: bool,
    /// Of the body only the names of its members are compared.
    #[serde(default)]
    pub(super) keys_only: bool,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    /// JSON, sent as it stands here: the order of its members matters.
    pub(super) body: Option<Box<RawValue>>,
    /// Text that is sent as it is.
    pub(super) raw: Option<String>,
    #[serde(rename = "ctype")]
    pub(super) content_type: Option<String>,
    pub(super) accept: Option<String>,
    pub(super) user: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
}

/// The scenarios of a file of lines, in the order in which they first occur.
pub(super) fn scenarios(file: &Path) -> Vec<Scenario> {
    let opened = std::fs::File::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut scenarios: Vec<Scenario> = Vec::new();
    for line in BufReader::new(liblzma::read::XzDecoder::new(opened)).lines() {
        let line = line.expect("the recording is whole");
        let step: Step = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"));
        match scenarios.iter_mut().rev().find(|scenario| scenario.name == step.scenario) {
            Some(scenario) => scenario.steps.push(step),
            None => scenarios.push(Scenario { name: step.scenario.clone(), steps: vec![step] }),
        }
    }
    scenarios
}
