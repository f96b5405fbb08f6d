//! YAML as sigs.k8s.io/yaml reads and writes it: YAML 1.1 scalars, JSON's data model.
//!
//! Clients match the texts of its errors, which come from the way it reads: `scanner` and `scan_scalar` cut the text
//! into tokens, `grammar` makes events of them, `parse` builds the value. YAML 1.2 would read `0755`, `yes` and
//! `1_000` differently from every other Kubernetes client and server.

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
