//! `Machine::handle`: the one match on inputs.

use super::{Config, Effect, Input, Reason};
use crate::kinds::Registry;
use crate::now::{Mono, Now};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The server. One value, driven by one caller at a time.
#[derive(Debug)]
pub struct Machine {}

impl Machine {
    pub fn new(_config: Config, _registry: Arc<Registry>) -> Self {
        todo!()
    }

    /// Takes one input and appends what is to be done. Never blocks, never fails.
    pub fn handle(&mut self, _now: Now, _input: Input, _out: &mut Vec<Effect>) {
        todo!()
    }

    /// When `Input::Tick` is next wanted, and why. Ticks at other times do no harm.
    pub fn wake_at(&self) -> Option<(Mono, Reason)> {
        todo!()
    }

    /// Asserts the invariants; cheap enough to run after every step of a simulation.
    pub fn check(&self) {
        todo!()
    }
}
