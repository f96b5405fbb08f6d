//! Conversion between two versions of a kind that share storage.
//!
//! Both directions convert whole objects, `apiVersion` included. Differences only in how a zero value is written are
//! handled by the registry, which adapts every converted object to its type.
//! k8s: pkg/apis/events/v1/conversion.go

mod autoscaler;

use crate::schema::Catalogue;
use crate::value::{Text, Value, object};

pub use autoscaler::{CPU_PERCENT, HORIZONTAL_POD_AUTOSCALER, drop_annotations};

/// How objects of a version are converted to the stored version and back.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    pub to_stored: fn(catalogue: &Catalogue, object: Value) -> Value,
    pub from_stored: fn(catalogue: &Catalogue, object: Value) -> Value,
}

/// events.k8s.io/v1 over v1.
pub static EVENT: Conversion = Conversion {
    to_stored: |_, object| renamed(object, "v1", |name| other_name(name, |(new, core)| (new, core))),
    from_stored: |_, object| {
        renamed(object, "events.k8s.io/v1", |name| other_name(name, |(new, core)| (core, new)))
    },
};

/// A version of a custom resource over another: the same object under another `apiVersion`.
/// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/conversion/nop_converter.go
pub static SAME: Conversion = Conversion { to_stored: renamed_version, from_stored: renamed_version };

/// The object in the version of the kind that a catalogue was extended by.
fn renamed_version(catalogue: &Catalogue, mut object: Value) -> Value {
    let kind = catalogue.added().find_map(|(_, def)| def.kind.clone());
    if let Some((group, version, kind)) = kind {
        object::set_api_version_and_kind(&mut object, &alloc::format!("{group}/{version}"), &kind);
    }
    object
}

/// Fields that only differ in their names: in events.k8s.io/v1, and in v1.
const EVENT_NAMES: &[(&str, &str)] = &[
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

type Names = (&'static str, &'static str);

fn other_name(name: &str, order: impl Fn(Names) -> Names) -> Option<&'static str> {
    EVENT_NAMES.iter().map(|names| order(*names)).find(|(from, _)| *from == name).map(|(_, to)| to)
}

fn renamed(object: Value, version: &str, name_of: impl Fn(&str) -> Option<&'static str>) -> Value {
    let Some(map) = object.as_map() else { return object };
    let entries = map.iter().map(|(name, value)| match name_of(name) {
        Some(other) => (Text::from(other), value.clone()),
        None if name == "apiVersion" => (name.clone(), version.into()),
        None => (name.clone(), value.clone()),
    });
    Value::map(entries.collect())
}

#[cfg(test)]
mod tests {
    use crate::codec::json;
    use crate::kinds::Registry;
    use crate::schema::encode;
    use crate::value::Value;
    use alloc::string::String;
    use alloc::vec::Vec;

    /// Pairs of an object in a version that is not stored, and the stored object it becomes. The stored object is
    /// converted back to the first, or to a third object if one is given.
    const CASES: &str = include_str!("../../tests/data/conversions.jsonl");

    fn written(registry: &Registry, value: &Value) -> String {
        let kind = value.text_at(&["kind"]);
        let api_version = value.text_at(&["apiVersion"]);
        let found =
            registry.iter().find(|resource| resource.kind == kind && resource.group_version() == api_version);
        let resource = found.expect("a served kind");
        let mut out = Vec::new();
        encode::to_json(&registry.catalogue, resource.type_id, value, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn versions_are_converted_to_the_stored_one_and_back() {
        let registry = Registry::builtin();
        for line in CASES.lines() {
            let parse = |value: &Value| json::parse(json::to_string(value).as_bytes()).expect("JSON").value;
            let case = json::parse(line.as_bytes()).expect("a case is JSON").value;
            let case = case.as_list().expect("a list");
            let (client, stored) = (parse(&case[0]), parse(&case[1]));
            let back = case.get(2).unwrap_or(&client).clone();
            let (kind, api_version) = (client.text_at(&["kind"]), client.text_at(&["apiVersion"]));
            let resource = registry
                .iter()
                .find(|resource| resource.kind == kind && resource.group_version() == api_version)
                .expect("a served kind");
            let converted = registry.to_stored(resource, client.clone());
            assert_eq!(written(&registry, &converted), written(&registry, &stored), "stored, of {line}");
            let shown = registry.from_stored(resource, stored);
            assert_eq!(written(&registry, &shown), written(&registry, &back), "shown, of {line}");
        }
    }

    #[test]
    fn the_stored_version_needs_no_conversion() {
        let registry = Registry::builtin();
        for resource in registry.iter() {
            assert_eq!(resource.conversion.is_some(), resource.stored_as.is_some());
            let is_stored = registry.stored_kind(resource).id == resource.id;
            assert_eq!(is_stored, resource.stored_as.is_none(), "{}", resource.plural);
        }
    }
}
