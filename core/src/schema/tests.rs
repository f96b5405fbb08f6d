//! The schema as a whole: every field of every kind survives, and faults are told in Go's words.

use super::*;
use crate::codec::json;
use alloc::string::{String, ToString};

/// One object of each kind with every field set, as kube-apiserver v1.36 writes it.
const EVERY_FIELD: &str = include_str!("../../tests/data/every-field.jsonl");

fn type_of(catalogue: &Catalogue, value: &Value) -> TypeId {
    let api_version = value.text_at(&["apiVersion"]);
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let kind = value.text_at(&["kind"]);
    let found = catalogue.iter().find(|(_, def)| def.is_kind(group, version, kind));
    found.unwrap_or_else(|| panic!("no type for {kind} of {api_version}")).0
}

#[test]
fn every_field_survives_in_order() {
    let catalogue = catalogue();
    for line in EVERY_FIELD.lines() {
        let body = json::parse(line.as_bytes()).expect("sample");
        let root = type_of(&catalogue, &body.value);
        let decoded =
            decode::decode(&catalogue, root, body).unwrap_or_else(|error| panic!("{error:?} {line}"));
        assert_eq!(decoded.strict_errors, [], "{line}");
        let mut text = Vec::new();
        encode::to_json(&catalogue, root, &decoded.value, &mut text);
        assert_eq!(String::from_utf8_lossy(&text), line);
        assert_eq!(decode::normalize(&catalogue, root, decoded.value.clone()), Ok(decoded.value));
    }
}

/// Decodes a text as a type; the object as JSON and its strict errors, or the sentence.
fn decoded(type_name: &str, text: &str) -> String {
    let catalogue = catalogue();
    let root = catalogue.type_named(type_name).expect(type_name);
    match decode::decode(&catalogue, root, json::parse(text.as_bytes()).expect("JSON")) {
        Err(error) => error.0,
        Ok(decoded) => {
            let mut out = Vec::new();
            encode::to_json(&catalogue, root, &decoded.value, &mut out);
            let mut text = String::from_utf8(out).expect("UTF-8");
            for error in decoded.strict_errors {
                text.push(' ');
                text.push_str(&error.to_string());
            }
            text
        }
    }
}

#[test]
fn faults_in_gos_words() {
    let quantity = "quantities must match the regular expression \
                    '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    let cases = [
        (
            "core.v1.ConfigMap",
            r#"{"data":{"a":1}}"#,
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            "core.v1.ConfigMap",
            r#"{"data":[]}"#,
            "json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string",
        ),
        ("core.v1.ConfigMap", r#"{"binaryData":{"a":"***"}}"#, "illegal base64 data at input byte 0"),
        ("core.v1.ConfigMap", "[]", "json: cannot unmarshal array into Go value of type v1.ConfigMap"),
        ("core.v1.Secret", r#"{"data":{"b":"not base64"}}"#, "illegal base64 data at input byte 3"),
        (
            "core.v1.Pod",
            r#"{"spec":{"enableServiceLinks":"yes"}}"#,
            "json: cannot unmarshal string into Go struct field PodSpec.spec.enableServiceLinks of type bool",
        ),
        (
            "core.v1.Pod",
            r#"{"spec":{"containers":"x"}}"#,
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "core.v1.Pod",
            r#"{"spec":5}"#,
            "json: cannot unmarshal number into Go struct field Pod.spec of type v1.PodSpec",
        ),
        (
            "apps.v1.Deployment",
            r#"{"spec":{"replicas":"3"}}"#,
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "apps.v1.Deployment",
            r#"{"spec":{"replicas":3000000000}}"#,
            "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "core.v1.Pod",
            r#"{"spec":{"containers":[{"ports":[{"containerPort":1.5}]}]}}"#,
            "json: cannot unmarshal number 1.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (
            "core.v1.Service",
            r#"{"spec":{"ports":[{"targetPort":true}]}}"#,
            "json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
        ),
        ("core.v1.LimitRange", r#"{"spec":{"limits":[{"max":{"cpu":"1 Gi"}}]}}"#, quantity),
        ("core.v1.LimitRange", r#"{"spec":{"limits":[{"max":{"cpu":true}}]}}"#, quantity),
        (
            "core.v1.Service",
            r#"{"spec":{"type":5}}"#,
            "json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType",
        ),
        (
            "core.v1.Service",
            r#"{"spec":{"ipFamilies":[4]}}"#,
            "json: cannot unmarshal number into Go struct field ServiceSpec.spec.ipFamilies of type v1.IPFamily",
        ),
        (
            "coordination.v1.Lease",
            r#"{"spec":{"renewTime":"2026-01-01T00:00:00Z"}}"#,
            r#"parsing time "2026-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000""#,
        ),
        (
            "core.v1.Event",
            r#"{"firstTimestamp":"yesterday"}"#,
            r#"parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006""#,
        ),
        (
            "core.v1.Event",
            r#"{"firstTimestamp":"2026-13-01T00:00:00Z"}"#,
            r#"parsing time "2026-13-01T00:00:00Z": month out of range"#,
        ),
        (
            "core.v1.Event",
            r#"{"firstTimestamp":"2026-02-30T00:00:00Z"}"#,
            r#"parsing time "2026-02-30T00:00:00Z": day out of range"#,
        ),
        (
            "core.v1.Event",
            r#"{"firstTimestamp":"2026-02-03T00:00:00Zx"}"#,
            r#"parsing time "2026-02-03T00:00:00Zx": extra text: "x""#,
        ),
        (
            "core.v1.Event",
            r#"{"firstTimestamp":7}"#,
            "json: cannot unmarshal number into Go struct field Event.firstTimestamp of type string",
        ),
    ];
    for (type_name, text, want) in cases {
        assert_eq!(decoded(type_name, text), want, "{text}");
    }
}

#[test]
fn decoding_leaves_what_go_leaves() {
    let cases = [
        (
            "core.v1.ConfigMap",
            r#"{"metadata":{"foo":1,"creationTimestamp":null,"labels":{"a":null}},"data":{},"zzz":{"a":1,"a":2},"Data":1}"#,
            r#"{"metadata":{"labels":{"a":""}}} unknown field "Data" unknown field "metadata.foo" unknown field "zzz""#,
        ),
        (
            "core.v1.ConfigMap",
            r#"{"data":{"a":"1","a":"2"},"immutable":false}"#,
            r#"{"metadata":{},"immutable":false,"data":{"a":"2"}} duplicate field "data.a""#,
        ),
        (
            "core.v1.Pod",
            r#"{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":"1000m","memory":"1024Mi"}},"bogus":1}],"nodeName":"","hostNetwork":false}}"#,
            r#"{"metadata":{},"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]},"status":{}} unknown field "spec.containers[0].bogus""#,
        ),
        (
            "core.v1.Pod",
            r#"{"spec":{"containers":null,"volumes":[{"name":"v","emptyDir":{}},{}]}}"#,
            r#"{"metadata":{},"spec":{"volumes":[{"name":"v","emptyDir":{}},{"name":""}],"containers":null},"status":{}}"#,
        ),
        (
            "core.v1.Event",
            r#"{"metadata":null,"firstTimestamp":"2026-01-02T03:04:05.6+01:00","involvedObject":{}}"#,
            r#"{"metadata":{},"involvedObject":{},"source":{},"firstTimestamp":"2026-01-02T02:04:05Z","lastTimestamp":null,"eventTime":null,"reportingComponent":"","reportingInstance":""}"#,
        ),
        (
            "meta.v1.ManagedFieldsEntry",
            r#"{"fieldsV1":{"f:p":{".":{},"k:{\"port\":443}":{},"k:{\"port\":80}":{},"k:{\"name\":\"9\"}":{},"k:{\"name\":\"10\"}":{}}}}"#,
            r#"{"fieldsV1":{"f:p":{".":{},"k:{\"name\":\"10\"}":{},"k:{\"name\":\"9\"}":{},"k:{\"port\":80}":{},"k:{\"port\":443}":{}}}}"#,
        ),
        ("core.v1.ServiceList", r#"{"items":[]}"#, r#"{"metadata":{},"items":[]}"#),
        ("core.v1.ServiceList", "{}", r#"{"metadata":{},"items":null}"#),
        ("core.v1.ResourceFieldSelector", r#"{"resource":"r"}"#, r#"{"resource":"r","divisor":"0"}"#),
        (
            "apiextensions.v1.JSONSchemaProps",
            r#"{"items":{"type":"object","junk":1,"required":[]},"additionalProperties":false,"junk":1}"#,
            r#"{"items":{"type":"object"},"additionalProperties":false} unknown field "junk""#,
        ),
    ];
    for (type_name, text, want) in cases {
        assert_eq!(decoded(type_name, text), want, "{text}");
    }
}

#[test]
fn declared_defaults_fill_what_is_absent() {
    let catalogue = catalogue();
    let root = catalogue.type_named("core.v1.Service").expect("services");
    let mut value =
        json::parse(br#"{"spec":{"ports":[{"port":1},{"port":2,"protocol":"UDP"}]}}"#).expect("JSON").value;
    decode::apply_defaults(&catalogue, root, &mut value);
    let ports = value.at(&["spec", "ports"]).and_then(Value::as_list).expect("ports");
    assert_eq!([ports[0].text_at(&["protocol"]), ports[1].text_at(&["protocol"])], ["TCP", "UDP"]);
}

#[test]
fn strict_errors_in_document_order() {
    let text = br#"{"zzz":{"a":1,"a":2},"metadata":{"name":"a","foo":1,"name":"b"},"data":{"a":"1","a":"2"},"bar":1}"#;
    let catalogue = catalogue();
    let root = catalogue.type_named("core.v1.ConfigMap").expect("config maps");
    let said = |text: &[u8]| -> Vec<String> {
        strict::errors(&catalogue, root, text).iter().map(ToString::to_string).collect()
    };
    let want = [
        r#"unknown field "zzz""#,
        r#"unknown field "metadata.foo""#,
        r#"duplicate field "metadata.name""#,
        r#"duplicate field "data.a""#,
        r#"unknown field "bar""#,
    ];
    assert_eq!(said(text), want);
    let text = br#"{"metadata":{"ownerReferences":[{"uid":"a","u":[{"x":"]"}]},{"uid":"a","uid":"b","u":1,"u":2}]}}"#;
    let want = [
        r#"unknown field "metadata.ownerReferences[0].u""#,
        r#"duplicate field "metadata.ownerReferences[1].uid""#,
        r#"unknown field "metadata.ownerReferences[1].u""#,
    ];
    assert_eq!(said(text), want);
    for end in 0..text.len() {
        strict::errors(&catalogue, root, &text[..end]);
    }
}
