//! Calls that a job makes to other servers: all at once, each heard in its place, and none for a job that has ended.

use bytes::Bytes;
use steersman_core::config::{Config, JobId};
use steersman_core::job::ProbeTask;
use steersman_core::limits;
use steersman_core::machine::Input;
use steersman_core::wire::{CallError, Called, Method, Outcall, Trust};
use steersman_sim::driver::{Driver, open_config};

const JOB: JobId = JobId(1 << 40);

pub(crate) fn call() -> Outcall {
    Outcall {
        host: "hook.test".into(),
        port: 443,
        trust: Trust::default(),
        method: Method::Post,
        target: "/admit".to_owned(),
        headers: Vec::new(),
        body: Bytes::from_static(b"{}"),
        timeout_millis: 10_000,
        attempts: 1,
        answer_bytes_max: 100,
    }
}

fn answer(length: usize) -> Result<Called, CallError> {
    Ok(Called { status: 200, headers: Vec::new(), body: Bytes::from(vec![b'x'; length]) })
}

#[test]
fn outcomes_are_heard_in_the_order_of_the_calls() {
    let mut driver = Driver::start(open_config(1));
    driver.give(Input::Probe(JOB, ProbeTask::Calls(vec![call(); 3])));
    assert_eq!(driver.calls.iter().map(|(_, index, _)| *index).collect::<Vec<_>>(), [0, 1, 2]);
    driver.give(Input::Called(JOB, 2, answer(3)));
    driver.give(Input::Called(JOB, 0, Err(CallError::TimedOut)));
    driver.give(Input::Called(JOB, 0, answer(9)));
    driver.give(Input::Called(JOB, 7, answer(9)));
    assert!(driver.take(JOB).is_none(), "one call is outstanding");
    driver.give(Input::Called(JOB, 1, Err(CallError::TooLarge)));
    let reply = driver.take(JOB).expect("all have an outcome");
    assert_eq!((reply.status, reply.text()), (200, "timed-out\ntoo-large\n200 3\n".to_owned()));
    driver.give(Input::Called(JOB, 1, answer(9)));
    assert_eq!(driver.machine().open_requests(), 0);
}

#[test]
fn calls_are_cancelled_when_the_client_leaves_or_the_time_is_over() {
    let mut driver = Driver::start(Config { request_timeout_millis: 5_000, ..open_config(1) });
    driver.give(Input::Probe(JOB, ProbeTask::Calls(vec![call(); 2])));
    driver.give(Input::Called(JOB, 0, answer(1)));
    driver.give(Input::Gone(JOB));
    assert_eq!((driver.calls.len(), driver.machine().open_requests()), (0, 0));
    driver.give(Input::Called(JOB, 1, answer(1)));
    let late = JobId(JOB.0 + 1);
    driver.give(Input::Probe(late, ProbeTask::Calls(vec![call(); 2])));
    driver.pass(5_001);
    assert_eq!(driver.take(late).expect("its time is over").status, 504);
    assert_eq!((driver.calls.len(), driver.machine().open_requests()), (0, 0));
}

#[test]
fn the_calls_of_a_step_are_bounded() {
    let mut driver = Driver::start(open_config(1));
    driver.give(Input::Probe(JOB, ProbeTask::Calls(vec![call(); limits::CALLS_OF_JOB + 1])));
    assert_eq!(driver.calls.len(), limits::CALLS_OF_JOB);
    for index in 0..limits::CALLS_OF_JOB as u32 {
        driver.give(Input::Called(JOB, index, answer(0)));
    }
    let reply = driver.take(JOB).expect("all have an outcome");
    assert!(reply.text().ends_with("200 0\nno-room\n"), "{}", reply.text());
    let none = JobId(JOB.0 + 1);
    driver.give(Input::Probe(none, ProbeTask::Calls(Vec::new())));
    assert_eq!(driver.take(none).expect("nothing to wait for").text(), "");
}
