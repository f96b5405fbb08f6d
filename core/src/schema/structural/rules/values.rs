//! What expressions see of the values of a schema.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model/{adaptor,schemas}.go

use crate::cel::{ListSemantics, TypedText, ValueKind, ValueSchema};
use crate::schema::ListType;
use crate::schema::structural::{Additional, SchemaType, Structural};
use crate::value::Value;
use alloc::sync::Arc;

impl Structural {
    /// The values as expressions see them. Of the root of an object, and of whole objects inside it, the kind and the
    /// name can always be named.
    pub fn to_value_schema(&self, is_root: bool) -> Arc<ValueSchema> {
        let inner = |schema: &Self| schema.to_value_schema(schema.is_embedded);
        let format = self.bounds.format.as_ref().map_or("", |format| format.word());
        let longest = || {
            let texts = self.bounds.choices.iter().filter_map(Value::as_str);
            texts.map(|text| i64::try_from(text.len()).unwrap_or(i64::MAX)).max().unwrap_or(0)
        };
        let schema = ValueSchema {
            kind: self.kind.map(value_kind),
            text: TypedText::of(format),
            nullable: self.nullable,
            is_int_or_string: self.is_int_or_string,
            preserves_unknown: self.preserves_unknown,
            has_default: self.default.is_some(),
            properties: self.properties.iter().map(|(name, schema)| (name.clone(), inner(schema))).collect(),
            required: self.bounds.required.clone(),
            additional: match &self.additional {
                Additional::Schema(schema) => Some(inner(schema)),
                Additional::Absent | Additional::Denied | Additional::Any => None,
            },
            items: self.items.as_deref().map(inner),
            list: match &self.list {
                ListType::Set => ListSemantics::Set,
                ListType::Map(keys) => ListSemantics::Map(keys.clone()),
                ListType::Atomic | ListType::Undeclared => ListSemantics::Atomic,
            },
            length_max: self.bounds.length_max,
            items_max: self.bounds.items_max,
            properties_max: self.bounds.properties_max,
            longest_choice: (!self.bounds.choices.is_empty()).then(longest),
        };
        Arc::new(if is_root { schema.with_type_and_object_meta() } else { schema })
    }
}

fn value_kind(kind: SchemaType) -> ValueKind {
    match kind {
        SchemaType::Object => ValueKind::Object,
        SchemaType::Array => ValueKind::Array,
        SchemaType::String => ValueKind::Text,
        SchemaType::Integer => ValueKind::Integer,
        SchemaType::Number => ValueKind::Number,
        SchemaType::Boolean => ValueKind::Boolean,
    }
}

/// Whether expressions can see values of a schema, so that `DeclType::of` knows their type.
pub(super) fn is_declared(schema: &ValueSchema) -> bool {
    if schema.is_int_or_string {
        return true;
    }
    match schema.kind {
        Some(ValueKind::Array) => schema.items.as_deref().is_some_and(is_declared),
        Some(ValueKind::Object) => schema.additional.as_deref().is_none_or(is_declared),
        Some(ValueKind::Text | ValueKind::Integer | ValueKind::Number | ValueKind::Boolean) => true,
        None => false,
    }
}
