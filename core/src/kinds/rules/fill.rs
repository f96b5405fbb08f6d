//! Defaults as data: which field gets which value when a client leaves it out.

use crate::value::quantity::Quantity;
use crate::value::{Map, Value};

/// A default, and what counts as left out: absent and null always.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fill {
    /// Also in place of the empty string.
    Text(&'static str),
    /// A text where Go's field is a pointer, so that the empty string stays.
    TextOfPointer(&'static str),
    Int(i64),
    /// Also in place of 0, where Go's field is no pointer.
    IntForZero(i64),
    Bool(bool),
    /// An empty object.
    Object,
}

/// A place (a path; `*` is every item of a list), a field there, and its default. Places that do not
/// exist are not made.
pub(super) type Default = (&'static [&'static str], &'static str, Fill);

/// Fills in a table of defaults, in its order.
pub(super) fn fill(object: &mut Value, defaults: &[Default]) {
    for (place, field, default) in defaults {
        each(object, place, &mut |found| set_unset(found, field, *default));
    }
}

/// Calls `visit` with every value at a place that exists.
pub(super) fn each(value: &mut Value, place: &[&str], visit: &mut dyn FnMut(&mut Value)) {
    match place {
        [] => visit(value),
        ["*", rest @ ..] => {
            for item in value.as_list_mut().into_iter().flatten() {
                each(item, rest, visit);
            }
        }
        [name, rest @ ..] => {
            // To look first spares shared objects a copy, and is enough where nothing is.
            if value.field(name).is_some_and(|member| !member.is_null())
                && let Some(member) = value.field_mut(name)
            {
                each(member, rest, visit);
            }
        }
    }
}

/// Sets one default.
pub(super) fn set_unset(object: &mut Value, field: &str, default: Fill) {
    let left_out = match (object.field(field), default) {
        (None | Some(Value::Null), _) => true,
        (Some(Value::Str(text)), Fill::Text(_)) => text.is_empty(),
        (Some(Value::Int(0)), Fill::IntForZero(_)) => true,
        (
            Some(_),
            Fill::Text(_)
            | Fill::TextOfPointer(_)
            | Fill::Int(_)
            | Fill::IntForZero(_)
            | Fill::Bool(_)
            | Fill::Object,
        ) => false,
    };
    if !left_out || object.as_map().is_none() {
        return;
    }
    object.set(
        field,
        match default {
            Fill::Text(text) | Fill::TextOfPointer(text) => text.into(),
            Fill::Int(number) | Fill::IntForZero(number) => Value::Int(number),
            Fill::Bool(truth) => Value::Bool(truth),
            Fill::Object => Value::empty_map(),
        },
    );
}

/// Rounds the amounts of resource lists (maps at these places) up to the thousandth: nothing finer is kept.
/// k8s: pkg/apis/core/v1/defaults.go SetDefaults_ResourceList
pub(super) fn round_amounts(object: &mut Value, places: &[&[&str]]) {
    for place in places {
        each(object, place, &mut |amounts| {
            let fine = amounts.as_map().is_some_and(|map| map.iter().any(|(_, amount)| is_fine(amount)));
            for (_, amount) in amounts.as_map_mut().filter(|_| fine).into_iter().flat_map(Map::iter_mut) {
                if is_fine(amount)
                    && let Ok(mut quantity) = Quantity::from_value(amount)
                {
                    quantity.round_up(-3);
                    *amount = Value::Str(quantity.canonical());
                }
            }
        });
    }
}

/// Whether an amount, in its canonical form, counts in less than thousandths.
fn is_fine(amount: &Value) -> bool {
    amount.as_str().is_some_and(|text| text.ends_with(['u', 'n']) || text.contains("e-"))
}

/// Whether a field is absent or null.
pub(super) fn is_unset(object: &Value, field: &str) -> bool {
    object.field(field).is_none_or(Value::is_null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn only_unset_fields_get_defaults() {
        let text = br#"{"a":[{"s":"","n":0},{"s":"x","n":null}],"b":null}"#;
        let mut object = json::parse(text).expect("JSON").value;
        let table: &[Default] = &[
            (&["a", "*"], "s", Fill::Text("d")),
            (&["a", "*"], "n", Fill::Int(7)),
            (&["b"], "n", Fill::Int(7)),
            (&["c"], "n", Fill::Int(7)),
            (&[], "z", Fill::Object),
        ];
        fill(&mut object, table);
        assert_eq!(json::to_string(&object), r#"{"a":[{"n":0,"s":"d"},{"n":7,"s":"x"}],"b":null,"z":{}}"#);
        fill(&mut object, &[(&["a", "*"], "n", Fill::IntForZero(3))]);
        let mut pointer = json::parse(br#"{"s":""}"#).expect("JSON").value;
        let table: &[Default] = &[(&[], "s", Fill::TextOfPointer("d")), (&[], "t", Fill::TextOfPointer("d"))];
        fill(&mut pointer, table);
        assert_eq!(json::to_string(&pointer), r#"{"s":"","t":"d"}"#);
        assert_eq!(
            object.field("a").and_then(Value::as_list).expect("a list")[0].field("n"),
            Some(&Value::Int(3))
        );
    }
}
