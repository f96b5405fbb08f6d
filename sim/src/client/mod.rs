//! Clients as machines: they ask, are answered, and know what an answer may be.

mod reflector;
mod writer;

pub use reflector::Reflector;
pub use writer::Writer;

use crate::check::Violation;
use crate::choose::Chooser;
use crate::driver::Reply;
use crate::truth::Truth;
use steersman_core::store::Rev;

/// The namespace that all clients work in; every server makes it when it starts.
pub const NAMESPACE: &str = "default";
pub const PREFIX: &[u8] = b"/registry/configmaps/default/";
pub const PLACE: &str = "/api/v1/namespaces/default/configmaps";

/// A request that a client wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub method: &'static str,
    pub target: String,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    pub watch: bool,
}

/// What a client does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Ask(Ask),
    /// Do something after so many milliseconds.
    Sleep(u64),
    /// Nothing until something comes.
    Listen,
}

/// What a client may look at.
#[derive(Debug)]
pub struct Sight<'a> {
    pub chooser: &'a mut Chooser,
    pub truth: &'a Truth,
    /// The store's revision when the request was made.
    pub asked_at: Rev,
    /// Faults have ended: no more writes.
    pub calm: bool,
}

/// A client of the simulated servers.
#[derive(Clone, Debug)]
pub enum Client {
    Writer(Writer),
    Reflector(Reflector),
}

impl Client {
    /// Its sleep is over, or it starts.
    pub fn wake(&mut self, sight: &mut Sight<'_>) -> Next {
        match self {
            Self::Writer(writer) => writer.wake(sight),
            Self::Reflector(reflector) => reflector.wake(sight),
        }
    }

    /// Its request was answered; of a watch, that it has opened (or was refused).
    pub fn answered(&mut self, reply: &Reply, sight: &mut Sight<'_>) -> Result<Next, Violation> {
        match self {
            Self::Writer(writer) => writer.answered(reply, sight),
            Self::Reflector(reflector) => reflector.answered(reply, sight),
        }
    }

    /// Bytes of its watch.
    pub fn events(&mut self, bytes: &[u8], sight: &mut Sight<'_>) -> Result<Next, Violation> {
        match self {
            Self::Writer(_) => Ok(Next::Listen),
            Self::Reflector(reflector) => reflector.events(bytes, sight),
        }
    }

    /// The connection broke, or the watch ended.
    pub fn broken(&mut self, sight: &mut Sight<'_>) -> Next {
        match self {
            Self::Writer(writer) => writer.broken(sight),
            Self::Reflector(reflector) => reflector.broken(sight),
        }
    }

    /// At the end: whether all is as it should be.
    pub fn settled(&self, truth: &Truth) -> Result<(), Violation> {
        match self {
            Self::Writer(_) => Ok(()),
            Self::Reflector(reflector) => reflector.settled(truth),
        }
    }
}
