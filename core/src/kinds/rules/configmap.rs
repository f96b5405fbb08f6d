//! ConfigMaps.
//! k8s: pkg/registry/core/configmap/strategy.go, pkg/apis/core/validation/validation.go

use super::immutable::validate_immutable;
use crate::codec::base64;
use crate::kinds::Rules;
use crate::limits::CONFIG_BYTES;
use crate::status::{Causes, Path};
use crate::value::Value;
use crate::value::names;

pub static RULES: Rules = Rules { validate, validate_update, ..Rules::PLAIN };

fn validate(object: &Value, causes: &mut Causes) {
    let mut bytes = 0;
    for (key, value) in members(object, "data") {
        if causes.is_full() {
            return;
        }
        for problem in names::config_key(key) {
            causes.invalid(&Path::new("data").key(key), &key.into(), &problem);
        }
        if object.at(&["binaryData", key]).is_some() {
            let path = Path::new("data").key(key);
            causes.invalid(&path, &key.into(), "duplicate of key present in binaryData");
        }
        bytes += value.as_str().map_or(0, str::len);
    }
    for (key, value) in members(object, "binaryData") {
        if causes.is_full() {
            return;
        }
        for problem in names::config_key(key) {
            causes.invalid(&Path::new("binaryData").key(key), &key.into(), &problem);
        }
        bytes += base64::decode(value.as_str().unwrap_or("")).map_or(0, |decoded| decoded.len());
    }
    if bytes > CONFIG_BYTES {
        // Upstream names the whole object by an empty path, which it writes like this.
        causes.too_long(&Path::new("[]"), CONFIG_BYTES);
    }
}

fn validate_update(object: &Value, old: &Value, causes: &mut Causes) {
    validate_immutable(object, old, &["data", "binaryData"], causes);
    validate(object, causes);
}

fn members<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let map = object.field(field).and_then(Value::as_map);
    map.into_iter().flat_map(|map| map.iter().map(|(key, value)| (key.as_str(), value)))
}
