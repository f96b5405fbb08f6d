//! How service accounts are named as users.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount/util.go

use crate::value::{Text, names};
use alloc::format;
use alloc::vec::Vec;

const USER_PREFIX: &str = "system:serviceaccount:";

/// The group of all service accounts.
const ALL: &str = "system:serviceaccounts";

/// The keys under which the user's extra says in which pod and on which node a token is used.
pub const POD_NAME: &str = "authentication.kubernetes.io/pod-name";
pub const POD_UID: &str = "authentication.kubernetes.io/pod-uid";
pub const NODE_NAME: &str = "authentication.kubernetes.io/node-name";
pub const NODE_UID: &str = "authentication.kubernetes.io/node-uid";

/// The name that a service account has as a user.
pub fn user_name(namespace: &str, name: &str) -> Text {
    format!("{USER_PREFIX}{namespace}:{name}").into()
}

/// Namespace and name of the account that a user is; None for other users.
pub fn of_user(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(USER_PREFIX)?.split_once(':')?;
    let is_valid =
        names::dns_label(namespace, false).is_empty() && names::dns_subdomain(name, false).is_empty();
    is_valid.then_some((namespace, name))
}

/// The groups of the accounts of a namespace.
pub fn groups(namespace: &str) -> Vec<Text> {
    alloc::vec![ALL.into(), format!("{ALL}:{namespace}").into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_is_known_by_its_user_name() {
        assert_eq!(of_user(&user_name("a", "b.c")), Some(("a", "b.c")));
        for other in ["", "system:serviceaccount", "system:serviceaccount:a", "system:serviceaccount:a:b:c"] {
            assert_eq!(of_user(other), None, "{other}");
        }
        for bad in ["system:serviceaccount::b", "system:serviceaccount:a:", "system:serviceaccount:a.b:c"] {
            assert_eq!(of_user(bad), None, "{bad}");
        }
        assert_eq!(groups("a"), ["system:serviceaccounts", "system:serviceaccounts:a"]);
    }
}
