//! Metrics of the machine: how long it is locked, how long steps take, and what it keeps for watchers.

use std::sync::Arc;
use std::time::Duration;

use steersman_core::kinds::Kind;
use steersman_core::limits;
use steersman_core::machine::CollectionFigures;

use super::histogram::Histogram;
use super::text::MetricsWriter;

/// Upper bounds of the times of turns and steps, seconds.
static BOUNDS: &[f64] = &[
    0.000_001,
    0.000_002_5,
    0.000_005,
    0.000_01,
    0.000_025,
    0.000_05,
    0.000_1,
    0.000_25,
    0.000_5,
    0.001,
    0.002_5,
    0.005,
    0.01,
    0.025,
    0.1,
    0.5,
    2.5,
];

/// How long the machine was locked for each input, and how long the steps of requests took outside of the lock. It is
/// counted under the lock, where it costs no synchronization.
#[derive(Clone, Debug)]
pub(crate) struct TurnTimes {
    turns: Histogram,
    steps: Histogram,
}

impl Default for TurnTimes {
    fn default() -> Self {
        Self { turns: Histogram::new(BOUNDS), steps: Histogram::new(BOUNDS) }
    }
}

impl TurnTimes {
    pub(crate) fn turn(&mut self, took: Duration) {
        self.turns.observe(took);
    }

    pub(crate) fn step(&mut self, took: Duration) {
        self.steps.observe(took);
    }
}

pub(super) fn write(
    out: &mut MetricsWriter,
    times: &TurnTimes,
    collections: &[(Arc<Kind>, CollectionFigures)],
) {
    let name = "steersman_machine_turn_duration_seconds";
    out.head(name, "histogram", "Time that the machine was locked for one input.");
    out.histogram(name, &[], &times.turns);
    let name = "steersman_machine_step_duration_seconds";
    out.head(name, "histogram", "Time that a step of a request took while the machine was not locked.");
    out.histogram(name, &[], &times.steps);
    type Read = fn(&CollectionFigures) -> usize;
    let gauges: [(&str, &str, Read); 5] = [
        ("steersman_window_changes", "Recent changes that are kept for watches.", |of| of.window_changes),
        ("steersman_window_bytes", "Bytes that are kept only because of recent changes.", |of| {
            of.window_bytes
        }),
        ("steersman_watchers", "Watches that are open.", |of| of.watchers),
        (
            "steersman_watchers_behind",
            "Watches that are sent nothing until their clients have taken what was sent.",
            |of| of.watchers_behind,
        ),
        (
            "steersman_watch_frames_untaken",
            "Frames (events of one revision) that watches were sent and whose clients have not taken them yet.",
            |of| of.frames_untaken,
        ),
    ];
    for (name, help, read) in gauges {
        out.head(name, "gauge", help);
        for (kind, figures) in collections.iter().take(limits::METRIC_SERIES) {
            out.sample(name, &[("group", &kind.group), ("resource", &kind.plural)], read(figures));
        }
    }
}
