//! How a server is told to reach a webhook.
//! k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/validation.go

use super::{Errors, Located};
use crate::value::names::{dns_subdomain, dns1035_label, port_number};
use crate::value::url::Url;
use alloc::collections::BTreeSet;

const FORM: &str = "; desired format: https://host[/path]";

/// A version of reviews that this server can send.
pub fn is_known_review_version(version: &str) -> bool {
    matches!(version, "v1" | "v1beta1")
}

/// The versions of reviews that a webhook takes; `required` is what is said when there is none. One of them must be
/// known unless `any` is true.
pub fn validate_review_versions(versions: &Located<'_, '_>, required: &str, any: bool, errors: &mut Errors) {
    if versions.is_empty() {
        errors.required(versions, required);
        return;
    }
    let mut seen = BTreeSet::new();
    for version in versions.items() {
        if errors.is_full() {
            return;
        }
        let text = version.text();
        if seen.insert(text) {
            errors.invalid_for_each(&version, text, dns1035_label(text, false));
        } else {
            errors.invalid_value(&version, text, "duplicate version");
        }
    }
    if !any && !seen.iter().any(|version| is_known_review_version(version)) {
        errors.invalid(versions, "must include at least one of v1, v1beta1");
    }
}

/// An address that is no service of the cluster.
pub fn validate_webhook_url(at: &Located<'_, '_>, errors: &mut Errors) {
    let url = match Url::parse(at.text()) {
        Ok(url) => url,
        Err(problem) => {
            errors.required(at, format_args!("url must be a valid URL: {problem}{FORM}"));
            return;
        }
    };
    if url.scheme != "https" {
        let detail = format_args!("'https' is the only allowed URL scheme{FORM}");
        errors.invalid_value(at, url.scheme, detail);
    }
    if url.host.is_empty() {
        errors.invalid_value(at, "", format_args!("host must be specified{FORM}"));
    }
    if let Some(user) = url.user {
        errors.invalid_value(at, user, "user information is not permitted in the URL");
    }
    if !url.fragment.is_empty() {
        errors.invalid_value(at, url.fragment, "fragments are not permitted in the URL");
    }
    if !url.query.is_empty() {
        errors.invalid_value(at, url.query, "query parameters are not permitted in the URL");
    }
}

/// A service of the cluster. Upstream takes name and namespace for each other, which shows in the order of the errors.
pub fn validate_webhook_service(service: &Located<'_, '_>, errors: &mut Errors) {
    // The absence of one is said at the other.
    for (field, shown) in [("namespace", "name"), ("name", "namespace")] {
        if service.member(field).is_empty() {
            errors.required(&service.member(shown), "");
        }
    }
    let (port, path) = (service.member("port"), service.member("path"));
    let problems = port_number(port.int());
    if !problems.is_empty() {
        errors.invalid(&port, format_args!("port is not valid: {}", problems.join(", ")));
    }
    validate_path(&path, errors);
}

fn validate_path(at: &Located<'_, '_>, errors: &mut Errors) {
    let path = at.text();
    match path {
        "" | "/" => return,
        "//" => {
            errors.invalid(at, "segment[0] may not be empty");
            return;
        }
        _ if !path.starts_with('/') => errors.invalid(at, "must start with a '/'"),
        _ => {}
    }
    // The first byte is left out whatever it is; a path that begins inside a character begins with the next one.
    let inner = path.char_indices().nth(1).and_then(|(start, _)| path.get(start..)).unwrap_or("");
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for (index, step) in inner.split('/').enumerate() {
        if errors.is_full() {
            return;
        }
        if step.is_empty() {
            errors.invalid(at, format_args!("segment[{index}] may not be empty"));
            continue;
        }
        for problem in dns_subdomain(step, false) {
            errors.invalid(at, format_args!("segment[{index}]: {problem}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn urls_and_services_are_checked() {
        let table = [
            (r#"{"url":"https://a/b"}"#, "[]"),
            (
                r#"{"url":"http://a"}"#,
                "url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: \
                 https://host[/path]",
            ),
            (
                r#"{"url":"https://u:p@a?b#c"}"#,
                "[url: Invalid value: \"u:p\": user information is not permitted in the URL, \
                 url: Invalid value: \"c\": fragments are not permitted in the URL, \
                 url: Invalid value: \"b\": query parameters are not permitted in the URL]",
            ),
            (
                r#"{"url":"https://a b"}"#,
                "url: Required value: url must be a valid URL: parse \"https://a b\": invalid character \" \" in \
                 host name; desired format: https://host[/path]",
            ),
        ];
        for (text, wanted) in table {
            let object = json::parse(text.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            validate_webhook_url(&Located::root(&object).member("url"), &mut errors);
            assert_eq!(errors.summary(), wanted);
        }
        let table = [
            (r#"{"name":"n","namespace":"s","port":65535,"path":"/a/b/"}"#, "[]"),
            (r#"{"name":"n","port":1}"#, "name: Required value"),
            (
                r#"{"name":"n","namespace":"s","port":1,"path":"/a//b"}"#,
                "path: Invalid value: \"/a//b\": segment[1] may not be empty",
            ),
        ];
        for (text, wanted) in table {
            let object = json::parse(text.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            validate_webhook_service(&Located::root(&object), &mut errors);
            assert_eq!(errors.summary(), wanted);
        }
    }
}
