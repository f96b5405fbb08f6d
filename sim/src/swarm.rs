//! What a seed switches on: the number of servers, members and clients, the classes of faults and their rates, and
//! the servers' bounds. No run has everything, so that bugs which need something to be absent are found too.

use crate::choose::{Chooser, Label, Ratio};
use crate::client;
use std::fmt;
use steersman_core::config::Bootstrap;
use steersman_core::limits::{Bounds, STORE_HISTORY_BYTES};

macro_rules! classes {
    ($($(#[doc = $doc:literal])* $variant:ident => $name:literal, $often:literal, $seldom:literal;)*) => {
        /// A class of faults.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultClass {
            $($(#[doc = $doc])* $variant,)*
        }

        impl FaultClass {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// One in how many times it happens: at the worst, and at the mildest.
            const fn range(self) -> (u32, u32) {
                match self {
                    $(Self::$variant => ($often, $seldom),)*
                }
            }
        }
    };
}

classes! {
    /// A request's connection is reset before it arrives, or after its effect. By message.
    Reset => "reset", 8, 60;
    /// A client is moved to another server. By request.
    Balance => "balance", 4, 40;
    /// A link carries nothing for a while, in one direction. By half second.
    Partition => "partition", 12, 80;
    /// A step of a job runs late, against a snapshot that is old by then. By step.
    LateStep => "late-step", 3, 20;
    /// The reply of an operation on the store is lost, before or after its effect. By operation.
    LostReply => "lost-reply", 6, 60;
    /// An operation on the store is slow. By operation.
    SlowStore => "slow-store", 4, 30;
    /// A server crashes and starts again. By server and half second.
    Crash => "crash", 20, 160;
    /// A server stands still for a while. By server and half second.
    Pause => "pause", 20, 120;
    /// A server's wall clock is wrong: off, stepping, or standing still. By server and half second.
    Clock => "clock", 12, 80;
    /// The store compacts its history. By half second.
    Compaction => "compaction", 8, 60;
    /// A server's feed breaks. By server and half second.
    BrokenFeed => "broken-feed", 16, 100;
    /// A server's feed is slow. By server and half second.
    SlowFeed => "slow-feed", 8, 60;
    /// A member of the store lags. By member and half second.
    Lag => "lag", 6, 50;
    /// The store's leader changes. By half second.
    Election => "election", 16, 120;
    /// A member of the store pauses. By member and half second.
    MemberPause => "member-pause", 20, 140;
    /// A member of the store stops and starts. By member and half second.
    MemberStop => "member-stop", 30, 200;
    /// The store refuses for a while: it is full or busy, or takes only small requests. By half second.
    Refusal => "refusal", 24, 160;
    /// A client's watch is cut. By frame.
    CutWatch => "cut-watch", 12, 80;
    /// A client stops reading its watch for a while. By watch.
    SlowReader => "slow-reader", 3, 20;
    /// Somebody else writes to the store, outside of what servers look at. By half second.
    ForeignWrite => "foreign-write", 2, 12;
    /// A server crashes when its write has been performed, before anybody hears of it. By write.
    CrashAtWrite => "crash-at-write", 30, 300;
    /// Somebody else writes a value that cannot be read among those that servers look at, for a while. By half second.
    Spoil => "spoil", 20, 120;
    /// The body of a request comes late, in part, or never. By request with a body.
    Upload => "upload", 8, 60;
    /// A server makes calls to others, which answer them well, badly, or not at all. By server and half second.
    Calls => "calls", 4, 40;
    /// A kind that is not built in comes to a server, or goes. By server and half second.
    Kinds => "kinds", 3, 20;
    /// A watch that begins ahead of its member is sent older events (etcd#20221). By watch that does.
    OldEvents => "old-events", 1, 6;
    /// A server is told to end, ends in order, and starts again. By server and half second.
    Shutdown => "shutdown", 24, 160;
}

/// The seats of a server, unless a run has fewer.
const SEATS: u64 = 400;

/// The probability that a class is on. In one of four seeds all classes are on.
const CLASS_ON: Ratio = Ratio::new(1, 2);

/// What one run has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swarm {
    pub(crate) servers: u64,
    pub(crate) members: u64,
    /// How many clients there are of each kind.
    pub(crate) clients: Vec<(client::ClientKind, u64)>,
    /// Longest ordinary delay of a message, milliseconds.
    pub(crate) delay_millis: u64,
    pub(crate) bounds: Bounds,
    /// `--request-timeout`.
    pub(crate) request_timeout_millis: u64,
    /// `--event-ttl`.
    pub(crate) event_ttl_seconds: i64,
    /// `--etcd-compaction-interval`, 0 for none.
    pub(crate) compaction_interval_millis: u64,
    /// Bytes of history after which the store is compacted early, as the embedded one is.
    pub(crate) history_bytes: usize,
    /// `--max-requests-inflight` and its mutating twin.
    pub(crate) seats: u32,
    /// A client's credit for frames is given for so many at once, as a connection gives it, and never for more than
    /// half a queue, which would not let a full one go on.
    pub(crate) credit_burst: u32,
    /// What each step of a request costs a server, which has one processor, microseconds.
    pub(crate) step_micros: u64,
    /// Authorization waits for the store before it decides about users to whom something is denied.
    pub(crate) decides_slowly: bool,
    /// What servers make for themselves.
    pub(crate) bootstrap: Bootstrap,
    /// The rate of each class of faults, in the order of `FaultClass::ALL`.
    rates: Vec<Ratio>,
}

/// Streams of `Label::Shape`, by what is drawn.
mod shape {
    pub(super) const SERVERS: u64 = 0;
    pub(super) const MEMBERS: u64 = 1;
    pub(super) const DELAY: u64 = 2;
    pub(super) const TIMEOUT: u64 = 3;
    pub(super) const EVENT_TTL: u64 = 4;
    pub(super) const COMPACTION: u64 = 5;
    pub(super) const HISTORY: u64 = 6;
    pub(super) const SEATS: u64 = 7;
    pub(super) const DECIDES_SLOWLY: u64 = 8;
    pub(super) const CREDIT_BURST: u64 = 9;
    pub(super) const STEP: u64 = 10;
    pub(super) const BOUNDS: u64 = 16;
    pub(super) const CLIENTS: u64 = 64;
}

impl Swarm {
    /// Draws a run.
    pub(crate) fn draw(chooser: &mut Chooser) -> Self {
        let mut of = |key: u64, values: &[u64]| chooser.one_of(Label::Shape.of(key), values);
        let servers = of(shape::SERVERS, &[1, 2, 3, 2, 3, 4, 5]);
        let members = of(shape::MEMBERS, &[1, 3, 1, 3, 5]);
        let delay_millis = of(shape::DELAY, &[0, 1, 5, 50, 400]);
        let request_timeout_millis = of(shape::TIMEOUT, &[60_000, 60_000, 5_000, 1_500]);
        let event_ttl_seconds = of(shape::EVENT_TTL, &[3600, 5, 20]) as i64;
        let compaction_interval_millis = of(shape::COMPACTION, &[300_000, 5_000, 15_000, 0]);
        let history_bytes = of(shape::HISTORY, &[STORE_HISTORY_BYTES as u64, 60_000, 8_000]) as usize;
        let seats = of(shape::SEATS, &[SEATS, SEATS, 2, 5]) as u32;
        let decides_slowly = of(shape::DECIDES_SLOWLY, &[0, 1]) == 1;
        let credit_burst = of(shape::CREDIT_BURST, &[1, 1, 3, 8]);
        let step_micros = of(shape::STEP, &[0, 0, 0, 100, 2_000]);
        let bounds = bounds(&mut of);
        let credit_burst = credit_burst.min(bounds.watcher_queue_frames as u64 / 2).max(1) as u32;
        let rates = rates(chooser);
        let full = chooser.chance(Label::Class.of(shape::CLIENTS), Ratio::new(1, 4));
        let clients =
            client::ClientKind::ALL.iter().map(|kind| (*kind, count(chooser, *kind, full))).collect();
        let mut swarm = Self {
            servers,
            members,
            clients,
            delay_millis,
            bounds,
            request_timeout_millis,
            event_ttl_seconds,
            compaction_interval_millis,
            history_bytes,
            seats,
            credit_burst,
            step_micros,
            decides_slowly,
            bootstrap: Bootstrap::Least,
            rates,
        };
        // Only authors of definitions need the controller that establishes them.
        if swarm.has_clients(client::ClientKind::DefinitionAuthor) {
            swarm.bootstrap = Bootstrap::Extensible;
        }
        swarm
    }

    /// Whether there is a client of a kind.
    pub(crate) fn has_clients(&self, wanted: client::ClientKind) -> bool {
        self.clients.iter().any(|(kind, count)| *kind == wanted && *count > 0)
    }

    /// Has these classes of faults and no others: as often as was drawn, or at their worst.
    #[cfg(feature = "service")]
    pub(crate) fn keep(&mut self, classes: &[FaultClass]) {
        for (class, rate) in FaultClass::ALL.iter().zip(&mut self.rates) {
            if !classes.contains(class) {
                *rate = Ratio::NEVER;
            } else if rate.numerator == 0 {
                *rate = Ratio::new(1, class.range().0);
            }
        }
    }

    /// How often a class of faults strikes.
    pub(crate) fn rate(&self, class: FaultClass) -> Ratio {
        self.rates[class as usize]
    }
}

fn bounds(of: &mut impl FnMut(u64, &[u64]) -> u64) -> Bounds {
    let plain = Bounds::PRODUCTION;
    let mut next = shape::BOUNDS;
    let mut draw = |plain: u64, others: &[u64]| {
        next += 1;
        let mut values = vec![plain];
        values.extend(others);
        of(next, &values)
    };
    let window_events_min = draw(plain.window_events_min as u64, &[1, 4, 16]) as usize;
    let window_events_max = draw(plain.window_events_max as u64, &[20, 64]) as usize;
    Bounds {
        window_events_min,
        window_events_max: window_events_max.max(window_events_min + 1),
        window_keep_millis: draw(plain.window_keep_millis, &[500, 5_000]),
        watcher_queue_frames: draw(plain.watcher_queue_frames as u64, &[2, 4, 16]) as usize,
        relist_page: draw(plain.relist_page, &[2, 7]),
        conflict_retries: draw(u64::from(plain.conflict_retries), &[3, 8]) as u32,
        bookmark_millis: draw(plain.bookmark_millis, &[700, 3_000]),
        fresh_millis: draw(plain.fresh_millis, &[300, 1_000]),
        relist_pause_millis: draw(plain.relist_pause_millis, &[50, 5_000]),
        lease_reuse_millis: draw(plain.lease_reuse_millis, &[1_000]),
        window_bytes: draw(plain.window_bytes as u64, &[3_000, 30_000]) as usize,
        ..plain
    }
}

fn rates(chooser: &mut Chooser) -> Vec<Ratio> {
    let all = chooser.chance(Label::Class.of(u64::MAX), Ratio::new(1, 4));
    let draw = |(index, class): (usize, &FaultClass)| {
        let stream = Label::Class.of(index as u64);
        if !all && !chooser.chance(stream, CLASS_ON) {
            return Ratio::NEVER;
        }
        let (often, seldom) = class.range();
        Ratio::new(1, often + chooser.pick(stream, u64::from(seldom - often)) as u32)
    };
    FaultClass::ALL.iter().enumerate().map(draw).collect()
}

/// How many clients of a kind there are. Mandatory kinds are more frequent, suppressing ones rarer.
fn count(chooser: &mut Chooser, kind: client::ClientKind, full: bool) -> u64 {
    let stream = Label::Shape.of(shape::CLIENTS + kind as u64);
    let numbers: &[u64] = match kind.class() {
        client::ClientClass::Mandatory => &[0, 1, 1, 2, 2, 3, 4, 5],
        client::ClientClass::Optional if full => &[0, 1, 1, 2],
        client::ClientClass::Optional => &[0, 0, 0, 1, 2],
        client::ClientClass::Suppressing if full => &[0, 1],
        client::ClientClass::Suppressing => &[0, 0, 0, 1],
    };
    chooser.one_of(stream, numbers)
}

impl fmt::Display for Swarm {
    /// The line that describes a run. What a run does not have is left out.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "servers={} members={} delay<={}ms", self.servers, self.members, self.delay_millis)?;
        for (kind, count) in self.clients.iter().filter(|(_, count)| *count > 0) {
            write!(out, " {}={count}", kind.name())?;
        }
        for (class, rate) in FaultClass::ALL.iter().zip(&self.rates).filter(|(_, rate)| rate.numerator > 0) {
            write!(out, " {}={rate}", class.name())?;
        }
        let plain = Bounds::PRODUCTION;
        let mut bound = |name: &str, value: u64, plain: u64| {
            if value == plain { Ok(()) } else { write!(out, " {name}={value}") }
        };
        bound("window-min", self.bounds.window_events_min as u64, plain.window_events_min as u64)?;
        bound("window-max", self.bounds.window_events_max as u64, plain.window_events_max as u64)?;
        bound("window-keep-ms", self.bounds.window_keep_millis, plain.window_keep_millis)?;
        bound("window-bytes", self.bounds.window_bytes as u64, plain.window_bytes as u64)?;
        bound("queue", self.bounds.watcher_queue_frames as u64, plain.watcher_queue_frames as u64)?;
        bound("relist-page", self.bounds.relist_page, plain.relist_page)?;
        bound("retries", self.bounds.conflict_retries.into(), plain.conflict_retries.into())?;
        bound("bookmark-ms", self.bounds.bookmark_millis, plain.bookmark_millis)?;
        bound("fresh-ms", self.bounds.fresh_millis, plain.fresh_millis)?;
        bound("relist-pause-ms", self.bounds.relist_pause_millis, plain.relist_pause_millis)?;
        bound("lease-reuse-ms", self.bounds.lease_reuse_millis, plain.lease_reuse_millis)?;
        bound("history-bytes", self.history_bytes as u64, STORE_HISTORY_BYTES as u64)?;
        bound("slow-decisions", self.decides_slowly.into(), 0)?;
        bound("seats", self.seats.into(), SEATS)?;
        bound("credit-burst", self.credit_burst.into(), 1)?;
        bound("step-us", self.step_micros, 0)?;
        bound("request-timeout-ms", self.request_timeout_millis, 60_000)?;
        bound("event-ttl-s", self.event_ttl_seconds as u64, 3600)?;
        bound("compaction-interval-ms", self.compaction_interval_millis, 300_000)
    }
}
