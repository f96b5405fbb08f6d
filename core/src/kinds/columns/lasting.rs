//! Which cells of a row stay the same as time goes by, so that a row need not be made anew for every answer.

use super::{ColumnSet, cells};
use crate::now::Wall;
use crate::value::Value;
use alloc::vec::Vec;

/// How much later the cells are looked at again, in microseconds. A time that has passed is told in years by then, so
/// that every cell that depends on the time differs.
const LATER_MICROS: i64 = 1000 * 365 * 86_400 * 1_000_000;

const CREATED: [&str; 2] = ["metadata", "creationTimestamp"];

/// What of a row changes although its object does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changing {
    Nothing,
    /// Only the cell at this position, which is the time that has passed since then.
    Age(usize, Wall),
    /// Others.
    More,
}

impl ColumnSet {
    /// Which of the cells that an object has now change with time alone.
    pub fn changing(&self, object: &Value, made: &[Value], now: Wall) -> Changing {
        let later = Wall(now.0.saturating_add(LATER_MICROS));
        let then = self.cells(object, later);
        if then.len() != made.len() {
            return Changing::More;
        }
        let changed: Vec<usize> = (0..made.len()).filter(|index| made[*index] != then[*index]).collect();
        match (changed.as_slice(), cells::time(object, &CREATED)) {
            ([], _) => Changing::Nothing,
            ([index], Some(created))
                if made[*index] == cells::age(object, now) && then[*index] == cells::age(object, later) =>
            {
                Changing::Age(*index, created)
            }
            _ => Changing::More,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::columns::{Columns, JOB, POD};

    /// Columns, the metadata and the status of an object, and whether what changes is what should.
    type Case = (&'static Columns, &'static str, &'static str, fn(Changing) -> bool);

    #[test]
    fn only_the_age_of_a_finished_thing_changes() {
        const NAMED: &str = r#""metadata":{"name":"n"}"#;
        let created = r#""metadata":{"name":"n","creationTimestamp":"2026-01-01T00:00:00Z"}"#;
        let running = r#""status":{"startTime":"2026-01-01T00:00:05Z"}"#;
        let ended =
            r#""status":{"startTime":"2026-01-01T00:00:05Z","completionTime":"2026-01-01T00:00:09Z"}"#;
        let restarted = r#""status":{"containerStatuses":[{"restartCount":1,"lastState":{"terminated":
            {"finishedAt":"2026-01-01T00:00:09Z"}}}]}"#;
        let at = Wall::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time");
        let cases: [Case; 5] = [
            (&POD, created, "", |found| matches!(found, Changing::Age(4, _))),
            (&POD, NAMED, "", |found| found == Changing::Nothing),
            (&POD, created, restarted, |found| found == Changing::More),
            (&JOB, created, running, |found| found == Changing::More),
            (&JOB, created, ended, |found| matches!(found, Changing::Age(4, _))),
        ];
        for (columns, metadata, status, is_wanted) in cases {
            let comma = if status.is_empty() { "" } else { "," };
            let text = alloc::format!("{{{metadata}{comma}{status}}}");
            let object = json::parse(text.as_bytes()).expect("JSON").value;
            let columns = ColumnSet::Builtin(columns);
            for now in [at, at.plus_seconds(3), at.plus_seconds(30), at.plus_seconds(1_000_000_000)] {
                let made = columns.cells(&object, now);
                let found = columns.changing(&object, &made, now);
                assert!(is_wanted(found), "{text} at {}: {found:?}", now.rfc3339());
                if let Changing::Age(index, since) = found {
                    assert_eq!((since, made[index].as_str()), (at, cells::age(&object, now).as_str()));
                }
            }
        }
    }
}
