//! Tokens that end, and that end with the account, the pod, the secret or the node that they are bound to.
//! k8s: pkg/serviceaccount/claims.go Validate

use super::claims::{BoundClaims, LEEWAY_SECONDS, ObjectClaim, StandardClaims};
use super::lookup::{Needed, NeededKind};
use super::user::AccountUser;
use crate::now::Wall;
use crate::value::{Text, Value, object};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const INVALIDATED: &str = "service account token has been invalidated";

/// The objects that such a token needs, in the order in which they are looked for. The node of a pod may be gone.
pub(super) fn needs(claims: &BoundClaims) -> Vec<Needed> {
    let needed = |kind, namespace: &Text, claim: &ObjectClaim| Needed {
        kind,
        namespace: namespace.clone(),
        name: claim.name.clone(),
        uid: claim.uid.clone(),
    };
    let namespace = &claims.namespace;
    let node = claims.node.as_ref().filter(|_| claims.pod.is_none());
    let account = needed(NeededKind::Account, namespace, &claims.account);
    let secret = claims.secret.as_ref().map(|claim| needed(NeededKind::Secret, namespace, claim));
    let pod = claims.pod.as_ref().map(|claim| needed(NeededKind::Pod, namespace, claim));
    let node = node.map(|claim| needed(NeededKind::Node, &Text::default(), claim));
    [Some(account), secret, pod, node].into_iter().flatten().collect()
}

/// What an object that cannot be had means for its token. `why` is what came of looking for it.
pub(super) fn lost(needed: &Needed, why: &str) -> String {
    match needed.kind {
        NeededKind::Account => why.to_string(),
        NeededKind::Secret | NeededKind::Pod | NeededKind::Node => INVALIDATED.to_string(),
    }
}

/// Whether the object still allows its token: it is the same one, and not about to go. Its last minute does not count,
/// as the clocks of those who use its tokens may be wrong.
pub(super) fn check(needed: &Needed, found: &Value, now: Wall) -> Result<(), String> {
    if let Some(why) = needed.mismatch(found) {
        return Err(why);
    }
    let deleted = object::deletion_timestamp(found).and_then(Wall::parse_rfc3339);
    let before = now.0.saturating_sub(Wall::from_seconds(LEEWAY_SECONDS).0);
    if deleted.is_none_or(|at| at >= Wall(before)) {
        return Ok(());
    }
    Err(match needed.kind {
        NeededKind::Account => {
            format!("service account {}/{} has been deleted", needed.namespace, needed.name)
        }
        NeededKind::Secret | NeededKind::Pod | NeededKind::Node => INVALIDATED.to_string(),
    })
}

/// Whose the token is.
pub(super) fn user(standard: &StandardClaims, claims: &BoundClaims) -> AccountUser {
    AccountUser {
        namespace: claims.namespace.clone(),
        account: claims.account.clone(),
        pod: claims.pod.clone().unwrap_or_default(),
        node: claims.node.clone().unwrap_or_default(),
        token_id: standard.id.clone(),
    }
}
