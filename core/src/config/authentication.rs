//! How callers are authenticated and authorized.

use crate::value::Text;
use alloc::vec::Vec;

/// How callers are authenticated.
/// k8s: pkg/kubeapiserver/authenticator/config.go
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
