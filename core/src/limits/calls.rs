//! Bounds of what is asked of other servers, and of what they answer.

use super::REQUEST_BODY_BYTES;

/// Calls to other servers that one step of a job makes at once. Beyond: the outcome is `CallError::NoRoom`.
pub const CALLS_OF_JOB: usize = 64;

/// Calls of all jobs that are made at once, and those that wait for their turn, within their time. Beyond: the outcome
/// is `CallError::NoRoom`.
pub const CALLS_AT_ONCE: usize = 256;
pub const CALLS_QUEUED: usize = 4096;

/// Attempts of one call, and the pause before the second; each further pause is half as long again.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/webhook.go DefaultRetryBackoffWithInitialDelay
pub const CALL_ATTEMPTS: u32 = 5;
pub const CALL_PAUSE_MILLIS: u64 = 500;

/// Bytes of the body and of the head of an answer to a call, at most. Beyond: the outcome is `CallError::TooLarge`, or
/// `CallError::Malformed` for a head.
pub const CALL_ANSWER_BYTES: usize = REQUEST_BODY_BYTES;
pub const CALL_ANSWER_HEAD_BYTES: usize = 64 * 1024;

/// Connections that are tunnels to other servers, or are about to become one, at once. Beyond: 429 with `Retry-After`.
pub const TUNNELS: usize = 4_000;

/// How many servers can be dialed until there is no room for further tunnels: each has its part of `TUNNELS`. Beyond
/// that part: 429 with `Retry-After`.
pub const TUNNEL_SERVERS: usize = 4;

/// How long the server of an aggregated API may take for the documents by which clients find out what it serves, and to
/// show that it answers, milliseconds. Beyond: 503, or it is not available.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/proxy/proxy.go aggregatedDiscoveryTimeout
pub const AGGREGATED_DISCOVERY_MILLIS: u64 = 5_000;

/// How often the server of an aggregated API is asked whether it answers, and how soon again after it did not; each
/// further pause is twice as long until it is as long as the first, milliseconds.
/// k8s: staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go New
pub const REMOTE_API_MILLIS: u64 = 30_000;
pub const REMOTE_API_RETRY_MILLIS: u64 = 1_000;

/// Aggregated APIs whose servers are asked. Beyond: they stay as their conditions say.
pub const REMOTE_APIS: usize = 1_000;

/// Bytes that are kept of the OpenAPI v2 documents of the servers of aggregated APIs, of all together. Beyond: a
/// document that has no room is not part of this server's.
pub const REMOTE_OPENAPI_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of a kubelet's error that a client is told. Beyond: the rest is left out.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/rest/response_checker.go maxReadLength
pub const KUBELET_ERROR_BYTES: usize = 50_000;

/// Bytes that each direction of a tunnel holds. Beyond: nothing more is read until they are written.
pub const TUNNEL_BUFFER_BYTES: usize = 16 * 1024;

/// How long nothing may go through a tunnel, milliseconds: as long as a kubelet keeps an idle stream. And the same once
/// one side has ended its half. Beyond: the tunnel is closed.
/// k8s: pkg/kubelet/apis/config/v1beta1/defaults.go StreamingConnectionIdleTimeout
pub const TUNNEL_IDLE_MILLIS: u64 = 4 * 3600 * 1000;
pub const TUNNEL_HALF_CLOSED_MILLIS: u64 = 30_000;
