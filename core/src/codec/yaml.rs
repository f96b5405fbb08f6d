//! YAML as sigs.k8s.io/yaml reads and writes it: YAML 1.1 scalars, JSON's data model.
//!
//! Clients match its error texts, which depend on how the text is read: `scanner` and `scan_scalar` split it into
//! tokens, `grammar` turns these into events, `parse` builds the value. YAML 1.2 would read `0755`, `yes` and `1_000`
//! differently from all other Kubernetes clients and servers.

mod anchors;
mod go;
mod grammar;
mod parse;
mod scalar;
mod scan_scalar;
mod scanner;
mod source;
mod write;

use alloc::string::String;

pub use parse::parse;
pub use write::to_string;

/// Why a text is no YAML, in the words of the Go library where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError(pub String);

#[cfg(test)]
mod tests;
