//! Bugs of what webhooks are asked, and of what becomes of their answers.

use super::{Flaw, PLACE, server};
use crate::conditions::{JSON, json, send};
use crate::webhooks::{allowed, configuration, configure, respond};
use serde_json::{Value, json};
use steersman_core::wire::CallError;
use steersman_sim::driver::Driver;

/// A server that asks a validating webhook about everything.
fn asking(flaw: Flaw) -> Driver {
    asking_if(flaw, &json!({}))
}

/// The same, but the webhook has these members too.
fn asking_if(flaw: Flaw, more: &Value) -> Driver {
    let mut driver = server(flaw);
    configure(&mut driver, &configuration("Validating", more));
    driver
}

/// What cannot be reviewed is stored.
pub(super) fn webhook_failure_admits(flaw: Flaw) -> bool {
    let mut driver = asking(flaw);
    let id = driver.begin("POST", PLACE, JSON, json!({"metadata": {"name": "a"}}).to_string().as_bytes());
    respond(&mut driver, Err(CallError::TimedOut));
    driver.take(id).is_some_and(|reply| reply.status == 201)
}

/// What is stored has more than what was reviewed.
pub(super) fn approved_unprepared(flaw: Flaw) -> bool {
    let mut driver = asking(flaw);
    let id = driver.begin("POST", PLACE, JSON, json!({"metadata": {"name": "a"}}).to_string().as_bytes());
    let review: Value = serde_json::from_slice(&driver.calls[0].2.body).expect("a review");
    let answer = allowed(&review, &json!({}));
    respond(&mut driver, Ok(answer));
    let stored = json(&driver.take(id).expect("an answer"));
    review["request"]["object"]["metadata"]["uid"] != stored["metadata"]["uid"]
}

/// Whether a webhook is to be asked cannot be told, and the object is stored without it.
pub(super) fn condition_failure_skips(flaw: Flaw) -> bool {
    let conditions = json!({"matchConditions": [{"name": "c", "expression": "object.data.absent == ''"}]});
    let mut driver = asking_if(flaw, &conditions);
    let made = send(&mut driver, "POST", PLACE, &json!({"metadata": {"name": "a"}, "data": {}}));
    made.status == 201 && driver.calls.is_empty()
}
