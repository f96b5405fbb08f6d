//! ConfigMaps.
//! k8s: pkg/registry/core/configmap/strategy.go, pkg/apis/core/validation/validation.go

use super::immutable::validate_immutable;
use crate::codec::base64;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, Rules, Strategy};
use crate::limits::CONFIG_BYTES;
use crate::value::names;

pub static RULES: Rules =
    Rules { validate, update: Strategy { validate_update, ..Strategy::PLAIN }, ..Rules::PLAIN };

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let (data, binary_data) = (object.member("data"), object.member("binaryData"));
    let mut bytes = 0;
    for (key, value) in data.entries() {
        if errors.is_full() {
            return;
        }
        errors.invalid_for_each(&value, key, names::config_key(key));
        if binary_data.key(key).is_set() {
            errors.invalid_value(&value, key, "duplicate of key present in binaryData");
        }
        bytes += value.len();
    }
    for (key, value) in binary_data.entries() {
        if errors.is_full() {
            return;
        }
        errors.invalid_for_each(&value, key, names::config_key(key));
        bytes += base64::decode(value.text()).map_or(0, |decoded| decoded.len());
    }
    if bytes > CONFIG_BYTES {
        // Upstream names the whole object by an empty path, which it writes like this.
        errors.too_long(&object.shown_as("[]"), CONFIG_BYTES);
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_immutable(object, facts.old, &["data", "binaryData"], errors);
    // Upstream looks at the metadata of an update once more.
    validate_built_in(object, true, names::dns_subdomain, errors);
    validate(object, facts, errors);
}
