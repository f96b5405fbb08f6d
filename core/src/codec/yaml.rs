//! YAML as sigs.k8s.io/yaml reads and writes it: YAML 1.1 scalars, JSON's data model.
//!
//! A parser crate finds the structure; what a plain scalar means is decided here, because YAML 1.2 reads
//! `0755`, `yes` and `1_000` differently from every other Kubernetes client and server.

mod parse;
mod scalar;
mod write;

use alloc::string::String;

pub use parse::parse;
pub use write::to_string;

/// Why a text is no YAML, in the words of the Go library where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError(pub String);

#[cfg(test)]
mod tests;
