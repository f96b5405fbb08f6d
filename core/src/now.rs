//! Time as the core uses it: it is always passed in.

mod parse;

use alloc::string::String;
use core::fmt::Write;

pub use parse::{Layout, parse};

/// Monotonic time in microseconds since an origin that only the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mono(pub u64);

/// Wall-clock time in microseconds since 1970-01-01T00:00:00Z. May step backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Wall(pub i64);

/// Both clocks at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    pub mono: Mono,
    pub wall: Wall,
}

impl Mono {
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1000)))
    }

    /// Microseconds since `earlier`; 0 if that is in the future.
    pub const fn micros_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Wall {
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The time this many seconds later, or earlier if negative. It is limited to the years that RFC 3339 can express
    /// and to Go's longest duration, since the number may come from a client.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        const DURATION_SECONDS_MAX: i64 = i64::MAX / 1_000_000_000;
        const YEAR_1: i64 = -62_135_596_800;
        const YEAR_9999_END: i64 = 253_402_300_799;
        let by = seconds.clamp(-DURATION_SECONDS_MAX, DURATION_SECONDS_MAX);
        Self::from_seconds((self.seconds() + by).clamp(YEAR_1, YEAR_9999_END))
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// `2026-01-02T03:04:05Z`, as metav1.Time is written: whole seconds, UTC.
    pub fn rfc3339(self) -> String {
        let mut out = String::with_capacity(20);
        self.write_date_time(&mut out);
        out.push('Z');
        out
    }

    /// `2026-01-02`.
    pub fn date(self) -> String {
        let mut out = self.rfc3339();
        out.truncate("2006-01-02".len());
        out
    }

    /// `2026-01-02T03:04:05.000006Z`, as metav1.MicroTime is written.
    pub fn rfc3339_micro(self) -> String {
        let mut out = String::with_capacity(27);
        self.write_date_time(&mut out);
        write!(out, ".{:06}Z", self.0.rem_euclid(1_000_000)).expect("writing to a string");
        out
    }

    fn write_date_time(self, out: &mut String) {
        let seconds = self.seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let second_of_day = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
            .expect("writing to a string");
    }

    /// Parses RFC 3339 as Go does; digits beyond microseconds are dropped.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        parse(text, Layout::Seconds).ok()
    }

    /// Whether the year has four digits, as RFC 3339 requires.
    pub fn has_four_digit_year(self) -> bool {
        let (year, _, _) = civil_from_days(self.seconds().div_euclid(86_400));
        (0..=9999).contains(&year)
    }
}

pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day counted from 1970-01-01.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_survive_the_round_trip() {
        for seconds in [0, 951_782_400, 1_709_164_800, 4_102_444_799, -1] {
            let wall = Wall::from_seconds(seconds);
            assert_eq!(Wall::parse_rfc3339(&wall.rfc3339()), Some(wall), "{}", wall.rfc3339());
        }
        assert_eq!(Wall(1_700_000_000_123_456).rfc3339_micro(), "2023-11-14T22:13:20.123456Z");
        assert_eq!(Wall::parse_rfc3339("2023-11-14T23:13:20+01:00"), Some(Wall::from_seconds(1_700_000_000)));
        assert_eq!(Wall::parse_rfc3339("2023-02-29T00:00:00Z"), None);
        assert_eq!(Wall::parse_rfc3339("2023-02-28T00:00:00"), None);
    }
}
