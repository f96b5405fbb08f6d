//! The guarantees. Each has a sentence that failures quote.

use std::fmt;

macro_rules! guarantees {
    ($($variant:ident => $sentence:literal,)*) => {
        /// A guarantee that clients rely on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Guarantee {
            $(#[doc = $sentence] $variant,)*
        }

        impl Guarantee {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)*
                }
            }
        }
    };
}

guarantees! {
    ReadsAreLinearizable =>
        "A read without a resource version shows the object as it was at some moment between the request \
         and its answer.",
    ReadsAreAsNewAsAsked =>
        "A read with a resource version shows the object at a revision that is at least as new.",
    ListsAreOfOneRevision =>
        "The items of a list, over all its pages, are those of the one revision that it names.",
    ListsAreAsNewAsAsked =>
        "A list is at least as new as its resource version asks; without one, as the store was when it was asked for.",
    WritesAreWhatIsStored =>
        "An object that a write answers with is the one that this write stored.",
    RefusedWritesChangeNothing =>
        "A write that is answered with an error other than an unknown outcome has changed nothing.",
    RefusalsAreTrue =>
        "An answer that something exists, does not exist or has changed was true between the request and its answer.",
    DoubtsAreReal =>
        "A write is answered with an unknown outcome only where what the server has read does not prove its outcome.",
    NoUpdateIsLost =>
        "A write that names the version it was made from is stored only in place of that version.",
    WatchesAreOrdered =>
        "The events of a watch come in the order of their revisions, each after the watch's start.",
    WatchesAreComplete =>
        "A watch leaves out no change that it selects, shows each once, and shows it as it was stored.",
    BookmarksKeepTheirWord =>
        "Every change up to a bookmark's revision that a watch selects has come before it.",
    ListAndEventsAreTheStore =>
        "A list and the events that follow it make what the store held, after every event.",
    ExpiredOnlyWhatIsForgotten =>
        "410 is answered only where the server no longer knows what was asked for, and always there.",
    CacheIsTheStore =>
        "What a server's cache holds is what the store held at the cache's revision.",
    CachesNeverGoBack =>
        "The revision of a server's cache never decreases while it runs.",
    UidsAreUnique =>
        "No two objects ever have the same uid.",
    IndexesFollowObjects =>
        "What a server keeps beside its objects is what these objects say.",
    WatchesEndWithTheirKind =>
        "When a kind is no longer served, every watch of it ends.",
    VersionsAreOfOneObject =>
        "An object in another version is what its converter makes of the object that is stored.",
    ConvertersStopNobodyElse =>
        "A converter that fails makes nothing fail that needs no conversion.",
    FinalizersAreHonoured =>
        "An object leaves the store only when no finalizer holds it and its grace is over, and a deletion \
         is never undone.",
    DryRunsChangeNothing =>
        "A dry run changes nothing.",
    CollectionsAreDeletedAsSelected =>
        "The deletion of a collection takes only objects that it selects as they are then.",
    StatusIsApart =>
        "A write through an object changes no status, one through its status changes nothing else.",
    GenerationCountsSpecs =>
        "A generation grows by one with each change of what is wanted, and with nothing else.",
    PodsAreBoundOnce =>
        "A pod that is on a node stays there: of several bindings one succeeds.",
    BudgetsHold =>
        "Every eviction that a disruption budget guards is counted in it once, and is one that it allowed.",
    FieldsAreNotTaken =>
        "An apply without force takes no field from another manager.",
    AllocationsAreHeldOnce =>
        "An address and a node port belong to at most one service, over all servers.",
    AllocationsAreNotLost =>
        "What services have of addresses and node ports is claimed, and what none has can be taken again.",
    ApprovedIsStored =>
        "What the last validating webhook has approved is what is stored.",
    WebhooksAreHeeded =>
        "A write is not stored that a webhook refuses, or that a webhook without which nothing goes is not or cannot be \
         asked about; none is asked against its conditions.",
    AuthorizersAreHeeded =>
        "What only a webhook authorizer can allow is done only if that says so, whatever it does instead of answering, and \
         is then not forbidden.",
    QuotasAreExact =>
        "A quota counts what is stored and nothing else, and is never exceeded, over all servers.",
    StrangersGetNothing =>
        "Who is not known is told 401, and nothing follows from the request.",
    StrangersSendNoBody =>
        "The body of a request is not taken before it is known who sends it.",
    CallsAreHeard =>
        "What a request hears of the calls that it makes is what came of them, in their order.",
    TokensEndWithTheirObjects =>
        "A token stops working when its server has heard that its account, or the pod it is bound to, is gone.",
    NodesReadWhatTheirPodsNeed =>
        "A node reads a secret only while its server knows of a pod on that node which refers to it.",
    DeniedMeansNothingFollows =>
        "Who may not do something is told 403, whatever is stored, and nothing is done; a PUT that would \
         create is a creation.",
    PoliciesDecide =>
        "A write is refused by admission policies only if those of a revision that the server had meanwhile deny it, and \
         stored only if those of one do not.",
    SchemasDecide =>
        "A custom object is refused only by a schema, with its rules, that its server has served since the request, and \
         stored only if one of those allows it.",
    RolesDecide =>
        "What only roles can allow is done exactly if the roles of a revision that the server had meanwhile allow it.",
    ErrorsAreStatuses =>
        "Every error is a Status that names its own code.",
    FailuresAreTheStores =>
        "A server fails with 500 only where its store could not do what was asked, never by what it did before itself.",
    OneAnswer =>
        "Every request is answered once.",
    NothingIsLeft =>
        "A server keeps nothing of a request that has ended.",
    EveryRequestIsAnswered =>
        "Every request is answered within its time once faults have ended.",
    RequestsSucceed =>
        "Once faults have ended, reads and writes of a healthy server succeed.",
    EverybodyConverges =>
        "Every client comes to where it wants to be once faults have ended.",
    OneLeader =>
        "Of the clients that elect a leader, two never hold the same term.",
    ServersEndInOrder =>
        "A server that is told to end answers every request and ends every watch within their time.",
    HealthTellsTheTruth =>
        "The health checks of a server fail when its store has not answered for some seconds, and pass when \
         it does again.",
    NothingPanics =>
        "No input makes a server panic or break an invariant.",
    EventsLiveTheirTime =>
        "An Event lives its time from its last write, then goes.",
}

/// The kind of a failure, by which the exit code of a campaign is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The run did not come to rest.
    Liveness,
    /// A client or a server got something that is wrong.
    Safety,
    /// A panic.
    Crash,
}

/// A guarantee that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub guarantee: Guarantee,
    pub detail: String,
}

impl Guarantee {
    pub const fn severity(self) -> Severity {
        match self {
            Self::EveryRequestIsAnswered | Self::RequestsSucceed | Self::EverybodyConverges => {
                Severity::Liveness
            }
            Self::NothingPanics => Severity::Crash,
            Self::ReadsAreLinearizable
            | Self::ReadsAreAsNewAsAsked
            | Self::ListsAreOfOneRevision
            | Self::ListsAreAsNewAsAsked
            | Self::WritesAreWhatIsStored
            | Self::RefusedWritesChangeNothing
            | Self::RefusalsAreTrue
            | Self::DoubtsAreReal
            | Self::NoUpdateIsLost
            | Self::WatchesAreOrdered
            | Self::WatchesAreComplete
            | Self::BookmarksKeepTheirWord
            | Self::ListAndEventsAreTheStore
            | Self::ExpiredOnlyWhatIsForgotten
            | Self::CacheIsTheStore
            | Self::CachesNeverGoBack
            | Self::UidsAreUnique
            | Self::IndexesFollowObjects
            | Self::WatchesEndWithTheirKind
            | Self::VersionsAreOfOneObject
            | Self::ConvertersStopNobodyElse
            | Self::FinalizersAreHonoured
            | Self::DryRunsChangeNothing
            | Self::CollectionsAreDeletedAsSelected
            | Self::StatusIsApart
            | Self::GenerationCountsSpecs
            | Self::PodsAreBoundOnce
            | Self::BudgetsHold
            | Self::FieldsAreNotTaken
            | Self::AllocationsAreHeldOnce
            | Self::AllocationsAreNotLost
            | Self::ApprovedIsStored
            | Self::WebhooksAreHeeded
            | Self::AuthorizersAreHeeded
            | Self::QuotasAreExact
            | Self::StrangersGetNothing
            | Self::StrangersSendNoBody
            | Self::CallsAreHeard
            | Self::DeniedMeansNothingFollows
            | Self::PoliciesDecide
            | Self::SchemasDecide
            | Self::RolesDecide
            | Self::NodesReadWhatTheirPodsNeed
            | Self::TokensEndWithTheirObjects
            | Self::ErrorsAreStatuses
            | Self::FailuresAreTheStores
            | Self::OneAnswer
            | Self::NothingIsLeft
            | Self::OneLeader
            | Self::ServersEndInOrder
            | Self::HealthTellsTheTruth
            | Self::EventsLiveTheirTime => Severity::Safety,
        }
    }
}

impl Violation {
    pub fn new(guarantee: Guarantee, detail: impl Into<String>) -> Self {
        Self { guarantee, detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n   {}", self.guarantee.sentence(), self.detail)
    }
}
