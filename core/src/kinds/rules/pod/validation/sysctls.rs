//! Settings of the kernel that a pod asks for.

use crate::kinds::validation::{Errors, Located};
use alloc::collections::BTreeSet;

const BYTES: usize = 253;
const FORM: &str = "must have at most 253 characters and match regex \
    ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

/// The settings of namespaces, by the field that shares the namespace with the host.
/// k8s: staging/src/k8s.io/component-helpers/node/util/sysctl/namespace.go
const IPC_NAMES: &[&str] = &[
    "kernel.sem",
    "kernel.shm",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
    "kernel.msg",
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
];

pub(super) fn validate_sysctls(spec: &Located<'_, '_>, lets_host: bool, errors: &mut Errors) {
    let sysctls = spec.at(&["securityContext", "sysctls"]);
    let mut seen = BTreeSet::new();
    for sysctl in sysctls.items() {
        if errors.is_full() {
            return;
        }
        let name = sysctl.member("name");
        if name.is_empty() {
            errors.required(&name, "");
        } else if !is_name(name.text()) {
            errors.invalid_value(&name, name.text(), FORM);
        } else if seen.contains(name.text()) {
            errors.duplicate_value(&name, name.text());
        }
        if !lets_host {
            validate_not_of_host(&name, spec, errors);
        }
        seen.insert(name.text());
    }
}

fn is_name(name: &str) -> bool {
    let is_end = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_segment = |segment: &str| {
        segment.starts_with(is_end)
            && segment.ends_with(is_end)
            && segment.chars().all(|letter| is_end(letter) || matches!(letter, '-' | '_'))
    };
    name.len() <= BYTES && name.split(['.', '/']).all(is_segment)
}

/// Settings of a namespace that the pod shares with its host are the host's.
fn validate_not_of_host(name: &Located<'_, '_>, spec: &Located<'_, '_>, errors: &mut Errors) {
    let dotted = dotted(name.text());
    let known = dotted.split('*').next().unwrap_or("");
    let is_of_ipc = IPC_NAMES.contains(&known) || known.starts_with("fs.mqueue.");
    if spec.member("hostNetwork").bool() && known.starts_with("net.") {
        errors.invalid_value(name, name.text(), "may not be specified when 'hostNetwork' is true");
    } else if spec.member("hostIPC").bool() && is_of_ipc {
        errors.invalid_value(name, name.text(), "may not be specified when 'hostIPC' is true");
    }
}

/// A name whose first separator is a slash uses slashes where others use dots, and dots where they use slashes.
fn dotted(name: &str) -> alloc::string::String {
    if name.find(['.', '/']).is_none_or(|first| name.as_bytes().get(first) == Some(&b'.')) {
        return name.into();
    }
    let exchange = |letter: char| match letter {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    name.chars().map(exchange).collect()
}

/// What is wrong with the settings of a spec whose namespaces are the host's.
pub(super) fn validate_host(spec: &Located<'_, '_>, errors: &mut Errors) {
    let sysctls = spec.at(&["securityContext", "sysctls"]);
    for sysctl in sysctls.items() {
        validate_not_of_host(&sysctl.member("name"), spec, errors);
    }
}
