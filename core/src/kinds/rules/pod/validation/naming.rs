//! The names by which a pod and what it needs are known: its own, those of other hosts, of gates and of claims.

use super::context::PodContext;
use super::words::{validate_dns_label, validate_dns_subdomain};
use crate::kinds::validation::{Errors, Located, internal_json, validate_ip_for_legacy_field};
use crate::value::{Value, names};
use alloc::collections::BTreeSet;

/// The most name servers, and the most and the longest search paths, as the C library of Linux takes them.
const NAME_SERVERS: usize = 3;
const SEARCH_PATHS: usize = 32;
const SEARCH_CHARACTERS: usize = 2048;

/// The longest name of a host.
const HOST_BYTES: usize = 64;

pub(super) fn validate_resource_claims(
    claims: &Located<'_, '_>,
    context: &PodContext<'_>,
    errors: &mut Errors,
) {
    let mut seen = BTreeSet::new();
    for claim in claims.items() {
        if errors.is_full() {
            return;
        }
        if context.is_mirror {
            // Upstream says it of no field at all.
            let nothing = Value::Null;
            errors.forbidden(&Located::root(&nothing), "static pods do not support resource claims");
            continue;
        }
        let name = claim.member("name");
        if name.is_empty() {
            errors.required(&name, "");
        } else if seen.contains(name.text()) {
            errors.duplicate(&name);
        } else {
            validate_dns_label(&name, errors);
            seen.insert(name.text());
        }
        let (own, template) = (claim.member("resourceClaimName"), claim.member("resourceClaimTemplateName"));
        let detail = match (own.is_set(), template.is_set()) {
            (true, true) => {
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            }
            (false, false) => "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            (true, false) | (false, true) => "",
        };
        if !detail.is_empty() {
            errors.invalid_shown(&claim, &internal_json("PodResourceClaim", claim.value()), detail);
        }
        for name in [own, template].iter().filter(|name| name.is_set()) {
            validate_dns_subdomain(name, errors);
        }
    }
}

pub(super) fn validate_readiness_gates(gates: &Located<'_, '_>, errors: &mut Errors) {
    for gate in gates.items() {
        let kind = gate.member("conditionType");
        errors.invalid_for_each(&kind, kind.text(), names::qualified_name(kind.text()));
    }
}

pub(super) fn validate_scheduling_gates(gates: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for gate in gates.items() {
        let name = gate.member("name").text();
        errors.invalid_for_each(&gate, name, names::qualified_name(name));
        if !seen.insert(name) {
            errors.duplicate_value(&gate, name);
        }
    }
}

pub(super) fn validate_dns_config(spec: &Located<'_, '_>, errors: &mut Errors) {
    let config = spec.member("dnsConfig");
    let (servers, searches) = (config.member("nameservers"), config.member("searches"));
    if spec.member("dnsPolicy").text() == "None" {
        if !config.is_set() {
            return errors.required(&config, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if servers.is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return errors.required(&servers, detail);
        }
    }
    if servers.len() > NAME_SERVERS {
        errors.invalid(&servers, format_args!("must not have more than {NAME_SERVERS} nameservers"));
    }
    for server in servers.items() {
        validate_ip_for_legacy_field(&server, &[], errors);
    }
    if searches.len() > SEARCH_PATHS {
        errors.invalid(&searches, format_args!("must not have more than {SEARCH_PATHS} search paths"));
    }
    let characters = searches.items().map(|search| search.len() + 1).sum::<usize>().saturating_sub(1);
    if characters > SEARCH_CHARACTERS {
        let detail = format_args!(
            "must not have more than {SEARCH_CHARACTERS} characters (including spaces) in the search list"
        );
        errors.invalid(&searches, detail);
    }
    for search in searches.items().filter(|search| search.text() != ".") {
        let path = search.text().strip_suffix('.').unwrap_or(search.text());
        errors.invalid_for_each(&search, path, names::dns_subdomain_with_underscore(path));
    }
    let options = config.member("options");
    for option in options.items().filter(|option| option.member("name").is_empty()) {
        errors.required(&option, "must not be empty");
    }
}

pub(super) fn validate_host_name(spec: &Located<'_, '_>, errors: &mut Errors) {
    let name = spec.member("hostnameOverride");
    if !name.is_set() {
        return;
    }
    if spec.member("setHostnameAsFQDN").bool() {
        errors.forbidden(&name, "may not be specified when setHostnameAsFQDN is true");
    }
    if spec.member("hostNetwork").bool() {
        errors.forbidden(&name, "may not be specified when hostNetwork is true");
    }
    if name.len() > HOST_BYTES {
        errors.too_long(&name, HOST_BYTES);
    }
    validate_dns_subdomain(&name, errors);
}

pub(super) fn validate_host_aliases(aliases: &Located<'_, '_>, errors: &mut Errors) {
    for alias in aliases.items() {
        if errors.is_full() {
            return;
        }
        validate_ip_for_legacy_field(&alias.member("ip"), &[], errors);
        let hosts = alias.member("hostnames");
        for host in hosts.items() {
            validate_dns_subdomain(&host, errors);
        }
    }
}
