//! Tokens of service accounts: what they claim is read, the signature is asked for, and then the objects are looked up
//! without which they are not good.
//! k8s: pkg/serviceaccount/jwt.go AuthenticateToken

mod bound;
mod claims;
mod legacy;
mod lookup;
mod user;

use super::finding::{Finding, Kept, Presented, Recognized, Resumed};
use super::jwt::{self, JwtClaims, JwtHeader};
use crate::config::UsedSecret;
use crate::museum::Mutant;
use crate::now::Wall;
use crate::question::Reply;
use crate::value::{Text, Value, go_list};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use claims::{BoundClaims, LegacyClaims, StandardClaims};
use lookup::{Lookup, Needed, NeededKind};

/// A token on its way.
#[derive(Debug)]
pub(crate) enum AccountCheck {
    /// The signature is being verified. Nothing of these claims is believed.
    Signature(JwtClaims),
    /// The objects are being looked up.
    Objects(Box<VerifiedAccount>),
}

/// What a token with a good signature says, and what was found of it.
#[derive(Debug)]
pub(crate) struct VerifiedAccount {
    standard: StandardClaims,
    own: OwnClaims,
    /// Those of the request's audiences that it is meant for.
    audiences: Vec<Text>,
    needed: Vec<Needed>,
    /// How many of those are there.
    found: usize,
    /// The secret, of a legacy token.
    secret: Value,
    warning: &'static str,
}

#[derive(Debug)]
enum OwnClaims {
    Legacy(LegacyClaims),
    Bound(BoundClaims),
}

/// Tokens that secrets hold.
pub(super) fn identify_legacy(presented: &Presented<'_>, token: &str, resumed: Option<Resumed>) -> Finding {
    let read = |claims: &Value| LegacyClaims::of(claims).map(OwnClaims::Legacy);
    identify(presented, token, resumed, |issuer| issuer == legacy::ISSUER, read)
}

/// Tokens that end.
pub(super) fn identify_bound(presented: &Presented<'_>, token: &str, resumed: Option<Resumed>) -> Finding {
    let issuers = &presented.world.config.authentication.issuers;
    let read = |claims: &Value| BoundClaims::of(claims).map(OwnClaims::Bound);
    identify(presented, token, resumed, |issuer| issuers.iter().any(|own| own == issuer), read)
}

fn identify(
    presented: &Presented<'_>,
    token: &str,
    resumed: Option<Resumed>,
    is_issuer: impl Fn(&str) -> bool,
    read: impl Fn(&Value) -> Result<OwnClaims, String>,
) -> Finding {
    let found = match resumed.map(|Resumed { kept, reply }| (kept, reply)) {
        Some((Kept::Jwt(_) | Kept::TokenReview, _)) => return Finding::Nobody,
        None => return begin(presented, token, is_issuer).unwrap_or_else(Finding::Invalid),
        Some((Kept::Account(AccountCheck::Signature(claims)), Reply::Verified(true))) => {
            verified(presented, &claims, read).and_then(|account| account.look(presented, token, None))
        }
        Some((Kept::Account(AccountCheck::Signature(_)), _)) => Err(jwt::BAD_SIGNATURE.to_string()),
        Some((Kept::Account(AccountCheck::Objects(account)), reply)) => {
            account.look(presented, token, Some(reply))
        }
    };
    found.unwrap_or_else(Finding::Invalid)
}

/// Asks for the signature, of a token that this server or its like has issued.
fn begin(
    presented: &Presented<'_>,
    token: &str,
    is_issuer: impl Fn(&str) -> bool,
) -> Result<Finding, String> {
    let keys = &presented.world.config.issuer_keys;
    let claims = jwt::claims(token).filter(|claims| is_issuer(claims.value.text_at(&["iss"])));
    let (Some(claims), false) = (claims, keys.is_empty()) else { return Ok(Finding::Nobody) };
    let Some(header) = JwtHeader::of(token) else { return Ok(Finding::Nobody) };
    let keys = keys.iter().filter(|key| header.key_id.is_empty() || key.id == header.key_id);
    let keys: Vec<_> = keys.map(|key| key.key.clone()).collect();
    if keys.is_empty() {
        return Err("invalid signature, no keys found".to_string());
    }
    let question = header.verification(token, keys).ok_or(jwt::BAD_SIGNATURE)?;
    Ok(Finding::Ask(Kept::Account(AccountCheck::Signature(claims)), question))
}

/// What a token says whose signature is good.
fn verified(
    presented: &Presented<'_>,
    JwtClaims { value: claims, repeated }: &JwtClaims,
    read: impl Fn(&Value) -> Result<OwnClaims, String>,
) -> Result<Box<VerifiedAccount>, String> {
    if !repeated.is_empty() {
        return Err(format!("json: duplicate key '{repeated}' in object"));
    }
    let (standard, own) = (StandardClaims::of(claims)?, read(claims)?);
    let audiences = meant_for(presented, &standard.audiences)?;
    let flaw = presented.world.config.flaw;
    let needed = match &own {
        OwnClaims::Bound(claims) => {
            if !flaw.is(Mutant::ExpiryIgnored) {
                standard.check_times(presented.now.wall)?;
            }
            match flaw.is(Mutant::AccountNotLookedUp) {
                true => Vec::new(),
                false => bound::needs(claims),
            }
        }
        OwnClaims::Legacy(claims) => {
            legacy::check_claims(&standard, claims)?;
            match presented.world.config.authentication.skips_lookup {
                true => Vec::new(),
                false => legacy::needs(claims),
            }
        }
    };
    let secret = Value::Null;
    Ok(Box::new(VerifiedAccount { standard, own, audiences, needed, found: 0, secret, warning: "" }))
}

impl VerifiedAccount {
    /// Looks for the objects that are needed, and recognizes the account when all of them are there. `reply` is the
    /// store's, if it was asked.
    fn look(
        mut self: Box<Self>,
        presented: &Presented<'_>,
        token: &str,
        mut reply: Option<Reply>,
    ) -> Result<Finding, String> {
        while let Some(needed) = self.needed.get(self.found) {
            match needed.find(presented, reply.take()) {
                Ok(Lookup::Found(object)) => {
                    self.check(&object, token, presented.now.wall)?;
                    if let Some(why) = self.given_up() {
                        return Ok(match self.use_to_note(presented.now.wall) {
                            Some(used) => Finding::GivenUp(why, used),
                            None => Finding::Invalid(why),
                        });
                    }
                }
                Ok(Lookup::Ask(question)) => {
                    return Ok(Finding::Ask(Kept::Account(AccountCheck::Objects(self)), question));
                }
                Err(failure) => {
                    return Err(match &self.own {
                        OwnClaims::Bound(_) => bound::lost(needed, failure.message()),
                        OwnClaims::Legacy(_) => legacy::lost(needed, failure.message()),
                    });
                }
            }
            self.found += 1;
        }
        Ok(self.recognize(presented.now.wall))
    }

    /// Why the token of a secret is not taken any more; None if it is. The secret and the account are good.
    fn given_up(&self) -> Option<String> {
        match &self.own {
            OwnClaims::Legacy(claims) if self.found + 1 == self.needed.len() => {
                legacy::given_up(claims, &self.secret)
            }
            OwnClaims::Legacy(_) | OwnClaims::Bound(_) => None,
        }
    }

    /// The secret that holds the token, if it does not tell yet that it is used today.
    fn use_to_note(&self, now: Wall) -> Option<UsedSecret> {
        match &self.own {
            OwnClaims::Legacy(claims) if !self.secret.is_null() => {
                legacy::use_to_note(claims, &self.secret, now)
            }
            OwnClaims::Legacy(_) | OwnClaims::Bound(_) => None,
        }
    }

    /// Whether the object that was looked for allows the token.
    fn check(&mut self, object: &Value, token: &str, now: Wall) -> Result<(), String> {
        let needed = &self.needed[self.found];
        match &self.own {
            OwnClaims::Bound(_) => bound::check(needed, object, now),
            OwnClaims::Legacy(_) if needed.kind == NeededKind::Secret => {
                legacy::check_secret(object, token)?;
                self.secret = object.clone();
                Ok(())
            }
            OwnClaims::Legacy(claims) => {
                legacy::check_account(needed, object)?;
                if legacy::is_auto_generated(object, &claims.secret) {
                    self.warning = legacy::AUTO_GENERATED;
                }
                Ok(())
            }
        }
    }

    fn recognize(self, now: Wall) -> Finding {
        let used = self.use_to_note(now);
        let Self { audiences, warning, .. } = self;
        let user = match self.own {
            OwnClaims::Bound(claims) => bound::user(&self.standard, &claims),
            OwnClaims::Legacy(claims) => legacy::user(claims),
        };
        Finding::Somebody(Box::new(Recognized { caller: user.caller(), audiences, warning, used }))
    }
}

/// Those of the request's audiences that a token is meant for. One that names none is meant for this server.
fn meant_for(presented: &Presented<'_>, named: &[Text]) -> Result<Vec<Text>, String> {
    let own = &presented.world.config.audiences[..];
    let named = if named.is_empty() { own } else { named };
    let asked = if presented.audiences.is_empty() { own } else { presented.audiences };
    let audiences: Vec<Text> = asked.iter().filter(|audience| named.contains(audience)).cloned().collect();
    if audiences.is_empty() && !own.is_empty() {
        let (named, asked) = (go_list(named), go_list(asked));
        return Err(format!("token audiences {named} is invalid for the target audiences {asked}"));
    }
    Ok(audiences)
}
