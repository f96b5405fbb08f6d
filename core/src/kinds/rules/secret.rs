//! Secrets.
//! k8s: pkg/registry/core/secret/strategy.go, pkg/apis/core/validation/validation.go

use super::fill::{Default, Fill, fill};
use super::immutable::{validate_immutable, validate_same};
use crate::codec::{base64, json};
use crate::kinds::Rules;
use crate::limits::CONFIG_BYTES;
use crate::status::{Causes, Path};
use crate::value::names;
use crate::value::{Map, Value};
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules { default, validate, validate_update, warnings, ..Rules::PLAIN };

const DEFAULTS: &[Default] = &[(&[], "type", Fill::Text("Opaque"))];

/// What a type of secret must hold.
enum Must {
    /// Every one of these keys.
    HaveAll(&'static [&'static str]),
    /// At least one of these keys; all of them are named when none is there.
    HaveOne(&'static [&'static str]),
    /// This key, with something in it.
    Fill(&'static str),
    /// This key, with JSON in it.
    HoldJson(&'static str),
    /// The annotation that names its service account.
    NameServiceAccount,
}

const TYPES: &[(&str, Must)] = &[
    ("kubernetes.io/service-account-token", Must::NameServiceAccount),
    ("kubernetes.io/dockercfg", Must::HoldJson(".dockercfg")),
    ("kubernetes.io/dockerconfigjson", Must::HoldJson(".dockerconfigjson")),
    ("kubernetes.io/basic-auth", Must::HaveOne(&["username", "password"])),
    ("kubernetes.io/ssh-auth", Must::Fill("ssh-privatekey")),
    ("kubernetes.io/tls", Must::HaveAll(&["tls.crt", "tls.key"])),
];

/// The annotation that names the service account of a token.
const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account.name";

/// `stringData` is a way to write `data`, and is not kept.
fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    let Some(texts) = object.remove_at(&["stringData"]) else { return };
    for (key, text) in texts.as_map().unwrap_or(&Map::new()).iter() {
        let encoded = base64::encode(text.as_str().unwrap_or("").as_bytes());
        object.set_at(&["data", key], encoded.into());
    }
}

fn validate(object: &Value, causes: &mut Causes) {
    let path = Path::new("data");
    let mut bytes = 0;
    for (key, _) in object.field("data").and_then(Value::as_map).unwrap_or(&Map::new()).iter() {
        if causes.is_full() {
            return;
        }
        for problem in names::config_key(key) {
            causes.invalid(&path.key(key), &key.as_str().into(), &problem);
        }
        bytes += content(object, key).map_or(0, |content| content.len());
    }
    if bytes > CONFIG_BYTES {
        causes.too_long(&path, CONFIG_BYTES);
    }
    let kind = object.text_at(&["type"]);
    if let Some((_, must)) = TYPES.iter().find(|(name, _)| *name == kind) {
        validate_type(object, must, &path, causes);
    }
}

fn validate_type(object: &Value, must: &Must, path: &Path, causes: &mut Causes) {
    let missing = |key: &&&str| content(object, key).is_none();
    match must {
        Must::HaveAll(keys) => {
            keys.iter().filter(missing).for_each(|key| causes.required(&path.key(key), ""));
        }
        Must::HaveOne(keys) => {
            if keys.iter().all(|key| missing(&key)) {
                keys.iter().for_each(|key| causes.required(&path.key(key), ""));
            }
        }
        Must::Fill(key) => {
            if content(object, key).is_none_or(|content| content.is_empty()) {
                causes.required(&path.key(key), "");
            }
        }
        Must::HoldJson(key) => match content(object, key) {
            None => causes.required(&path.key(key), ""),
            Some(content) => {
                if let Err(error) = json::parse(&content) {
                    causes.invalid(&path.key(key), &"<secret contents redacted>".into(), &error.0);
                }
            }
        },
        Must::NameServiceAccount => {
            if object.text_at(&["metadata", "annotations", SERVICE_ACCOUNT]).is_empty() {
                let path = Path::new("metadata").child("annotations").key(SERVICE_ACCOUNT);
                causes.required(&path, "");
            }
        }
    }
}

fn validate_update(object: &Value, old: &Value, causes: &mut Causes) {
    validate_same(object, old, &["type"], causes);
    validate_immutable(object, old, &["data"], causes);
    validate(object, causes);
}

/// A TLS secret whose content is no PEM is stored, but its writer is told.
/// k8s: pkg/registry/core/secret/strategy.go warningsForSecret, in the words of Go's crypto/tls
fn warnings(object: &Value, _old: Option<&Value>) -> Vec<String> {
    let mut found = Vec::new();
    if object.text_at(&["type"]) == "kubernetes.io/tls" {
        for (key, what) in [("tls.crt", "certificate"), ("tls.key", "key")] {
            let content = content(object, key).unwrap_or_default();
            if found.is_empty() && !holds_pem(&content) {
                found.push(alloc::format!("tls: failed to find any PEM data in {what} input"));
            }
        }
    }
    found
}

fn holds_pem(content: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    content.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// The decoded content of a key; None when there is none.
fn content(object: &Value, key: &str) -> Option<Vec<u8>> {
    base64::decode(object.at(&["data", key])?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A secret, and the summary of what is wrong with it.
    const CASES: &[(&str, &str)] = &[
        (r#"{"type":"x/y","data":{"a":"AA=="}}"#, "[]"),
        (r#"{"type":"kubernetes.io/tls"}"#, "[data[tls.crt]: Required value, data[tls.key]: Required value]"),
        (r#"{"type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"e30="}}"#, "[]"),
        (r#"{"type":"kubernetes.io/dockerconfigjson"}"#, "data[.dockerconfigjson]: Required value"),
        (r#"{"type":"kubernetes.io/basic-auth","data":{"password":""}}"#, "[]"),
        (
            r#"{"type":"kubernetes.io/service-account-token"}"#,
            "metadata.annotations[kubernetes.io/service-account.name]: Required value",
        ),
    ];

    #[test]
    fn a_type_demands_its_keys() {
        for (text, summary) in CASES {
            let mut causes = Causes::new();
            validate(&json::parse(text.as_bytes()).expect("JSON").value, &mut causes);
            assert_eq!(causes.summary(), *summary, "{text}");
        }
    }

    #[test]
    fn string_data_becomes_data() {
        let text = br#"{"stringData":{"a":"hello"},"data":{"a":"AA==","b":"aGk="}}"#;
        let mut secret = json::parse(text).expect("JSON").value;
        default(&mut secret);
        assert_eq!(json::to_string(&secret), r#"{"data":{"a":"aGVsbG8=","b":"aGk="},"type":"Opaque"}"#);
    }
}
