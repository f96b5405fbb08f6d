//! A connection's byte stream with deadlines: for a client that has begun to send something and does not finish it,
//! and for a client that does not read. A timer exists only while such a deadline runs, so that idle connections cost
//! none.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use steersman_core::limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::activity::Activity;
use super::frames::{Frames, Owed};
use crate::budget::{NoRoom, ReservedAhead};

pub(super) struct Guarded<S> {
    stream: S,
    activity: Arc<Activity>,
    reading: Option<Reading>,
    /// Closes the connection unless something is written before.
    write_deadline: Option<Pin<Box<Sleep>>>,
}

/// Reserves room for a head, if it needs any.
pub(super) type AskRoom = Box<dyn Fn() -> Result<Option<ReservedAhead>, NoRoom> + Send>;

/// What an HTTP/2 client has sent so far, and until when it must finish it.
struct Reading {
    frames: Frames,
    /// What the deadline is for, with the number of frames before it: a new frame gets a new deadline.
    owed: (Owed, u64),
    /// Called when a head takes more than one frame. Without room for it, the connection is closed.
    ask_room: AskRoom,
    /// The room that is reserved for the head that is arriving.
    room: Option<ReservedAhead>,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    /// A stream with a deadline for writes only.
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity, reading: None, write_deadline: None }
    }

    /// A stream with deadlines for reads too, and with room reserved for long heads.
    pub(super) fn http2(stream: S, activity: Arc<Activity>, ask_room: AskRoom) -> Self {
        let (frames, owed) = (Frames::new(), (Owed::Nothing, 0));
        let mut reading = Reading { frames, owed, ask_room, room: None, deadline: None };
        reading.expect((Owed::Preface, 0));
        Self { stream, activity, reading: Some(reading), write_deadline: None }
    }

    /// Returns the outcome of a write, and sets or clears its deadline.
    fn written<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() || self.activity.is_tunnel() {
            self.write_deadline = None;
            return outcome;
        }
        let stall = Duration::from_millis(limits::WRITE_STALL_MILLIS);
        let deadline = self.write_deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        deadline.as_mut().poll(context).map(|()| Err(overdue("the client takes nothing of what is sent")))
    }
}

fn overdue(what: &str) -> io::Error {
    io::Error::new(ErrorKind::TimedOut, what)
}

impl Reading {
    fn expect(&mut self, owed: (Owed, u64)) {
        self.owed = owed;
        let millis = match owed.0 {
            Owed::Nothing => None,
            Owed::Preface => Some(limits::PREFACE_MILLIS),
            Owed::Settings => Some(limits::SETTINGS_MILLIS),
            Owed::Rest => Some(limits::HEAD_MILLIS),
        };
        let at = millis.map(|millis| Instant::now() + Duration::from_millis(millis));
        match (&mut self.deadline, at) {
            (Some(deadline), Some(at)) => deadline.as_mut().reset(at),
            (deadline, at) => *deadline = at.map(|at| Box::pin(tokio::time::sleep_until(at))),
        }
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        let was_in_head = self.frames.in_head();
        self.frames.pass(bytes);
        match (was_in_head, self.frames.in_head()) {
            (false, true) => {
                let room = (self.ask_room)();
                let refused =
                    |NoRoom| io::Error::new(ErrorKind::OutOfMemory, "no room for one more long head");
                self.room = room.map_err(refused)?;
            }
            (true, false) => self.room = None,
            (true, true) | (false, false) => {}
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut this.stream).poll_read(context, buffer);
        let Some(reading) = &mut this.reading else { return outcome };
        match outcome {
            Poll::Ready(Ok(())) => {
                let bytes = buffer.filled().get(before..).unwrap_or_default();
                Poll::Ready(reading.pass(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                // A frame has one deadline. If every byte set a new one, a client could keep the connection for ever
                // with a byte now and then.
                let owed = (reading.frames.owed(), reading.frames.ended());
                if owed != reading.owed {
                    reading.expect(owed);
                }
                match &mut reading.deadline {
                    Some(deadline) => deadline
                        .as_mut()
                        .poll(context)
                        .map(|()| Err(overdue("the client does not finish what it has begun"))),
                    None => Poll::Pending,
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.wrote(outcome.is_ready());
        self.written(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.activity.wrote(outcome.is_ready());
        self.written(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.written(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(context, outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    /// A DATA frame of four bytes.
    const FRAME: &[u8] = &[0, 0, 4, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4];
    /// A HEADERS frame without the end of the head.
    const HEAD: &[u8] = &[0, 0, 1, 1, 0, 0, 0, 0, 1, 7];

    fn http2(has_room: bool) -> (DuplexStream, Guarded<DuplexStream>) {
        let (client, server) = duplex(1024);
        let ask = Box::new(move || if has_room { Ok(None) } else { Err(NoRoom) });
        (client, Guarded::http2(server, Activity::new(), ask))
    }

    /// After how many seconds a read fails, with its error; None when it does not fail in ten minutes.
    async fn fails_after(guarded: &mut Guarded<DuplexStream>) -> Option<(u64, ErrorKind)> {
        let began = Instant::now();
        let reading = async {
            loop {
                match guarded.read_u8().await {
                    Ok(_) => {}
                    Err(error) => return (began.elapsed().as_secs(), error.kind()),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(600), reading).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_begun_frame_must_be_finished_in_time() {
        let late = |millis: u64| Some((millis / 1000, ErrorKind::TimedOut));
        let cases: [(&[&[u8]], _); 8] = [
            (&[], late(limits::PREFACE_MILLIS)),
            (&[&PREFACE[..10]], late(limits::PREFACE_MILLIS)),
            (&[PREFACE], late(limits::SETTINGS_MILLIS)),
            (&[PREFACE, &SETTINGS[..5]], late(limits::SETTINGS_MILLIS)),
            (&[PREFACE, SETTINGS], None),
            (&[PREFACE, SETTINGS, FRAME], None),
            (&[PREFACE, SETTINGS, FRAME, &FRAME[..12]], late(limits::HEAD_MILLIS)),
            (&[PREFACE, SETTINGS, HEAD], late(limits::HEAD_MILLIS)),
        ];
        for (sent, expected) in cases {
            let (mut client, mut guarded) = http2(true);
            client.write_all(&sent.concat()).await.expect("room");
            assert_eq!(fails_after(&mut guarded).await, expected, "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_frame_has_one_deadline_of_its_own() {
        let pause = Duration::from_millis(limits::HEAD_MILLIS / 2 + 1000);
        let (mut client, mut guarded) = http2(true);
        client.write_all(&[PREFACE, SETTINGS].concat()).await.expect("room");
        let sending = async {
            for _ in 0..4 {
                // Pieces that never end where a frame ends.
                client.write_all(&FRAME[..6]).await.expect("room");
                tokio::time::sleep(pause).await;
                client.write_all(&[&FRAME[6..], &FRAME[..6]].concat()).await.expect("room");
                client.write_all(&FRAME[6..]).await.expect("room");
            }
            for byte in HEAD.iter().take(4) {
                client.write_all(&[*byte]).await.expect("room");
                tokio::time::sleep(pause).await;
            }
        };
        let began = Instant::now();
        let (failed, ()) = tokio::join!(fails_after(&mut guarded), sending);
        let expected = 4 * pause.as_millis() as u64 + limits::HEAD_MILLIS;
        assert_eq!(failed, Some((expected / 1000, ErrorKind::TimedOut)), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_of_several_frames_reserves_room() {
        let (mut client, mut guarded) = http2(false);
        client.write_all(&[PREFACE, SETTINGS, FRAME].concat()).await.expect("room");
        assert_eq!(tokio::time::timeout(Duration::from_secs(1), fails_after(&mut guarded)).await.ok(), None);
        client.write_all(HEAD).await.expect("room");
        assert_eq!(fails_after(&mut guarded).await, Some((0, ErrorKind::OutOfMemory)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_disconnected() {
        let (mut client, server) = duplex(16);
        let mut guarded = Guarded::new(server, Activity::new());
        let stall = Duration::from_millis(limits::WRITE_STALL_MILLIS);
        let reading = async {
            for _ in 0..4 {
                tokio::time::sleep(stall - Duration::from_secs(1)).await;
                let mut taken = [0; 4];
                client.read_exact(&mut taken).await.expect("bytes");
            }
            Instant::now()
        };
        let writing = async {
            let error = guarded.write_all(&[0; 100]).await.expect_err("nobody reads all of it");
            (error.kind(), Instant::now())
        };
        let (last_read, (kind, gave_up)) = tokio::join!(reading, writing);
        assert_eq!((kind, gave_up - last_read), (ErrorKind::TimedOut, stall));
    }
}
