//! Requests that ask to be made as another user.

use crate::status::Failure;
use crate::value::quoted;
use crate::wire::{Request, percent};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Impersonation is not implemented. A request that asks for it is refused, because answering it with the rights of
/// its own caller would be wrong.
/// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation/constrained_impersonation.go
pub(crate) fn refuse_impersonation(request: &Request) -> Result<(), Failure> {
    const EXTRA: &str = "impersonate-extra-";
    let user = request.header("impersonate-user").unwrap_or("");
    if !user.is_empty() {
        return Err(Failure::not_implemented("impersonation is not implemented by this server yet"));
    }
    let uid = request.header("impersonate-uid").unwrap_or("");
    let groups: Vec<&str> = request.headers_named("impersonate-group").collect();
    let mut extra: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, value) in &request.headers {
        if let Some(key) = name.strip_prefix(EXTRA) {
            let key = percent::decode(key, false).map_or_else(|| key.to_string(), Cow::into_owned);
            extra.entry(key).or_default().push(value);
        }
    }
    if uid.is_empty() && groups.is_empty() && extra.is_empty() {
        return Ok(());
    }
    let list = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        format!("[]string{{{}}}", texts.join(", "))
    };
    let groups = if groups.is_empty() { "[]string(nil)".to_string() } else { list(&groups) };
    let members: Vec<String> =
        extra.iter().map(|(key, values)| format!("{}:{}", quoted(key), list(values))).collect();
    let extra = if extra.is_empty() { "(nil)".to_string() } else { format!("{{{}}}", members.join(", ")) };
    Err(Failure::bad_request(format!(
        "requested &user.DefaultInfo{{Name:\"\", UID:{}, Groups:{groups}, Extra:map[string][]string{extra}}} without \
         impersonating a user name",
        quoted(uid)
    )))
}
