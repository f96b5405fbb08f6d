//! Every bound of the server, in one place, with what a client sees when it is hit.

mod calls;
mod expressions;

pub use calls::*;
pub use expressions::*;

/// Largest request body, bytes. Beyond: 413 RequestEntityTooLarge.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/config.go MaxRequestBodyBytes
pub const REQUEST_BODY_BYTES: usize = 3 * 1024 * 1024;

/// How many bytes of a body that is too large are read and discarded, so that a client that reads only after it has
/// written gets its answer. Beyond: the connection is closed.
pub const DISCARDED_BODY_BYTES: usize = 4 * REQUEST_BODY_BYTES;

/// Owners of an object whose deletion one write begins to block, about which the authorizers are asked. Beyond: 403.
pub const OWNERS_ASKED_ABOUT: usize = 1024;

/// The time of a converter for one review, milliseconds. Beyond: 500, with upstream's sentence.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/authentication.go setGlobalDefaults
pub const CONVERSION_MILLIS: u64 = 30_000;

/// Objects of one review for a converter, and roughly their bytes. Beyond: there are several reviews. An object that is
/// larger has a review of its own.
pub const CONVERSION_OBJECTS: usize = 500;
pub const CONVERSION_BYTES: usize = 1024 * 1024;

/// How often a request waits for converters. Beyond: 500.
pub const CONVERSION_ROUNDS: u32 = 64;

/// Bytes of objects in another version that are kept beside those that are stored. Beyond: they are converted anew
/// each time.
pub const CONVERTED_BYTES: usize = 64 * 1024 * 1024;

/// Answers of other servers that are remembered, and their bytes. Beyond: those that were not used for the longest time
/// are forgotten, and asked for again.
pub const CONSULTATIONS: usize = 8_192;
pub const CONSULTATION_BYTES: usize = 32 * 1024 * 1024;

/// Requests that wait for a call of another one about the same. Beyond: they make a call of their own.
pub const CONSULTATION_JOINED: usize = 1_024;

/// How many bytes of an HTTP/1 body that nobody asked for are read and discarded, so that the connection can be used
/// again. Beyond, or after `UPLOAD_GRACE_MILLIS`: the connection is closed.
/// go: net/http/server.go maxPostHandlerReadBytes
pub const UNREAD_BODY_BYTES: usize = 256 * 1024;

/// Bytes of a request's line and headers. Beyond: 431. An HTTP/2 request whose path alone has more than 65,534 bytes
/// has its stream reset.
/// go: net/http/server.go initialReadLimitSize
pub const REQUEST_HEAD_BYTES: usize = 1024 * 1024 + 4096;

/// Header lines of one request. Beyond: 431. Upstream limits bytes only.
pub const REQUEST_HEADER_LINES: usize = 24_000;

/// Bytes of a head up to which nothing is reserved in the budget. A longer head is reserved like a body. Beyond the
/// budget: see `BODIES_BYTES`.
pub const REQUEST_HEAD_BYTES_FREE: usize = 16 * 1024;

/// Bytes of one line of a chunked body that is not data, and of its trailers. Beyond: reading stops with 400.
pub const CHUNK_LINE_BYTES: usize = 4096;

/// Bytes of such lines beyond twice the data and sixteen for each chunk. Beyond: reading stops with 500.
/// go: net/http/internal/chunked.go
pub const CHUNK_EXCESS_BYTES: u64 = 16 * 1024;

/// Connections at once, if the process may have so many files open. Beyond: a connection of an unknown client is
/// closed for the new one. If there is none, the new one is closed.
pub const CONNECTIONS: usize = 20_000;

/// Connections of clients that are not known by a certificate or token. Beyond: the oldest one of the address with
/// the most of them is closed.
pub const CONNECTIONS_UNKNOWN: usize = 500;

/// The least time for which such a connection is kept, milliseconds, so that many clients which connect at once do
/// not close each other's connections during the handshake. New connections wait until then.
pub const CONNECTION_GRACE_MILLIS: u64 = 500;

/// Open files other than connections: those of the store, the log and libraries.
pub const FILES_RESERVED: usize = 128;

/// How long the TLS handshake, the HTTP/2 preface, and the settings after it may take, milliseconds. Beyond: the
/// connection is closed.
/// go: net/http/h2_bundle.go http2prefaceTimeout, http2firstSettingsTimeout
pub const HANDSHAKE_MILLIS: u64 = 10_000;
pub const PREFACE_MILLIS: u64 = 10_000;
pub const SETTINGS_MILLIS: u64 = 2_000;

/// How long the head of a request, or an HTTP/2 frame, may take from its first byte to its last, milliseconds.
/// Beyond: the connection is closed.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/secure_serving.go ReadHeaderTimeout, IdleTimeout
pub const HEAD_MILLIS: u64 = 32_000;

/// How long a connection may be without a request, milliseconds. Beyond: it is closed.
pub const IDLE_MILLIS: u64 = 90_000;

/// How long a connection that was told to close stays open while nothing happens on it, milliseconds. Beyond: it is
/// closed.
/// go: net/http/h2_bundle.go http2goAwayTimeout
pub const GOAWAY_MILLIS: u64 = 1_000;

/// How long a client may read nothing of what is sent to it, milliseconds. Beyond: the HTTP/2 stream is reset, or, if
/// nothing is read from the whole connection, the connection is closed.
pub const WRITE_STALL_MILLIS: u64 = 30_000;

/// How long a client may take to read an answer other than a stream before its speed is checked, milliseconds, and
/// the lowest speed from then on, bytes a second. Beyond: as for a client that reads nothing. Upstream ends every
/// such answer after a minute.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/filters/timeout.go
pub const ANSWER_GRACE_MILLIS: u64 = 60_000;
pub const ANSWER_BYTES_PER_SECOND: u64 = 16 * 1024;

/// How many bytes of an answer wait for the client in the server's memory on one HTTP/2 stream, and how many unsent
/// bytes of a connection wait in the system's.
pub const STREAM_SEND_BYTES: usize = 128 * 1024;
pub const SOCKET_UNSENT_BYTES: usize = 128 * 1024;

/// How long a body may take before its speed is checked, milliseconds, and the lowest speed from then on, bytes a
/// second. Beyond: 504, as for a request that times out.
pub const UPLOAD_GRACE_MILLIS: u64 = 10_000;
pub const UPLOAD_BYTES_PER_SECOND: u64 = 16 * 1024;

/// Bytes of bodies and long heads that are in the server at once, from all known clients and from one of their
/// connections. Beyond: requests wait for room, up to their timeout, then 504. Of one HTTP/2 connection only a few
/// wait; beyond these, 429 at once.
pub const BODIES_BYTES: usize = 256 * 1024 * 1024;
pub const BODIES_BYTES_OF_CONNECTION: usize = 64 * 1024 * 1024;

/// The same for all unknown clients together. Beyond: 429 at once.
pub const BODIES_BYTES_UNKNOWN: usize = 32 * 1024 * 1024;

/// The most memory that an unfinished HTTP/2 head may take: its lines are decompressed as they arrive.
pub const UNPACKED_HEAD_BYTES: usize = 4 * 1024 * 1024;

/// The size of a body, in bytes, from which on the steps of its request run on separate threads of lower priority.
pub const LONG_STEP_BODY_BYTES: usize = 64 * 1024;

const _: () = assert!(REQUEST_BODY_BYTES + REQUEST_HEAD_BYTES <= BODIES_BYTES_OF_CONNECTION);
const _: () = assert!(UNPACKED_HEAD_BYTES <= BODIES_BYTES_UNKNOWN);

/// Deepest nesting of a JSON or YAML body. Beyond: 400, "exceeded max depth". It is lower than the 10,000 of Go's
/// decoder, which sigs.k8s.io/json keeps, so that recursion fits into a thread's stack.
pub const JSON_DEPTH: usize = 512;

/// Values of a wrong type in one body among which the first in the text is searched for, to be reported. Beyond: one
/// of those that were compared is reported.
pub const FAULTS_COMPARED: usize = 64;

/// Operations in one JSON patch. Beyond: 413.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go maxJSONPatchOperations
pub const JSON_PATCH_OPERATIONS: usize = 10_000;

/// Bytes that `copy` operations of one JSON patch may add up to. Beyond: 422, as upstream.
pub const JSON_PATCH_COPY_BYTES: usize = 3 * 1024 * 1024;

/// Bytes that the aliases of a YAML document may expand to; each node counts as this many bytes besides its text.
/// Beyond: 400, "document contains excessive aliasing". Upstream limits nodes only.
pub const YAML_EXPANDED_BYTES: usize = 16 * 1024 * 1024;
pub const YAML_NODE_BYTES: usize = 32;

/// Values, nested ones included, that the operations of one JSON patch may add, or move to where they may be nested
/// too deeply. Beyond: 422.
pub const JSON_PATCH_WALKED: usize = 4_000_000;

/// Items of lists that the operations of one JSON patch may shift by adding and removing others. Beyond: 422.
pub const JSON_PATCH_SHIFTED: usize = 20_000_000;

/// `%TAG` directives of one YAML document. Each of them is searched for in all. Beyond: 400.
pub const YAML_TAG_DIRECTIVES: usize = 100;

/// Strict decoding errors of one body that are reported. Beyond: only these are.
/// k8s: sigs.k8s.io/json internal/golang/encoding/json/kubernetes_patch.go saveStrictError
pub const STRICT_ERRORS: usize = 100;

/// Validation errors of one object that are reported. Beyond: 422 with only these. Upstream reports all, and may take
/// minutes to find them.
pub const CAUSES: usize = 100;

/// Problems of one applied configuration that are reported. Beyond: 500 with only these.
pub const FIELD_PROBLEMS: usize = 100;

/// Entries of metadata.managedFields that come from updates. Beyond: the oldest of one version are joined.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/fieldmanager.go DefaultMaxUpdateManagers
pub const UPDATE_MANAGERS: usize = 10;

/// Bytes of all annotations of an object. Beyond: 422, and a configuration that was applied is not kept among them.
/// k8s: staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go TotalAnnotationSizeLimitB
pub const ANNOTATIONS_BYTES: usize = 256 * 1024;

/// Bytes of the messages of these errors, after which no further one is reported, since each may contain a large
/// value.
pub const CAUSES_BYTES: usize = 1024 * 1024;

/// Selectable fields that one scan of a stored object finds, since each is a bit of one word. Beyond: a field counts
/// as absent, so a selector on it matches as for an empty text.
pub const SCAN_PATHS: usize = 64;

/// The most combinations of groups, resources, names and verbs in the rules that somebody gives away and that are
/// compared with their own. Beyond: 403, unless they may do everything.
pub const RULE_COMBINATIONS: usize = 20_000;

/// Nested parts of one JSONPath, and steps of its search in one object. Beyond: it finds nothing.
pub const JSON_PATH_DEPTH: usize = 16;
pub const JSON_PATH_STEPS: usize = 200_000;

/// The most versions of a resource that comes at run time. Beyond: it is not served, and a note says why.
pub const DEFINED_VERSIONS: usize = 1_024;

/// The longest text of the types of a kind that comes at run time. Beyond: the kind is not served, and a note says why.
pub const DEFINITION_BYTES: usize = 2 * 1024 * 1024;

/// The types of a catalogue, the built-in ones among them. Beyond: the kind that adds to them is not served.
pub const CATALOGUE_TYPES: usize = 2048;

/// How many lists and maps of lists and maps the type of a field may be. Beyond: the kind is not served.
pub const SHAPE_DEPTH: usize = 16;

/// The kinds that are served at once, one for each version. Beyond: a further kind is not served.
pub const SERVED_KINDS: usize = 20_000;

/// How often a write without a resource version is attempted again after a conflict. Beyond: 409. Upstream never
/// stops trying; each failed attempt means that another client's write succeeded.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go GuaranteedUpdate
pub const CONFLICT_RETRIES: u32 = 64;

/// Buckets that a limit of events keeps, whatever its `cacheSize` says. Beyond: the one that was not used for longest
/// goes.
pub const EVENT_BUCKETS: usize = 100_000;

/// How often a commit is sent whose reply is lost and whose keys have not changed since. Beyond: 504, the outcome is
/// unknown.
pub const COMMIT_SENDS: u32 = 3;

/// Reads of a key's history to find its first change after a revision. Two reads halve the distance, so this is never
/// reached in a history of 64-bit revisions. Beyond: 504, the outcome is unknown.
pub const HISTORY_READS: u32 = 128;

/// Attempts to find a generated name that is free. Beyond: 409 AlreadyExists.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go maxNameGenerationCreateAttempts
pub const GENERATED_NAME_TRIES: u32 = 8;

/// The pods of a namespace that are checked when it begins to enforce a stricter level. Beyond: a warning tells how
/// many were checked.
/// k8s: staging/src/k8s.io/pod-security-admission/admission/admission.go defaultNamespaceMaxPodsToCheck
pub const PODS_CHECKED: usize = 3_000;

/// Those that are looked at to find so many of different controllers. Beyond: the rest is only counted.
pub const PODS_VIEWED: usize = 10_000;

/// The most tolerations of a pod and its runtime class that are looked through for some that contain others.
pub const TOLERATIONS_MERGED: usize = 1_000;

/// The most pods that a disruption budget may count as about to go, before it allows no further one.
/// k8s: pkg/registry/core/pod/storage/eviction.go MaxDisruptedPodSize
pub const DISRUPTED_PODS: usize = 2_000;

/// Notes for operators that one step of a request may make. Beyond: the rest is dropped.
pub const STEP_NOTES: usize = 16;

/// Longest a request other than a watch may take, milliseconds. Beyond: 504 Timeout.
pub const REQUEST_TIMEOUT_MILLIS: u64 = 60_000;

/// Events that a resource's window keeps for watches that start in the past, at least and at most.
/// A watch from before the window gets 410 Expired.
pub const WINDOW_EVENTS_MIN: usize = 100;
pub const WINDOW_EVENTS_MAX: usize = 102_400;

/// Bytes of replaced and deleted objects that the window of a collection keeps for watches that start in the past. A
/// watch that starts before the window gets 410 Expired.
pub const WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// Frames that are queued for one slow watcher. Beyond: its changes wait in the window, and once they have left it
/// the watch is closed.
pub const WATCHER_QUEUE_FRAMES: usize = 1_000;

/// Watches of clients that are open at once. Beyond: 429 with `Retry-After`.
pub const CLIENT_WATCHES: usize = 20_000;

/// Bytes of one rendered chunk of a list.
pub const LIST_CHUNK_BYTES: usize = 64 * 1024;

/// The largest answer whose seat is given back as soon as it is made, since the buffers of a connection can hold it.
/// The seat of a larger one is given back when its last byte was sent. Beyond the seats: 429.
pub const SMALL_ANSWER_BYTES: usize = LIST_CHUNK_BYTES;

/// Key-values that are read in one range when a feed is listed.
pub const RELIST_PAGE: u64 = 10_000;

/// About how many changes of a feed the machine takes at once. With more, other inputs come between.
pub const CHANGES_AT_ONCE: usize = 500;

/// How often a store on other machines is asked whether it answers, milliseconds, and how long its answer may take.
/// Beyond: the health checks fail.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/storagebackend/config.go DefaultHealthcheckTimeout
pub const STORE_PROBE_PAUSE_MILLIS: u64 = 1_000;
pub const STORE_PROBE_MILLIS: u64 = 2_000;

/// The initial capacity of an encoder's buffer, bytes, which most objects do not exceed. Beyond: it grows.
pub const OBJECT_BYTES_USUAL: usize = 8 * 1024;

/// Largest object to be stored, bytes. Beyond: 413, as etcd answers by default.
pub const OBJECT_BYTES: usize = 1_572_864;

const _: () = assert!(OBJECT_BYTES < REQUEST_BODY_BYTES);
const _: () = assert!(WINDOW_EVENTS_MIN < WINDOW_EVENTS_MAX);

/// Comparisons, or operations of one branch, of a transaction. Beyond: the store refuses it, 413.
/// etcd: server/embed/config.go DefaultMaxTxnOps
pub const TXN_OPERATIONS: usize = 128;

/// Leases alive in one store. Beyond: the store refuses more, 429.
pub const LEASES: usize = 100_000;

/// Leases that are revoked at once when they expire; others wait for the next call.
/// etcd: server/lease/lessor.go defaultLeaseRevokeRate
pub const LEASE_EXPIRIES_AT_ONCE: usize = 1000;

/// Warnings about one object that are found by comparing pairs of its parts. A client gets at most 4 KiB of warnings,
/// so none that it would get is missed.
pub const WARNINGS: usize = 512;

/// Pairs of ports, or of files of a volume, that are compared for warnings. Beyond: the remaining pairs are not
/// warned about.
pub const WARNING_COMPARISONS: usize = 50_000;

/// Shortest lease, seconds; shorter requests are lengthened. etcd's depends on its election timeout.
pub const LEASE_TTL_SECONDS_MIN: i64 = 1;

/// Longest lease, seconds. Beyond: the store refuses it, 500.
/// etcd: server/lease/lessor.go MaxLeaseTTL
pub const LEASE_TTL_SECONDS_MAX: i64 = 9_000_000_000;

/// Watches on one store. Beyond: the store refuses more, 429.
pub const STORE_WATCHES: usize = 10_000;

/// Events after which a batch of a store's watch ends, together with the rest of the last event's revision.
/// etcd: server/storage/mvcc/watcher_group.go watchBatchMaxRevs
pub const STORE_WATCH_BATCH_EVENTS: usize = 1000;

/// Bytes that the values of one ConfigMap or Secret may add up to. Beyond: 422, "Too long".
/// k8s: pkg/apis/core/types.go MaxSecretSize
pub const CONFIG_BYTES: usize = 1024 * 1024;

/// Writes that are queued for the embedded store's next batch, and their bytes. Beyond: 429.
pub const STORE_QUEUE_OPERATIONS: usize = 10_000;
pub const STORE_QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// Operations and bytes of one batch of the embedded store, which is made durable by one sync. Beyond: they wait for
/// the next batch.
pub const STORE_BATCH_OPERATIONS: usize = 1000;
pub const STORE_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How long a batch with fewer operations than the one before waits for more, microseconds. Beyond: it is written.
pub const STORE_COMPANY_MICROS: u64 = 250;

/// Bytes of the embedded store's log after which a snapshot replaces it (unless the previous snapshot is larger), and
/// bytes of one of its files.
pub const STORE_LOG_BYTES: u64 = 64 * 1024 * 1024;
pub const STORE_SEGMENT_BYTES: u64 = 32 * 1024 * 1024;

/// Bytes that the embedded store keeps allocated on its disk. On a full disk, writes that need room get 500 with the
/// reason; the reserve is for deletions, and for the snapshot that frees room.
pub const STORE_RESERVE_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of entries that wait to be written to a recording, and bytes of a recording. Beyond: the recording ends,
/// marked as broken, and the server continues.
pub const RECORDING_QUEUE_BYTES: usize = 64 * 1024 * 1024;
pub const RECORDING_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// Older recordings that are kept beside a new one. Beyond: the server does not start.
pub const RECORDINGS_KEPT: usize = 100;

/// Bytes of history that the embedded store keeps in memory, or a fraction of the live bytes if that is more. Beyond:
/// it is compacted early, down to half. A list at an older revision gets 410 Expired, as after any compaction.
pub const STORE_HISTORY_BYTES: usize = 16 * 1024 * 1024;
pub const STORE_HISTORY_PART: usize = 8;

/// Feeds of one store. They belong to the server, not to clients. Beyond: a further one is lost at once.
pub const STORE_FOLLOWERS: usize = 1000;
/// How long a resource's window keeps changes for watches that start in the past, milliseconds, unless
/// `WINDOW_EVENTS_MAX` is reached first.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/cacher/watch_cache.go eventFreshDuration
pub const WINDOW_KEEP_MILLIS: u64 = 75_000;

/// How often a watch that allows bookmarks gets one, milliseconds.
pub const BOOKMARK_MILLIS: u64 = 60_000;

/// How long a read waits for the cache to reach a revision, milliseconds. Beyond: 504 Timeout.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/cacher/watch_cache.go blockTimeout
pub const FRESH_MILLIS: u64 = 3_000;

/// The pause before a feed that could not be listed is listed again, milliseconds.
pub const RELIST_PAUSE_MILLIS: u64 = 1_000;

/// Objects in one commit of a controller, and their bytes. Beyond: another commit.
pub const OWN_COMMIT_WRITES: usize = 64;
pub const OWN_COMMIT_BYTES: usize = 524_288;

/// Objects of a definition that goes which are deleted at once. Beyond: with the next plan of its controller.
pub const OWN_DELETIONS: usize = 500;

/// How often a controller is asked again at once, since others change what it keeps. Beyond: it pauses.
pub const CONTROLLER_ROUNDS: u32 = 8;

/// How long one lease is shared by new events at most, milliseconds, which fraction of its duration that may be, and
/// by how many events. A shared lease is granted for longer by that time, so that the last event still lives as long
/// as it should.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/lease_manager.go
pub const LEASE_REUSE_MILLIS: u64 = 60_000;
pub const LEASE_REUSE_PART: u64 = 20;
pub const LEASE_OBJECTS: u32 = 1_000;

/// The duration, in seconds, of a lease shared by objects that are to live for `object_seconds`.
pub fn lease_seconds(object_seconds: i64) -> i64 {
    let object = u64::try_from(object_seconds).unwrap_or(0);
    let shared = (object / LEASE_REUSE_PART).min(LEASE_REUSE_MILLIS / 1000);
    object_seconds.saturating_add_unsigned(shared)
}

/// For how many milliseconds a lease of this duration is shared: the time that `lease_seconds` has added.
pub fn lease_shared_millis(lease_seconds: i64) -> u64 {
    let lease_millis = u64::try_from(lease_seconds).unwrap_or(0).saturating_mul(1000);
    (lease_millis / (LEASE_REUSE_PART + 1)).min(LEASE_REUSE_MILLIS)
}

/// Label combinations of one metric. Beyond: further ones are not counted.
pub const METRIC_SERIES: usize = 10_000;

/// How many watches per second a draining server closes at least, and how often it closes some, milliseconds.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/genericapiserver.go RunWithContext
pub const DRAINED_WATCHES_PER_SECOND_MIN: u64 = 200;
pub const DRAIN_TICK_MILLIS: u64 = 50;

/// Characters of all warnings of one answer, and of each of them if together they are longer than that. Beyond: the
/// rest of a text, and further warnings, are left out.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/warning.go truncateAtTotalRunes, truncateItemRunes
pub const WARNING_CHARACTERS: usize = 4 * 1024;
pub const WARNING_ITEM_CHARACTERS: usize = 256;

/// Clauses of an Accept header, and parameters of one clause, that are considered. Beyond: they are ignored.
pub const ACCEPT_CLAUSES: usize = 64;

/// Attempts of an operation on etcd, if those before had no effect or it only reads. Beyond: the client gets the last
/// error.
pub const ETCD_TRIES: u32 = 8;

/// Attempts in a row to resume a watch on etcd. Beyond: the feed is lost, and followed again.
pub const ETCD_FEED_TRIES: u32 = 20;

/// Shortest and longest pause between two attempts, milliseconds; each pause is twice the one before.
pub const ETCD_PAUSE_MILLIS_MIN: u64 = 25;
pub const ETCD_PAUSE_MILLIS_MAX: u64 = 1_000;

/// Largest message that is accepted from etcd, bytes. Beyond: 500.
/// etcd: client/v3/options.go defaultMaxCallRecvMsgSize
pub const ETCD_MESSAGE_BYTES: usize = 2_147_483_647;

/// Events of one revision of etcd that are assembled. Beyond: the feed is listed again.
pub const ETCD_REVISION_EVENTS: usize = 10_000_000;

/// How long the answer to a write waits for the write's own event from etcd, milliseconds. Beyond: it is sent without
/// it.
pub const ETCD_DELIVERY_MILLIS: u64 = 500;

/// How soon and how often etcd is asked for the progress of a watch, milliseconds, and how often in a row. Beyond:
/// another member is watched if nothing has arrived meanwhile; waiting reads end by `FRESH_MILLIS`.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/cacher/progress/watch_progress.go
pub const ETCD_PROGRESS_DELAY_MILLIS: u64 = 10;
pub const ETCD_PROGRESS_PAUSE_MILLIS: u64 = 100;
pub const ETCD_PROGRESS_ASKS: u32 = 30;

/// Bytes of what is kept of objects in other versions and shapes than those that are stored. Beyond: it is made anew
/// for each answer.
pub const FORM_BYTES: usize = 64 * 1024 * 1024;

/// Watches that are closed in one step when their feed was listed anew or a stored value cannot be read, and the
/// pause until the next step, milliseconds.
pub const WATCHES_ENDED_AT_ONCE: usize = 100;
pub const WATCHES_ENDED_PAUSE_MILLIS: u64 = 1;

/// Public keys by which one token is tried. Beyond: the others are not tried, and the token is bad if none fits.
pub const TOKEN_KEYS: usize = 64;

/// Tokens whose signatures are known to be good, so that they are verified once. Beyond: the older half is forgotten.
pub const VERIFIED_TOKENS: usize = 8_192;

/// Bounds that are too large in production for a simulated run of a minute to reach, so a run may draw smaller ones.
/// Each has the name of its constant, which says what a client sees when it is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Events, at least 1 and less than `window_events_max`.
    pub window_events_min: usize,
    /// Events.
    pub window_events_max: usize,
    pub window_keep_millis: u64,
    /// Bytes.
    pub window_bytes: usize,
    /// Frames, at least 2: a parked watcher continues when half of them are taken.
    pub watcher_queue_frames: usize,
    /// Watches of clients.
    pub client_watches: usize,
    /// Connections.
    pub tunnels: usize,
    /// Key-values, at least 1.
    pub relist_page: u64,
    /// Attempts, at least 1.
    pub conflict_retries: u32,
    /// Attempts, at least 1.
    pub generated_name_tries: u32,
    /// At least 1.
    pub bookmark_millis: u64,
    pub fresh_millis: u64,
    pub relist_pause_millis: u64,
    pub lease_reuse_millis: u64,
    /// Objects, at least 1.
    pub lease_objects: u32,
    /// Bytes.
    pub form_bytes: usize,
}

impl Bounds {
    /// The bounds of a production server.
    pub const PRODUCTION: Self = Self {
        window_events_min: WINDOW_EVENTS_MIN,
        window_events_max: WINDOW_EVENTS_MAX,
        window_keep_millis: WINDOW_KEEP_MILLIS,
        window_bytes: WINDOW_BYTES,
        watcher_queue_frames: WATCHER_QUEUE_FRAMES,
        client_watches: CLIENT_WATCHES,
        tunnels: TUNNELS,
        relist_page: RELIST_PAGE,
        conflict_retries: CONFLICT_RETRIES,
        generated_name_tries: GENERATED_NAME_TRIES,
        bookmark_millis: BOOKMARK_MILLIS,
        fresh_millis: FRESH_MILLIS,
        relist_pause_millis: RELIST_PAUSE_MILLIS,
        lease_reuse_millis: LEASE_REUSE_MILLIS,
        lease_objects: LEASE_OBJECTS,
        form_bytes: FORM_BYTES,
    };
}
