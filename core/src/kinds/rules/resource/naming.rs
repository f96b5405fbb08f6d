//! Names of pools, devices, requests and attributes, and the size and uniqueness of lists.
//! k8s: pkg/apis/resource/validation/validation.go

use crate::kinds::validation::{Errors, Located, validate_driver_name};
use crate::value::names::{SUBDOMAIN_BYTES, dns_label, dns_subdomain, label_key, label_value};
use crate::value::{Text, Value, quoted};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

/// The longest name part of an attribute, bytes.
const IDENTIFIER_BYTES: usize = 32;
/// The longest domain of an attribute, bytes.
const DOMAIN_BYTES: usize = 63;
/// The longest key of an attribute or capacity that paths show whole, bytes.
pub(super) const SHOWN_KEY_BYTES: usize = DOMAIN_BYTES + 1 + IDENTIFIER_BYTES;

const IDENTIFIER: &str = "a valid C identifier must start with alphabetic character or '_', followed by a string of \
    alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is \
    '[A-Za-z_][A-Za-z0-9_]*')";

/// Subdomains with slashes between them.
pub(super) fn validate_pool_name(pool: &Located<'_, '_>, errors: &mut Errors) {
    let name = pool.text();
    if name.is_empty() {
        errors.required(pool, "");
        return;
    }
    if name.len() > SUBDOMAIN_BYTES {
        errors.too_long(pool, SUBDOMAIN_BYTES);
    }
    for part in name.split('/') {
        if errors.is_full() {
            return;
        }
        errors.invalid_for_each(pool, part, dns_subdomain(part, false));
    }
}

/// A device, a request or a counter.
pub(super) fn validate_label_as_name(name: &Located<'_, '_>, errors: &mut Errors) {
    errors.invalid_for_each(name, name.text(), dns_label(name.text(), false));
}

/// A key of a taint, and the conditions of a binding.
pub(super) fn validate_label_key(key: &Located<'_, '_>, errors: &mut Errors) {
    errors.invalid_for_each(key, key.text(), label_key(key.text()));
}

pub(super) fn validate_label_value(value: &Located<'_, '_>, errors: &mut Errors) {
    errors.invalid_for_each(value, value.text(), label_value(value.text()));
}

pub(super) fn validate_class_name(class: &Located<'_, '_>, errors: &mut Errors) {
    if class.is_empty() {
        errors.required(class, "");
    } else {
        errors.invalid_for_each(class, class.text(), dns_subdomain(class.text(), false));
    }
}

pub(super) fn validate_node_name(node: &Located<'_, '_>, errors: &mut Errors) {
    errors.invalid_for_each(node, node.text(), dns_subdomain(node.text(), false));
}

/// A name with an optional domain: an attribute or a capacity.
pub(super) fn validate_qualified_name(at: &Located<'_, '_>, name: &str, errors: &mut Errors) {
    match name.split_once('/') {
        None => validate_identifier(at, name, errors),
        Some((_, rest)) if rest.contains('/') => {}
        Some((domain, name)) => {
            if domain.is_empty() {
                errors.invalid_value(at, "", "the domain must not be empty");
            } else {
                let value = Value::from(domain);
                validate_driver_name(&Located::root(&value).shown_at(at), errors);
            }
            if name.is_empty() {
                errors.invalid_value(at, "", "the name must not be empty");
            } else {
                validate_identifier(at, name, errors);
            }
        }
    }
}

/// A name with its domain.
pub(super) fn validate_attribute_name(at: &Located<'_, '_>, errors: &mut Errors) {
    validate_qualified_name(at, at.text(), errors);
    if !at.text().contains('/') {
        let detail = "a fully qualified name must be a domain and a name separated by a slash";
        errors.invalid_value(at, at.text(), detail);
    }
}

fn validate_identifier(at: &Located<'_, '_>, name: &str, errors: &mut Errors) {
    if name.len() > IDENTIFIER_BYTES {
        errors.too_long(at, IDENTIFIER_BYTES);
    }
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts = name.bytes().next().is_some_and(|first| inner(first) && !first.is_ascii_digit());
    if !(starts && name.bytes().all(inner)) {
        errors.invalid_value(at, name, IDENTIFIER);
    }
}

/// A UUID in its normal form.
pub(super) fn validate_uid(uid: &Located<'_, '_>, errors: &mut Errors) {
    let text = uid.text();
    if let Some(problem) = uuid_problem(text) {
        errors.invalid_value(uid, text, format_args!("error validating uid: {problem}"));
    } else if text.len() != 36 || text != text.to_lowercase() {
        let detail = "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase \
                      hexadecimal characters";
        errors.invalid_value(uid, text, detail);
    }
}

/// What is wrong with a UUID, in any of the forms that upstream's library takes.
fn uuid_problem(text: &str) -> Option<String> {
    const INVALID: &str = "invalid UUID format";
    let bytes = text.as_bytes();
    let plain = match bytes.len() {
        36 => bytes,
        45 => {
            let (prefix, rest) = bytes.split_at_checked(9).unwrap_or_default();
            if !prefix.eq_ignore_ascii_case(b"urn:uuid:") {
                return Some(format!("invalid urn prefix: {}", quoted(&String::from_utf8_lossy(prefix))));
            }
            rest
        }
        38 => match bytes {
            [b'{', inner @ .., b'}'] => inner,
            [..] => return Some("invalid bracketed UUID format".into()),
        },
        32 => return (!bytes.iter().all(u8::is_ascii_hexdigit)).then(|| INVALID.into()),
        length => return Some(format!("invalid UUID length: {length}")),
    };
    let good = plain.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    (!good).then(|| INVALID.into())
}

/// Whether a list has at most so many items; nothing else is said of a longer one.
pub(super) fn is_short(list: &Located<'_, '_>, max: usize, errors: &mut Errors) -> bool {
    let short = list.len() <= max;
    if !short {
        errors.too_many(list, max);
    }
    short
}

/// Items whose member is that of an earlier one.
pub(super) fn validate_unique(list: &Located<'_, '_>, member: &'static str, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for item in list.items() {
        if errors.is_full() {
            return;
        }
        let key = item.member(member).text();
        if !seen.insert(key) {
            errors.duplicate_value(&item, key);
        }
    }
}

/// Texts that stand in the list before.
pub(super) fn validate_unique_texts(list: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for item in list.items() {
        if errors.is_full() {
            return;
        }
        if !seen.insert(item.text()) {
            errors.duplicate_value(&item, item.text());
        }
    }
}

/// A key as paths show it: without its middle when it is longer than so many bytes.
pub(super) fn shown_key(key: &str, max_bytes: usize) -> Text {
    if key.len() <= max_bytes {
        return key.into();
    }
    let left = max_bytes.saturating_sub(3);
    let head = key.get(..left.div_ceil(2));
    let tail = key.get(key.len().saturating_sub(left / 2)..);
    match (head, tail) {
        (Some(head), Some(tail)) => format!("{head}...{tail}").into(),
        // A cut inside a character, which the text on the wire cannot show.
        (None, _) | (_, None) => key.into(),
    }
}
