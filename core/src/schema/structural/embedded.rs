//! Whole objects inside objects: their metadata is that of every object, whatever their schema says.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta/{coerce,algorithm}.go

use super::{Additional, Structural};
use crate::codec::json::{Duplicates, Parsed};
use crate::schema::strict::StrictError;
use crate::schema::{Catalogue, decode};
use crate::status::Causes;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display};

/// The catalogue's name of the type of metadata.
const METADATA: &str = "meta.v1.ObjectMeta";

/// What is done with metadata that is of another type than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfits {
    /// They are an error.
    Refuse,
    /// They go: a stored value may be older than the rules.
    Drop,
}

/// A value inside an object that cannot be what it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    pub path: String,
    pub value: Value,
    pub detail: String,
}

impl Display for Misfit {
    /// As upstream writes the error of a field.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut causes = Causes::new();
        causes.invalid(&self.path, &self.value, &self.detail);
        out.write_str(&causes.summary())
    }
}

impl Structural {
    /// Fits the metadata of the objects inside a value to its type. Returns the paths of unknown fields, in order.
    /// `path` is that of the value in its object.
    ///
    /// # Errors
    /// What does not fit, the first that is met.
    pub fn coerce(
        &self,
        catalogue: &Catalogue,
        value: &mut Value,
        path: &str,
        misfits: Misfits,
    ) -> Result<Vec<String>, Misfit> {
        let mut coercing = Coercing { catalogue, misfits, unknown: Vec::new() };
        if self.has_embedded {
            coercing.value(self, value, path)?;
        }
        coercing.unknown.sort();
        Ok(coercing.unknown)
    }
}

struct Coercing<'c> {
    catalogue: &'c Catalogue,
    misfits: Misfits,
    unknown: Vec<String>,
}

impl Coercing<'_> {
    /// The recursion is as deep as the schema, which its parser bounds.
    fn value(&mut self, schema: &Structural, value: &mut Value, path: &str) -> Result<(), Misfit> {
        if schema.is_embedded && value.as_map().is_some() {
            self.object(value, path)?;
        }
        for (name, member) in value.as_map_mut().into_iter().flat_map(Map::iter_mut) {
            match (schema.properties.get(name), &schema.additional) {
                (Some(property), _) => self.value(property, member, &below(path, name))?,
                (None, Additional::Schema(inner)) => self.value(inner, member, &format!("{path}[{name}]"))?,
                (None, Additional::Absent | Additional::Denied | Additional::Any) => {}
            }
        }
        let Some(inner) = &schema.items else { return Ok(()) };
        for (index, item) in value.as_list_mut().into_iter().flatten().enumerate() {
            self.value(inner, item, &format!("{path}[{index}]"))?;
        }
        Ok(())
    }

    fn object(&mut self, object: &mut Value, path: &str) -> Result<(), Misfit> {
        for name in ["apiVersion", "kind"] {
            let Some(held) = object.field(name).filter(|held| held.as_str().is_none()) else { continue };
            if self.misfits == Misfits::Refuse {
                return Err(refusal(&below(path, name), held, "must be a string"));
            }
            object.remove_at(&[name]);
        }
        let Some(metadata) = object.field("metadata").cloned() else { return Ok(()) };
        let Some(type_id) = self.catalogue.type_named(METADATA) else { return Ok(()) };
        let parsed = Parsed { value: metadata.clone(), duplicates: Duplicates::NONE };
        match decode::decode(self.catalogue, type_id, parsed) {
            Ok(decoded) => {
                let mut fitted = decoded.value;
                if fitted.field("creationTimestamp").is_some_and(Value::is_null) {
                    fitted.remove_at(&["creationTimestamp"]);
                }
                object.set("metadata", fitted);
                let unknown = decoded.strict_errors.into_iter().filter_map(|error| match error {
                    StrictError::Unknown(field) => Some(format!("{}.{field}", below(path, "metadata"))),
                    StrictError::Duplicate(_) | StrictError::Repeated(_) | StrictError::InJsonPatch(_) => {
                        None
                    }
                });
                self.unknown.extend(unknown);
                Ok(())
            }
            Err(why) if self.misfits == Misfits::Refuse => {
                Err(refusal(&below(path, "metadata"), &metadata, &why.0))
            }
            // What of it fits is kept.
            Err(_) => {
                let map = metadata.as_map().cloned().unwrap_or_default();
                let mut kept = Value::empty_map();
                for (name, member) in map.iter() {
                    let mut alone = Value::empty_map();
                    alone.set(name, member.clone());
                    if let Ok(fitted) = decode::normalize(self.catalogue, type_id, alone)
                        && let Some(member) = fitted.field(name).filter(|member| !member.is_null())
                    {
                        kept.set(name, member.clone());
                    }
                }
                object.set("metadata", kept);
                Ok(())
            }
        }
    }
}

fn refusal(path: &str, value: &Value, detail: &str) -> Misfit {
    Misfit { path: path.into(), value: value.clone(), detail: detail.into() }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.into() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::schema::catalogue;
    use alloc::string::ToString;

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn metadata_of_inner_objects_is_fitted() {
        let schema = Structural::read(&parsed(
            r#"{"type":"object","properties":{"one":{"type":"object","x-kubernetes-embedded-resource":true,
                "x-kubernetes-preserve-unknown-fields":true},
                "list":{"type":"array","items":{"type":"object","x-kubernetes-embedded-resource":true,
                "properties":{"spec":{"type":"object"}}}}}}"#,
        ));
        let table = [
            (
                r#"{"one":{"apiVersion":"v1","kind":"K","metadata":{"name":"n","x":1,"labels":{"a":"b"}},"x":1}}"#,
                Ok((
                    r#"{"one":{"apiVersion":"v1","kind":"K","metadata":{"labels":{"a":"b"},"name":"n"},"x":1}}"#,
                    "spec.one.metadata.x",
                )),
            ),
            (r#"{"one":{}}"#, Ok((r#"{"one":{}}"#, ""))),
            (r#"{"one":{"kind":1}}"#, Err("spec.one.kind: Invalid value: 1: must be a string")),
            (
                r#"{"list":[{},{"metadata":{"name":5}}]}"#,
                Err(
                    "spec.list[1].metadata: Invalid value: {\"name\":5}: json: cannot unmarshal number into Go struct \
                     field ObjectMeta.name of type string",
                ),
            ),
        ];
        for (text, wanted) in table {
            let mut value = parsed(text);
            let found = schema.coerce(&catalogue(), &mut value, "spec", Misfits::Refuse);
            let found = found.map(|unknown| (json::to_string(&value), unknown.join(",")));
            let found = found.map_err(|misfit| misfit.to_string());
            assert_eq!(
                found,
                wanted.map(|(left, unknown)| (left.into(), unknown.into())).map_err(String::from)
            );
        }
        let mut value = parsed(r#"{"one":{"kind":1,"metadata":{"name":5,"labels":{"a":"b"}}}}"#);
        assert_eq!(schema.coerce(&catalogue(), &mut value, "", Misfits::Drop), Ok(Vec::new()));
        assert_eq!(json::to_string(&value), r#"{"one":{"metadata":{"labels":{"a":"b"}}}}"#);
    }
}
