//! Who converts objects of the kind that comes and goes between its two versions: rightly, wrongly, late or not at
//! all.

use super::Testbed;
use super::kinds::CONVERTER;
use crate::choose::Label;
use bytes::Bytes;
use steersman_core::codec::json;
use steersman_core::config::JobId;
use steersman_core::value::{Map, Value, object};
use steersman_core::wire::{CallError, CallOutcome, Called, Outcall};

/// The longest that an answer is on its way, milliseconds.
const ANSWER_MILLIS_MAX: u64 = 40;
/// The longest that a slow one takes, milliseconds.
const SLOW_MILLIS_MAX: u64 = 20_000;

impl Testbed {
    /// Whether a call is a review for the converter.
    pub(super) fn is_review(call: &Outcall) -> bool {
        call.host == CONVERTER
    }

    /// A server asks the converter.
    pub(super) fn review(&mut self, server: usize, id: JobId, index: u32, call: &Outcall) {
        self.outcalls.asked.insert((server, id, index));
        let stream = Label::Converter.of(self.stream_key(server, id));
        let millis = 1 + self.chooser.pick(stream, ANSWER_MILLIS_MAX);
        let asked = json::parse(&call.body).map_or(Value::Null, |parsed| parsed.value);
        let objects = || converted(&asked);
        let uid = asked.text_at(&["request", "uid"]);
        let timed_out = || Err(CallError::TimedOut);
        match self.chooser.pick(stream, 12) {
            0..=5 => self.call_ends(server, id, index, millis, answer(uid, objects())),
            6 => {
                let slow = 1 + self.chooser.pick(stream, SLOW_MILLIS_MAX);
                self.call_ends(server, id, index, slow, answer(uid, objects()));
            }
            7 => {
                let refused = Err(CallError::Refused("connection refused".into()));
                self.call_ends(server, id, index, millis, refused);
            }
            8 => self.call_ends(server, id, index, call.timeout_millis, timed_out()),
            9 => self.call_ends(server, id, index, millis, answer("another", objects())),
            10 => {
                let fewer = objects().into_iter().skip(1).collect();
                self.call_ends(server, id, index, millis, answer(uid, fewer));
            }
            _ => {
                let mut renamed = objects();
                for held in &mut renamed {
                    object::set_name(held, "another");
                }
                self.call_ends(server, id, index, millis, answer(uid, renamed));
            }
        }
    }
}

/// The objects of a review in the version that it asks for.
fn converted(asked: &Value) -> Vec<Value> {
    let desired = asked.text_at(&["request", "desiredAPIVersion"]);
    let objects = asked.at(&["request", "objects"]).and_then(Value::as_list).unwrap_or_default();
    let (from, to) = if desired.ends_with("/v2") { ("color", "shade") } else { ("shade", "color") };
    let convert = |held: &Value| {
        let mut out = held.clone();
        object::set_api_version_and_kind(&mut out, desired, object::kind(held));
        if let Some(text) = out.remove_at(&["spec", from]) {
            out.set_at(&["spec", to], text);
        }
        out
    };
    objects.iter().map(convert).collect()
}

fn answer(uid: &str, objects: Vec<Value>) -> CallOutcome {
    let mut result = Map::new();
    result.insert("status", "Success".into());
    let mut response = Map::new();
    response.insert("uid", uid.into());
    response.insert("convertedObjects", Value::list(objects));
    response.insert("result", result.into());
    let mut review = Value::empty_map();
    object::set_api_version_and_kind(&mut review, "apiextensions.k8s.io/v1", "ConversionReview");
    review.set("response", response.into());
    Ok(Called { status: 200, headers: Vec::new(), body: Bytes::from(json::to_vec(&review)) })
}
