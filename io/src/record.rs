//! `--record FILE`: writes all inputs of the machine to a file, on a thread of its own.
//!
//! The file holds what clients sent, their credentials too, so only its owner may read it. Its last line holds
//! digests of the inputs and effects, which a replay compares with its own.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread::JoinHandle;

use steersman_core::answer::Frame;
use steersman_core::answer::{Body, Response};
use steersman_core::config::{Config, JobId};
use steersman_core::limits;
use steersman_core::machine::text::{BROKEN, Digests, HEADING, write_config, write_effect, write_input};
use steersman_core::machine::{Effect, Input};
use steersman_core::now::Now;

use crate::private;

/// How many inputs, and effects of inputs, may wait for the disk. With more, or with more than
/// `limits::RECORDING_QUEUE_BYTES`, the recording ends and is marked as broken, because the server must not wait for
/// it.
const QUEUE: usize = 16_384;

/// Roughly what an entry takes beside its bytes.
const ENTRY_BYTES: usize = 256;

/// Limits of a recording's size.
#[derive(Clone, Copy, Debug)]
struct Room {
    queue_bytes: usize,
    file_bytes: u64,
}

const ROOM: Room = Room { queue_bytes: limits::RECORDING_QUEUE_BYTES, file_bytes: limits::RECORDING_BYTES };

/// An entry for the writer.
#[derive(Debug)]
enum Entry {
    Input(String),
    /// The effects of the input before.
    Effects(Vec<Told>),
    /// The recording is complete.
    End,
}

impl Entry {
    /// Roughly how many bytes the entry holds in memory.
    fn bytes(&self) -> usize {
        let bytes = match self {
            Self::Input(line) => line.len(),
            Self::Effects(effects) => effects.iter().map(Told::bytes).sum(),
            Self::End => 0,
        };
        ENTRY_BYTES.saturating_add(bytes)
    }
}

/// An effect as it is passed to the writer.
#[derive(Debug)]
enum Told {
    Line(String),
    /// A response or a frame. The writer renders it, since that may take long.
    Response(JobId, Response),
    Frame(Vec<JobId>, Frame),
}

/// A recording that is being written.
#[derive(Debug)]
pub struct Recorder {
    /// None after the recording broke.
    entries: Option<SyncSender<Entry>>,
    /// How many bytes the waiting entries hold.
    waiting: Arc<AtomicUsize>,
    room: Room,
    writer: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts a recording. An existing file, which may be the record of a crash, is kept as `FILE.1` or with the next
    /// free number.
    ///
    /// # Errors
    /// When another server writes to the file, or there are too many older recordings.
    pub fn create(path: &Path, config: &Config) -> io::Result<Self> {
        Self::create_in(path, config, ROOM)
    }

    fn create_in(path: &Path, config: &Config, room: Room) -> io::Result<Self> {
        let file = create_file(path)?;
        let (entries, receiver) = sync_channel(QUEUE);
        let mut configuration = String::new();
        write_config(config, &mut configuration);
        let waiting = Arc::new(AtomicUsize::new(0));
        let waits = Arc::clone(&waiting);
        let writer = std::thread::Builder::new().name("recorder".into()).spawn(move || {
            if let Err(error) = write(file, &configuration, &receiver, &waits, room.file_bytes) {
                tracing::error!(%error, "the recording is broken");
            }
        })?;
        Ok(Self { entries: Some(entries), waiting, room, writer: Some(writer) })
    }

    /// Notes one input, in the order in which the machine gets them. It is noted before the machine takes it, so that
    /// the recording of a machine that panics holds the input that caused it.
    pub(crate) fn record(&mut self, now: Now, input: &Input) {
        if self.entries.is_some() {
            let mut line = String::new();
            write_input(now, input, &mut line);
            self.send(Entry::Input(line));
        }
    }

    /// Notes the effects of the last input.
    pub(crate) fn record_effects(&mut self, effects: &[Effect]) {
        if self.entries.is_some() && !effects.is_empty() {
            self.send(Entry::Effects(effects.iter().map(Told::of).collect()));
        }
    }

    fn send(&mut self, entry: Entry) {
        let Some(entries) = &self.entries else { return };
        let bytes = entry.bytes();
        let sent = if self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > self.room.queue_bytes {
            Err(TrySendError::Full(entry))
        } else {
            entries.try_send(entry)
        };
        match sent {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                tracing::error!("the recording is broken: the disk did not keep up");
                // Without the last entry the writer knows that the recording is not complete.
                self.entries = None;
            }
            Err(TrySendError::Disconnected(_)) => self.entries = None,
        }
    }

    /// Writes what is waiting, and ends the file.
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
        match effect {
            Effect::Respond(id, response) => Self::Response(*id, response.clone()),
            Effect::Frame { to, frame } => Self::Frame(to.clone(), frame.clone()),
            Effect::Run(_)
            | Effect::Body(_)
            | Effect::Store(..)
            | Effect::Close(_)
            | Effect::Decode(_)
            | Effect::Discard(_)
            | Effect::Follow { .. }
            | Effect::RequestProgress(_)
            | Effect::Call(..)
            | Effect::Sign(..)
            | Effect::Verify(..)
            | Effect::Dial(..)
            | Effect::CancelCalls(_)
            | Effect::Note(_) => Self::Line(line(effect)),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Line(line) => line.len(),
            Self::Response(_, response) => match &response.body {
                Body::Full(bytes) | Body::Health(bytes, _) => ENTRY_BYTES + bytes.len(),
                // The writer renders these, from objects that the cache holds anyway.
                Body::Empty
                | Body::Metrics(_)
                | Body::MetricsReset(_)
                | Body::List(_)
                | Body::Stream(_)
                | Body::Tunnel(_)
                | Body::Relay(_) => ENTRY_BYTES,
            },
            Self::Frame(to, frame) => ENTRY_BYTES + to.len() * size_of::<JobId>() + frame.len_bytes(),
        }
    }

    fn line(self) -> String {
        match self {
            Self::Line(line) => line,
            Self::Response(id, response) => line(&Effect::Respond(id, response)),
            Self::Frame(to, frame) => line(&Effect::Frame { to, frame }),
        }
    }
}

fn line(effect: &Effect) -> String {
    let mut line = String::new();
    write_effect(effect, &mut line);
    line
}

/// A new file that only its owner may read, locked while it is open.
fn create_file(path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => set_aside(path)?,
        // A pipe or a device is used as it is.
        Ok(_) => return OpenOptions::new().write(true).open(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(private::FILE_MODE).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(private::FILE_MODE))?;
    file.try_lock()?;
    private::sync_parent(path)?;
    Ok(file)
}

/// Renames an older recording, adding a number.
fn set_aside(path: &Path) -> io::Result<()> {
    match File::open(path)?.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(io::Error::other("another server records into this file"));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for number in 1..=limits::RECORDINGS_KEPT {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        let aside = PathBuf::from(name);
        if !aside.try_exists()? {
            fs::rename(path, &aside)?;
            tracing::info!("the recording that was there is kept as {}", aside.display());
            return Ok(());
        }
    }
    Err(io::Error::other(format!("{} older recordings are there: remove some", limits::RECORDINGS_KEPT)))
}

/// Writes entries until the end. A recording that is full, or whose writer was too slow, ends with `BROKEN`.
fn write(
    file: File,
    configuration: &str,
    entries: &Receiver<Entry>,
    waiting: &AtomicUsize,
    file_bytes: u64,
) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    let mut digests = Digests::default();
    let mut written = 0;
    for line in [HEADING, configuration] {
        writeln!(file, "{line}")?;
        digests.add_input(line);
        written += line.len() as u64 + 1;
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
        waiting.fetch_sub(entry.bytes(), Ordering::Relaxed);
        match entry {
            Entry::Input(line) => {
                written += line.len() as u64 + 1;
                if written > file_bytes {
                    tracing::error!("the recording is full: it ends here, with {file_bytes} bytes");
                    break;
                }
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
    use steersman_core::config::Config;
    use steersman_core::machine::text::{Recorded, parse_input};

    #[test]
    fn a_recording_can_be_read_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("recording");
        let config = Config::open(1);
        let mut line = String::new();
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
            assert!(
                matches!(&read, Recorded::Input(input) if matches!(**input, Input::Gone(JobId(9)))),
                "{read:?}"
            );
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

    fn config() -> Config {
        Config::open(1)
    }

    fn gone(recorder: &mut Recorder, ids: std::ops::Range<u64>) {
        ids.for_each(|id| recorder.record(Now::default(), &Input::Gone(JobId(id))));
    }

    #[test]
    fn an_older_recording_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("recording");
        for round in 0..3 {
            let mut recorder = Recorder::create(&path, &config()).expect("a file");
            gone(&mut recorder, 0..round);
            let error = Recorder::create(&path, &config()).expect_err("in use");
            assert_eq!(error.to_string(), "another server records into this file");
            recorder.finish();
        }
        let lines = |name: &str| fs::read_to_string(directory.path().join(name)).expect(name).lines().count();
        assert_eq!([lines("recording.1"), lines("recording.2"), lines("recording")], [3, 4, 5]);
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for number in 3..=limits::RECORDINGS_KEPT {
            fs::write(directory.path().join(format!("recording.{number}")), "").expect("written");
        }
        let error = Recorder::create(&path, &config()).expect_err("too many");
        assert!(error.to_string().ends_with("older recordings are there: remove some"), "{error}");
    }

    #[test]
    fn a_full_recording_ends_as_broken() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("recording");
        for room in [Room { file_bytes: 1000, ..ROOM }, Room { queue_bytes: ENTRY_BYTES + 1, ..ROOM }] {
            let mut recorder = Recorder::create_in(&path, &config(), room).expect("a file");
            gone(&mut recorder, 0..1000);
            recorder.finish();
            let text = fs::read_to_string(&path).expect("a file");
            assert!(text.len() <= 1000 + BROKEN.len() + 1, "{}", text.len());
            assert_eq!(text.lines().last(), Some(BROKEN));
        }
    }
}
