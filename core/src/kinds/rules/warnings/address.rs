//! Addresses and ranges that are written in another form than the standard one.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go

use crate::kinds::validation::Located;
use crate::value::quoted;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, read leniently: leading zeros of an octet do not count.
struct Sloppy {
    address: IpAddr,
    /// A strict parser takes it too.
    strict: bool,
}

impl Sloppy {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self { address, strict: true });
        }
        let (head, tail) =
            text.rsplit_once(':').map_or(("", text), |(_, tail)| text.split_at(text.len() - tail.len()));
        let mut octets = [0_u8; 4];
        let mut parts = tail.split('.');
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
            *octet = part.parse().ok()?;
        }
        if parts.next().is_some() {
            return None;
        }
        let tail = Ipv4Addr::from(octets);
        let address = if head.is_empty() {
            IpAddr::V4(tail)
        } else {
            IpAddr::V6(format!("{head}{tail}").parse().ok()?)
        };
        Some(Self { address, strict: false })
    }

    /// An IPv4 address in the clothes of IPv6 is one of IPv4.
    fn plain(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(_) => self.address,
            IpAddr::V6(address) => address.to_ipv4_mapped().map_or(self.address, IpAddr::V4),
        }
    }

    fn is_mapped(&self) -> bool {
        self.plain() != self.address
    }
}

/// The warnings about an address.
pub(in super::super) fn ip(path: &Located<'_, '_>, text: &str, out: &mut Vec<String>) {
    let Some(sloppy) = Sloppy::parse(text) else { return };
    let shown = quoted(text);
    if !sloppy.strict || sloppy.is_mapped() {
        let preferred = sloppy.plain();
        out.push(format!("{path}: non-standard IP address {shown} is invalid: use \"{preferred}\""));
    } else if sloppy.address.is_ipv6() && sloppy.address.to_string() != text {
        let canonical = sloppy.address;
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
    let Some((head, length)) = text.split_once('/') else { return };
    let Some(sloppy) = Sloppy::parse(head) else { return };
    let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let Some(bits) = length.parse::<u32>().ok().filter(|_| digits) else { return };
    let most = if sloppy.address.is_ipv4() { 32 } else { 128 };
    if bits > most {
        return;
    }
    let strict = sloppy.strict && (length == "0" || !length.starts_with('0'));
    let network = Network::of(&sloppy, bits);
    let before = out.len();
    let shown = quoted(text);
    if network.address != sloppy.plain() {
        let single = format!("{}/{}", sloppy.plain(), if network.address.is_ipv4() { 32 } else { 128 });
        let network = &network;
        out.push(format!(
            "{path}: CIDR value {shown} is ambiguous in this context (should be \"{network}\" or \"{single}\"?)"
        ));
    }
    if !strict || sloppy.is_mapped() {
        out.push(format!("{path}: non-standard CIDR value {shown} is invalid: use \"{network}\""));
    }
    let canonical = format!("{}/{bits}", sloppy.address);
    if out.len() == before && sloppy.address.is_ipv6() && canonical != text {
        out.push(format!(
            "{path}: IPv6 CIDR value {shown} should be in RFC 5952 canonical format (\"{canonical}\")"
        ));
    }
}

/// An address without the bits beyond its prefix.
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn of(sloppy: &Sloppy, bits: u32) -> Self {
        // The mask of a mapped address counts over all of IPv6: below 96 bits nothing of the address is left.
        match (sloppy.address, sloppy.plain()) {
            (IpAddr::V6(address), IpAddr::V4(_)) if bits < 96 => {
                Self { address: IpAddr::V6(masked_v6(address, bits)), bits }
            }
            (IpAddr::V6(_), IpAddr::V4(address)) => Self::of_v4(address, bits - 96),
            (IpAddr::V4(address), _) => Self::of_v4(address, bits),
            (IpAddr::V6(address), IpAddr::V6(_)) => {
                Self { address: IpAddr::V6(masked_v6(address, bits)), bits }
            }
        }
    }

    fn of_v4(address: Ipv4Addr, bits: u32) -> Self {
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        Self { address: IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask)), bits }
    }
}

impl core::fmt::Display for Network {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}

fn masked_v6(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
    Ipv6Addr::from(u128::from(address) & mask)
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
