//! The meaning of the flags: addresses, files and the machine's configuration, checked against each other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use steersman_core::config::Federation;
use steersman_core::config::{Authentication, Authorizer, Denials};
use steersman_core::config::{Bootstrap, Config};
use steersman_core::documents::openid;
use steersman_core::kinds::together;
use steersman_core::limits::Bounds;
use steersman_core::museum::Flaw;
use steersman_core::store::Feed;
use steersman_core::value::Text;
use steersman_core::value::ip::SloppyCidr;
use steersman_core::value::port_range::PortRange;
use steersman_io::issuer::TokenSigner;

use super::admission;
use super::backends;
use super::control_plane;
use super::issuer::TokenIssuer;
use super::tokens;
use crate::configuration::{self, Authorizers, ClientCertificates, Federated, Following, FollowingIssuers};
use crate::flags::Flags;

/// Flags about clients. Without any of them, an administrator is created.
const AUTHENTICATION_FLAGS: [&str; 7] = [
    "basic-auth-file",
    "client-ca-file",
    "token-auth-file",
    "requestheader-client-ca-file",
    "oidc-issuer-url",
    "authentication-config",
    "authentication-token-webhook-config-file",
];

/// Addresses reserved for services when no range is given.
/// k8s: pkg/controlplane/apiserver/options/options.go
const DEFAULT_SERVICE_RANGE: &str = "10.0.0.0/24";

/// Where objects are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    Embedded(PathBuf),
    Memory,
    /// One cluster of endpoints for each feed, in their order.
    Etcd(Vec<Vec<String>>),
}

/// A server's settings.
#[derive(Debug)]
pub(super) struct ServerSettings {
    pub(super) data_directory: PathBuf,
    pub(super) storage: Storage,
    pub(super) listen: SocketAddr,
    pub(super) advertise_address: IpAddr,
    pub(super) service_ip: IpAddr,
    pub(super) certificate_directory: PathBuf,
    /// It lies in the data directory.
    pub(super) certificate_directory_is_own: bool,
    /// Something is kept in the data directory.
    pub(super) needs_data_directory: bool,
    /// No flag says how clients are authenticated, so an administrator is created.
    pub(super) makes_admin: bool,
    pub(super) request_timeout: Duration,
    pub(super) shutdown_delay: Duration,
    pub(super) watch_grace: Duration,
    pub(super) sends_retry_after: bool,
    pub(super) http2_max_streams: u32,
    pub(super) config: Config,
    /// Client certificates for the servers that this one asks.
    pub(super) certificates: ClientCertificates,
    /// The file that names the authorizers, if there is one.
    pub(super) following: Option<Following>,
    /// The file that names issuers of tokens, if there is one.
    pub(super) following_issuers: Option<FollowingIssuers>,
    /// The private part of the configuration's signing key.
    pub(super) signer: Option<TokenSigner>,
}

impl ServerSettings {
    /// Reads the flags and the files that they name.
    pub(super) fn from_flags(flags: &Flags) -> Result<Self, String> {
        let makes_admin = !AUTHENTICATION_FLAGS.iter().any(|name| flags.is_given(name));
        for name in ["data-dir", "cert-dir"] {
            if flags.text(name).is_empty() {
                return Err(format!("--{name} must name a directory"));
            }
        }
        let data_directory = PathBuf::from(flags.text("data-dir"));
        let is_alone = is_alone(flags, makes_admin);
        let listen = listen_address(flags, is_alone)?;
        let advertise_address = match flags.address("advertise-address") {
            Some(address) => address,
            None if is_alone => listen.ip(),
            None => advertised(listen.ip()),
        };
        let (service_ip, service_range) = service_range(flags.text("service-cluster-ip-range"))?;
        let certificate_directory_is_own = !flags.is_given("cert-dir");
        let certificate_directory = match certificate_directory_is_own {
            true => data_directory.join("pki"),
            false => PathBuf::from(flags.text("cert-dir")),
        };
        let host = match flags.text("external-hostname") {
            "" => advertise_address.to_string(),
            name => name.to_owned(),
        };
        let Authorizers { list: authorization, mut certificates, following } =
            configuration::from_flags(flags)?;
        let mut federated = configuration::federated(flags)?;
        certificates.0.append(&mut federated.certificates.0);
        let (admission, mut shown) = admission::admission(flags)?;
        certificates.0.append(&mut shown.0);
        certificates.0.extend(backends::client_certificates(flags)?);
        let (storage, feeds) = storage(flags, &data_directory)?;
        let needs_data_directory = makes_admin
            || matches!(storage, Storage::Embedded(_))
            || (certificate_directory_is_own && flags.text("tls-cert-file").is_empty());
        let issuer = TokenIssuer::from_flags(flags)?;
        let (signing_key, signer) = issuer.signing.unzip();
        let config = Config {
            etcd_prefix: etcd_prefix(flags.text("etcd-prefix")),
            seed: steersman_io::tls::random_seed(),
            advertised: host_and_port(&host, listen.port()).into(),
            service_ip: Text::from(service_ip.to_string()),
            service_range,
            node_ports: node_ports(flags.text("service-node-port-range"))?,
            advertise_address: endpoint(advertise_address),
            secure_port: listen.port(),
            authentication: authentication(flags, makes_admin, &authorization, &federated)?,
            authorization,
            max_in_flight: bound(flags, "max-requests-inflight")?,
            max_mutating_in_flight: bound(flags, "max-mutating-requests-inflight")?,
            request_timeout_millis: millis(flags.duration("request-timeout")),
            min_watch_seconds: u64::from(bound(flags, "min-request-timeout")?),
            compaction_interval_millis: millis(flags.duration("etcd-compaction-interval")),
            event_ttl_seconds: i64::try_from(flags.duration("event-ttl").as_secs()).unwrap_or(i64::MAX),
            feeds,
            issuer: issuer.name,
            issuer_keys: issuer.keys,
            issuer_keys_address: issuer.keys_address,
            admission,
            signing_key,
            audiences: issuer.audiences,
            token_seconds_max: issuer.token_seconds_max,
            extends_tokens: flags.bool("service-account-extend-token-expiration"),
            allows_privileged: flags.bool("allow-privileged"),
            control_plane: control_plane::from_flags(
                flags,
                SocketAddr::new(advertise_address, listen.port()),
            )?,
            kubelet: backends::kubelet(flags)?,
            aggregation: backends::aggregation(flags),
            bootstrap: Bootstrap::Whole,
            denials: Denials::default(),
            bounds: Bounds::PRODUCTION,
            flaw: Flaw::default(),
        };
        if !config.issuer_keys.is_empty() && openid::paths(&config).is_empty() {
            tracing::warn!(
                "the service account issuer cannot be discovered: it is not an https URL without query and fragment"
            );
        }
        Ok(Self {
            storage,
            data_directory,
            listen,
            advertise_address,
            service_ip,
            certificate_directory,
            certificate_directory_is_own,
            needs_data_directory,
            makes_admin,
            request_timeout: flags.duration("request-timeout"),
            shutdown_delay: flags.duration("shutdown-delay-duration"),
            watch_grace: flags.duration("shutdown-watch-termination-grace-period"),
            sends_retry_after: flags.bool("shutdown-send-retry-after"),
            http2_max_streams: match bound(flags, "http2-max-streams-per-connection")? {
                0 => 100,
                streams => streams,
            },
            config,
            certificates,
            following,
            following_issuers: federated.issuers.following,
            signer,
        })
    }
}

/// Whether only this host should reach the server, because neither clients nor an address were configured.
fn is_alone(flags: &Flags, makes_admin: bool) -> bool {
    makes_admin && !flags.is_given("bind-address")
}

fn listen_address(flags: &Flags, is_alone: bool) -> Result<SocketAddr, String> {
    let port = u16::try_from(flags.int("secure-port")).ok().filter(|port| *port > 0).ok_or_else(|| {
        format!(
            "--secure-port {} must be between 1 and 65535, inclusive. It cannot be turned off with 0",
            flags.int("secure-port")
        )
    })?;
    let address = match flags.address("bind-address") {
        Some(address) if !is_alone => address,
        Some(_) | None => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    Ok(SocketAddr::new(address, port))
}

/// The address under which others reach this host: the bound one, or, if that is unspecified, the source address of
/// packets to the outside. No packet is sent.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/net/interface.go ResolveBindAddress
fn advertised(bound: IpAddr) -> IpAddr {
    if !bound.is_unspecified() && !bound.is_loopback() {
        return bound;
    }
    // Addresses of the ranges for documentation, which no host has and which are on no local network.
    let route = |from: &str, to: &str| {
        let socket = UdpSocket::bind(from)?;
        socket.connect(to)?;
        socket.local_addr()
    };
    let route = route("0.0.0.0:0", "192.0.2.1:9").or_else(|_| route("[::]:0", "[2001:db8::1]:9"));
    route.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

/// The address in the endpoints of the `kubernetes` service; empty for no endpoints. Upstream's validation refuses
/// endpoints with a loopback address, since pods would reach themselves by it.
/// k8s: pkg/apis/core/validation/validation.go ValidateNonSpecialIP
fn endpoint(advertised: IpAddr) -> Text {
    if advertised.is_loopback() {
        tracing::info!("the kubernetes service has no endpoints: the server is reached from this host only");
        return Text::default();
    }
    Text::from(advertised.to_string())
}

fn node_ports(given: &str) -> Result<PortRange, String> {
    PortRange::parse(given).ok_or_else(|| format!("unable to parse port range: {given}"))
}

/// The first address of the first range, which the `kubernetes` service has, and the ranges as given.
fn service_range(given: &str) -> Result<(IpAddr, Text), String> {
    let ranges = if given.is_empty() { DEFAULT_SERVICE_RANGE } else { given };
    let bad = || "invalid service cluster IP range: ".to_owned() + ranges;
    let first = ranges.split(',').next().unwrap_or_default();
    let (network, length) = first.split_once('/').ok_or_else(bad)?;
    let length: u32 = length.parse().map_err(|_| bad())?;
    let first = match network.parse().map_err(|_| bad())? {
        IpAddr::V4(network) if length <= 30 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            IpAddr::V4(((network.to_bits() & mask) + 1).into())
        }
        IpAddr::V6(network) if length <= 126 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            IpAddr::V6(((network.to_bits() & mask) + 1).into())
        }
        IpAddr::V4(_) | IpAddr::V6(_) => {
            return Err("the service cluster IP range must be at least 8 IP addresses".into());
        }
    };
    let families =
        ranges.split(',').map(|range| SloppyCidr::parse(range.trim()).map(|range| range.address().is_ipv6()));
    let families: Vec<Option<bool>> = families.collect();
    match families.as_slice() {
        [Some(_)] => Ok((first, ranges.into())),
        [Some(one), Some(other)] if one != other => Ok((first, ranges.into())),
        [Some(_), Some(_)] => Err(
            "--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family"
                .into(),
        ),
        [_, _, _, ..] => Err("--service-cluster-ip-range must not contain more than two entries".into()),
        _ => Err(bad()),
    }
}

/// k8s: pkg/kubeapiserver/options/authentication.go ApplyAuthorization
fn authentication(
    flags: &Flags,
    makes_admin: bool,
    authorizers: &[Authorizer],
    federated: &Federated,
) -> Result<Authentication, String> {
    let tokens = match flags.text("token-auth-file") {
        "" => Vec::new(),
        path => tokens::load(path.as_ref())?,
    };
    let (is_let_in, anonymous_paths) = match &federated.issuers.anonymous {
        Some((is_let_in, paths)) => (*is_let_in, paths.clone()),
        None => (flags.bool("anonymous-auth"), Vec::new()),
    };
    let wanted = is_let_in && !makes_admin;
    let passwords = match flags.text("basic-auth-file") {
        "" => Vec::new(),
        path => tokens::load_passwords(path.as_ref())?,
    };
    let allows_all = authorizers.contains(&Authorizer::AlwaysAllow);
    if wanted && allows_all {
        tracing::warn!(
            "anonymous requests are refused, since the AlwaysAllow authorizer would allow them everything"
        );
    }
    let issuers = flags.list("service-account-issuer");
    Ok(Authentication {
        tokens,
        anonymous: wanted && !allows_all,
        issuers: issuers.iter().map(|issuer| issuer.as_str().into()).collect(),
        skips_lookup: !flags.bool("service-account-lookup"),
        bootstrap_tokens: flags.bool("enable-bootstrap-token-auth"),
        anonymous_paths,
        federation: Federation { passwords, ..federated.federation.clone() },
    })
}

/// Where objects are kept, and which resources have a feed of their own.
type Placement = (Storage, Vec<(Text, Text, Feed)>);

fn storage(flags: &Flags, data_directory: &Path) -> Result<Placement, String> {
    let main = flags.list("etcd-servers");
    if !main.is_empty() {
        return clusters(main, &flags.list("etcd-servers-overrides"));
    }
    if flags.is_given("etcd-servers-overrides") {
        return Err("--etcd-servers-overrides needs --etcd-servers".into());
    }
    let storage = match flags.text("storage") {
        "embedded" => Storage::Embedded(data_directory.join("store")),
        "memory" => Storage::Memory,
        other => return Err(format!("--storage must be embedded or memory, not {other:?}")),
    };
    Ok((storage, Vec::new()))
}

/// `group/resource#server;server` each; resources with the same servers share a feed.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/options/etcd.go
fn clusters(main: Vec<String>, overrides: &[String]) -> Result<Placement, String> {
    let mut clusters = vec![main];
    let mut feeds = Vec::new();
    for given in overrides {
        let bad = || {
            format!(
                "--etcd-servers-overrides invalid, must be of format: group/resource#servers, got {given}"
            )
        };
        let (resource, servers) = given.split_once('#').ok_or_else(bad)?;
        let (group, resource) = resource.split_once('/').ok_or_else(bad)?;
        let servers: Vec<String> = servers.split(';').map(String::from).collect();
        let at = match clusters.iter().position(|held| *held == servers) {
            Some(at) => at,
            None => {
                clusters.push(servers);
                clusters.len() - 1
            }
        };
        let feed = u8::try_from(at).map_err(|_| "--etcd-servers-overrides: too many different servers")?;
        feeds.push((group.into(), resource.into(), Feed(feed)));
    }
    together::check_stores(&feeds)?;
    Ok((Storage::Etcd(clusters), feeds))
}

/// A slash in front and none behind.
fn etcd_prefix(given: &str) -> Text {
    Text::from(format!("/{}", given.trim_matches('/')))
}

fn bound(flags: &Flags, name: &str) -> Result<u32, String> {
    u32::try_from(flags.int(name)).map_err(|_| format!("--{name} can not be negative value"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn host_and_port(host: &str, port: u16) -> String {
    let names_port = host
        .rsplit_once(':')
        .is_some_and(|(name, _)| !name.contains(':') || name.starts_with('[') && name.ends_with(']'));
    match (names_port, host.contains(':')) {
        (true, _) => host.to_owned(),
        (false, true) => format!("[{host}]:{port}"),
        (false, false) => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_the_port_that_it_names() {
        for (host, wanted) in [
            ("api.example", "api.example:6443"),
            ("api.example:443", "api.example:443"),
            ("192.0.2.2", "192.0.2.2:6443"),
            ("fd00::1", "[fd00::1]:6443"),
            ("[fd00::1]:443", "[fd00::1]:443"),
        ] {
            assert_eq!(host_and_port(host, 6443), wanted);
        }
    }

    #[test]
    fn the_first_service_address_is_found() {
        let cases = [
            ("", Some("10.0.0.1")),
            ("10.96.0.0/12", Some("10.96.0.1")),
            ("10.96.5.7/16,fd00::/112", Some("10.96.0.1")),
            ("fd00:1::/112", Some("fd00:1::1")),
            ("10.0.0.0/31", None),
            ("10.0.0.0", None),
            ("x/8", None),
            ("10.0.0.0/24,x", None),
            ("10.0.0.0/24,10.0.1.0/24", None),
            ("10.0.0.0/24,fd00::/112,fd01::/112", None),
        ];
        for (range, expected) in cases {
            let found = service_range(range).ok().map(|(first, _)| first.to_string());
            assert_eq!(found.as_deref(), expected, "{range}");
        }
    }

    #[test]
    fn overrides_share_feeds() {
        let given = [
            "--etcd-servers=https://a:2379,https://b:2379",
            "--etcd-servers-overrides=/events#https://c:2379;https://d:2379,apps/deployments#https://e:2379",
            "--etcd-servers-overrides=/pods#https://e:2379",
        ];
        let flags = crate::flags::parse(&given.map(String::from)).expect("flags");
        let (storage, feeds) = storage(&flags, Path::new("x")).expect("a placement");
        let servers =
            |names: &str| names.chars().map(|name| format!("https://{name}:2379")).collect::<Vec<_>>();
        assert_eq!(storage, Storage::Etcd(vec![servers("ab"), servers("cd"), servers("e")]));
        let feed = |group: &str, resource: &str, feed| (group.into(), resource.into(), Feed(feed));
        assert_eq!(feeds, [feed("", "events", 1), feed("apps", "deployments", 2), feed("", "pods", 2)]);
        assert!(clusters(Vec::new(), &["events#x".into()]).is_err());
        let apart = clusters(Vec::new(), &["/services#https://c:2379".into()]).unwrap_err();
        assert!(
            apart.contains("/services and networking.k8s.io/ipaddresses are written together"),
            "{apart}"
        );
    }

    #[test]
    fn settings_that_cannot_be_served_are_named() {
        let refused = [
            (
                "--authorization-mode=AlwaysDeny,AlwaysDeny",
                "authorization-mode [\"AlwaysDeny\", \"AlwaysDeny\"] has",
            ),
            ("--authorization-mode=Nobody", "authorization-mode \"Nobody\" is not a valid mode"),
            ("--secure-port=0", "--secure-port 0 must be between"),
            ("--max-requests-inflight=-1", "--max-requests-inflight can not be negative"),
            ("--storage=floppy", "--storage must be"),
            ("--data-dir=", "--data-dir must name a directory"),
            ("--cert-dir=", "--cert-dir must name a directory"),
            ("--etcd-servers-overrides=/events#x", "--etcd-servers-overrides needs --etcd-servers"),
            ("--token-auth-file=/nonexistent", "/nonexistent: "),
            ("--service-account-key-file=/nonexistent", "--service-account-key-file: /nonexistent: "),
            ("--service-account-jwks-uri=http://x", "service-account-jwks-uri requires https scheme"),
            (
                "--service-account-signing-key-file=/dev/null",
                "failed to parse service-account-issuer-key-file: /dev/null: data does not contain",
            ),
        ];
        for (flag, expected) in refused {
            let flags = crate::flags::parse(&[flag.to_owned()]).expect(flag);
            let error = ServerSettings::from_flags(&flags).expect_err(flag);
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn authorizers_are_asked_in_turn() {
        let cases = [
            ("AlwaysAllow", vec![Authorizer::AlwaysAllow]),
            ("AlwaysDeny", vec![Authorizer::AlwaysDeny]),
            ("AlwaysDeny,AlwaysAllow", vec![Authorizer::AlwaysDeny, Authorizer::AlwaysAllow]),
            ("AlwaysDeny,RBAC", vec![Authorizer::AlwaysDeny, Authorizer::Rbac]),
            ("AlwaysDeny,Node", vec![Authorizer::AlwaysDeny, Authorizer::Node]),
        ];
        for (modes, expected) in cases {
            let flags = crate::flags::parse(&[format!("--authorization-mode={modes}")]).expect(modes);
            let found = configuration::from_flags(&flags).expect(modes);
            assert_eq!(found.list, expected, "{modes}");
        }
    }

    #[test]
    fn only_a_server_without_configured_users_and_address_is_local() {
        let cases = [
            (vec![], "127.0.0.1:6443", true),
            (vec!["--bind-address=0.0.0.0"], "0.0.0.0:6443", true),
            (vec!["--token-auth-file=/dev/null", "--secure-port=1"], "0.0.0.0:1", false),
        ];
        for (flags, listen, makes_admin) in cases {
            let flags: Vec<String> = flags.into_iter().map(String::from).collect();
            let options =
                ServerSettings::from_flags(&crate::flags::parse(&flags).expect("flags")).expect("options");
            assert_eq!((options.listen.to_string().as_str(), options.makes_admin), (listen, makes_admin));
            let advertised = options.config.advertise_address.as_str();
            if options.listen.ip().is_loopback() {
                assert_eq!(
                    (advertised, options.config.advertised.as_str()),
                    ("", listen),
                    "nobody else listens"
                );
            } else {
                assert_eq!(advertised, endpoint(options.advertise_address).as_str());
            }
            // As kube-apiserver, a server with flags about clients answers anonymous requests by its roles.
            assert_eq!(options.config.authentication.anonymous, !makes_admin);
        }
    }
}
