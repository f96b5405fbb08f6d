//! Probes and hooks of containers, and what they do.

use super::context::PodContext;
use super::operating_system;
use super::ports;
use crate::kinds::validation::{Errors, Located, validate_nonnegative_field};
use crate::value::names;

const SCHEMES: &[&str] = &["HTTP", "HTTPS"];

/// Which probe it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProbeUse {
    Liveness,
    Readiness,
    Startup,
}

/// The probes and hooks of a container that has them.
pub(super) fn validate_hooks_and_probes(
    container: &Located<'_, '_>,
    spec: &Located<'_, '_>,
    _context: &PodContext<'_>,
    errors: &mut Errors,
) {
    let grace = spec.member("terminationGracePeriodSeconds").int_if_set();
    let lifecycle = container.member("lifecycle");
    for hook in ["postStart", "preStop"] {
        let hook = lifecycle.member(hook);
        if hook.is_set() {
            validate_handler(&hook, HOOK, grace, errors);
        }
    }
    let signal = lifecycle.member("stopSignal");
    if signal.is_set() {
        operating_system::validate_stop_signal(&signal, &spec.member("os"), errors);
    }
    validate_probe(&container.member("livenessProbe"), ProbeUse::Liveness, errors);
    validate_probe(&container.member("readinessProbe"), ProbeUse::Readiness, errors);
    validate_probe(&container.member("startupProbe"), ProbeUse::Startup, errors);
}

fn validate_probe(probe: &Located<'_, '_>, usage: ProbeUse, errors: &mut Errors) {
    if !probe.is_set() {
        return;
    }
    validate_handler(probe, PROBE, None, errors);
    let counts =
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
    for count in counts {
        validate_nonnegative_field(&probe.member(count), errors);
    }
    let grace = probe.member("terminationGracePeriodSeconds");
    if grace.int_if_set().is_some_and(|seconds| seconds <= 0) {
        errors.invalid(&grace, "must be greater than 0");
    }
    let successes = probe.member("successThreshold");
    match usage {
        ProbeUse::Liveness | ProbeUse::Startup if successes.int() != 1 => {
            errors.invalid_value(&successes, successes.int(), "must be 1");
        }
        ProbeUse::Readiness if grace.is_set() => {
            errors.invalid(&grace, "must not be set for readinessProbes");
        }
        ProbeUse::Liveness | ProbeUse::Startup | ProbeUse::Readiness => {}
    }
}

/// Checks an action; the last argument is the grace period of the pod.
type Action = fn(&Located<'_, '_>, Option<i64>, &mut Errors);

const PROBE: &[(&str, Action)] =
    &[("exec", exec), ("httpGet", http_get), ("tcpSocket", tcp_socket), ("grpc", grpc)];
const HOOK: &[(&str, Action)] =
    &[("exec", exec), ("httpGet", http_get), ("tcpSocket", tcp_socket), ("sleep", sleep)];

/// What is done is one thing.
fn validate_handler(
    handler: &Located<'_, '_>,
    actions: &[(&'static str, Action)],
    grace: Option<i64>,
    errors: &mut Errors,
) {
    let mut has_one = false;
    for (name, validate) in actions {
        let action = handler.member(name);
        if !action.is_set() {
            continue;
        }
        if has_one {
            errors.forbidden(&action, "may not specify more than 1 handler type");
        } else {
            validate(&action, grace, errors);
        }
        has_one = true;
    }
    if !has_one {
        errors.required(handler, "must specify a handler type");
    }
}

fn exec(action: &Located<'_, '_>, _grace: Option<i64>, errors: &mut Errors) {
    super::words::require(&action.member("command"), errors);
}

fn http_get(action: &Located<'_, '_>, _grace: Option<i64>, errors: &mut Errors) {
    super::words::require(&action.member("path"), errors);
    ports::validate_number_or_name(&action.member("port"), errors);
    let scheme = action.member("scheme");
    if !SCHEMES.contains(&scheme.text()) {
        errors.not_supported_text(&scheme, SCHEMES);
    }
    let headers = action.member("httpHeaders");
    for header in headers.items() {
        let name = header.member("name").text();
        errors.invalid_for_each(&headers, name, names::http_header_name(name));
    }
}

fn tcp_socket(action: &Located<'_, '_>, _grace: Option<i64>, errors: &mut Errors) {
    ports::validate_number_or_name(&action.member("port"), errors);
}

fn grpc(action: &Located<'_, '_>, _grace: Option<i64>, errors: &mut Errors) {
    ports::validate_number_or_name(&action.member("port"), errors);
}

fn sleep(action: &Located<'_, '_>, grace: Option<i64>, errors: &mut Errors) {
    let seconds = action.member("seconds").int();
    if let Some(grace) = grace
        && !(0..=grace).contains(&seconds)
    {
        let detail =
            format_args!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.invalid_value(action, seconds, detail);
    }
}
