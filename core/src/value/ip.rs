//! IP addresses and ranges as Kubernetes reads them, more leniently than the standard: zeros before a number do not
//! count.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go; k8s.io/utils/net ParseIPSloppy, ParseCIDRSloppy

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bits of an IPv4-mapped IPv6 address that stand before the IPv4 address.
const MAPPED_BITS: u32 = 96;

/// An address that was read leniently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SloppyIp {
    address: IpAddr,
    is_strict: bool,
}

impl SloppyIp {
    /// Reads an address as Go's `ParseIPSloppy` does; None if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self { address, is_strict: true });
        }
        let address =
            if text.contains(':') { IpAddr::V6(parse_v6(text)?) } else { IpAddr::V4(parse_v4(text)?) };
        Some(Self { address, is_strict: false })
    }

    /// The address; an IPv4 address that is written as one of IPv6 is one of IPv4, as in Go's `net.IP`.
    pub fn ip(&self) -> IpAddr {
        self.address.to_canonical()
    }

    /// The address in the family in which it is written.
    pub fn as_written(&self) -> IpAddr {
        self.address
    }

    /// A strict parser takes it too: no zeros stand before a number.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// An IPv4 address that is written as one of IPv6.
    pub fn is_mapped(&self) -> bool {
        self.ip() != self.address
    }

    /// The family, as `k8s.io/utils/net` tells it.
    pub fn is_ipv6(&self) -> bool {
        self.ip().is_ipv6()
    }
}

/// Whether an address is none of a machine itself, of a link or of a group.
/// go: net IP.IsGlobalUnicast
pub fn is_global_unicast(ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    let is_special = match ip {
        IpAddr::V4(ip) => ip.is_broadcast() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !(is_special || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast())
}

/// A range that was read leniently, or an address with the length of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SloppyCidr {
    ip: SloppyIp,
    bits: u32,
    is_strict: bool,
}

impl SloppyCidr {
    /// Reads a range as Go's `ParseCIDRSloppy` does; None if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, length) = text.split_once('/')?;
        let ip = SloppyIp::parse(head)?;
        let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        let bits = length.parse::<u32>().ok().filter(|_| is_number)?;
        let most = if ip.address.is_ipv4() { 32 } else { 128 };
        let is_strict = ip.is_strict && (length == "0" || !length.starts_with('0'));
        (bits <= most).then_some(Self { ip, bits, is_strict })
    }

    /// The address before the slash, with the bits beyond the prefix.
    pub fn address(&self) -> SloppyIp {
        self.ip
    }

    /// The length of the prefix as it is written.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// A strict parser takes it too: no zeros stand before a number.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// The range without the bits beyond its prefix.
    pub fn network(&self) -> IpNetwork {
        // The mask of a mapped address counts over all of IPv6: below 96 bits nothing of the address is left.
        match (self.ip.address, self.ip.ip()) {
            (IpAddr::V6(_), IpAddr::V4(address)) if self.bits >= MAPPED_BITS => {
                IpNetwork::of(IpAddr::V4(address), self.bits - MAPPED_BITS)
            }
            (written, _) => IpNetwork::of(written, self.bits),
        }
    }
}

/// A range of addresses: those that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IpNetwork {
    address: IpAddr,
    bits: u32,
}

impl IpNetwork {
    /// The range of so many bits that holds an address; a prefix cannot be longer than the address.
    pub fn of(address: IpAddr, bits: u32) -> Self {
        match address {
            IpAddr::V4(address) => {
                let bits = bits.min(32);
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                Self { address: IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask)), bits }
            }
            IpAddr::V6(address) => {
                let bits = bits.min(128);
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                Self { address: IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask)), bits }
            }
        }
    }

    /// The lowest address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The length of the prefix.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The length of a prefix that leaves a single address.
    pub fn most_bits(&self) -> u32 {
        if self.address.is_ipv4() { 32 } else { 128 }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && Self::of(address, self.bits) == *self
    }

    /// Whether all addresses of the other range are in this one.
    pub fn contains_network(&self, other: &Self) -> bool {
        self.bits <= other.bits && self.contains(other.address)
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}

/// Four numbers of any count of digits.
fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = u8::try_from(number(parts.next()?, 10)?).ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// A number that Go's parser takes; None beyond 24 bits, or when something else is there.
fn number(text: &str, radix: u32) -> Option<u32> {
    const MOST: u32 = 0xFF_FFFF;
    let mut number = None;
    for character in text.chars() {
        let digit = character.to_digit(radix)?;
        let grown = number.unwrap_or(0) * radix + digit;
        number = Some(grown).filter(|grown| *grown < MOST);
        number?;
    }
    number
}

/// Groups of any count of digits, at most one `::`, and perhaps an IPv4 address at the end.
fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    let (head, tail) = match text.split_once("::") {
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    };
    let mut groups = [0_u16; 8];
    let front = read_groups(head, tail.is_none(), &mut groups)?;
    let Some(tail) = tail else { return (front == 8).then(|| Ipv6Addr::from(groups)) };
    let mut behind = [0_u16; 8];
    let back = read_groups(tail, true, &mut behind)?;
    // The dots stand for at least one group.
    if front + back > 7 {
        return None;
    }
    groups[8 - back..].copy_from_slice(&behind[..back]);
    Some(Ipv6Addr::from(groups))
}

/// Reads groups between colons; the last one may be an IPv4 address where the text ends. Returns how many there are.
fn read_groups(text: &str, is_end: bool, groups: &mut [u16; 8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut count = 0;
    let mut parts = text.split(':').peekable();
    while let Some(part) = parts.next() {
        if part.contains('.') && is_end && parts.peek().is_none() {
            let bits = u32::from(parse_v4(part)?);
            for half in [bits >> 16, bits & 0xFFFF] {
                *groups.get_mut(count)? = u16::try_from(half).ok()?;
                count += 1;
            }
        } else {
            *groups.get_mut(count)? = u16::try_from(number(part, 16)?).ok()?;
            count += 1;
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn addresses_of_a_machine_a_link_or_a_group_are_not_global() {
        let cases = [
            ("10.0.0.1", true),
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("0.0.0.0", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("fd00::1", true),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("fe80::1", false),
        ];
        for (ip, expected) in cases {
            assert_eq!(is_global_unicast(ip.parse().expect("an address")), expected, "{ip}");
        }
    }

    #[test]
    fn zeros_before_a_number_do_not_count() {
        let table = [
            ("10.1.2.3", "10.1.2.3", true),
            ("010.001.2.0003", "10.1.2.3", false),
            ("255.255.255.255", "255.255.255.255", true),
            ("256.1.1.1", "", false),
            ("1.2.3", "", false),
            ("1.2.3.4.5", "", false),
            ("1.2.3.+4", "", false),
            ("", "", false),
            ("::", "::", true),
            ("::ffff:1.2.3.4", "1.2.3.4", true),
            ("::ffff:1.2.03.4", "1.2.3.4", false),
            ("2001:DB8::0:1", "2001:db8::1", true),
            ("2001:00db8::00001", "2001:db8::1", false),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", true),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", true),
            ("1:2:3:4:5:6:7:00008", "1:2:3:4:5:6:7:8", false),
            ("1:2:3:4:5:6:7:8::", "", false),
            ("1::2::3", "", false),
            (":1::2", "", false),
            ("1:2:3", "", false),
            ("12345::", "", false),
            ("1.2.3.4::", "", false),
            ("fe80::1%eth0", "", false),
        ];
        for (text, shown, is_strict) in table {
            let found = SloppyIp::parse(text);
            assert_eq!(found.map(|ip| ip.ip().to_string()).unwrap_or_default(), shown, "{text}");
            assert_eq!(found.is_some_and(|ip| ip.is_strict()), is_strict, "{text}");
        }
    }

    #[test]
    fn ranges_are_read_and_masked() {
        let table = [
            ("10.1.2.3/8", "10.0.0.0/8", true),
            ("10.0.0.0/08", "10.0.0.0/8", false),
            ("10.0.0.0/0", "0.0.0.0/0", true),
            ("10.0.0.1/32", "10.0.0.1/32", true),
            ("10.0.0.1/33", "", false),
            ("10.0.0.1/+8", "", false),
            ("10.0.0.1", "", false),
            ("2001:DB8::1/32", "2001:db8::/32", true),
            ("::/129", "", false),
            ("::ffff:1.2.3.4/120", "1.2.3.0/24", true),
            ("::ffff:1.2.3.4/64", "::/64", true),
        ];
        for (text, shown, is_strict) in table {
            let found = SloppyCidr::parse(text);
            assert_eq!(found.map(|cidr| cidr.network().to_string()).unwrap_or_default(), shown, "{text}");
            assert_eq!(found.is_some_and(|cidr| cidr.is_strict()), is_strict, "{text}");
        }
    }

    #[test]
    fn a_range_knows_what_is_in_it() {
        let network = |text: &str| SloppyCidr::parse(text).expect("a range").network();
        let address = |text: &str| SloppyIp::parse(text).expect("an address").ip();
        let range = network("10.0.1.0/24");
        assert!(range.contains(address("10.0.1.255")) && !range.contains(address("10.0.2.0")));
        assert!(!range.contains(address("::1")) && network("::/0").contains(address("::1")));
        assert!(range.contains_network(&network("10.0.1.128/25")));
        assert!(!range.contains_network(&network("10.0.0.0/16")));
        assert_eq!((range.bits(), range.most_bits(), network("::/0").most_bits()), (24, 32, 128));
    }
}
