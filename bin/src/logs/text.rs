//! Lines as klog writes them: `I0102 15:04:05.000000   12345 file.rs:17] "message" key="value"`. Times are in UTC.
//! klog: klog.go, internal/serialize/keyvalues.go

use std::fmt::Write;

use steersman_core::now::Wall;
use steersman_core::value::quoted;
use tracing::{Level, Metadata};

use super::fields::{EventFields, FieldValue};

/// A line with its end.
pub(super) fn line(metadata: &Metadata<'_>, fields: &EventFields, now: Wall, process: u32) -> String {
    let severity = match *metadata.level() {
        Level::ERROR => 'E',
        Level::WARN => 'W',
        Level::INFO | Level::DEBUG | Level::TRACE => 'I',
    };
    // 2006-01-02T15:04:05.000000Z
    let time = now.rfc3339_micro();
    let (month, day, clock) = (&time[5..7], &time[8..10], &time[11..26]);
    let file = metadata.file().unwrap_or("???").rsplit('/').next().unwrap_or_default();
    let place = metadata.line().unwrap_or(1);
    let mut out =
        format!("{severity}{month}{day} {clock} {process:7} {file}:{place}] {}", quoted(&fields.message));
    for (name, value) in &fields.pairs {
        match value {
            FieldValue::Bare(value) => write!(out, " {name}={value}"),
            FieldValue::Quoted(value) => write!(out, " {name}={}", quoted(value)),
        }
        .expect("writing to a string");
    }
    out.push('\n');
    out
}
