//! The labels of the streams of choices.

use std::fmt;
use std::str::FromStr;

/// A stream of choices: a label, and a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChoiceStream {
    pub label: Label,
    /// Distinguishes streams with the same label: a client and its turn, a server, a member. 0 if there is only one.
    pub key: u64,
}

macro_rules! labels {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// What a stream of choices is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Label {
            $($(#[$doc])* $variant,)*
        }

        impl Label {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in tapes, which must never change.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

labels! {
    /// Which classes of faults a run has, by class.
    Class => "class",
    /// Numbers and limits of a run: servers, members, clients, delays.
    Shape => "shape",
    /// What a client does, by client and turn.
    Client => "client",
    /// Which server a client talks to, by client and turn.
    Balancer => "balancer",
    /// Delay and loss between a client and a server, by request.
    Link => "link",
    /// Delay and loss between a server and the store, by operation.
    Store => "store",
    /// Delay of changes on their way to a server, by server.
    Feed => "feed",
    /// How late a step runs, by request.
    Step => "step",
    /// What a server suffers, by server: crash, pause, clock.
    Server => "server",
    /// The seed of a server's own randomness, by server and life.
    Seed => "seed",
    /// What the store's members suffer.
    Member => "member",
    /// Compaction, alarms and refusals of the store.
    Etcd => "etcd",
    /// How a client reads its watch, by request.
    Reader => "reader",
    /// Partitions and clogged links.
    Network => "network",
    /// What is left out of the calm.
    Heal => "heal",
    /// How the body of a request comes, and how late the steps before it run, by request.
    Body => "body",
    /// Calls of servers to others, by server, and how those answer, by call.
    Callee => "callee",
    /// How the converter answers, by who asks.
    Converter => "converter",
    /// What a webhook answers, by request.
    Review => "review",
    /// What a webhook authorizer answers, by request.
    Judge => "judge",
    /// How late a page of a listing is decoded, by operation.
    Page => "page",
}

impl Label {
    /// The stream of a label with this key.
    pub const fn of(self, key: u64) -> ChoiceStream {
        ChoiceStream { label: self, key }
    }

    /// The only stream of a label.
    pub const fn only(self) -> ChoiceStream {
        ChoiceStream { label: self, key: 0 }
    }
}

impl FromStr for Label {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|label| label.name() == name).ok_or(())
    }
}

impl fmt::Display for ChoiceStream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.label.name(), self.key)
    }
}
