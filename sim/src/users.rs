//! The users of a run: their tokens, and what each of them may not do.

use crate::client_request::Identity;
use steersman_core::config::{Denial, Denials, Token};
use steersman_core::kinds::Verb;
use steersman_core::value::Text;

/// The tokens that servers know, sorted.
pub(crate) fn tokens() -> Vec<Token> {
    let restricted = Verb::ALL.into_iter().map(Identity::Without);
    let mut tokens: Vec<Token> = [Identity::Admin].into_iter().chain(restricted).map(known).collect();
    tokens.sort_by(|a, b| a.token.cmp(&b.token));
    tokens
}

fn known(identity: Identity) -> Token {
    Token {
        token: token(identity).into(),
        user: user(identity).into(),
        uid: Text::default(),
        groups: vec!["operators".into()],
    }
}

/// What servers deny. Slow decisions wait for the store before they are made.
pub(crate) fn denials(are_slow: bool) -> Denials {
    let denial = |verb: Verb| Denial {
        user: user(Identity::Without(verb)).into(),
        verb: verb.word().into(),
        resource: Text::default(),
    };
    Denials { rules: Verb::ALL.into_iter().map(denial).collect(), are_slow }
}

fn user(identity: Identity) -> String {
    match identity {
        Identity::Admin => "admin".to_owned(),
        Identity::Without(verb) => format!("without-{}", verb.word()),
        Identity::Stranger => "nobody".to_owned(),
    }
}

/// The token with which a user makes requests. Servers do not know a stranger's.
pub(crate) fn token(identity: Identity) -> String {
    match identity {
        Identity::Admin | Identity::Without(_) => format!("{}-token", user(identity)),
        Identity::Stranger => user(identity),
    }
}
