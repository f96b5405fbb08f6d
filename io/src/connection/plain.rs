//! Answers plain HTTP on the secure port with a sentence that says that TLS is needed.
//! go: net/http/server.go, tlsRecordHeaderLooksLikeHTTP

use std::io::{Error, ErrorKind};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// How many first bytes of a connection are needed to tell HTTP from TLS.
pub(super) const LOOKED_AT_BYTES: usize = 5;

const ANSWER: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// How long, and how much, is read before closing: closing a socket with unread bytes would reset the connection
/// before the client has read the answer.
const LINGER: Duration = Duration::from_millis(500);
const READ_BYTES: usize = 64 * 1024;

/// Whether the first bytes begin an HTTP request. A TLS record never begins with a letter.
pub(super) fn is_http(first: &[u8]) -> bool {
    const STARTS: [&[u8]; 6] = [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO", b"DELET"];
    !first.is_empty() && STARTS.iter().any(|start| start.starts_with(first))
}

/// Sends the answer, closes the connection, and returns the error for the log.
pub(super) async fn refuse(mut stream: TcpStream) -> Error {
    let answered = async {
        stream.write_all(ANSWER).await?;
        stream.shutdown().await?;
        let mut rest = [0; 4096];
        let mut read = 0;
        while read < READ_BYTES {
            stream.readable().await?;
            match stream.try_read(&mut rest) {
                Ok(0) => break,
                Ok(length) => read += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok::<(), Error>(())
    };
    // It makes no difference whether the client still reads the answer.
    let _ = tokio::time::timeout(LINGER, answered).await;
    Error::other("client sent an HTTP request to an HTTPS server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_handshake_is_not_mistaken_for_http() {
        for (first, expected) in [
            (&b"GET /"[..], true),
            (b"G", true),
            (b"PUT /", true),
            (b"GOT /", false),
            (&[22, 3, 1, 2, 0], false),
            (&[22], false),
            (b"", false),
        ] {
            assert_eq!(is_http(first), expected, "{first:?}");
        }
    }
}
