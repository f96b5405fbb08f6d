//! Gathers what the HTTP/2 library writes: it writes and flushes every frame by itself, and each would become a record
//! of TLS and a system call. Here they are put together, and are sent when the library has no more to write for now.

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes are gathered before they are sent in any case.
const GATHERED_BYTES: usize = 64 * 1024;

/// Writes of so many bytes, such as those of a list, are not worth copying.
const LARGE_BYTES: usize = 8 * 1024;

thread_local! {
    /// A buffer for the connections that a thread works on, of which each is done with it before the next one begins,
    /// unless its client reads too slowly: that one keeps it until the client has taken all of it.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A byte stream whose writes are gathered. The library holds one clone, and the task that runs the library holds
/// another one, with which it sends.
pub(super) struct Gathered<S> {
    gathering: Arc<Mutex<Gathering<S>>>,
}

struct Gathering<S> {
    stream: S,
    bytes: Vec<u8>,
    /// How many of the bytes are sent.
    sent: usize,
    must_flush: bool,
    /// Sending has failed, and the library has yet to be told so.
    failed: Option<io::Error>,
}

impl<S> Gathered<S> {
    pub(super) fn new(stream: S) -> Self {
        let gathering = Gathering { stream, bytes: Vec::new(), sent: 0, must_flush: false, failed: None };
        Self { gathering: Arc::new(Mutex::new(gathering)) }
    }

    fn lock(&self) -> MutexGuard<'_, Gathering<S>> {
        // A panic in the stream ends the connection's task, and with it everything that uses this.
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Clone for Gathered<S> {
    fn clone(&self) -> Self {
        Self { gathering: Arc::clone(&self.gathering) }
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// Sends what was gathered. True when it has failed: the library finds the error when it next reads or writes.
    pub(super) fn send(&self, context: &mut Context<'_>) -> bool {
        let mut gathering = self.lock();
        if gathering.failed.is_none()
            && let Poll::Ready(Err(error)) = gathering.poll_send(context)
        {
            gathering.failed = Some(error);
        }
        gathering.failed.is_some()
    }
}

impl<S: AsyncWrite + Unpin> Gathering<S> {
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(unsent) = self.bytes.get(self.sent..).filter(|unsent| !unsent.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, unsent))? {
                0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        if self.sent > 0 {
            self.sent = 0;
            self.bytes.clear();
            BUFFER.set(std::mem::take(&mut self.bytes));
        }
        if self.must_flush {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.must_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Gathers as much of the slices as there is room for, or writes large ones, and returns how much that was.
    fn gather(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(error));
        }
        let is_large = slices.iter().map(|slice| slice.len()).sum::<usize>() >= LARGE_BYTES;
        if is_large || self.bytes.len() >= GATHERED_BYTES {
            ready!(self.poll_send(context))?;
        }
        if is_large {
            self.must_flush = true;
            return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        }
        if self.bytes.capacity() == 0 {
            self.bytes = BUFFER.take();
            self.bytes.reserve_exact(GATHERED_BYTES);
        }
        let before = self.bytes.len();
        for slice in slices {
            let room = GATHERED_BYTES - self.bytes.len();
            self.bytes.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        self.must_flush = true;
        Poll::Ready(Ok(self.bytes.len() - before))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut gathering = self.lock();
        match gathering.failed.take() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut gathering.stream).poll_read(context, buffer),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.lock().gather(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.lock().gather(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Does nothing: the library flushes after every frame. `send` is what flushes.
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathering = self.lock();
        ready!(gathering.poll_send(context))?;
        Pin::new(&mut gathering.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Waker;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn frames_are_sent_together_and_never_more_than_the_bound_is_held() {
        let (mut client, server) = duplex(GATHERED_BYTES / 2);
        let mut gathered = Gathered::new(server);
        let sender = gathered.clone();
        let frame = [7; 1000];
        for _ in 0..10 {
            gathered.write_all(&frame).await.expect("room");
            gathered.flush().await.expect("nothing is done");
        }
        let mut read = vec![0; 20_000];
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut client).poll_read(&mut context, &mut ReadBuf::new(&mut read)).is_pending());
        let has_failed = poll_fn(|context| Poll::Ready(sender.send(context))).await;
        assert!(!has_failed);
        assert_eq!(client.read(&mut read).await.expect("bytes"), 10 * frame.len(), "in one piece");
        gathered.write_all(&frame).await.expect("room");
        gathered.write_all(&[1; LARGE_BYTES]).await.expect("room");
        let both = &mut read[..frame.len() + LARGE_BYTES];
        client.read_exact(both).await.expect("a large write is not gathered");
        assert!(both.starts_with(&frame) && both[frame.len()..].iter().all(|byte| *byte == 1), "in order");
        let mut taken = 0;
        while let Poll::Ready(count) = Pin::new(&mut gathered).poll_write(&mut context, &frame) {
            taken += count.expect("a write");
            assert!(taken <= 2 * GATHERED_BYTES, "what the client does not take is bounded");
        }
        // The pipe of this test holds half as much.
        assert_eq!(taken, GATHERED_BYTES);
        let mut all = vec![0; taken];
        let sending = async {
            poll_fn(|context| match (sender.send(context), sender.lock().bytes.is_empty()) {
                (false, true) => Poll::Ready(()),
                (false, false) => Poll::Pending,
                (true, _) => panic!("it works"),
            })
            .await;
        };
        tokio::join!(sending, async { client.read_exact(&mut all).await.expect("all of it") });
        assert_eq!(sender.lock().bytes.capacity(), 0, "an idle connection keeps nothing");
        drop(client);
        gathered.write_all(&frame).await.expect("room");
        assert!(poll_fn(|context| Poll::Ready(sender.send(context))).await, "the client is gone");
        gathered.write_all(&frame).await.expect_err("the library is told");
    }
}
