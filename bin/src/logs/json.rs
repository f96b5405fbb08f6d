//! Lines as JSON, with the members that upstream's have: `ts` (milliseconds), `caller`, `msg`, `v` except for errors,
//! and the fields.
//! k8s: staging/src/k8s.io/component-base/logs/json/json.go

use std::fmt::Write;

use serde_json::Value;
use steersman_core::now::Wall;
use tracing::{Level, Metadata};

use super::fields::{EventFields, FieldValue};

/// A line with its end.
pub(super) fn line(metadata: &Metadata<'_>, fields: &EventFields, now: Wall, verbosity: u32) -> String {
    let (millis, micros) = (now.0.div_euclid(1000), now.0.rem_euclid(1000));
    let path = metadata.file().unwrap_or("???");
    // The file and its folder.
    let start = path.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
    let caller = format!("{}:{}", &path[start..], metadata.line().unwrap_or(1));
    let text = |text: &str| Value::from(text).to_string();
    let mut out = format!(
        "{{\"ts\":{millis}.{micros:03},\"caller\":{},\"msg\":{}",
        text(&caller),
        text(&fields.message)
    );
    if *metadata.level() != Level::ERROR {
        write!(out, ",\"v\":{verbosity}").expect("writing to a string");
    }
    for (name, value) in &fields.pairs {
        match value {
            FieldValue::Bare(value) => write!(out, ",{}:{value}", text(name)),
            FieldValue::Quoted(value) => write!(out, ",{}:{}", text(name), text(value)),
        }
        .expect("writing to a string");
    }
    out.push_str("}\n");
    out
}
