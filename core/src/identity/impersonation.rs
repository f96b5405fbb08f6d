//! Requests to act as another user: whom they name.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation/constrained_impersonation.go

use crate::status::Failure;
use crate::value::{Text, quoted};
use crate::wire::{Request, percent};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The user that a request is to be made as, in the words of its headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WantedUser {
    pub(crate) name: Text,
    pub(crate) uid: Text,
    pub(crate) groups: Vec<Text>,
    /// Sorted by key.
    pub(crate) extra: Vec<(Text, Vec<Text>)>,
}

impl WantedUser {
    /// Whom the headers name; None for a request that is made as its own caller.
    ///
    /// # Errors
    /// Facts of a user without the user's name.
    pub(crate) fn of(request: &Request) -> Result<Option<Self>, Failure> {
        const PREFIX: &str = "impersonate-";
        if !request.headers.iter().any(|(name, _)| name.starts_with(PREFIX)) {
            return Ok(None);
        }
        let first = |name| Text::from(request.header(name).unwrap_or_default());
        let mut extra: BTreeMap<Text, Vec<Text>> = BTreeMap::new();
        for (name, value) in &request.headers {
            if let Some(key) = name.strip_prefix("impersonate-extra-") {
                let key = percent::decode(key, false).map_or_else(|| key.to_string(), Cow::into_owned);
                extra.entry(key.into()).or_default().push(value.as_str().into());
            }
        }
        let wanted = Self {
            name: first("impersonate-user"),
            uid: first("impersonate-uid"),
            groups: request.headers_named("impersonate-group").map(Text::from).collect(),
            extra: extra.into_iter().collect(),
        };
        if !wanted.name.is_empty() {
            return Ok(Some(wanted));
        }
        if wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty() {
            return Ok(None);
        }
        Err(Failure::bad_request(format!("requested {} without impersonating a user name", wanted.as_go())))
    }

    /// Whether nothing but the name is given.
    pub(crate) fn is_only_named(&self) -> bool {
        self.uid.is_empty() && self.groups.is_empty() && self.extra.is_empty()
    }

    /// As Go prints the value.
    fn as_go(&self) -> String {
        let list = |texts: &[Text]| {
            let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            format!("[]string{{{}}}", texts.join(", "))
        };
        let groups = match self.groups.as_slice() {
            [] => "[]string(nil)".to_string(),
            groups => list(groups),
        };
        let members: Vec<String> =
            self.extra.iter().map(|(key, values)| format!("{}:{}", quoted(key), list(values))).collect();
        let extra = match members.as_slice() {
            [] => "(nil)".to_string(),
            members => format!("{{{}}}", members.join(", ")),
        };
        format!(
            "&user.DefaultInfo{{Name:{}, UID:{}, Groups:{groups}, Extra:map[string][]string{extra}}}",
            quoted(&self.name),
            quoted(&self.uid)
        )
    }
}
