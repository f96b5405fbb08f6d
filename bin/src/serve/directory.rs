//! The data directory, which one server at a time uses and only its owner can read.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use steersman_io::private::{self, LockError};

use super::admin::KUBECONFIG;

/// The files and directories that a server keeps in its data directory.
const OWN_NAMES: [&str; 4] = ["lock", "pki", "store", KUBECONFIG];

/// Creates the directory if it is missing, and locks it for as long as the returned file is open.
pub(super) fn take(path: &Path) -> Result<File, String> {
    let failed = |error: std::io::Error| format!("--data-dir: {}: {error}", path.display());
    private::create_directory(path).map_err(failed)?;
    let lock = private::lock_directory(path).map_err(|error| match error {
        LockError::Held(holder) => {
            format!("data directory {} is in use by another process{holder}", path.display())
        }
        LockError::Io(error) => failed(error),
    })?;
    close_to_others(path).map_err(failed)?;
    private::own_directory(&path.join("pki")).map_err(failed)?;
    Ok(lock)
}

/// Removes others' rights to the directory if it holds nothing but a server's files. A directory with other content
/// (a home directory, /var/lib) keeps its mode, since secrets are in subdirectories.
fn close_to_others(path: &Path) -> std::io::Result<()> {
    let is_open = fs::metadata(path)?.permissions().mode() & 0o077 != 0;
    if !is_open {
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if !OWN_NAMES.iter().any(|own| name == *own) {
            tracing::warn!("{} is open to others and holds files that are not the server's", path.display());
            return Ok(());
        }
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("is there").permissions().mode() & 0o777
    }

    #[test]
    fn one_server_at_a_time_has_the_directory() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("a/b");
        let first = take(&path).expect("free");
        let error = take(&path).expect_err("in use");
        assert!(error.contains("is in use by another process (process "), "{error}");
        drop(first);
        take(&path).expect("free again");
        assert_eq!((mode(&path), mode(&path.join("pki"))), (0o700, 0o700));
    }

    #[test]
    fn access_of_others_to_the_directory_is_removed() {
        let place = tempfile::tempdir().expect("a directory");
        let key = place.path().join("pki/ca.key");
        take(place.path()).expect("free");
        fs::write(&key, "secret").expect("written");
        for path in [place.path(), &place.path().join("pki"), &key] {
            fs::set_permissions(path, Permissions::from_mode(0o777)).expect("changed");
        }
        take(place.path()).expect("free");
        assert_eq!((mode(place.path()), mode(&place.path().join("pki")), mode(&key)), (0o700, 0o700, 0o600));
        // A directory with other content keeps its mode.
        fs::write(place.path().join("notes"), "").expect("written");
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).expect("changed");
        take(place.path()).expect("free");
        assert_eq!(mode(place.path()), 0o755);
    }
}
