//! What may go wrong in a run: each seed switches classes of faults on and off and draws how bad they are.

use crate::choose::{Chooser, Ratio};
use std::fmt;

/// The faults and limits of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    pub servers: u64,
    pub writers: u64,
    pub reflectors: u64,
    /// Longest delay of a message, milliseconds.
    pub delay_millis: u64,
    /// A request's connection is reset before it arrives, or after its effect.
    pub reset: Ratio,
    /// A write's reply from etcd is lost, before or after its effect.
    pub lost_write: Ratio,
    /// A server crashes and starts again.
    pub crash: Ratio,
    /// The store compacts its history.
    pub compaction: Ratio,
    /// A server's watch on the store breaks.
    pub broken_feed: Ratio,
    /// A client's watch is cut.
    pub cut_watch: Ratio,
    /// A reader stops reading for a while.
    pub slow_reader: Ratio,
}

/// One class of faults is on in so many of the seeds.
const CLASS_ON: Ratio = Ratio::new(2, 3);

impl Faults {
    /// Draws the classes and how bad they are.
    pub fn draw(chooser: &mut Chooser) -> Self {
        let mut class = |name: &str, worst: u32| {
            let on = chooser.chance(name, CLASS_ON);
            if on {
                Ratio::new(1, worst + chooser.pick(name, u64::from(worst) * 4) as u32)
            } else {
                Ratio::NEVER
            }
        };
        let reset = class("faults/reset", 10);
        let lost_write = class("faults/lost-write", 8);
        let crash = class("faults/crash", 60);
        let compaction = class("faults/compaction", 30);
        let broken_feed = class("faults/broken-feed", 40);
        let cut_watch = class("faults/cut-watch", 20);
        let slow_reader = class("faults/slow-reader", 20);
        Self {
            servers: chooser.between("shape/servers", 1, 3),
            writers: chooser.between("shape/writers", 1, 4),
            reflectors: chooser.between("shape/reflectors", 1, 4),
            delay_millis: [1, 5, 50, 500][chooser.pick("shape/delay", 4) as usize],
            reset,
            lost_write,
            crash,
            compaction,
            broken_feed,
            cut_watch,
            slow_reader,
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "servers={} writers={} reflectors={}", self.servers, self.writers, self.reflectors)?;
        write!(out, " delay<={}ms", self.delay_millis)?;
        let classes = [
            ("reset", self.reset),
            ("lost-write", self.lost_write),
            ("crash", self.crash),
            ("compaction", self.compaction),
            ("broken-feed", self.broken_feed),
            ("cut-watch", self.cut_watch),
            ("slow-reader", self.slow_reader),
        ];
        for (name, ratio) in classes {
            if ratio.numerator > 0 {
                write!(out, " {name}={}/{}", ratio.numerator, ratio.denominator)?;
            }
        }
        Ok(())
    }
}
