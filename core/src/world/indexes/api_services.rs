//! The groups and versions that other servers serve: those of API services that name a service.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/apiserver/apiserver.go AddAPIService

use super::Changed;
use crate::codec::base64;
use crate::kinds::has_condition;
use crate::value::{Text, Value};
use crate::world::cache::Entry;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use bytes::Bytes;

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteApis {
    /// By group and version.
    held: Arc<BTreeMap<(Text, Text), Arc<RemoteApi>>>,
}

/// A group and version that another server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteApi {
    /// The name of the API service.
    pub name: Text,
    pub group: Text,
    pub version: Text,
    /// `spec.service`.
    pub service: Value,
    /// The server is trusted whoever it is.
    pub trusts_anybody: bool,
    /// `spec.caBundle`, decoded.
    pub authorities: Bytes,
    pub group_priority: i64,
    pub version_priority: i64,
    /// Its condition says that it is available.
    pub is_available: bool,
}

impl RemoteApi {
    /// What an API service says; None if this server itself serves it.
    fn of(service: &Value) -> Option<Self> {
        let spec = service.field("spec")?;
        let reference = spec.field("service").filter(|held| !held.is_null())?;
        let priority = |field: &str| spec.field(field).and_then(Value::as_int).unwrap_or(0);
        Some(Self {
            name: service.text_at(&["metadata", "name"]).into(),
            group: spec.text_at(&["group"]).into(),
            version: spec.text_at(&["version"]).into(),
            service: reference.clone(),
            trusts_anybody: spec.field("insecureSkipTLSVerify").and_then(Value::as_bool).unwrap_or(false),
            authorities: base64::decode(spec.text_at(&["caBundle"])).unwrap_or_default().into(),
            group_priority: priority("groupPriorityMinimum"),
            version_priority: priority("versionPriority"),
            is_available: has_condition(service, "Available"),
        })
    }

    /// The path below which the group and version are served.
    pub fn root(&self) -> alloc::string::String {
        match self.group.as_str() {
            "" => "/api".into(),
            group => alloc::format!("/apis/{group}/{}", self.version),
        }
    }
}

impl RemoteApis {
    pub(super) fn changed(&mut self, change: Changed<'_>) {
        let read = |entry: Option<&Entry>| entry.and_then(|entry| RemoteApi::of(&entry.to_value()));
        let (old, new) = (read(change.old), read(change.new));
        if old == new {
            return;
        }
        let held = Arc::make_mut(&mut self.held);
        if let Some(old) = old {
            held.remove(&(old.group, old.version));
        }
        if let Some(new) = new {
            held.insert((new.group.clone(), new.version.clone()), Arc::new(new));
        }
    }

    /// The server of a group and version, if it is another one.
    pub fn get(&self, group: &str, version: &str) -> Option<&Arc<RemoteApi>> {
        if self.held.is_empty() {
            return None;
        }
        self.held.get(&(group.into(), version.into()))
    }

    /// All, by group and version.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<RemoteApi>> {
        self.held.values()
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}
