//! The ports of containers.

use super::words::validate_choice;
use crate::kinds::validation::{Errors, Located};
use crate::value::{Value, names};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

pub(super) fn validate_container_ports(ports: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for port in ports.items() {
        if errors.is_full() {
            return;
        }
        let name = port.member("name");
        if !name.is_empty() {
            let problems = names::port_name(name.text());
            if !problems.is_empty() {
                errors.invalid_for_each(&name, name.text(), problems);
            } else if !seen.insert(name.text()) {
                errors.duplicate(&name);
            }
        }
        let number = port.member("containerPort");
        if number.int() == 0 {
            errors.required(&number, "");
        } else {
            validate_number(&number, errors);
        }
        let host = port.member("hostPort");
        if host.int() != 0 {
            validate_number(&host, errors);
        }
        validate_choice(&port.member("protocol"), PROTOCOLS, errors);
    }
}

fn validate_number(at: &Located<'_, '_>, errors: &mut Errors) {
    for problem in names::port_number(at.int()) {
        errors.invalid_value(at, at.int(), problem);
    }
}

/// A port by its number or its name.
pub(super) fn validate_number_or_name(at: &Located<'_, '_>, errors: &mut Errors) {
    match at.value() {
        Some(Value::Str(text)) => errors.invalid_for_each(at, text, names::port_name(text)),
        _ => validate_number(at, errors),
    }
}

/// The ports of the host that containers take, each once.
#[derive(Default)]
pub(super) struct HostPorts(BTreeSet<String>);

impl HostPorts {
    /// Adds those of a container.
    pub(super) fn add(&mut self, container: &Located<'_, '_>, errors: &mut Errors) {
        let ports = container.member("ports");
        for port in ports.items() {
            let number = port.member("hostPort");
            if number.int() == 0 || errors.is_full() {
                continue;
            }
            let (protocol, address) = (port.member("protocol").text(), port.member("hostIP").text());
            let taken = format!("{protocol}/{address}/{}", number.int());
            if self.0.contains(&taken) {
                errors.duplicate_value(&number, taken.as_str());
            } else {
                self.0.insert(taken);
            }
        }
    }
}

/// In the network of the host a container's port is the host's. A template may leave the host's open, since a pod that
/// is made of it gets it.
pub(super) fn validate_host_network(spec: &Located<'_, '_>, is_pod: bool, errors: &mut Errors) {
    if !spec.member("hostNetwork").bool() {
        return;
    }
    let containers = spec.member("containers");
    for container in containers.items() {
        let ports = container.member("ports");
        for port in ports.items() {
            let host = port.member("hostPort");
            if (is_pod || host.int() != 0) && host.int() != port.member("containerPort").int() {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                errors.invalid_value(&host, host.int(), detail);
            }
        }
    }
}
