//! How callers are authenticated and authorized.

use super::Federation;
use super::{AbacPolicy, AuthorizationWebhook};
use crate::value::Text;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How callers are authenticated.
/// k8s: pkg/kubeapiserver/authenticator/config.go
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// `--token-auth-file`, sorted by token.
    pub tokens: Vec<Token>,
    /// `--anonymous-auth`.
    pub anonymous: bool,
    /// The only paths of requests without credentials; empty for all.
    pub anonymous_paths: Vec<Text>,
    pub federation: Federation,
    /// `--service-account-issuer`: all of them, whose tokens are taken if one of `Config::issuer_keys` has signed them.
    pub issuers: Vec<Text>,
    /// `--service-account-lookup=false`: legacy tokens are good although their secret or account is gone.
    pub skips_lookup: bool,
    /// `--enable-bootstrap-token-auth`.
    pub bootstrap_tokens: bool,
}

impl Authentication {
    /// The line of a static token.
    pub fn line(&self, token: &str) -> Option<&Token> {
        let found = self.tokens.binary_search_by(|held| held.token.as_str().cmp(token));
        found.ok().map(|index| &self.tokens[index])
    }
}

/// A line of `--token-auth-file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub token: Text,
    pub user: Text,
    pub uid: Text,
    pub groups: Vec<Text>,
}

/// Who is asked whether a request is allowed: a word of `--authorization-mode`, as far as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorizer {
    AlwaysAllow,
    AlwaysDeny,
    /// Kubelets, each within what the pods of its node need.
    Node,
    /// Roles and their bindings.
    Rbac,
    /// The lines of `--authorization-policy-file`.
    Abac(Arc<Vec<AbacPolicy>>),
    Webhook(Arc<AuthorizationWebhook>),
}

/// What single users may not do, whatever the mode says: an authorizer for tests and simulated runs, which deny one
/// verb and keep decisions waiting with it. No flag sets it, and it is not part of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denials {
    pub rules: Vec<Denial>,
    /// Decisions about the users of the rules wait for the store, as they would for another server.
    pub are_slow: bool,
    /// Users to whom AlwaysAllow allows nothing, so that only their roles do.
    pub bound: Vec<Text>,
}

/// A verb that a user may not use on resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    pub user: Text,
    pub verb: Text,
    /// Empty for all.
    pub resource: Text,
}

impl Denials {
    /// Whether anything is denied to the user.
    pub(crate) fn concern(&self, user: &str) -> bool {
        self.rules.iter().any(|rule| rule.user == user)
    }

    pub(crate) fn deny(&self, user: &str, verb: &str, resource: &str) -> bool {
        let is_of = |rule: &Denial| rule.resource.is_empty() || rule.resource == resource;
        self.rules.iter().any(|rule| rule.user == user && rule.verb == verb && is_of(rule))
    }
}
