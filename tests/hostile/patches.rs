//! Hostile patches of objects that are large themselves.

use super::{Case, JSON, Request, items};

const AT: &str = "/api/v1/namespaces/h/configmaps/a?dryRun=All&fieldValidation=Strict";
const DEPLOYED: &str = "/apis/apps/v1/namespaces/h/deployments/a?dryRun=All&fieldValidation=Strict";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn keys(bytes: usize, value: &str) -> String {
    items(bytes, |i| format!("\"k{i:07}\":{value}"))
}

/// A config map with many short members.
fn config(n: usize) -> Vec<Request> {
    let body =
        format!("{{\"metadata\":{{\"name\":\"a\"}},\"data\":{{{}}}}}", keys((n / 2).min(1_000_000), "\"\""));
    vec![Request::new("POST", "/api/v1/namespaces/h/configmaps", JSON, body)]
}

/// A config map with many finalizers.
fn finalized(n: usize) -> Vec<Request> {
    let names = items((n / 2).min(1_000_000), |i| format!("\"a/{i:07}\""));
    let body = format!("{{\"metadata\":{{\"name\":\"a\",\"finalizers\":[{names}]}}}}");
    vec![Request::new("POST", "/api/v1/namespaces/h/configmaps", JSON, body)]
}

fn environment(bytes: usize, extra: &str) -> String {
    items(bytes, |i| format!("{{\"name\":\"e{i:07}\"{extra}}}"))
}

fn deployment(spec: &str) -> Vec<Request> {
    let labels = "\"matchLabels\":{\"a\":\"b\"}";
    let template = format!("{{\"metadata\":{{\"labels\":{{\"a\":\"b\"}}}},\"spec\":{{{spec}}}}}");
    let body = format!(
        "{{\"metadata\":{{\"name\":\"a\"}},\"spec\":{{\"selector\":{{{labels}}},\"template\":{template}}}}}"
    );
    vec![Request::new("POST", "/apis/apps/v1/namespaces/h/deployments", JSON, body)]
}

fn deployed(n: usize) -> Vec<Request> {
    let env = environment((n / 2).min(1_000_000), "");
    deployment(&format!("\"containers\":[{{\"name\":\"c\",\"image\":\"i\",\"env\":[{env}]}}]"))
}

/// A strategic patch of the only container.
fn container(members: &str) -> Request {
    let body = format!(
        "{{\"spec\":{{\"template\":{{\"spec\":{{\"containers\":[{{\"name\":\"c\",{members}}}]}}}}}}}}"
    );
    Request::new("PATCH", DEPLOYED, STRATEGIC, body)
}

/// So many operations as the size allows, and the server.
fn operations(n: usize, operation: impl Fn(usize) -> String) -> Request {
    let mut number = 0;
    let all = items(n.min(700_000), |i| {
        number += 1;
        operation(i)
    });
    assert!(number <= 10_000);
    Request::new("PATCH", AT, JSON_PATCH, format!("[{all}]"))
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "json patch: moves in a large map",
        before: config,
        request: |n| {
            operations(n, |i| {
                let (from, to) = if i % 2 == 0 { ("k0000000", "z") } else { ("z", "k0000000") };
                format!(
                    "{{\"op\":\"move\",\"from\":\"/data/{from}\",\"path\":\"/data/{to}\",\"x\":\"{:40}\"}}",
                    ""
                )
            })
        },
    },
    Case {
        name: "json patch: a large map is moved",
        before: config,
        request: |n| {
            operations(n, |i| {
                let (from, to) = if i % 2 == 0 { ("data", "binaryData") } else { ("binaryData", "data") };
                format!("{{\"op\":\"move\",\"from\":\"/{from}\",\"path\":\"/{to}\",\"x\":\"{:40}\"}}", "")
            })
        },
    },
    Case {
        name: "json patch: the head of a long list",
        before: finalized,
        request: |n| {
            operations(n, |i| {
                let add = format!(
                    "{{\"op\":\"add\",\"path\":\"/metadata/finalizers/0\",\"value\":\"a/x{i:020}\"}}"
                );
                let remove = format!(
                    "{{\"op\":\"remove\",\"path\":\"/metadata/finalizers/0\",\"value\":\"a/x{i:020}\"}}"
                );
                if i % 2 == 0 { add } else { remove }
            })
        },
    },
    Case {
        name: "json patch: tests of all",
        before: config,
        request: |n| {
            operations(n, |_| {
                format!("{{\"op\":\"test\",\"path\":\"/data/k0000000\",\"value\":\"\",\"x\":\"{:40}\"}}", "")
            })
        },
    },
    Case {
        name: "json patch: unknown members",
        before: config,
        request: |n| {
            let members = items(n, |i| format!("\"u{i:07}\":1"));
            Request::new(
                "PATCH",
                AT,
                JSON_PATCH,
                format!("[{{\"op\":\"test\",\"path\":\"/data\",{members}}}]"),
            )
        },
    },
    Case {
        name: "json patch: a long path",
        before: config,
        request: |n| {
            let path = "/a".repeat(n / 2);
            Request::new(
                "PATCH",
                AT,
                JSON_PATCH,
                format!("[{{\"op\":\"add\",\"path\":\"{path}\",\"value\":1}}]"),
            )
        },
    },
    Case {
        name: "json patch: copies",
        before: config,
        request: |n| {
            operations(n, |i| {
                format!("{{\"op\":\"copy\",\"from\":\"/data\",\"path\":\"/c{i}\",\"x\":\"{:40}\"}}", "")
            })
        },
    },
    Case {
        name: "merge patch: members go",
        before: config,
        request: |n| Request::new("PATCH", AT, MERGE, format!("{{\"data\":{{{}}}}}", keys(n / 2, "null"))),
    },
    Case {
        name: "merge patch: members come between others",
        before: config,
        request: |n| {
            let members = items(n / 2, |i| format!("\"k{i:07}x\":\"\""));
            Request::new("PATCH", AT, MERGE, format!("{{\"data\":{{{members}}}}}"))
        },
    },
    Case {
        name: "merge patch: unknown members",
        before: config,
        request: |n| Request::new("PATCH", AT, MERGE, format!("{{{}}}", keys(n, "1"))),
    },
    Case {
        name: "strategic patch: members go",
        before: config,
        request: |n| {
            Request::new("PATCH", AT, STRATEGIC, format!("{{\"data\":{{{}}}}}", keys(n / 2, "null")))
        },
    },
    Case {
        name: "strategic patch: members come between others",
        before: config,
        request: |n| {
            let members = items(n / 2, |i| format!("\"k{i:07}x\":\"\""));
            Request::new("PATCH", AT, STRATEGIC, format!("{{\"data\":{{{members}}}}}"))
        },
    },
    Case {
        name: "strategic patch: finalizers",
        before: finalized,
        request: |n| {
            let names = items(n, |i| format!("\"b/{i:07}\""));
            Request::new("PATCH", AT, STRATEGIC, format!("{{\"metadata\":{{\"finalizers\":[{names}]}}}}"))
        },
    },
    Case {
        name: "strategic patch: finalizers deleted",
        before: finalized,
        request: |n| {
            let names = items(n, |i| format!("\"a/{i:07}\""));
            let body = format!("{{\"metadata\":{{\"$deleteFromPrimitiveList/finalizers\":[{names}]}}}}");
            Request::new("PATCH", AT, STRATEGIC, body)
        },
    },
    Case {
        name: "strategic patch: retained keys",
        before: config,
        request: |n| {
            let names = items(n, |i| format!("\"k{i:07}\""));
            Request::new("PATCH", AT, STRATEGIC, format!("{{\"data\":{{\"$retainKeys\":[{names}]}}}}"))
        },
    },
    Case {
        name: "strategic patch: the same environment",
        before: deployed,
        request: |n| container(&format!("\"env\":[{}]", environment(n, ",\"value\":\"x\""))),
    },
    Case {
        name: "strategic patch: another environment",
        before: deployed,
        request: |n| container(&format!("\"env\":[{}]", items(n, |i| format!("{{\"name\":\"f{i:07}\"}}")))),
    },
    Case {
        name: "strategic patch: environment deleted",
        before: deployed,
        request: |n| container(&format!("\"env\":[{}]", environment(n, ",\"$patch\":\"delete\""))),
    },
    Case {
        name: "strategic patch: environment in an order",
        before: deployed,
        request: |n| {
            let all = environment(n / 2, "");
            container(&format!("\"$setElementOrder/env\":[{all}],\"env\":[{all}]"))
        },
    },
    Case {
        name: "strategic patch: an order that does not fit",
        before: deployed,
        request: |n| {
            let all = environment(n / 2, "");
            container(&format!("\"$setElementOrder/env\":[{all}],\"env\":[{{\"name\":\"x\"}},{all}]"))
        },
    },
    Case {
        name: "strategic patch: lists of two sorts",
        before: deployed,
        request: |n| container(&format!("\"env\":[1,{}]", environment(n, ""))),
    },
    Case {
        name: "put: the ports of a service",
        before: |n| {
            let ports = items((n / 2).min(1_000_000), |i| {
                format!("{{\"port\":{},\"name\":\"p{i}\"}}", i % 60_000 + 1)
            });
            let body = format!(
                "{{\"metadata\":{{\"name\":\"a\"}},\"spec\":{{\"type\":\"NodePort\",\"ports\":[{ports}]}}}}"
            );
            vec![Request::new("POST", "/api/v1/namespaces/h/services", JSON, body)]
        },
        request: |n| {
            let ports = items((n / 2).min(1_000_000), |i| {
                format!("{{\"port\":{},\"name\":\"p{i}\"}}", i % 60_000 + 1)
            });
            let body = format!(
                "{{\"metadata\":{{\"name\":\"a\"}},\"spec\":{{\"type\":\"ClusterIP\",\"ports\":[{ports}]}}}}"
            );
            Request::new("PUT", "/api/v1/namespaces/h/services/a", JSON, body)
        },
    },
];
