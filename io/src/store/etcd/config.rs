//! How an etcd cluster is reached, and the channels to its members.

use std::fmt::{Display, Formatter};
use std::path::PathBuf;
use std::time::Duration;
use tonic::transport::{Channel, Endpoint};

use super::connector::{BadFile, Connector, Files};

/// The interval of keepalive probes on a connection without traffic, and how long their answer may take. etcd closes
/// connections of clients that probe more often than every 5 seconds.
/// etcd: server/embed/config.go DefaultGRPCKeepAliveMinTime
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How many bytes may be in flight before they are acknowledged: large lists must not wait for round trips.
const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;

/// An etcd cluster. The files are read for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdConfig {
    /// `scheme://host:port` of one or more members.
    pub endpoints: Vec<String>,
    /// The authorities that verify the members, PEM. Needed for `https` endpoints.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate and key, PEM; both or neither.
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// How long making one connection may take.
    pub connect_timeout: Duration,
    /// How long one write may take, with all its attempts. etcd itself gives up after 7 seconds.
    pub write_timeout: Duration,
    /// How long one read may take, with all its attempts and the transfer of its result.
    pub read_timeout: Duration,
    /// Never trust a member's progress reports, as is always done with old releases.
    pub doubts_progress: bool,
}

/// Why there is no connection to a cluster.
#[derive(Debug)]
pub enum ConnectError {
    /// A configured file cannot be read.
    File(PathBuf, std::io::Error),
    /// The settings contradict each other, or an endpoint is not valid.
    Settings(String),
    /// No member answers.
    Unreachable(String),
}

impl EtcdConfig {
    /// Members that are reached without encryption, or with `https` once `ca_file` is set.
    pub fn new(endpoints: Vec<String>) -> Self {
        Self {
            endpoints,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            connect_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            doubts_progress: false,
        }
    }

    /// Reads the files and the addresses, and asks nobody. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// `File` and `Settings`, as a connection would be refused.
    pub fn check(&self) -> Result<(), ConnectError> {
        self.channels().map(drop)
    }

    /// A channel to each endpoint. It connects when it is first used, and again after every break.
    pub(super) fn channels(&self) -> Result<Vec<(String, Channel)>, ConnectError> {
        if self.endpoints.is_empty() {
            return Err(ConnectError::Settings("no etcd endpoint is given".into()));
        }
        let files = self.files()?;
        let channel = |endpoint: &String| Ok((endpoint.clone(), self.channel(endpoint, files.as_ref())?));
        self.endpoints.iter().map(channel).collect()
    }

    fn channel(&self, url: &str, files: Option<&Files>) -> Result<Channel, ConnectError> {
        let refused = |why: &dyn Display| ConnectError::Settings(format!("etcd endpoint {url:?}: {why}"));
        let (secure, rest) = match url.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) | None => return Err(refused(&"must be http://host:port or https://host:port")),
        };
        let files = match secure {
            true => Some(files.ok_or_else(|| refused(&"https needs the file of a certificate authority"))?),
            false => None,
        };
        // The connector encrypts, so the channel itself uses plain HTTP.
        let address = format!("http://{rest}");
        let endpoint = Endpoint::from_shared(address).map_err(|error| refused(&error))?;
        let origin = url.parse().map_err(|error| refused(&error))?;
        let connector = Connector { files: files.cloned() };
        let endpoint = endpoint
            .origin(origin)
            .connect_timeout(self.connect_timeout)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        Ok(endpoint.connect_with_connector_lazy(connector))
    }

    /// The files for encrypted connections, which are checked now.
    fn files(&self) -> Result<Option<Files>, ConnectError> {
        let identity = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let why = "an etcd client certificate and its key must be given together";
                return Err(ConnectError::Settings(why.into()));
            }
        };
        let Some(ca) = self.ca_file.clone() else { return Ok(None) };
        let files = Files { ca, identity };
        match files.read() {
            Ok(_) => Ok(Some(files)),
            Err(BadFile(path, error)) => Err(ConnectError::File(path, error)),
        }
    }
}

impl Display for ConnectError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Settings(why) => f.write_str(why),
            Self::Unreachable(why) => write!(f, "etcd does not answer: {why}"),
        }
    }
}

impl std::error::Error for ConnectError {}
