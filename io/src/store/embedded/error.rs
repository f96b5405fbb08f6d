//! Why a data directory cannot be opened, worded for the operator who has to repair it.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What an operator can do about a damaged store.
const REPAIR: &str = "move the data directory away, and restore it from a backup (steersman store restore) or begin with an empty store";

/// Why the embedded store did not start. The directory was not changed.
#[derive(Debug)]
pub enum OpenError {
    /// Another process uses the directory.
    Locked { directory: PathBuf, holder: String },
    /// The operating system reported an error.
    Io { path: PathBuf, action: &'static str, source: io::Error },
    /// Bytes that were durable are not what was written.
    Damaged { path: PathBuf, offset: u64, what: String },
    /// The file was written in a format that this version does not know.
    UnknownVersion { path: PathBuf, version: u32 },
    /// A file is missing that later files build on.
    Missing { directory: PathBuf, sequence: u64 },
}

impl OpenError {
    pub(super) fn io(path: impl Into<PathBuf>, action: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.into(), action, source }
    }

    pub(super) fn damaged(path: impl Into<PathBuf>, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), offset, what: what.into() }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { directory, holder } => {
                write!(out, "data directory {} is in use by another process{holder}", directory.display())
            }
            Self::Io { path, action, source } => write!(out, "cannot {action} {}: {source}", path.display()),
            Self::Damaged { path, offset, what } => {
                write!(out, "{} is damaged at byte {offset}: {what}; {}", path.display(), REPAIR)
            }
            Self::UnknownVersion { path, version } => write!(
                out,
                "{} has format version {version}, this server knows versions up to {}; use the server that wrote it",
                path.display(),
                super::file::FORMAT_VERSION
            ),
            Self::Missing { directory, sequence } => write!(
                out,
                "data directory {} lacks the log from batch {sequence} on; {}",
                directory.display(),
                REPAIR
            ),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Locked { .. }
            | Self::Damaged { .. }
            | Self::UnknownVersion { .. }
            | Self::Missing { .. } => None,
        }
    }
}
