//! Hostile bodies in JSON, YAML and protobuf, and hostile queries.

use super::{Case, JSON, PROTOBUF, Request, YAML, items};

const MAPS: &str = "/api/v1/namespaces/h/configmaps?dryRun=All&fieldValidation=Strict";
const WARNED: &str = "/api/v1/namespaces/h/configmaps?dryRun=All";
const PODS: &str = "/api/v1/namespaces/h/pods?dryRun=All&fieldValidation=Strict";

/// A case without preparation.
const fn plain(name: &'static str, request: fn(usize) -> Request) -> Case {
    Case { name, before: |_| Vec::new(), request }
}

fn map(members: &str) -> Request {
    Request::new("POST", MAPS, JSON, format!("{{\"metadata\":{{\"name\":\"a\"}},{members}}}"))
}

fn metadata(members: &str) -> Request {
    Request::new("POST", MAPS, JSON, format!("{{\"metadata\":{{\"name\":\"a\",{members}}}}}"))
}

fn pod(spec: &str) -> Request {
    let body = format!("{{\"metadata\":{{\"name\":\"a\"}},\"spec\":{{{spec}}}}}");
    Request::new("POST", PODS, JSON, body)
}

fn container(members: &str) -> Request {
    pod(&format!("\"containers\":[{{\"name\":\"c\",\"image\":\"i\",{members}}}]"))
}

fn posted(target: &str, body: String) -> Request {
    Request::new("POST", &format!("{target}?dryRun=All&fieldValidation=Strict"), JSON, body)
}

fn yaml(body: String) -> Request {
    Request::new("POST", MAPS, YAML, body)
}

/// Lines until they are so many bytes.
fn lines(bytes: usize, mut line: impl FnMut(usize) -> String) -> String {
    let mut out = String::from("metadata: {name: a}\n");
    let mut number = 0;
    while out.len() < bytes {
        out.push_str(&line(number));
        out.push('\n');
        number += 1;
    }
    out
}

fn varint(mut number: usize, out: &mut Vec<u8>) {
    while number > 127 {
        out.push((number & 127) as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

fn field(number: usize, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(number << 3 | 2, &mut out);
    varint(content.len(), &mut out);
    out.extend_from_slice(content);
    out
}

/// An object in its envelope.
fn envelope(target: &str, kind: &str, object: &[u8]) -> Request {
    let type_meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
    let body = [b"k8s\0".to_vec(), field(1, &type_meta), field(2, object)].concat();
    Request::new("POST", target, PROTOBUF, body)
}

fn repeated(bytes: usize, mut item: impl FnMut(usize) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut number = 0;
    while out.len() < bytes {
        out.extend(item(number));
        number += 1;
    }
    out
}

fn listed(query: String) -> Request {
    Request::new("GET", &format!("/api/v1/namespaces/h/pods?{query}"), JSON, "")
}

pub(super) const CASES: &[Case] = &[
    plain("unknown fields, strict", |n| map(&items(n, |i| format!("\"u{i:07}\":1")))),
    plain("unknown fields, warned", |n| Request {
        target: WARNED.into(),
        ..map(&items(n, |i| format!("\"u{i}\":1")))
    }),
    plain("unknown fields in many objects", |n| {
        metadata(&format!("\"ownerReferences\":[{}]", items(n, |_| "{\"u\":1}".into())))
    }),
    plain("pairs of one key", |n| {
        map(&format!("\"data\":{{{}}}", items(n, |i| format!("\"k{:07}\":\"\"", i / 2))))
    }),
    plain("one key again and again", |n| map(&format!("\"data\":{{{}}}", items(n, |_| "\"k\":\"\"".into())))),
    plain("one object again and again", |n| map(&items(n, |i| format!("\"data\":{{\"k{i}\":\"\"}}")))),
    plain("repeated keys in many objects", |n| {
        metadata(&format!("\"ownerReferences\":[{}]", items(n, |_| "{\"uid\":\"\",\"uid\":\"\"}".into())))
    }),
    plain("repeated keys in unknown fields", |n| map(&items(n, |i| format!("\"u{i}\":{{\"a\":1,\"a\":2}}")))),
    plain("bad data keys", |n| map(&format!("\"data\":{{{}}}", items(n, |i| format!("\"!{i:07}\":\"\""))))),
    plain("bad binary data", |n| {
        map(&format!("\"binaryData\":{{{}}}", items(n, |i| format!("\"!{i:07}\":\"AA==\""))))
    }),
    plain("one key in data and binary data", |n| {
        let keys = |value: &str| items(n / 2, |i| format!("\"k{i:07}\":\"{value}\""));
        map(&format!("\"data\":{{{}}},\"binaryData\":{{{}}}", keys(""), keys("AA==")))
    }),
    plain("many data keys", |n| map(&format!("\"data\":{{{}}}", items(n, |i| format!("\"k{i:07}\":\"\""))))),
    plain("a long value", |n| map(&format!("\"data\":{{\"k\":\"{}\"}}", "x".repeat(n)))),
    plain("a long bad key", |n| map(&format!("\"data\":{{\"{}\":\"\"}}", "!".repeat(n)))),
    plain("escapes", |n| map(&format!("\"data\":{{\"k\":\"{}\"}}", "\\u00e9".repeat(n / 6)))),
    plain("bad labels", |n| {
        metadata(&format!("\"labels\":{{{}}}", items(n, |i| format!("\"!{i:07}\":\"!\""))))
    }),
    plain("label keys with parts", |n| metadata(&format!("\"labels\":{{\"{}\":\"\"}}", "a/".repeat(n / 2)))),
    plain("labels with dots", |n| metadata(&format!("\"labels\":{{\"{}/x\":\"\"}}", "a.".repeat(n / 2)))),
    plain("annotations", |n| {
        metadata(&format!("\"annotations\":{{{}}}", items(n, |i| format!("\"a{i:07}\":\"\""))))
    }),
    plain("bad annotations", |n| {
        metadata(&format!("\"annotations\":{{{}}}", items(n, |i| format!("\"!{i:07}\":\"\""))))
    }),
    plain("a long name", |n| {
        Request::new("POST", MAPS, JSON, format!("{{\"metadata\":{{\"name\":\"{}\"}}}}", "a.".repeat(n / 2)))
    }),
    plain("a long name to be made longer", |n| {
        Request::new(
            "POST",
            MAPS,
            JSON,
            format!("{{\"metadata\":{{\"generateName\":\"{}\"}}}}", "a%/".repeat(n / 3)),
        )
    }),
    plain("finalizers", |n| metadata(&format!("\"finalizers\":[{}]", items(n, |i| format!("\"a/{i:07}\""))))),
    plain("bad finalizers", |n| {
        metadata(&format!("\"finalizers\":[{}]", items(n, |i| format!("\"{i:07}\""))))
    }),
    plain("finalizers that exclude each other", |n| {
        metadata(&format!("\"finalizers\":[{}]", items(n, |_| "\"orphan\",\"foregroundDeletion\"".into())))
    }),
    plain("owner references of one uid", |n| {
        let owner =
            |i| format!("{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"{i:07}\",\"uid\":\"u\"}}");
        metadata(&format!("\"ownerReferences\":[{}]", items(n, owner)))
    }),
    plain("equal owner references", |n| {
        let owner = |_| "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"a\",\"uid\":\"u\"}".into();
        metadata(&format!("\"ownerReferences\":[{}]", items(n, owner)))
    }),
    plain("controllers", |n| {
        let owner = |i| {
            format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"{i}\",\"uid\":\"{i}\",\"controller\":true}}"
            )
        };
        metadata(&format!("\"ownerReferences\":[{}]", items(n, owner)))
    }),
    plain("empty owner references", |n| {
        metadata(&format!("\"ownerReferences\":[{}]", items(n, |_| "{}".into())))
    }),
    plain("empty managed fields", |n| {
        metadata(&format!("\"managedFields\":[{}]", items(n, |_| "{}".into())))
    }),
    plain("good managed fields", |n| {
        metadata(&format!(
            "\"managedFields\":[{}]",
            items(n, |_| "{\"operation\":\"Update\",\"fieldsType\":\"FieldsV1\"}".into())
        ))
    }),
    plain("a manager that cannot be printed", |n| {
        metadata(&format!(
            "\"managedFields\":[{{\"operation\":\"Update\",\"manager\":\"{}\"}}]",
            "\u{80}".repeat(n / 2)
        ))
    }),
    plain("deep lists", |n| {
        map(&format!("\"u\":[{}]", items(n, |_| format!("{}{}", "[".repeat(400), "]".repeat(400)))))
    }),
    plain("deep objects", |n| {
        map(&format!("\"u\":[{}]", items(n, |_| format!("{}1{}", "{\"a\":".repeat(400), "}".repeat(400)))))
    }),
    plain("too deep", |n| Request::new("POST", MAPS, JSON, "[".repeat(n))),
    plain("a long number", |n| map(&format!("\"immutable\":{}", "1".repeat(n)))),
    plain("a long fraction", |n| metadata(&format!("\"generation\":0.{}", "1".repeat(n)))),
    plain("a long exponent", |n| metadata(&format!("\"generation\":1e{}", "1".repeat(n)))),
    plain("a long small exponent", |n| metadata(&format!("\"generation\":1e-{}", "1".repeat(n)))),
    plain("a time with a long fraction", |n| {
        metadata(&format!("\"creationTimestamp\":\"2024-01-01T00:00:00.{}Z\"", "1".repeat(n)))
    }),
    plain("a time that is none", |n| {
        metadata(&format!("\"creationTimestamp\":\"{}\"", "\u{e9}".repeat(n / 2)))
    }),
    plain("numbers in a list", |n| map(&format!("\"u\":[{}]", items(n, |_| "1".into())))),
    plain("empty objects", |n| map(&format!("\"u\":[{}]", items(n, |_| "{}".into())))),
    plain("no JSON", |n| Request::new("POST", MAPS, JSON, "x".repeat(n))),
    plain("white space", |n| Request::new("POST", MAPS, JSON, " ".repeat(n))),
    plain("a secret's texts", |n| {
        let data = items(n, |i| format!("\"k{i:07}\":\"\""));
        posted(
            "/api/v1/namespaces/h/secrets",
            format!("{{\"metadata\":{{\"name\":\"a\"}},\"stringData\":{{{data}}}}}"),
        )
    }),
    plain("containers", |n| {
        pod(&format!("\"containers\":[{}]", items(n, |_| "{\"name\":\"c\",\"image\":\"i\"}".into())))
    }),
    plain("empty containers", |n| pod(&format!("\"containers\":[{}]", items(n, |_| "{}".into())))),
    plain("environment", |n| {
        container(&format!("\"env\":[{}]", items(n, |i| format!("{{\"name\":\"e{i}\"}}"))))
    }),
    plain("ports of a container", |n| {
        container(&format!(
            "\"ports\":[{}]",
            items(n, |i| format!("{{\"containerPort\":{}}}", i % 60_000 + 1))
        ))
    }),
    plain("resources", |n| {
        container(&format!("\"resources\":{{\"limits\":{{{}}}}}", items(n, |i| format!("\"r{i:07}\":\"1\""))))
    }),
    plain("a long quantity", |n| {
        container(&format!("\"resources\":{{\"limits\":{{\"cpu\":\"{}\"}}}}", "1".repeat(n)))
    }),
    plain("a quantity of noughts", |n| {
        container(&format!("\"resources\":{{\"limits\":{{\"cpu\":\"0.{}1\"}}}}", "0".repeat(n)))
    }),
    plain("quantities with exponents", |n| {
        container(&format!(
            "\"resources\":{{\"limits\":{{{}}}}}",
            items(n, |i| format!("\"r{i}\":\"1e999999999\""))
        ))
    }),
    plain("volumes", |n| {
        pod(&format!(
            "\"containers\":[{{\"name\":\"c\"}}],\"volumes\":[{}]",
            items(n, |i| format!("{{\"name\":\"v{i}\"}}"))
        ))
    }),
    plain("tolerations", |n| {
        pod(&format!(
            "\"containers\":[{{\"name\":\"c\"}}],\"tolerations\":[{}]",
            items(n, |_| "{\"key\":\"a\"}".into())
        ))
    }),
    plain("a long image", |n| {
        pod(&format!("\"containers\":[{{\"name\":\"c\",\"image\":\"{}\"}}]", "a:/@".repeat(n / 4)))
    }),
    plain("ports of a service", |n| {
        let ports = items(n, |i| format!("{{\"port\":{}}}", i % 60_000 + 1));
        posted(
            "/api/v1/namespaces/h/services",
            format!("{{\"metadata\":{{\"name\":\"a\"}},\"spec\":{{\"ports\":[{ports}]}}}}"),
        )
    }),
    plain("rules of a role", |n| {
        let rules = items(n, |_| "{\"verbs\":[\"get\"]}".into());
        posted(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/h/roles",
            format!("{{\"metadata\":{{\"name\":\"a\"}},\"rules\":[{rules}]}}"),
        )
    }),
    plain("a deep schema", |n| {
        let one = |_| {
            format!(
                "{{\"type\":\"x\",\"properties\":{{\"a\":{}1{}}}}}",
                "{\"not\":".repeat(100),
                "}".repeat(100)
            )
        };
        posted(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            format!("{{\"metadata\":{{\"name\":\"a.b\"}},\"spec\":{{\"versions\":[{}]}}}}", items(n, one)),
        )
    }),
    plain("options of a deletion", |n| {
        Request::new(
            "DELETE",
            "/api/v1/namespaces/h/pods/x",
            JSON,
            format!("{{{}}}", items(n, |i| format!("\"u{i:07}\":1"))),
        )
    }),
    plain("yaml: aliases of a long text", |n| {
        yaml(lines(n, |i| if i == 0 { format!("a: &x {}", "x".repeat(n / 2)) } else { format!("k{i}: *x") }))
    }),
    plain("yaml: lists of lists", |n| {
        let row = |i: usize| {
            if i == 0 { "a0: &a0 [x]".into() } else { format!("a{i}: &a{i} [*a{}, *a{}]", i - 1, i - 1) }
        };
        yaml(lines(n, row))
    }),
    plain("yaml: many keys", |n| yaml(lines(n, |i| format!("k{i:07}: 1")))),
    plain("yaml: many keys in a flow", |n| yaml(format!("{{{}}}", items(n, |i| format!("k{i:07}: 1"))))),
    plain("yaml: anchored keys", |n| yaml(lines(n, |i| format!("&a{i} k{i:07}: 1")))),
    plain("yaml: anchored maps", |n| yaml(lines(n, |i| format!("k{i}: &a{i} {{a: 1}}")))),
    plain("yaml: one key again and again", |n| yaml(lines(n, |_| "k: 1".into()))),
    plain("yaml: merges of merges", |n| {
        let row = |i: usize| {
            if i == 0 { "a0: &a0 {k: 1}".into() } else { format!("a{i}: &a{i} {{<<: *a{}, k{i}: 1}}", i - 1) }
        };
        yaml(lines(n, row))
    }),
    plain("yaml: merges of one map", |n| {
        yaml(lines(n, |i| {
            if i == 0 {
                format!("a: &a {{{}}}", items(n / 2, |i| format!("k{i}: 1")))
            } else {
                "<<: *a".into()
            }
        }))
    }),
    plain("yaml: a long key", |n| yaml(format!("{}: 1", "k".repeat(n)))),
    plain("yaml: long keys", |n| yaml(lines(n, |i| format!("{}{i}: 1", "k".repeat(1000))))),
    plain("yaml: explicit keys", |n| yaml(lines(n, |_| "?".into()))),
    plain("yaml: dashes", |n| yaml("-\n".repeat(n / 2))),
    plain("yaml: dashes in a line", |n| yaml("- ".repeat(n / 2))),
    plain("yaml: brackets", |n| yaml("[".repeat(n))),
    plain("yaml: braces", |n| yaml(format!("a: {}", "{a: ".repeat(n / 4)))),
    plain("yaml: a list in a flow", |n| yaml(format!("a: [{}]", items(n, |_| "1".into())))),
    plain("yaml: lists in a line that may be keys", |n| {
        yaml(lines(n, |i| format!("k{i}: {}{}", "[".repeat(300), "]".repeat(300))))
    }),
    plain("yaml: documents", |n| yaml(lines(n, |_| "---".into()))),
    plain("yaml: comments", |n| yaml(lines(n, |_| "# x".into()))),
    plain("yaml: tags", |n| yaml(lines(n, |i| format!("k{i}: !!str 1")))),
    plain("yaml: tag directives", |n| {
        yaml(format!("{}---\na: 1\n", repeated_text(n, |i| format!("%TAG !a{i}! x\n"))))
    }),
    plain("yaml: a text over many lines", |n| yaml(format!("a:{}", "\n  x".repeat(n / 4)))),
    plain("yaml: blank lines", |n| yaml(format!("a: x{}\n  y", "\n".repeat(n)))),
    plain("yaml: a quoted text over many lines", |n| yaml(format!("a: \"{}\"", "\n  x".repeat(n / 4)))),
    plain("yaml: a quote that does not end", |n| yaml(format!("a: '{}", "x ".repeat(n / 2)))),
    plain("yaml: a literal text", |n| yaml(format!("a: |\n{}", "  x\n".repeat(n / 4)))),
    plain("yaml: a folded text", |n| yaml(format!("a: >\n{}", "  x\n\n".repeat(n / 5)))),
    plain("yaml: control characters", |n| yaml(format!("a: {}\u{1}", "x".repeat(n)))),
    plain("yaml: a long number", |n| yaml(format!("immutable: {}", "1".repeat(n)))),
    plain("yaml: underscores", |n| yaml(format!("immutable: 1{}", "_".repeat(n)))),
    plain("protobuf: empty managed fields", |n| {
        let metadata = [field(1, b"a"), repeated(n, |_| field(17, b""))].concat();
        envelope(MAPS, "ConfigMap", &field(1, &metadata))
    }),
    plain("protobuf: entries in falling order", |n| {
        let entry = |i: usize| {
            field(2, &[field(1, format!("k{:07}", 9_999_999 - i).as_bytes()), field(2, b"")].concat())
        };
        envelope(MAPS, "ConfigMap", &[field(1, &field(1, b"a")), repeated(n, entry)].concat())
    }),
    plain("protobuf: metadata again and again", |n| {
        let metadata = |i: usize| {
            field(
                1,
                &[field(1, b"a"), field(15, &[field(1, format!("k{i}").as_bytes()), field(2, b"")].concat())]
                    .concat(),
            )
        };
        envelope(MAPS, "ConfigMap", &repeated(n, metadata))
    }),
    plain("protobuf: unknown fields", |n| {
        envelope(MAPS, "ConfigMap", &[field(1, &field(1, b"a")), repeated(n, |_| field(99, b""))].concat())
    }),
    plain("protobuf: volumes", |n| {
        envelope(
            PODS,
            "Pod",
            &[field(1, &field(1, b"a")), field(2, &repeated(n, |_| field(1, &field(2, b""))))].concat(),
        )
    }),
    plain("protobuf: volume sources of one volume", |n| {
        envelope(
            PODS,
            "Pod",
            &[field(1, &field(1, b"a")), field(2, &field(1, &repeated(n, |_| field(2, b""))))].concat(),
        )
    }),
    plain("protobuf: sources of a volume of the cluster", |n| {
        let target = "/api/v1/persistentvolumes?dryRun=All";
        envelope(
            target,
            "PersistentVolume",
            &[field(1, &field(1, b"a")), field(2, &repeated(n, |_| field(2, b"")))].concat(),
        )
    }),
    plain("query: a selector of many requirements", |n| {
        listed(format!("labelSelector={}", items(n / 2, |i| format!("a{i}%3Db"))))
    }),
    plain("query: a selector of many values", |n| {
        listed(format!("labelSelector=a+in+({})", items(n / 2, |i| format!("v{i:07}"))))
    }),
    plain("query: a selector of parentheses", |n| listed(format!("labelSelector={}", "(".repeat(n / 2)))),
    plain("query: a field selector of many terms", |n| {
        listed(format!("fieldSelector={}", items(n / 2, |i| format!("metadata.name!%3Da{i}"))))
    }),
    plain("query: many parameters", |n| listed(repeated_text(n / 2, |i| format!("p{i}=1&")))),
    plain("query: one parameter again and again", |n| listed("labelSelector=a&".repeat(n / 32))),
    plain("query: dry runs", |n| {
        Request::new("POST", &format!("{WARNED}&{}", "dryRun=All&".repeat(n / 22)), JSON, "{}")
    }),
    plain("query: a long token", |n| listed(format!("continue={}", "A".repeat(n / 2)))),
    plain("query: escapes", |n| listed(format!("labelSelector={}", "%61".repeat(n / 6)))),
    plain("path: slashes", |n| Request::new("GET", &format!("/api/v1{}", "/".repeat(n / 2)), JSON, "")),
    plain("path: segments", |n| Request::new("GET", &format!("/apis{}", "/a".repeat(n / 4)), JSON, "")),
];

fn repeated_text(bytes: usize, mut item: impl FnMut(usize) -> String) -> String {
    String::from_utf8(repeated(bytes, |number| item(number).into_bytes())).expect("made of texts")
}
