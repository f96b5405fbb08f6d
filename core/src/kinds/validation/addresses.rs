//! Fields that hold IP addresses and ranges.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go

use super::{Errors, Located};
use crate::value::ip::{SloppyCidr, SloppyIp};
use crate::value::quoted;
use alloc::format;
use alloc::string::ToString;

const NO_IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NO_CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const NO_INTERFACE: &str = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";

/// An address in its canonical form.
pub fn validate_ip(at: &Located<'_, '_>, errors: &mut Errors) {
    let text = at.text();
    if let Some(ip) = strict_ip(at, errors).map(|ip| ip.to_string())
        && ip != text
    {
        errors.invalid_value(at, text, format!("must be in canonical form ({})", quoted(&ip)));
    }
}

/// An address of a field that is older than the canonical form, which it need not have. What stands in the old object
/// is taken as it is.
pub fn validate_ip_for_legacy_field(at: &Located<'_, '_>, old: &[&str], errors: &mut Errors) {
    if !old.contains(&at.text()) {
        strict_ip(at, errors);
    }
}

/// The address, if nothing is wrong with it.
fn strict_ip(at: &Located<'_, '_>, errors: &mut Errors) -> Option<core::net::IpAddr> {
    let text = at.text();
    let Some(ip) = SloppyIp::parse(text) else {
        errors.invalid_value(at, text, NO_IP);
        return None;
    };
    if !ip.is_strict() {
        errors.invalid_value(at, text, "must not have leading 0s");
    } else if ip.is_mapped() {
        errors.invalid_value(at, text, "must not be an IPv4-mapped IPv6 address");
    } else {
        return Some(ip.ip());
    }
    None
}

/// A range in its canonical form.
pub fn validate_cidr(at: &Located<'_, '_>, errors: &mut Errors) {
    let text = at.text();
    if let Some(cidr) = strict_cidr(at, errors).map(|network| network.to_string())
        && cidr != text
    {
        errors.invalid_value(at, text, format!("must be in canonical form ({})", quoted(&cidr)));
    }
}

/// A range of a field that is older than the canonical form, which it need not have. What stands in the old object is
/// taken as it is.
pub fn validate_cidr_for_legacy_field(at: &Located<'_, '_>, old: &[&str], errors: &mut Errors) {
    if !old.contains(&at.text()) {
        strict_cidr(at, errors);
    }
}

/// The range, if nothing is wrong with it.
fn strict_cidr(at: &Located<'_, '_>, errors: &mut Errors) -> Option<crate::value::ip::IpNetwork> {
    let text = at.text();
    let Some(cidr) = SloppyCidr::parse(text) else {
        errors.invalid_value(at, text, NO_CIDR);
        return None;
    };
    let network = cidr.network();
    if !cidr.is_strict() {
        errors.invalid_value(at, text, "must not have leading 0s in IP or prefix length");
    } else if cidr.address().is_mapped() {
        errors.invalid_value(at, text, "must not have an IPv4-mapped IPv6 address");
    } else if network.address() != cidr.address().ip() {
        errors.invalid_value(at, text, "must not have bits set beyond the prefix length");
    } else {
        return Some(network);
    }
    None
}

/// An address with the length of its network, in canonical form: `192.168.1.5/24`.
pub fn validate_interface_address(at: &Located<'_, '_>, errors: &mut Errors) {
    let text = at.text();
    let Some(cidr) = SloppyCidr::parse(text) else {
        errors.invalid_value(at, text, NO_INTERFACE);
        return;
    };
    let bits = if cidr.address().is_mapped() && cidr.bits() > 32 {
        // Go counts the bits of a mapped address over all of IPv6.
        cidr.bits().saturating_sub(96)
    } else {
        cidr.bits()
    };
    let canonical = format!("{}/{bits}", cidr.address().ip());
    if canonical != text {
        errors.invalid_value(at, text, format!("must be in canonical form ({})", quoted(&canonical)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;
    use alloc::string::String;

    type Check = fn(&Located<'_, '_>, &mut Errors);

    /// What is wrong with a text, without its path and the text itself.
    fn problem(check: Check, text: &str) -> String {
        let object = Value::from_iter_of("at", text.into());
        let object = Located::root(&object);
        let mut errors = Errors::new();
        check(&object.member("at"), &mut errors);
        let shown = format!("at: Invalid value: {}: ", quoted(text));
        errors.summary().strip_prefix(&shown).map(String::from).unwrap_or_default()
    }

    impl Value {
        fn from_iter_of(name: &str, value: Self) -> Self {
            let mut object = Self::empty_map();
            object.set(name, value);
            object
        }
    }

    #[test]
    fn addresses_and_ranges_have_upstreams_problems() {
        let legacy_ip: Check = |at, errors| validate_ip_for_legacy_field(at, &["01.2.3.4"], errors);
        let legacy_cidr: Check = |at, errors| validate_cidr_for_legacy_field(at, &["1.2.3.4/8"], errors);
        let table: [(Check, &str, &str); 22] = [
            (validate_ip, "10.0.0.1", ""),
            (validate_ip, "2001:db8::1", ""),
            (validate_ip, "", NO_IP),
            (validate_ip, "010.0.0.1", "must not have leading 0s"),
            (validate_ip, "::ffff:1.2.3.4", "must not be an IPv4-mapped IPv6 address"),
            (validate_ip, "2001:DB8::1", "must be in canonical form (\"2001:db8::1\")"),
            (legacy_ip, "2001:DB8::1", ""),
            (legacy_ip, "01.2.3.4", ""),
            (legacy_ip, "01.2.3.5", "must not have leading 0s"),
            (validate_cidr, "10.0.0.0/8", ""),
            (validate_cidr, "10.0.0.0", NO_CIDR),
            (validate_cidr, "10.0.0.0/33", NO_CIDR),
            (validate_cidr, "10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
            (validate_cidr, "10.0.0.1/8", "must not have bits set beyond the prefix length"),
            (validate_cidr, "::ffff:1.2.3.4/128", "must not have an IPv4-mapped IPv6 address"),
            (validate_cidr, "2001:DB8::/32", "must be in canonical form (\"2001:db8::/32\")"),
            (legacy_cidr, "2001:DB8::/32", ""),
            (legacy_cidr, "1.2.3.4/8", ""),
            (legacy_cidr, "1.2.3.5/8", "must not have bits set beyond the prefix length"),
            (validate_interface_address, "192.168.1.5/24", ""),
            (validate_interface_address, "192.168.1.05/24", "must be in canonical form (\"192.168.1.5/24\")"),
            (validate_interface_address, "192.168.1.5", NO_INTERFACE),
        ];
        for (check, text, expected) in table {
            assert_eq!(problem(check, text), expected, "{text}");
        }
    }
}
