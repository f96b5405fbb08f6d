//! `serve --check`: whether a server could start with the flags and the files that they name. Nothing is written, and
//! no other server is asked.

use std::path::Path;

use steersman_io::certificates::Missing;
use steersman_io::issuer::signing_key;

use super::control_plane::own_key_path;
use super::options::ServerSettings;
use super::security;
use super::stores;
use crate::flags::Flags;

/// Reads what a start would read beside the settings. What the store holds is not looked at, which `steersman store
/// check` does, nor whether the port is free. Must be called inside a tokio runtime.
///
/// # Errors
/// What would prevent the start.
pub(super) fn check(flags: &Flags, settings: &ServerSettings) -> Result<(), String> {
    if settings.needs_data_directory {
        directory(&settings.data_directory)?;
    }
    security::secure(flags, settings, Missing::Forgotten)?;
    let own_key = own_key_path(flags, settings);
    if let Some(path) = own_key.filter(|path| path.exists()) {
        signing_key(&path)?;
    }
    stores::check(flags, &settings.storage)?;
    recording(flags.text("record"))
}

/// The data directory is one, or can be made.
fn directory(path: &Path) -> Result<(), String> {
    let there = path.ancestors().find(|path| !path.as_os_str().is_empty() && path.exists());
    match there {
        Some(place) if !place.is_dir() => {
            Err(format!("--data-dir: {}: {} is not a directory", path.display(), place.display()))
        }
        Some(_) | None => Ok(()),
    }
}

/// The folder of the recording is there.
fn recording(path: &str) -> Result<(), String> {
    let folder = match Path::new(path).parent() {
        None => return Ok(()),
        Some(folder) if folder.as_os_str().is_empty() => return Ok(()),
        Some(folder) => folder,
    };
    if folder.is_dir() { Ok(()) } else { Err(format!("--record: {}: is not a directory", folder.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn checked(line: &str) -> Result<(), String> {
        let given: Vec<String> = line.split_ascii_whitespace().map(String::from).collect();
        let flags = crate::flags::parse(&given)?;
        check(&flags, &ServerSettings::from_flags(&flags)?)
    }

    #[tokio::test]
    async fn nothing_is_written() {
        let place = tempfile::tempdir().expect("a directory");
        let data = place.path().join("data");
        assert_eq!(checked(&format!("--check --data-dir={}", data.display())), Ok(()));
        assert_eq!(fs::read_dir(place.path()).expect("a directory").count(), 0);
    }

    #[tokio::test]
    async fn what_would_prevent_the_start_is_told() {
        let place = tempfile::tempdir().expect("a directory");
        let (pki, file) = (place.path().join("pki"), place.path().join("file"));
        fs::create_dir(&pki).expect("a directory");
        fs::write(&file, "no PEM").expect("written");
        let (data, file) = (place.path().display(), file.display());
        let cases = [
            (format!("--data-dir={file}/data"), "is not a directory"),
            (format!("--data-dir={data} --tls-min-version=VersionTLS9"), "--tls-min-version: "),
            (format!("--data-dir={data} --tls-cipher-suites=X"), "--tls-cipher-suites: "),
            (format!("--data-dir={data} --tls-cert-file=x"), "go together"),
            (format!("--data-dir={data} --tls-sni-cert-key={file},{file}"), "--tls-sni-cert-key: "),
            (format!("--data-dir={data} --client-ca-file={file}"), "--client-ca-file: "),
            (format!("--data-dir={data} --record={data}/none/recording"), "--record: "),
        ];
        for (line, expected) in cases {
            let error = checked(&line).expect_err(&line);
            assert!(error.contains(expected), "{line}: {error}");
        }
        // Keys that are there are read.
        fs::write(pki.join("sa.key"), "no key").expect("written");
        let line = format!("--data-dir={data}");
        assert!(checked(&line).expect_err("no key").contains("sa.key"));
        fs::remove_file(pki.join("sa.key")).expect("removed");
        fs::write(pki.join("ca.crt"), "").expect("written");
        assert!(checked(&line).expect_err("half an authority").contains("ca.key is missing"));
    }

    #[tokio::test]
    #[cfg(feature = "etcd")]
    async fn what_would_keep_the_server_from_etcd_is_told() {
        let place = tempfile::tempdir().expect("a directory");
        let file = place.path().join("file");
        fs::write(&file, "no PEM").expect("written");
        let (data, file) = (place.path().display(), file.display());
        let cases = [
            ("--etcd-servers=https://x".to_owned(), "needs the file of a certificate authority"),
            (format!("--etcd-servers=https://x --etcd-cafile={file}"), "--etcd-servers: "),
            (format!("--etcd-servers=http://x --etcd-keyfile={file}"), "given together"),
            ("--etcd-servers=x".to_owned(), "must be http://host:port or https://host:port"),
        ];
        for (line, expected) in cases {
            let error = checked(&format!("--data-dir={data} {line}")).expect_err(&line);
            assert!(error.contains(expected), "{line}: {error}");
        }
        assert_eq!(checked(&format!("--data-dir={data} --etcd-servers=http://127.0.0.1:2379")), Ok(()));
    }
}
