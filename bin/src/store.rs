//! `steersman store`: what an operator does with the files of the embedded store: check them, back them up, begin with
//! a backup, list what they hold.
//!
//! A backup is a directory like a data directory: the store as one snapshot, and the keys and credentials that a server
//! keeps beside it. Everything but `restore` works while a server runs.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use steersman_core::codec::base64;
use steersman_core::store::{KeyValue, Rev};
use steersman_io::private;
use steersman_io::store::embedded::archive::{Archive, Summary};

/// Where a server keeps its data, without `--data-dir`.
const DATA_DIRECTORY: &str = "steersman-data";
/// What a data directory holds beside the store, as far as it is there.
const KEYS: &str = "pki";
const CREDENTIALS: &str = "admin.kubeconfig";
const STORE: &str = "store";

/// By how much the revisions of a restored store are later than those of its backup, if it is not said. A client may
/// have seen revisions that the backup does not have, and would take other states for those.
const REVISIONS_LATER: u64 = 1_000_000_000;

pub(crate) fn command() -> Command {
    let data = Arg::new("data-dir")
        .long("data-dir")
        .value_name("DIRECTORY")
        .value_parser(clap::value_parser!(PathBuf))
        .default_value(DATA_DIRECTORY)
        .help("The data directory, or a backup");
    let backup =
        Arg::new("backup").value_name("BACKUP").required(true).value_parser(clap::value_parser!(PathBuf));
    let later = Arg::new("bump-revision")
        .long("bump-revision")
        .value_name("N")
        .value_parser(clap::value_parser!(u64).range(..=1_000_000_000_000))
        .default_value("1000000000")
        .help("By how much revisions are later than in the backup, so that no client takes a state for one that it saw");
    let prefix =
        Arg::new("prefix").long("prefix").value_name("KEY").default_value("").help("Only keys that begin so");
    let keys = Arg::new("keys-only").long("keys-only").action(ArgAction::SetTrue).help("Without values");
    Command::new("store")
        .about("Check, back up, restore or list the embedded store")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("check")
                .about("Read all of a store and verify every checksum; a server may run meanwhile")
                .after_help("Exit codes: 0 the store is whole; 1 it is damaged, or cannot be read.")
                .arg(data.clone()),
        )
        .subcommand(
            Command::new("backup")
                .about("Write a consistent, verified copy of a data directory; a server may run meanwhile")
                .after_help("The copy holds the server's keys and all Secrets: protect it like them.")
                .arg(data.clone())
                .arg(backup.clone().help("A new directory")),
        )
        .subcommand(
            Command::new("restore")
                .about("Make a data directory from a backup; it must not hold a store")
                .arg(data.clone().help("The new data directory"))
                .arg(later)
                .arg(backup.help("What `steersman store backup` has written")),
        )
        .subcommand(
            Command::new("dump")
                .about("Print all keys and values, a line of JSON each; Secrets too")
                .arg(data)
                .arg(prefix)
                .arg(keys),
        )
}

pub(crate) fn main(matches: &ArgMatches) -> ExitCode {
    let path = |matches: &ArgMatches, name: &str| -> PathBuf {
        matches.get_one::<PathBuf>(name).cloned().unwrap_or_else(|| DATA_DIRECTORY.into())
    };
    let done = match matches.subcommand() {
        Some(("check", matches)) => check(&path(matches, "data-dir")),
        Some(("backup", matches)) => backup(&path(matches, "data-dir"), &path(matches, "backup")),
        Some(("restore", matches)) => {
            let later = matches.get_one("bump-revision").copied().unwrap_or(REVISIONS_LATER);
            restore(&path(matches, "backup"), &path(matches, "data-dir"), later)
        }
        Some(("dump", matches)) => {
            let prefix = matches.get_one::<String>("prefix").cloned().unwrap_or_default();
            dump(&path(matches, "data-dir"), &prefix, !matches.get_flag("keys-only"))
        }
        Some(_) | None => unreachable!("clap knows the subcommands and requires one"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("steersman store: {why}");
            ExitCode::FAILURE
        }
    }
}

fn read(directory: &Path) -> Result<Archive, String> {
    Archive::read(&directory.join(STORE)).map_err(|error| error.to_string())
}

fn check(directory: &Path) -> Result<(), String> {
    print(&shown(&read(directory)?.summary()))
}

/// Writes a backup, and reads it again: only a copy that is whole gets its name.
fn backup(directory: &Path, backup: &Path) -> Result<(), String> {
    let archive = read(directory)?;
    let unfinished = unfinished(backup)?;
    let found = copy(&archive, Rev(0), directory, &unfinished).and_then(|()| read(&unfinished));
    let copied = match found {
        Ok(copied) if copied.key_values().eq(archive.key_values()) => copied.summary(),
        Ok(_) => {
            let _ = fs::remove_dir_all(&unfinished);
            return Err(format!("{}: what was written is not what was read", backup.display()));
        }
        Err(why) => {
            let _ = fs::remove_dir_all(&unfinished);
            return Err(why);
        }
    };
    rename(&unfinished, backup)?;
    print(&format!("backed up to {}: {}", backup.display(), shown(&copied)))
}

fn restore(backup: &Path, directory: &Path, later: u64) -> Result<(), String> {
    let archive = read(backup)?;
    let unfinished = unfinished(directory)?;
    let revision = Rev(archive.summary().revision.0.saturating_add(later));
    let written = copy(&archive, revision, backup, &unfinished).and_then(|()| read(&unfinished));
    let written = written.inspect_err(|_| {
        let _ = fs::remove_dir_all(&unfinished);
    })?;
    rename(&unfinished, directory)?;
    print(&format!("restored to {}: {}", directory.display(), shown(&written.summary())))
}

fn dump(directory: &Path, prefix: &str, with_values: bool) -> Result<(), String> {
    let archive = read(directory)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut lines = archive.key_values().filter(|kv| kv.key.starts_with(prefix.as_bytes()));
    let written = lines.try_for_each(|kv| writeln!(out, "{}", line(&kv, with_values)));
    match written.and_then(|()| out.flush()) {
        // A reader such as `head` has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A key with its value: as an object if it is one, as base64 if it is no text.
fn line(kv: &KeyValue, with_value: bool) -> Value {
    let mut line = json!({
        "key": String::from_utf8_lossy(&kv.key),
        "createRevision": kv.create_revision.0,
        "modRevision": kv.mod_revision.0,
        "version": kv.version,
        "lease": kv.lease.0,
        "bytes": kv.value.len(),
    });
    if with_value {
        let (name, value) = match (serde_json::from_slice(&kv.value), std::str::from_utf8(&kv.value)) {
            (Ok(value), _) => ("value", value),
            (Err(_), Ok(text)) => ("text", Value::from(text)),
            (Err(_), Err(_)) => ("base64", Value::from(base64::encode(&kv.value))),
        };
        line[name] = value;
    }
    line
}

/// Where a directory is written before it gets its name, which must not be taken by more than an empty directory.
fn unfinished(path: &Path) -> Result<PathBuf, String> {
    let is_taken = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    };
    if is_taken {
        return Err(format!("{} is there already", path.display()));
    }
    let mut name = path.file_name().ok_or_else(|| format!("{} has no name", path.display()))?.to_owned();
    name.push(".unfinished");
    let unfinished = path.with_file_name(name);
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", unfinished.display()))
        }
        Ok(()) | Err(_) => Ok(unfinished),
    }
}

/// Writes a directory with the content of a store, and the keys and credentials that are beside it.
fn copy(archive: &Archive, revision: Rev, from: &Path, to: &Path) -> Result<(), String> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |error: io::Error| format!("{}: {error}", path.display())
    };
    private::create_directory(to).map_err(failed(to))?;
    archive.write(&to.join(STORE), revision).map_err(|error| error.to_string())?;
    let keys = from.join(KEYS);
    if keys.is_dir() {
        let copied = to.join(KEYS);
        private::create_directory(&copied).map_err(failed(&copied))?;
        for entry in fs::read_dir(&keys).map_err(failed(&keys))? {
            let path = entry.map_err(failed(&keys))?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_file() && name != "lock" {
                copy_file(&path, &copied.join(name)).map_err(failed(&path))?;
            }
        }
    }
    let credentials = from.join(CREDENTIALS);
    if credentials.is_file() {
        copy_file(&credentials, &to.join(CREDENTIALS)).map_err(failed(&credentials))?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    private::replace(to, &fs::read(from)?, private::FILE_MODE)
}

fn rename(unfinished: &Path, path: &Path) -> Result<(), String> {
    let renamed = fs::rename(unfinished, path).and_then(|()| private::sync_parent(path));
    renamed.map_err(|error| format!("cannot name {}: {error}", path.display()))
}

fn shown(summary: &Summary) -> String {
    let Summary { revision, keys, leases, content_bytes, file_bytes, unfinished } = summary;
    let mut text = format!(
        "revision {}, {keys} keys, {leases} leases, {content_bytes} bytes of content in {file_bytes} bytes of files",
        revision.0
    );
    if let Some(unfinished) = unfinished {
        text.push_str(&format!(
            "; {} bytes from byte {} of {} on are a batch that was never acknowledged",
            unfinished.bytes,
            unfinished.offset,
            unfinished.path.display()
        ));
    }
    text
}

fn print(line: &str) -> Result<(), String> {
    writeln!(io::stdout(), "{line}").map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use steersman_core::store::LeaseId;

    #[test]
    fn values_are_shown_as_what_they_are() {
        let kv = |value: &'static [u8]| KeyValue {
            key: Bytes::from_static(b"/registry/x"),
            value: Bytes::from_static(value),
            create_revision: Rev(2),
            mod_revision: Rev(3),
            version: 2,
            lease: LeaseId(0),
        };
        let cases: &[(&[u8], &str, Value)] = &[
            (br#"{"a":1}"#, "value", json!({"a": 1})),
            (b"{", "text", json!("{")),
            (b"k8s\0\xff", "base64", json!("azhzAP8=")),
        ];
        for (value, name, shown) in cases {
            assert_eq!(line(&kv(value), true)[name], *shown);
            assert_eq!(line(&kv(value), false).get(name), None);
        }
    }

    #[test]
    fn names_that_are_taken_are_refused() {
        let place = tempfile::tempdir().expect("a directory");
        fs::write(place.path().join("a"), "").expect("written");
        assert!(unfinished(place.path()).expect_err("taken").ends_with("is there already"));
        assert!(unfinished(&place.path().join("a")).expect_err("a file").ends_with("is there already"));
        let fresh = unfinished(&place.path().join("b")).expect("free");
        assert_eq!(fresh, place.path().join("b.unfinished"));
    }
}
