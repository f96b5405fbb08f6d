//! Where requests from outside meet the testbed: each is made by an outside client, one at a time. Answers and events
//! wait here for the future that polls for them.

use crate::client::{Client, ClientContext, Next, WatchEvent};
use crate::client_request::ClientRequest;
use crate::driver::Reply;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// How many bytes of unread events may wait for one watch. Beyond: its connection breaks, as for any client that does
/// not read.
pub const UNREAD_BYTES_MAX: usize = 64 << 20;

/// What has come for an outside client.
#[derive(Debug)]
pub(super) enum Came {
    Answer(Box<Reply>),
    Events(Bytes),
    /// The server has ended the watch.
    End,
    /// The connection broke.
    Reset,
}

/// One request: to be asked, then under way.
#[derive(Debug, Default)]
struct OutsideRequest {
    ask: Option<ClientRequest>,
    came: VecDeque<Came>,
    unread_bytes: usize,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct GatewayState {
    /// By number of the client.
    requests: BTreeMap<usize, OutsideRequest>,
    free: BTreeSet<usize>,
    arrivals: u64,
}

/// All outside clients. Those in the testbed and the futures outside share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Gateway {
    state: Arc<Mutex<GatewayState>>,
}

impl Gateway {
    fn state(&self) -> MutexGuard<'_, GatewayState> {
        // A panic with the lock held leaves the state intact, since every change is a single step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client without a request, the first of them.
    pub(super) fn take_free(&self) -> Option<usize> {
        self.state().free.pop_first()
    }

    /// What a client is to ask when it is woken.
    pub(super) fn put(&self, client: usize, ask: ClientRequest) {
        self.state().requests.insert(client, OutsideRequest { ask: Some(ask), ..OutsideRequest::default() });
    }

    /// The client is free for the next request.
    pub(super) fn leave(&self, client: usize) {
        let mut state = self.state();
        let left = state.requests.remove(&client);
        state.free.insert(client);
        // What its waker lets go of may want the lock itself.
        drop(state);
        drop(left);
    }

    /// What came first; when nothing did, the waker is woken with what comes next.
    pub(super) fn next(&self, client: usize, waker: &Waker) -> Option<Came> {
        let mut state = self.state();
        let request = state.requests.get_mut(&client)?;
        let came = request.came.pop_front();
        match &came {
            Some(Came::Events(bytes)) => request.unread_bytes -= bytes.len(),
            Some(Came::Answer(_) | Came::End | Came::Reset) => {}
            None => request.waker = Some(waker.clone()),
        }
        came
    }

    /// How often something came, for any client.
    pub(super) fn arrivals(&self) -> u64 {
        self.state().arrivals
    }

    /// Wakes all waiting futures.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<Waker> =
            self.state().requests.values_mut().filter_map(|request| request.waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Something arrives for a client, if it has a request. False when too much is waiting there already.
    fn arrive(&self, client: usize, came: Came) -> bool {
        let mut state = self.state();
        state.arrivals += 1;
        let Some(request) = state.requests.get_mut(&client) else { return true };
        if let Came::Events(bytes) = &came {
            if request.unread_bytes + bytes.len() > UNREAD_BYTES_MAX {
                return false;
            }
            request.unread_bytes += bytes.len();
        }
        request.came.push_back(came);
        let waker = request.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

/// The testbed's side of an outside client.
#[derive(Debug)]
pub(super) struct Outside {
    gateway: Gateway,
}

impl Outside {
    pub(super) fn new(gateway: &Gateway) -> Self {
        Self { gateway: gateway.clone() }
    }
}

impl Client for Outside {
    fn kind(&self) -> &'static str {
        "outside"
    }

    fn wake(&mut self, context: &mut ClientContext<'_>) -> Next {
        let client = context.client as usize;
        let ask = self.gateway.state().requests.get_mut(&client).and_then(|request| request.ask.take());
        ask.map_or(Next::Listen, Next::from)
    }

    fn answered(&mut self, reply: &Reply, context: &mut ClientContext<'_>) -> Next {
        self.gateway.arrive(context.client as usize, Came::Answer(Box::new(reply.clone())));
        Next::Listen
    }

    fn event(&mut self, event: &WatchEvent, context: &mut ClientContext<'_>) -> Next {
        if self.gateway.arrive(context.client as usize, Came::Events(event.bytes.clone())) {
            return Next::Listen;
        }
        self.gateway.arrive(context.client as usize, Came::Reset);
        // It sleeps with nothing to ask: what was open is dropped.
        Next::Sleep(0)
    }

    fn broken(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.gateway.arrive(context.client as usize, Came::Reset);
        Next::Listen
    }

    fn ended(&mut self, context: &mut ClientContext<'_>) -> Next {
        self.gateway.arrive(context.client as usize, Came::End);
        Next::Listen
    }
}
