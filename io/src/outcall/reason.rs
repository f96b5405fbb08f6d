//! Why a call cannot be made, in the words of Go's network and TLS libraries, since clients read them.

use rustls::{AlertDescription, CertificateError};
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

/// There is no address for a host.
pub(super) fn unknown(host: &str) -> String {
    format!("dial tcp: lookup {host}: no such host")
}

/// An address cannot be connected to.
pub(super) fn of_address(address: SocketAddr, error: &Error) -> String {
    format!("dial tcp {address}: connect: {}", of_system(error))
}

/// A connection has broken.
pub(super) fn of_stream(error: &Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => String::from("EOF"),
        _ => of_system(error),
    }
}

/// What the system says, as Go writes it.
fn of_system(error: &Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".into(),
        ErrorKind::ConnectionReset => "connection reset by peer".into(),
        ErrorKind::HostUnreachable => "no route to host".into(),
        ErrorKind::NetworkUnreachable => "network is unreachable".into(),
        ErrorKind::TimedOut => "connection timed out".into(),
        ErrorKind::BrokenPipe => "broken pipe".into(),
        _ => error.to_string(),
    }
}

/// One side does not believe the other's certificate, or they do not understand each other.
/// Go: crypto/x509 verify.go, crypto/tls handshake_client.go, alert.go
pub(super) fn of_tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(why)) => {
            format!("tls: failed to verify certificate: x509: {why}")
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "remote error: tls: certificate required".into()
        }
        rustls::Error::AlertReceived(AlertDescription::BadCertificate) => {
            "remote error: tls: bad certificate".into()
        }
        other => format!("tls: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_in_gos_words() {
        let address: SocketAddr = "127.0.0.1:1".parse().expect("an address");
        let refused = of_address(address, &ErrorKind::ConnectionRefused.into());
        assert_eq!(refused, "dial tcp 127.0.0.1:1: connect: connection refused");
        let absent = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(of_tls(&absent), "remote error: tls: certificate required");
        assert_eq!(of_stream(&ErrorKind::UnexpectedEof.into()), "EOF");
    }
}
