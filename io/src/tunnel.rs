//! A tunnel: the bytes of a client's connection and of the server that was dialed for it, each written to the other.
//! Nothing is read on one side before what was read there was written to the other, so that a side that does not read
//! costs a buffer of fixed size.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use steersman_core::limits;
use steersman_core::wire::{TunnelEnd, TunnelStop};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::conversation::Conversation;
use crate::httplog::RequestLine;

/// A connection to another server that has switched protocols.
pub(crate) type ServerStream = TokioIo<Upgraded>;

/// A tunnel whose client is about to be joined. Dropping it ends it.
pub(crate) struct OpenTunnel {
    conversation: Conversation,
    server: ServerStream,
    /// The line in the log, which is written when the tunnel has ended. None if requests are not logged.
    line: Option<Box<RequestLine>>,
}

impl OpenTunnel {
    pub(crate) fn new(
        conversation: Conversation,
        server: ServerStream,
        line: Option<Box<RequestLine>>,
    ) -> Self {
        Self { conversation, server, line }
    }

    /// Joins the client until the tunnel ends. `ahead` is what the client has sent already.
    pub(crate) async fn join<C>(self, client: &mut C, ahead: &[u8])
    where
        C: AsyncRead + AsyncWrite + Unpin,
    {
        let Self { mut conversation, mut server, line: _line } = self;
        let end = splice(client, ahead, &mut server, conversation.closed()).await;
        conversation.tunnel_ended(end);
    }
}

/// What has gone through a tunnel, and when.
struct Flow {
    began: Instant,
    /// Milliseconds since the beginning.
    last_millis: AtomicU64,
    is_half_closed: AtomicBool,
    to_server: AtomicU64,
    to_client: AtomicU64,
}

impl Flow {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            last_millis: AtomicU64::new(0),
            is_half_closed: AtomicBool::new(false),
            to_server: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
        }
    }

    fn passed(&self, count: &AtomicU64, bytes: usize) {
        count.fetch_add(bytes as u64, Ordering::Relaxed);
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// Returns when nothing has gone through for too long.
    async fn idle(&self) {
        // A half that ends does not wake this future, so it looks at least as often as the shorter time allows.
        let look = Duration::from_millis(limits::TUNNEL_HALF_CLOSED_MILLIS);
        loop {
            let within = match self.is_half_closed.load(Ordering::Relaxed) {
                true => limits::TUNNEL_HALF_CLOSED_MILLIS,
                false => limits::TUNNEL_IDLE_MILLIS,
            };
            let last = self.last_millis.load(Ordering::Relaxed);
            let deadline = self.began + Duration::from_millis(last.saturating_add(within));
            if deadline <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(deadline.min(Instant::now() + look)).await;
        }
    }

    /// Writes to one side what the other sends, and ends that side's half when the other has ended its own.
    async fn pump(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        count: &AtomicU64,
    ) -> io::Result<()> {
        let mut buffer = vec![0; limits::TUNNEL_BUFFER_BYTES];
        loop {
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                break;
            }
            to.write_all(&buffer[..length]).await?;
            to.flush().await?;
            self.passed(count, length);
        }
        self.passed(count, 0);
        self.is_half_closed.store(true, Ordering::Relaxed);
        to.shutdown().await
    }
}

/// Joins two streams until both have ended, one is broken, nothing goes through for too long, or `closed` returns.
async fn splice<C, S>(
    client: &mut C,
    ahead: &[u8],
    server: &mut S,
    closed: impl Future<Output = ()>,
) -> TunnelEnd
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let flow = Flow::new();
    let (mut client_reads, mut client_writes) = tokio::io::split(client);
    let (mut server_reads, mut server_writes) = tokio::io::split(server);
    let up = async {
        server_writes.write_all(ahead).await?;
        server_writes.flush().await?;
        flow.passed(&flow.to_server, ahead.len());
        flow.pump(&mut client_reads, &mut server_writes, &flow.to_server).await
    };
    let down = flow.pump(&mut server_reads, &mut client_writes, &flow.to_client);
    let (both, closed) = (pin!(async { tokio::try_join!(up, down) }), pin!(closed));
    let why = tokio::select! {
        biased;
        () = closed => TunnelStop::Closed,
        ended = both => match ended {
            Ok(((), ())) => TunnelStop::Finished,
            Err(error) => TunnelStop::Broken(error.to_string().into()),
        },
        () = flow.idle() => TunnelStop::Idle,
    };
    TunnelEnd {
        why,
        to_server: flow.to_server.load(Ordering::Relaxed),
        to_client: flow.to_client.load(Ordering::Relaxed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::io::{DuplexStream, duplex};
    use tokio::sync::oneshot;

    /// Both far ends of a tunnel, and its end once it has one.
    struct Joined {
        client: DuplexStream,
        server: DuplexStream,
        ended: tokio::task::JoinHandle<TunnelEnd>,
    }

    fn joined(ahead: &'static [u8], closed: impl Future<Output = ()> + Send + 'static) -> Joined {
        let (client, mut near) = duplex(64);
        let (server, mut far) = duplex(64);
        let ended = tokio::spawn(async move { splice(&mut near, ahead, &mut far, closed).await });
        Joined { client, server, ended }
    }

    async fn read(stream: &mut DuplexStream, length: usize) -> Vec<u8> {
        let mut buffer = vec![0; length];
        stream.read_exact(&mut buffer).await.expect("bytes");
        buffer
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_go_both_ways_and_each_half_ends_by_itself() {
        let mut tunnel = joined(b"ahead", pending());
        assert_eq!(read(&mut tunnel.server, 5).await, b"ahead");
        tunnel.server.write_all(b"from the server").await.expect("room");
        assert_eq!(read(&mut tunnel.client, 15).await, b"from the server");
        tunnel.client.write_all(b"last").await.expect("room");
        tunnel.client.shutdown().await.expect("an open half");
        assert_eq!(read(&mut tunnel.server, 4).await, b"last");
        assert_eq!(tunnel.server.read(&mut [0]).await.expect("an end"), 0, "the client's half has ended");
        tunnel.server.write_all(b"more").await.expect("the other half is open");
        assert_eq!(read(&mut tunnel.client, 4).await, b"more");
        drop(tunnel.server);
        assert_eq!(tunnel.client.read(&mut [0]).await.expect("an end"), 0);
        let end = tunnel.ended.await.expect("no panic");
        assert_eq!(end, TunnelEnd { why: TunnelStop::Finished, to_server: 9, to_client: 19 });
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_tunnel_and_sooner_after_one_half() {
        for half in [false, true] {
            let began = Instant::now();
            let mut tunnel = joined(b"", pending());
            if half {
                tunnel.client.shutdown().await.expect("an open half");
            }
            let why = (&mut tunnel.ended).await.expect("no panic").why;
            let waited = began.elapsed().as_millis() as u64;
            let allowed = if half { limits::TUNNEL_HALF_CLOSED_MILLIS } else { limits::TUNNEL_IDLE_MILLIS };
            assert_eq!(why, TunnelStop::Idle);
            assert!((allowed..=allowed + limits::TUNNEL_HALF_CLOSED_MILLIS).contains(&waited), "{waited}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_floods_waits_for_the_client() {
        let mut tunnel = joined(b"", pending());
        let mut server = tunnel.server;
        let mut sent = 0_usize;
        let second = Duration::from_secs(1);
        while let Ok(written) = tokio::time::timeout(second, server.write_all(&[1; 64])).await {
            written.expect("an open half");
            sent += 64;
        }
        let held = limits::TUNNEL_BUFFER_BYTES + 3 * 64;
        assert!(sent <= held, "{sent} bytes were taken, and nobody reads");
        let mut taken = 0;
        drop(server);
        while let Ok(length @ 1..) = tunnel.client.read(&mut [0; 1024]).await {
            taken += length;
        }
        assert!(taken >= sent, "{taken} of {sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_ends_when_the_client_leaves_and_when_it_is_closed() {
        let Joined { client, mut server, ended } = joined(b"", pending());
        drop(client);
        assert_eq!(server.read(&mut [0]).await.expect("an end"), 0);
        server.write_all(b"to nobody").await.expect("room");
        let end = ended.await.expect("no panic");
        assert!(matches!(end.why, TunnelStop::Broken(_)), "{end:?}");

        let (close, closed) = oneshot::channel::<()>();
        let mut tunnel = joined(b"", async move {
            let _ = closed.await;
        });
        close.send(()).expect("a tunnel");
        assert_eq!((&mut tunnel.ended).await.expect("no panic").why, TunnelStop::Closed);
        assert_eq!(tunnel.client.read(&mut [0]).await.expect("an end"), 0, "both connections are dropped");
        assert_eq!(tunnel.server.read(&mut [0]).await.expect("an end"), 0);
    }
}
