//! Files and directories for their owner only: modes that do not depend on the umask, locks, and files that are
//! replaced atomically.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// The mode bits that give rights to other users.
const OTHERS: u32 = 0o077;

/// Why a directory or file could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds the lock; its process id, if known, formatted as a suffix for the error.
    Held(String),
    Io(io::Error),
}

/// Creates a directory, and its missing parents, for the owner only.
pub fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)?;
    // The umask may have removed rights of the owner too.
    fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))?;
    sync_parent(path)
}

/// Creates a directory that belongs to the server, or removes others' rights to it and to the files in it.
pub fn own_directory(path: &Path) -> io::Result<()> {
    create_directory(path)?;
    restrict(path, DIRECTORY_MODE)?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            restrict(&entry.path(), FILE_MODE)?;
        }
    }
    Ok(())
}

/// Removes others' rights to a file or directory.
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & OTHERS != 0 => {
            fs::set_permissions(path, Permissions::from_mode(mode))
        }
        // A file that was removed meanwhile needs no mode.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Creates a file with this mode, whatever the umask, replacing an existing one.
pub fn create_file(path: &Path, mode: u32) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

/// Replaces a file atomically: a reader finds the old bytes or the new ones, even after a crash.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // A temporary file left by a crash may have another mode, or be a link.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    sync_parent(path)
}

/// Removes a file durably; a file that does not exist is not an error.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_parent(path),
    }
}

/// Makes the name of a file or directory durable.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    File::open(parent)?.sync_all()
}

/// Locks a directory by the file `lock` in it. The lock is released with the returned file, even when the process is
/// killed.
pub fn lock_directory(directory: &Path) -> Result<File, LockError> {
    let path = directory.join("lock");
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(&path);
    let mut file = opened.map_err(LockError::Io)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE)).map_err(LockError::Io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known { format!(" (process {})", holder.trim()) } else { String::new() };
            return Err(LockError::Held(holder));
        }
        Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
    }
    // The process id is written only for the message above, so a failure must not stop the server.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn directories_that_were_open_to_others_are_closed() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let own = place.path().join("a/own");
        fs::create_dir_all(&own).expect("created");
        fs::write(own.join("file"), "1").expect("written");
        fs::create_dir(own.join("other")).expect("created");
        for path in [own.clone(), own.join("file"), own.join("other")] {
            fs::set_permissions(&path, Permissions::from_mode(0o777)).expect("changed");
        }
        own_directory(&own).expect("owned");
        assert_eq!((mode(&own), mode(&own.join("file"))), (0o700, 0o600));
        own_directory(&place.path().join("b/new")).expect("created");
        assert_eq!(mode(&place.path().join("b/new")), 0o700);
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join("file");
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("changed");
        let elsewhere = place.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, place.path().join("file.new")).expect("a link");
        replace(&path, b"new", FILE_MODE).expect("replaced");
        assert_eq!((fs::read_to_string(&path).expect("read").as_str(), mode(&path)), ("new", 0o600));
        assert!(!elsewhere.exists() && !place.path().join("file.new").exists());
        // If the file cannot be put in place, the temporary one is removed.
        let directory = place.path().join("directory");
        fs::create_dir(&directory).expect("created");
        replace(&directory, b"x", FILE_MODE).expect_err("is a directory");
        assert!(!place.path().join("directory.new").exists());
        remove(&path).expect("removed");
        remove(&path).expect("is gone");
    }

    #[test]
    fn one_process_at_a_time() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let first = lock_directory(place.path()).expect("free");
        let Err(LockError::Held(holder)) = lock_directory(place.path()) else { panic!("locked twice") };
        assert_eq!(holder, format!(" (process {})", std::process::id()));
        assert_eq!(mode(&place.path().join("lock")), 0o600);
        drop(first);
        lock_directory(place.path()).expect("free again");
    }
}
