//! The stages that a write passes, in the order in which it passes them. Each takes what the one before has made.
//!
//! A decoded object is put in its place (`place`) and drafted (`drafting`): it gets defaults (`default`), its
//! managers are told (`record`), plugins may change it (`admission`), a role or a
//! binding must not give away more than the caller has (`escalation`), it gets what it takes from what all share
//! (`claims`), the server sets its own fields (`prepare`), the rules are applied (`validate`), it is encoded
//! (`draft`), and plugins may refuse it. Then it is stored: with a lease if it expires (`store`), in a commit
//! (`commit`), whose outcome may have to be found out (`history`). After a conflict it is drafted again from what the
//! store holds. At last its client is answered (`answer`). Deletions have no draft to make, or make a mark, and are
//! stored likewise.

pub(super) mod answer;
mod claims;
mod commit;
pub(super) mod conditions;
mod default;
mod draft;
mod drafting;
mod escalation;
mod history;
mod own;
pub(super) mod place;
mod prepare;
#[cfg(test)]
mod properties;
pub(super) mod record;
mod several;
mod store;
mod validate;

pub(super) use claims::{Charges, released};
pub(crate) use commit::{CommitOutcome, Committing, Progress};
pub(super) use draft::Draft;
pub(super) use drafting::{Base, Drafted, Drafting};
pub(crate) use own::{OwnChange, OwnWriter, draft_own, draft_own_change, draft_stored};
pub(super) use several::{SeveralProgress, StoringSeveral, encoded, encoded_status};
pub(super) use store::{StoreProgress, Storing, Write};
