//! The byte stream of an HTTP/1 connection: it reads heads, and notices when the client goes away.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use steersman_core::limits;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::head::{self, ParsedHead, Refusal};
use crate::budget::Budget;

/// The capacity for one read.
const READ_BYTES: usize = 8 * 1024;
const READ_BYTES_MAX: usize = 64 * 1024;

/// How many bytes of further requests are read while one is answered. A client that sends more has to wait until it
/// has read its answer.
const AHEAD_BYTES: usize = 16 * 1024;

/// Bytes of line ends that are skipped after the body of a POST.
const LINE_ENDS_AFTER_POST: usize = 4;

/// How long, and how much, is read from a client after the connection's last answer. Closing a socket with unread
/// bytes would reset the connection before the client has read that answer.
/// go: net/http/server.go rstAvoidanceDelay
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 256 * 1024;

pub(super) struct Wire<S> {
    stream: S,
    /// Bytes that were read and not used yet.
    unread: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, unread: BytesMut::new() }
    }

    /// Reads the next head. None when the connection has ended, or the head did not arrive in time.
    pub(super) async fn head(
        &mut self,
        idle: Duration,
        is_known: bool,
        budget: &Budget,
        is_after_post: bool,
    ) -> io::Result<Option<Result<ParsedHead, Refusal>>> {
        if self.unread.is_empty() {
            match tokio::time::timeout(idle, self.read()).await {
                Ok(Ok(0)) | Err(_) => return Ok(None),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
        if is_after_post {
            self.skip_line_ends();
        }
        let deadline = Instant::now() + Duration::from_millis(limits::HEAD_MILLIS);
        let (mut seen, mut reserved) = (0, None);
        loop {
            if let Some(end) = head::end_of_head(&self.unread, seen) {
                return Ok(Some(match end {
                    end if end > limits::REQUEST_HEAD_BYTES => Err(Refusal::TooLarge),
                    end => head::parse(&self.unread.split_to(end).freeze()),
                }));
            }
            seen = self.unread.len();
            if seen > limits::REQUEST_HEAD_BYTES {
                return Ok(Some(Err(Refusal::TooLarge)));
            }
            if seen > limits::REQUEST_HEAD_BYTES_FREE && !is_known && reserved.is_none() {
                match budget.reserve_ahead(limits::UNPACKED_HEAD_BYTES) {
                    Ok(room) => reserved = Some(room),
                    Err(_) => return Ok(Some(Err(Refusal::NoRoom))),
                }
            }
            match tokio::time::timeout_at(deadline, self.read()).await {
                Ok(Ok(0)) | Err(_) => return Ok(None),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
    }

    /// Old clients send a line end after the body of a POST. go: net/http/server.go readRequest
    fn skip_line_ends(&mut self) {
        let is_line_end = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
        let count = self.unread.iter().take(LINE_ENDS_AFTER_POST).take_while(is_line_end).count();
        self.unread.advance(count);
    }

    /// Reads what has arrived; 0 at the end of the stream.
    async fn read(&mut self) -> io::Result<usize> {
        let room = self.unread.len().clamp(READ_BYTES, READ_BYTES_MAX);
        self.unread.reserve(room);
        self.stream.read_buf(&mut self.unread).await
    }

    /// Polls `read`.
    pub(super) fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // A read that is not ready can be dropped without loss, since it holds no state.
        pin!(self.read()).poll(context)
    }

    /// Bytes that were read and not used yet.
    pub(super) fn unread(&mut self) -> &mut BytesMut {
        &mut self.unread
    }

    /// The stream below, for what is not HTTP.
    pub(super) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Returns when the client has closed the connection, or only its sending side, which Go's server treats alike.
    pub(super) async fn gone(&mut self) {
        while self.unread.len() < AHEAD_BYTES {
            match self.read().await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending::<()>().await;
    }

    pub(super) async fn write(&mut self, bytes: &mut impl Buf) -> io::Result<()> {
        self.stream.write_all_buf(bytes).await?;
        self.stream.flush().await
    }

    /// Writes `100 Continue`.
    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &mut Bytes,
    ) -> Poll<io::Result<()>> {
        let write = async {
            self.stream.write_all_buf(bytes).await?;
            self.stream.flush().await
        };
        pin!(write).poll(context)
    }

    /// Frees the memory that an idle connection does not need.
    pub(super) fn rest(&mut self) {
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
    }

    /// Closes the sending side, and reads for a short time what the client still sends.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        let closing = async {
            self.stream.shutdown().await?;
            let mut read = 0;
            while read < LINGER_BYTES {
                self.unread.clear();
                match self.read().await? {
                    0 => break,
                    length => read += length,
                }
            }
            Ok(())
        };
        tokio::time::timeout(LINGER, closing).await.unwrap_or(Ok(()))
    }
}
