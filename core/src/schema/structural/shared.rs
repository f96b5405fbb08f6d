//! Schemas that the types of a kind share. They are read when they are first needed: of many definitions of a cluster
//! only some have objects, and a schema that was read takes many times the memory of its text.

use super::Structural;
use crate::codec::json;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::ops::Deref;
use once_cell::race::OnceBox;

/// A schema of a definition, or one of its properties.
#[derive(Clone, Debug)]
pub struct SharedSchema {
    whole: Arc<Unread>,
    property: Option<Text>,
}

#[derive(Debug)]
struct Unread {
    text: Arc<str>,
    read: OnceBox<Structural>,
}

impl SharedSchema {
    /// The schema that a text holds as JSON. One that is no JSON says nothing.
    pub fn new(text: Arc<str>) -> Self {
        Self { whole: Arc::new(Unread { text, read: OnceBox::new() }), property: None }
    }

    /// The schema of a property of the whole one; that of the whole if there is no such property.
    pub fn property(&self, name: &Text) -> Self {
        Self { whole: self.whole.clone(), property: Some(name.clone()) }
    }

    /// Whether both are the same part of the same schema.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.whole, &other.whole) && self.property == other.property
    }
}

impl Deref for SharedSchema {
    type Target = Structural;

    fn deref(&self) -> &Structural {
        let whole = self.whole.read.get_or_init(|| {
            let props = json::parse(self.whole.text.as_bytes()).map(|parsed| parsed.value);
            Box::new(Structural::read(&props.unwrap_or_default()))
        });
        self.property.as_ref().and_then(|name| whole.properties.get(name)).unwrap_or(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_read_when_it_is_needed() {
        let text = r#"{"nullable":true,"properties":{"a":{"type":"string"},"b":{"type":"integer"}}}"#;
        let schema = SharedSchema::new(text.into());
        let a = schema.property(&"a".into());
        assert!(schema.whole.read.get().is_none());
        assert_eq!(a.kind.map(super::super::SchemaType::word), Some("string"));
        assert!(schema.nullable && !a.nullable);
        assert!(schema.whole.read.get().is_some());
        assert!(a.is_same(&schema.property(&"a".into())));
        assert!(!a.is_same(&schema.property(&"b".into())) && !a.is_same(&schema));
        assert!(!a.is_same(&SharedSchema::new(text.into()).property(&"a".into())));
    }
}
