//! Texts with a format as values: times, durations, bytes.
//! k8s: vendor/k8s.io/kube-openapi/pkg/validation/strfmt (time.go, duration.go, default.go)

use crate::cel::eval::Timestamp;
use crate::codec::base64;
use crate::value::duration as go;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A date, at its first moment.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    if text.len() != 10 {
        return None;
    }
    Timestamp::parse(&format!("{text}T00:00:00Z"))
}

/// A date with a time. An empty text is the first moment of 1970, and a time without a zone is of UTC.
pub(crate) fn date_time(text: &str) -> Option<Timestamp> {
    if text.is_empty() {
        return Timestamp::new(0, 0);
    }
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

/// The nanoseconds of a duration of Go, or of numbers with the names of units.
pub(crate) fn duration(text: &str) -> Option<i64> {
    if let Ok(nanos) = go::parse_nanos(text) {
        return Some(nanos);
    }
    let mut total = None;
    let mut rest = text;
    while let Some(at) = rest.find(|char: char| char.is_ascii_digit()) {
        let number = rest.get(at..)?;
        let end = number.find(|char: char| !char.is_ascii_digit()).unwrap_or(number.len());
        let unit = number.get(end..)?.trim_start();
        let is_letter = |char: char| char.is_ascii_alphabetic() || char == 'µ';
        let length = unit.find(|char: char| !is_letter(char)).unwrap_or(unit.len());
        if length > 0 {
            let factor: i64 = number.get(..end)?.parse().ok()?;
            if let Some(nanos) = unit_nanos(&unit.get(..length)?.to_lowercase()) {
                // Upstream's numbers wrap around.
                total = Some(total.unwrap_or(0_i64).wrapping_add(factor.wrapping_mul(nanos)));
            }
        }
        rest = unit.get(length..)?;
    }
    total
}

/// The nanoseconds of a unit, by its names and by what the last of them begins with.
fn unit_nanos(unit: &str) -> Option<i64> {
    const SECOND: i64 = 1_000_000_000;
    const UNITS: [(&[&str], &str, i64); 8] = [
        (&["ns"], "nano", 1),
        (&["us", "µs"], "micro", 1_000),
        (&["ms"], "milli", 1_000_000),
        (&["s"], "sec", SECOND),
        (&["m"], "min", 60 * SECOND),
        (&["h", "hr"], "hour", 3_600 * SECOND),
        (&["d"], "day", 86_400 * SECOND),
        (&["w", "wk"], "week", 604_800 * SECOND),
    ];
    let is = |names: &[&str], start: &str| names.contains(&unit) || unit.starts_with(start);
    UNITS.iter().find(|(names, start, _)| is(names, start)).map(|(_, _, nanos)| *nanos)
}

/// The bytes of base64 with the letters of URLs.
///
/// # Errors
/// Go's sentence.
pub(crate) fn base64_bytes(text: &str) -> Result<Vec<u8>, String> {
    let refused = |at: usize| format!("illegal base64 data at input byte {at}");
    if let Some(at) = text.find(['+', '/']) {
        return Err(refused(at));
    }
    base64::decode(&text.replace('-', "+").replace('_', "/")).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn durations_have_units_with_names() {
        let cases = [
            ("1h", Some(3_600_000_000_000)),
            ("2 days", Some(172_800_000_000_000)),
            ("1 week 3 min", Some(604_980_000_000_000)),
            ("5 apples", None),
            ("", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(duration(text), nanos, "{text}");
        }
    }

    #[test]
    fn times_can_lack_a_zone() {
        let cases = [
            ("", Some("1970-01-01T00:00:00Z")),
            ("2020-01-02T03:04:05", Some("2020-01-02T03:04:05Z")),
            ("2020-01-02T03:04:05.5+01:00", Some("2020-01-02T02:04:05.5Z")),
            ("2020-01-02", None),
        ];
        for (text, shown) in cases {
            assert_eq!(date_time(text).map(|time| time.to_string()).as_deref(), shown, "{text}");
        }
        assert_eq!(date("2020-01-02").map(|time| time.to_string()).as_deref(), Some("2020-01-02T00:00:00Z"));
    }

    #[test]
    fn bytes_are_written_with_the_letters_of_urls() {
        assert_eq!(base64_bytes("-_8="), Ok(alloc::vec![0xfb, 0xff]));
        assert_eq!(base64_bytes("+/8="), Err("illegal base64 data at input byte 0".into()));
    }
}
