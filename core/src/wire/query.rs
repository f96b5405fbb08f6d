//! Query strings, parsed as Go parses them, and the conversions that typed options share.
//! k8s: staging/src/k8s.io/apimachinery/pkg/runtime/conversion.go

use super::percent;
use crate::status::Failure;
use crate::value::duration;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::num::IntErrorKind;

/// Names and values in the order sent. Malformed pairs are left out, as Go's `URL.Query` does.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Parses a query as sent, without `?`.
    pub fn parse(text: &str) -> Self {
        let whole = |pair: &&str| !pair.is_empty() && !pair.contains(';');
        let decoded = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent::decode(name, true)?.into_owned(), percent::decode(value, true)?.into_owned()))
        };
        Self { pairs: text.split('&').filter(whole).filter_map(decoded).collect() }
    }

    /// Names and values in the order sent.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Every value of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a name.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a name, or the empty text.
    pub fn text(&self, name: &str) -> &str {
        self.first(name).unwrap_or("")
    }

    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Any value but `false` and `0` is true, even the empty text; None when absent.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.first(name).map(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    /// 400 for a value that is not an integer.
    pub fn int(&self, name: &str) -> Result<Option<i64>, Failure> {
        self.first(name).map(|value| parse_int(value).map_err(Failure::bad_request)).transpose()
    }

    /// The value of `pretty`, if Go accepts it as a bool.
    pub fn pretty(&self) -> Option<bool> {
        match self.first("pretty")? {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        }
    }

    /// The timeout that the client asks for, nanoseconds; with 0 and below the server's own applies.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/request_deadline.go
    pub fn timeout_nanos(&self) -> Result<Option<i64>, Failure> {
        let failed = |why: String| {
            Failure::bad_request(format!("invalid timeout specified in the request URL - {why}"))
        };
        self.first("timeout")
            .filter(|text| !text.is_empty())
            .map(|text| duration::parse_nanos(text).map_err(failed))
            .transpose()
    }
}

/// Go's `strconv.ParseInt(text, 10, 64)`, with its error text.
pub fn parse_int(text: &str) -> Result<i64, String> {
    text.parse::<i64>().map_err(|error| number_error("ParseInt", text, error.kind()))
}

/// Go's `strconv.ParseUint(text, 10, 64)`, with its error text.
pub fn parse_uint(text: &str) -> Result<u64, String> {
    if text.starts_with('+') {
        return Err(number_error("ParseUint", text, &IntErrorKind::InvalidDigit));
    }
    text.parse::<u64>().map_err(|error| number_error("ParseUint", text, error.kind()))
}

/// Go's `strconv.ParseUint(text, 10, 16)`, with its error text.
pub fn parse_u16(text: &str) -> Result<u16, String> {
    let number = parse_uint(text)?;
    u16::try_from(number).map_err(|_| number_error("ParseUint", text, &IntErrorKind::PosOverflow))
}

fn number_error(function: &str, text: &str, kind: &IntErrorKind) -> String {
    let out_of_range = matches!(kind, IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
    let why: Cow<'_, str> = if out_of_range { "value out of range".into() } else { "invalid syntax".into() };
    format!("strconv.{function}: parsing {}: {why}", crate::value::quoted(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    #[test]
    fn parses_as_go_does() {
        let query = Query::parse("a=1&b=x%20y+z&a=2&&c&bad=%zz&semi;colon=1&%64=e%3D");
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.first("b"), Some("x y z"));
        assert_eq!(query.first("c"), Some(""));
        assert_eq!(query.first("d"), Some("e="));
        assert!(!query.contains("bad") && !query.contains("semi;colon") && !query.contains("colon"));
    }

    #[test]
    fn converts_as_upstream_does() {
        let query = Query::parse("t=&f=False&z=0&m=maybe&n=x&big=99999999999999999999&timeout=5");
        let truths = ["t", "f", "z", "m", "absent"].map(|name| query.bool(name));
        assert_eq!(truths, [Some(true), Some(false), Some(false), Some(true), None]);
        let message = |name: &str| query.int(name).unwrap_err().message().to_owned();
        assert_eq!(message("n"), "strconv.ParseInt: parsing \"x\": invalid syntax");
        assert_eq!(message("t"), "strconv.ParseInt: parsing \"\": invalid syntax");
        assert_eq!(message("big"), "strconv.ParseInt: parsing \"99999999999999999999\": value out of range");
        assert_eq!(parse_uint("+1").unwrap_err(), "strconv.ParseUint: parsing \"+1\": invalid syntax");
        assert_eq!(
            query.timeout_nanos().unwrap_err().message(),
            "invalid timeout specified in the request URL - time: missing unit in duration \"5\""
        );
        assert_eq!(Query::parse("timeout=1m30s").timeout_nanos(), Ok(Some(90_000_000_000)));
    }
}
