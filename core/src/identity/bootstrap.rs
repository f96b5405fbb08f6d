//! Tokens with which machines join a cluster: each is a secret of kube-system.
//! k8s: plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go,
//! staging/src/k8s.io/cluster-bootstrap/{token/api/types,util/secrets/secrets,util/tokens/tokens}.go

use super::finding::{Finding, Presented, Resumed};
use super::{chain, constant_time};
use crate::caller::Caller;
use crate::codec::base64;
use crate::now::Wall;
use crate::value::{Text, Value, object};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const NAMESPACE: &str = "kube-system";
const SECRET_TYPE: &str = "bootstrap.kubernetes.io/token";

/// The group of all who come with such a token; a token's own groups begin with it.
const GROUP: &str = "system:bootstrappers";

/// A token whose secret is not there, or is for something else, is left to the next authenticator.
pub(super) fn identify(presented: &Presented<'_>, token: &str, _: Option<Resumed>) -> Finding {
    if !presented.world.config.authentication.bootstrap_tokens {
        return Finding::Nobody;
    }
    let Some((id, secret)) = parts(token) else { return Finding::Nobody };
    chain::for_any_audience(presented, || match user(presented, id, secret) {
        Some(caller) => Finding::somebody(caller),
        None => Finding::Nobody,
    })
}

/// The id and the secret part of a token.
fn parts(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let is_word = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (is_word(id, 6) && is_word(secret, 16)).then_some((id, secret))
}

fn user(presented: &Presented<'_>, id: &str, secret: &str) -> Option<Caller> {
    let held = held(presented, &format!("bootstrap-token-{id}"))?;
    let is_its_own = !object::is_being_deleted(&held)
        && held.text_at(&["type"]) == SECRET_TYPE
        && constant_time::is_same(data(&held, "token-secret").as_bytes(), secret.as_bytes())
        && data(&held, "token-id") == id
        && !has_expired(&data(&held, "expiration"), presented.now.wall)
        && data(&held, "usage-bootstrap-authentication") == "true";
    let groups = groups(&data(&held, "auth-extra-groups")).filter(|_| is_its_own)?;
    Some(Caller {
        name: format!("system:bootstrap:{id}").into(),
        uid: Text::default(),
        groups,
        extra: Vec::new(),
    })
}

/// The cached secret: those who join come later than the secret does.
fn held(presented: &Presented<'_>, name: &str) -> Option<Value> {
    let world = presented.world;
    let storage = world.registry.find("", "v1", "secrets")?.storage?;
    let key = world.collection(storage)?.keys.key(NAMESPACE, name);
    Some(world.cache(storage)?.get(&key)?.to_value())
}

fn data(secret: &Value, key: &str) -> String {
    let bytes = base64::decode(secret.text_at(&["data", key])).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// Whether the time is over. One that cannot be read is.
fn has_expired(expiration: &str, now: Wall) -> bool {
    !expiration.is_empty() && Wall::parse_rfc3339(expiration).is_none_or(|at| at <= now)
}

/// The groups of a token, sorted; None if one of its own is not a group for those who join.
fn groups(own: &str) -> Option<Vec<Text>> {
    let mut groups = BTreeSet::from([Text::from(GROUP)]);
    for group in own.split(',').filter(|_| !own.is_empty()) {
        let rest = group.strip_prefix(GROUP)?.strip_prefix(':')?;
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let (last, others) = rest.as_bytes().split_last()?;
        let is_valid = is_letter(*last)
            && others.len() <= 255
            && others.iter().all(|byte| is_letter(*byte) || matches!(byte, b':' | b'-'));
        if !is_valid {
            return None;
        }
        groups.insert(group.into());
    }
    Some(groups.into_iter().collect())
}
