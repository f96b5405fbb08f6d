//! `steersman serve`: starts a server as the flags say, and ends it when it is told to.

mod admin;
mod admission;
mod backends;
mod check;
mod control_plane;
mod directory;
mod issuer;
mod memory;
mod options;
mod plugin_files;
mod security;
mod shutdown;
mod stores;
mod systemd;
mod tokens;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use steersman_core::documents::discovery::GIT_VERSION;
use steersman_core::machine::{Drain, Machine};
use steersman_io::certificates::Missing;
use steersman_io::metrics::Metrics;
use steersman_io::record::Recorder;
use steersman_io::serve::{ServeOptions, Serving, listen};
use steersman_io::shell::Shell;

use crate::configuration::{self, Following, FollowingIssuers};
use crate::flags::{self, Flags};
use crate::logs::LogOptions;
use crate::version;
use options::ServerSettings;
use shutdown::{Signals, shut_down};

/// How often certificate files are looked at.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/dynamiccertificates/dynamic_serving_content.go
const FILE_REFRESH: Duration = Duration::from_secs(60);

/// How often configuration files are looked at, which may change while the server runs. Upstream is told of changes by
/// the operating system.
const CONFIGURATION_REFRESH: Duration = Duration::from_secs(1);

/// How long answers may still be sent after the store has failed.
const GIVING_UP: Duration = Duration::from_secs(1);

/// The name by which a user who expects upstream's server calls this one.
pub(crate) const KUBE_APISERVER: &str = "kube-apiserver";

/// The exit code when a flag promises protection that is not served.
const UNSERVED_FLAGS: u8 = 2;

/// Why the server ended, other than by a signal.
enum Ended {
    Failed(String),
    /// Flags promise protection that is not served.
    Unserved(String),
}

impl From<String> for Ended {
    fn from(error: String) -> Self {
        Self::Failed(error)
    }
}

/// Runs the server until a signal ends it. `program` is how it was called.
pub(crate) fn main(program: &str, arguments: &[OsString]) -> ExitCode {
    match run(program, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Failed(error)) => {
            complain(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
        Err(Ended::Unserved(error)) => {
            complain(&format!("Error: {error}"));
            ExitCode::from(UNSERVED_FLAGS)
        }
    }
}

/// Prints a line to standard output. An error is ignored, since there may be no reader any more.
pub(crate) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn run(program: &str, arguments: &[OsString]) -> Result<(), Ended> {
    let arguments: Vec<String> =
        arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let flags = flags::parse(&arguments)
        .map_err(|error| format!("{error}\nSee '{program} --help' for the flags."))?;
    if flags.bool("help") {
        print(&flags::help(program));
        return Ok(());
    }
    if let Some(version) = version_asked(&flags, program) {
        print(&version);
        return Ok(());
    }
    LogOptions::from_flags(&flags)?.start();
    tell_unserved(&flags.unserved())?;
    let options = ServerSettings::from_flags(&flags)?;
    steersman_io::descriptors::raise_limit();
    memory::give_back();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    if flags.bool("check") {
        let _inside = runtime.enter();
        check::check(&flags, &options)?;
        print("A server can start with these flags and files.");
        return Ok(());
    }
    runtime.block_on(serve(&flags, options))?;
    Ok(())
}

/// What `--version` prints, if it is given. Who calls the server `kube-apiserver` expects its answer and nothing else.
fn version_asked(flags: &Flags, program: &str) -> Option<String> {
    match flags.text("version") {
        "raw" => Some(version::raw()),
        _ if !flags.bool("version") => None,
        _ if program == KUBE_APISERVER => Some(version::kubernetes()),
        _ => Some(version::line()),
    }
}

/// Logs flags that have no effect, and refuses to start with those that promise protection.
fn tell_unserved(unserved: &flags::Unserved) -> Result<(), Ended> {
    if let Some(refusal) = unserved.refusal() {
        return Err(Ended::Unserved(refusal));
    }
    for (_, line) in &unserved.allowed {
        complain(&format!("Warning: not served, and allowed by --allow-unimplemented-flags: {line}"));
    }
    if !unserved.harmless.is_empty() {
        complain(&format!(
            "These flags are accepted and have no effect yet: --{}",
            unserved.harmless.join(", --")
        ));
    }
    Ok(())
}

async fn serve(flags: &Flags, mut options: ServerSettings) -> Result<(), String> {
    // Signals are handled from here on, so that one during the start also ends the server in order.
    let mut signals = Signals::take()?;
    // The directory is locked before anything is written, so that another server's files are not touched.
    let _data_directory = match options.needs_data_directory {
        true => Some(directory::take(&options.data_directory)?),
        false => None,
    };
    control_plane::complete(flags, &mut options)?;
    let file_contents = security::contents(flags);
    let (secured, kubeconfig) = security::secure(flags, &options, Missing::Written)?;
    let listener = listen(options.listen).await.map_err(|error| {
        format!("failed to create listener: failed to listen on {}: {error}", options.listen)
    })?;
    let stores = stores::open(flags, &options.storage).await?;
    let recorder = match flags.text("record") {
        "" => None,
        path => {
            let recorder = Recorder::create(path.as_ref(), &options.config);
            Some(recorder.map_err(|error| format!("--record: {path}: {error}"))?)
        }
    };
    let machine = Machine::new(options.config.clone(), crate::registry());
    let shell = Shell::start(machine, stores, Metrics::new(GIT_VERSION), recorder);
    shell.call_with(std::mem::take(&mut options.certificates).0);
    if let Some(signer) = options.signer.take() {
        shell.sign_with(signer);
    }
    let serve_options = ServeOptions {
        secured,
        http2_max_streams: options.http2_max_streams,
        strict_transport_security: flags.list("strict-transport-security-directives").join("; "),
        request_timeout: options.request_timeout,
    };
    // Whoever finds the server answering finds the file too.
    let admin_kubeconfig = match kubeconfig {
        Some(text) => Some(admin::write_kubeconfig(&options.data_directory, &text)?),
        None => None,
    };
    let serving = Serving::start(Arc::clone(&shell), listener, serve_options)?;
    tracing::info!(address = %options.listen, "serving securely");
    let following = options.following.take();
    let following_issuers = options.following_issuers.take();
    let running = async {
        shell.ready().await;
        announce(admin_kubeconfig.as_deref());
        tokio::join!(
            follow_files(flags, &options, &shell, &serving, file_contents),
            follow_authorizers(&shell, following),
            follow_issuers(&shell, following_issuers),
            systemd::keep_watchdog(&shell),
        );
    };
    tokio::select! {
        () = signals.next() => {}
        () = running => {}
        why = shell.failed() => return give_up(&shell, &why).await,
    }
    tokio::select! {
        biased;
        () = signals.next() => {
            // A second signal means that the user does not want to wait. Acknowledged writes are durable already.
            complain("Error: a second signal ends the server at once");
            std::process::exit(1)
        }
        () = shut_down(&shell, serving, &options) => Ok(()),
    }
}

/// The store can never take a write again: the process ends, so that its supervisor can restart it.
async fn give_up(shell: &Arc<Shell>, why: &str) -> Result<(), String> {
    tracing::error!(%why, "the store has failed; the process ends");
    shell.drain(Drain { watch_grace_millis: 0, sends_retry_after: false });
    // Requests that are under way still get their answers.
    tokio::time::sleep(GIVING_UP).await;
    Err(format!("the store has failed: {why}"))
}

/// Reports that the server is ready, on standard output and to the service manager.
fn announce(admin_kubeconfig: Option<&Path>) {
    if let Some(kubeconfig) = admin_kubeconfig {
        print(&format!("export KUBECONFIG={}", quoted(&kubeconfig.to_string_lossy())));
    }
    if let Err(error) = systemd::notify_ready() {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// The text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Loads certificates again whenever their files have changed. It never returns.
async fn follow_files(
    flags: &Flags,
    options: &ServerSettings,
    shell: &Arc<Shell>,
    serving: &Serving,
    mut known: Vec<Vec<u8>>,
) {
    loop {
        tokio::time::sleep(FILE_REFRESH).await;
        let found = security::contents(flags);
        if found == known {
            continue;
        }
        let taken = security::secure(flags, options, Missing::Written).and_then(|(secured, kubeconfig)| {
            kubeconfig
                .map_or(Ok(()), |text| admin::write_kubeconfig(&options.data_directory, &text).map(drop))?;
            // A server's own authority does not change.
            let trusted = match options.makes_admin {
                true => None,
                false => Some(control_plane::trusted_clients(flags)?),
            };
            Ok((secured, trusted, backends::client_certificates(flags)?))
        });
        match taken {
            Ok((secured, trusted, certificates)) => {
                serving.secure_with(secured);
                shell.call_with(certificates);
                if let Some(trusted) = trusted {
                    shell.tell_trusted(trusted);
                }
                known = found;
                tracing::info!("certificates taken anew");
            }
            // The files may be half written.
            Err(error) => tracing::warn!(%error, "certificates stay as they were"),
        }
    }
}

/// Takes other authorizers whenever the file that names them has changed, if there is one. It never returns.
/// k8s: pkg/kubeapiserver/authorizer/reload.go
async fn follow_authorizers(shell: &Arc<Shell>, following: Option<Following>) {
    let Some(mut following) = following else { return std::future::pending().await };
    loop {
        tokio::time::sleep(CONFIGURATION_REFRESH).await;
        match configuration::from_file(&mut following) {
            Ok(None) => {}
            Ok(Some(changed)) => {
                shell.call_with(changed.certificates.0);
                shell.authorize_by(changed.list);
                tracing::info!("authorizers taken anew");
            }
            Err(error) => tracing::error!(%error, "authorizers stay as they were"),
        }
    }
}

/// Takes the tokens of other issuers whenever the file that names them has changed, if there is one. It never returns.
async fn follow_issuers(shell: &Arc<Shell>, following: Option<FollowingIssuers>) {
    let Some(mut following) = following else { return std::future::pending().await };
    loop {
        tokio::time::sleep(CONFIGURATION_REFRESH).await;
        match configuration::issuers_from_file(&mut following) {
            Ok(None) => {}
            Ok(Some(issuers)) => {
                shell.take_tokens_of(issuers);
                tracing::info!("issuers of tokens taken anew");
            }
            Err(error) => tracing::error!(%error, "issuers of tokens stay as they were"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_told_as_the_caller_expects_it() {
        let told = |program: &str, line: &str| {
            version_asked(&flags::parse(&[line.to_owned()]).expect(line), program)
        };
        assert_eq!(told("steersman serve", "--version"), Some(version::line()));
        assert_eq!(told(KUBE_APISERVER, "--version"), Some(format!("Kubernetes {GIT_VERSION}")));
        assert_eq!(told(KUBE_APISERVER, "--version=raw"), Some(version::raw()));
        for line in ["--version=false", "--version=0", "--v=1"] {
            assert_eq!(told("steersman serve", line), None, "{line}");
        }
        assert!(flags::parse(&["--version=v1.36.2+other".to_owned()]).is_err());
    }

    #[test]
    fn a_path_is_quoted_as_one_shell_word() {
        for (path, word) in [("/a/b", "'/a/b'"), ("/a b/$c", "'/a b/$c'"), ("/it's", "'/it'\\''s'")] {
            assert_eq!(quoted(path), word);
        }
    }
}
