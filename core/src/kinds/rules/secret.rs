//! Secrets.
//! k8s: pkg/registry/core/secret/strategy.go, pkg/apis/core/validation/validation.go

use super::fill::{Default, Fill, fill};
use super::immutable::validate_immutable;
use crate::codec::{base64, json};
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, validate_immutable_field};
use crate::kinds::{Facts, Rules, Strategy};
use crate::limits::CONFIG_BYTES;
use crate::value::names;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    default,
    validate,
    warnings_on_create: warn,
    update: Strategy { validate_update, warnings_on_update: warn, ..Strategy::PLAIN },
    ..Rules::PLAIN
};

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

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let data = object.member("data");
    let mut bytes = 0;
    for (key, value) in data.entries() {
        if errors.is_full() {
            return;
        }
        errors.invalid_for_each(&value, key, names::config_key(key));
        bytes += content(&value).map_or(0, |content| content.len());
    }
    if bytes > CONFIG_BYTES {
        errors.too_long(&data, CONFIG_BYTES);
    }
    let kind = object.member("type").text();
    if let Some((_, must)) = TYPES.iter().find(|(name, _)| *name == kind) {
        validate_type(object, must, errors);
    }
}

fn validate_type(object: &Located<'_, '_>, must: &Must, errors: &mut Errors) {
    let data = object.member("data");
    let missing = |key: &&&str| content(&data.key(key)).is_none();
    match must {
        Must::HaveAll(keys) => {
            keys.iter().filter(missing).for_each(|key| errors.required(&data.key(key), ""));
        }
        Must::HaveOne(keys) => {
            if keys.iter().all(|key| missing(&key)) {
                keys.iter().for_each(|key| errors.required(&data.key(key), ""));
            }
        }
        Must::Fill(key) => {
            if content(&data.key(key)).is_none_or(|content| content.is_empty()) {
                errors.required(&data.key(key), "");
            }
        }
        Must::HoldJson(key) => {
            let held = data.key(key);
            match content(&held) {
                None => errors.required(&held, ""),
                Some(content) => {
                    if let Err(error) = json::parse(&content) {
                        errors.invalid_value(&held, "<secret contents redacted>", &error.0);
                    }
                }
            }
        }
        Must::NameServiceAccount => {
            let annotations = object.at(&["metadata", "annotations"]);
            let account = annotations.key(SERVICE_ACCOUNT);
            if account.is_empty() {
                errors.required(&account, "");
            }
        }
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_immutable_field(&object.member("type"), &Located::root(facts.old).member("type"), errors);
    validate_immutable(object, facts.old, &["data"], errors);
    // Upstream looks at the metadata of an update once more.
    validate_built_in(object, true, names::dns_subdomain, errors);
    validate(object, facts, errors);
}

/// A TLS secret whose content is no PEM is stored, but its writer is told.
/// k8s: pkg/registry/core/secret/strategy.go warningsForSecret, in the words of Go's crypto/tls
fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if object.member("type").text() != "kubernetes.io/tls" {
        return;
    }
    let data = object.member("data");
    let parts = [("tls.crt", "certificate"), ("tls.key", "key")];
    let bad = |key: &str| !holds_pem(&content(&data.key(key)).unwrap_or_default());
    if let Some((_, what)) = parts.into_iter().find(|(key, _)| bad(key)) {
        warnings.push(format!("tls: failed to find any PEM data in {what} input"));
    }
}

fn holds_pem(content: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    content.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// The decoded content of a key; None when there is none.
fn content(value: &Located<'_, '_>) -> Option<Vec<u8>> {
    base64::decode(value.value()?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::facts::given::{InMemory, with_facts};

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
            let secret = json::parse(text.as_bytes()).expect("JSON").value;
            let secret = Located::root(&secret);
            let mut errors = Errors::new();
            with_facts(&InMemory::default(), |facts| validate(&secret, facts, &mut errors));
            assert_eq!(errors.summary(), *summary, "{text}");
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
