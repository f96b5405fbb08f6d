//! The name formats of Kubernetes and their error sentences.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go, api/validation/generic.go

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Problems of a name, each a sentence; empty when the name is good.
pub type Problems = Vec<String>;

/// The longest RFC 1123 or RFC 1035 label, and the longest name part of a label key, bytes.
pub const LABEL_BYTES: usize = 63;
/// The longest RFC 1123 subdomain, bytes.
pub const SUBDOMAIN_BYTES: usize = 253;

const LABEL_1123: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters \
    or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex \
    used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_1123: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
    characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', \
    regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const SUBDOMAIN_WITH_UNDERSCORE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
    characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', \
    regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
const WILDCARD_SUBDOMAIN: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid \
    DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an \
    alphanumeric character (e.g. '*.example.com', regex used for validation is \
    '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', \
    start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or \
    'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED_NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start \
    and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
    validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const OPTIONAL_PREFIX: &str = " with an optional DNS subdomain prefix and '/' (e.g. \
    'example.com/MyName')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, \
    '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or \
    'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
    (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const ENV_VAR_NAME: &str =
    "a valid environment variable name must consist only of printable ASCII characters other than '='";
const C_IDENTIFIER: &str = "a valid C identifier must start with alphabetic character or '_', followed by a \
    string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for \
    validation is '[A-Za-z_][A-Za-z0-9_]*')";
const HTTP_HEADER_NAME: &str = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. \
    'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  \
    or '93%', regex used for validation is '[0-9]+%')";
const CONDITION_REASON: &str = "a condition reason must start with alphabetic character, optionally followed \
    by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. \
    'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for \
    validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";
/// The longest name of a port, bytes.
const PORT_NAME_BYTES: usize = 15;

/// Any name: for kinds whose own validation judges it, or that have none.
pub fn any(_name: &str, _prefix: bool) -> Problems {
    Problems::new()
}

/// A lowercase RFC 1123 subdomain; a prefix may end in '-'.
pub fn dns_subdomain(name: &str, prefix: bool) -> Problems {
    let name = without_trailing_dash(name, prefix);
    let mut problems = too_many_characters(&name, SUBDOMAIN_BYTES);
    if !name.split('.').all(is_dns_label) {
        problems.push(SUBDOMAIN_1123.into());
    }
    problems
}

/// As `dns_subdomain`, with underscores at the front of a label and inside it.
pub fn dns_subdomain_with_underscore(name: &str) -> Problems {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        framed(label.strip_prefix('_').unwrap_or(label), inner, |byte| {
            inner(byte) || matches!(byte, b'-' | b'_')
        })
    };
    let mut problems = too_many_characters(name, SUBDOMAIN_BYTES);
    if !name.split('.').all(is_label) {
        problems.push(SUBDOMAIN_WITH_UNDERSCORE.into());
    }
    problems
}

/// `*.` and a subdomain.
pub fn wildcard_subdomain(name: &str) -> Problems {
    let mut problems = too_many_characters(name, SUBDOMAIN_BYTES);
    if !name.strip_prefix("*.").is_some_and(|rest| rest.split('.').all(is_dns_label)) {
        problems.push(WILDCARD_SUBDOMAIN.into());
    }
    problems
}

/// A lowercase RFC 1123 label; a prefix may end in '-'.
pub fn dns_label(name: &str, prefix: bool) -> Problems {
    let name = without_trailing_dash(name, prefix);
    let mut problems = too_many_characters(&name, LABEL_BYTES);
    if !is_dns_label(&name) {
        // Of a subdomain, only its dots are wrong.
        let subdomain = name.split('.').all(is_dns_label);
        problems.push(if subdomain { "must not contain dots".into() } else { LABEL_1123.into() });
    }
    problems
}

/// An RFC 1035 label: as an RFC 1123 label that starts with a letter.
pub fn dns1035_label(name: &str, prefix: bool) -> Problems {
    let name = without_trailing_dash(name, prefix);
    let mut problems = too_many_characters(&name, LABEL_BYTES);
    if !(is_dns_label(&name) && name.starts_with(|first: char| first.is_ascii_lowercase())) {
        problems.push(LABEL_1035.into());
    }
    problems
}

/// Anything that can be one segment of a URL path: the names of RBAC objects.
/// k8s: staging/src/k8s.io/apimachinery/pkg/api/validation/path/name.go
pub fn path_segment(name: &str, prefix: bool) -> Problems {
    let mut problems = Problems::new();
    if !prefix {
        for whole in [".", ".."].into_iter().filter(|whole| *whole == name) {
            problems.push(format!("may not be '{whole}'"));
        }
    }
    for part in ["/", "%"].into_iter().filter(|part| name.contains(part)) {
        problems.push(format!("may not contain '{part}'"));
    }
    problems
}

/// The text of an IP address in its canonical form: the names of IPAddress objects.
pub fn ip_address(name: &str, _prefix: bool) -> Problems {
    match name.parse::<core::net::IpAddr>() {
        Err(_) => vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".into()],
        Ok(address) if address.to_string() != name => {
            vec![format!("not a valid address in canonical form ({address})")]
        }
        Ok(_) => Problems::new(),
    }
}

/// A qualified name, `name` or `prefix/name`: annotation keys, finalizers, resource names.
pub fn qualified_name(text: &str) -> Problems {
    label_key(text)
}

/// A label key: a qualified name that sentences call a label key.
/// k8s: staging/src/k8s.io/apimachinery/pkg/api/validate/content/kube.go
pub fn label_key(text: &str) -> Problems {
    qualified("a valid label key ", text)
}

fn qualified(what: &str, text: &str) -> Problems {
    let mut problems = Problems::new();
    let name = match text.split_once('/') {
        None => text,
        Some((_, rest)) if rest.contains('/') => {
            problems.push(format!("{what}{QUALIFIED_NAME}{OPTIONAL_PREFIX}"));
            return problems;
        }
        Some(("", name)) => {
            problems.push("prefix part must be non-empty".into());
            name
        }
        Some((prefix, name)) => {
            let mut found = too_long(prefix, SUBDOMAIN_BYTES);
            if !prefix.split('.').all(is_dns_label) {
                found.push(SUBDOMAIN_1123.into());
            }
            problems.extend(found.iter().map(|problem| format!("prefix part {problem}")));
            name
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".into());
    } else if let Some(problem) = too_long(name, LABEL_BYTES).pop() {
        problems.push(format!("name part {problem}"));
    }
    if !is_label_text(name) {
        problems.push(format!("name part {QUALIFIED_NAME}"));
    }
    problems
}

/// The value of a label; may be empty.
pub fn label_value(value: &str) -> Problems {
    let mut problems = too_long(value, LABEL_BYTES);
    if !value.is_empty() && !is_label_text(value) {
        problems.push(LABEL_VALUE.into());
    }
    problems
}

/// A key of a ConfigMap or Secret: a file name.
pub fn config_key(key: &str) -> Problems {
    let mut problems = too_many_characters(key, SUBDOMAIN_BYTES);
    if key.is_empty() || !key.bytes().all(is_label_byte) {
        problems.push(CONFIG_KEY.into());
    }
    if key == "." {
        problems.push("must not be '.'".into());
    } else if key == ".." {
        problems.push("must not be '..'".into());
    } else if key.starts_with("..") {
        problems.push("must not start with '..'".into());
    }
    problems
}

/// The name of an environment variable: any printable ASCII but `=`.
pub fn env_var_name(name: &str) -> Problems {
    let mut problems = Problems::new();
    if name.is_empty() {
        problems.push("environment variable name must be non-empty".into());
    }
    if !name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=') {
        problems.push(ENV_VAR_NAME.into());
    }
    problems
}

/// An identifier of the language C.
pub fn c_identifier(name: &str) -> Problems {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let is_good = name.bytes().next().is_some_and(is_first)
        && name.bytes().all(|byte| is_first(byte) || byte.is_ascii_digit());
    if is_good { Problems::new() } else { vec![C_IDENTIFIER.into()] }
}

/// The name of an HTTP header.
pub fn http_header_name(name: &str) -> Problems {
    let is_good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_good { Problems::new() } else { vec![HTTP_HEADER_NAME.into()] }
}

/// A number with `%` behind it.
pub fn percent(text: &str) -> Problems {
    let digits = text.strip_suffix('%').unwrap_or("");
    let is_good = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_good { Problems::new() } else { vec![PERCENT.into()] }
}

/// The reason of a condition, whatever its length.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go isValidConditionReason
pub fn condition_reason(reason: &str) -> Problems {
    let is_last = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_good = match reason.as_bytes() {
        [] => false,
        [only] => only.is_ascii_alphabetic(),
        [first, middle @ .., last] => {
            first.is_ascii_alphabetic()
                && is_last(*last)
                && middle.iter().all(|byte| is_last(*byte) || matches!(byte, b',' | b':'))
        }
    };
    if is_good { Problems::new() } else { vec![CONDITION_REASON.into()] }
}

/// The number of a port.
pub fn port_number(number: i64) -> Problems {
    in_range(number, 1, 65535)
}

/// A number between two others, which it may be.
pub fn in_range(number: i64, low: i64, high: i64) -> Problems {
    if (low..=high).contains(&number) {
        Problems::new()
    } else {
        vec![format!("must be between {low} and {high}, inclusive")]
    }
}

/// The name of a port, as IANA registers them, in lower case.
pub fn port_name(name: &str) -> Problems {
    let mut problems = too_many_characters(name, PORT_NAME_BYTES);
    let mut say = |is_wrong: bool, problem: &str| {
        if is_wrong {
            problems.push(problem.into());
        }
    };
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    say(
        name.is_empty() || !name.bytes().all(is_allowed),
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
    );
    say(!name.bytes().any(|byte| byte.is_ascii_lowercase()), "must contain at least one letter (a-z)");
    say(name.contains("--"), "must not contain consecutive hyphens");
    say(name.starts_with('-') || name.ends_with('-'), "must not begin or end with a hyphen");
    problems
}

/// Upstream counts bytes here and calls them characters.
fn too_many_characters(text: &str, max_bytes: usize) -> Problems {
    if text.len() > max_bytes {
        vec![format!("must be no more than {max_bytes} characters")]
    } else {
        Problems::new()
    }
}

fn too_long(text: &str, max_bytes: usize) -> Problems {
    if text.len() > max_bytes {
        vec![format!("must be no more than {max_bytes} bytes")]
    } else {
        Problems::new()
    }
}

/// A prefix gets a suffix later, so that a '-' at its end is fine.
fn without_trailing_dash(name: &str, prefix: bool) -> Cow<'_, str> {
    match name.strip_suffix('-') {
        Some(stem) if prefix && !stem.is_empty() => {
            let mut characters = stem.chars();
            characters.next_back();
            Cow::Owned(format!("{}a", characters.as_str()))
        }
        Some(_) | None => Cow::Borrowed(name),
    }
}

fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    framed(text, inner, |byte| inner(byte) || byte == b'-')
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
fn is_label_text(text: &str) -> bool {
    framed(text, |byte| byte.is_ascii_alphanumeric(), is_label_byte)
}

fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Not empty, `end` at both ends, `inner` between.
fn framed(text: &str, end: impl Fn(u8) -> bool, inner: impl Fn(u8) -> bool) -> bool {
    match text.as_bytes() {
        [] => false,
        [only] => end(*only),
        [first, middle @ .., last] => end(*first) && end(*last) && middle.iter().all(|byte| inner(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&str) -> Problems;

    /// Each text with the start of each sentence it earns.
    const CASES: &[(&str, Check, &str, &[&str])] = &[
        ("subdomain", |name| dns_subdomain(name, false), "a.b-c.d", &[]),
        ("subdomain", |name| dns_subdomain(name, false), "No_Such", &["a lowercase RFC 1123 subdomain"]),
        ("subdomain", |name| dns_subdomain(name, false), "a..b", &["a lowercase RFC 1123 subdomain"]),
        ("subdomain", |name| dns_subdomain(name, false), "a-", &["a lowercase RFC 1123 subdomain"]),
        ("prefix", |name| dns_subdomain(name, true), "gen-", &[]),
        ("prefix", |name| dns_subdomain(name, true), "-", &["a lowercase RFC 1123 subdomain"]),
        ("prefix", |name| dns_subdomain(name, true), "BAD_", &["a lowercase RFC 1123 subdomain"]),
        ("label", |name| dns_label(name, false), "a.b", &["must not contain dots"]),
        ("1035", |name| dns1035_label(name, false), "1a", &["a DNS-1035 label"]),
        ("1035", |name| dns1035_label(name, false), "a1", &[]),
        (
            "path",
            |name| path_segment(name, false),
            "system:node/x%",
            &["may not contain '/'", "may not contain '%'"],
        ),
        ("path", |name| path_segment(name, false), "..", &["may not be '..'"]),
        ("path", |name| path_segment(name, false), "No_Such", &[]),
        ("address", |name| ip_address(name, false), "10.0.0.1", &[]),
        (
            "address",
            |name| ip_address(name, false),
            "2001:DB8::1",
            &["not a valid address in canonical form (2001:db8::1)"],
        ),
        ("key", label_key, "example.com/A_b.c", &[]),
        ("key", label_key, "a b", &["name part must consist"]),
        ("key", label_key, "a/b/c", &["a valid label key must consist"]),
        ("key", label_key, "/b", &["prefix part must be non-empty"]),
        ("key", label_key, "", &["name part must be non-empty", "name part must consist"]),
        ("key", label_key, "Exa_mple.com/a", &["prefix part a lowercase RFC 1123 subdomain"]),
        ("value", label_value, "", &[]),
        ("value", label_value, "b c", &["a valid label must be an empty string"]),
        ("config", config_key, "..x", &["must not start with '..'"]),
        ("underscore", dns_subdomain_with_underscore, "_a.b_c", &[]),
        ("underscore", dns_subdomain_with_underscore, "a._", &["a lowercase RFC 1123 subdomain"]),
        ("wildcard", wildcard_subdomain, "*.example.com", &[]),
        ("wildcard", wildcard_subdomain, "*.*.com", &["a wildcard DNS-1123 subdomain"]),
        ("variable", env_var_name, "a b-1.", &[]),
        ("variable", env_var_name, "a=b", &["a valid environment variable name"]),
        ("variable", env_var_name, "", &["environment variable name must be non-empty"]),
        ("identifier", c_identifier, "_a1", &[]),
        ("identifier", c_identifier, "1a", &["a valid C identifier"]),
        ("header", http_header_name, "X-A", &[]),
        ("header", http_header_name, "X_A", &["a valid HTTP header"]),
        ("percent", percent, "05%", &[]),
        ("percent", percent, "%", &["a valid percent string"]),
        ("reason", condition_reason, "A:b", &[]),
        ("reason", condition_reason, "A:", &["a condition reason"]),
        ("port", port_name, "a-1", &[]),
        ("port", port_name, "1-1", &["must contain at least one letter"]),
        ("port", port_name, "-a--b", &["must not contain consecutive hyphens", "must not begin or end"]),
        ("port", port_name, "", &["must contain only alpha-numeric", "must contain at least one letter"]),
        ("port", |_| port_number(65535), "", &[]),
        ("port", |_| port_number(0), "", &["must be between 1 and 65535, inclusive"]),
        ("config", config_key, "bad key!", &["a valid config key must consist"]),
    ];

    #[test]
    fn invalid_names_get_their_error_texts() {
        for (what, check, name, wanted) in CASES {
            let got = check(name);
            let same = got.len() == wanted.len()
                && got.iter().zip(*wanted).all(|(have, want)| have.starts_with(want));
            assert!(same, "{what} {name:?}: {got:?}");
        }
    }

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(label_value(&"d".repeat(64)), ["must be no more than 63 bytes"]);
        assert_eq!(label_key(&"x".repeat(64)), ["name part must be no more than 63 bytes"]);
        assert_eq!(dns_subdomain(&"x".repeat(254), false), ["must be no more than 253 characters"]);
        let prefix = ["x".repeat(63).as_str(); 4].join(".") + "/a";
        assert_eq!(label_key(&prefix), ["prefix part must be no more than 253 bytes"]);
        assert_eq!(label_key(&prefix[2..]), Problems::new());
    }
}
