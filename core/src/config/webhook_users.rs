//! As whom this server shows itself to webhooks, by their hosts.
//! k8s: staging/src/k8s.io/apiserver/pkg/util/webhook/authentication.go

use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The users of a kubeconfig whose names are hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookUsers {
    pub users: Vec<WebhookUser>,
    /// The name of the user of the current context; empty for none.
    pub current: Text,
}

/// A user, and where it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookUser {
    /// `host:port`, `*.suffix` with or without a port, a host alone for port 443, or `*` for all others.
    pub name: Text,
    /// The value of the header `Authorization`; empty for none.
    pub authorization: Text,
    /// The name of one of the driver's client certificates; empty for none.
    pub client_certificate: Text,
}

static NOBODY: WebhookUser = WebhookUser {
    name: Text::const_new(""),
    authorization: Text::const_new(""),
    client_certificate: Text::const_new(""),
};

impl WebhookUsers {
    /// The user for a host: the name that says most about it counts. Nobody in particular if there is none.
    pub fn find(&self, host: &str, port: u16) -> &WebhookUser {
        let bracketed = if host.contains(':') { format!("[{host}]") } else { String::from(host) };
        let by_port = self.matching(&format!("{bracketed}:{port}"));
        let by_host = || if port == 443 { self.matching(host) } else { None };
        let current = || (!self.current.is_empty()).then(|| self.named(&self.current)).flatten();
        by_port.or_else(by_host).or_else(|| self.named("*")).or_else(current).unwrap_or(&NOBODY)
    }

    fn named(&self, name: &str) -> Option<&WebhookUser> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The user with this name, or with `*` in place of its first parts.
    fn matching(&self, target: &str) -> Option<&WebhookUser> {
        let dots = target.match_indices('.').map(|(at, _)| at);
        let exact = self.named(target);
        exact.or_else(|| dots.into_iter().find_map(|at| self.named(&format!("*{}", &target[at..]))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_says_most_counts() {
        let names = ["a.ns.svc:443", "a.ns.svc", "*.ns.svc", "*.svc:8443", "*", "me"];
        let user = |name: &&str| WebhookUser { name: (*name).into(), ..WebhookUser::default() };
        let users = WebhookUsers { users: names.iter().map(user).collect(), current: "me".into() };
        let cases = [
            (("a.ns.svc", 443), "a.ns.svc:443"),
            (("b.ns.svc", 443), "*.ns.svc"),
            (("b.ns.svc", 8443), "*.svc:8443"),
            (("a.ns.svc", 1), "*"),
            (("x", 443), "*"),
        ];
        for ((host, port), name) in cases {
            assert_eq!(users.find(host, port).name, name, "{host}:{port}");
        }
        let some = WebhookUsers { users: users.users[5..].to_vec(), ..users };
        assert_eq!(some.find("x", 1).name, "me");
        assert_eq!(WebhookUsers { current: "".into(), ..some }.find("x", 1), &NOBODY);
    }
}
