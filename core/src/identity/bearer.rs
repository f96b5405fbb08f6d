//! The token of the Authorization header.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/bearertoken/bearertoken.go

use super::finding::{Credential, Presented, Remarks};
use alloc::borrow::Cow;

const SPACED: &str =
    "the provided Authorization header contains extra space before the bearer token, and is ignored";

pub(super) fn find<'a>(presented: &Presented<'a>, said: &mut Remarks) -> Credential<'a> {
    let mut parts = presented.request.header("authorization").unwrap_or("").trim().splitn(3, ' ');
    let (Some(scheme), Some(token)) = (parts.next(), parts.next()) else { return Credential::Absent };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Credential::Absent;
    }
    if token.is_empty() {
        if parts.next().is_some() {
            said.warnings.push(SPACED);
        }
        return Credential::Absent;
    }
    Credential::Token(Cow::Borrowed(token))
}
