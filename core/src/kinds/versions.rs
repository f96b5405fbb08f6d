//! The versions of a kind, as the ownership of fields sees them.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/versionconverter.go

use super::{Kind, Registry, ResetFields};
use crate::ownership::{FieldFilter, Versions};
use crate::schema::{Catalogue, TypeId};
use crate::value::Value;
use alloc::format;
use alloc::string::String;

/// Converts a custom object to the version of a kind, or says why a webhook has not done so.
pub(crate) type ConvertObject<'a> = dyn Fn(Value, &Kind) -> Result<Value, String> + 'a;

/// All served versions of a kind, which share its storage.
#[derive(Clone, Copy)]
pub struct KindVersions<'a> {
    pub registry: &'a Registry,
    pub kind: &'a Kind,
    /// Converts custom objects to the version of a kind, if a webhook does it.
    pub converter: Option<&'a ConvertObject<'a>>,
}

impl KindVersions<'_> {
    fn of(&self, api_version: &str) -> Option<&Kind> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let is_it = |kind: &Kind| kind.group == group && kind.version == version;
        if is_it(self.kind) {
            return Some(self.kind);
        }
        if self.kind.is_custom() {
            return self
                .registry
                .version_of(self.kind, version)
                .filter(|kind| is_it(kind))
                .map(|kind| &**kind);
        }
        let mut others = self.registry.iter().filter(|kind| kind.storage == self.kind.storage);
        others.find(|kind| is_it(kind)).map(|kind| &**kind)
    }

    /// A version that the kind does not have: what converts custom objects takes that for a failure.
    /// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/converter.go ConvertToVersion
    fn unknown(&self, api_version: &str) -> Result<Option<Value>, String> {
        if api_version.matches('/').count() > 1 {
            return Err(format!("unexpected GroupVersion string: {api_version}"));
        }
        if !self.kind.is_custom() {
            return Ok(None);
        }
        Err(format!("request to convert CR to an invalid group/version: {api_version}"))
    }
}

impl Versions for KindVersions<'_> {
    fn type_of(&self, api_version: &str) -> Option<(&Catalogue, TypeId)> {
        self.of(api_version).map(|kind| (&*kind.catalogue, kind.type_id))
    }

    fn converted(&self, object: &Value, from: &str, to: &str) -> Result<Option<Value>, String> {
        let Some((from, to)) = self.of(from).zip(self.of(to)) else { return self.unknown(to) };
        if let Some(convert) = self.converter.filter(|_| to.converter.is_some()) {
            return convert(object.clone(), to).map(Some);
        }
        let stored = self.registry.to_stored(from, object.clone());
        Ok(Some(self.registry.from_stored(to, stored)))
    }
}

impl From<ResetFields> for FieldFilter<'static> {
    fn from(reset: ResetFields) -> Self {
        match reset {
            ResetFields::Only(paths) => Self::Without(paths),
            ResetFields::AllBut(paths) => Self::Only(paths),
        }
    }
}
