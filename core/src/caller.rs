//! Who makes a request.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/user/user.go

pub mod service_account;

use crate::value::{Map, Text, Value};
use alloc::vec::Vec;

/// The authenticated user. The name is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub name: Text,
    /// Empty when the authenticator knows none.
    pub uid: Text,
    pub groups: Vec<Text>,
    /// Further facts about the user, sorted by key; keys are in lower case.
    pub extra: Vec<(Text, Vec<Text>)>,
}

impl Caller {
    /// The group that may do everything. Its members are served even when all seats are taken.
    /// k8s: staging/src/k8s.io/apiserver/pkg/authentication/user/user.go SystemPrivilegedGroup
    pub const PRIVILEGED_GROUP: &str = "system:masters";

    /// The group of everybody whom authentication knows, and that of everybody else.
    /// k8s: staging/src/k8s.io/apiserver/pkg/authentication/user/user.go
    pub const AUTHENTICATED: &str = "system:authenticated";
    pub const UNAUTHENTICATED: &str = "system:unauthenticated";

    /// The name of those who carry no credential.
    pub const ANONYMOUS: &str = "system:anonymous";

    /// The key under which `extra` holds the name of the credential.
    /// k8s: staging/src/k8s.io/apiserver/pkg/authentication/user/user.go CredentialIDKey
    pub const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

    /// The further facts as an object of lists.
    pub(crate) fn extra_value(&self) -> Value {
        let mut extra = Map::new();
        for (key, values) in &self.extra {
            extra.insert(key.clone(), Value::texts(values));
        }
        Value::map(extra)
    }

    /// The user as reviews show it; what is empty is left out.
    pub(crate) fn to_value(&self) -> Value {
        let mut user = Map::new();
        user.insert("username", Value::Str(self.name.clone()));
        if !self.uid.is_empty() {
            user.insert("uid", Value::Str(self.uid.clone()));
        }
        if !self.groups.is_empty() {
            user.insert("groups", Value::texts(&self.groups));
        }
        if !self.extra.is_empty() {
            user.insert("extra", self.extra_value());
        }
        Value::map(user)
    }

    /// The server itself, which makes the objects that must exist from the start.
    pub fn server() -> Self {
        Self {
            name: "system:apiserver".into(),
            uid: Text::default(),
            groups: alloc::vec![Self::PRIVILEGED_GROUP.into()],
            extra: Vec::new(),
        }
    }

    /// The node that a kubelet is of: its user is in the group of nodes, and named after its node. The name may be
    /// empty. None for everybody else.
    /// k8s: pkg/auth/nodeidentifier/default.go
    pub fn node_name(&self) -> Option<&str> {
        let node = self.name.strip_prefix("system:node:")?;
        self.groups.iter().any(|group| group == "system:nodes").then_some(node)
    }

    /// Whether the user may do everything.
    pub fn is_privileged(&self) -> bool {
        self.groups.iter().any(|group| group == Self::PRIVILEGED_GROUP)
    }
}
