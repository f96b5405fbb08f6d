//! Texts that are almost right: paths, queries, selectors, YAML.

use super::words::{PARAMETERS, SELECTOR, YAML};
use super::{NAMES, NAMESPACE, Pick, one};
use std::fmt::Write;

/// Bodies of deletions: DeleteOptions, and what is none.
pub(super) const DELETIONS: &[&str] = &[
    "",
    r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0}"#,
    r#"{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":-1}"#,
    r#"{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Background"}"#,
    r#"{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"nothing"}"#,
    r#"{"kind":"DeleteOptions","apiVersion":"v1","orphanDependents":false,"propagationPolicy":"Orphan"}"#,
    r#"{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"x"}}"#,
    r#"{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"resourceVersion":"1"}}"#,
    r#"{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}"#,
    r#"{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["x"]}"#,
    r#"{"kind":"Pod","apiVersion":"v1"}"#,
    "[]",
    "{",
];

const SEGMENTS: &[&str] = &[
    "api",
    "apis",
    "v1",
    "apps",
    "namespaces",
    NAMESPACE,
    "pods",
    "configmaps",
    "deployments",
    "status",
    "scale",
    "watch",
    "proxy",
    "exec",
    "..",
    "",
    "%2e%2e",
    "%00",
    "%zz",
    "nodes",
    "batch",
    "jobs",
    "autoscaling",
    "v2",
    "horizontalpodautoscalers",
    "events.k8s.io",
    "events",
    "openapi",
    "v3",
    "healthz",
    "readyz",
    "ping",
    "\u{e9}",
    "a b",
    "~",
];

const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "true",
    "All",
    "a%3Db%2Cc+in+%28d%29",
    "metadata.name%3Dx",
    "18446744073709551616",
    "-1",
    "Exact",
    "%",
    "%zz",
    "~!@$^*()",
];

/// Fewer than `most` pieces of a grammar in any order.
fn pieces(pick: Pick<'_>, of: &[&'static str], most: u64) -> String {
    (0..pick(most)).map(|_| one(pick, of)).collect()
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "%{byte:02X}");
        out
    })
}

/// The query of a read with selectors, paging and a start point. Watches end by themselves.
pub(super) fn selection(pick: Pick<'_>) -> String {
    let version = one(pick, &["", "0", "1", "5", "99999999", "-1", "x", "18446744073709551615"]);
    let matching = one(pick, &["", "Exact", "NotOlderThan", "exact", "x"]);
    let bounded = one(pick, &["", "&limit=1", "&limit=-1", "&limit=1&continue=x", "&continue=eyJ2IjoxfQ"]);
    let watched =
        one(pick, &["", "&watch=1", "&watch=true&allowWatchBookmarks=1", "&watch=1&sendInitialEvents=true"]);
    let labels = escaped(&pieces(pick, SELECTOR, 8));
    let fields = escaped(&pieces(pick, SELECTOR, 8));
    format!(
        "labelSelector={labels}&fieldSelector={fields}&resourceVersion={version}\
         &resourceVersionMatch={matching}{bounded}{watched}&timeoutSeconds=1"
    )
}

/// A path with a query, of pieces that may or may not fit.
pub(super) fn target(pick: Pick<'_>) -> String {
    let mut out = String::new();
    for _ in 0..=pick(7) {
        out.push('/');
        out.push_str(if pick(6) == 5 { one(pick, NAMES) } else { one(pick, SEGMENTS) });
    }
    for number in 0..pick(4) {
        out.push(if number == 0 { '?' } else { '&' });
        // Writing to a string cannot fail.
        let _ = write!(out, "{}={}", one(pick, PARAMETERS), one(pick, VALUES));
    }
    out
}

/// YAML with all that YAML has, in an order that may mean nothing.
pub(super) fn yaml(pick: Pick<'_>) -> String {
    let text = pieces(pick, YAML, 24);
    match pick(2) {
        0 => format!("kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: one\ndata:\n  k: {text}"),
        _ => text,
    }
}
