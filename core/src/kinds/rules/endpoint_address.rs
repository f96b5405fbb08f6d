//! Addresses to which requests are sent: those of endpoints and, since upstream checks them alike, those outside the
//! cluster at which a service is reached.
//! k8s: pkg/apis/core/validation/validation.go ValidateEndpointIP

use crate::kinds::validation::{Errors, Located};
use crate::value::ip::SloppyIp;
use alloc::format;
use core::net::IpAddr;

/// Refuses addresses that mean this host, this link or none.
pub(super) fn validate_endpoint_ip(at: &Located<'_, '_>, text: &str, errors: &mut Errors) {
    let Some(address) = SloppyIp::parse(text).map(|address| address.ip()) else {
        errors.invalid_value(at, text, "must be a valid IP address");
        return;
    };
    if address.is_unspecified() {
        errors.invalid_value(at, text, format!("may not be unspecified ({text})"));
    }
    if address.is_loopback() {
        errors.invalid_value(at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    let (is_link_local, is_link_local_multicast) = match address {
        IpAddr::V4(address) => (address.is_link_local(), address.octets().starts_with(&[224, 0, 0])),
        IpAddr::V6(address) => {
            let first = address.segments()[0];
            (first & 0xFFC0 == 0xFE80, first & 0xFF0F == 0xFF02)
        }
    };
    if is_link_local {
        errors.invalid_value(at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if is_link_local_multicast {
        let why = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
        errors.invalid_value(at, text, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn addresses_that_nobody_else_reaches_are_refused() {
        let table = [
            ("10.0.0.1", ""),
            ("224.0.1.1", ""),
            ("2001:db8::1", ""),
            ("0.0.0.0", "may not be unspecified (0.0.0.0)"),
            ("::", "may not be unspecified (::)"),
            ("127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
            ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
            ("169.254.255.255", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
            ("169.255.0.0", ""),
            ("febf::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
            ("fec0::1", ""),
            ("224.0.0.255", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
            ("ff12::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
            ("x", "must be a valid IP address"),
        ];
        for (text, expected) in table {
            let object = Value::Null;
            let root = Located::root(&object);
            let mut errors = Errors::new();
            validate_endpoint_ip(&root.member("ip"), text, &mut errors);
            let expected = match expected {
                "" => "[]".into(),
                problem => format!("ip: Invalid value: \"{text}\": {problem}"),
            };
            assert_eq!(errors.summary(), expected, "{text}");
        }
    }
}
