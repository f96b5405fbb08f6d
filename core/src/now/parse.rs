//! Parses times as Go's `time.Parse` does, in the two layouts of the API, with the same errors.
//! Go: src/time/format.go parse, parseRFC3339

use super::{Wall, days_from_civil, days_in_month};
use alloc::format;
use alloc::string::String;

/// The layout of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// metav1.Time: the fraction of a second is optional.
    Seconds,
    /// metav1.MicroTime: a fraction of six digits is required.
    Micros,
}

impl Layout {
    fn text(self) -> &'static str {
        match self {
            Self::Seconds => "2006-01-02T15:04:05Z07:00",
            Self::Micros => "2006-01-02T15:04:05.000000Z07:00",
        }
    }
}

/// Where the text differs from the layout; the error text is made of it.
enum Parted<'t> {
    /// The rest of the text, and the element of the layout that it should begin with.
    At(&'t str, &'static str),
    Range(&'static str),
    Extra(&'t str),
}

/// Parses a time; digits beyond microseconds are dropped.
pub fn parse(text: &str, layout: Layout) -> Result<Wall, String> {
    walk(text, layout).map_err(|parted| match parted {
        Parted::At(rest, element) => format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quoted(text),
            quoted(layout.text()),
            quoted(rest),
            quoted(element)
        ),
        Parted::Range(what) => format!("parsing time {}: {what} out of range", quoted(text)),
        Parted::Extra(rest) => format!("parsing time {}: extra text: {}", quoted(text), quoted(rest)),
    })
}

fn walk(text: &str, layout: Layout) -> Result<Wall, Parted<'_>> {
    let (year, rest) = digits(text, 4).ok_or(Parted::At(text, "2006"))?;
    let rest = after(rest, "-")?;
    let (month, rest) = two_digits(rest, "01")?;
    in_range(month, 1, 12, "month")?;
    let rest = after(rest, "-")?;
    let (day, rest) = two_digits(rest, "02")?;
    let rest = after(rest, "T")?;
    // An hour may have one digit.
    let (hour, rest) = digits(rest, 2).or_else(|| digits(rest, 1)).ok_or(Parted::At(rest, "15"))?;
    in_range(hour, 0, 23, "hour")?;
    let rest = after(rest, ":")?;
    let (minute, rest) = two_digits(rest, "04")?;
    in_range(minute, 0, 59, "minute")?;
    let rest = after(rest, ":")?;
    let (second, rest) = two_digits(rest, "05")?;
    in_range(second, 0, 59, "second")?;
    let (micros, rest) = match layout {
        Layout::Seconds => fraction(rest),
        Layout::Micros => six_digits(rest)?,
    };
    let (offset_seconds, rest) = offset(rest)?;
    if !rest.is_empty() {
        return Err(Parted::Extra(rest));
    }
    in_range(day, 1, days_in_month(year, month), "day")?;
    let days = days_from_civil(year, month, day);
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset_seconds;
    Ok(Wall(seconds * 1_000_000 + micros))
}

fn after<'t>(text: &'t str, literal: &'static str) -> Result<&'t str, Parted<'t>> {
    text.strip_prefix(literal).ok_or(Parted::At(text, literal))
}

fn in_range(number: i64, least: i64, most: i64, what: &'static str) -> Result<(), Parted<'static>> {
    if (least..=most).contains(&number) { Ok(()) } else { Err(Parted::Range(what)) }
}

fn digits(text: &str, count: usize) -> Option<(i64, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let all = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| all)?, rest))
}

fn two_digits<'t>(text: &'t str, element: &'static str) -> Result<(i64, &'t str), Parted<'t>> {
    digits(text, 2).ok_or(Parted::At(text, element))
}

/// The microseconds of an optional fraction with any number of digits.
fn fraction(text: &str) -> (i64, &str) {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return (0, text) };
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    if digits.is_empty() {
        return (0, text);
    }
    let micros = digits.bytes().chain(core::iter::repeat(b'0')).take(6);
    (micros.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')), after)
}

/// A point or comma and six digits, of which the first may be a sign.
fn six_digits(text: &str) -> Result<(i64, &str), Parted<'_>> {
    const ELEMENT: &str = ".000000";
    let parted = Parted::At(text, ELEMENT);
    let Some((number, rest)) = text.strip_prefix(['.', ',']).and_then(|rest| rest.split_at_checked(6)) else {
        return Err(parted);
    };
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    match digits(unsigned, unsigned.len()) {
        Some((micros, _)) if micros > 0 && number.starts_with('-') => Err(Parted::Range("fractional second")),
        Some((micros, _)) => Ok((micros, rest)),
        None => Err(parted),
    }
}

/// The seconds of an offset such as `Z` or `+07:00`.
fn offset(text: &str) -> Result<(i64, &str), Parted<'_>> {
    let parted = || Parted::At(text, "Z07:00");
    if let Some(rest) = text.strip_prefix('Z') {
        return Ok((0, rest));
    }
    // Go's library counts bytes here, and quotes the text without cutting it.
    let bytes = text.as_bytes();
    let (Some(sign), Some(b':')) = (bytes.first(), bytes.get(3)) else { return Err(parted()) };
    let number = |at: usize| text.get(at..at + 2).and_then(|part| digits(part, 2)).map(|(number, _)| number);
    let hours = number(1);
    let minutes = hours.and_then(|_| number(4));
    if bytes.len() < 6 {
        return Err(parted());
    }
    in_range(minutes.unwrap_or(0), 0, 60, "time zone offset minute")?;
    in_range(hours.unwrap_or(0), 0, 24, "time zone offset hour")?;
    let seconds =
        hours.zip(minutes).map(|(hours, minutes)| (hours * 60 + minutes) * 60).ok_or_else(parted)?;
    let rest = text.get(6..).ok_or_else(parted)?;
    match sign {
        b'+' => Ok((seconds, rest)),
        b'-' => Ok((-seconds, rest)),
        _ => Err(parted()),
    }
}

/// Text as Go's library quotes it: bytes that are not printable ASCII are escaped one by one.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            ' '..='\u{7f}' => out.push(letter),
            _ => {
                let mut buffer = [0; 4];
                let bytes = letter.encode_utf8(&mut buffer).bytes();
                bytes.for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_refused_as_by_go() {
        let second = |text| parse(text, Layout::Seconds).map(Wall::rfc3339);
        let micro = |text| parse(text, Layout::Micros).map(Wall::rfc3339_micro);
        let read = [
            (second("2024-02-29T23:59:59Z"), "2024-02-29T23:59:59Z"),
            (second("2024-01-01T3:04:05Z"), "2024-01-01T03:04:05Z"),
            (second("2024-01-01T03:04:05,123456789123Z"), "2024-01-01T03:04:05Z"),
            (second("2024-01-01T03:04:05.5+24:60"), "2023-12-31T02:04:05Z"),
            (second("0000-01-01T00:00:00Z"), "0000-01-01T00:00:00Z"),
            (micro("2024-01-01T03:04:05,123456Z"), "2024-01-01T03:04:05.123456Z"),
            (micro("2024-01-01T03:04:05.+00012-01:30"), "2024-01-01T04:34:05.000012Z"),
        ];
        for (found, want) in read {
            assert_eq!(found.as_deref(), Ok(want));
        }
        let cases = [
            ("2024-1-01T00:00:00Z", "cannot parse \"1-01T00:00:00Z\" as \"01\""),
            ("2024-13-01T00:00:00Z", "month out of range"),
            ("2024-02-30T00:00:00Z", "day out of range"),
            ("2024-02-00T00:00:00Z", "day out of range"),
            ("2024-02-30T00:00:00Zx", "extra text: \"x\""),
            ("2024-02-01t00:00:00Z", "cannot parse \"t00:00:00Z\" as \"T\""),
            ("2024-02-01T00:00:00z", "cannot parse \"z\" as \"Z07:00\""),
            ("2024-02-01T24:00:00Z", "hour out of range"),
            ("2024-02-01T23:60:00Z", "minute out of range"),
            ("2024-02-01T23:59:60Z", "second out of range"),
            ("2024-02-01T23:59:0Z", "cannot parse \"0Z\" as \"05\""),
            ("2024-02-01T23:59:00.Z", "cannot parse \".Z\" as \"Z07:00\""),
            ("2024-02-01T23:59:00+0700", "cannot parse \"+0700\" as \"Z07:00\""),
            ("2024-02-01T23:59:00+25:00", "time zone offset hour out of range"),
            ("2024-02-01T23:59:00+24:61", "time zone offset minute out of range"),
            ("2024-02-01T23:59:00*01:00", "cannot parse \"*01:00\" as \"Z07:00\""),
            ("2024-02-01", "cannot parse \"\" as \"T\""),
            ("", "cannot parse \"\" as \"2006\""),
            ("\u{e9}", "cannot parse \"\\xc3\\xa9\" as \"2006\""),
        ];
        for (text, want) in cases {
            let layout = "as \"2006-01-02T15:04:05Z07:00\"";
            let between = if want.starts_with("cannot") { format!(" {layout}: ") } else { ": ".into() };
            assert_eq!(second(text), Err(format!("parsing time {}{between}{want}", quoted(text))));
        }
        for (text, want) in [
            ("2024-02-01T23:59:00Z", "\"Z\" as \".000000\""),
            ("2024-02-01T23:59:00.1234567Z", "\"7Z\" as \"Z07:00\""),
            ("2024-02-01T23:59:00.12345Z", "\".12345Z\" as \".000000\""),
        ] {
            assert!(micro(text).is_err_and(|why| why.ends_with(want)), "{text}");
        }
        let why = micro("2024-02-01T23:59:00.-00001Z").expect_err("negative");
        assert!(why.ends_with("Z\": fractional second out of range"), "{why}");
    }
}
