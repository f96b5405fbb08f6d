//! The users of a run: their tokens, and what each of them may not do.

use crate::client_request::Identity;
use steersman_core::config::{Denial, Denials, Token};
use steersman_core::kinds::Verb;
use steersman_core::value::Text;

/// The tokens that servers know, sorted.
pub(crate) fn tokens() -> Vec<Token> {
    let restricted = Verb::ALL.into_iter().map(Identity::Without);
    let bound = (0..BOUND).map(Identity::Bound);
    let nodes = (0..NODES).map(Identity::Node);
    let judged = (0..JUDGED).map(Identity::Judged);
    let mut tokens: Vec<Token> = [Identity::Admin]
        .into_iter()
        .chain(restricted)
        .chain(bound)
        .chain(nodes)
        .chain(judged)
        .map(known)
        .collect();
    tokens.sort_by(|a, b| a.token.cmp(&b.token));
    tokens
}

fn known(identity: Identity) -> Token {
    Token {
        token: token(identity).into(),
        user: user(identity).into(),
        uid: Text::default(),
        groups: vec![group(identity).into()],
    }
}

/// What servers deny. Slow decisions wait for the store before they are made.
pub(crate) fn denials(are_slow: bool) -> Denials {
    let denial = |verb: Verb| Denial {
        user: user(Identity::Without(verb)).into(),
        verb: verb.word().into(),
        resource: Text::default(),
    };
    Denials {
        rules: Verb::ALL.into_iter().map(denial).collect(),
        are_slow,
        bound: (0..BOUND)
            .map(Identity::Bound)
            .chain((0..NODES).map(Identity::Node))
            .chain((0..JUDGED).map(Identity::Judged))
            .map(|identity| user(identity).into())
            .collect(),
    }
}

/// How many users there are who may do only what roles allow them.
pub(crate) const BOUND: u8 = 3;

/// How many nodes there are that read what their pods need.
pub(crate) const NODES: u8 = 2;

/// How many users there are who may do only what a webhook authorizer of their own allows them. If that of the first
/// fails, this is a denial; if that of the second fails, it is left to the other authorizers, which allow nothing.
pub(crate) const JUDGED: u8 = 2;

/// The name of such a node.
pub(crate) fn node(number: u8) -> String {
    format!("n{number}")
}

/// The name and the group of one of them.
pub(crate) fn bound(number: u8) -> (String, String) {
    (user(Identity::Bound(number)), group(Identity::Bound(number)))
}

/// What names one of them in a binding: each in another way.
pub(crate) fn bound_subject(number: u8) -> String {
    match number {
        0 => format!(r#"{{"kind":"User","name":"{}"}}"#, bound(number).0),
        1 => format!(r#"{{"kind":"Group","name":"{}"}}"#, bound(number).1),
        _ => format!(r#"{{"kind":"ServiceAccount","namespace":"default","name":"bound-{number}"}}"#),
    }
}

fn group(identity: Identity) -> String {
    match identity {
        Identity::Admin | Identity::Without(_) | Identity::Stranger | Identity::Account => {
            "operators".to_owned()
        }
        Identity::Bound(number) => format!("team-{number}"),
        Identity::Node(_) => "system:nodes".to_owned(),
        Identity::Judged(_) => "judged".to_owned(),
    }
}

pub(crate) fn user(identity: Identity) -> String {
    match identity {
        Identity::Admin => "admin".to_owned(),
        Identity::Without(verb) => format!("without-{}", verb.word()),
        Identity::Bound(number @ (0 | 1)) => format!("bound-{number}"),
        Identity::Bound(number) => format!("system:serviceaccount:default:bound-{number}"),
        Identity::Stranger | Identity::Account => "nobody".to_owned(),
        Identity::Node(number) => format!("system:node:{}", node(number)),
        Identity::Judged(number) => format!("judged-{number}"),
    }
}

/// The token with which a user makes requests. Servers do not know a stranger's.
pub(crate) fn token(identity: Identity) -> String {
    match identity {
        Identity::Admin
        | Identity::Without(_)
        | Identity::Bound(_)
        | Identity::Node(_)
        | Identity::Judged(_) => format!("{}-token", user(identity)),
        Identity::Stranger | Identity::Account => user(identity),
    }
}
