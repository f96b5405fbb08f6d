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
        rustls::Error::InvalidCertificate(why) => {
            format!("tls: failed to verify certificate: x509: {}", of_certificate(why))
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

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "certificate signed by unknown authority".into(),
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => "certificate has expired or is not yet valid".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            if presented.is_empty() {
                return format!("certificate is not valid for any names, but wanted to match {expected}");
            }
            let named = |name: &String| {
                let inner = name.split_once("(\"").and_then(|(_, rest)| rest.strip_suffix("\")"));
                inner.unwrap_or(name).to_owned()
            };
            let presented: Vec<String> = presented.iter().map(named).collect();
            format!("certificate is valid for {}, not {expected}", presented.join(", "))
        }
        other => other.to_string(),
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
        let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let expected = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
        assert_eq!(of_tls(&unknown), expected);
        let misnamed = CertificateError::NotValidForNameContext {
            expected: "b.test".try_into().expect("a name"),
            presented: vec!["DnsName(\"a.test\")".into()],
        };
        assert_eq!(of_certificate(&misnamed), "certificate is valid for a.test, not b.test");
        assert_eq!(of_stream(&ErrorKind::UnexpectedEof.into()), "EOF");
    }
}
