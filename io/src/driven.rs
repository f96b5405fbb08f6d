//! The machine under its lock, with its recording and its timer, and how long it was locked.

use steersman_core::machine::{Effect, Input, Machine};
use steersman_core::now::{Mono, Now};

use crate::metrics::TurnTimes;
use crate::record::Recorder;

pub(crate) struct Driven {
    pub(crate) machine: Machine,
    pub(crate) recorder: Option<Recorder>,
    /// When the timer task will next wake by itself.
    pub(crate) armed: Option<Mono>,
    pub(crate) times: TurnTimes,
}

impl Driven {
    /// Gives the machine an input, and returns its effects. A recording notes both.
    pub(crate) fn handle(&mut self, now: Now, input: Input) -> Vec<Effect> {
        let mut effects = Vec::with_capacity(4);
        if let Some(recorder) = &mut self.recorder {
            recorder.record(now, &input);
        }
        self.machine.handle(now, input, &mut effects);
        if let Some(recorder) = &mut self.recorder {
            recorder.record_effects(&effects);
        }
        effects
    }

    /// Notes when the machine wants to be woken. Returns true when the timer task sleeps longer than that. If it
    /// wakes earlier, it is left alone: an additional tick does no harm.
    pub(crate) fn rearm(&mut self, is_tick: bool) -> bool {
        let wake = self.machine.wake_at();
        if is_tick {
            self.armed = wake;
            return false;
        }
        let earlier = match (wake, self.armed) {
            (Some(wake), Some(armed)) => wake < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if earlier {
            self.armed = wake;
        }
        earlier
    }
}
