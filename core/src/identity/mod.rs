//! Who makes a request: authentication, and requests to act as another user.

mod authenticate;
mod impersonation;

pub(crate) use authenticate::{Authenticated, authenticate};
pub(crate) use impersonation::refuse_impersonation;
