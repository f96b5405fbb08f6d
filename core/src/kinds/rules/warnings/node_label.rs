//! Labels of nodes under names that have been replaced.
//! k8s: pkg/api/node/util.go

use super::items;
use crate::status::Path;
use crate::value::names;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const REPLACED: &[(&str, &str)] = &[
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
];

/// What there is to say about a label of nodes.
pub(in crate::kinds) fn replaced(key: &str) -> Option<&'static str> {
    REPLACED.iter().find(|(name, _)| *name == key).map(|(_, message)| *message)
}

/// The replaced labels among the keys of a map of labels.
pub(in crate::kinds) fn keys(labels: Option<&Value>) -> impl Iterator<Item = (&str, &'static str)> {
    let labels = labels.and_then(Value::as_map).into_iter().flat_map(Map::iter);
    labels.filter_map(|(key, _)| replaced(key).map(|message| (key.as_str(), message)))
}

/// The expressions of a selector of nodes, and their values where those are to be judged.
pub(in crate::kinds) fn expressions(
    selector: &Value,
    judge_values: bool,
    path: &Path,
    out: &mut Vec<String>,
) {
    for (index, expression) in items(selector, &["matchExpressions"]).iter().enumerate() {
        let path = path.child("matchExpressions").index(index);
        let key = expression.text_at(&["key"]);
        if let Some(message) = replaced(key) {
            out.push(format!("{}: {key} is {message}", path.child("key")));
        }
        for (index, value) in items(expression, &["values"]).iter().enumerate().filter(|_| judge_values) {
            let value = value.as_str().unwrap_or("");
            for problem in names::label_value(value) {
                out.push(format!("{}: {value} is invalid, {problem}", path.child("values").index(index)));
            }
        }
    }
}

/// A selector of labels of nodes.
pub(in crate::kinds) fn selector(selector: &Value, path: &Path, out: &mut Vec<String>) {
    expressions(selector, false, path, out);
    for (key, message) in keys(selector.field("matchLabels")) {
        out.push(format!("{}: {message}", path.child("matchLabels").child(key)));
    }
}
