//! A candidate in a leader election. It takes a Lease that its holder no longer renews, and renews it while it leads.
//! k8s: staging/src/k8s.io/client-go/tools/leaderelection/leaderelection.go

use super::{Client, ClientContext, Next, reading};
use crate::check::{Guarantee, Violation};
use crate::client_request::ClientRequest;
use crate::directory::{Directory, Place};
use crate::driver::Reply;
use crate::marks::Mark;
use steersman_core::codec::json;
use steersman_core::now::{Mono, Wall};
use steersman_core::store::Rev;
use steersman_core::value::{Text, Value, object};

const LEASE_SECONDS: i64 = 4;
const RETRY_MILLIS: u64 = 1000;
/// Longer than the lease, so that a leader that sleeps for this long is replaced.
const ABSENT_MILLIS: u64 = 7000;
/// The start of electors' own clocks. Its value does not matter, since no client compares the times in the lease.
const EPOCH: Wall = Wall::from_seconds(1_700_000_000);

/// One of several clients that elect a leader.
#[derive(Clone, Debug)]
pub(super) struct Elector {
    identity: Text,
    place: Place,
    state: State,
    /// The lease's revision when it was last seen, and when that was first seen. The lease's age is measured by the
    /// client's own clock from then on.
    observed: Option<(Rev, Mono)>,
    term: Option<(i64, Text)>,
    /// The lease as the client stored it; None if another client may have changed it.
    lease: Option<Value>,
    /// The client's last request succeeded.
    well: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Reading,
    Creating,
    /// Updates the lease that it holds without reading it first.
    Renewing,
    /// Updates the lease, either its own or another holder's.
    Putting {
        takes: bool,
    },
}

impl Elector {
    pub(super) fn new(directory: &Directory, number: u64) -> Self {
        let leases = directory.find("coordination.k8s.io", "v1", "leases");
        Self {
            identity: format!("elector-{number}").into(),
            place: Place::collection(leases, "kube-system").named("leader"),
            state: State::Idle,
            observed: None,
            term: None,
            lease: None,
            well: false,
        }
    }

    fn get(&mut self) -> Next {
        self.lease = None;
        self.state = State::Reading;
        ClientRequest::get(&self.place).into()
    }

    /// A leader that stored its lease a short while ago updates it without reading it.
    fn renew(&mut self, now: Mono) -> Option<Next> {
        let (_, since) = self.observed?;
        let mut lease = self.lease.take().filter(|_| self.term.is_some() && is_fresh(since, now))?;
        lease.set_at(&["spec", "renewTime"], clock(now).into());
        self.state = State::Renewing;
        Some(ClientRequest::update(&self.place, json::to_vec(&lease)).into())
    }

    fn create(&mut self, context: &ClientContext<'_>) -> Next {
        self.state = State::Creating;
        self.term = None;
        let now = clock(context.now);
        let body = format!(
            r#"{{"metadata":{{"name":"leader"}},"spec":{{"holderIdentity":"{}","leaseDurationSeconds":{LEASE_SECONDS},"leaseTransitions":0,"acquireTime":"{now}","renewTime":"{now}"}}}}"#,
            self.identity
        );
        ClientRequest::create(&self.place.named(""), body).into()
    }

    /// The lease was read. It is renewed, taken over, or left to its holder.
    fn read(&mut self, mut lease: Value, context: &mut ClientContext<'_>) -> Next {
        let revision = reading::revision(&lease);
        let since = match self.observed {
            Some((seen, since)) if seen == revision => since,
            Some(_) | None => context.now,
        };
        self.observed = Some((revision, since));
        self.well = true;
        let is_own = lease.text_at(&["spec", "holderIdentity"]) == self.identity;
        if !is_own {
            self.term = None;
        }
        if !is_own && is_fresh(since, context.now) {
            return self.rest();
        }
        let now = Value::from(clock(context.now));
        if !is_own {
            let transitions = transitions(&lease) + 1;
            lease.set_at(&["spec", "holderIdentity"], self.identity.clone().into());
            lease.set_at(&["spec", "leaseTransitions"], Value::Int(transitions));
            lease.set_at(&["spec", "leaseDurationSeconds"], Value::Int(LEASE_SECONDS));
            lease.set_at(&["spec", "acquireTime"], now.clone());
        }
        lease.set_at(&["spec", "renewTime"], now);
        self.state = State::Putting { takes: !is_own };
        ClientRequest::update(&self.place, json::to_vec(&lease)).into()
    }

    /// The client's update of the lease succeeded.
    fn held(&mut self, lease: &Value, context: &ClientContext<'_>) {
        self.well = true;
        self.observed = Some((reading::revision(lease), context.now));
        self.term = Some((transitions(lease), object::uid(lease).into()));
        self.lease = Some(lease.clone());
    }

    fn rest(&mut self) -> Next {
        self.state = State::Idle;
        Next::Sleep(RETRY_MILLIS)
    }
}

fn transitions(lease: &Value) -> i64 {
    lease.at(&["spec", "leaseTransitions"]).and_then(Value::as_int).unwrap_or(0)
}

/// Whether a lease that was first seen at `since` has not expired.
fn is_fresh(since: Mono, now: Mono) -> bool {
    now.micros_since(since) < LEASE_SECONDS as u64 * 1_000_000
}

fn clock(now: Mono) -> String {
    Wall(EPOCH.0.saturating_add_unsigned(now.0)).rfc3339_micro()
}

impl Client for Elector {
    fn kind(&self) -> &'static str {
        "elector"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        if context.pick(6) == 0 && !context.calm {
            return Next::Sleep(ABSENT_MILLIS);
        }
        self.renew(context.now).unwrap_or_else(|| self.get())
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        self.well = false;
        match (self.state, reply.status) {
            (State::Reading, 200) => return self.read(reading::body(reply), context),
            (State::Reading, 404) => return self.create(context),
            (State::Creating, 201) => self.held(&reading::body(reply), context),
            (State::Putting { takes }, 200) => {
                self.held(&reading::body(reply), context);
                if takes {
                    context.mark(Mark::LeadershipTaken);
                }
            }
            (State::Renewing, 200) => self.held(&reading::body(reply), context),
            (State::Renewing, _) => return self.get(),
            (State::Idle | State::Reading | State::Creating | State::Putting { .. }, _) => {}
        }
        self.rest()
    }

    fn broken(&mut self, _: &mut ClientContext<'_>) -> Next {
        self.well = false;
        if self.state == State::Renewing { self.get() } else { self.rest() }
    }

    fn leads(&self) -> Option<(i64, Text)> {
        self.term.clone()
    }

    /// At the end the lease has a holder, and this client has seen it or is about to.
    fn settled(&self, context: &ClientContext<'_>) -> Result<(), Violation> {
        let holder =
            context.held(&self.place).map_or("", |held| held.object.text_at(&["spec", "holderIdentity"]));
        if self.well && !holder.is_empty() {
            return Ok(());
        }
        let detail = format!("{}: the lease is held by {holder:?}, its last try failed", self.identity);
        Err(Violation::new(Guarantee::EverybodyConverges, detail))
    }
}
