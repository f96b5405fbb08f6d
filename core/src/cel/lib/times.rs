//! The parts of times and durations.
//! cel-go: common/types/timestamp.go, duration.go

use super::{Function, Result, function};
use crate::cel::eval::{CelValue, EvalError, Timestamp};
use crate::value::{time_zones, zone_rules};
use alloc::format;

pub(super) const FUNCTIONS: &[Function] = &[
    function("getFullYear", |args| part(args, |civil, _| civil.year)),
    function("getMonth", |args| part(args, |civil, _| civil.month - 1)),
    function("getDayOfYear", |args| part(args, |civil, _| civil.day_of_year)),
    function("getDayOfMonth", |args| part(args, |civil, _| civil.day - 1)),
    function("getDate", |args| part(args, |civil, _| civil.day)),
    function("getDayOfWeek", |args| part(args, |civil, _| civil.day_of_week)),
    function("getHours", |args| match args {
        [CelValue::Duration(nanos)] => Ok(CelValue::Int(nanos / 3_600_000_000_000)),
        _ => part(args, |civil, _| civil.hour),
    }),
    function("getMinutes", |args| match args {
        [CelValue::Duration(nanos)] => Ok(CelValue::Int(nanos / 60_000_000_000)),
        _ => part(args, |civil, _| civil.minute),
    }),
    function("getSeconds", |args| match args {
        [CelValue::Duration(nanos)] => Ok(CelValue::Int(nanos / 1_000_000_000)),
        _ => part(args, |civil, _| civil.second),
    }),
    function("getMilliseconds", |args| match args {
        // Those of a duration are all of it, those of a time what is beyond its seconds.
        [CelValue::Duration(nanos)] => Ok(CelValue::Int(nanos / 1_000_000)),
        _ => part(args, |_, time| i64::from(time.nanos / 1_000_000)),
    }),
];

type Civil = crate::cel::eval::Civil;

fn part(args: &[CelValue], of: fn(&Civil, Timestamp) -> i64) -> Result<CelValue> {
    let (time, offset) = match args {
        [CelValue::Timestamp(time)] => (*time, 0),
        [CelValue::Timestamp(time), CelValue::Str(zone)] => (*time, offset(zone, time.seconds)?),
        _ => return Err(EvalError::no_overload()),
    };
    Ok(CelValue::Int(of(&time.civil(offset), time)))
}

/// The seconds that a zone is ahead of UTC at a point in time: a fixed number of hours and minutes, or a place whose
/// clocks change.
fn offset(zone: &str, at: i64) -> Result<i64> {
    if matches!(zone, "" | "UTC" | "Local") {
        return Ok(0);
    }
    if !zone.contains(':') {
        time_zones::load_location(zone).map_err(EvalError::new)?;
        let offset = zone_rules::utc_offset(zone, at);
        return offset.ok_or_else(|| EvalError::new(format!("unknown time zone {zone}")));
    }
    let (sign, fixed) = match zone.strip_prefix('-') {
        Some(fixed) => (-1, fixed),
        None => (1, zone.strip_prefix('+').unwrap_or(zone)),
    };
    let offset = crate::cel::eval::fixed_offset(fixed);
    offset.map(|offset| sign * offset).ok_or_else(|| EvalError::new(format!("unknown time zone {zone}")))
}
