//! The service, driven by hand: answers, watches, faults, time, and that a seed means one run.

use super::{Cluster, ClusterBody, FaultClass, Interrupted};
use bytes::Bytes;
use core::time::Duration;
use http_body::{Body as _, Frame, SizeHint};
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use tower_service::Service as _;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A body of one piece.
struct Whole(Option<Bytes>);

impl http_body::Body for Whole {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

/// Polls until it is ready, at most so often; None when it is not.
fn drive<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Nobody));
    let mut context = Context::from_waker(&waker);
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

fn now<F: Future>(future: F) -> F::Output {
    drive(future, 100_000).expect("it is ready after many polls")
}

async fn call(
    cluster: &Cluster,
    method: &str,
    target: &str,
    body: &str,
) -> Result<(u16, ClusterBody), Interrupted> {
    let request = http::Request::builder().method(method).uri(target);
    let request = request.header("content-type", "application/json");
    let body = Whole(Some(Bytes::copy_from_slice(body.as_bytes())));
    let response = cluster.service().call(request.body(body).expect("a request")).await?;
    Ok((response.status().as_u16(), response.into_body()))
}

async fn piece(body: &mut ClusterBody) -> Option<Result<String, Interrupted>> {
    let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
    Some(
        frame.map(|frame| {
            String::from_utf8_lossy(&frame.into_data().expect("only data is sent")).into_owned()
        }),
    )
}

fn map(name: &str) -> String {
    format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)
}

fn calm(seed: u64) -> Cluster {
    Cluster::builder(seed).faults(&[]).start()
}

#[test]
fn a_request_is_answered_and_a_watch_delivers_later_changes() {
    let cluster = calm(1);
    let (status, mut watch) = now(call(&cluster, "GET", &format!("{MAPS}?watch=true"), "")).expect("a watch");
    assert_eq!(status, 200);
    let (status, mut created) = now(call(&cluster, "POST", MAPS, &map("one"))).expect("an answer");
    assert_eq!(status, 201);
    let created = now(piece(&mut created)).expect("a body").expect("a whole one");
    assert!(created.contains(r#""name":"one""#), "{created}");
    let event = now(async {
        loop {
            let event = piece(&mut watch).await.expect("the watch is open").expect("it is not cut");
            if event.contains(r#""name":"one""#) {
                return event;
            }
        }
    });
    assert!(event.starts_with(r#"{"type":"ADDED""#) && event.ends_with('\n'), "{event}");
    let (status, _) = now(call(&cluster, "GET", &format!("{MAPS}/two"), "")).expect("an answer");
    assert_eq!(status, 404);
    cluster.check().expect("all guarantees hold");
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let cluster = calm(1);
    let body = " ".repeat(steersman_core::limits::REQUEST_BODY_BYTES + 1);
    let (status, mut body) = now(call(&cluster, "POST", MAPS, &body)).expect("an answer");
    let refusal = now(piece(&mut body)).expect("a body").expect("a whole one");
    assert!(status == 413 && refusal.contains("\"Status\""), "{status} {refusal}");
}

#[test]
fn time_advances_by_itself_for_answers_but_not_for_idle_watches() {
    let cluster = calm(2);
    let (_, mut watch) =
        now(call(&cluster, "GET", &format!("{MAPS}?watch=true&timeoutSeconds=30"), "")).expect("a watch");
    let first = drive(async { while piece(&mut watch).await.is_some() {} }, 10_000);
    assert_eq!(first, None, "nothing ends the watch but time");
    let rested = cluster.elapsed();
    assert!(rested < Duration::from_secs(30), "{rested:?}");
    now(cluster.pass(Duration::from_secs(40)));
    assert_eq!(cluster.elapsed(), rested + Duration::from_secs(40));
    now(async { while piece(&mut watch).await.is_some() {} });
}

#[test]
fn a_seed_and_its_tape_give_the_same_run() {
    let play = |cluster: Cluster| {
        now(async {
            for number in 0..20 {
                let name = format!("map-{number}");
                let answer = call(&cluster, "POST", MAPS, &map(&name)).await;
                drop(answer);
                cluster.pass(Duration::from_millis(300)).await;
            }
        });
        cluster.check().expect("all guarantees hold");
        (cluster.digest(), cluster.elapsed(), cluster.tape())
    };
    let first = play(Cluster::from_seed(5));
    assert_eq!(play(Cluster::from_seed(5)), first);
    assert_eq!(play(Cluster::from_tape(&first.2)), first);
    assert_ne!(play(Cluster::from_seed(6)).0, first.0);
}

/// A reset before or after the effect is an error; a create that is tried again tells which it was.
#[test]
fn resets_lose_requests_and_answers() {
    let (mut lost_requests, mut lost_answers) = (0, 0);
    for seed in 0..8 {
        let cluster = Cluster::builder(seed).faults(&[FaultClass::Reset]).start();
        for number in 0..40 {
            let body = map(&format!("map-{number}"));
            let create = || now(call(&cluster, "POST", MAPS, &body)).map(|(status, _)| status);
            let mut was_reset = false;
            let status = loop {
                match create() {
                    Ok(status) => break status,
                    Err(Interrupted::ConnectionReset) => was_reset = true,
                    Err(other) => panic!("{other}: {}", cluster.report()),
                }
            };
            match (was_reset, status) {
                (true, 409) => lost_answers += 1,
                (true, _) => lost_requests += 1,
                (false, status) => assert_eq!(status, 201, "{}", cluster.report()),
            }
        }
        cluster.heal();
        for number in 100..140 {
            let answer = now(call(&cluster, "POST", MAPS, &map(&format!("map-{number}"))));
            assert_eq!(answer.expect("no faults are left").0, 201);
        }
        cluster.check().expect("all guarantees hold");
    }
    assert!(lost_requests > 0 && lost_answers > 0, "{lost_requests} {lost_answers}");
}

/// Requests of everything that the swarm draws, beside the simulator's own clients: what is asked from outside is
/// held against all guarantees.
#[test]
fn guarantees_are_checked_from_outside() {
    for seed in 0..4 {
        let cluster = Cluster::builder(seed).neighbours().start();
        now(async {
            for number in 0..30_u64 {
                let name = format!("outside-{}", number % 3);
                let path = format!("{MAPS}/{name}");
                let list = format!("{MAPS}?limit=2&labelSelector=app%3Dticket");
                let patch = r#"{"metadata":{"labels":{"app":"ticket"}}}"#;
                let answers = [
                    call(&cluster, "POST", MAPS, &map(&name)).await,
                    call(&cluster, "PUT", &path, &map(&name)).await,
                    call(&cluster, "GET", &path, "").await,
                    call(&cluster, "PATCH", &path, patch).await,
                    call(&cluster, "GET", &list, "").await,
                    call(&cluster, "GET", &format!("{MAPS}?resourceVersion=0"), "").await,
                    call(
                        &cluster,
                        "DELETE",
                        &path,
                        if number % 2 == 0 { r#"{"dryRun":["All"]}"# } else { "" },
                    )
                    .await,
                    call(&cluster, "GET", "/version", "").await,
                ];
                assert!(
                    answers.iter().all(|answer| !matches!(answer, Err(Interrupted::ClusterFailed))),
                    "{}",
                    cluster.report()
                );
            }
        });
        cluster.check().unwrap_or_else(|failure| panic!("{failure}"));
    }
}

/// A clock that leaps to the time that is slept until.
#[test]
fn the_cluster_keeps_the_pace_of_another_clock() {
    let cluster = calm(3);
    let free = calm(3);
    drop(free.keep_pace(|| Duration::ZERO, |_| std::future::pending()));
    let answer = now(call(&free, "GET", MAPS, ""));
    assert_eq!(answer.expect("time moves by itself again").0, 200);
    let clock = Rc::new(Cell::new(Duration::ZERO));
    let (read, leap) = (clock.clone(), clock.clone());
    let pace = cluster.keep_pace(
        move || read.get(),
        move |until| {
            let leap = leap.clone();
            let mut began = false;
            poll_fn(move |context| {
                if leap.get() >= until {
                    return Poll::Ready(());
                }
                // Whoever waits for the clock is asked again when all others wait.
                if std::mem::replace(&mut began, true) {
                    leap.set(until);
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
        },
    );
    let mut pace = pin!(pace);
    assert!(drive(call(&cluster, "GET", MAPS, ""), 1000).is_none(), "nothing moves but with the clock");
    let mut answer = pin!(call(&cluster, "GET", MAPS, ""));
    let both = poll_fn(|context| {
        assert!(pace.as_mut().poll(context).is_pending());
        answer.as_mut().poll(context)
    });
    assert_eq!(now(both).expect("an answer").0, 200);
    assert!(clock.get() > Duration::ZERO && cluster.elapsed() <= clock.get());
    let until = Duration::from_secs(5);
    let later = poll_fn(|context| {
        assert!(pace.as_mut().poll(context).is_pending());
        if clock.get() < until { Poll::Pending } else { Poll::Ready(()) }
    });
    now(later);
    assert!(drive(pace.as_mut(), 1).is_none());
    assert!(cluster.elapsed() >= until - Duration::from_millis(1));
}

/// A bug of the cluster's is found by what is asked from outside, and then nothing goes on.
#[cfg(feature = "museum")]
#[test]
fn a_bug_of_the_cluster_is_found_from_outside() {
    use crate::check::Guarantee;
    use crate::museum::Exhibit;
    let exhibit = Exhibit::from_name("inclusive-start").expect("it is there");
    let cluster = Cluster::builder(1).faults(&[]).exhibit(exhibit).start();
    let (_, mut created) = now(call(&cluster, "POST", MAPS, &map("one"))).expect("an answer");
    let created = now(piece(&mut created)).expect("a body").expect("a whole one");
    let version = created.split(r#""resourceVersion":""#).nth(1).and_then(|rest| rest.split('"').next());
    let target = format!("{MAPS}?watch=true&resourceVersion={}", version.expect("a version"));
    let told = now(async {
        let (_, mut watch) = call(&cluster, "GET", &target, "").await?;
        piece(&mut watch).await.expect("the watch says something")
    });
    assert_eq!(told, Err(Interrupted::ClusterFailed));
    let failure = cluster.check().expect_err("a guarantee does not hold");
    assert_eq!(failure.violation.guarantee, Guarantee::WatchesAreOrdered, "{failure}");
    assert!(failure.to_string().starts_with("Cluster::builder(1).faults(&[]).start()\n"), "{failure}");
}
