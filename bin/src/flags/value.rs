//! Flag values: Go's number, truth and duration syntax, with its error texts.

use std::net::IpAddr;
use std::time::Duration;

use super::FlagType;

impl FlagType {
    /// The word for the value in the help.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Bool => "",
            Self::Duration => "duration",
            Self::Float => "float",
            Self::Float32 => "float32",
            Self::Int => "int",
            Self::Int32Slice => "int32Slice",
            Self::Ip => "ip",
            Self::Level => "Level",
            Self::MapStringString => "mapStringString",
            Self::Multimap => "colonSeparatedMultimapStringString",
            Self::NamedCertKey => "namedCertKey",
            Self::Pattern => "pattern=N,...",
            Self::PortRange => "portRange",
            Self::Quantity => "quantity",
            Self::Str => "string",
            Self::StringArray => "stringArray",
            Self::Strings => "strings",
            Self::StringToString => "stringToString",
            Self::TruthOrStrings => "true|flag,...",
            Self::Version => "version[=true]",
        }
    }

    /// The value of a flag that is given without one.
    pub(super) fn without_value(self) -> Option<&'static str> {
        matches!(self, Self::Bool | Self::TruthOrStrings | Self::Version).then_some("true")
    }

    /// Whether values are comma-separated lists, which grow with each time that the flag is given.
    pub(super) fn is_list(self) -> bool {
        matches!(
            self,
            Self::Strings
                | Self::Int32Slice
                | Self::MapStringString
                | Self::Multimap
                | Self::StringToString
                | Self::TruthOrStrings
        )
    }

    /// The values in one argument: several when the type is a comma-separated list.
    pub(super) fn split(self, text: &str) -> Vec<String> {
        let parts: Vec<&str> =
            if self.is_list() { text.split(',').map(str::trim).collect() } else { vec![text] };
        parts.into_iter().filter(|part| !part.is_empty()).map(String::from).collect()
    }

    /// Whether two values say the same; one that is empty is the type's zero.
    pub(super) fn is_same(self, text: &str, other: &str) -> bool {
        fn equal<T: PartialEq + Default>(one: &str, two: &str, read: fn(&str) -> Result<T, String>) -> bool {
            let value = |text: &str| if text.is_empty() { Ok(T::default()) } else { read(text) };
            value(one) == value(two)
        }
        match self {
            Self::Bool => equal(text, other, parse_bool),
            Self::Int | Self::Level => equal(text, other, parse_int),
            Self::Float | Self::Float32 => equal(text, other, parse_float),
            Self::Duration => equal(text, other, parse_duration),
            Self::Int32Slice
            | Self::Ip
            | Self::MapStringString
            | Self::Multimap
            | Self::NamedCertKey
            | Self::Pattern
            | Self::PortRange
            | Self::Quantity
            | Self::Str
            | Self::StringArray
            | Self::Strings
            | Self::StringToString
            | Self::TruthOrStrings
            | Self::Version => self.split(text) == self.split(other),
        }
    }

    /// Whether a value can be read.
    pub(super) fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Bool => parse_bool(text).map(drop),
            Self::Int => parse_int(text).map(drop),
            Self::Level => parse_level(text).map(drop),
            Self::Pattern => module_levels(text).map(drop),
            Self::Float | Self::Float32 => parse_float(text).map(drop),
            Self::Duration => parse_duration(text).map(drop),
            Self::Ip => parse_ip(text).map(drop),
            Self::Int32Slice => self.split(text).iter().try_for_each(|part| parse_int(part).map(drop)),
            Self::MapStringString | Self::Multimap => {
                match self.split(text).iter().find(|part| !part.contains('=')) {
                    Some(_) => Err("malformed pair, expect string=string".into()),
                    None => Ok(()),
                }
            }
            Self::StringToString => match self.split(text).iter().find(|part| !part.contains('=')) {
                Some(part) => Err(format!("{part} must be formatted as key=value")),
                None => Ok(()),
            },
            Self::NamedCertKey => match text.split_once(',') {
                Some((certificate, _)) if !certificate.is_empty() => Ok(()),
                Some(_) | None => Err("expected comma separated certificate and key file paths".into()),
            },
            Self::PortRange => parse_port_range(text),
            Self::Version => match text {
                "raw" => Ok(()),
                other if other.starts_with('v') => {
                    Err("the version that the server reports cannot be set".into())
                }
                other => parse_bool(other).map(drop),
            },
            Self::TruthOrStrings => super::unserved::check_names(&self.split(text)),
            Self::Quantity | Self::Str | Self::StringArray | Self::Strings => Ok(()),
        }
    }
}

pub(super) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        other => Err(format!("strconv.ParseBool: parsing {other:?}: invalid syntax")),
    }
}

pub(super) fn parse_int(text: &str) -> Result<i64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
            format!("strconv.ParseInt: parsing {text:?}: value out of range")
        }
        _ => format!("strconv.ParseInt: parsing {text:?}: invalid syntax"),
    })
}

/// A verbosity: a number that fits into 31 bits.
/// k8s: staging/src/k8s.io/component-base/logs/api/v1/pflags.go
fn parse_level(text: &str) -> Result<u32, String> {
    let failed = |why: &str| format!("strconv.ParseUint: parsing {text:?}: {why}");
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(failed("invalid syntax"));
    }
    let level = text.parse::<u32>().ok().filter(|level| *level <= i32::MAX as u32);
    level.ok_or_else(|| failed("value out of range"))
}

/// Verbosities of files: `pattern=N,...`.
/// k8s: staging/src/k8s.io/component-base/logs/api/v1/pflags.go
pub(crate) fn module_levels(text: &str) -> Result<Vec<(String, u32)>, String> {
    let given = text.split(',').filter(|part| !part.is_empty());
    given
        .map(|part| match part.split('=').collect::<Vec<_>>().as_slice() {
            [pattern, level] if !pattern.is_empty() && !level.is_empty() => {
                let level =
                    parse_level(level).map_err(|error| format!("parsing verbosity in {part:?}: {error}"))?;
                Ok(((*pattern).to_owned(), level))
            }
            _ => Err(format!("{part:?} does not have the pattern=N format")),
        })
        .collect()
}

fn parse_float(text: &str) -> Result<f64, String> {
    let parsed: Result<f64, _> = text.parse();
    parsed.map_err(|_| format!("strconv.ParseFloat: parsing {text:?}: invalid syntax"))
}

pub(super) fn parse_ip(text: &str) -> Result<IpAddr, String> {
    text.trim().parse().map_err(|_| format!("failed to parse IP: {text:?}"))
}

fn parse_port_range(text: &str) -> Result<(), String> {
    let bad = || format!("unable to parse port range: {text}");
    let (first, last) = text.split_once('-').or_else(|| text.split_once('+')).unwrap_or((text, "0"));
    let ports: (u16, u16) = (first.parse().map_err(|_| bad())?, last.parse().map_err(|_| bad())?);
    if text.contains('-') && ports.0 > ports.1 { Err(bad()) } else { Ok(()) }
}

/// Go's durations: `1h2m3.5s`, `-1ms`, `0`. A negative one is read as 0.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut left) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if left == "0" {
        return Ok(Duration::ZERO);
    }
    if left.is_empty() {
        return Err(invalid());
    }
    let mut sum = Duration::ZERO;
    while !left.is_empty() {
        let end = left.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(left.len());
        let (number, rest) = left.split_at(end);
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let end = rest.find(|next: char| next.is_ascii_digit() || next == '.').unwrap_or(rest.len());
        let (unit, rest) = rest.split_at(end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            other => return Err(format!("time: unknown unit {other:?} in duration {text:?}")),
        };
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| invalid())?;
        sum = sum.checked_add(part).ok_or_else(invalid)?;
        left = rest;
    }
    Ok(if negative { Duration::ZERO } else { sum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_in_go() {
        let cases = [
            ("0", Some(0)),
            ("1m0s", Some(60_000)),
            ("1h2m3.5s", Some(3_723_500)),
            ("250ms", Some(250)),
            ("-5s", Some(0)),
            ("", None),
            ("s", None),
            ("1", None),
            ("1d", None),
            ("1.2.3s", None),
            ("99999999999999999999999h", None),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text).ok(), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn the_defaults_of_the_table_can_be_read() {
        for flag in super::super::table::SECTIONS.iter().flat_map(|section| section.flags) {
            if !flag.default.is_empty() {
                assert_eq!(flag.kind.check(flag.default), Ok(()), "--{}", flag.name);
            }
        }
    }
}
