//! What only pods of Windows have: options of their security, and containers that are processes of the host.

use super::context::{PodContext, each_container};
use super::words::validate_dns_subdomain;
use crate::kinds::validation::{Errors, Located};

/// The longest specification of a credential, of a domain and of a user.
const SPEC_BYTES: usize = 64 * 1024;
const DOMAIN_BYTES: usize = 256;
const USER_BYTES: usize = 104;

pub(super) fn validate_options(options: &Located<'_, '_>, errors: &mut Errors) {
    let (name, spec) = (options.member("gmsaCredentialSpecName"), options.member("gmsaCredentialSpec"));
    if name.is_set() {
        validate_dns_subdomain(&name, errors);
    }
    if spec.is_set() {
        if spec.is_empty() {
            errors.invalid(&spec, "gmsaCredentialSpec cannot be an empty string");
        } else if spec.len() > SPEC_BYTES {
            errors.invalid(&spec, "gmsaCredentialSpec size must be under 64 KiB");
        }
    }
    let user = options.member("runAsUserName");
    if user.is_set() {
        validate_user_name(&user, errors);
    }
}

/// A user, perhaps of a domain: `DOMAIN\USER`.
fn validate_user_name(at: &Located<'_, '_>, errors: &mut Errors) {
    let text = at.text();
    if text.is_empty() {
        return errors.invalid(at, "runAsUserName cannot be an empty string");
    }
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return errors.invalid(at, "runAsUserName cannot contain control characters");
    }
    if text.matches('\\').count() > 1 {
        return errors.invalid(at, "runAsUserName cannot contain more than one backslash");
    }
    let (domain, user) = match text.split_once('\\') {
        Some((domain, user)) => (Some(domain), user),
        None => (None, text),
    };
    if let Some(domain) = domain {
        if domain.len() >= DOMAIN_BYTES {
            errors.invalid(at, "runAsUserName's Domain length must be under 256 characters");
        }
        if !is_netbios_name(domain) && !is_domain_name(domain) {
            errors.invalid(at, "runAsUserName's Domain doesn't match the NetBios nor the DNS format");
        }
    }
    if user.is_empty() {
        errors.invalid(at, "runAsUserName's User cannot be empty");
    } else if user.len() > USER_BYTES {
        errors.invalid(at, "runAsUserName's User length must not be longer than 104 characters");
    }
    if !user.is_empty() && user.chars().all(|letter| matches!(letter, '.' | ' ')) {
        errors.invalid(at, "runAsUserName's User cannot contain only periods or spaces");
    }
    if user.contains(|letter| r#""/\:;|=,+*?<>@[]"#.contains(letter)) {
        let detail = r#"runAsUserName's User cannot contain the following characters: "/\:;|=,+*?<>@[]"#;
        errors.invalid(at, detail);
    }
}

fn is_netbios_name(domain: &str) -> bool {
    let is_allowed = |letter: char| !r#"\/:*?"<>|"#.contains(letter);
    (1..=15).contains(&domain.chars().count()) && !domain.starts_with('.') && domain.chars().all(is_allowed)
}

fn is_domain_name(domain: &str) -> bool {
    domain.split('.').all(|label| {
        let is_end = |letter: char| letter.is_ascii_alphanumeric();
        (1..=63).contains(&label.len())
            && label.starts_with(is_end)
            && label.ends_with(is_end)
            && label.chars().all(|letter| is_end(letter) || letter == '-')
    })
}

/// All containers of a pod are processes of the host, or none is.
pub(super) fn validate_host_process(spec: &Located<'_, '_>, context: &PodContext<'_>, errors: &mut Errors) {
    let of_pod = spec.at(&["securityContext", "windowsOptions", "hostProcess"]).bool_if_set();
    let (mut all, mut of_host) = (0, 0);
    each_container(spec, &mut |container| {
        all += 1;
        let own = container.at(&["securityContext", "windowsOptions", "hostProcess"]);
        let is_own = own.bool_if_set();
        if let (Some(of_pod), Some(is_own)) = (of_pod, is_own)
            && of_pod != is_own
        {
            let detail =
                format_args!("pod hostProcess value must be identical if both are specified, was {of_pod}");
            errors.invalid(&own, detail);
        }
        of_host += usize::from(is_own.or(of_pod) == Some(true));
    });
    if of_host == 0 {
        return;
    }
    if of_host != all {
        let detail =
            "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        errors.invalid_value(spec, "", detail);
    }
    let network = spec.member("hostNetwork");
    if !network.bool() {
        let detail = "hostNetwork must be true if pod contains any hostProcess containers";
        errors.invalid_value(&network, false, detail);
    }
    if context.forbids_privileges {
        errors.forbidden(spec, "hostProcess containers are disallowed by cluster policy");
    }
}
