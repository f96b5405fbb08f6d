//! The user that a service account is.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount/util.go

use super::claims::ObjectClaim;
use crate::caller::{Caller, service_account};
use crate::value::Text;
use alloc::format;
use alloc::vec::Vec;

/// A service account, and what is known of where its token is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AccountUser {
    pub(super) namespace: Text,
    pub(super) account: ObjectClaim,
    pub(super) pod: ObjectClaim,
    pub(super) node: ObjectClaim,
    pub(super) token_id: Text,
}

impl AccountUser {
    pub(super) fn caller(self) -> Caller {
        let mut extra: Vec<(Text, Vec<Text>)> = Vec::new();
        let mut add = |key: &str, value: Text| extra.push((key.into(), alloc::vec![value]));
        // In the order of the keys.
        if !self.token_id.is_empty() {
            add(Caller::CREDENTIAL_ID, format!("JTI={}", self.token_id).into());
        }
        if !self.node.name.is_empty() {
            add(service_account::NODE_NAME, self.node.name);
            if !self.node.uid.is_empty() {
                add(service_account::NODE_UID, self.node.uid);
            }
        }
        if !self.pod.name.is_empty() && !self.pod.uid.is_empty() {
            add(service_account::POD_NAME, self.pod.name);
            add(service_account::POD_UID, self.pod.uid);
        }
        Caller {
            name: service_account::user_name(&self.namespace, &self.account.name),
            uid: self.account.uid,
            groups: service_account::groups(&self.namespace),
            extra,
        }
    }
}
