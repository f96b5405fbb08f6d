//! Merges what a mutating policy sets into an object. Nobody is counted as the manager of it.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go

use super::element::PathElement;
use super::form::{MergeForm, Relation, Schema};
use crate::schema::{Catalogue, TypeId};
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// An object with all that a configuration has. Both are of the type, and the result has yet to be given its shape.
///
/// # Errors
/// The configuration is not of the type, or sets a list, a map or a struct that is one value: what it does not name
/// would be lost.
pub fn mutated(
    catalogue: &Catalogue,
    root: TypeId,
    object: &Value,
    configuration: &Value,
) -> Result<Value, String> {
    let schema = Schema { catalogue, root };
    schema
        .check(configuration)
        .map_err(|why| format!("failed to convert patch object to typed object: {why}"))?;
    let mut atomic = Vec::new();
    schema.find_atomic(schema.form(), configuration, &mut String::new(), &mut atomic);
    if !atomic.is_empty() {
        let paths = atomic.join(", ");
        return Err(format!(
            "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {paths}"
        ));
    }
    schema.merge(object, configuration).map_err(|why| format!("failed to merge patch: {why}"))
}

impl<'c> Schema<'c> {
    /// The paths of what is one value. Only named fields are looked into. Recursion is as deep as the configuration,
    /// which its expression bounds.
    fn find_atomic(&self, form: MergeForm<'c>, value: &Value, path: &mut String, found: &mut Vec<String>) {
        let atom = self.atom(form);
        let here = path.len();
        if let (Value::Map(members), Some(map)) = (value, atom.map) {
            if map.atomic {
                found.push(path.clone());
            }
            for (name, member) in members.iter() {
                if let Some(below) = map.named(name) {
                    path.push_str(&PathElement::Field(name.clone()).to_string());
                    self.find_atomic(below, member, path, found);
                    path.truncate(here);
                }
            }
        }
        if let (Value::List(items), Some(list)) = (value, atom.list) {
            if matches!(list.relation, Relation::Atomic) {
                found.push(path.clone());
            }
            for (at, item) in items.iter().enumerate() {
                path.push_str(&format!("[{at}]"));
                self.find_atomic(list.item, item, path, found);
                path.truncate(here);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::schema::catalogue;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn what_is_one_value_is_not_mutated() {
        let catalogue = catalogue();
        let pod = catalogue.type_named("core.v1.Pod").expect("the type of pods");
        let object =
            value(r#"{"metadata":{"labels":{"a":"1"}},"spec":{"containers":[{"name":"c","image":"i"}]}}"#);
        let cases = [
            (
                r#"{"metadata":{"labels":{"b":"2"}}}"#,
                r#"{"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"containers":[{"image":"i","name":"c"}]}}"#,
            ),
            (
                r#"{"spec":{"containers":[{"name":"c","image":"j"},{"name":"d"}]}}"#,
                r#"{"metadata":{"labels":{"a":"1"}},"spec":{"containers":[{"image":"j","name":"c"},{"name":"d"}]}}"#,
            ),
            (
                r#"{"spec":{"containers":[{"name":"c","args":["x"]}],"nodeSelector":{"a":"b"}}}"#,
                "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].args, .spec.nodeSelector",
            ),
            (
                r#"{"spec":{"nope":1}}"#,
                "failed to convert patch object to typed object: .spec.nope: field not declared in schema",
            ),
        ];
        for (configuration, wanted) in cases {
            let found = match mutated(&catalogue, pod, &object, &value(configuration)) {
                Ok(found) => json::to_string(&found),
                Err(why) => why,
            };
            let found = if found.starts_with('{') { json::to_string(&value(&found)) } else { found };
            assert_eq!(found, wanted, "{configuration}");
        }
    }
}
