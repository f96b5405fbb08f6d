//! Durations as people read them: `5m30s`, `3d4h`.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go HumanDuration

use crate::now::Wall;
use alloc::format;
use alloc::string::{String, ToString};

/// A unit above the second: when a duration is told in it, and in what else.
struct Unit {
    /// Seconds in one.
    seconds: i64,
    /// Durations below so many are told in this unit.
    below: i64,
    suffix: &'static str,
    /// The smaller unit that is told too.
    minor: Option<Minor>,
}

struct Minor {
    seconds: i64,
    /// Durations below so many of the major unit are told with it.
    below: i64,
    suffix: &'static str,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// Seconds are told alone below two minutes.
const SECONDS_BELOW: i64 = 2 * MINUTE;
/// Clocks may differ by so many seconds before a time that lies ahead is called invalid.
const TOLERANCE_SECONDS: i64 = 1;

const UNITS: [Unit; 4] = [
    Unit {
        seconds: MINUTE,
        below: 3 * HOUR / MINUTE,
        suffix: "m",
        minor: Some(Minor { seconds: 1, below: 10, suffix: "s" }),
    },
    Unit {
        seconds: HOUR,
        below: 2 * DAY / HOUR,
        suffix: "h",
        minor: Some(Minor { seconds: MINUTE, below: 8, suffix: "m" }),
    },
    Unit {
        seconds: DAY,
        below: 2 * YEAR / DAY,
        suffix: "d",
        minor: Some(Minor { seconds: HOUR, below: 8, suffix: "h" }),
    },
    Unit {
        seconds: YEAR,
        below: i64::MAX,
        suffix: "y",
        minor: Some(Minor { seconds: DAY, below: 8, suffix: "d" }),
    },
];

/// A duration of so many microseconds, rounded down; `<invalid>` for one two seconds below zero.
pub fn human(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    if seconds < -TOLERANCE_SECONDS {
        return "<invalid>".to_string();
    }
    if seconds < SECONDS_BELOW {
        return format!("{}s", seconds.max(0));
    }
    let unit = UNITS.iter().find(|unit| seconds / unit.seconds < unit.below);
    unit.map_or_else(String::new, |unit| unit.tell(seconds))
}

/// The time from `then` to `now`.
pub fn between(then: Wall, now: Wall) -> String {
    human(now.0.saturating_sub(then.0))
}

impl Unit {
    fn tell(&self, seconds: i64) -> String {
        let major = format!("{}{}", seconds / self.seconds, self.suffix);
        let Some(minor) = self.minor.as_ref().filter(|minor| seconds / self.seconds < minor.below) else {
            return major;
        };
        match seconds % self.seconds / minor.seconds {
            0 => major,
            rest => format!("{major}{rest}{}", minor.suffix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_as_upstream_tells_them() {
        let table = [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (599, "9m59s"),
            (600, "10m"),
            (659, "10m"),
            (3 * HOUR - 1, "179m"),
            (3 * HOUR, "3h"),
            (3 * HOUR + MINUTE, "3h1m"),
            (8 * HOUR - 1, "7h59m"),
            (8 * HOUR + 59 * MINUTE, "8h"),
            (48 * HOUR - 1, "47h"),
            (48 * HOUR, "2d"),
            (49 * HOUR, "2d1h"),
            (8 * DAY - 1, "7d23h"),
            (8 * DAY + 5 * HOUR, "8d"),
            (2 * YEAR - 1, "729d"),
            (2 * YEAR, "2y"),
            (2 * YEAR + DAY, "2y1d"),
            (8 * YEAR - 1, "7y364d"),
            (8 * YEAR + DAY, "8y"),
            (100 * YEAR, "100y"),
        ];
        for (seconds, expected) in table {
            assert_eq!(human(seconds * 1_000_000), expected, "{seconds} seconds");
        }
        assert_eq!(human(-1_999_999), "0s");
        assert_eq!(human(1_999_999), "1s");
        assert_eq!(human(i64::MIN), "<invalid>");
        assert_eq!(human(i64::MAX), "292471y");
    }
}
