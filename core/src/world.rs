//! Everything that answers depend on. Changes in one place, `World::apply`; a snapshot is one clone.

use crate::cache::Cache;
use crate::kinds::{Registry, StorageId};
use crate::machine::Config;
use crate::store::{Feed, Rev};
use crate::value::Text;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Who may connect. k8s: pkg/kubeapiserver/authenticator/config.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// `--token-auth-file`, sorted by token.
    pub tokens: Vec<Token>,
    /// `--anonymous-auth`.
    pub anonymous: bool,
}

/// A line of `--token-auth-file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub token: Text,
    pub user: Text,
    pub uid: Text,
    pub groups: Vec<Text>,
}

/// `--authorization-mode`, as far as it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    AlwaysAllow,
    AlwaysDeny,
}

/// A snapshot of the server. Cloning shares all parts.
#[derive(Clone, Debug)]
pub struct World {
    pub config: Arc<Config>,
    pub registry: Arc<Registry>,
    caches: Vec<Arc<Cache>>,
    feeds: Vec<FeedState>,
    pub draining: bool,
    /// Every object that must exist at start exists.
    pub booted: bool,
}

/// How far a feed has been applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct FeedState {
    pub revision: Rev,
    /// Listed whole since the start.
    pub synced: bool,
}

impl World {
    /// The revision up to which the feed's changes are all applied.
    pub fn revision(&self, feed: Feed) -> Rev {
        self.feeds[usize::from(feed.0)].revision
    }

    pub fn cache(&self, storage: StorageId) -> &Cache {
        &self.caches[usize::from(storage.0)]
    }
}
