//! What authenticators are asked, and what they answer.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/authenticator/interfaces.go

use super::accounts::AccountCheck;
use super::oidc::JwtKept;
use crate::caller::Caller;
use crate::config::{Note, UsedSecret};
use crate::now::Now;
use crate::question::{Question, Reply};
use crate::value::Text;
use crate::wire::Request;
use crate::world::World;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// A request whose caller is to be found out, and what authenticators may look at beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    pub(crate) world: &'a World,
    pub(crate) request: &'a Request,
    /// A token must be meant for one of these; empty when it does not matter.
    pub(crate) audiences: &'a [Text],
    pub(crate) now: Now,
}

/// Whose a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recognized {
    pub(crate) caller: Caller,
    /// Those of `Presented::audiences` that the credential is meant for; empty when it names none.
    pub(crate) audiences: Vec<Text>,
    /// What the client is told; empty for nothing.
    pub(crate) warning: &'static str,
    /// The secret that held the token, if its use is to be noted.
    pub(crate) used: Option<UsedSecret>,
}

/// What authentication tells beside whose a credential is.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    /// To the client; empty texts are none.
    pub(crate) warnings: Vec<&'static str>,
    pub(crate) notes: Vec<Note>,
}

/// What one authenticator says of a credential.
#[derive(Debug)]
pub(super) enum Finding {
    /// It is none of its own, or there is none.
    Nobody,
    Somebody(Box<Recognized>),
    /// It is its own, and bad, and why. The next ones are asked all the same.
    Invalid(String),
    /// As `Invalid`, and the use of the secret that holds the token is to be noted.
    GivenUp(String, UsedSecret),
    /// This must be known first. The authenticator is then asked again, with what it has kept and with the reply.
    Ask(Kept, Question),
}

impl Finding {
    pub(super) fn somebody(caller: Caller) -> Self {
        Self::Somebody(Box::new(Recognized { caller, audiences: Vec::new(), warning: "", used: None }))
    }
}

/// What an authenticator has found out so far, while it waits for the reply to its question: a variant for each of
/// those that wait.
#[derive(Debug)]
pub(super) enum Kept {
    Account(AccountCheck),
    Jwt(Box<JwtKept>),
    TokenReview,
}

/// What an authenticator is resumed with.
#[derive(Debug)]
pub(super) struct Resumed {
    pub(super) kept: Kept,
    pub(super) reply: Reply,
}

/// An authenticator of requests.
pub(super) type OfRequest = fn(&Presented<'_>) -> Finding;

/// An authenticator of tokens.
pub(super) type OfToken = fn(&Presented<'_>, token: &str, resumed: Option<Resumed>) -> Finding;

/// A token that a request may carry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credential<'a> {
    Absent,
    /// It is there and cannot be read, and why.
    Malformed(&'static str),
    Token(Cow<'a, str>),
}

/// Looks for a token in a request. It may tell the client something.
pub(super) type FindToken = for<'a> fn(&Presented<'a>, said: &mut Remarks) -> Credential<'a>;
