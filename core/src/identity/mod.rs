//! Who makes a request: authentication by a chain of authenticators, a file each, and requests to act as another user.
//! k8s: pkg/kubeapiserver/authenticator/config.go
//!
//! `chain` has their order. An authenticator of requests (`certificate`) sees the whole head; one of tokens sees a
//! token that `bearer` or `websocket` has found in it. Each says a `Finding`: the credential is not its own, whose it
//! is, why it is bad, or what must be known first.

mod accounts;
mod anonymous;
mod bearer;
mod bootstrap;
mod certificate;
mod chain;
mod constant_time;
mod finding;
mod front_proxy;
mod impersonation;
mod jwt;
mod oidc;
mod password;
mod static_tokens;
mod token_review;
mod websocket;

pub(crate) use chain::{Authenticating, AuthenticationProgress};
pub(crate) use finding::{Presented, Recognized, Remarks};
pub(crate) use impersonation::WantedUser;
