//! Users that a proxy before this server has authenticated, and names in headers.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/request/headerrequest/requestheader.go,
//! staging/src/k8s.io/apiserver/pkg/authentication/request/x509/x509.go NewDynamicCAVerifier

use super::chain;
use super::finding::{Finding, Presented};
use crate::caller::Caller;
use crate::config::FrontProxy;
use crate::value::Text;
use crate::wire::{Peer, Request, percent};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The headers count only on a connection with a certificate of the proxies' authority. Without a user among them, the
/// proxy speaks for itself.
pub(super) fn identify(presented: &Presented<'_>) -> Finding {
    let Some(proxy) = &presented.world.config.authentication.federation.front_proxy else {
        return Finding::Nobody;
    };
    let Peer::FrontProxy { common_name, .. } = &presented.request.peer else { return Finding::Nobody };
    if !proxy.allowed_names.is_empty() && !proxy.allowed_names.contains(common_name) {
        return Finding::Invalid(format!("x509: subject with cn={common_name} is not in the allowed list"));
    }
    let request = presented.request;
    let name = first(request, &proxy.username_headers);
    if name.is_empty() {
        return Finding::Nobody;
    }
    chain::for_any_audience(presented, || {
        Finding::somebody(Caller {
            name: name.into(),
            uid: first(request, &proxy.uid_headers).into(),
            groups: groups(request, proxy),
            extra: extra(request, proxy),
        })
    })
}

/// The first value that is not empty, of the first header that has one.
fn first<'r>(request: &'r Request, names: &[Text]) -> &'r str {
    let values = names.iter().filter_map(|name| request.header(name)).map(str::trim);
    values.into_iter().find(|value| !value.is_empty()).unwrap_or_default()
}

fn groups(request: &Request, proxy: &FrontProxy) -> Vec<Text> {
    let values = proxy.group_headers.iter().flat_map(|name| request.headers_named(name));
    values.filter(|value| !value.is_empty()).map(Text::from).collect()
}

/// The keys of what stands behind a prefix are percent-encoded, as far as they are that.
fn extra(request: &Request, proxy: &FrontProxy) -> Vec<(Text, Vec<Text>)> {
    let mut found: BTreeMap<Text, Vec<Text>> = BTreeMap::new();
    for (name, value) in &request.headers {
        let keys = proxy.extra_prefixes.iter().filter_map(|prefix| name.strip_prefix(prefix.as_str()));
        for key in keys {
            let key = percent::decode(key, false).map_or_else(|| key.to_string(), Cow::into_owned);
            let key: String = key.to_ascii_lowercase();
            found.entry(key.into()).or_default().push(value.as_str().into());
        }
    }
    found.into_iter().collect()
}
