//! Addresses and ranges that are written in another form than the standard one.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go

use crate::kinds::validation::Located;
use crate::value::ip::{SloppyCidr, SloppyIp};
use crate::value::quoted;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The warnings about an address.
pub(in super::super) fn ip(path: &Located<'_, '_>, text: &str, out: &mut Vec<String>) {
    let Some(sloppy) = SloppyIp::parse(text) else { return };
    let shown = quoted(text);
    if !sloppy.is_strict() || sloppy.is_mapped() {
        let preferred = sloppy.ip();
        out.push(format!("{path}: non-standard IP address {shown} is invalid: use \"{preferred}\""));
    } else if sloppy.is_ipv6() && sloppy.ip().to_string() != text {
        let canonical = sloppy.ip();
        out.push(format!(
            "{path}: IPv6 address {shown} should be in RFC 5952 canonical format (\"{canonical}\")"
        ));
    }
}

/// The warnings about every address in a list; `names` lead from an item to its address.
pub(in super::super) fn ips(list: &Located<'_, '_>, names: &'static [&'static str], out: &mut Vec<String>) {
    for item in list.items() {
        let address = if names.is_empty() { item } else { item.at(names) };
        ip(&address, address.text(), out);
    }
}

/// The warnings about every range in a list.
pub(in super::super) fn cidrs(list: &Located<'_, '_>, out: &mut Vec<String>) {
    for range in list.items() {
        cidr(&range, range.text(), out);
    }
}

/// The warnings about a range.
pub(in super::super) fn cidr(path: &Located<'_, '_>, text: &str, out: &mut Vec<String>) {
    let Some(sloppy) = SloppyCidr::parse(text) else { return };
    let (address, network) = (sloppy.address(), sloppy.network());
    let before = out.len();
    let shown = quoted(text);
    if network.address() != address.ip() {
        let single = format!("{}/{}", address.ip(), network.most_bits());
        out.push(format!(
            "{path}: CIDR value {shown} is ambiguous in this context (should be \"{network}\" or \"{single}\"?)"
        ));
    }
    if !sloppy.is_strict() || address.is_mapped() {
        out.push(format!("{path}: non-standard CIDR value {shown} is invalid: use \"{network}\""));
    }
    let canonical = format!("{}/{}", address.as_written(), sloppy.bits());
    if out.len() == before && address.is_ipv6() && canonical != text {
        out.push(format!(
            "{path}: IPv6 CIDR value {shown} should be in RFC 5952 canonical format (\"{canonical}\")"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn nonstandard_address_forms_are_warned_about() {
        let table: [(&str, &[&str]); 14] = [
            ("10.1.2.3", &[]),
            ("2001:db8::1", &[]),
            ("no address", &[]),
            ("1.2.3", &[]),
            ("1.2.3.4.5", &[]),
            ("1.2.3.+4", &[]),
            ("010.001.2.3", &["p: non-standard IP address \"010.001.2.3\" is invalid: use \"10.1.2.3\""]),
            (
                "::ffff:1.2.3.4",
                &["p: non-standard IP address \"::ffff:1.2.3.4\" is invalid: use \"1.2.3.4\""],
            ),
            (
                "::ffff:1.2.03.4",
                &["p: non-standard IP address \"::ffff:1.2.03.4\" is invalid: use \"1.2.3.4\""],
            ),
            (
                "2001:DB8::0:1",
                &[
                    "p: IPv6 address \"2001:DB8::0:1\" should be in RFC 5952 canonical format (\"2001:db8::1\")",
                ],
            ),
            ("10.0.0.0/8", &[]),
            (
                "10.1.2.3/8",
                &["p: CIDR value \"10.1.2.3/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \
                   \"10.1.2.3/32\"?)"],
            ),
            ("10.0.0.0/08", &["p: non-standard CIDR value \"10.0.0.0/08\" is invalid: use \"10.0.0.0/8\""]),
            (
                "2001:DB8::/32",
                &["p: IPv6 CIDR value \"2001:DB8::/32\" should be in RFC 5952 canonical format \
                   (\"2001:db8::/32\")"],
            ),
        ];
        for (text, expected) in table {
            let mut out = Vec::new();
            let object = Value::Null;
            let object = Located::root(&object);
            let path = object.member("p");
            if text.contains('/') {
                cidr(&path, text, &mut out)
            } else {
                ip(&path, text, &mut out)
            }
            assert_eq!(out, expected, "{text}");
        }
    }
}
