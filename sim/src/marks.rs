//! Marks: rare situations by name. A campaign that has not reached one of them has not tested what it claims to.

use std::fmt;

macro_rules! marks {
    ($($(#[doc = $doc:literal])* $variant:ident => $name:literal,)*) => {
        /// A situation that a campaign must have reached.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Mark {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What happens, in a sentence.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),*),)*
                }
            }
        }
    };
}

marks! {
    /// A watch that goes on from where it was is told 410: the server no longer knows what came after.
    ExpiredOnResume => "expired-on-resume",
    /// A continue token is told 410 because its revision was compacted between two pages.
    CompactionDuringPagination => "compaction-during-pagination",
    /// One request loses five races in a row, and goes on.
    FiveConflicts => "five-conflicts",
    /// A write whose reply was lost had happened.
    UnknownApplied => "unknown-applied",
    /// A write whose reply was lost had not happened.
    UnknownNotApplied => "unknown-not-applied",
    /// A token of a service account is refused, since its account or pod is gone.
    TokenOfTheGone => "token-of-the-gone",
    /// A node reads a secret that a pod of its own refers to.
    SecretOfOwnPod => "secret-of-own-pod",
    /// A node is refused a secret that no pod of its own refers to.
    SecretOfNoPod => "secret-of-no-pod",
    /// A client is told that the outcome of its write is not known.
    OutcomeNotKnown => "outcome-not-known",
    /// A write whose reply was lost is told although another writer has changed its object since.
    SettledByHistory => "settled-by-history",
    /// A watcher's queue is full: its changes wait in the window.
    WatcherParked => "watcher-parked",
    /// A watcher is closed because the changes it missed are no longer kept.
    WatcherOverflow => "watcher-overflow",
    /// A client goes on with its watch at a server whose cache is behind what the client has seen.
    FailoverToLagging => "failover-to-lagging",
    /// A server's feed is compacted under it: it lists anew.
    FeedCompacted => "feed-compacted",
    /// A server lists the store in several pages.
    RelistInPages => "relist-in-pages",
    /// A read waits for the cache until its time is over.
    TooLargeResourceVersion => "too-large-resource-version",
    /// A deletion is delivered without the value before it.
    DeletionWithoutPrevious => "deletion-without-previous",
    /// The store's leader changes while an operation is under way.
    LeaderChange => "leader-change",
    /// A server watches a member that is behind the store.
    LaggingMember => "lagging-member",
    /// A server leaves out events that are older than its watch.
    OldEventsLeftOut => "old-events-left-out",
    /// A lease runs out and takes several keys at one revision.
    SeveralInOneRevision => "several-in-one-revision",
    /// A server that was told to end is gone when everybody has an answer.
    OrderlyEnd => "orderly-end",
    /// A server has more to do than it can: a step waits for those before it.
    Overload => "overload",
    /// A watch is cut behind several changes of one revision, and goes on after them.
    CutBehindSeveral => "cut-behind-several",
    /// A server starts while a client already waits for it.
    AskedBeforeSync => "asked-before-sync",
    /// A step runs against a snapshot that is behind the cache.
    StaleSnapshot => "stale-snapshot",
    /// An object leaves a selection by a change, and another enters it.
    SelectionChange => "selection-change",
    /// A paused server goes on.
    ServerResumed => "server-resumed",
    /// A server's wall clock jumps back.
    ClockStepBack => "clock-step-back",
    /// An object is made again under the name of a deleted one.
    NameReused => "name-reused",
    /// A finalizer holds an object that is being deleted, and is then removed.
    FinalizerReleased => "finalizer-released",
    /// The store refuses a write because it is full.
    NoSpace => "no-space",
    /// A leader of clients is replaced after its lease ran out.
    LeadershipTaken => "leadership-taken",
    /// A namespace is emptied and goes.
    NamespaceGone => "namespace-gone",
    /// The garbage collector removes an object whose owner has gone.
    OrphanCollected => "orphan-collected",
    /// A watch that begins with the state is told where the state ends.
    InitialEventsEnd => "initial-events-end",
    /// A bookmark tells of a revision that changed nothing the watch selects.
    BookmarkAhead => "bookmark-ahead",
    /// A stranger is refused.
    StrangerRefused => "stranger-refused",
    /// An event that was written again goes when its time from that write is over.
    RenewedEventGone => "renewed-event-gone",
    /// The store is compacted early because its history has grown too large.
    CompactedByBytes => "compacted-by-bytes",
    /// A value appears among those that servers look at that cannot be read.
    ValueSpoilt => "value-spoilt",
    /// The store does not answer, and a server is told.
    StoreSilent => "store-silent",
    /// A request is refused because as many are under way as may be.
    SeatRefused => "seat-refused",
    /// The body of a request comes some time after its head.
    BodyLate => "body-late",
    /// A client goes away amid the body of its request.
    BodyCut => "body-cut",
    /// The body of a request never comes.
    BodyMissing => "body-missing",
    /// A client goes away when its server has asked for the body, before it sends any of it.
    GoneBeforeBody => "gone-before-body",
    /// Who is called by a server makes a request to it before it answers.
    CalleeCallsBack => "callee-calls-back",
    /// The calls of a request are cancelled because it has ended.
    CallCancelled => "call-cancelled",
    /// A webhook refuses a write.
    WebhookRefuses => "webhook-refuses",
    /// A webhook cannot be asked, and the write is refused.
    WebhookFails => "webhook-fails",
    /// A webhook changes an object.
    WebhookChanges => "webhook-changes",
    /// A webhook makes a request to the server that asks it before it answers.
    WebhookCallsBack => "webhook-calls-back",
    /// A webhook is not asked since its conditions do not hold.
    ConditionSkips => "condition-skips",
    /// A write is refused because it cannot be told whether a webhook is to be asked about it.
    ConditionFails => "condition-fails",
    /// A webhook is asked about the same request again.
    WebhookAskedAgain => "webhook-asked-again",
    /// A webhook authorizer allows what nobody else would, and it is done.
    AuthorizerAllows => "authorizer-allows",
    /// A webhook authorizer cannot be asked, and the request is refused.
    AuthorizerFails => "authorizer-fails",
    /// A request becomes a tunnel to another server.
    TunnelOpened => "tunnel-opened",
    /// The answer to a call comes when nobody waits for it any more.
    CallAnsweredLate => "call-answered-late",
    /// A user asks for what they may not do, and is refused.
    VerbDenied => "verb-denied",
    /// A PUT to an absent name is refused because its user may not create objects.
    CreationDeniedMidway => "creation-denied-midway",
    /// A policy refuses a write that was stored before.
    PolicyTightened => "policy-tightened",
    /// A write is stored that a policy refused before.
    PolicyLoosened => "policy-loosened",
    /// A definition's schema refuses a level that was stored before.
    SchemaTightened => "schema-tightened",
    /// A level is stored that a definition's schema refused before.
    SchemaLoosened => "schema-loosened",
    /// A user does what only a role allows.
    RightGiven => "right-given",
    /// A user is refused what a role allowed before.
    RightTakenBack => "right-taken-back",
    /// An apply is refused because others manage its fields.
    ApplyConflict => "apply-conflict",
    /// An apply takes fields from others by force.
    FieldsTakenByForce => "fields-taken-by-force",
    /// An apply makes its object.
    AppliedIntoBeing => "applied-into-being",
    /// A watch ends because its kind is no longer served.
    WatchedKindGone => "watched-kind-gone",
    /// A client that was told that a kind is not served is served it.
    KindCameAgain => "kind-came-again",
    /// A request fails because a converter does.
    ConversionFailed => "conversion-failed",
    /// A watch ends because a converter fails.
    ConvertedWatchEnded => "converted-watch-ended",
    /// A pod is bound to a node.
    PodBound => "pod-bound",
    /// A pod is not bound, since it is bound already or is being deleted.
    BindingRefused => "binding-refused",
    /// A pod is evicted.
    PodEvicted => "pod-evicted",
    /// A pod is not evicted, since its disruption budget does not allow it.
    EvictionRefused => "eviction-refused",
    /// A service gets no address because all are taken.
    AddressesExhausted => "addresses-exhausted",
    /// A service gets no node port because all are taken.
    NodePortsExhausted => "node-ports-exhausted",
    /// A service is refused the address or the node port that it names, since another has it.
    AllocationRefused => "allocation-refused",
    /// An object is refused because its namespace's quota is used up.
    QuotaExceeded => "quota-exceeded",
    /// What a quota's namespace uses is measured anew.
    QuotaMeasured => "quota-measured",
}

/// How often each mark was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    counts: Vec<u64>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { counts: vec![0; Mark::ALL.len()] }
    }
}

impl Mark {
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mark| mark.name() == name)
    }
}

impl Marks {
    pub fn reach(&mut self, mark: Mark) {
        self.counts[mark as usize] += 1;
    }

    pub fn count(&self, mark: Mark) -> u64 {
        self.counts[mark as usize]
    }

    /// Adds what another run reached.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// The marks that were never reached.
    pub fn missed(&self) -> impl Iterator<Item = Mark> {
        Mark::ALL.iter().copied().filter(|mark| self.count(*mark) == 0)
    }
}

impl fmt::Display for Marks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mark in Mark::ALL {
            writeln!(out, "{:>10}  {:<28} {}", self.count(*mark), mark.name(), mark.sentence().trim())?;
        }
        Ok(())
    }
}
