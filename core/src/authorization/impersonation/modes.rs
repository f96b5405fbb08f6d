//! The ways in which somebody may act as somebody else, and what each of them asks the authorizers.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation/mode.go

use super::super::{Attributes, AttributesRecord};
use crate::caller::{Caller, service_account};
use crate::identity::WantedUser;
use crate::kinds::validation::{Errors, Located, validate_domain_prefixed_path};
use crate::status::Failure;
use crate::value::{Text, Value, names, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A way to act as somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A service account, as the node on which its token is used.
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    /// As anybody who is neither a node nor a service account.
    UserInfo,
    /// As anybody, for all requests.
    Legacy,
}

impl Mode {
    /// In the order in which they are tried.
    pub(super) const ALL: [Self; 5] =
        [Self::AssociatedNode, Self::ArbitraryNode, Self::ServiceAccount, Self::UserInfo, Self::Legacy];

    /// The name of a mode in verbs; None for the one of all requests.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::AssociatedNode => Some("associated-node"),
            Self::ArbitraryNode => Some("arbitrary-node"),
            Self::ServiceAccount => Some("serviceaccount"),
            Self::UserInfo => Some("user-info"),
            Self::Legacy => None,
        }
    }

    /// Whether it is a way for this caller to act as that user.
    fn fits(self, wanted: &WantedUser, requestor: &Caller) -> bool {
        let node = node_name(&wanted.name);
        let account = service_account::of_user(&wanted.name);
        match self {
            Self::AssociatedNode => {
                let is_account = service_account::of_user(&requestor.name).is_some();
                let held = requestor.extra.iter().find(|(key, _)| key == service_account::NODE_NAME);
                let own = held.and_then(|(_, values)| match values.as_slice() {
                    [only] => Some(only.as_str()),
                    [] | [_, ..] => None,
                });
                wanted.is_only_named() && is_account && node.is_some() && node == own
            }
            Self::ArbitraryNode => wanted.is_only_named() && node.is_some(),
            Self::ServiceAccount => wanted.is_only_named() && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }

    /// What has to be allowed; None when the mode does not fit.
    pub(super) fn checks(self, wanted: &WantedUser, requestor: &Caller) -> Option<Vec<ImpersonationCheck>> {
        if !self.fits(wanted, requestor) {
            return None;
        }
        let requestor = match self {
            Self::AssociatedNode => &without_place(requestor),
            Self::ArbitraryNode | Self::ServiceAccount | Self::UserInfo | Self::Legacy => requestor,
        };
        let mut checks = Vec::new();
        if let Some(word) = self.word() {
            checks.push(ImpersonationCheck::Request {
                user: requestor.clone(),
                prefix: format!("impersonate-on:{word}:"),
            });
        }
        let asking = Asking { mode: self, requestor };
        checks.push(asking.name(&wanted.name));
        if !wanted.uid.is_empty() {
            checks.push(ImpersonationCheck::Must(asking.record(AUTHENTICATION, "uids", &wanted.uid)));
        }
        asking.groups(&wanted.groups, &mut checks);
        asking.extra(&wanted.extra, &mut checks);
        Some(checks)
    }

    /// The user as whom the request goes on.
    pub(super) fn user(self, wanted: WantedUser) -> Caller {
        let mut groups = wanted.groups;
        if self != Self::Legacy && node_name(&wanted.name).is_some() {
            groups = alloc::vec!["system:nodes".into()];
        }
        if let (Some((namespace, _)), true) = (service_account::of_user(&wanted.name), groups.is_empty()) {
            groups = service_account::groups(namespace);
        }
        let has = |groups: &[Text], name: &str| groups.iter().any(|group| group == name);
        let is_anonymous = wanted.name == Caller::ANONYMOUS;
        let own = if is_anonymous { Caller::UNAUTHENTICATED } else { Caller::AUTHENTICATED };
        if !has(&groups, own) && (is_anonymous || !has(&groups, Caller::UNAUTHENTICATED)) {
            groups.push(own.into());
        }
        Caller { name: wanted.name, uid: wanted.uid, groups, extra: wanted.extra }
    }
}

/// What an authorizer is asked, and what its refusal means.
#[derive(Debug)]
pub(super) enum ImpersonationCheck {
    /// The request itself, with this before its verb.
    Request {
        user: Caller,
        prefix: String,
    },
    Must(AttributesRecord),
    /// If it is allowed, so many of the next need not be asked. If not, they are.
    Shortcut(AttributesRecord, usize),
    /// Nobody may.
    Never(Failure),
}

const AUTHENTICATION: &str = "authentication.k8s.io";

/// From how many values on all of them are asked for at once first.
/// k8s: mode.go manyAuthorizationChecksInLoop
const MANY: usize = 4;

/// The questions of a mode about the parts of a user.
struct Asking<'a> {
    mode: Mode,
    requestor: &'a Caller,
}

impl Asking<'_> {
    fn record(&self, group: &str, resource: &str, name: &str) -> AttributesRecord {
        let verb = match self.mode.word() {
            Some(word) => format!("impersonate:{word}"),
            None => "impersonate".into(),
        };
        let record = AttributesRecord::of_resource(self.requestor, &verb, group, resource);
        AttributesRecord { version: "v1".into(), name: name.into(), ..record }
    }

    fn is_constrained(&self) -> bool {
        self.mode != Mode::Legacy
    }

    /// The group of users and groups as resources.
    fn group(&self) -> &'static str {
        if self.is_constrained() { AUTHENTICATION } else { "" }
    }

    fn name(&self, user: &str) -> ImpersonationCheck {
        let mut record = self.record(self.group(), "users", user);
        if let (Some(node), true) = (node_name(user), self.is_constrained()) {
            record.resource = "nodes".into();
            record.name = if self.mode == Mode::AssociatedNode { "*".into() } else { node.into() };
        }
        if let Some((namespace, name)) = service_account::of_user(user) {
            record.resource = "serviceaccounts".into();
            (record.namespace, record.name) = (namespace.into(), name.into());
        }
        ImpersonationCheck::Must(record)
    }

    fn groups(&self, groups: &[Text], checks: &mut Vec<ImpersonationCheck>) {
        let record = |name: &str| self.record(self.group(), "groups", name);
        let refuse =
            |name: &str, why: &str| ImpersonationCheck::Never(record(name).attributes().forbidden(why));
        if self.is_constrained() && groups.iter().any(|group| group.is_empty()) {
            checks.push(refuse("", "impersonating the empty string group is not allowed"));
        }
        if self.is_constrained() && groups.iter().any(|group| group == Caller::PRIVILEGED_GROUP) {
            let why = "impersonating the system:masters group is not allowed";
            checks.push(refuse(Caller::PRIVILEGED_GROUP, why));
        }
        if self.is_constrained() && groups.len() >= MANY {
            checks.push(ImpersonationCheck::Shortcut(record("*"), groups.len()));
        }
        checks.extend(groups.iter().map(|group| ImpersonationCheck::Must(record(group))));
    }

    fn extra(&self, extra: &[(Text, Vec<Text>)], checks: &mut Vec<ImpersonationCheck>) {
        let record = |key: &str, value: &str| AttributesRecord {
            subresource: key.into(),
            ..self.record(AUTHENTICATION, "userextras", value)
        };
        let wrong = extra.iter().find_map(|(key, values)| why_not(key, values));
        if let (Some(why), true) = (wrong, self.is_constrained()) {
            checks.push(ImpersonationCheck::Never(record("", "").attributes().forbidden(&why)));
        }
        let pairs = extra.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        let count = pairs.clone().count();
        if self.is_constrained() && (count >= MANY || extra.len() >= MANY) {
            checks.push(ImpersonationCheck::Shortcut(record("*", "*"), count));
        }
        checks.extend(pairs.map(|(key, value)| ImpersonationCheck::Must(record(key, value))));
    }
}

/// Why a member of extra is none that may be taken on, beside rights.
/// k8s: mode.go validateExtra
fn why_not(key: &str, values: &[Text]) -> Option<String> {
    if key.is_empty() {
        return Some("impersonating the empty string key in extra is not allowed".into());
    }
    let mut errors = Errors::new();
    let mut held = Value::empty_map();
    held.set_at(&["extra", "key"], key.into());
    validate_domain_prefixed_path(&Located::root(&held).at(&["extra", "key"]), &mut errors);
    if !errors.is_empty() {
        return Some(format!("impersonating an invalid key in extra is not allowed: {}", errors.summary()));
    }
    if key.chars().any(char::is_uppercase) {
        let key = quoted(key);
        return Some(format!("impersonating a non-lowercase key in extra is not allowed: {key}"));
    }
    let is_empty = values.iter().any(|value| value.is_empty());
    is_empty.then(|| "impersonating the empty string value in extra is not allowed".into())
}

/// The node that a user is; None for other users.
fn node_name(user: &str) -> Option<&str> {
    let name = user.strip_prefix("system:node:")?;
    names::dns_subdomain(name, false).is_empty().then_some(name)
}

/// The account without what tells its node and pod, so that the decision is the same on all of them; only the keys
/// stay.
fn without_place(requestor: &Caller) -> Caller {
    let keys = requestor.extra.iter().map(|(key, _)| key.clone()).collect();
    let key = Text::from("authentication.kubernetes.io/associated-node-keys");
    Caller { extra: alloc::vec![(key, keys)], ..requestor.clone() }
}

impl ImpersonationCheck {
    /// The question; None when there is none to ask.
    pub(super) fn attributes<'a>(
        &'a self,
        request: &Attributes<'a>,
        verb: &'a str,
    ) -> Option<Attributes<'a>> {
        match self {
            Self::Request { user, .. } => Some(Attributes { user, verb, ..*request }),
            Self::Must(record) | Self::Shortcut(record, _) => Some(record.attributes()),
            Self::Never(_) => None,
        }
    }
}
