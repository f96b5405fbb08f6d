//! Hosts, paths and backends of Ingresses.
//! k8s: pkg/apis/networking/validation/validation.go

use super::INGRESS_CLASS;
use super::class::validate_reference;
use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, validate_ip_for_legacy_field};
use crate::value::ip::SloppyIp;
use crate::value::names::{dns_label, dns_subdomain, port_name, port_number, wildcard_subdomain};
use alloc::vec::Vec;

/// What an update may keep, since the stored object has it.
#[derive(Clone, Copy, Default)]
struct Kept {
    secret_names: bool,
    rules_of_wildcard_hosts: bool,
}

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let spec = object.member("spec");
    validate_spec(&spec, Kept::default(), errors);
    let annotation = object.at(&["metadata", "annotations"]);
    let (annotation, class) = (annotation.key(INGRESS_CLASS), spec.member("ingressClassName"));
    if annotation.is_set() && class.is_set() && annotation.text() != class.text() {
        // Upstream's path leaves out the metadata.
        let shown = object.member("annotations");
        let shown = annotation.shown_at(&shown.member(INGRESS_CLASS));
        errors.invalid(&shown, "must match `ingressClassName` when both are specified");
    }
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let (secrets, rules) = (old.at(&["spec", "tls"]), old.at(&["spec", "rules"]));
    let is_bad_secret = |secret: Located<'_, '_>| {
        let name = secret.member("secretName").text();
        !name.is_empty() && !dns_subdomain(name, false).is_empty()
    };
    let is_bad_rule = |rule: Located<'_, '_>| {
        let mut errors = Errors::new();
        validate_paths(&rule.member("http"), &mut errors);
        rule.member("host").text().contains('*') && !errors.is_empty()
    };
    let kept = Kept {
        secret_names: secrets.items().any(is_bad_secret),
        rules_of_wildcard_hosts: rules.items().any(is_bad_rule),
    };
    validate_built_in(object, true, dns_subdomain, errors);
    validate_spec(&object.member("spec"), kept, errors);
}

pub(super) fn validate_status(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    const PLACE: &[&str] = &["status", "loadBalancer", "ingress"];
    let old = Located::root(facts.old);
    let old = old.at(PLACE);
    let held: Vec<&str> =
        old.items().map(|item| item.member("ip").text()).filter(|ip| !ip.is_empty()).collect();
    for item in object.at(PLACE).items() {
        if errors.is_full() {
            return;
        }
        let (ip, host) = (item.member("ip"), item.member("hostname"));
        if !ip.is_empty() {
            validate_ip_for_legacy_field(&ip, &held, errors);
        }
        if !host.is_empty() {
            errors.invalid_for_each(&host, host.text(), dns_subdomain(host.text(), false));
            validate_no_ip(&host, errors);
        }
    }
}

fn validate_no_ip(host: &Located<'_, '_>, errors: &mut Errors) {
    if SloppyIp::parse(host.text()).is_some() {
        errors.invalid(host, "must be a DNS name, not an IP address");
    }
}

fn validate_spec(spec: &Located<'_, '_>, kept: Kept, errors: &mut Errors) {
    let (backend, rules) = (spec.member("defaultBackend"), spec.member("rules"));
    if rules.is_empty() && !backend.is_set() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        errors.invalid(&rules.shown_at(spec), detail);
    }
    if backend.is_set() {
        validate_backend(&backend, errors);
    }
    for rule in rules.items() {
        if errors.is_full() {
            return;
        }
        validate_rule(&rule, kept, errors);
    }
    validate_tls(&spec.member("tls"), kept, errors);
    let class = spec.member("ingressClassName");
    if class.is_set() {
        errors.invalid_for_each(&class, class.text(), dns_subdomain(class.text(), false));
    }
}

fn validate_host(host: &Located<'_, '_>, errors: &mut Errors) {
    let text = host.text();
    let problems = if text.contains('*') { wildcard_subdomain(text) } else { dns_subdomain(text, false) };
    errors.invalid_for_each(host, text, problems);
}

fn validate_rule(rule: &Located<'_, '_>, kept: Kept, errors: &mut Errors) {
    let host = rule.member("host");
    if !host.is_empty() {
        validate_no_ip(&host, errors);
        validate_host(&host, errors);
    }
    if !(host.text().contains('*') && kept.rules_of_wildcard_hosts) {
        validate_paths(&rule.member("http"), errors);
    }
}

fn validate_tls(tls: &Located<'_, '_>, kept: Kept, errors: &mut Errors) {
    for item in tls.items() {
        for host in item.member("hosts").items() {
            if errors.is_full() {
                return;
            }
            validate_host(&host, errors);
        }
        let secret = item.member("secretName");
        if !kept.secret_names && !secret.is_empty() {
            errors.invalid_for_each(&secret, secret.text(), dns_subdomain(secret.text(), false));
        }
    }
}

/// The paths of a rule; a rule without is fine.
fn validate_paths(http: &Located<'_, '_>, errors: &mut Errors) {
    if !http.is_set() {
        return;
    }
    let paths = http.member("paths");
    if paths.is_empty() {
        errors.required(&paths, "");
    }
    for path in paths.items() {
        if errors.is_full() {
            return;
        }
        validate_path(&path, errors);
    }
}

fn validate_path(item: &Located<'_, '_>, errors: &mut Errors) {
    let (kind, path) = (item.member("pathType"), item.member("path"));
    let text = path.text();
    if !kind.is_set() {
        errors.required(&kind, "pathType must be specified");
        return;
    }
    match kind.text() {
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                errors.invalid_value(&path, text, "must be an absolute path");
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|part| text.contains(**part)) {
                errors.invalid_value(&path, text, format_args!("must not contain '{part}'"));
            }
            for end in ["/..", "/."].iter().filter(|end| text.ends_with(**end)) {
                errors.invalid_value(&path, text, format_args!("cannot end with '{end}'"));
            }
        }
        "ImplementationSpecific" => {
            if !text.is_empty() && !text.starts_with('/') {
                errors.invalid_value(&path, text, "must be an absolute path");
            }
        }
        _ => errors.not_supported_text(&kind, &["Exact", "ImplementationSpecific", "Prefix"]),
    }
    validate_backend(&item.member("backend"), errors);
}

fn validate_backend(backend: &Located<'_, '_>, errors: &mut Errors) {
    let (resource, service) = (backend.member("resource"), backend.member("service"));
    match (resource.is_set(), service.is_set()) {
        (true, true) => {
            errors.invalid_value(backend, "", "cannot set both resource and service backends");
        }
        (true, false) => validate_reference(&resource, errors),
        (false, true) => validate_service(backend, &service, errors),
        (false, false) => errors.invalid_value(backend, "", "resource or service backend is required"),
    }
}

fn validate_service(backend: &Located<'_, '_>, service: &Located<'_, '_>, errors: &mut Errors) {
    let (name, port) = (service.member("name"), service.member("port"));
    if name.is_empty() {
        errors.required(&name, "");
    } else {
        errors.invalid_for_each(&name, name.text(), dns_label(name.text(), false));
    }
    let (named, number) = (port.member("name"), port.member("number"));
    match (!named.is_empty(), number.int() != 0) {
        (true, true) => errors.invalid_value(backend, "", "cannot set both port name & port number"),
        (true, false) => errors.invalid_for_each(&named, named.text(), port_name(named.text())),
        (false, true) => {
            for problem in port_number(number.int()) {
                errors.invalid(&number, problem);
            }
        }
        (false, false) => errors.required(backend, "port name or number is required"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn paths_are_checked_by_their_type() {
        let table = [
            ("Exact", "/a", "[]"),
            ("Exact", "a", "path: Invalid value: \"a\": must be an absolute path"),
            ("Prefix", "", "path: Invalid value: \"\": must be an absolute path"),
            ("Prefix", "/a//", "path: Invalid value: \"/a//\": must not contain '//'"),
            ("Prefix", "/a/.", "path: Invalid value: \"/a/.\": cannot end with '/.'"),
            ("Prefix", "/a/...", "[]"),
            ("ImplementationSpecific", "", "[]"),
            ("ImplementationSpecific", "/a//..", "[]"),
            ("ImplementationSpecific", "*", "path: Invalid value: \"*\": must be an absolute path"),
            (
                "Near",
                "/",
                "pathType: Unsupported value: \"Near\": supported values: \"Exact\", \
                 \"ImplementationSpecific\", \"Prefix\"",
            ),
        ];
        for (kind, path, wanted) in table {
            let item = alloc::format!(
                r#"{{"pathType":"{kind}","path":"{path}","backend":{{"service":{{"name":"1a","port":{{"number":65535}}}}}}}}"#
            );
            let item = json::parse(item.as_bytes()).expect("JSON").value;
            let mut errors = Errors::new();
            validate_path(&Located::root(&item), &mut errors);
            assert_eq!(errors.summary(), wanted);
        }
    }
}
