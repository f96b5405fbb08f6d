//! Every flag of `steersman serve`: kube-apiserver's, in its sections and with its defaults, and our own. Each is
//! marked as working, as harmless to ignore, or as a promise of protection that is not implemented.

use super::{Effect, Flag, Kind, Section};

const UNENCRYPTED: &str = "objects are stored as they are";
const UNAUDITED: &str = "no audit events are written";
const UNAUTHENTICATED: &str = "nobody is authenticated in this way";
const UNAUTHORIZED: &str = "this authorizer is not asked";
const UNADMITTED: &str = "no admission plugin looks at requests";

/// A flag that has its documented effect.
const fn served(name: &'static str, kind: Kind, default: &'static str, usage: &'static str) -> Flag {
    Flag { name, kind, default, usage, effect: Effect::Works }
}

/// A flag that has its documented effect, except for values for which `is_unserved` is true: these promise protection
/// that is not implemented.
const fn in_part(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    usage: &'static str,
    is_unserved: fn(&str) -> bool,
    instead: &'static str,
) -> Flag {
    Flag { name, kind, default, usage, effect: Effect::WorksInPart { is_unserved, instead } }
}

/// A flag of kube-apiserver that is parsed and checked but has no effect. A user of it is as protected as expected,
/// since it concerns speed, logs, or things that this server does not do at all.
const fn harmless(name: &'static str, kind: Kind, default: &'static str) -> Flag {
    Flag { name, kind, default, usage: "Accepted; no effect yet.", effect: Effect::Harmless }
}

/// A flag of kube-apiserver that promises protection (authentication, authorization, encryption, audit) which this
/// server does not provide. `instead` says what happens without it.
const fn unserved(name: &'static str, kind: Kind, default: &'static str, instead: &'static str) -> Flag {
    Flag {
        name,
        kind,
        default,
        usage: "Not served yet; stops the start.",
        effect: Effect::Unserved { instead },
    }
}

/// The flags that kube-apiserver hides from its help are in the section without a name.
pub(crate) static SECTIONS: &[Section] = &[
    Section {
        name: "Steersman",
        flags: &[
            served(
                "allow-unimplemented-flags",
                Kind::TruthOrStrings,
                "false",
                "Start although flags are given that promise protection which is not served yet: true for all of \
                 them, or the names of flags.",
            ),
            served(
                "data-dir",
                Kind::Str,
                "./steersman-data",
                "Directory of the embedded store and of keys that are made.",
            ),
            served(
                "record",
                Kind::Str,
                "",
                "Write everything that comes in to this file, to be replayed; older recordings become FILE.1, \
                 FILE.2, ...",
            ),
            served(
                "storage",
                Kind::Str,
                "embedded",
                "Store without --etcd-servers: embedded, or memory, which forgets.",
            ),
        ],
    },
    Section {
        name: "Generic",
        flags: &[
            served(
                "advertise-address",
                Kind::Ip,
                "",
                "Address under which clients reach the server; by default that of the first route.",
            ),
            harmless("cors-allowed-origins", Kind::Strings, ""),
            harmless("emulated-version", Kind::Strings, ""),
            harmless("emulation-forward-compatible", Kind::Bool, ""),
            served("external-hostname", Kind::Str, "", "Host name that discovery gives to clients."),
            harmless("feature-gates", Kind::Multimap, ""),
            harmless("goaway-chance", Kind::Float, ""),
            harmless("livez-grace-period", Kind::Duration, ""),
            served(
                "max-mutating-requests-inflight",
                Kind::Int,
                "200",
                "Most mutating requests at a time; 0 for no bound.",
            ),
            served(
                "max-requests-inflight",
                Kind::Int,
                "400",
                "Most reading requests at a time; 0 for no bound.",
            ),
            harmless("min-compatibility-version", Kind::Strings, ""),
            served(
                "min-request-timeout",
                Kind::Int,
                "1800",
                "Seconds after which a watch without a timeout is closed, at the earliest.",
            ),
            served(
                "request-timeout",
                Kind::Duration,
                "1m0s",
                "How long a request other than a watch may take.",
            ),
            harmless("runtime-config-emulation-forward-compatible", Kind::Bool, ""),
            harmless("send-retry-after-while-not-ready-once", Kind::Bool, ""),
            served(
                "shutdown-delay-duration",
                Kind::Duration,
                "",
                "How long readyz fails at shutdown while everything is still served.",
            ),
            served(
                "shutdown-send-retry-after",
                Kind::Bool,
                "",
                "Listen until all requests have ended at shutdown, and answer new ones 429.",
            ),
            served(
                "shutdown-watch-termination-grace-period",
                Kind::Duration,
                "",
                "Over how long watches are closed at shutdown, beyond the request timeout; the fastest when 0.",
            ),
            harmless("storage-initialization-timeout", Kind::Duration, "1m0s"),
            served(
                "strict-transport-security-directives",
                Kind::Strings,
                "",
                "Directives of the Strict-Transport-Security header; none for no header.",
            ),
        ],
    },
    Section {
        name: "Etcd",
        flags: &[
            harmless("delete-collection-workers", Kind::Int, "1"),
            harmless("enable-garbage-collector", Kind::Bool, "true"),
            unserved("encryption-provider-config", Kind::Str, "", UNENCRYPTED),
            unserved("encryption-provider-config-automatic-reload", Kind::Bool, "", UNENCRYPTED),
            served("etcd-cafile", Kind::Str, "", "CA that vouches for the etcd servers."),
            served("etcd-certfile", Kind::Str, "", "Client certificate for etcd."),
            served(
                "etcd-compaction-interval",
                Kind::Duration,
                "5m0s",
                "How often old revisions are removed from the store; 0 for never.",
            ),
            harmless("etcd-count-metric-poll-period", Kind::Duration, "1m0s"),
            harmless("etcd-db-metric-poll-interval", Kind::Duration, "30s"),
            harmless("etcd-healthcheck-timeout", Kind::Duration, "2s"),
            served("etcd-keyfile", Kind::Str, "", "Key of the client certificate for etcd."),
            served("etcd-prefix", Kind::Str, "/registry", "What all keys in the store begin with."),
            harmless("etcd-readycheck-timeout", Kind::Duration, "2s"),
            served(
                "etcd-servers",
                Kind::Strings,
                "",
                "etcd endpoints, scheme://host:port; without them the embedded store serves.",
            ),
            served(
                "etcd-servers-overrides",
                Kind::Strings,
                "",
                "Stores of single resources: group/resource#server;server.",
            ),
            harmless("lease-reuse-duration-seconds", Kind::Int, "60"),
            harmless("storage-backend", Kind::Str, ""),
            harmless("storage-media-type", Kind::Str, "application/vnd.kubernetes.protobuf"),
            harmless("watch-cache", Kind::Bool, "true"),
            harmless("watch-cache-sizes", Kind::Strings, ""),
        ],
    },
    Section {
        name: "Secure serving",
        flags: &[
            served("bind-address", Kind::Ip, "0.0.0.0", "Address to listen on; 0.0.0.0 and :: for all."),
            served(
                "cert-dir",
                Kind::Str,
                "<data-dir>/pki",
                "Directory of the self-signed serving certificate, apiserver.crt and apiserver.key.",
            ),
            served("disable-http2-serving", Kind::Bool, "", "Serve HTTP/1.1 only."),
            served(
                "http2-max-streams-per-connection",
                Kind::Int,
                "",
                "Most streams of one HTTP/2 connection; 0 for 100.",
            ),
            harmless("permit-address-sharing", Kind::Bool, ""),
            harmless("permit-port-sharing", Kind::Bool, ""),
            served("secure-port", Kind::Int, "6443", "Port to serve HTTPS on."),
            served("tls-cert-file", Kind::Str, "", "Serving certificate, followed by those above it, PEM."),
            served(
                "tls-cipher-suites",
                Kind::Strings,
                "",
                "TLS 1.2 cipher suites to allow, by their Go names.",
            ),
            unserved("tls-curve-preferences", Kind::Int32Slice, "", "key exchanges are not restricted"),
            served("tls-min-version", Kind::Str, "", "Oldest TLS version: VersionTLS12 or VersionTLS13."),
            served("tls-private-key-file", Kind::Str, "", "Key of the serving certificate, PEM."),
            served(
                "tls-sni-cert-key",
                Kind::NamedCertKey,
                "",
                "Certificate and key for some host names: cert,key or cert,key:name,*.name. May be repeated.",
            ),
        ],
    },
    Section {
        name: "Auditing",
        flags: &[
            unserved("audit-log-batch-buffer-size", Kind::Int, "10000", UNAUDITED),
            unserved("audit-log-batch-max-size", Kind::Int, "1", UNAUDITED),
            unserved("audit-log-batch-max-wait", Kind::Duration, "", UNAUDITED),
            unserved("audit-log-batch-throttle-burst", Kind::Int, "", UNAUDITED),
            unserved("audit-log-batch-throttle-enable", Kind::Bool, "", UNAUDITED),
            unserved("audit-log-batch-throttle-qps", Kind::Float32, "", UNAUDITED),
            unserved("audit-log-compress", Kind::Bool, "", UNAUDITED),
            unserved("audit-log-format", Kind::Str, "json", UNAUDITED),
            unserved("audit-log-maxage", Kind::Int, "366", UNAUDITED),
            unserved("audit-log-maxbackup", Kind::Int, "100", UNAUDITED),
            unserved("audit-log-maxsize", Kind::Int, "100", UNAUDITED),
            unserved("audit-log-mode", Kind::Str, "blocking", UNAUDITED),
            unserved("audit-log-path", Kind::Str, "", UNAUDITED),
            unserved("audit-log-truncate-enabled", Kind::Bool, "", UNAUDITED),
            unserved("audit-log-truncate-max-batch-size", Kind::Int, "10485760", UNAUDITED),
            unserved("audit-log-truncate-max-event-size", Kind::Int, "102400", UNAUDITED),
            unserved("audit-log-version", Kind::Str, "audit.k8s.io/v1", UNAUDITED),
            unserved("audit-policy-file", Kind::Str, "", UNAUDITED),
            unserved("audit-webhook-batch-buffer-size", Kind::Int, "10000", UNAUDITED),
            unserved("audit-webhook-batch-max-size", Kind::Int, "400", UNAUDITED),
            unserved("audit-webhook-batch-max-wait", Kind::Duration, "30s", UNAUDITED),
            unserved("audit-webhook-batch-throttle-burst", Kind::Int, "15", UNAUDITED),
            unserved("audit-webhook-batch-throttle-enable", Kind::Bool, "true", UNAUDITED),
            unserved("audit-webhook-batch-throttle-qps", Kind::Float32, "10", UNAUDITED),
            unserved("audit-webhook-config-file", Kind::Str, "", UNAUDITED),
            unserved("audit-webhook-initial-backoff", Kind::Duration, "10s", UNAUDITED),
            unserved("audit-webhook-mode", Kind::Str, "batch", UNAUDITED),
            unserved("audit-webhook-truncate-enabled", Kind::Bool, "", UNAUDITED),
            unserved("audit-webhook-truncate-max-batch-size", Kind::Int, "10485760", UNAUDITED),
            unserved("audit-webhook-truncate-max-event-size", Kind::Int, "102400", UNAUDITED),
            unserved("audit-webhook-version", Kind::Str, "audit.k8s.io/v1", UNAUDITED),
        ],
    },
    Section {
        name: "Features",
        flags: &[
            harmless("contention-profiling", Kind::Bool, ""),
            harmless("debug-socket-path", Kind::Str, ""),
            harmless("enable-priority-and-fairness", Kind::Bool, "true"),
            harmless("profiling", Kind::Bool, "true"),
        ],
    },
    Section {
        name: "Authentication",
        flags: &[
            served(
                "anonymous-auth",
                Kind::Bool,
                "true",
                "Let requests without credentials in, as system:anonymous.",
            ),
            harmless("api-audiences", Kind::Strings, ""),
            unserved("authentication-config", Kind::Str, "", UNAUTHENTICATED),
            unserved("authentication-token-webhook-cache-ttl", Kind::Duration, "2m0s", UNAUTHENTICATED),
            unserved("authentication-token-webhook-config-file", Kind::Str, "", UNAUTHENTICATED),
            unserved("authentication-token-webhook-version", Kind::Str, "v1beta1", UNAUTHENTICATED),
            served(
                "client-ca-file",
                Kind::Str,
                "",
                "CAs of client certificates; the common name is the user, organizations are groups.",
            ),
            unserved("enable-bootstrap-token-auth", Kind::Bool, "", UNAUTHENTICATED),
            unserved("oidc-ca-file", Kind::Str, "", UNAUTHENTICATED),
            unserved("oidc-client-id", Kind::Str, "", UNAUTHENTICATED),
            unserved("oidc-groups-claim", Kind::Str, "", UNAUTHENTICATED),
            unserved("oidc-groups-prefix", Kind::Str, "", UNAUTHENTICATED),
            unserved("oidc-issuer-url", Kind::Str, "", UNAUTHENTICATED),
            unserved("oidc-required-claim", Kind::MapStringString, "", UNAUTHENTICATED),
            unserved("oidc-signing-algs", Kind::Strings, "RS256", UNAUTHENTICATED),
            unserved("oidc-username-claim", Kind::Str, "sub", UNAUTHENTICATED),
            unserved("oidc-username-prefix", Kind::Str, "", UNAUTHENTICATED),
            unserved("requestheader-allowed-names", Kind::Strings, "", UNAUTHENTICATED),
            unserved("requestheader-client-ca-file", Kind::Str, "", UNAUTHENTICATED),
            unserved("requestheader-extra-headers-prefix", Kind::Strings, "", UNAUTHENTICATED),
            unserved("requestheader-group-headers", Kind::Strings, "", UNAUTHENTICATED),
            unserved("requestheader-uid-headers", Kind::Strings, "", UNAUTHENTICATED),
            unserved("requestheader-username-headers", Kind::Strings, "", UNAUTHENTICATED),
            harmless("service-account-extend-token-expiration", Kind::Bool, "true"),
            served(
                "service-account-issuer",
                Kind::StringArray,
                "",
                "Issuer of service account tokens. May be repeated.",
            ),
            served(
                "service-account-jwks-uri",
                Kind::Str,
                "",
                "URL of the issuer's keys in its discovery document; this server's own when empty.",
            ),
            served(
                "service-account-key-file",
                Kind::StringArray,
                "",
                "PEM file of RSA or ECDSA keys or certificates that verify service account tokens. May be repeated.",
            ),
            unserved("service-account-lookup", Kind::Bool, "true", UNAUTHENTICATED),
            harmless("service-account-max-token-expiration", Kind::Duration, ""),
            served(
                "token-auth-file",
                Kind::Str,
                "",
                "CSV file of static tokens: token,user,uid,\"group1,group2\".",
            ),
        ],
    },
    Section {
        name: "Authorization",
        flags: &[
            unserved("authorization-config", Kind::Str, "", UNAUTHORIZED),
            in_part(
                "authorization-mode",
                Kind::Strings,
                "",
                "Who decides what is allowed: AlwaysAllow or AlwaysDeny.",
                |value| matches!(value, "Node" | "RBAC" | "ABAC" | "Webhook"),
                UNAUTHORIZED,
            ),
            unserved("authorization-policy-file", Kind::Str, "", UNAUTHORIZED),
            unserved("authorization-webhook-cache-authorized-ttl", Kind::Duration, "5m0s", UNAUTHORIZED),
            unserved("authorization-webhook-cache-unauthorized-ttl", Kind::Duration, "30s", UNAUTHORIZED),
            unserved("authorization-webhook-config-file", Kind::Str, "", UNAUTHORIZED),
            unserved("authorization-webhook-version", Kind::Str, "v1beta1", UNAUTHORIZED),
        ],
    },
    Section {
        name: "API enablement",
        flags: &[in_part(
            "runtime-config",
            Kind::MapStringString,
            "",
            "APIs to switch on; none can be switched off yet.",
            |value| value.rsplit_once('=').is_some_and(|(_, on)| super::value::parse_bool(on) == Ok(false)),
            "the API is served all the same",
        )],
    },
    Section {
        name: "Egress selector",
        flags: &[unserved(
            "egress-selector-config-file",
            Kind::Str,
            "",
            "connections are not sent through a proxy",
        )],
    },
    Section {
        name: "Admission",
        flags: &[
            unserved("admission-control", Kind::Strings, "", UNADMITTED),
            unserved("admission-control-config-file", Kind::Str, "", UNADMITTED),
            harmless("default-not-ready-toleration-seconds", Kind::Int, "300"),
            harmless("default-unreachable-toleration-seconds", Kind::Int, "300"),
            harmless("disable-admission-plugins", Kind::Strings, ""),
            unserved("enable-admission-plugins", Kind::Strings, "", UNADMITTED),
        ],
    },
    Section {
        name: "Metrics",
        flags: &[
            harmless("allow-metric-labels", Kind::StringToString, ""),
            harmless("allow-metric-labels-manifest", Kind::Str, ""),
            harmless("disabled-metrics", Kind::Strings, ""),
            harmless("show-hidden-metrics-for-version", Kind::Str, ""),
        ],
    },
    Section {
        name: "Logs",
        flags: &[
            harmless("log-flush-frequency", Kind::Duration, "5s"),
            harmless("log-json-info-buffer-size", Kind::Quantity, ""),
            harmless("log-json-split-stream", Kind::Bool, ""),
            harmless("log-text-info-buffer-size", Kind::Quantity, ""),
            harmless("log-text-split-stream", Kind::Bool, ""),
            harmless("logging-format", Kind::Str, "text"),
            served("v", Kind::Level, "", "How much is logged; from 4 on, every request."),
            harmless("vmodule", Kind::Pattern, ""),
        ],
    },
    Section { name: "Traces", flags: &[harmless("tracing-config-file", Kind::Str, "")] },
    Section {
        name: "Misc",
        flags: &[
            harmless("aggregator-reject-forwarding-redirect", Kind::Bool, "true"),
            in_part(
                "allow-privileged",
                Kind::Bool,
                "",
                "Privileged containers are always allowed.",
                |value| super::value::parse_bool(value) == Ok(false),
                "privileged containers are not refused",
            ),
            harmless("coordinated-leadership-lease-duration", Kind::Duration, "15s"),
            harmless("coordinated-leadership-renew-deadline", Kind::Duration, "10s"),
            harmless("coordinated-leadership-retry-period", Kind::Duration, "2s"),
            harmless("enable-aggregator-routing", Kind::Bool, ""),
            harmless("enable-logs-handler", Kind::Bool, ""),
            harmless("endpoint-reconciler-type", Kind::Str, "lease"),
            served("event-ttl", Kind::Duration, "1h0m0s", "How long events are kept."),
            harmless("kubelet-certificate-authority", Kind::Str, ""),
            harmless("kubelet-client-certificate", Kind::Str, ""),
            harmless("kubelet-client-key", Kind::Str, ""),
            harmless(
                "kubelet-preferred-address-types",
                Kind::Strings,
                "Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP",
            ),
            harmless("kubelet-timeout", Kind::Duration, "5s"),
            harmless("kubernetes-service-node-port", Kind::Int, ""),
            harmless("max-connection-bytes-per-sec", Kind::Int, ""),
            harmless("peer-advertise-ip", Kind::Str, ""),
            harmless("peer-advertise-port", Kind::Str, ""),
            harmless("peer-ca-file", Kind::Str, ""),
            harmless("proxy-client-cert-file", Kind::Str, ""),
            harmless("proxy-client-key-file", Kind::Str, ""),
            unserved("service-account-signing-endpoint", Kind::Str, "", UNAUTHENTICATED),
            served(
                "service-account-signing-key-file",
                Kind::Str,
                "",
                "PEM file of the private key of the service account issuer.",
            ),
            served(
                "service-cluster-ip-range",
                Kind::Str,
                "",
                "Range that services get their addresses from.",
            ),
            harmless("service-node-port-range", Kind::PortRange, "30000-32767"),
        ],
    },
    Section {
        name: "Global",
        flags: &[
            served("help", Kind::Bool, "", "Print this help."),
            served(
                "version",
                Kind::Version,
                "",
                "Print the version and quit; --version=raw prints all of it.",
            ),
        ],
    },
    Section {
        name: "",
        flags: &[
            harmless("kubelet-port", Kind::Str, ""),
            harmless("kubelet-read-only-port", Kind::Str, ""),
            harmless("apiserver-count", Kind::Str, ""),
            unserved("audit-webhook-batch-initial-backoff", Kind::Str, "", UNAUDITED),
        ],
    },
];
