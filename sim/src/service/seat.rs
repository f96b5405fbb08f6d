//! Seats: each is a client of the world that makes one request from outside at a time. Answers and events wait in it
//! for the future that polls for them.

use crate::ask::Ask;
use crate::client::{Client, Next, Scene, WatchEvent};
use crate::driver::Reply;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// How many bytes of unread events may wait for one watch. Beyond: its connection breaks, as for any client that does
/// not read.
pub const UNREAD_BYTES_MAX: usize = 64 << 20;

/// What has come for a seat.
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
struct Place {
    ask: Option<Ask>,
    came: VecDeque<Came>,
    unread_bytes: usize,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct Room {
    /// By number of the client.
    places: BTreeMap<usize, Place>,
    free: BTreeSet<usize>,
    arrivals: u64,
}

/// All seats. The world's clients and the futures outside share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats {
    room: Arc<Mutex<Room>>,
}

impl Seats {
    fn room(&self) -> MutexGuard<'_, Room> {
        // A panic with the lock held leaves the state intact, since every change is a single step.
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free seat, the first of them.
    pub(super) fn take_free(&self) -> Option<usize> {
        self.room().free.pop_first()
    }

    /// What the client of a seat is to ask when it is woken.
    pub(super) fn put(&self, client: usize, ask: Ask) {
        self.room().places.insert(client, Place { ask: Some(ask), ..Place::default() });
    }

    /// The seat is free for the next request.
    pub(super) fn leave(&self, client: usize) {
        let mut room = self.room();
        let left = room.places.remove(&client);
        room.free.insert(client);
        // What its waker lets go of may want the room itself.
        drop(room);
        drop(left);
    }

    /// What came first; when nothing did, the waker is woken with what comes next.
    pub(super) fn next(&self, client: usize, waker: &Waker) -> Option<Came> {
        let mut room = self.room();
        let place = room.places.get_mut(&client)?;
        let came = place.came.pop_front();
        match &came {
            Some(Came::Events(bytes)) => place.unread_bytes -= bytes.len(),
            Some(Came::Answer(_) | Came::End | Came::Reset) => {}
            None => place.waker = Some(waker.clone()),
        }
        came
    }

    /// How often something came, for any seat.
    pub(super) fn arrivals(&self) -> u64 {
        self.room().arrivals
    }

    /// Wakes all waiting futures.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<Waker> =
            self.room().places.values_mut().filter_map(|place| place.waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Something arrives for a seat, if the seat is in use. False when too much is waiting there already.
    fn arrive(&self, client: usize, came: Came) -> bool {
        let mut room = self.room();
        room.arrivals += 1;
        let Some(place) = room.places.get_mut(&client) else { return true };
        if let Came::Events(bytes) = &came {
            if place.unread_bytes + bytes.len() > UNREAD_BYTES_MAX {
                return false;
            }
            place.unread_bytes += bytes.len();
        }
        place.came.push_back(came);
        let waker = place.waker.take();
        drop(room);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

/// The world's side of a seat.
#[derive(Debug)]
pub(super) struct Outside {
    seats: Seats,
}

impl Outside {
    pub(super) fn new(seats: &Seats) -> Self {
        Self { seats: seats.clone() }
    }
}

impl Client for Outside {
    fn kind(&self) -> &'static str {
        "outside"
    }

    fn wake(&mut self, scene: &mut Scene<'_>) -> Next {
        let place = scene.client as usize;
        let ask = self.seats.room().places.get_mut(&place).and_then(|place| place.ask.take());
        ask.map_or(Next::Listen, Next::from)
    }

    fn answered(&mut self, reply: &Reply, scene: &mut Scene<'_>) -> Next {
        self.seats.arrive(scene.client as usize, Came::Answer(Box::new(reply.clone())));
        Next::Listen
    }

    fn event(&mut self, event: &WatchEvent, scene: &mut Scene<'_>) -> Next {
        if self.seats.arrive(scene.client as usize, Came::Events(event.bytes.clone())) {
            return Next::Listen;
        }
        self.seats.arrive(scene.client as usize, Came::Reset);
        // It sleeps with nothing to ask: what was open is dropped.
        Next::Sleep(0)
    }

    fn broken(&mut self, scene: &mut Scene<'_>) -> Next {
        self.seats.arrive(scene.client as usize, Came::Reset);
        Next::Listen
    }

    fn ended(&mut self, scene: &mut Scene<'_>) -> Next {
        self.seats.arrive(scene.client as usize, Came::End);
        Next::Listen
    }
}
