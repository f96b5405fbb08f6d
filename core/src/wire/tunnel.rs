//! The end of a tunnel, as data: what went through it, and why it ended.

use crate::value::Text;

/// A tunnel that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelEnd {
    pub why: TunnelStop,
    /// How many bytes the client has sent through it, and how many the other server.
    pub to_server: u64,
    pub to_client: u64,
}

/// Why a tunnel ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TunnelStop {
    /// Both sides had nothing more to say.
    Finished,
    /// Nothing went through it for too long.
    Idle,
    /// The machine has closed it.
    Closed,
    /// One side's connection broke.
    Broken(Text),
}
