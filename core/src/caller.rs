//! Who makes a request.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/user/user.go

use crate::value::Text;
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
