//! Points in time and durations.
//! cel-go: common/types/timestamp.go, duration.go

use crate::now::{civil_from_days, days_from_civil, days_in_month};
use crate::value::duration;
use alloc::format;
use alloc::string::String;
use core::fmt::{self, Display};

/// A point in time, UTC, from the year 1 to the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Below 1,000,000,000.
    pub nanos: u32,
}

const DAY: i64 = 86_400;
const NANOS: i64 = 1_000_000_000;
const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

/// The parts of a date and a time of a day.
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    /// From 0.
    pub(crate) day_of_year: i64,
    /// From 0 for Sunday.
    pub(crate) day_of_week: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Timestamp {
    pub(crate) fn new(seconds: i64, nanos: i64) -> Option<Self> {
        let seconds = seconds.checked_add(nanos.div_euclid(NANOS))?;
        let nanos = u32::try_from(nanos.rem_euclid(NANOS)).ok()?;
        (FIRST..=LAST).contains(&seconds).then_some(Self { seconds, nanos })
    }

    pub(crate) fn is_zero(self) -> bool {
        self == Self { seconds: FIRST, nanos: 0 }
    }

    /// The point that is a duration later.
    pub(crate) fn plus(self, nanos: i64) -> Option<Self> {
        let (seconds, rest) = (nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
        Self::new(self.seconds.checked_add(seconds)?, i64::from(self.nanos) + rest)
    }

    /// Nanoseconds since another point, if they fit.
    pub(crate) fn minus(self, other: Self) -> Option<i64> {
        let seconds = self.seconds.checked_sub(other.seconds)?.checked_mul(NANOS)?;
        seconds.checked_add(i64::from(self.nanos) - i64::from(other.nanos))
    }

    /// The date and the time of the day at an offset from UTC.
    pub(crate) fn civil(self, offset_seconds: i64) -> Civil {
        let local = self.seconds + offset_seconds;
        let (days, second_of_day) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil {
            year,
            month,
            day,
            day_of_year: days - days_from_civil(year, 1, 1),
            day_of_week: (days + 4).rem_euclid(7),
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
        }
    }

    /// What Go's RFC 3339 layout reads.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| {
            let digits = text.get(from..to)?;
            digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
        };
        let at = |index: usize, sign: u8| text.as_bytes().get(index) == Some(&sign);
        if !(at(4, b'-') && at(7, b'-') && at(10, b'T') && at(13, b':') && at(16, b':')) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let rest = text.get(19..)?;
        let (nanos, zone) = match rest.strip_prefix(['.', ',']) {
            Some(fraction) => {
                let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
                let digits = fraction.get(..length.min(9)).filter(|digits| !digits.is_empty())?;
                let scale = 10_i64.pow(9 - u32::try_from(digits.len()).ok()?);
                (digits.parse::<i64>().ok()? * scale, fraction.get(length..)?)
            }
            None => (0, rest),
        };
        let valid = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
        valid.then_some(())?;
        Self::new(seconds - zone_offset(zone)?, nanos)
    }
}

/// The seconds of `Z`, `+01:00` or `-01:00`.
fn zone_offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    fixed_offset(zone.strip_prefix('+').or_else(|| zone.strip_prefix('-'))?)
        .map(|offset| if zone.starts_with('-') { -offset } else { offset })
}

/// The seconds of `01:00`.
pub(crate) fn fixed_offset(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)
}

impl Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, .. } = self.civil(0);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(out, ".{}", fraction.trim_end_matches('0'))?;
        }
        out.write_str("Z")
    }
}

/// A duration in seconds, with as many digits as it needs.
pub(crate) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, rest) = (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}

/// The nanoseconds that Go's `ParseDuration` reads.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    duration::parse_nanos(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn times_are_read_and_written() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("2024-02-29T23:59:59.120Z", Some("2024-02-29T23:59:59.12Z")),
            ("2023-02-29T00:00:00Z", None),
            ("2000-01-01T01:30:00+01:30", Some("2000-01-01T00:00:00Z")),
            ("1999-12-31T23:00:00-01:00", Some("2000-01-01T00:00:00Z")),
            ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z")),
            ("0000-12-31T00:00:00Z", None),
            ("9999-12-31T23:59:59.999999999Z", Some("9999-12-31T23:59:59.999999999Z")),
            ("2000-01-01T00:00:00", None),
            ("2000-01-01 00:00:00Z", None),
        ];
        for (text, expected) in cases {
            let read = Timestamp::parse(text).map(|time| time.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn dates_have_parts() {
        let time = Timestamp::parse("2024-03-01T12:34:56Z").expect("a time");
        let civil = time.civil(0);
        assert_eq!((civil.year, civil.month, civil.day), (2024, 3, 1));
        assert_eq!((civil.day_of_year, civil.day_of_week), (60, 5));
        assert_eq!((civil.hour, civil.minute, civil.second), (12, 34, 56));
    }
}
