//! Schedules of cron jobs, in the standard form of five fields, and `@` descriptors.
//! k8s: github.com/robfig/cron/v3/parser.go ParseStandard, pkg/util/parsers/parsers.go

use super::duration::parse_nanos;
use super::quoted;
use super::time_zones::load_location;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a field can be: its least and its largest number, and names for some of them.
struct Bounds {
    least: u64,
    most: u64,
    /// Names of the numbers from `first_name` on.
    names: &'static [&'static str],
    first_name: u64,
}

impl Bounds {
    const fn numbers(least: u64, most: u64) -> Self {
        Self { least, most, names: &[], first_name: 0 }
    }
}

static FIELDS: [Bounds; 5] = [
    Bounds::numbers(0, 59),
    Bounds::numbers(0, 23),
    Bounds::numbers(1, 31),
    Bounds {
        least: 1,
        most: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        first_name: 1,
    },
    Bounds { least: 0, most: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"], first_name: 0 },
];

/// Checks that a schedule can be read.
///
/// # Errors
/// Upstream's sentence.
pub fn check_schedule(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("empty spec string".into());
    }
    let zoned = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ="));
    let rest = match zoned {
        None => text,
        Some(zoned) => {
            // Without a space, upstream's parser fails with this.
            let (zone, rest) = zoned
                .split_once(' ')
                .ok_or("invalid schedule format: runtime error: slice bounds out of range [:-1]")?;
            load_location(zone).map_err(|problem| format!("provided bad location {zone}: {problem}"))?;
            rest.trim()
        }
    };
    if rest.starts_with('@') {
        return check_descriptor(rest);
    }
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let (wanted, found, fields) = (FIELDS.len(), fields.len(), fields.join(" "));
        return Err(format!("expected exactly {wanted} fields, found {found}: [{fields}]"));
    }
    fields.iter().zip(&FIELDS).try_for_each(|(field, bounds)| {
        field.split(',').filter(|range| !range.is_empty()).try_for_each(|range| check_range(range, bounds))
    })
}

fn check_descriptor(text: &str) -> Result<(), String> {
    if matches!(text, "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" | "@hourly") {
        return Ok(());
    }
    match text.strip_prefix("@every ") {
        Some(duration) => parse_nanos(duration)
            .map(|_| ())
            .map_err(|problem| format!("failed to parse duration {text}: {problem}")),
        None => Err(format!("unrecognized descriptor: {text}")),
    }
}

/// `number`, `number-number` or `*`, each with a `/step` or without.
fn check_range(text: &str, bounds: &Bounds) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let ends: Vec<&str> = parts.first().copied().unwrap_or("").split('-').collect();
    let (start, mut end) = match *ends.as_slice() {
        ["*" | "?", ..] => (bounds.least, bounds.most),
        [one] => {
            let number = number_or_name(one, bounds)?;
            (number, number)
        }
        [first, last] => (number_or_name(first, bounds)?, number_or_name(last, bounds)?),
        [first, ..] => {
            number_or_name(first, bounds)?;
            return Err(format!("too many hyphens: {text}"));
        }
        [] => (0, 0),
    };
    let step = match *parts.as_slice() {
        [_] | [] => 1,
        [_, step] => {
            let step = number(step)?;
            if ends.len() == 1 {
                end = bounds.most;
            }
            step
        }
        [..] => return Err(format!("too many slashes: {text}")),
    };
    let (least, most) = (bounds.least, bounds.most);
    if start < least {
        return Err(format!("beginning of range ({start}) below minimum ({least}): {text}"));
    }
    if end > most {
        return Err(format!("end of range ({end}) above maximum ({most}): {text}"));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let lower = text.to_lowercase();
    let named = (bounds.first_name..).zip(bounds.names).find(|(_, name)| **name == lower);
    named.map_or_else(|| number(text), |(value, _)| Ok(value))
}

fn number(text: &str) -> Result<u64, String> {
    let failed =
        |why: &str| format!("failed to parse int from {text}: strconv.Atoi: parsing {}: {why}", quoted(text));
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(failed("invalid syntax"));
    }
    let value: i64 = text.parse().map_err(|_| failed("value out of range"))?;
    u64::try_from(value).map_err(|_| format!("negative number ({value}) not allowed: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn schedules_are_read_as_upstream_reads_them() {
        const GOOD: &[&str] = &[
            "* * * * *",
            "*/5 0-23/2 1,15 jan-DEC SUN",
            "59 23 31 12 6",
            "0 0 1 1 0",
            "? ? ? ? ?",
            ", , , , ,",
            "1/3 * * * *",
            "0-59/59 * * * *",
            "@hourly",
            "@every 1h30m",
            "@every -1s",
            "TZ=Europe/Zurich 0 0 * * *",
            "CRON_TZ=UTC @daily",
            "TZ= 0 0 * * *",
        ];
        for schedule in GOOD {
            assert_eq!(check_schedule(schedule), Ok(()), "{schedule}");
        }
    }

    #[test]
    fn problems_are_told_in_upstreams_words() {
        let table = [
            ("", "empty spec string"),
            ("x y", "expected exactly 5 fields, found 2: [x y]"),
            ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* 24 * * *", "end of range (24) above maximum (23): 24"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("* * * 13 *", "end of range (13) above maximum (12): 13"),
            ("* * * * 7", "end of range (7) above maximum (6): 7"),
            ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("1/2/3 * * * *", "too many slashes: 1/2/3"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("-1 * * * *", "failed to parse int from : strconv.Atoi: parsing \"\": invalid syntax"),
            ("*/-1 * * * *", "negative number (-1) not allowed: -1"),
            (
                "99999999999999999999 * * * *",
                "failed to parse int from 99999999999999999999: strconv.Atoi: parsing \"99999999999999999999\": \
                 value out of range",
            ),
            ("@never", "unrecognized descriptor: @never"),
            ("@every x", "failed to parse duration @every x: time: invalid duration \"x\""),
            ("TZ=0", "invalid schedule format: runtime error: slice bounds out of range [:-1]"),
            ("TZ=Mars/X * * * * *", "provided bad location Mars/X: unknown time zone Mars/X"),
        ];
        for (schedule, sentence) in table {
            assert_eq!(check_schedule(schedule), Err(sentence.into()), "{schedule}");
        }
    }

    proptest! {
        /// What is in bounds is good, with any step.
        #[test]
        fn ranges_in_bounds_are_good(minute in 0_u64..60, hour in 0_u64..24, day in 1_u64..32, step in 1_u64..100) {
            let schedule = format!("{minute}-59/{step} {hour} {day}/{step} * *");
            prop_assert_eq!(check_schedule(&schedule), Ok(()));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}|(C?R?O?N?_?TZ=)?[0-9a-z*?/, @-]{0,40}") {
            let _ = check_schedule(&text);
        }
    }
}
