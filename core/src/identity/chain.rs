//! The order of the authenticators, and how they are asked one after the other.
//! k8s: pkg/kubeapiserver/authenticator/config.go New,
//! staging/src/k8s.io/apiserver/pkg/authentication/request/union/union.go

use super::finding::{
    Credential, FindToken, Finding, Kept, OfRequest, OfToken, Presented, Recognized, Remarks, Resumed,
};
use super::{accounts, anonymous, bearer, bootstrap, certificate, static_tokens, websocket};
use super::{front_proxy, oidc, password, token_review};
use crate::caller::Caller;
use crate::config::Note;
use crate::question::{Question, Reply};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Where a credential may stand in a request.
enum Link {
    Request(OfRequest),
    /// Its token is shown to all authenticators of tokens.
    Token(FindToken),
}

/// In upstream's order: each new one is inserted in its place.
const CHAIN: &[Link] = &[
    Link::Request(front_proxy::identify),
    Link::Request(password::identify),
    Link::Request(certificate::identify),
    Link::Token(bearer::find),
    Link::Token(websocket::find),
];

/// Those that are shown a token, in upstream's order.
const TOKENS: &[OfToken] = &[
    static_tokens::identify,
    accounts::identify_legacy,
    accounts::identify_bound,
    bootstrap::identify,
    oidc::identify,
    token_review::identify,
];

/// Authentication on its way through the authenticators.
#[derive(Debug, Default)]
pub(crate) struct Authenticating {
    /// How many links of the chain have been passed.
    passed: usize,
    /// How many authenticators of tokens have seen the token of the link that is next.
    seen: usize,
    /// Why credentials are bad, as far as they are.
    errors: Vec<String>,
    /// What the authenticator that waits has kept.
    kept: Option<Kept>,
}

/// How authentication goes on.
#[derive(Debug)]
pub(crate) enum AuthenticationProgress {
    Known(Box<Recognized>),
    /// Nobody: what is wrong with the credentials of the request, empty if it has none.
    Unknown(Vec<String>),
    /// An authenticator must know something first. Authentication goes on with the reply.
    Wait(Authenticating, Question),
}

impl Authenticating {
    /// Asks the authenticators from where this stands. `reply` is what it has waited for. What the client is to be told
    /// is added to `said`.
    ///
    /// The first who knows the caller decides. A bad credential is an error only when no other is good, and then the
    /// request is not treated as anonymous either.
    pub(crate) fn go_on(
        mut self,
        presented: &Presented<'_>,
        reply: Option<Reply>,
        said: &mut Remarks,
    ) -> AuthenticationProgress {
        let mut resumed = self.kept.take().zip(reply).map(|(kept, reply)| Resumed { kept, reply });
        while let Some(link) = CHAIN.get(self.passed) {
            let finding = match link {
                Link::Request(identify) => identify(presented),
                Link::Token(find) => {
                    let credential = find(presented, said);
                    self.show_token(presented, credential, &mut resumed, said)
                }
            };
            match finding {
                Finding::Nobody => {}
                Finding::Somebody(recognized) => {
                    said.warnings.push(recognized.warning);
                    said.notes.extend(recognized.used.clone().map(Note::LegacyTokenUsed));
                    return known(recognized);
                }
                Finding::Invalid(why) => self.errors.push(why),
                Finding::GivenUp(why, used) => {
                    self.errors.push(why);
                    said.notes.push(Note::LegacyTokenUsed(used));
                }
                Finding::Ask(kept, question) => {
                    self.kept = Some(kept);
                    return AuthenticationProgress::Wait(self, question);
                }
            }
            self.passed += 1;
            self.seen = 0;
        }
        match anonymous::identify(presented) {
            Finding::Somebody(recognized) if self.errors.is_empty() => {
                AuthenticationProgress::Known(recognized)
            }
            Finding::Somebody(_)
            | Finding::Nobody
            | Finding::Invalid(_)
            | Finding::GivenUp(..)
            | Finding::Ask(..) => AuthenticationProgress::Unknown(self.errors),
        }
    }

    /// Shows a token to those that know tokens. One that nobody finds anything wrong with, and nobody knows, is bad.
    fn show_token(
        &mut self,
        presented: &Presented<'_>,
        credential: Credential<'_>,
        resumed: &mut Option<Resumed>,
        said: &mut Remarks,
    ) -> Finding {
        let token = match credential {
            Credential::Absent => return Finding::Nobody,
            Credential::Malformed(why) => return Finding::Invalid(why.to_string()),
            Credential::Token(token) => token,
        };
        let before = self.errors.len();
        while let Some(identify) = TOKENS.get(self.seen) {
            match identify(presented, &token, resumed.take()) {
                Finding::Nobody => {}
                Finding::Invalid(why) => self.errors.push(why),
                Finding::GivenUp(why, used) => {
                    self.errors.push(why);
                    said.notes.push(Note::LegacyTokenUsed(used));
                }
                done @ (Finding::Somebody(_) | Finding::Ask(..)) => return done,
            }
            self.seen += 1;
        }
        if self.errors.len() > before {
            return Finding::Nobody;
        }
        Finding::Invalid("invalid bearer token".to_string())
    }
}

/// Whoever is known is a member of a group of all of them.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/group/authenticated_group_adder.go
fn known(mut recognized: Box<Recognized>) -> AuthenticationProgress {
    let caller = &mut recognized.caller;
    let is_told =
        caller.groups.iter().any(|group| group == Caller::AUTHENTICATED || group == Caller::UNAUTHENTICATED);
    if caller.name != Caller::ANONYMOUS && !is_told {
        caller.groups.push(Caller::AUTHENTICATED.into());
    }
    AuthenticationProgress::Known(recognized)
}

/// The finding of an authenticator whose credentials name no audience: they are meant for this server.
/// k8s: staging/src/k8s.io/apiserver/pkg/authentication/authenticator/audagnostic.go
pub(super) fn for_any_audience(presented: &Presented<'_>, identify: impl FnOnce() -> Finding) -> Finding {
    if presented.audiences.is_empty() {
        return identify();
    }
    let own = &presented.world.config.audiences;
    let asked = presented.audiences.iter();
    let audiences: Vec<Text> = asked.filter(|audience| own.contains(audience)).cloned().collect();
    if audiences.is_empty() {
        return Finding::Nobody;
    }
    match identify() {
        Finding::Somebody(recognized) => Finding::Somebody(Box::new(Recognized { audiences, ..*recognized })),
        other @ (Finding::Nobody | Finding::Invalid(_) | Finding::GivenUp(..) | Finding::Ask(..)) => other,
    }
}
