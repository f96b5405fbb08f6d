//! Log lines for the machine's notes.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use steersman_core::config::{Note, UsedSecret};
use steersman_core::value::Text;

use crate::throttle::Throttle;

/// Writes log lines.
#[derive(Default)]
pub(crate) struct NoteLog {
    /// Limits the lines about writes of unknown outcome.
    unknown_outcomes: Mutex<Throttle>,
}

impl NoteLog {
    pub(crate) fn write(&self, note: &Note) {
        match note {
            // Requests have lines of their own, with what the client sent.
            Note::Answered(_) => {}
            Note::WatchEnded { resource, events, why } => {
                tracing::debug!(resource = %resource, events, why = %why, "watch ended");
            }
            Note::TunnelEnded(end) => {
                let (to_server, to_client) = (end.to_server, end.to_client);
                tracing::debug!(why = ?end.why, to_server, to_client, "tunnel ended");
            }
            Note::Listed { feed, objects, revision } => {
                tracing::info!(feed = feed.0, objects, revision = revision.0, "listed the store");
            }
            Note::FeedLost { feed, why } => tracing::warn!(feed = feed.0, why = %why, "feed lost"),
            Note::OldEvents { feed, events } => {
                let text = "the store sent events that are older than its watch; they are left out";
                tracing::warn!(feed = feed.0, events, "{text}");
            }
            Note::Undecodable { key, why, others } => {
                let text = "a stored value cannot be read; its collection is not served";
                tracing::error!(key = %key, why = %why, others, "{text}");
            }
            Note::UnknownOutcome { resource } => self.unknown_outcome(resource),
            Note::Panicked { id } => tracing::error!(job = id.0, "a request panicked"),
            Note::Served { resource, revision } => {
                tracing::info!(resource = %resource, revision = revision.0, "serves a kind");
            }
            Note::Withdrawn { resource } => tracing::info!(resource = %resource, "serves a kind no longer"),
            Note::NotServed { resource, why } => {
                tracing::warn!(resource = %resource, why = %why, "cannot serve a kind");
            }
            Note::Refused { controller, why } => {
                tracing::warn!(controller = controller.name(), why = %why, "cannot keep an object");
            }
            Note::LegacyTokenUsed(UsedSecret { namespace, name, .. }) => {
                tracing::info!(namespace = %namespace, secret = %name, "a token that does not end is used today");
            }
            Note::RemoteApiUnavailable { name, reason } => {
                tracing::warn!(name = %name, reason = %reason, "an aggregated API is not available any more");
            }
            Note::Ready => tracing::info!("ready"),
        }
    }

    /// There may be a note for each write, so their lines are limited.
    fn unknown_outcome(&self, resource: &Text) {
        let mut lines = self.unknown_outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left_out) = lines.pass(Instant::now()) {
            let text = "the store could not tell whether a write happened";
            tracing::warn!(resource = %resource, left_out, "{text}");
        }
    }
}
