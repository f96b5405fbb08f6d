//! What an event says: its message, and its fields as they were given.

use std::fmt::{Debug, Write};

use tracing::Event;
use tracing::field::{Field, Visit};

/// The value of a field. Numbers and truths are written as they are, everything else is quoted.
#[derive(Debug)]
pub(super) enum FieldValue {
    Bare(String),
    Quoted(String),
}

/// The message and the other fields of an event, in their order.
#[derive(Debug, Default)]
pub(super) struct EventFields {
    pub(super) message: String,
    pub(super) pairs: Vec<(&'static str, FieldValue)>,
}

pub(super) fn of(event: &Event<'_>) -> EventFields {
    let mut fields = EventFields::default();
    event.record(&mut fields);
    fields
}

impl EventFields {
    fn bare(&mut self, field: &Field, value: impl ToString) {
        self.pairs.push((field.name(), FieldValue::Bare(value.to_string())));
    }
}

impl Visit for EventFields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no other numbers.
        match value.is_finite() {
            true => self.bare(field, value),
            false => self.record_str(field, &value.to_string()),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.pairs.push((field.name(), FieldValue::Quoted(value.to_owned())));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            write!(self.message, "{value:?}").expect("writing to a string");
        } else {
            self.pairs.push((field.name(), FieldValue::Quoted(format!("{value:?}"))));
        }
    }
}
