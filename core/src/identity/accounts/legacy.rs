//! Tokens that secrets hold. They do not end, except with their secret or account.
//! k8s: pkg/serviceaccount/legacy.go

use super::super::constant_time;
use super::claims::{LegacyClaims, StandardClaims};
use super::lookup::{Needed, NeededKind};
use super::user::AccountUser;
use crate::caller::service_account;
use crate::codec::base64;
use crate::config::UsedSecret;
use crate::now::Wall;
use crate::value::{Text, Value, object};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Who has issued them.
pub(super) const ISSUER: &str = "kubernetes/serviceaccount";

/// The label of secrets whose tokens were given up because nobody used them.
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

/// What the users of tokens are told that the token controller has made by itself.
pub(super) const AUTO_GENERATED: &str = concat!(
    "Use tokens from the TokenRequest API or manually created secret-based tokens ",
    "instead of auto-generated secret-based tokens."
);

/// Whether the claims fit together.
pub(super) fn check_claims(standard: &StandardClaims, claims: &LegacyClaims) -> Result<(), &'static str> {
    for (held, missing) in [
        (&standard.subject, "sub claim is missing"),
        (&claims.namespace, "namespace claim is missing"),
        (&claims.secret, "secretName claim is missing"),
        (&claims.account.name, "serviceAccountName claim is missing"),
        (&claims.account.uid, "serviceAccountUID claim is missing"),
    ] {
        if held.is_empty() {
            return Err(missing);
        }
    }
    let named = (claims.namespace.as_str(), claims.account.name.as_str());
    match service_account::of_user(&standard.subject) == Some(named) {
        true => Ok(()),
        false => Err("sub claim is invalid"),
    }
}

/// The objects that such a token needs, in the order in which they are looked for.
pub(super) fn needs(claims: &LegacyClaims) -> Vec<Needed> {
    let needed = |kind, name: &Text, uid: Text| Needed {
        kind,
        namespace: claims.namespace.clone(),
        name: name.clone(),
        uid,
    };
    alloc::vec![
        needed(NeededKind::Secret, &claims.secret, Text::default()),
        needed(NeededKind::Account, &claims.account.name, claims.account.uid.clone()),
    ]
}

/// What an object that cannot be had means for its token. `why` is what came of looking for it.
pub(super) fn lost(needed: &Needed, why: &str) -> String {
    match needed.kind {
        NeededKind::Secret => "Token has been invalidated".to_string(),
        NeededKind::Account | NeededKind::Pod | NeededKind::Node => why.to_string(),
    }
}

/// Whether the secret holds this token and is to stay.
pub(super) fn check_secret(secret: &Value, token: &str) -> Result<(), String> {
    if object::is_being_deleted(secret) {
        return Err("Token has been invalidated".to_string());
    }
    let held = base64::decode(secret.text_at(&["data", "token"])).unwrap_or_default();
    if !constant_time::is_same(&held, token.as_bytes()) {
        return Err("Token does not match server's copy".to_string());
    }
    Ok(())
}

/// Whether the account is the one that the token names, and is to stay.
pub(super) fn check_account(needed: &Needed, account: &Value) -> Result<(), String> {
    if object::is_being_deleted(account) {
        return Err(format!("ServiceAccount {}/{} has been deleted", needed.namespace, needed.name));
    }
    let (uid, claim) = (object::uid(account), &needed.uid);
    if uid != claim {
        return Err(format!("ServiceAccount UID ({uid}) does not match claim ({claim})"));
    }
    Ok(())
}

/// Why the token is not taken any more; None if it was not given up.
pub(super) fn given_up(claims: &LegacyClaims, secret: &Value) -> Option<String> {
    if object::label(secret, INVALID_SINCE).is_none_or(str::is_empty) {
        return None;
    }
    let LegacyClaims { namespace, secret, account } = claims;
    Some(format!(
        "the token in secret {namespace}/{secret} for service account {namespace}/{} has been marked invalid. Use \
         tokens from the TokenRequest API or manually created secret-based tokens, or remove the '{INVALID_SINCE}' \
         label from the secret to temporarily allow use of this token",
        account.name
    ))
}

/// The secret, if its label does not tell yet that its token is used today. Another server's clock may be a day ahead.
pub(super) fn use_to_note(claims: &LegacyClaims, secret: &Value, now: Wall) -> Option<UsedSecret> {
    let held = object::label(secret, UsedSecret::LABEL).unwrap_or_default();
    if [now, now.plus_seconds(86_400)].iter().any(|day| day.date() == held) {
        return None;
    }
    let uid = object::uid(secret).into();
    Some(UsedSecret { namespace: claims.namespace.clone(), name: claims.secret.clone(), uid })
}

/// Whether the account names the secret as its own, which those have that the token controller has made by itself.
pub(super) fn is_auto_generated(account: &Value, secret: &str) -> bool {
    let named = account.field("secrets").and_then(Value::as_list).unwrap_or_default();
    named.iter().any(|reference| reference.text_at(&["name"]) == secret)
}

/// Whose the token is.
pub(super) fn user(claims: LegacyClaims) -> AccountUser {
    AccountUser { namespace: claims.namespace, account: claims.account, ..AccountUser::default() }
}
