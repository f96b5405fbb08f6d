//! Many seeds on several threads, with a line of progress.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use steersman_sim::marks::Mark;
use steersman_sim::tally::Tally;

/// Results that wait for the thread that adds them up.
const WAITING_MAX: usize = 64;
const REDRAW: Duration = Duration::from_millis(200);
/// The interval between two lines of progress when standard error is not a terminal.
const LINE: Duration = Duration::from_secs(60);

/// Which seeds, and when to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seeds {
    pub first: u64,
    pub count: u64,
    /// Stop after so long.
    pub limit: Option<Duration>,
    pub jobs: u64,
    /// Stop after so many hits.
    pub hits: usize,
}

/// Plays seeds until they are used up, time is over or enough of them hit; what they add up to, and the hits in
/// the order of their seeds.
pub(super) fn over<H: Send>(
    seeds: Seeds,
    play: impl Fn(u64) -> (Tally, Option<H>) + Sync,
    mut progress: impl FnMut(&Tally),
) -> (Tally, Vec<(u64, H)>) {
    let (began, next, stop) = (Instant::now(), AtomicU64::new(0), AtomicBool::new(false));
    let (mut tally, mut hits) = (Tally::default(), Vec::new());
    let goes_on = || !stop.load(Ordering::Relaxed) && seeds.limit.is_none_or(|limit| began.elapsed() < limit);
    let worker = |send: mpsc::SyncSender<(u64, (Tally, Option<H>))>| {
        while goes_on() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let seed = seeds.first.checked_add(index).filter(|_| index < seeds.count);
            let Some(seed) = seed else { break };
            if send.send((seed, play(seed))).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel(WAITING_MAX);
        for _ in 0..seeds.jobs.min(seeds.count).max(1) {
            let (send, worker) = (send.clone(), &worker);
            scope.spawn(move || worker(send));
        }
        drop(send);
        loop {
            match receive.recv_timeout(REDRAW) {
                Ok((seed, (run, hit))) => {
                    tally.add(&run);
                    hits.extend(hit.map(|hit| (seed, hit)));
                    if hits.len() >= seeds.hits {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            progress(&tally);
        }
    });
    hits.sort_by_key(|(seed, _)| *seed);
    (tally, hits)
}

/// A line of progress on standard error: redrawn on a terminal, one a minute elsewhere.
pub(super) struct Progress {
    began: Instant,
    drawn: Instant,
    every: Duration,
    terminal: bool,
}

impl Progress {
    pub(super) fn begin() -> Self {
        let (now, terminal) = (Instant::now(), std::io::stderr().is_terminal());
        Self { began: now, drawn: now, every: if terminal { REDRAW } else { LINE }, terminal }
    }

    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64().max(0.001)
    }

    pub(super) fn show(&mut self, tally: &Tally) {
        if self.drawn.elapsed() < self.every {
            return;
        }
        self.drawn = Instant::now();
        let line = line(tally, self.seconds());
        // An error is ignored, since there may be no reader any more.
        let _ = match self.terminal {
            true => write!(std::io::stderr(), "\r\x1b[K{line}"),
            false => writeln!(std::io::stderr(), "{line}"),
        };
    }

    /// Takes the line off the terminal.
    pub(super) fn end(&self) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// Tells a terminal how shrinking goes: choices that are left, and runs.
pub(super) fn shrinking() -> impl FnMut(usize, u64) {
    let mut drawn = None::<Instant>;
    let terminal = std::io::stderr().is_terminal();
    move |left, runs| {
        if terminal && drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAW) {
            drawn = Some(Instant::now());
            let _ = write!(std::io::stderr(), "\r\x1b[Kshrinking: {left} choices left after {runs} runs\r");
        }
    }
}

fn line(tally: &Tally, seconds: f64) -> String {
    format!(
        "{:.0} s: {} seeds, {:.1} seeds/s, {:.0} steps/s, {} failures, marks {} of {}",
        seconds,
        tally.seeds,
        tally.seeds as f64 / seconds,
        tally.steps as f64 / seconds,
        tally.failures,
        tally.reached(),
        Mark::ALL.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn every_seed_is_played_once_until_there_are_enough_hits() {
        let played = Mutex::new(Vec::new());
        let one = Tally { seeds: 1, steps: 2, ..Tally::default() };
        let play = |seed: u64| {
            played.lock().expect("nobody panics").push(seed);
            (one.clone(), (seed % 10 == 9).then_some("nine"))
        };
        let seeds = Seeds { first: 5, count: 30, limit: None, jobs: 3, hits: 100 };
        let (tally, hits) = over(seeds, play, |_| {});
        let mut all = std::mem::take(&mut *played.lock().expect("nobody panics"));
        all.sort_unstable();
        assert_eq!(all, (5..35).collect::<Vec<_>>());
        assert_eq!((tally.seeds, tally.steps), (30, 60));
        assert_eq!(hits, [(9, "nine"), (19, "nine"), (29, "nine")]);
        let (tally, hits) = over(Seeds { count: u64::MAX, jobs: 1, hits: 1, ..seeds }, play, |_| {});
        assert!(tally.seeds >= 5 && hits.first() == Some(&(9, "nine")));
        let (tally, _) = over(Seeds { limit: Some(Duration::ZERO), ..seeds }, play, |_| {});
        assert_eq!(tally.seeds, 0);
        let at_the_end = Seeds { first: u64::MAX, ..seeds };
        assert_eq!(over(at_the_end, play, |_| {}).0.seeds, 1);
    }
}
