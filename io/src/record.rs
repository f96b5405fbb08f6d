//! `--record FILE`: everything that the machine is told, written by a thread of its own.
//!
//! The file holds what clients sent, their credentials too; only its owner may read it. Its last line holds a
//! digest of the effects, with which a replay compares its own.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;

use steersman_core::http::Response;
use steersman_core::machine::text::{BROKEN, Digests, HEADING, write_config, write_effect, write_input};
use steersman_core::machine::{Config, Effect, Input, JobId};
use steersman_core::now::Now;

/// Inputs, and effects of inputs, that wait for the disk. When more do, the recording ends and says that it is
/// broken: the server does not wait for it.
const QUEUE: usize = 16_384;

/// What the writer is told.
#[derive(Debug)]
enum Entry {
    Input(String),
    /// What followed from the input before.
    Effects(Vec<Told>),
    /// Nothing was lost.
    End,
}

/// An effect as the writer is told of it.
#[derive(Debug)]
enum Told {
    Line(String),
    /// A list may be long: it is the writer that renders it.
    Response(JobId, Response),
}

/// A recording under way.
#[derive(Debug)]
pub struct Recorder {
    /// None after the recording broke.
    entries: Option<SyncSender<Entry>>,
    writer: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Begins a file, in the place of one that is there.
    pub fn create(path: &Path, config: &Config) -> std::io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let (entries, receiver) = sync_channel(QUEUE);
        let mut configuration = String::new();
        write_config(config, &mut configuration);
        let writer = std::thread::Builder::new().name("recorder".into()).spawn(move || {
            if let Err(error) = write(file, &configuration, &receiver) {
                tracing::error!(%error, "the recording is broken");
            }
        })?;
        Ok(Self { entries: Some(entries), writer: Some(writer) })
    }

    /// Notes one input, in the order in which the machine takes them; before it takes it, for the recording of
    /// a machine that panics to hold what it panicked at.
    pub(crate) fn record(&mut self, now: Now, input: &Input) {
        if self.entries.is_some() {
            let mut line = String::new();
            write_input(now, input, &mut line);
            self.send(Entry::Input(line));
        }
    }

    /// Notes what followed from the input that was noted last.
    pub(crate) fn record_effects(&mut self, effects: &[Effect]) {
        if self.entries.is_some() && !effects.is_empty() {
            self.send(Entry::Effects(effects.iter().map(Told::of).collect()));
        }
    }

    fn send(&mut self, entry: Entry) {
        let Some(entries) = &self.entries else { return };
        match entries.try_send(entry) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                tracing::error!("the recording is broken: the disk did not keep up");
                // The writer finds the end of the queue without the mark of a whole recording.
                self.entries = None;
            }
            Err(TrySendError::Disconnected(_)) => self.entries = None,
        }
    }

    /// Writes out what waits, and ends the file.
    pub(crate) fn finish(mut self) {
        if let Some(entries) = self.entries.take() {
            let _ = entries.send(Entry::End);
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Told {
    fn of(effect: &Effect) -> Self {
        if let Effect::Respond(id, response) = effect {
            return Self::Response(*id, response.clone());
        }
        let mut line = String::new();
        write_effect(effect, &mut line);
        Self::Line(line)
    }

    fn line(self) -> String {
        match self {
            Self::Line(line) => line,
            Self::Response(id, response) => {
                let mut line = String::new();
                write_effect(&Effect::Respond(id, response), &mut line);
                line
            }
        }
    }
}

fn write(file: File, configuration: &str, entries: &Receiver<Entry>) -> std::io::Result<()> {
    let mut file = BufWriter::new(file);
    let mut digests = Digests::default();
    for line in [HEADING, configuration] {
        writeln!(file, "{line}")?;
        digests.add_input(line);
    }
    loop {
        let entry = match entries.try_recv() {
            Ok(entry) => entry,
            Err(TryRecvError::Empty) => {
                file.flush()?;
                match entries.recv() {
                    Ok(entry) => entry,
                    Err(_) => break,
                }
            }
            Err(TryRecvError::Disconnected) => break,
        };
        match entry {
            Entry::Input(line) => {
                writeln!(file, "{line}")?;
                digests.add_input(&line);
            }
            Entry::Effects(effects) => {
                effects.into_iter().for_each(|effect| digests.add_effect(&effect.line()));
            }
            Entry::End => {
                writeln!(file, "{}", digests.line())?;
                return file.flush();
            }
        }
    }
    writeln!(file, "{BROKEN}")?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_core::machine::text::{Recorded, parse_config, parse_input};

    #[test]
    fn a_recording_can_be_read_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("recording");
        let mut line = String::from("config / 1 a b c d 1 named 0 allow 0 0 0 0 0 0 0 - 0 -");
        let config = parse_config(&line).expect("a configuration");
        for is_whole in [true, false] {
            let mut recorder = Recorder::create(&path, &config).expect("a file");
            for id in 0..10 {
                recorder.record(Now::default(), &Input::Gone(JobId(id)));
                recorder.record_effects(&[Effect::Close(JobId(id)), Effect::Close(JobId(id))]);
            }
            if !is_whole {
                recorder.entries = None;
            }
            recorder.finish();
            let text = std::fs::read_to_string(&path).expect("a file");
            let lines: Vec<&str> = text.lines().collect();
            line.clear();
            write_config(&config, &mut line);
            assert_eq!(lines[..2], [HEADING, &line]);
            assert_eq!(lines.len(), 13);
            let read = parse_input(lines[11]).expect("an input").1;
            assert!(matches!(read, Recorded::Input(Input::Gone(JobId(9)))), "{read:?}");
            if !is_whole {
                assert_eq!(lines[12], BROKEN);
                continue;
            }
            let mut digests = Digests::default();
            lines[..12].iter().for_each(|line| digests.add_input(line));
            for id in 0..10 {
                (0..2).for_each(|_| digests.add_effect(&format!(" close {id}")));
            }
            assert_eq!(Digests::parse(lines[12]), Some(digests));
        }
    }
}
