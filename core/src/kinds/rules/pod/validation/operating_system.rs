//! What a pod of one operating system cannot have.

use super::context::each_container;
use crate::kinds::validation::{Errors, Located};

const SYSTEMS: &[&str] = &["linux", "windows"];

/// What containers of Windows cannot have in their security context, and neither can their pods.
const OF_CONTAINERS: &[&str] = &[
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

/// The system of a spec, if it names one.
pub(super) fn validate_system(spec: &Located<'_, '_>, errors: &mut Errors) {
    let system = spec.member("os");
    if !system.is_set() {
        return;
    }
    let name = system.member("name");
    match name.text() {
        "" => errors.required(&name, ""),
        "linux" => validate_linux(spec, errors),
        "windows" => validate_windows(spec, errors),
        other => errors.not_supported_value(&system, other, SYSTEMS),
    }
}

fn validate_linux(spec: &Located<'_, '_>, errors: &mut Errors) {
    let mut refuse = |holder: &Located<'_, '_>| {
        let security = holder.member("securityContext");
        let options = security.member("windowsOptions");
        if options.is_set() {
            errors.forbidden(&options, "windows options cannot be set for a linux pod");
        }
    };
    refuse(spec);
    each_container(spec, &mut refuse);
}

fn validate_windows(spec: &Located<'_, '_>, errors: &mut Errors) {
    let security = spec.member("securityContext");
    let mut refuse = |at: &Located<'_, '_>, is_held: bool| {
        if is_held {
            errors.forbidden(at, "cannot be set for a windows pod");
        }
    };
    let mut refuse_set = |at: Located<'_, '_>| refuse(&at, at.is_set());
    refuse_set(security.member("appArmorProfile"));
    refuse_set(security.member("seLinuxOptions"));
    refuse_set(spec.member("hostUsers"));
    for field in ["hostPID", "hostIPC"] {
        let field = spec.member(field);
        refuse(&field, field.bool());
    }
    let mut refuse_set = |at: Located<'_, '_>| refuse(&at, at.is_set());
    for field in ["seccompProfile", "fsGroup", "fsGroupChangePolicy"] {
        refuse_set(security.member(field));
    }
    let sysctls = security.member("sysctls");
    refuse(&sysctls, !sysctls.is_empty());
    let mut refuse_set = |at: Located<'_, '_>| refuse(&at, at.is_set());
    refuse_set(spec.member("shareProcessNamespace"));
    let last =
        ["runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy"];
    for field in last {
        refuse_set(security.member(field));
    }
    each_container(spec, &mut |container| {
        let security = container.member("securityContext");
        for field in OF_CONTAINERS {
            let field = security.member(field);
            refuse(&field, field.is_set());
        }
    });
}

/// The signal that ends a container.
pub(super) fn validate_stop_signal(signal: &Located<'_, '_>, system: &Located<'_, '_>, errors: &mut Errors) {
    if !system.is_set() {
        return errors.forbidden(signal, "may not be set for containers with empty `spec.os.name`");
    }
    let supported: &[&str] = match system.member("name").text() {
        "windows" => &["SIGKILL", "SIGTERM"],
        "linux" => LINUX_SIGNALS,
        _ => return,
    };
    if !supported.contains(&signal.text()) {
        errors.not_supported(signal, supported);
    }
}

const LINUX_SIGNALS: &[&str] = &[
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMAX",
    "SIGRTMAX-1",
    "SIGRTMAX-10",
    "SIGRTMAX-11",
    "SIGRTMAX-12",
    "SIGRTMAX-13",
    "SIGRTMAX-14",
    "SIGRTMAX-2",
    "SIGRTMAX-3",
    "SIGRTMAX-4",
    "SIGRTMAX-5",
    "SIGRTMAX-6",
    "SIGRTMAX-7",
    "SIGRTMAX-8",
    "SIGRTMAX-9",
    "SIGRTMIN",
    "SIGRTMIN+1",
    "SIGRTMIN+10",
    "SIGRTMIN+11",
    "SIGRTMIN+12",
    "SIGRTMIN+13",
    "SIGRTMIN+14",
    "SIGRTMIN+15",
    "SIGRTMIN+2",
    "SIGRTMIN+3",
    "SIGRTMIN+4",
    "SIGRTMIN+5",
    "SIGRTMIN+6",
    "SIGRTMIN+7",
    "SIGRTMIN+8",
    "SIGRTMIN+9",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];
