//! The bug museum: historical bugs of API servers that can be put back into this one, to show that the simulation
//! finds them.
//!
//! A flaw exists only with the cargo feature `museum`. Without it `Flaw` is empty and `Flaw::is` is always false, so
//! nothing of the bugs is compiled.

use crate::store::{Op, Txn};

/// Makes the enum, and the names and descriptions of its bugs, from one list.
macro_rules! mutants {
    ($($variant:ident, $name:literal, $issue:literal, $sentence:literal;)+) => {
        /// A bug that can be put back. Bugs of `etcd` and `kubernetes` are named by their issues there. `own` bugs
        /// were found in this server, or are of a kind that it must never have.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutant {
            $(
                #[doc = concat!($issue, ": ", $sentence)]
                $variant,
            )+
        }

        impl Mutant {
            /// All bugs, in the order in which they are shown.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The upstream issues that reported it, or `own`.
            pub const fn issue(self) -> &'static str {
                match self {
                    $(Self::$variant => $issue,)+
                }
            }

            /// What goes wrong.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)+
                }
            }
        }
    };
}

mutants! {
    DefinitionServedOnce, "definition-served-once", "own",
        "A definition whose schema has changed goes on to be served as it was.";
    PolicyCompiledOnce, "policy-compiled-once", "own",
        "An admission policy that has changed is asked with its former expressions.";
    ReplayedEvents, "replayed-events", "kubernetes#73845",
        "A watch is sent all events of the window again, also those before its start.";
    LostEventOfEmptyWindow, "lost-event-of-empty-window", "kubernetes#49956, kubernetes#49992",
        "While the window is empty, a watch from one revision before it is taken instead of refused, and \
         one event is lost.";
    InclusiveStart, "inclusive-start", "kubernetes#24004",
        "A watch is sent the event of its start revision, which its client has already.";
    StaleNotOlderThan, "stale-not-older-than", "kubernetes#59848, kubernetes#60478",
        "A list or get that must not be older than a revision is answered from a cache that is.";
    WatchSurvivesRelist, "watch-survives-relist", "kubernetes#116122",
        "When the store is listed anew after a compaction, watches go on and miss what happened meanwhile.";
    LostDeleteWithoutPrevious, "lost-delete-without-previous", "kubernetes#123072",
        "A deletion that comes without the value before it is not applied to the cache.";
    BookmarkOfRequestedRevision, "bookmark-of-requested-revision", "kubernetes#125288",
        "The bookmark after the initial events names the revision asked for, not that of the events.";
    ProgressStarvesWatchers, "progress-starves-watchers", "kubernetes#122450",
        "Each progress report of the store becomes a bookmark for every watch, whether its queue has room \
         or not.";
    FinalizerIgnored, "finalizer-ignored", "kubernetes#77619",
        "An object is removed by what was read of it before, without a look at its revision: a finalizer \
         added meanwhile does not hold it.";
    PreconditionOnOwnChange, "precondition-on-own-change", "kubernetes#85516",
        "A deletion marks the object, then finds that its revision is no longer the client's precondition.";
    DeletedCarriesUpdate, "deleted-carries-update", "kubernetes#22878",
        "An object that leaves a selection is shown as it became, not as it last was in the selection.";
    ClosedInsteadOfExpired, "closed-instead-of-expired", "kubernetes#137089, kubernetes#137307",
        "A watch from too old a revision is closed without the 410 that tells its client to list anew.";
    QuietCacheNeverAdvances, "quiet-cache-never-advances", "kubernetes#91073",
        "Progress reports do not move the cache's revision, so that reads wait for what never comes.";
    EmptyListBeforeSync, "empty-list-before-sync", "own",
        "Before the store was read, lists from the cache say that nothing exists.";
    LostFeedEndsStart, "lost-feed-ends-start", "own",
        "A feed that is lost while it is being listed is followed, and the listing is never finished.";
    DeletionClaimedOfStale, "deletion-claimed-of-stale", "own",
        "A deletion whose reply was lost is claimed of an object that only the cache still had.";
    RestOfRevisionLost, "rest-of-revision-lost", "own",
        "A watch whose queue runs full amid the changes of one revision never gets the rest of them.";
    DrainLeavesWatches, "drain-leaves-watches", "own",
        "A server that ends takes nothing new and leaves its watches open.";
    SelectionForgotten, "selection-forgotten", "own",
        "The deletion of a collection takes an object that another writer has taken out of the selection.";
    DryRunStored, "dry-run-stored", "own",
        "An update that is to be tried only is stored.";
    GraceForgotten, "grace-forgotten", "own",
        "A pod on a node goes at once, whatever grace it has.";
    RevisionInPieces, "revision-in-pieces", "own",
        "The changes of one revision are sent one by one: a watch that is cut between two of them resumes \
         after the second.";
    UnknownMeansFailed, "unknown-means-failed", "own",
        "A creation whose reply was lost is written again, and refused as existing because of its own \
         first write.";
    SettledByBytes, "settled-by-bytes", "own",
        "After a lost reply a write is looked for by its bytes, and not found once another writer has \
         changed the object.";
    LostUpdate, "lost-update", "kubernetes#4982",
        "An update is written without a look at the revision it was made of, over what others wrote.";
    StatusWritesSpec, "status-writes-spec", "kubernetes#63385",
        "An update of the status subresource takes the rest of the object too.";
    GenerationNotRaised, "generation-not-raised", "own",
        "A changed spec keeps its generation.";
    Canary, "canary", "own",
        "A deletion is answered and not done: a run that does not find this looks at nothing.";
    UidReused, "uid-reused", "own",
        "An object that is made again under its name has the uid of the one before.";
    PageOfNewest, "page-of-newest", "own",
        "Later pages of a list are of the newest revision, and named as of the first page's.";
    BookmarkAheadOfEvents, "bookmark-ahead-of-events", "etcd#15220",
        "A bookmark overtakes the events that it says were sent.";
    DepartureUntold, "departure-untold", "own",
        "A watch is not told of objects that leave its selection.";
    PastListedFromCache, "past-listed-from-cache", "own",
        "A list of before the server listed its store is answered from the cache, without what was deleted \
         in between.";
    LeaseOutlived, "lease-outlived", "own",
        "New events share a lease for longer than its own time, and are refused for a lease that has run out.";
    GoneUnderOldVersion, "gone-under-old-version", "own",
        "After a lost reply a deleted object is shown with its mark under the version that it had without.";
    KindPatchedAway, "kind-patched-away", "own",
        "A patch that takes away what an object is is stored so, and a server that reads it holds other bytes.";
    LeaseDropped, "lease-dropped", "own",
        "A later write of an event takes away the lease that it was made with, and it never expires.";
    IllnessUntold, "illness-untold", "own",
        "The health checks do not look at what is known of the store, and stay ok while it does not answer.";
    UnreadableMeansDeleted, "unreadable-means-deleted", "own",
        "A stored value that cannot be read is taken for a deletion, and left out of lists.";
    IndexMissesUpdates, "index-misses-updates", "own",
        "What is kept of namespaces that are being deleted is kept at their creation and removal only.";
    ConverterTrusted, "converter-trusted", "own",
        "What a converter answers is taken although it is another object.";
    WatchSurvivesItsKind, "watch-survives-its-kind", "own",
        "When a kind goes its watches stay open, and their clients never hear of anything again.";
    SeatBeforeIdentity, "seat-before-identity", "own",
        "A request takes its seat before it is known who asks, so that strangers keep others from theirs.";
    CreationNotAskedFor, "creation-not-asked-for", "own",
        "A PUT creates its object for a caller who may update objects and not create them.";
    BodyBeforeIdentity, "body-before-identity", "own",
        "The body of a request is taken before it is known who asks, so that strangers fill the server with theirs.";
    AccountNotLookedUp, "account-not-looked-up", "own",
        "A token with a good signature is good although its service account is gone.";
    ExpiryIgnored, "expiry-ignored", "own",
        "A token of a service account is good although its time is over.";
    ConflictsOverlooked, "conflicts-overlooked", "own",
        "An apply takes fields from other managers without force.";
    CallsOutlived, "calls-outlived", "own",
        "Calls to other servers go on when the request that they were made for has ended.";
    BoundTwice, "bound-twice", "own",
        "A binding is written without a look at the revision of the pod, over the node that another one chose.";
    BudgetOverrun, "budget-overrun", "own",
        "An eviction looks at what the cache has of the pod and its budget, and not at their revisions when it \
         counts itself.";
    AddressUnclaimed, "address-unclaimed", "own",
        "A service gets an address that its commit does not claim, so that another service gets it too.";
    AddressLeaked, "address-leaked", "own",
        "The address of a service that is deleted stays claimed.";
    NodePortsUnclaimed, "node-ports-unclaimed", "own",
        "A service gets node ports that its commit does not claim, so that another service gets them too.";
    QuotaChargedApart, "quota-charged-apart", "own",
        "A quota is charged in a commit of its own, also for what is then not stored.";
    QuotaCountedOnce, "quota-counted-once", "own",
        "An object whose commit lost against another one that was counted is stored without being counted.";
    RevocationForgotten, "revocation-forgotten", "own",
        "A binding that is deleted is kept among those that authorization looks at.";
    NamespaceOfBindingIgnored, "namespace-of-binding-ignored", "own",
        "A binding in one namespace gives its role in all namespaces.";
    GraphKeepsDeletedPods, "graph-keeps-deleted-pods", "own",
        "What a deleted pod referred to can still be read by the node that it was on.";
    WebhookFailureAdmits, "webhook-failure-admits", "own",
        "A webhook that cannot be asked counts as one that allows, whatever its failure policy is.";
    ConditionFailureSkips, "condition-failure-skips", "own",
        "A match condition that has no result counts as one that does not hold, whatever the failure policy is.";
    AuthorizerFailureAllows, "authorizer-failure-allows", "own",
        "A webhook authorizer that cannot be asked counts as one that allows.";
    ApprovedUnprepared, "approved-unprepared", "own",
        "Validating webhooks are asked about an object that the server completes only afterwards.";
    OldEventsApplied, "old-events-applied", "etcd#20221",
        "Events that are older than the watch of the store was asked for are applied, so that the cache goes back.";
    NodesReadAnySecret, "nodes-read-any-secret", "own",
        "A node reads the secrets of pods on other nodes.";
}

impl Mutant {
    /// The bug with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mutant| mutant.name() == name)
    }
}

/// The bug that a machine has. By default, and without the feature `museum`, it is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flaw {
    #[cfg(feature = "museum")]
    mutant: Option<Mutant>,
}

impl Flaw {
    #[cfg(feature = "museum")]
    pub const fn of(mutant: Mutant) -> Self {
        Self { mutant: Some(mutant) }
    }

    /// Whether the machine has this bug.
    #[cfg(feature = "museum")]
    pub const fn is(self, mutant: Mutant) -> bool {
        matches!(self.mutant, Some(held) if held as u8 == mutant as u8)
    }

    /// Without the feature, the machine has no bug.
    #[cfg(not(feature = "museum"))]
    pub const fn is(self, _: Mutant) -> bool {
        false
    }

    /// The operation; with this bug, without its comparisons.
    pub(crate) fn unguarded(self, mutant: Mutant, op: Op) -> Op {
        match op {
            Op::Txn(txn) if self.is(mutant) => Op::Txn(Txn { compare: alloc::vec::Vec::new(), ..txn }),
            op => op,
        }
    }
}

#[cfg(not(feature = "museum"))]
const _: () = assert!(size_of::<Flaw>() == 0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for mutant in Mutant::ALL {
            let name = mutant.name();
            assert_eq!(Mutant::from_name(name), Some(*mutant));
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            assert!(mutant.sentence().ends_with('.') && !mutant.issue().is_empty(), "{name}");
            assert!(!Flaw::default().is(*mutant), "{name}");
        }
        assert_eq!(Mutant::from_name(""), None);
    }
}
