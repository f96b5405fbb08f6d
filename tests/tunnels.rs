//! Connections that become tunnels: only after the other server has agreed, only so many, and only until one of the
//! sides or the server itself ends them.

use bytes::Bytes;
use steersman_core::config::{Config, JobId};
use steersman_core::job::ProbeTask;
use steersman_core::limits::{self, Bounds};
use steersman_core::machine::{Drain, Input};
use steersman_core::wire::{CallError, Called, Outcall, TunnelEnd, TunnelStop};
use steersman_sim::driver::{Driver, Reply, open_config};

const JOB: JobId = JobId(1 << 40);

fn upgrading() -> Outcall {
    let headers =
        vec![("connection".into(), "keep-alive, Upgrade".to_owned()), ("upgrade".into(), "x".to_owned())];
    Outcall { headers, ..crate::outcalls::call() }
}

fn answer(status: u16) -> Result<Called, CallError> {
    let headers = vec![("upgrade".into(), "x".to_owned()), ("content-length".into(), "1".to_owned())];
    Ok(Called { status, headers, body: Bytes::from_static(b"!") })
}

fn end() -> TunnelEnd {
    TunnelEnd { why: TunnelStop::Finished, to_server: 1, to_client: 2 }
}

/// Begins a probe that dials.
fn dial(driver: &mut Driver, id: JobId) {
    driver.give(Input::Probe(id, ProbeTask::Tunnel(Box::new(upgrading()))));
    assert_eq!(driver.calls.pop(), Some((id, 0, upgrading())));
}

/// Begins a probe that becomes a tunnel.
fn open(driver: &mut Driver, id: JobId) {
    dial(driver, id);
    driver.give(Input::Called(id, 0, answer(101)));
    assert_eq!(driver.take(id).expect("the other server has agreed").status, 101);
}

#[test]
fn the_other_server_decides_what_the_client_is_told() {
    let backend = "error dialing backend: ";
    let cases = [
        (answer(101), 101, String::new()),
        (answer(403), 403, "!".to_owned()),
        (answer(200), 500, "invalid upgrade response: status code 200".to_owned()),
        (Err(CallError::TimedOut), 500, format!("{backend}dial tcp hook.test:443: i/o timeout")),
        (Err(CallError::Refused("connection refused".into())), 500, format!("{backend}connection refused")),
    ];
    for (outcome, status, told) in cases {
        let mut driver = Driver::start(open_config(1));
        dial(&mut driver, JOB);
        driver.give(Input::Called(JOB, 0, outcome.clone()));
        let reply: Reply = driver.take(JOB).expect("an answer");
        assert_eq!(
            (reply.status, reply.text().contains(&told)),
            (status, true),
            "{outcome:?}: {}",
            reply.text()
        );
        assert_eq!(reply.header("upgrade").is_some(), status < 500, "{outcome:?}");
        assert_eq!(reply.header("content-length").is_some(), status == 101, "{outcome:?}");
        assert_eq!(driver.machine().open_requests(), usize::from(status == 101), "{outcome:?}");
    }
}

#[test]
fn a_request_that_asks_for_no_other_protocol_is_refused() {
    let mut driver = Driver::start(open_config(1));
    driver.give(Input::Probe(JOB, ProbeTask::Tunnel(Box::new(crate::outcalls::call()))));
    let reply = driver.take(JOB).expect("nobody is asked");
    assert_eq!((reply.status, driver.calls.len()), (400, 0));
    assert_eq!(reply.value().text_at(&["message"]), "Upgrade request required");
}

#[test]
fn a_tunnel_has_no_deadline_and_ends_with_either_side_or_with_the_server() {
    let mut driver = Driver::start(Config { request_timeout_millis: 5_000, ..open_config(1) });
    let ids: Vec<JobId> = (0..4).map(|number| JobId(JOB.0 + number)).collect();
    ids[..3].iter().for_each(|id| open(&mut driver, *id));
    driver.pass(60_000);
    assert_eq!(driver.machine().open_requests(), 3, "tunnels have no deadline");
    driver.give(Input::TunnelEnded(ids[0], end()));
    driver.give(Input::Gone(ids[1]));
    assert_eq!(driver.machine().open_requests(), 1);
    dial(&mut driver, ids[3]);
    driver.give(Input::Drain(Drain::default()));
    assert_eq!(driver.machine().open_requests(), 1, "the server has closed the tunnel, and is dialing");
    driver.give(Input::TunnelEnded(ids[2], end()));
    driver.give(Input::Called(ids[3], 0, answer(101)));
    assert_eq!(driver.take(ids[3]).expect("an answer").status, 503, "no tunnel begins while the server ends");
    assert_eq!(driver.machine().open_requests(), 0);
}

#[test]
fn nobody_goes_on_dialing_for_a_client_that_has_left() {
    let mut driver = Driver::start(open_config(1));
    driver.give(Input::Probe(JOB, ProbeTask::Tunnel(Box::new(upgrading()))));
    driver.give(Input::Gone(JOB));
    assert_eq!((driver.calls.len(), driver.machine().open_requests()), (0, 0));
    driver.give(Input::Called(JOB, 0, answer(101)));
    assert!(driver.take(JOB).is_none(), "nobody is there to be answered");
}

#[test]
fn the_number_of_tunnels_is_bounded() {
    // Each server has a part of the room.
    let bounds = Bounds { tunnels: 2 * limits::TUNNEL_SERVERS, ..Bounds::PRODUCTION };
    let mut driver = Driver::start(Config { bounds, ..open_config(1) });
    let [first, second, third] = [0, 1, 2].map(|number| JobId(JOB.0 + number));
    open(&mut driver, first);
    dial(&mut driver, second);
    driver.give(Input::Probe(third, ProbeTask::Tunnel(Box::new(upgrading()))));
    assert_eq!(driver.take(third).expect("there is no room").status, 429);
    driver.give(Input::Called(second, 0, Err(CallError::TimedOut)));
    assert_eq!(driver.take(second).expect("an answer").status, 500);
    open(&mut driver, JobId(JOB.0 + 3));
}
