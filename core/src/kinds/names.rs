//! The name formats of Kubernetes and their error sentences.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go, api/validation/generic.go

use alloc::string::String;
use alloc::vec::Vec;

/// Problems of a name, each a sentence; empty when the name is good.
pub type Problems = Vec<String>;

/// A lowercase RFC 1123 subdomain; a prefix may end in '-'.
pub fn dns_subdomain(_name: &str, _prefix: bool) -> Problems {
    todo!()
}
