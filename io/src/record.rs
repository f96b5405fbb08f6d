//! `--record FILE`: everything that the machine is told, written by a thread of its own.
//!
//! The file holds what clients sent, their credentials too; only its owner may read it.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;

use steersman_core::machine::text::{BROKEN, HEADING, write_config, write_input};
use steersman_core::machine::{Config, Input};
use steersman_core::now::Now;

/// Lines that wait for the disk. When more do, the recording ends and says that it is broken: the
/// server does not wait for it.
const QUEUE_LINES: usize = 16_384;

/// A recording under way.
#[derive(Debug)]
pub struct Recorder {
    /// None after the recording broke.
    lines: Option<SyncSender<String>>,
    writer: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Begins a file, in the place of one that is there.
    pub fn create(path: &Path, config: &Config) -> std::io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let (lines, receiver) = sync_channel(QUEUE_LINES);
        let mut heading = format!("{HEADING}\n");
        write_config(config, &mut heading);
        let writer = std::thread::Builder::new().name("recorder".into()).spawn(move || {
            if let Err(error) = write(file, &heading, &receiver) {
                tracing::error!(%error, "the recording is broken");
            }
        })?;
        Ok(Self { lines: Some(lines), writer: Some(writer) })
    }

    /// Notes one input, in the order in which the machine takes them.
    pub(crate) fn record(&mut self, now: Now, input: &Input) {
        let Some(lines) = &self.lines else { return };
        let mut line = String::new();
        write_input(now, input, &mut line);
        match lines.try_send(line) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                tracing::error!("the recording is broken: the disk did not keep up");
                // The writer finds the end of the queue without the mark of a whole recording.
                self.lines = None;
            }
            Err(TrySendError::Disconnected(_)) => self.lines = None,
        }
    }

    /// Writes out what waits, and ends the file.
    pub(crate) fn finish(mut self) {
        if let Some(lines) = self.lines.take() {
            // An empty line is no input: it tells the writer that nothing was lost.
            let _ = lines.send(String::new());
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write(file: File, heading: &str, lines: &Receiver<String>) -> std::io::Result<()> {
    let mut file = BufWriter::new(file);
    writeln!(file, "{heading}")?;
    loop {
        let line = match lines.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Empty) => {
                file.flush()?;
                match lines.recv() {
                    Ok(line) => line,
                    Err(_) => break,
                }
            }
            Err(TryRecvError::Disconnected) => break,
        };
        if line.is_empty() {
            return file.flush();
        }
        writeln!(file, "{line}")?;
    }
    writeln!(file, "{BROKEN}")?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use steersman_core::machine::JobId;
    use steersman_core::machine::text::{Recorded, parse_config, parse_input};

    #[test]
    fn a_recording_can_be_read_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("recording");
        let mut line = String::from("config / 1 a b c d 1 named 0 allow 0 0 0 0 0 0 0 - 0 -");
        let config = parse_config(&line).expect("a configuration");
        for (is_whole, last) in [(true, "0 0 gone 9"), (false, BROKEN)] {
            let mut recorder = Recorder::create(&path, &config).expect("a file");
            (0..10).for_each(|id| recorder.record(Now::default(), &Input::Gone(JobId(id))));
            if !is_whole {
                recorder.lines = None;
            }
            recorder.finish();
            let text = std::fs::read_to_string(&path).expect("a file");
            let lines: Vec<&str> = text.lines().collect();
            line.clear();
            write_config(&config, &mut line);
            assert_eq!(lines[..2], [HEADING, &line]);
            assert_eq!(lines.last(), Some(&last));
            let read = parse_input(lines[11]).expect("an input").1;
            assert!(matches!(read, Recorded::Input(Input::Gone(JobId(9)))), "{read:?}");
        }
    }
}
