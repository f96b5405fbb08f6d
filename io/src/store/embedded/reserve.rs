//! Allocated room on the disk, so that objects can be deleted when the disk is full.

use super::directory::DataDirectory;
use super::disk;
use super::log::AppendError;
use crate::private;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

/// The unit in which a file's blocks are counted, whatever the file system's is.
const BLOCK_BYTES: u64 = 512;

/// A file whose only purpose is to take room.
pub(super) struct Reserve {
    bytes: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    /// The room was released, or never allocated.
    Missing,
    /// The file system cannot allocate room.
    Impossible,
}

impl Reserve {
    /// Finds the reserve that an earlier process left. With 0 bytes, none is kept. A copy of the directory, such as a
    /// backup, may have the file with its length and without its blocks.
    pub(super) fn find(directory: &DataDirectory, bytes: u64) -> Self {
        let taken = |metadata: &Metadata| metadata.len().min(metadata.blocks() * BLOCK_BYTES);
        let held = fs::metadata(directory.files().reserve()).is_ok_and(|metadata| taken(&metadata) >= bytes);
        let state = match bytes {
            0 => State::Impossible,
            _ if held => State::Held,
            _ => State::Missing,
        };
        Self { bytes, state }
    }

    /// Allocates the room, unless it is allocated already.
    ///
    /// # Errors
    /// When the disk has no room.
    pub(super) fn hold(&mut self, directory: &DataDirectory) -> Result<(), AppendError> {
        if self.state != State::Missing {
            return Ok(());
        }
        let path = directory.files().reserve();
        let taken = private::create_file(&path, private::FILE_MODE)
            .and_then(|file| directory.disk().allocate(&file, self.bytes));
        match taken {
            Ok(()) => self.state = State::Held,
            Err(error) => {
                let _ = directory.disk().remove(&path);
                if disk::is_full(&error) {
                    return Err(AppendError::Full);
                }
                tracing::warn!("no room can be reserved for deletions on a full disk: {error}");
                self.state = State::Impossible;
            }
        }
        Ok(())
    }

    /// Releases the room. False when there is none.
    pub(super) fn release(&mut self, directory: &DataDirectory) -> bool {
        if self.state != State::Held {
            return false;
        }
        self.state = State::Missing;
        match directory.disk().remove(&directory.files().reserve()) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!("the room that is reserved for deletions cannot be given away: {error}");
                false
            }
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn is_missing(&self) -> bool {
        self.state == State::Missing
    }
}
