//! IP addresses and ranges of them.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/ip.go, cidr.go; Go: src/net/netip/netip.go

use super::natives::{of, sized};
use super::{Function, Result, function};
use crate::cel::eval::{CelValue, EvalError};
use crate::value::ip::IpNetwork;
use crate::value::quoted;
use alloc::format;
use alloc::string::{String, ToString};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address with the length of its network.
#[derive(Clone, Debug, PartialEq)]
struct Cidr {
    address: IpAddr,
    bits: u32,
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("ip", |args| match args {
        [CelValue::Str(text)] => parse(text).map(ip).map_err(EvalError::new),
        [value] => cidr_of(value).map(|cidr| ip(cidr.address)),
        _ => Err(EvalError::no_overload()),
    }),
    function("isIP", |args| Ok(CelValue::Bool(parse(text(args)?).is_ok()))),
    function("ip.isCanonical", |args| {
        let address = parse(text(args)?).map_err(EvalError::new)?;
        Ok(CelValue::Bool(address.to_string() == text(args)?))
    }),
    function("family", |args| Ok(CelValue::Int(if address(args)?.is_ipv4() { 4 } else { 6 }))),
    function("isUnspecified", |args| is(args, |address| address.is_unspecified())),
    function("isLoopback", |args| is(args, |address| address.is_loopback())),
    function("isLinkLocalMulticast", |args| is(args, is_link_local_multicast)),
    function("isLinkLocalUnicast", |args| is(args, is_link_local_unicast)),
    function("isGlobalUnicast", |args| is(args, is_global_unicast)),
    function("cidr", |args| {
        let parsed = parse_cidr(text(args)?).map_err(|why| EvalError::new(format!("{FAILED}: {why}")))?;
        Ok(cidr(parsed))
    }),
    function("isCIDR", |args| Ok(CelValue::Bool(parse_cidr(text(args)?).is_ok()))),
    function("containsIP", |args| match args {
        [cidr, CelValue::Str(text)] => {
            let address = parse(text).map_err(|_| EvalError::no_overload())?;
            Ok(CelValue::Bool(network(cidr_of(cidr)?).contains(address)))
        }
        [cidr, other] => {
            let address = of::<IpAddr>(other).ok_or_else(EvalError::no_overload)?;
            Ok(CelValue::Bool(network(cidr_of(cidr)?).contains(*address)))
        }
        _ => Err(EvalError::no_overload()),
    }),
    function("containsCIDR", |args| match args {
        [cidr, CelValue::Str(text)] => {
            let other = parse_cidr(text).map_err(|why| EvalError::new(format!("{FAILED}: {why}")))?;
            Ok(CelValue::Bool(network(cidr_of(cidr)?).contains_network(&network(&other))))
        }
        [cidr, other] => {
            Ok(CelValue::Bool(network(cidr_of(cidr)?).contains_network(&network(cidr_of(other)?))))
        }
        _ => Err(EvalError::no_overload()),
    }),
    function("prefixLength", |args| Ok(CelValue::Int(i64::from(cidr_of(first(args)?)?.bits)))),
    function("masked", |args| {
        let cidr = cidr_of(first(args)?)?;
        Ok(self::cidr(Cidr { address: network(cidr).address(), bits: cidr.bits }))
    }),
];

const FAILED: &str = "network address parse error during conversion from string";

fn first(args: &[CelValue]) -> Result<&CelValue> {
    args.first().ok_or_else(EvalError::no_overload)
}

fn text(args: &[CelValue]) -> Result<&str> {
    match args {
        [CelValue::Str(text)] => Ok(text),
        _ => Err(EvalError::no_overload()),
    }
}

fn ip(address: IpAddr) -> CelValue {
    sized("net.IP", address, if address.is_ipv4() { 4 } else { 16 })
}

/// As large as the bytes that its bits are in.
fn cidr(cidr: Cidr) -> CelValue {
    let size = u64::from(cidr.bits.div_ceil(8));
    sized("net.CIDR", cidr, size)
}

fn address(args: &[CelValue]) -> Result<IpAddr> {
    of::<IpAddr>(first(args)?).copied().ok_or_else(EvalError::no_overload)
}

fn cidr_of(value: &CelValue) -> Result<&Cidr> {
    of::<Cidr>(value).ok_or_else(EvalError::no_overload)
}

fn network(cidr: &Cidr) -> IpNetwork {
    IpNetwork::of(cidr.address, cidr.bits)
}

/// An address or a range as a text; None for other values.
pub(super) fn shown(value: &CelValue) -> Option<String> {
    let address = of::<IpAddr>(value).map(ToString::to_string);
    address.or_else(|| of::<Cidr>(value).map(|cidr| format!("{}/{}", cidr.address, cidr.bits)))
}

fn is(args: &[CelValue], holds: fn(IpAddr) -> bool) -> Result<CelValue> {
    address(args).map(|address| CelValue::Bool(holds(address)))
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [224, 0, 0, _]),
        IpAddr::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
    }
}

fn is_link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn is_global_unicast(address: IpAddr) -> bool {
    address != IpAddr::V4(Ipv4Addr::BROADCAST)
        && !address.is_unspecified()
        && !address.is_loopback()
        && !address.is_multicast()
        && !is_link_local_unicast(address)
}

fn parse(text: &str) -> core::result::Result<IpAddr, String> {
    if let Some((address, zone)) = text.split_once('%')
        && !zone.is_empty()
        && address.parse::<Ipv6Addr>().is_ok()
    {
        return Err(format!("IP address {} with zone value is not allowed", quoted(text)));
    }
    let failed = |why: &str| {
        let text = quoted(text);
        format!("IP Address {text} parse error during conversion from string: ParseAddr({text}): {why}")
    };
    let address = match text.find(['.', ':', '%']).and_then(|at| text.as_bytes().get(at)) {
        Some(b'.') => IpAddr::V4(parse_v4(text).map_err(|why| failed(&why))?),
        Some(b':') => IpAddr::V6(text.parse().map_err(|_| failed("unable to parse IP"))?),
        Some(_) => return Err(failed("missing IPv6 address")),
        None => return Err(failed("unable to parse IP")),
    };
    match address {
        IpAddr::V6(mapped) if mapped.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text)))
        }
        address => Ok(address),
    }
}

/// Go: src/net/netip/netip.go parseIPv4Fields
fn parse_v4(text: &str) -> core::result::Result<Ipv4Addr, String> {
    let (mut octets, mut position, mut number, mut digits) = ([0_u8; 4], 0, 0_u32, 0);
    for (at, character) in text.char_indices() {
        let rest = || quoted(text.get(at..).unwrap_or_default());
        if let Some(digit) = character.to_digit(10) {
            if digits == 1 && number == 0 {
                return Err("IPv4 field has octet with leading zero".into());
            }
            number = number * 10 + digit;
            digits += 1;
            let octet = u8::try_from(number).map_err(|_| String::from("IPv4 field has value >255"))?;
            if let Some(held) = octets.get_mut(position) {
                *held = octet;
            }
        } else if character == '.' {
            if digits == 0 || at + 1 == text.len() {
                return Err(format!("IPv4 field must have at least one digit (at {})", rest()));
            }
            if position == 3 {
                return Err("IPv4 address too long".into());
            }
            (position, number, digits) = (position + 1, 0, 0);
        } else {
            return Err(format!("unexpected character (at {})", rest()));
        }
    }
    if position < 3 { Err("IPv4 address too short".into()) } else { Ok(Ipv4Addr::from(octets)) }
}

fn parse_cidr(text: &str) -> core::result::Result<Cidr, String> {
    let failed = |why: String| format!("{FAILED}: netip.ParsePrefix({}): {why}", quoted(text));
    let (address, bits) = text.rsplit_once('/').ok_or_else(|| failed("no '/'".into()))?;
    let address = parse(address).map_err(|why| match why.split_once(": ParseAddr") {
        Some((_, rest)) => failed(format!("ParseAddr{rest}")),
        None if why.contains("zone") => failed("IPv6 zones cannot be present in a prefix".into()),
        None => format!("IPv4-mapped IPv6 address {} is not allowed", quoted(text)),
    })?;
    let is_plain = !bits.is_empty() && bits.bytes().all(|digit| digit.is_ascii_digit());
    let is_plain = is_plain && (bits == "0" || !bits.starts_with('0'));
    let number = bits.parse::<u32>().ok().filter(|_| is_plain);
    let number = number.ok_or_else(|| failed(format!("bad bits after slash: {}", quoted(bits))))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    if number > most {
        return Err(failed("prefix length out of range".into()));
    }
    Ok(Cidr { address, bits: number })
}
