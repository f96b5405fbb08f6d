//! The types of objects that schemas declare, with what a value of them can be at most.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/types.go, common/schemas.go, limits.go

use super::escape::escape;
use super::schema::{TypedText, ValueKind, ValueSchema};
use crate::cel::check::CelType;
use crate::limits;
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;

/// The sizes, in bytes of JSON, of the shortest values of a type.
const BOOL_BYTES_MIN: i64 = 4;
const NUMBER_BYTES_MIN: i64 = 1;
const TEXT_BYTES_MIN: i64 = 2;
const DURATION_BYTES_MIN: i64 = 3;
const DATE_BYTES: i64 = 12;
const DATE_TIME_BYTES_MIN: i64 = 21;

/// The longest texts of a format.
const DURATION_LENGTH_MAX: i64 = 32;
const DATE_TIME_LENGTH_MAX: i64 = 32;

const REQUEST_BYTES: i64 = limits::REQUEST_BODY_BYTES as i64;

/// A declared type. A clone shares its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct DeclType {
    of: CelType,
    parts: DeclParts,
    max_elements: i64,
    min_serialized_size: i64,
    keys: Keys,
}

/// What is known of the keys of a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Keys {
    /// How long they can be.
    length_max: i64,
    /// A key after a dot is as large as any.
    are_fields: bool,
}

/// What a declared type is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum DeclParts {
    Simple,
    List(Arc<DeclType>),
    /// The type of the values; keys are texts.
    Map(Arc<DeclType>),
    /// The types of the fields by their identifiers.
    Object(Arc<BTreeMap<Text, DeclType>>),
}

impl DeclType {
    /// A type that has no parts. `max_elements` is how long a value can be, 0 if it has no length.
    pub fn simple(of: CelType, max_elements: i64, min_serialized_size: i64) -> Self {
        Self { of, parts: DeclParts::Simple, max_elements, min_serialized_size, keys: Keys::default() }
    }

    /// A list of at most so many elements.
    pub fn list(of: Self, max_elements: i64) -> Self {
        Self {
            of: CelType::list(of.of.clone()),
            parts: DeclParts::List(Arc::new(of)),
            max_elements,
            min_serialized_size: 2,
            keys: Keys::default(),
        }
    }

    /// A map of texts to at most so many values.
    pub fn map(of: Self, max_elements: i64) -> Self {
        Self {
            of: CelType::map(CelType::Str, of.of.clone()),
            parts: DeclParts::Map(Arc::new(of)),
            max_elements,
            min_serialized_size: 2,
            keys: Keys::default(),
        }
    }

    /// The same map with keys of at most so many characters. With `are_fields` the size of a value is known too that is
    /// taken as a field.
    #[must_use]
    pub fn with_keys(self, length_max: i64, are_fields: bool) -> Self {
        Self { keys: Keys { length_max, are_fields }, ..self }
    }

    /// A type of objects with this name, by the identifiers of its fields.
    pub fn object(name: &str, fields: BTreeMap<Text, Self>, min_serialized_size: i64) -> Self {
        Self {
            of: CelType::Object(name.into()),
            parts: DeclParts::Object(Arc::new(fields)),
            max_elements: 0,
            min_serialized_size,
            keys: Keys::default(),
        }
    }

    /// The type that a schema declares; None for one that expressions cannot see. Objects are named after their place:
    /// `name`, `name.field`, `name.list.@idx`, `name.map.@elem`. Upstream's names of rules are `selfType` and a number.
    pub fn of(schema: &ValueSchema, name: &str) -> Option<Self> {
        if schema.is_int_or_string {
            let length = schema.length_max.map_or(REQUEST_BYTES - 2, bytes_of);
            return Some(Self::simple(CelType::Dyn, length, 1));
        }
        Some(match schema.kind? {
            ValueKind::Array => {
                let items = Self::of(schema.items.as_ref()?, &format!("{name}.@idx"))?;
                let fitting = (REQUEST_BYTES - 2) / (items.min_serialized_size + 1);
                Self::list(items, schema.items_max.map_or(fitting, not_negative))
            }
            ValueKind::Object => match &schema.additional {
                Some(additional) => {
                    let values = Self::of(additional, &format!("{name}.@elem"))?;
                    // Each has a key: at least two quotes, a colon, a comma and some letters.
                    let fitting = (REQUEST_BYTES - 2) / (values.min_serialized_size + 6);
                    Self::map(values, schema.properties_max.map_or(fitting, not_negative))
                }
                None => Self::of_object(schema, name),
            },
            ValueKind::Text => Self::of_text(schema),
            ValueKind::Boolean => Self::simple(CelType::Bool, 0, BOOL_BYTES_MIN),
            ValueKind::Number => Self::simple(CelType::Double, 0, NUMBER_BYTES_MIN),
            ValueKind::Integer => Self::simple(CelType::Int, 0, NUMBER_BYTES_MIN),
        })
    }

    fn of_object(schema: &ValueSchema, name: &str) -> Self {
        let mut fields = BTreeMap::new();
        let mut size = 2_i64;
        for (property, held) in &schema.properties {
            let identifier = escape(property);
            let place = format!("{name}.{}", identifier.as_deref().unwrap_or(property));
            let Some(of) = Self::of(held, &place) else { continue };
            // The server fills in what has a default, so that it takes nothing of the request.
            if schema.required.contains(property) && !held.has_default {
                let length = i64::try_from(property.len()).unwrap_or(i64::MAX);
                size = size.saturating_add(length).saturating_add(of.min_serialized_size).saturating_add(4);
            }
            if let Some(identifier) = identifier {
                fields.insert(Text::from(identifier), of);
            }
        }
        Self::object(name, fields, size)
    }

    fn of_text(schema: &ValueSchema) -> Self {
        let (of, bytes, longest) = match schema.text {
            TypedText::Byte => {
                let length = schema.length_max.map_or(REQUEST_BYTES - 2, not_negative);
                (CelType::Bytes, TEXT_BYTES_MIN, length)
            }
            TypedText::Duration => (CelType::Duration, DURATION_BYTES_MIN, DURATION_LENGTH_MAX),
            TypedText::Date => (CelType::Timestamp, DATE_BYTES, DATE_BYTES),
            TypedText::DateTime => (CelType::Timestamp, DATE_TIME_BYTES_MIN, DATE_TIME_LENGTH_MAX),
            TypedText::Plain => {
                let longest = match (schema.length_max, schema.longest_choice) {
                    (Some(length), _) => bytes_of(length),
                    (None, Some(longest)) => longest,
                    (None, None) => REQUEST_BYTES - 2,
                };
                (CelType::Str, TEXT_BYTES_MIN, longest)
            }
        };
        Self::simple(of, longest, bytes)
    }

    /// The type as expressions have it.
    pub fn cel_type(&self) -> &CelType {
        &self.of
    }

    pub fn parts(&self) -> &DeclParts {
        &self.parts
    }

    /// How many elements, entries, characters or bytes a value has at most; 0 for what has none.
    pub fn max_elements(&self) -> i64 {
        self.max_elements
    }

    /// The bytes of JSON that a value takes at least.
    pub fn min_serialized_size(&self) -> i64 {
        self.min_serialized_size
    }

    /// How many values of the type a request can hold at most.
    /// k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go maxCardinality
    pub fn max_cardinality(&self) -> u64 {
        u64::try_from(REQUEST_BYTES / self.min_serialized_size.saturating_add(1).max(1)).unwrap_or(0)
    }

    /// How large that is which a path of fields, `@items`, `@values` and `@keys` leads to; None if it leads nowhere.
    pub(crate) fn size_at<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> Option<u64> {
        let mut held = self;
        let mut path = path.into_iter();
        while let Some(name) = path.next() {
            held = match (&held.parts, name) {
                (DeclParts::List(of) | DeclParts::Map(of), "@items" | "@values") => of,
                (DeclParts::Map(_), "@keys") => {
                    let length = held.keys.length_max;
                    return path.next().is_none().then(|| u64::try_from(length).unwrap_or(0));
                }
                (DeclParts::Object(fields), name) => fields.get(name)?,
                (DeclParts::Map(of), _) if held.keys.are_fields => of,
                (DeclParts::Simple | DeclParts::List(_) | DeclParts::Map(_), _) => return None,
            };
        }
        u64::try_from(held.max_elements).ok()
    }
}

fn not_negative(number: i64) -> i64 {
    number.max(0)
}

/// The bytes of a text of so many characters, at most.
fn bytes_of(characters: i64) -> i64 {
    not_negative(characters).saturating_mul(4)
}
