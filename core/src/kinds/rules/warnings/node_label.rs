//! Labels of nodes under names that have been replaced.
//! k8s: pkg/api/node/util.go

use crate::kinds::validation::Located;
use crate::value::names;
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
pub(in super::super) fn replaced(key: &str) -> Option<&'static str> {
    REPLACED.iter().find(|(name, _)| *name == key).map(|(_, message)| *message)
}

/// The replaced labels among the keys of a map of labels.
pub(in super::super) fn keys<'v>(labels: &Located<'v, '_>) -> impl Iterator<Item = (&'v str, &'static str)> {
    labels.entries().filter_map(|(key, _)| replaced(key).map(|message| (key, message)))
}

/// The expressions of a selector of nodes, and their values where those are to be judged.
pub(in super::super) fn expressions(selector: &Located<'_, '_>, judge_values: bool, out: &mut Vec<String>) {
    for expression in selector.member("matchExpressions").items() {
        let key = expression.member("key");
        if let Some(message) = replaced(key.text()) {
            out.push(format!("{key}: {} is {message}", key.text()));
        }
        for value in expression.member("values").items().filter(|_| judge_values) {
            for problem in names::label_value(value.text()) {
                out.push(format!("{value}: {} is invalid, {problem}", value.text()));
            }
        }
    }
}

/// A selector of labels of nodes.
pub(in super::super) fn selector(selector: &Located<'_, '_>, out: &mut Vec<String>) {
    expressions(selector, false, out);
    let labels = selector.member("matchLabels");
    for (key, message) in keys(&labels) {
        out.push(format!("{labels}.{key}: {message}"));
    }
}
