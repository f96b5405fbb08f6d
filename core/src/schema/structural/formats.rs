//! The formats that schemas can demand of texts and numbers.
//! k8s: vendor/k8s.io/kube-openapi/pkg/validation/strfmt/default.go,
//! staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go

use super::SchemaType;
use crate::now::Wall;
use crate::value::duration;
use crate::value::ip::{SloppyCidr, SloppyIp};
use crate::value::url::Url;
use crate::value::{Text, names};
use alloc::string::String;
use alloc::vec::Vec;

/// A format that is checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    Int32,
    Int64,
    Float,
    Double,
    Text(TextFormat),
}

/// A format of texts.
#[derive(Clone, Debug)]
pub struct TextFormat {
    /// As the definition writes it.
    word: Text,
    fits: Fits,
}

type Fits = fn(&str) -> bool;

impl PartialEq for TextFormat {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

/// The formats of texts, without hyphens.
const FORMATS: [(&str, Fits); 26] = [
    ("bsonobjectid", |text| text.len() == 24 && is_hex(text)),
    ("uri", |text| is_request_uri(text)),
    ("email", is_email),
    ("hostname", is_hostname),
    ("ipv4", |text| text.contains('.') && SloppyIp::parse(text).is_some()),
    ("ipv6", |text| {
        text.contains(':') && SloppyIp::parse(text).is_some_and(|ip| ip.is_strict() || ip.is_mapped())
    }),
    ("cidr", |text| SloppyCidr::parse(text).is_some()),
    ("mac", is_mac),
    ("uuid", |text| is_uuid(text, None, false)),
    ("uuid3", |text| is_uuid(text, Some('3'), false)),
    ("uuid4", |text| is_uuid(text, Some('4'), true)),
    ("uuid5", |text| is_uuid(text, Some('5'), true)),
    ("isbn", |text| is_isbn10(text) || is_isbn13(text)),
    ("isbn10", is_isbn10),
    ("isbn13", is_isbn13),
    ("creditcard", is_credit_card),
    ("ssn", |text| is_social_security_number(text)),
    ("hexcolor", |text| {
        let digits = text.strip_prefix('#').unwrap_or(text);
        matches!(digits.len(), 3 | 6) && is_hex(digits)
    }),
    ("rgbcolor", is_rgb_color),
    ("byte", is_base64),
    ("password", |_| true),
    ("date", is_date),
    ("duration", is_duration),
    ("datetime", is_date_time),
    ("k8sshortname", |text| names::dns_label(text, false).is_empty()),
    ("k8slongname", |text| names::dns_subdomain(text, false).is_empty()),
];

impl Format {
    /// The format of a schema of a type; None for one that is not checked.
    pub fn of(word: &str, kind: Option<SchemaType>) -> Option<Self> {
        match (kind, word) {
            (Some(SchemaType::Integer), "int32") => Some(Self::Int32),
            (Some(SchemaType::Integer), "int64") => Some(Self::Int64),
            (Some(SchemaType::Number), "float") => Some(Self::Float),
            (Some(SchemaType::Number), "double") => Some(Self::Double),
            (Some(SchemaType::String) | None, word) => {
                let plain: String = word.chars().filter(|char| *char != '-').collect();
                let found = FORMATS.iter().find(|(name, _)| *name == plain)?;
                Some(Self::Text(TextFormat { word: word.into(), fits: found.1 }))
            }
            (Some(SchemaType::Integer | SchemaType::Number), _)
            | (Some(SchemaType::Object | SchemaType::Array | SchemaType::Boolean), _) => None,
        }
    }

    /// As the definition writes it.
    pub fn word(&self) -> &str {
        match self {
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float => "float",
            Self::Double => "double",
            Self::Text(format) => &format.word,
        }
    }

    /// Whether a text has the format; a format of numbers says nothing about texts.
    pub fn fits(&self, text: &str) -> bool {
        match self {
            Self::Int32 | Self::Int64 | Self::Float | Self::Double => true,
            Self::Text(format) => (format.fits)(text),
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An absolute URL or an absolute path.
/// Go: net/url ParseRequestURI
fn is_request_uri(text: &str) -> bool {
    let has_scheme = text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    });
    let rest = if has_scheme { text.split_once(':').map_or("", |(_, rest)| rest) } else { text };
    let is_absolute = rest.starts_with('/') || has_scheme && !rest.is_empty();
    is_absolute && Url::parse(text).is_ok()
}

/// An address, or a name with an address in angle brackets.
/// Go: net/mail ParseAddress
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let address = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((name, address)) => {
            let name = name.trim();
            let is_quoted = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
            let is_words =
                name.split_ascii_whitespace().all(|word| word.split('.').all(is_atom) || word == ".");
            if !(name.is_empty() || is_quoted || is_words) {
                return false;
            }
            address
        }
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let is_quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    let is_literal = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|inner| SloppyIp::parse(inner.strip_prefix("IPv6:").unwrap_or(inner)).is_some());
    (is_quoted || local.split('.').all(is_atom)) && (is_literal || domain.split('.').all(is_atom))
}

/// What stands between the dots of an address.
fn is_atom(text: &str) -> bool {
    let is_special = |char: char| {
        matches!(char, '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | '\\' | ',' | '.' | '"')
    };
    !text.is_empty() && text.chars().all(|char| char > ' ' && char != '\u{7f}' && !is_special(char))
}

/// A label, which may have a hyphen as its second character only, or several, the last of letters.
fn is_hostname(text: &str) -> bool {
    let is_letter = |char: char| char.is_ascii_alphanumeric() || char.is_alphabetic() || is_symbol(char);
    let is_inner = |char: char| char == '-' || is_letter(char);
    let count = |label: &str| label.chars().count();
    let is_label = |label: &str| {
        let ends = label.starts_with(is_letter) && label.ends_with(is_letter);
        ends && count(label) <= 63 && label.chars().all(is_inner)
    };
    let is_single = || {
        let mut chars = text.chars();
        let begins = chars.next().is_some_and(is_letter);
        let rest = chars.as_str();
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        begins && count(rest) <= 62 && rest.chars().all(is_letter)
    };
    let is_dotted = || {
        text.rsplit_once('.').is_some_and(|(labels, last)| {
            let is_last = (2..=63).contains(&count(last)) && last.chars().all(char::is_alphabetic);
            is_last && labels.split('.').all(is_label)
        })
    };
    let are_short = text.split('.').all(|label| label.len() <= 63);
    text.len() <= 255 && are_short && (is_single() || is_dotted())
}

/// Upstream's pattern takes Unicode's symbols. Beyond ASCII, punctuation counts as such here.
fn is_symbol(char: char) -> bool {
    if char.is_ascii() {
        return matches!(char, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    }
    !(char.is_alphanumeric() || char.is_whitespace() || char.is_control())
}

/// Six or eight bytes (or twenty), in pairs with colons or hyphens, or in fours with dots.
/// Go: net ParseMAC
fn is_mac(text: &str) -> bool {
    let is_of = |separator: char, digits: usize, counts: &[usize]| {
        let parts: Vec<&str> = text.split(separator).collect();
        counts.contains(&parts.len()) && parts.iter().all(|part| part.len() == digits && is_hex(part))
    };
    is_of(':', 2, &[6, 8, 20]) || is_of('-', 2, &[6, 8, 20]) || is_of('.', 4, &[3, 4, 10])
}

/// Groups of hexadecimal digits, the hyphens between which can be left out. `version` is the first digit of the third
/// group, and the variant that of the fourth.
fn is_uuid(text: &str, version: Option<char>, has_variant: bool) -> bool {
    let mut digits = String::new();
    for (at, char) in text.chars().enumerate() {
        let is_gap = matches!(digits.len(), 8 | 12 | 16 | 20);
        let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at));
        match char {
            '-' if is_gap && before != Some(&b'-') => {}
            digit if digit.is_ascii_hexdigit() => digits.push(digit.to_ascii_lowercase()),
            _ => return false,
        }
    }
    let is_at = |at: usize, allowed: &str| digits[at..].starts_with(|digit| allowed.contains(digit));
    digits.len() == 32
        && version.is_none_or(|version| digits[12..].starts_with(version))
        && (!has_variant || is_at(16, "89ab"))
}

fn without_gaps(text: &str) -> String {
    text.chars().filter(|char| !(char.is_ascii_whitespace() || *char == '-')).collect()
}

fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

fn is_isbn10(text: &str) -> bool {
    let text = without_gaps(text);
    let Some((first, last)) = text.split_at_checked(9) else { return false };
    let check = match last {
        "X" => 10,
        last if last.len() == 1 && is_digits(last) => digit(last.as_bytes()[0]),
        _ => return false,
    };
    let weighted = (1_u32..).zip(first.bytes()).map(|(weight, byte)| weight * digit(byte));
    is_digits(first) && (weighted.sum::<u32>() + 10 * check).is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let text = without_gaps(text);
    if text.len() != 13 || !is_digits(&text) {
        return false;
    }
    let weighted = [1, 3].into_iter().cycle().zip(text.bytes()).map(|(weight, byte)| weight * digit(byte));
    weighted.sum::<u32>().is_multiple_of(10)
}

fn is_credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let begins = |choices: &[&str]| choices.iter().any(|choice| digits.starts_with(choice));
    let is_known = match digits.len() {
        13 => begins(&["4"]),
        14 => begins(&["300", "301", "302", "303", "304", "305", "36", "38"]),
        15 => begins(&["34", "37", "2131", "1800"]),
        16 => begins(&["4", "51", "52", "53", "54", "55", "6011", "65", "35"]),
        _ => false,
    };
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| match (at % 2, digit(byte)) {
            (0, digit) => digit,
            (_, digit) if digit < 5 => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    is_known && sum.is_multiple_of(10)
}

fn is_social_security_number(text: &str) -> bool {
    let is_gap = |at: usize| matches!(text.as_bytes().get(at), Some(b'-' | b' '));
    let parts = [text.get(..3), text.get(4..6), text.get(7..)];
    text.len() == 11 && is_gap(3) && is_gap(6) && parts.iter().all(|part| part.is_some_and(is_digits))
}

fn is_rgb_color(text: &str) -> bool {
    let inner = text.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')'));
    let is_part = |part: &str| {
        let part = part.trim_matches(|char: char| char.is_ascii_whitespace());
        is_digits(part)
            && part.len() <= 3
            && (part == "0" || !part.starts_with('0'))
            && part.parse::<u8>().is_ok()
    };
    inner.is_some_and(|inner| inner.split(',').count() == 3 && inner.split(',').all(is_part))
}

/// Base64 with padding, and not empty.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    !body.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(is_letter)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && Wall::parse_rfc3339(&alloc::format!("{text}T00:00:00Z")).is_some()
}

/// A date and a time of day with a zone. What follows the second `t` is not looked at.
fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    let numbers = [time.get(..2), time.get(3..5), time.get(6..8)];
    let has_form = numbers.iter().all(|number| number.is_some_and(is_digits))
        && time.get(2..3) == Some(":")
        && time.get(5..6) == Some(":");
    if !is_date(date) || !has_form {
        return false;
    }
    let [hour, minute, second] = numbers.map(|number| number.unwrap_or_default());
    let rest = time.get(8..).unwrap_or_default();
    // Upstream's pattern takes any character for the point before the fraction.
    let is_zone = |zone: &str| {
        let is_offset = zone.len() == 6
            && zone.starts_with(['+', '-'])
            && zone.get(1..3).is_some_and(is_digits)
            && zone.get(3..4) == Some(":")
            && zone.get(4..).is_some_and(is_digits);
        zone == "z" || is_offset
    };
    let mut after_point = rest.chars();
    after_point.next();
    let fraction = after_point.as_str();
    let zone = fraction.trim_start_matches(|char: char| char.is_ascii_digit());
    let is_rest = is_zone(rest) || fraction.len() > zone.len() && is_zone(zone);
    is_rest && hour <= "23" && minute <= "59" && second <= "59"
}

/// A duration of Go, or numbers with the names of units.
/// k8s: vendor/k8s.io/kube-openapi/pkg/validation/strfmt/duration.go ParseDuration
fn is_duration(text: &str) -> bool {
    if duration::parse_nanos(text).is_ok() {
        return true;
    }
    const EXACT: [&str; 12] = ["ns", "us", "µs", "ms", "s", "m", "h", "hr", "d", "w", "wk", "μs"];
    const PREFIXES: [&str; 8] = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];
    let mut rest = text;
    let mut is_found = false;
    while let Some(at) = rest.find(|char: char| char.is_ascii_digit()) {
        let number = &rest[at..];
        let end = number.find(|char: char| !char.is_ascii_digit()).unwrap_or(number.len());
        let unit = number[end..].trim_start();
        let is_letter = |char: char| char.is_ascii_alphabetic() || char == 'µ';
        let length = unit.find(|char: char| !is_letter(char)).unwrap_or(unit.len());
        let word = unit[..length].to_lowercase();
        if length > 0 {
            if number[..end].parse::<i64>().is_err() {
                return false;
            }
            is_found |=
                EXACT.contains(&word.as_str()) || PREFIXES.iter().any(|prefix| word.starts_with(prefix));
        }
        rest = &unit[length..];
    }
    is_found
}
