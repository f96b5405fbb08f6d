//! Every flag of `steersman serve`: kube-apiserver's, in its sections and with its defaults (except
//! that of `--allow-privileged`), and our own. Each is marked as working, as harmless to ignore, or as a promise of
//! protection that is not implemented.

use super::authentication::AUTHENTICATION;
use super::{Flag, FlagEffect, FlagType, Section};

const UNENCRYPTED: &str = "objects are stored as they are";
const UNAUDITED: &str = "no audit events are written";
const UNAUTHENTICATED: &str = "nobody is authenticated in this way";

/// A flag that has its documented effect.
pub(super) const fn served(
    name: &'static str,
    kind: FlagType,
    default: &'static str,
    usage: &'static str,
) -> Flag {
    Flag { name, kind, default, usage, effect: FlagEffect::Works }
}

/// A flag that has its documented effect, except for values for which `is_unserved` is true: these promise protection
/// that is not implemented.
const fn in_part(
    name: &'static str,
    kind: FlagType,
    default: &'static str,
    usage: &'static str,
    is_unserved: fn(&str) -> bool,
    instead: &'static str,
) -> Flag {
    Flag { name, kind, default, usage, effect: FlagEffect::WorksInPart { is_unserved, instead } }
}

/// A flag of kube-apiserver that is parsed and checked but has no effect. A user of it is as protected as expected,
/// since it concerns speed, logs, or things that this server does not do at all.
const fn harmless(name: &'static str, kind: FlagType, default: &'static str) -> Flag {
    Flag { name, kind, default, usage: "Accepted; no effect yet.", effect: FlagEffect::Harmless }
}

/// A flag of kube-apiserver that promises protection (authentication, authorization, encryption, audit) which this
/// server does not provide. `instead` says what happens without it.
pub(super) const fn unserved(
    name: &'static str,
    kind: FlagType,
    default: &'static str,
    instead: &'static str,
) -> Flag {
    Flag {
        name,
        kind,
        default,
        usage: "Not served yet; stops the start.",
        effect: FlagEffect::Unserved { instead },
    }
}

/// The flags that kube-apiserver hides from its help are in the section without a name.
pub(crate) static SECTIONS: &[Section] = &[
    Section {
        name: "Steersman",
        flags: &[
            served(
                "allow-unimplemented-flags",
                FlagType::TruthOrStrings,
                "false",
                "Start although flags are given that promise protection which is not served yet: true for all of \
                 them, or the names of flags.",
            ),
            served(
                "basic-auth-file",
                FlagType::Str,
                "",
                "CSV file of users with passwords: password,user,uid,\"group1,group2\".",
            ),
            served(
                "check",
                FlagType::Bool,
                "false",
                "Check the flags and the files that they name, say whether a server could start with them, and quit. \
                 Nothing is written.",
            ),
            served(
                "data-dir",
                FlagType::Str,
                "./steersman-data",
                "Directory of the embedded store and of keys that are made.",
            ),
            served(
                "record",
                FlagType::Str,
                "",
                "Write everything that comes in to this file, to be replayed; older recordings become FILE.1, \
                 FILE.2, ...",
            ),
            served(
                "storage",
                FlagType::Str,
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
                FlagType::Ip,
                "",
                "Address under which clients reach the server; by default that of the first route.",
            ),
            harmless("cors-allowed-origins", FlagType::Strings, ""),
            harmless("emulated-version", FlagType::Strings, ""),
            harmless("emulation-forward-compatible", FlagType::Bool, ""),
            served("external-hostname", FlagType::Str, "", "Host name that discovery gives to clients."),
            harmless("feature-gates", FlagType::Multimap, ""),
            harmless("goaway-chance", FlagType::Float, ""),
            harmless("livez-grace-period", FlagType::Duration, ""),
            served(
                "max-mutating-requests-inflight",
                FlagType::Int,
                "200",
                "Most mutating requests at a time; 0 for no bound.",
            ),
            served(
                "max-requests-inflight",
                FlagType::Int,
                "400",
                "Most reading requests at a time; 0 for no bound.",
            ),
            harmless("min-compatibility-version", FlagType::Strings, ""),
            served(
                "min-request-timeout",
                FlagType::Int,
                "1800",
                "Seconds after which a watch without a timeout is closed, at the earliest.",
            ),
            served(
                "request-timeout",
                FlagType::Duration,
                "1m0s",
                "How long a request other than a watch may take.",
            ),
            harmless("runtime-config-emulation-forward-compatible", FlagType::Bool, ""),
            harmless("send-retry-after-while-not-ready-once", FlagType::Bool, ""),
            served(
                "shutdown-delay-duration",
                FlagType::Duration,
                "",
                "How long readyz fails at shutdown while everything is still served.",
            ),
            served(
                "shutdown-send-retry-after",
                FlagType::Bool,
                "",
                "Listen until all requests have ended at shutdown, and answer new ones 429.",
            ),
            served(
                "shutdown-watch-termination-grace-period",
                FlagType::Duration,
                "",
                "Over how long watches are closed at shutdown, beyond the request timeout; the fastest when 0.",
            ),
            harmless("storage-initialization-timeout", FlagType::Duration, "1m0s"),
            served(
                "strict-transport-security-directives",
                FlagType::Strings,
                "",
                "Directives of the Strict-Transport-Security header; none for no header.",
            ),
        ],
    },
    Section {
        name: "Etcd",
        flags: &[
            harmless("delete-collection-workers", FlagType::Int, "1"),
            harmless("enable-garbage-collector", FlagType::Bool, "true"),
            unserved("encryption-provider-config", FlagType::Str, "", UNENCRYPTED),
            unserved("encryption-provider-config-automatic-reload", FlagType::Bool, "", UNENCRYPTED),
            served("etcd-cafile", FlagType::Str, "", "CA that vouches for the etcd servers."),
            served("etcd-certfile", FlagType::Str, "", "Client certificate for etcd."),
            served(
                "etcd-compaction-interval",
                FlagType::Duration,
                "5m0s",
                "How often old revisions are removed from the store; 0 for never.",
            ),
            harmless("etcd-count-metric-poll-period", FlagType::Duration, "1m0s"),
            harmless("etcd-db-metric-poll-interval", FlagType::Duration, "30s"),
            harmless("etcd-healthcheck-timeout", FlagType::Duration, "2s"),
            served("etcd-keyfile", FlagType::Str, "", "Key of the client certificate for etcd."),
            served("etcd-prefix", FlagType::Str, "/registry", "What all keys in the store begin with."),
            harmless("etcd-readycheck-timeout", FlagType::Duration, "2s"),
            served(
                "etcd-servers",
                FlagType::Strings,
                "",
                "etcd endpoints, scheme://host:port; without them the embedded store serves.",
            ),
            served(
                "etcd-servers-overrides",
                FlagType::Strings,
                "",
                "Stores of single resources: group/resource#server;server.",
            ),
            harmless("lease-reuse-duration-seconds", FlagType::Int, "60"),
            harmless("storage-backend", FlagType::Str, ""),
            harmless("storage-media-type", FlagType::Str, "application/vnd.kubernetes.protobuf"),
            harmless("watch-cache", FlagType::Bool, "true"),
            harmless("watch-cache-sizes", FlagType::Strings, ""),
        ],
    },
    Section {
        name: "Secure serving",
        flags: &[
            served("bind-address", FlagType::Ip, "0.0.0.0", "Address to listen on; 0.0.0.0 and :: for all."),
            served(
                "cert-dir",
                FlagType::Str,
                "<data-dir>/pki",
                "Directory of the self-signed serving certificate, apiserver.crt and apiserver.key.",
            ),
            served("disable-http2-serving", FlagType::Bool, "", "Serve HTTP/1.1 only."),
            served(
                "http2-max-streams-per-connection",
                FlagType::Int,
                "",
                "Most streams of one HTTP/2 connection; 0 for 100.",
            ),
            harmless("permit-address-sharing", FlagType::Bool, ""),
            harmless("permit-port-sharing", FlagType::Bool, ""),
            served("secure-port", FlagType::Int, "6443", "Port to serve HTTPS on."),
            served(
                "tls-cert-file",
                FlagType::Str,
                "",
                "Serving certificate, followed by those above it, PEM.",
            ),
            served(
                "tls-cipher-suites",
                FlagType::Strings,
                "",
                "TLS 1.2 cipher suites to allow, by their Go names.",
            ),
            unserved("tls-curve-preferences", FlagType::Int32Slice, "", "key exchanges are not restricted"),
            served("tls-min-version", FlagType::Str, "", "Oldest TLS version: VersionTLS12 or VersionTLS13."),
            served("tls-private-key-file", FlagType::Str, "", "Key of the serving certificate, PEM."),
            served(
                "tls-sni-cert-key",
                FlagType::NamedCertKey,
                "",
                "Certificate and key for some host names: cert,key or cert,key:name,*.name. May be repeated.",
            ),
        ],
    },
    Section {
        name: "Auditing",
        flags: &[
            unserved("audit-log-batch-buffer-size", FlagType::Int, "10000", UNAUDITED),
            unserved("audit-log-batch-max-size", FlagType::Int, "1", UNAUDITED),
            unserved("audit-log-batch-max-wait", FlagType::Duration, "", UNAUDITED),
            unserved("audit-log-batch-throttle-burst", FlagType::Int, "", UNAUDITED),
            unserved("audit-log-batch-throttle-enable", FlagType::Bool, "", UNAUDITED),
            unserved("audit-log-batch-throttle-qps", FlagType::Float32, "", UNAUDITED),
            unserved("audit-log-compress", FlagType::Bool, "", UNAUDITED),
            unserved("audit-log-format", FlagType::Str, "json", UNAUDITED),
            unserved("audit-log-maxage", FlagType::Int, "366", UNAUDITED),
            unserved("audit-log-maxbackup", FlagType::Int, "100", UNAUDITED),
            unserved("audit-log-maxsize", FlagType::Int, "100", UNAUDITED),
            unserved("audit-log-mode", FlagType::Str, "blocking", UNAUDITED),
            unserved("audit-log-path", FlagType::Str, "", UNAUDITED),
            unserved("audit-log-truncate-enabled", FlagType::Bool, "", UNAUDITED),
            unserved("audit-log-truncate-max-batch-size", FlagType::Int, "10485760", UNAUDITED),
            unserved("audit-log-truncate-max-event-size", FlagType::Int, "102400", UNAUDITED),
            unserved("audit-log-version", FlagType::Str, "audit.k8s.io/v1", UNAUDITED),
            unserved("audit-policy-file", FlagType::Str, "", UNAUDITED),
            unserved("audit-webhook-batch-buffer-size", FlagType::Int, "10000", UNAUDITED),
            unserved("audit-webhook-batch-max-size", FlagType::Int, "400", UNAUDITED),
            unserved("audit-webhook-batch-max-wait", FlagType::Duration, "30s", UNAUDITED),
            unserved("audit-webhook-batch-throttle-burst", FlagType::Int, "15", UNAUDITED),
            unserved("audit-webhook-batch-throttle-enable", FlagType::Bool, "true", UNAUDITED),
            unserved("audit-webhook-batch-throttle-qps", FlagType::Float32, "10", UNAUDITED),
            unserved("audit-webhook-config-file", FlagType::Str, "", UNAUDITED),
            unserved("audit-webhook-initial-backoff", FlagType::Duration, "10s", UNAUDITED),
            unserved("audit-webhook-mode", FlagType::Str, "batch", UNAUDITED),
            unserved("audit-webhook-truncate-enabled", FlagType::Bool, "", UNAUDITED),
            unserved("audit-webhook-truncate-max-batch-size", FlagType::Int, "10485760", UNAUDITED),
            unserved("audit-webhook-truncate-max-event-size", FlagType::Int, "102400", UNAUDITED),
            unserved("audit-webhook-version", FlagType::Str, "audit.k8s.io/v1", UNAUDITED),
        ],
    },
    Section {
        name: "Features",
        flags: &[
            harmless("contention-profiling", FlagType::Bool, ""),
            harmless("debug-socket-path", FlagType::Str, ""),
            harmless("enable-priority-and-fairness", FlagType::Bool, "true"),
            harmless("profiling", FlagType::Bool, "true"),
        ],
    },
    AUTHENTICATION,
    Section {
        name: "Authorization",
        flags: &[
            served(
                "authorization-config",
                FlagType::Str,
                "",
                "File that names the authorizers in their order. It may change while the server runs.",
            ),
            served(
                "authorization-mode",
                FlagType::Strings,
                "",
                "Who decides, in this order: AlwaysAllow, AlwaysDeny, Node, RBAC, ABAC, Webhook; else Node and RBAC.",
            ),
            served(
                "authorization-policy-file",
                FlagType::Str,
                "",
                "File of ABAC policies, one a line, as JSON.",
            ),
            served(
                "authorization-webhook-cache-authorized-ttl",
                FlagType::Duration,
                "5m0s",
                "How long an answer of the webhook that allows is used again.",
            ),
            served(
                "authorization-webhook-cache-unauthorized-ttl",
                FlagType::Duration,
                "30s",
                "How long an answer of the webhook that does not allow is used again.",
            ),
            served(
                "authorization-webhook-config-file",
                FlagType::Str,
                "",
                "Kubeconfig file of the server that mode Webhook asks.",
            ),
            served(
                "authorization-webhook-version",
                FlagType::Str,
                "v1beta1",
                "Version of the SubjectAccessReviews that the webhook is sent: v1 or v1beta1.",
            ),
        ],
    },
    Section {
        name: "API enablement",
        flags: &[in_part(
            "runtime-config",
            FlagType::MapStringString,
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
            FlagType::Str,
            "",
            "connections are not sent through a proxy",
        )],
    },
    Section {
        name: "Admission",
        flags: &[
            served(
                "admission-control",
                FlagType::Strings,
                "",
                "Deprecated: names of all admission plugins that are asked.",
            ),
            served(
                "admission-control-config-file",
                FlagType::Str,
                "",
                "File with the configurations of admission plugins.",
            ),
            served(
                "default-not-ready-toleration-seconds",
                FlagType::Int,
                "300",
                "Seconds that a pod which does not say otherwise stays on a node that is not ready.",
            ),
            served(
                "default-unreachable-toleration-seconds",
                FlagType::Int,
                "300",
                "Seconds that a pod which does not say otherwise stays on a node that cannot be reached.",
            ),
            served(
                "disable-admission-plugins",
                FlagType::Strings,
                "",
                "Names of admission plugins that are not asked.",
            ),
            served(
                "enable-admission-plugins",
                FlagType::Strings,
                "",
                "Names of admission plugins that are asked beside those that always are.",
            ),
        ],
    },
    Section {
        name: "Metrics",
        flags: &[
            harmless("allow-metric-labels", FlagType::StringToString, ""),
            harmless("allow-metric-labels-manifest", FlagType::Str, ""),
            harmless("disabled-metrics", FlagType::Strings, ""),
            harmless("show-hidden-metrics-for-version", FlagType::Str, ""),
        ],
    },
    Section {
        name: "Logs",
        flags: &[
            harmless("log-flush-frequency", FlagType::Duration, "5s"),
            harmless("log-json-info-buffer-size", FlagType::Quantity, ""),
            harmless("log-json-split-stream", FlagType::Bool, ""),
            harmless("log-text-info-buffer-size", FlagType::Quantity, ""),
            harmless("log-text-split-stream", FlagType::Bool, ""),
            served(
                "logging-format",
                FlagType::Str,
                "text",
                "Form of the log: text, as klog writes it, or json.",
            ),
            served(
                "v",
                FlagType::Level,
                "",
                "How much is logged; from 3 on, every request; from 4 on, what helps to find errors.",
            ),
            served(
                "vmodule",
                FlagType::Pattern,
                "",
                "How much of single files is logged, by patterns for their names: pattern=N,... (only as text).",
            ),
        ],
    },
    Section { name: "Traces", flags: &[harmless("tracing-config-file", FlagType::Str, "")] },
    Section {
        name: "Misc",
        flags: &[
            harmless("aggregator-reject-forwarding-redirect", FlagType::Bool, "true"),
            // Upstream's default is false, and everybody who runs a cluster turns it on.
            served("allow-privileged", FlagType::Bool, "true", "Allow privileged containers."),
            harmless("coordinated-leadership-lease-duration", FlagType::Duration, "15s"),
            harmless("coordinated-leadership-renew-deadline", FlagType::Duration, "10s"),
            harmless("coordinated-leadership-retry-period", FlagType::Duration, "2s"),
            served(
                "enable-aggregator-routing",
                FlagType::Bool,
                "",
                "Send requests for aggregated APIs to an endpoint of their service, not to its address.",
            ),
            harmless("enable-logs-handler", FlagType::Bool, ""),
            served(
                "endpoint-reconciler-type",
                FlagType::Str,
                "lease",
                "How the endpoints of the kubernetes service are kept: lease, master-count or none.",
            ),
            served("event-ttl", FlagType::Duration, "1h0m0s", "How long events are kept."),
            served(
                "kubelet-certificate-authority",
                FlagType::Str,
                "",
                "PEM file of the authorities that sign kubelets' certificates; without it every kubelet is trusted.",
            ),
            served(
                "kubelet-client-certificate",
                FlagType::Str,
                "",
                "PEM file of the certificate that the server shows to kubelets.",
            ),
            served("kubelet-client-key", FlagType::Str, "", "PEM file of that certificate's key."),
            served(
                "kubelet-preferred-address-types",
                FlagType::Strings,
                "Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP",
                "Which of a node's addresses is taken, the most wanted first.",
            ),
            harmless("kubelet-timeout", FlagType::Duration, "5s"),
            harmless("kubernetes-service-node-port", FlagType::Int, ""),
            harmless("max-connection-bytes-per-sec", FlagType::Int, ""),
            served("peer-advertise-ip", FlagType::Str, "", "Where other servers reach this one."),
            served("peer-advertise-port", FlagType::Str, "", "The port of that."),
            harmless("peer-ca-file", FlagType::Str, ""),
            served(
                "proxy-client-cert-file",
                FlagType::Str,
                "",
                "PEM file of the certificate that the server shows to the servers of aggregated APIs.",
            ),
            served("proxy-client-key-file", FlagType::Str, "", "PEM file of that certificate's key."),
            unserved("service-account-signing-endpoint", FlagType::Str, "", UNAUTHENTICATED),
            served(
                "service-account-signing-key-file",
                FlagType::Str,
                "",
                "PEM file of the private key of the service account issuer.",
            ),
            served(
                "service-cluster-ip-range",
                FlagType::Str,
                "",
                "Range that services get their addresses from, or two, one of each IP family, with a comma between.",
            ),
            served(
                "service-node-port-range",
                FlagType::PortRange,
                "30000-32767",
                "Range of the ports of nodes that services get.",
            ),
        ],
    },
    Section {
        name: "Global",
        flags: &[
            served("help", FlagType::Bool, "", "Print this help."),
            served(
                "version",
                FlagType::Version,
                "",
                "Print the version and quit; --version=raw prints all that is known of it.",
            ),
        ],
    },
    Section {
        name: "",
        flags: &[
            harmless("kubelet-port", FlagType::Str, ""),
            harmless("kubelet-read-only-port", FlagType::Str, ""),
            served("apiserver-count", FlagType::Str, "", "How many servers there are."),
            unserved("audit-webhook-batch-initial-backoff", FlagType::Str, "", UNAUDITED),
        ],
    },
];
