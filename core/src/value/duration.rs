//! Go's durations: `1h2m3.5s`.

use crate::value::quoted;
use alloc::format;
use alloc::string::String;

/// Nanoseconds of a duration as Go's `time.ParseDuration` reads it, or its sentence for an error.
pub fn parse_nanos(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quoted(text));
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = split_digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let unit_ends = |character: char| character == '.' || character.is_ascii_digit();
        let (unit, after) = after.split_at(after.find(unit_ends).unwrap_or(after.len()));
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quoted(text)));
        }
        let nanos = unit_nanos(unit)
            .ok_or_else(|| format!("time: unknown unit {} in duration {}", quoted(unit), quoted(text)))?;
        let part = part_nanos(whole, fraction, nanos).and_then(|part| total.checked_add(part));
        total = part.ok_or_else(invalid)?;
        rest = after;
    }
    if negative { 0_i64.checked_sub_unsigned(total) } else { i64::try_from(total).ok() }.ok_or_else(invalid)
}

/// A duration as Go's `Duration.String` writes it: `30s`, `1m0s`, `1.5ms`, `17µs`.
pub fn text(nanos: u64) -> String {
    // A number with three digits behind the point for each step of a thousand, without zeros at its end.
    let scaled = |nanos: u64, unit: u64| match nanos % unit {
        0 => format!("{}", nanos / unit),
        rest => {
            let digits = unit.ilog10() as usize;
            let fraction = format!("{rest:0digits$}");
            format!("{}.{}", nanos / unit, fraction.trim_end_matches('0'))
        }
    };
    const SECOND: u64 = 1_000_000_000;
    let (minutes, seconds) = (nanos / (60 * SECOND), scaled(nanos % (60 * SECOND), SECOND));
    match nanos {
        0 => "0s".into(),
        1..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{}\u{b5}s", scaled(nanos, 1_000)),
        1_000_000..SECOND => format!("{}ms", scaled(nanos, 1_000_000)),
        _ if minutes == 0 => format!("{seconds}s"),
        _ if minutes < 60 => format!("{minutes}m{seconds}s"),
        _ => format!("{}h{}m{seconds}s", minutes / 60, minutes % 60),
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let ends = |character: char| !character.is_ascii_digit();
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn unit_nanos(unit: &str) -> Option<u64> {
    match unit {
        "ns" => Some(1),
        "us" | "\u{b5}s" | "\u{3bc}s" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

/// None when it is more than Go's durations hold.
fn part_nanos(whole: &str, fraction: &str, unit_nanos: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Of a fraction of an hour no digit after the fifteenth makes a nanosecond.
    let digits = fraction.split_at(fraction.len().min(15)).0;
    let fraction: u64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let scale = 10_u128.pow(digits.len() as u32);
    let fraction_nanos = u128::from(fraction) * u128::from(unit_nanos) / scale;
    whole.checked_mul(unit_nanos)?.checked_add(u64::try_from(fraction_nanos).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        let cases = [
            (0, "0s"),
            (7, "7ns"),
            (1_500, "1.5\u{b5}s"),
            (17_000, "17\u{b5}s"),
            (5_000_000, "5ms"),
            (1_234_567, "1.234567ms"),
            (1_000_000_000, "1s"),
            (1_500_000_000, "1.5s"),
            (1_000_000_001, "1.000000001s"),
            (30_000_000_000, "30s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (3_723_500_000_000, "1h2m3.5s"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(super::text(nanos), expected);
        }
    }

    #[test]
    fn reads_what_go_reads() {
        let table = [
            ("0", 0),
            ("-0", 0),
            ("1.5h", 5_400_000_000_000),
            ("1m30s", 90_000_000_000),
            (".5s", 500_000_000),
            ("-3ms2us1ns", -3_002_001),
            ("2\u{b5}s", 2_000),
            ("-9223372036854775808ns", i64::MIN),
        ];
        for (text, expected) in table {
            assert_eq!(parse_nanos(text), Ok(expected), "{text}");
        }
        let table = [
            ("", "time: invalid duration \"\""),
            ("x", "time: invalid duration \"x\""),
            (".s", "time: invalid duration \".s\""),
            ("3", "time: missing unit in duration \"3\""),
            ("3d", "time: unknown unit \"d\" in duration \"3d\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ];
        for (text, expected) in table {
            assert_eq!(parse_nanos(text).unwrap_err(), expected, "{text}");
        }
    }
}
