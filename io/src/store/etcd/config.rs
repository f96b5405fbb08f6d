//! How an etcd cluster is reached, and the channels to its members that follow from it.

use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// When a connection without traffic is probed, and how long the answer may take. etcd closes the
/// connections of clients that probe more often than every 5 seconds.
/// etcd: server/embed/config.go DefaultGRPCKeepAliveMinTime
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// What may be in flight before it is acknowledged, bytes: large lists must not wait for round trips.
const STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;

/// An etcd cluster. The files are read once, when the store connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdConfig {
    /// `scheme://host:port` of one or more members.
    pub endpoints: Vec<String>,
    /// Who vouches for the members, PEM. Needed for `https` endpoints.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate and key, PEM; both or neither.
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    /// How long making one connection may take.
    pub connect_timeout: Duration,
    /// How long one write may take, with all its tries. etcd itself gives up after 7 seconds.
    pub write_timeout: Duration,
    /// How long one read may take, with all its tries and its transfer.
    pub read_timeout: Duration,
    /// Never take a member's word for how far a watch is, as with old releases.
    pub doubts_progress: bool,
}

/// Why there is no connection to a cluster.
#[derive(Debug)]
pub enum ConnectError {
    /// A file that is named cannot be read.
    File(PathBuf, std::io::Error),
    /// The settings contradict each other or an endpoint is none.
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

    /// A channel to each endpoint, which connects when it is first used, and again after every break.
    pub(super) fn channels(&self) -> Result<Vec<(String, Channel)>, ConnectError> {
        if self.endpoints.is_empty() {
            return Err(ConnectError::Settings("no etcd endpoint is given".into()));
        }
        let tls = self.tls()?;
        let channel = |endpoint: &String| Ok((endpoint.clone(), self.channel(endpoint, tls.as_ref())?));
        self.endpoints.iter().map(channel).collect()
    }

    fn channel(&self, url: &str, tls: Option<&ClientTlsConfig>) -> Result<Channel, ConnectError> {
        let refused = |why: &dyn Display| ConnectError::Settings(format!("etcd endpoint {url:?}: {why}"));
        let secure = match url.split_once("://") {
            Some(("https", _)) => true,
            Some(("http", _)) => false,
            Some(_) | None => return Err(refused(&"must be http://host:port or https://host:port")),
        };
        let mut endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| refused(&error))?;
        if secure {
            let tls = tls.ok_or_else(|| refused(&"https needs the file of a certificate authority"))?;
            endpoint = endpoint.tls_config(tls.clone()).map_err(|error| refused(&error))?;
        }
        let endpoint = endpoint
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        Ok(endpoint.connect_lazy())
    }

    fn tls(&self) -> Result<Option<ClientTlsConfig>, ConnectError> {
        let identity = match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some(Identity::from_pem(read(certificate)?, read(key)?)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let why = "an etcd client certificate and its key must be given together";
                return Err(ConnectError::Settings(why.into()));
            }
        };
        let Some(ca_file) = &self.ca_file else { return Ok(None) };
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(ca_file)?));
        Ok(Some(match identity {
            Some(identity) => tls.identity(identity),
            None => tls,
        }))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ConnectError> {
    std::fs::read(path).map_err(|error| ConnectError::File(path.to_owned(), error))
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
