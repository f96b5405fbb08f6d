//! The formats of labels, annotations and DNS names, with upstream's sentences about what breaks them.
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/validate/content/kube.go, dns.go, errors.go

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What is wrong with a text, each a sentence; empty when nothing is.
pub type Problems = Vec<String>;

/// Longest label value and longest name part of a label key, bytes.
pub const LABEL_BYTES: usize = 63;

/// Longest DNS label, bytes.
pub const DNS_LABEL_BYTES: usize = 63;

/// Longest DNS subdomain, bytes.
pub const DNS_SUBDOMAIN_BYTES: usize = 253;

const LABEL_KEY_FORMAT: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_KEY_RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start \
     and end with an alphanumeric character";
const LABEL_KEY_EXAMPLES: &[&str] = &["MyName", "my.name", "123-abc"];

/// A label key, an annotation key in lower case, a "qualified name": a name of at most 63 bytes, after
/// an optional DNS subdomain and a slash.
pub fn label_key(key: &str) -> Problems {
    let mut problems = Problems::new();
    let mut parts = key.split('/');
    let (first, second, third) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    let name = match (second, third) {
        (None, _) => first,
        (Some(name), None) => {
            problems.extend(label_key_prefix(first));
            name
        }
        (Some(_), Some(_)) => {
            let rule = regex_error(LABEL_KEY_RULE, LABEL_KEY_FORMAT, LABEL_KEY_EXAMPLES);
            problems.push(format!(
                "a valid label key {rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ));
            return problems;
        }
    };
    if name.is_empty() {
        problems.push(format!("name part {EMPTY_ERROR}"));
    } else if name.len() > LABEL_BYTES {
        problems.push(format!("name part {}", max_len_error(LABEL_BYTES)));
    }
    if !is_label_name(name) {
        let rule = regex_error(LABEL_KEY_RULE, LABEL_KEY_FORMAT, LABEL_KEY_EXAMPLES);
        problems.push(format!("name part {rule}"));
    }
    problems
}

fn label_key_prefix(prefix: &str) -> Problems {
    if prefix.is_empty() {
        return alloc::vec![format!("prefix part {EMPTY_ERROR}")];
    }
    dns_subdomain(prefix).into_iter().map(|problem| format!("prefix part {problem}")).collect()
}

/// A label value: empty, or at most 63 bytes.
pub fn label_value(value: &str) -> Problems {
    let mut problems = Problems::new();
    if value.len() > LABEL_BYTES {
        problems.push(max_len_error(LABEL_BYTES));
    }
    if !value.is_empty() && !is_label_name(value) {
        const RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, \
             '-', '_' or '.', and must start and end with an alphanumeric character";
        const FORMAT: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
        problems.push(regex_error(RULE, FORMAT, &["MyValue", "my_value", "12345"]));
    }
    problems
}

/// A lowercase RFC 1123 subdomain.
pub fn dns_subdomain(value: &str) -> Problems {
    let mut problems = Problems::new();
    if value.len() > DNS_SUBDOMAIN_BYTES {
        problems.push(max_len_error(DNS_SUBDOMAIN_BYTES));
    }
    if !is_dns_subdomain(value) {
        const RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
             characters, '-' or '.', and must start and end with an alphanumeric character";
        const FORMAT: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
        problems.push(regex_error(RULE, FORMAT, &["example.com"]));
    }
    problems
}

/// A lowercase RFC 1123 label.
pub fn dns_label(value: &str) -> Problems {
    let mut problems = Problems::new();
    if value.len() > DNS_LABEL_BYTES {
        problems.push(max_len_error(DNS_LABEL_BYTES));
    }
    if is_dns_label(value) {
        return problems;
    }
    if is_dns_subdomain(value) {
        problems.push("must not contain dots".into());
    } else {
        const RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric \
             characters or '-', and must start and end with an alphanumeric character";
        problems.push(regex_error(RULE, "[a-z0-9]([-a-z0-9]*[a-z0-9])?", &["my-name", "123-abc"]));
    }
    problems
}

/// What an empty text is told where one is needed.
pub const EMPTY_ERROR: &str = "must be non-empty";

/// What a text is told that is longer than so many bytes.
pub fn max_len_error(max_bytes: usize) -> String {
    format!("must be no more than {max_bytes} bytes")
}

/// What a text is told that does not match a pattern: the rule in words, examples, the pattern.
pub fn regex_error(rule: &str, format: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{rule} (regex used for validation is '{format}')");
    }
    let shown: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{rule} (e.g. {}regex used for validation is '{format}')", shown.join(" or "))
}

/// Matches `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, without the bound on its length.
pub fn is_dns_label(value: &str) -> bool {
    let lower_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    is_framed(value, lower_alphanumeric, |byte| lower_alphanumeric(byte) || byte == b'-')
}

/// Matches labels joined by dots, without the bound on its length.
pub fn is_dns_subdomain(value: &str) -> bool {
    value.split('.').all(is_dns_label)
}

fn is_label_name(value: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_alphanumeric();
    is_framed(value, alphanumeric, |byte| alphanumeric(byte) || matches!(byte, b'-' | b'_' | b'.'))
}

/// Not empty, first and last byte from one set, those between from another.
fn is_framed(value: &str, end: impl Fn(u8) -> bool, middle: impl Fn(u8) -> bool) -> bool {
    match value.as_bytes() {
        [] => false,
        [only] => end(*only),
        [first, between @ .., last] => end(*first) && end(*last) && between.iter().all(|byte| middle(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
         with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
         '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

    #[test]
    fn label_keys_are_told_what_is_wrong() {
        for good in ["a", "app.kubernetes.io/name", "A_b.C-9", "x/y"] {
            assert_eq!(label_key(good), Problems::new(), "{good}");
        }
        assert_eq!(label_key("a b"), [format!("name part {NAME}")]);
        assert_eq!(label_key(""), ["name part must be non-empty".into(), format!("name part {NAME}")]);
        assert_eq!(label_key("/a"), ["prefix part must be non-empty"]);
        assert_eq!(label_key(&"x".repeat(64)), ["name part must be no more than 63 bytes"]);
        let many = label_key("a/b/c");
        assert_eq!(many.len(), 1);
        assert!(many[0].starts_with("a valid label key must consist of"));
        assert!(
            label_key("Exa_mple.com/a")[0].starts_with("prefix part a lowercase RFC 1123 subdomain must")
        );
    }

    #[test]
    fn label_values_and_dns_names() {
        for good in ["", "a", "a_b.c-d"] {
            assert!(label_value(good).is_empty(), "{good}");
        }
        assert!(
            label_value("b c")[0].ends_with("validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")
        );
        assert!(dns_subdomain("a.b-c.d").is_empty());
        assert_eq!(dns_subdomain("a..b").len(), 1);
        assert_eq!(dns_label("a.b"), ["must not contain dots"]);
        assert_eq!(dns_label("-a").len(), 1);
    }
}
