//! The subject of a client certificate.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go

use super::finding::{Finding, Presented};
use crate::caller::Caller;
use crate::value::Text;
use crate::wire::Peer;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// A certificate without a common name is nobody's.
pub(super) fn identify(presented: &Presented<'_>) -> Finding {
    let peer = match &presented.request.peer {
        Peer::FrontProxy { own, .. } => own,
        peer => peer,
    };
    match peer {
        // A certificate of the front proxies' authority holds no other one.
        Peer::FrontProxy { .. } => Finding::Nobody,
        Peer::None => Finding::Nobody,
        Peer::Certificate { common_name, .. } if common_name.is_empty() => Finding::Nobody,
        Peer::Certificate { common_name, organizations, fingerprint } => Finding::somebody(Caller {
            name: common_name.clone(),
            uid: Text::default(),
            groups: organizations.clone(),
            extra: fingerprint.as_ref().map(credential_id).unwrap_or_default(),
        }),
        Peer::Rejected(why) => Finding::Invalid(why.to_string()),
    }
}

/// The name of a certificate as a credential.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go getCredentialID
fn credential_id(fingerprint: &[u8; 32]) -> Vec<(Text, Vec<Text>)> {
    let mut id = String::from("X509SHA256=");
    for byte in fingerprint {
        write!(id, "{byte:02x}").expect("writing to a string");
    }
    alloc::vec![(Caller::CREDENTIAL_ID.into(), alloc::vec![id.into()])]
}
