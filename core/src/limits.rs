//! Every bound of the server, in one place, with what a client sees when it is hit.

/// Largest request body, bytes. Beyond: 413 RequestEntityTooLarge.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/config.go MaxRequestBodyBytes
pub const REQUEST_BODY_BYTES: usize = 3 * 1024 * 1024;

/// Bytes of a body that is too large that are read and thrown away, so that a client that reads only after
/// writing sees its answer. Beyond: the connection is closed.
pub const DISCARDED_BODY_BYTES: usize = 4 * REQUEST_BODY_BYTES;

/// Bytes of a request's line and headers. Beyond: 431. go: net/http/server.go initialReadLimitSize
/// An HTTP/2 request whose path alone has more than 65,534 bytes has its stream reset.
pub const REQUEST_HEAD_BYTES: usize = 1024 * 1024 + 4096;

/// Header lines of one request. Beyond: 431. Upstream counts bytes alone.
pub const REQUEST_HEADER_LINES: usize = 24_000;

/// Bytes of a head that count as nothing: what is longer is reserved like a body.
pub const REQUEST_HEAD_BYTES_FREE: usize = 16 * 1024;

/// Bytes of one line of a chunked body that is not data, and of its trailers. Beyond: the body is broken off, 400.
pub const CHUNK_LINE_BYTES: usize = 4096;

/// Bytes of such lines beyond twice the data's and sixteen for each chunk. Beyond: the body is broken off, 500.
/// go: net/http/internal/chunked.go
pub const CHUNK_EXCESS_BYTES: u64 = 16 * 1024;

/// Connections at once, if the process may have so many files open. Beyond: one whose client has not said who it is
/// is closed for the new one, and without such the new one is closed.
pub const CONNECTIONS: usize = 20_000;

/// Of these, connections whose clients have not said who they are. Beyond: the oldest one of the address with the
/// most of them is closed.
pub const CONNECTIONS_UNKNOWN: usize = 500;

/// How long such a connection is left alone in any case, milliseconds, so that a crowd of good clients does not
/// close one another's handshakes: until then new connections wait.
pub const CONNECTION_GRACE_MILLIS: u64 = 500;

/// Open files that are not connections: the store's, the log's, those of libraries.
pub const FILES_RESERVED: usize = 128;

/// How long a client may take for TLS's handshake, for HTTP/2's preface, and for the settings after it, milliseconds.
/// Beyond: the connection is closed.
/// go: net/http/h2_bundle.go http2prefaceTimeout, http2firstSettingsTimeout
pub const HANDSHAKE_MILLIS: u64 = 10_000;
pub const PREFACE_MILLIS: u64 = 10_000;
pub const SETTINGS_MILLIS: u64 = 2_000;

/// How long the head of a request, or a frame of HTTP/2, may take from its first byte to its last, milliseconds.
/// Beyond: the connection is closed.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/secure_serving.go ReadHeaderTimeout, IdleTimeout
pub const HEAD_MILLIS: u64 = 32_000;

/// How long a connection may be without a request, milliseconds. Beyond: it is closed.
pub const IDLE_MILLIS: u64 = 90_000;

/// How long a client may keep a connection that it was told to leave and on which nothing happens, milliseconds.
/// go: net/http/h2_bundle.go http2goAwayTimeout
pub const GOAWAY_MILLIS: u64 = 1_000;

/// How long a client may take nothing of what is sent to it, milliseconds. Beyond: the HTTP/2 stream is reset, or the
/// connection closed when it is the connection that takes nothing.
pub const WRITE_STALL_MILLIS: u64 = 30_000;

/// How long a client may take for an answer that ends before its speed counts, milliseconds, and how fast it has to
/// be afterwards, bytes a second. Beyond: as for one that takes nothing. Upstream breaks every such answer off after
/// a minute.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/filters/timeout.go
pub const ANSWER_GRACE_MILLIS: u64 = 60_000;
pub const ANSWER_BYTES_PER_SECOND: u64 = 16 * 1024;

/// Bytes of one HTTP/2 stream's answer that wait for the client in the server's memory, and bytes of a connection
/// that wait in the system's before they are sent.
pub const STREAM_SEND_BYTES: usize = 128 * 1024;
pub const SOCKET_UNSENT_BYTES: usize = 128 * 1024;

/// How long a body may take before its speed counts, milliseconds, and how fast it has to be afterwards, bytes a
/// second. Beyond: 504, as when the request's whole time is over.
pub const UPLOAD_GRACE_MILLIS: u64 = 10_000;
pub const UPLOAD_BYTES_PER_SECOND: u64 = 16 * 1024;

/// Bytes of bodies and long heads that are in the server at once, from clients that have said who they are, and of
/// one connection of these. Beyond: they wait for one another, at most as long as a request may take, then 429, which
/// over HTTP/2 comes at once when several already wait.
pub const BODIES_BYTES: usize = 256 * 1024 * 1024;
pub const BODIES_BYTES_OF_CONNECTION: usize = 64 * 1024 * 1024;

/// The same of all other clients. Beyond: 429 at once.
pub const BODIES_BYTES_UNKNOWN: usize = 32 * 1024 * 1024;

/// What an unfinished HTTP/2 head may come to in memory: its lines are unpacked as they arrive.
pub const UNPACKED_HEAD_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a body from which on its steps run on threads of their own, behind all else that the server does.
pub const LONG_STEP_BODY_BYTES: usize = 64 * 1024;

const _: () = assert!(REQUEST_BODY_BYTES + REQUEST_HEAD_BYTES <= BODIES_BYTES_OF_CONNECTION);
const _: () = assert!(UNPACKED_HEAD_BYTES <= BODIES_BYTES_UNKNOWN);

/// Deepest nesting of a JSON or YAML body. Beyond: 400, "exceeded max depth".
/// k8s: sigs.k8s.io/json keeps Go's bound of 10,000; ours is lower so that recursion fits a thread's stack.
pub const JSON_DEPTH: usize = 512;

/// Values of a wrong type in one body of which the first in the text is told. Beyond: one of these is told.
pub const FAULTS_COMPARED: usize = 64;

/// Operations in one JSON patch. Beyond: 413.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go maxJSONPatchOperations
pub const JSON_PATCH_OPERATIONS: usize = 10_000;

/// Bytes that `copy` operations of one JSON patch may add up to. Beyond: 422, as upstream.
pub const JSON_PATCH_COPY_BYTES: usize = 3 * 1024 * 1024;

/// Bytes of text and nodes that the aliases of a YAML document may expand to, where a node counts as so many bytes.
/// Beyond: 400, "document contains excessive aliasing". Upstream bounds nodes only.
pub const YAML_EXPANDED_BYTES: usize = 16 * 1024 * 1024;
pub const YAML_NODE_BYTES: usize = 32;

/// Values that the operations of one JSON patch may add or, where they may come too deep, move, each with all that is
/// in it. Beyond: 422.
pub const JSON_PATCH_WALKED: usize = 4_000_000;

/// Items of lists that change their places when those of one JSON patch come and go, all operations together.
/// Beyond: 422.
pub const JSON_PATCH_SHIFTED: usize = 20_000_000;

/// `%TAG` directives of one YAML document, each of which is searched among all. Beyond: 400.
pub const YAML_TAG_DIRECTIVES: usize = 100;

/// Strict errors of one body that are told. Beyond: the first so many are.
/// k8s: sigs.k8s.io/json internal/golang/encoding/json/kubernetes_patch.go saveStrictError
pub const STRICT_ERRORS: usize = 100;

/// Problems of one object that are told. Beyond: 422 with the first so many. Upstream tells all, and may take
/// minutes to find them.
pub const CAUSES: usize = 100;

/// Bytes of the messages of these problems, after which no further one is told: each may show a large value.
pub const CAUSES_BYTES: usize = 1024 * 1024;

/// Paths (selectable fields) that one scan of a stored object looks for: they are bits of one word. Beyond:
/// the field is absent, so a selector on it matches as for the empty text.
pub const SCAN_PATHS: usize = 64;

/// Times that a write without a resource version is tried again after a conflict. Beyond: 409. Upstream
/// tries for ever; each try means that somebody else's write went through.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/store.go GuaranteedUpdate
pub const CONFLICT_RETRIES: u32 = 64;

/// Tries to find a free generated name. Beyond: 409 AlreadyExists.
/// k8s: staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go maxNameGenerationCreateAttempts
pub const GENERATED_NAME_TRIES: u32 = 8;

/// Longest a request other than a watch may take, milliseconds. Beyond: 504 Timeout.
pub const REQUEST_TIMEOUT_MILLIS: u64 = 60_000;

/// Events that a resource's window keeps for watches that start in the past, at least and at most.
/// A watch from before the window gets 410 Expired.
pub const WINDOW_EVENTS_MIN: usize = 100;
pub const WINDOW_EVENTS_MAX: usize = 102_400;

/// Bytes of objects that a resource's window keeps for such watches although they have been replaced or deleted. A
/// watch from before the window gets 410 Expired.
pub const WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// Frames that wait for one slow watcher. Beyond: its changes wait in the window, and a watcher whose changes have
/// left the window is closed.
pub const WATCHER_QUEUE_FRAMES: usize = 1_000;

/// Watches of clients that are open at once. Beyond: 429 with `Retry-After`.
pub const CLIENT_WATCHES: usize = 20_000;

/// Bytes of one rendered chunk of a list.
pub const LIST_CHUNK_BYTES: usize = 64 * 1024;

/// Largest answer whose seat is free as soon as it is made: the buffers of a connection take it whole. The seat of a
/// larger one is free when its last byte is sent. Beyond the seats: 429.
pub const SMALL_ANSWER_BYTES: usize = LIST_CHUNK_BYTES;

/// Key-values fetched in one range of a relist.
pub const RELIST_PAGE: u64 = 10_000;

/// How often a store on other machines is asked whether it answers, milliseconds, and how long it may take. Beyond:
/// the health checks fail.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/storagebackend/config.go DefaultHealthcheckTimeout
pub const STORE_PROBE_PAUSE_MILLIS: u64 = 1_000;
pub const STORE_PROBE_MILLIS: u64 = 2_000;

/// Changes of one revision that a server makes itself: the deletions when a lease that objects share runs out. A watch
/// gets all of them, whether its queue has room or not.
pub const REVISION_CHANGES: usize =
    if TXN_OPERATIONS > LEASE_OBJECTS as usize { TXN_OPERATIONS } else { LEASE_OBJECTS as usize };

/// Bytes that few objects have more than: what an encoder's buffer begins with. Beyond: it grows.
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

/// Leases revoked at once when they run out; more wait for the next call.
/// etcd: server/lease/lessor.go defaultLeaseRevokeRate
pub const LEASE_EXPIRIES_AT_ONCE: usize = 1000;

/// Warnings about one object that are looked for among pairs of its parts. A client gets 4 KiB of warnings at most, so
/// that none is missed.
pub const WARNINGS: usize = 512;

/// Pairs of ports, or of files of a volume, that are compared for warnings; of an object with more the rest is not
/// warned of.
pub const WARNING_COMPARISONS: usize = 50_000;

/// Shortest lease, seconds; shorter requests are lengthened. etcd's depends on its election timeout.
pub const LEASE_TTL_SECONDS_MIN: i64 = 1;

/// Longest lease, seconds. Beyond: the store refuses it, 500.
/// etcd: server/lease/lessor.go MaxLeaseTTL
pub const LEASE_TTL_SECONDS_MAX: i64 = 9_000_000_000;

/// Watches on one store. Beyond: the store refuses more, 429.
pub const STORE_WATCHES: usize = 10_000;

/// Events after which a batch of a store's watch ends, with its revision's last event.
/// etcd: server/storage/mvcc/watcher_group.go watchBatchMaxRevs
pub const STORE_WATCH_BATCH_EVENTS: usize = 1000;

/// Bytes that the values of one ConfigMap or Secret may add up to. Beyond: 422, "Too long".
/// k8s: pkg/apis/core/types.go MaxSecretSize
pub const CONFIG_BYTES: usize = 1024 * 1024;

/// Writes that wait for the embedded store's next batch, and their bytes. Beyond: 429.
pub const STORE_QUEUE_OPERATIONS: usize = 10_000;
pub const STORE_QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// Operations and bytes of one batch of the embedded store, which one sync makes durable; more wait for
/// the next batch.
pub const STORE_BATCH_OPERATIONS: usize = 1000;
pub const STORE_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of the embedded store's log after which a snapshot takes its place (when the snapshot before is
/// not larger still), and bytes of one of its files.
pub const STORE_LOG_BYTES: u64 = 64 * 1024 * 1024;
pub const STORE_SEGMENT_BYTES: u64 = 32 * 1024 * 1024;

/// Room that the embedded store keeps on its disk. A full disk refuses what needs room, 500 with the reason; what is
/// left is for deletions, and for the snapshot that makes room.
pub const STORE_RESERVE_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of entries that wait for a recording's disk, and of a recording. Beyond: the recording ends and says that it
/// is broken, the server goes on.
pub const RECORDING_QUEUE_BYTES: usize = 64 * 1024 * 1024;
pub const RECORDING_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// Older recordings that are kept beside a new one. Beyond: the server does not start.
pub const RECORDINGS_KEPT: usize = 100;

/// Bytes of history that the embedded store keeps in memory, or that part of what lives if that is more. Beyond: it is
/// compacted early, down to half. A list at a revision from before gets 410 Expired, as after any compaction.
pub const STORE_HISTORY_BYTES: usize = 16 * 1024 * 1024;
pub const STORE_HISTORY_PART: usize = 8;

/// Feeds of one store. They are the server's own, not its clients'; one more is lost at once.
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

/// Pause before a feed that could not be listed is tried again, milliseconds.
pub const RELIST_PAUSE_MILLIS: u64 = 1_000;

/// How long one lease is shared by new events at most, milliseconds, which part of its time that may be, and by how
/// many. A lease lives longer by as much as it is shared, so that the last object lives as long as it was made for.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/etcd3/lease_manager.go
pub const LEASE_REUSE_MILLIS: u64 = 60_000;
pub const LEASE_REUSE_PART: u64 = 20;
pub const LEASE_OBJECTS: u32 = 1_000;

/// Seconds of a lease that objects share which are to live for so many.
pub fn lease_seconds(object_seconds: i64) -> i64 {
    let object = u64::try_from(object_seconds).unwrap_or(0);
    let shared = (object / LEASE_REUSE_PART).min(LEASE_REUSE_MILLIS / 1000);
    object_seconds.saturating_add_unsigned(shared)
}

/// Milliseconds for which a lease of so many seconds is shared: what `lease_seconds` has added.
pub fn lease_shared_millis(lease_seconds: i64) -> u64 {
    let lease_millis = u64::try_from(lease_seconds).unwrap_or(0).saturating_mul(1000);
    (lease_millis / (LEASE_REUSE_PART + 1)).min(LEASE_REUSE_MILLIS)
}

/// Combinations of labels of one metric. Beyond: what has a further one is not counted.
pub const METRIC_SERIES: usize = 10_000;

/// How many watches a server that ends closes in a second at least, and how often it closes some, milliseconds.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/genericapiserver.go RunWithContext
pub const DRAINED_WATCHES_PER_SECOND_MIN: u64 = 200;
pub const DRAIN_TICK_MILLIS: u64 = 50;

/// Characters of the warnings of one answer, and of each of them once they are more than that together. Beyond: the
/// rest of the text, and further warnings, are left out.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/warning.go truncateAtTotalRunes, truncateItemRunes
pub const WARNING_CHARACTERS: usize = 4 * 1024;
pub const WARNING_ITEM_CHARACTERS: usize = 256;

/// Clauses of an Accept header, and parameters of one, that are looked at; later ones are not.
pub const ACCEPT_CLAUSES: usize = 64;

/// Tries of an operation on etcd that had no effect or only reads. Beyond: the client gets the last error.
pub const ETCD_TRIES: u32 = 8;

/// Tries in a row to take up a watch on etcd. Beyond: the feed is lost, and followed again.
pub const ETCD_FEED_TRIES: u32 = 20;

/// Shortest and longest pause between two tries, milliseconds; each pause is twice the one before.
pub const ETCD_PAUSE_MILLIS_MIN: u64 = 25;
pub const ETCD_PAUSE_MILLIS_MAX: u64 = 1_000;

/// Largest message that is taken from etcd, bytes. Beyond: 500.
/// etcd: client/v3/options.go defaultMaxCallRecvMsgSize
pub const ETCD_MESSAGE_BYTES: usize = 2_147_483_647;

/// Events of one revision of etcd that are put together. Beyond: the feed is listed anew.
pub const ETCD_REVISION_EVENTS: usize = 10_000_000;

/// How long a write's answer waits for its own event from etcd, milliseconds. Beyond: it is answered.
pub const ETCD_DELIVERY_MILLIS: u64 = 500;

/// How soon and how often etcd is asked how far its watch is, milliseconds, and how often in a row. Beyond:
/// another member is watched when nothing has come meanwhile; who waits runs into `FRESH_MILLIS`.
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/cacher/progress/watch_progress.go
pub const ETCD_PROGRESS_DELAY_MILLIS: u64 = 10;
pub const ETCD_PROGRESS_PAUSE_MILLIS: u64 = 100;
pub const ETCD_PROGRESS_ASKS: u32 = 30;

/// The bounds that are so large in production that a simulated run of a minute would not reach them: a run
/// may draw smaller ones. Each is the constant of its name, which says what a client sees when it is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Events, at least 1 and less than `window_events_max`.
    pub window_events_min: usize,
    /// Events.
    pub window_events_max: usize,
    pub window_keep_millis: u64,
    /// Bytes.
    pub window_bytes: usize,
    /// Frames, at least 2: a watcher goes on when half of them are taken.
    pub watcher_queue_frames: usize,
    /// Watches of clients.
    pub client_watches: usize,
    /// Key-values, at least 1.
    pub relist_page: u64,
    /// Tries, at least 1.
    pub conflict_retries: u32,
    /// Tries, at least 1.
    pub generated_name_tries: u32,
    /// At least 1.
    pub bookmark_millis: u64,
    pub fresh_millis: u64,
    pub relist_pause_millis: u64,
    pub lease_reuse_millis: u64,
    /// Objects, at least 1.
    pub lease_objects: u32,
}

impl Bounds {
    /// What a server runs with.
    pub const PRODUCTION: Self = Self {
        window_events_min: WINDOW_EVENTS_MIN,
        window_events_max: WINDOW_EVENTS_MAX,
        window_keep_millis: WINDOW_KEEP_MILLIS,
        window_bytes: WINDOW_BYTES,
        watcher_queue_frames: WATCHER_QUEUE_FRAMES,
        client_watches: CLIENT_WATCHES,
        relist_page: RELIST_PAGE,
        conflict_retries: CONFLICT_RETRIES,
        generated_name_tries: GENERATED_NAME_TRIES,
        bookmark_millis: BOOKMARK_MILLIS,
        fresh_millis: FRESH_MILLIS,
        relist_pause_millis: RELIST_PAUSE_MILLIS,
        lease_reuse_millis: LEASE_REUSE_MILLIS,
        lease_objects: LEASE_OBJECTS,
    };
}
