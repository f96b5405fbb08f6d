//! The body of an HTTP/1 request, read from the connection as the handler asks for it.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use steersman_core::limits;
use tokio::io::{AsyncRead, AsyncWrite};

use super::head::Framing;
use super::wire::Wire;

pub(super) struct RequestBody<'a, S> {
    wire: &'a mut Wire<S>,
    state: State,
    /// Bytes of chunk lines beyond what Go allows for the data so far.
    excess: u64,
    /// `100 Continue`, written before the body is read if the client waits for it.
    go_on: Bytes,
    /// The handler has asked for the body.
    is_begun: bool,
}

/// What was not read of a body.
pub(super) enum Rest {
    Nothing,
    /// All of it, which is little enough to be discarded.
    Unread(Framing),
    /// The connection cannot be used for another request.
    TooMuch,
}

impl Rest {
    /// Of a body of which nothing was read.
    pub(super) fn unread(framing: Framing) -> Self {
        match framing {
            Framing::None => Self::Nothing,
            Framing::Length(length) if length > limits::UNREAD_BODY_BYTES as u64 => Self::TooMuch,
            Framing::Length(_) | Framing::Chunked => Self::Unread(framing),
        }
    }
}

enum State {
    /// How many bytes of data are still to come.
    Length(u64),
    Chunk(Chunk),
    Done,
    /// What arrived was not a valid body.
    Broken,
}

enum Chunk {
    /// The line with the length of the next chunk is to come.
    Size,
    Data(u64),
    /// The line end after a chunk's data is to come.
    DataEnd,
    /// Trailer lines are to come, until an empty one; this many bytes of them have arrived.
    Trailers(usize),
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> RequestBody<'a, S> {
    pub(super) fn new(wire: &'a mut Wire<S>, framing: Framing, expects_continue: bool) -> Self {
        let state = match framing {
            Framing::None => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunk(Chunk::Size),
        };
        let go_on: &[u8] = if expects_continue { b"HTTP/1.1 100 Continue\r\n\r\n" } else { b"" };
        Self { wire, state, excess: 0, go_on: Bytes::from_static(go_on), is_begun: false }
    }

    fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// What is left of the body when its request is answered.
    pub(super) fn rest(&self) -> Rest {
        // A client that waits for `100 Continue` and gets another answer may send its body or not.
        if self.is_begun || !self.go_on.is_empty() {
            return if self.is_done() { Rest::Nothing } else { Rest::TooMuch };
        }
        match self.state {
            State::Done => Rest::Nothing,
            State::Length(left) => Rest::unread(Framing::Length(left)),
            State::Chunk(_) => Rest::unread(Framing::Chunked),
            State::Broken => Rest::TooMuch,
        }
    }

    /// Takes data that has arrived, at most `most` bytes.
    fn take(&mut self, most: u64) -> Bytes {
        let unread = self.wire.unread();
        let length = unread.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        unread.split_to(length).freeze()
    }

    /// Decodes what has arrived; None when more is needed.
    fn step(&mut self) -> Result<Option<Option<Bytes>>, &'static str> {
        loop {
            let unread_length = self.wire.unread().len();
            match &mut self.state {
                State::Done | State::Broken => return Ok(Some(None)),
                State::Length(left) => {
                    let left = *left;
                    if unread_length == 0 {
                        return Ok(None);
                    }
                    let data = self.take(left);
                    let left = left - data.len() as u64;
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    return Ok(Some(Some(data)));
                }
                State::Chunk(Chunk::Data(left)) => {
                    let left = *left;
                    if unread_length == 0 {
                        return Ok(None);
                    }
                    let data = self.take(left);
                    let left = left - data.len() as u64;
                    self.state = State::Chunk(if left == 0 { Chunk::DataEnd } else { Chunk::Data(left) });
                    return Ok(Some(Some(data)));
                }
                State::Chunk(Chunk::Size) => {
                    let end = self.wire.unread().iter().position(|byte| *byte == b'\n');
                    if end.unwrap_or(unread_length) > limits::CHUNK_LINE_BYTES {
                        return Err("header line too long");
                    }
                    let Some(end) = end else { return Ok(None) };
                    let size = chunk_size(&self.wire.unread()[..end])?;
                    self.wire.unread().advance(end + 1);
                    // go: net/http/internal/chunked.go beginChunk
                    let overhead = (end as u64).saturating_add(3);
                    let allowed = size.saturating_mul(2).saturating_add(16);
                    self.excess = self.excess.saturating_add(overhead).saturating_sub(allowed);
                    if self.excess > limits::CHUNK_EXCESS_BYTES {
                        return Err("chunked encoding contains too much non-data");
                    }
                    self.state = State::Chunk(match size {
                        0 => Chunk::Trailers(0),
                        size => Chunk::Data(size),
                    });
                }
                State::Chunk(Chunk::DataEnd) => {
                    if unread_length < 2 {
                        return Ok(None);
                    }
                    if !self.wire.unread().starts_with(b"\r\n") {
                        return Err("malformed chunked encoding");
                    }
                    self.wire.unread().advance(2);
                    self.state = State::Chunk(Chunk::Size);
                }
                State::Chunk(Chunk::Trailers(before)) => {
                    let before = *before;
                    let line = self.wire.unread().iter().position(|byte| *byte == b'\n');
                    let length = line.map_or(unread_length, |at| at + 1);
                    let so_far = before.saturating_add(length);
                    if so_far > limits::CHUNK_LINE_BYTES {
                        return Err("http: suspiciously long trailer after chunked body");
                    }
                    if line.is_none() {
                        return Ok(None);
                    }
                    let line = &self.wire.unread()[..length];
                    let is_empty = matches!(line, b"\n" | b"\r\n");
                    if !is_empty && !line.contains(&b':') {
                        return Err("malformed MIME header: missing colon");
                    }
                    self.wire.unread().advance(length);
                    self.state = if is_empty { State::Done } else { State::Chunk(Chunk::Trailers(so_far)) };
                }
            }
        }
    }
}

/// The length of the chunk that follows a line, which comes without its last byte.
/// go: net/http/internal/chunked.go readChunkLine, parseHexUint
fn chunk_size(line: &[u8]) -> Result<u64, &'static str> {
    let line = line.strip_suffix(b"\r").ok_or("chunked line ends with bare LF")?;
    if line.contains(&b'\r') {
        return Err("invalid CR in chunked line");
    }
    let digits = line.trim_ascii_end().split(|byte| *byte == b';').next().unwrap_or_default();
    match digits.len() {
        0 => return Err("empty hex number for chunk length"),
        1..=16 => {}
        _ => return Err("http chunk length too large"),
    }
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_number);
    let size = text.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    size.ok_or("invalid byte in chunk length")
}

impl<S: AsyncRead + AsyncWrite + Unpin> http_body::Body for RequestBody<'_, S> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        this.is_begun = true;
        if !this.go_on.is_empty() && this.wire.unread().is_empty() {
            let mut go_on = std::mem::take(&mut this.go_on);
            let written = this.wire.poll_write(context, &mut go_on);
            this.go_on = go_on;
            if let Err(error) = ready!(written) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        loop {
            match this.step() {
                Ok(Some(data)) => return Poll::Ready(data.map(|data| Ok(Frame::data(data)))),
                Ok(None) => {}
                Err(why) => {
                    this.state = State::Broken;
                    return Poll::Ready(Some(Err(io::Error::new(ErrorKind::InvalidData, why))));
                }
            }
            match ready!(this.wire.poll_more(context)) {
                Ok(0) => {
                    this.state = State::Broken;
                    return Poll::Ready(Some(Err(io::Error::new(
                        ErrorKind::UnexpectedEof,
                        "unexpected EOF",
                    ))));
                }
                Ok(_) => {}
                Err(error) => {
                    this.state = State::Broken;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_done()
    }

    fn size_hint(&self) -> SizeHint {
        match self.state {
            State::Length(left) => SizeHint::with_exact(left),
            State::Done => SizeHint::with_exact(0),
            State::Chunk(_) | State::Broken => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tokio::io::AsyncWriteExt;

    /// Reads the body, or its error, and the bytes that follow it.
    async fn read(framing: Framing, pieces: &[&str]) -> (Result<String, String>, String) {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let mut wire = Wire::new(server);
        let send = async {
            for piece in pieces {
                client.write_all(piece.as_bytes()).await.expect("room");
                tokio::task::yield_now().await;
            }
            client.shutdown().await.expect("open");
        };
        let mut body = RequestBody::new(&mut wire, framing, false);
        let (read, ()) = tokio::join!((&mut body).collect(), send);
        let read = read.map(|whole| String::from_utf8_lossy(&whole.to_bytes()).into_owned());
        let mut rest = String::from_utf8_lossy(wire.unread()).into_owned();
        while let Ok(1..) = std::future::poll_fn(|context| wire.poll_more(context)).await {
            rest = String::from_utf8_lossy(wire.unread()).into_owned();
        }
        (read.map_err(|error| error.to_string()), rest)
    }

    #[tokio::test]
    async fn bodies_end_where_their_framing_says() {
        let chunked = "3\r\nabc\r\n00a;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\nGET";
        let bytes: Vec<String> = chunked.chars().map(String::from).collect();
        let single: Vec<&str> = bytes.iter().map(String::as_str).collect();
        for pieces in [&single[..], &[chunked]] {
            let found = read(Framing::Chunked, pieces).await;
            assert_eq!(found, (Ok("abc0123456789".into()), "GET".into()));
        }
        assert_eq!(read(Framing::Length(5), &["ab", "cdeGET"]).await, (Ok("abcde".into()), "GET".into()));
        assert_eq!(read(Framing::None, &["GET"]).await, (Ok(String::new()), "GET".into()));
    }

    #[tokio::test]
    async fn malformed_bodies_are_errors() {
        let long = format!("1;{}", "x".repeat(2 * limits::CHUNK_LINE_BYTES));
        let padded = format!("1;{}\r\nx\r\n", "x".repeat(limits::CHUNK_LINE_BYTES - 100)).repeat(5);
        let trailers = format!("0\r\nA: {}\r\n\r\n", "x".repeat(2 * limits::CHUNK_LINE_BYTES));
        let cases = [
            (Framing::Length(5), "abc", "unexpected EOF"),
            (Framing::Chunked, "zz\r\n", "invalid byte in chunk length"),
            (Framing::Chunked, "-1\r\n", "invalid byte in chunk length"),
            (Framing::Chunked, "0x1\r\n", "invalid byte in chunk length"),
            (Framing::Chunked, "11111111111111111\r\n", "http chunk length too large"),
            (Framing::Chunked, "\r\nabc", "empty hex number for chunk length"),
            (Framing::Chunked, ";a=b\r\nabc", "empty hex number for chunk length"),
            (Framing::Chunked, "3\nabc", "chunked line ends with bare LF"),
            (Framing::Chunked, "3\r;a\r\nabc", "invalid CR in chunked line"),
            (Framing::Chunked, "0\r\nno trailer\r\n\r\n", "malformed MIME header: missing colon"),
            (Framing::Chunked, "1\r\nabc", "malformed chunked encoding"),
            (Framing::Chunked, "3\r\nab", "unexpected EOF"),
            (Framing::Chunked, &long, "header line too long"),
            (Framing::Chunked, &padded, "chunked encoding contains too much non-data"),
            (Framing::Chunked, &trailers, "http: suspiciously long trailer after chunked body"),
        ];
        for (framing, bytes, expected) in cases {
            let (found, _) = read(framing, &[bytes]).await;
            assert_eq!(found, Err(expected.into()), "{bytes:.20}");
        }
    }
}
