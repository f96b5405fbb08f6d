//! The binary form of OpenAPI v2, for clients that do not want to decode JSON of that size.
//!
//! The JSON document is encoded by tables that describe its message types.
//! Source: github.com/google/gnostic-models openapiv2/OpenAPIv2.proto

use crate::codec::json;
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// How a member is written.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Bool,
    Integer,
    Number,
    /// Any value, and a list of such values.
    Any,
    Anys,
    Message(&'static Message),
    /// A list of messages of this type.
    Messages(&'static Message),
    /// A list of texts.
    Texts,
    /// A message that holds the value, or the values of a list, as its first field: `type`, `items`.
    Wrapped(&'static Self),
    /// A message of named messages, one for each member: `properties`, `definitions`.
    Named(u32, &'static Message),
    /// A list of objects of lists of texts: `security`.
    Security,
    /// The fitting message: a reference, or a parameter by where it is in the request.
    Parameters,
    Parameter,
    /// A response: inside a `ResponseValue`, by code.
    Responses,
}

/// The fields of a message by their JSON names, and the number of the list that takes `x-` members (0: none).
struct Message {
    fields: &'static [(&'static str, u32, Kind)],
    extensions: u32,
}

static DOCUMENT: Message = Message {
    fields: &[
        ("swagger", 1, Kind::Text),
        ("info", 2, Kind::Message(&INFO)),
        ("paths", 8, Kind::Named(2, &PATH_ITEM)),
        ("definitions", 9, Kind::Named(1, &SCHEMA)),
        ("parameters", 10, Kind::Parameters),
        ("security", 12, Kind::Security),
        ("securityDefinitions", 13, Kind::Named(1, &SECURITY_DEFINITION)),
    ],
    extensions: 16,
};

static INFO: Message = Message {
    fields: &[("title", 1, Kind::Text), ("version", 2, Kind::Text), ("description", 3, Kind::Text)],
    extensions: 7,
};

static PATH_ITEM: Message = Message {
    fields: &[
        ("get", 2, Kind::Message(&OPERATION)),
        ("put", 3, Kind::Message(&OPERATION)),
        ("post", 4, Kind::Message(&OPERATION)),
        ("delete", 5, Kind::Message(&OPERATION)),
        ("patch", 8, Kind::Message(&OPERATION)),
        ("parameters", 9, Kind::Parameter),
    ],
    extensions: 10,
};

static OPERATION: Message = Message {
    fields: &[
        ("tags", 1, Kind::Texts),
        ("summary", 2, Kind::Text),
        ("description", 3, Kind::Text),
        ("operationId", 5, Kind::Text),
        ("produces", 6, Kind::Texts),
        ("consumes", 7, Kind::Texts),
        ("parameters", 8, Kind::Parameter),
        ("responses", 9, Kind::Responses),
        ("schemes", 10, Kind::Texts),
        ("deprecated", 11, Kind::Bool),
    ],
    extensions: 13,
};

static RESPONSE: Message = Message {
    fields: &[("description", 1, Kind::Text), ("schema", 2, Kind::Wrapped(&Kind::Message(&SCHEMA)))],
    extensions: 5,
};

static REFERENCE: Message = Message { fields: &[("$ref", 1, Kind::Text)], extensions: 0 };

static BODY_PARAMETER: Message = Message {
    fields: &[
        ("description", 1, Kind::Text),
        ("name", 2, Kind::Text),
        ("in", 3, Kind::Text),
        ("required", 4, Kind::Bool),
        ("schema", 5, Kind::Message(&SCHEMA)),
    ],
    extensions: 6,
};

/// Query and path parameters have the same field numbers up to `name`; the type has one more in a query.
static QUERY_PARAMETER: Message = Message {
    fields: &[
        ("required", 1, Kind::Bool),
        ("in", 2, Kind::Text),
        ("description", 3, Kind::Text),
        ("name", 4, Kind::Text),
        ("type", 6, Kind::Text),
        ("format", 7, Kind::Text),
        ("uniqueItems", 20, Kind::Bool),
    ],
    extensions: 23,
};

static PATH_PARAMETER: Message = Message {
    fields: &[
        ("required", 1, Kind::Bool),
        ("in", 2, Kind::Text),
        ("description", 3, Kind::Text),
        ("name", 4, Kind::Text),
        ("type", 5, Kind::Text),
        ("format", 6, Kind::Text),
        ("uniqueItems", 19, Kind::Bool),
    ],
    extensions: 22,
};

static SCHEMA: Message = Message {
    fields: &[
        ("$ref", 1, Kind::Text),
        ("format", 2, Kind::Text),
        ("title", 3, Kind::Text),
        ("description", 4, Kind::Text),
        ("default", 5, Kind::Any),
        ("multipleOf", 6, Kind::Number),
        ("maximum", 7, Kind::Number),
        ("exclusiveMaximum", 8, Kind::Bool),
        ("minimum", 9, Kind::Number),
        ("exclusiveMinimum", 10, Kind::Bool),
        ("maxLength", 11, Kind::Integer),
        ("minLength", 12, Kind::Integer),
        ("pattern", 13, Kind::Text),
        ("maxItems", 14, Kind::Integer),
        ("minItems", 15, Kind::Integer),
        ("uniqueItems", 16, Kind::Bool),
        ("maxProperties", 17, Kind::Integer),
        ("minProperties", 18, Kind::Integer),
        ("required", 19, Kind::Texts),
        ("enum", 20, Kind::Anys),
        ("additionalProperties", 21, Kind::Wrapped(&Kind::Message(&SCHEMA))),
        ("type", 22, Kind::Wrapped(&Kind::Text)),
        ("items", 23, Kind::Wrapped(&Kind::Message(&SCHEMA))),
        ("allOf", 24, Kind::Messages(&SCHEMA)),
        ("properties", 25, Kind::Named(1, &SCHEMA)),
        ("readOnly", 27, Kind::Bool),
        ("example", 30, Kind::Any),
    ],
    extensions: 31,
};

/// A SecurityDefinitionsItem that holds an ApiKeySecurity.
static SECURITY_DEFINITION: Message = Message { fields: &[("", 2, Kind::Message(&API_KEY))], extensions: 0 };

static API_KEY: Message = Message {
    fields: &[("type", 1, Kind::Text), ("name", 2, Kind::Text), ("in", 3, Kind::Text)],
    extensions: 5,
};

/// The document in binary.
pub(super) fn encode(document: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_message(document, &DOCUMENT, &mut out);
    out
}

fn write_message(value: &Value, message: &Message, out: &mut Vec<u8>) {
    for (name, number, kind) in message.fields {
        // A field without a name holds the value itself, in a nested message.
        let member = if name.is_empty() { Some(value) } else { value.field(name) };
        if let Some(member) = member {
            write_member(member, *number, *kind, out);
        }
    }
    if message.extensions == 0 {
        return;
    }
    for (name, member) in value.as_map().into_iter().flat_map(crate::value::Map::iter) {
        if name.starts_with("x-") {
            write_nested(message.extensions, out, |out| write_extension(name, member, out));
        }
    }
}

/// NamedAny.
fn write_extension(name: &str, value: &Value, out: &mut Vec<u8>) {
    write_text(1, name, out);
    write_any(2, value, out);
}

/// An Any of YAML; JSON is YAML.
fn write_any(number: u32, value: &Value, out: &mut Vec<u8>) {
    write_nested(number, out, |out| {
        let mut yaml: String = json::to_string(value);
        yaml.push('\n');
        write_text(2, &yaml, out);
    });
}

fn write_member(value: &Value, number: u32, kind: Kind, out: &mut Vec<u8>) {
    match kind {
        Kind::Text => write_text(number, value.as_str().unwrap_or(""), out),
        Kind::Bool => {
            if value.as_bool() == Some(true) {
                write_varint(u64::from(number << 3), out);
                write_varint(1, out);
            }
        }
        Kind::Integer => {
            // Another server may have written a whole number with a fraction.
            let integer = match value {
                Value::Float(_) => json::to_string(value).parse().ok(),
                other => other.as_int(),
            };
            if let Some(integer) = integer {
                write_varint(u64::from(number << 3), out);
                write_varint(u64::from_le_bytes(i64::to_le_bytes(integer)), out);
            }
        }
        Kind::Number => {
            if let Some(read) = value.as_f64() {
                write_varint(u64::from(number << 3 | 1), out);
                out.extend_from_slice(&read.to_le_bytes());
            }
        }
        Kind::Any => write_any(number, value, out),
        Kind::Anys => {
            for item in value.as_list().unwrap_or_default() {
                write_any(number, item, out);
            }
        }
        Kind::Messages(message) => {
            for item in value.as_list().unwrap_or_default() {
                write_nested(number, out, |out| write_message(item, message, out));
            }
        }
        Kind::Texts => {
            for item in value.as_list().unwrap_or_default() {
                write_text(number, item.as_str().unwrap_or(""), out);
            }
        }
        Kind::Message(message) => write_nested(number, out, |out| write_message(value, message, out)),
        Kind::Wrapped(inner) => write_nested(number, out, |out| write_member(value, 1, *inner, out)),
        Kind::Named(inner, message) => write_nested(number, out, |out| {
            write_named(value, inner, out, |member, out| {
                write_nested(2, out, |out| write_message(member, message, out));
            });
        }),
        Kind::Security => {
            for item in value.as_list().unwrap_or_default() {
                let texts = |member: &Value, out: &mut Vec<u8>| {
                    write_nested(2, out, |out| write_member(member, 1, Kind::Texts, out));
                };
                write_nested(number, out, |out| write_named(item, 1, out, texts));
            }
        }
        Kind::Parameters => write_nested(number, out, |out| {
            write_named(value, 1, out, |member, out| {
                write_nested(2, out, |out| write_parameter(member, out))
            });
        }),
        Kind::Parameter => {
            for item in value.as_list().unwrap_or_default() {
                write_nested(number, out, |out| {
                    if item.field("$ref").is_some() {
                        write_nested(2, out, |out| write_message(item, &REFERENCE, out));
                    } else {
                        write_nested(1, out, |out| write_parameter(item, out));
                    }
                });
            }
        }
        Kind::Responses => write_nested(number, out, |out| {
            write_named(value, 1, out, |member, out| {
                write_nested(2, out, |out| write_nested(1, out, |out| write_message(member, &RESPONSE, out)));
            });
        }),
    }
}

/// A parameter by where it is in the request: a body, or one of the others, each in a nested message.
fn write_parameter(value: &Value, out: &mut Vec<u8>) {
    match value.text_at(&["in"]) {
        "body" => write_nested(1, out, |out| write_message(value, &BODY_PARAMETER, out)),
        "path" => {
            write_nested(2, out, |out| {
                write_nested(4, out, |out| write_message(value, &PATH_PARAMETER, out))
            });
        }
        _ => write_nested(2, out, |out| {
            write_nested(3, out, |out| write_message(value, &QUERY_PARAMETER, out))
        }),
    }
}

/// Each member of an object as a message of its name and its value, which `write` encodes.
fn write_named(value: &Value, number: u32, out: &mut Vec<u8>, write: impl Fn(&Value, &mut Vec<u8>)) {
    for (name, member) in value.as_map().into_iter().flat_map(crate::value::Map::iter) {
        write_nested(number, out, |out| {
            write_text(1, name, out);
            write(member, out);
        });
    }
}

fn write_nested(number: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut inner = Vec::new();
    write(&mut inner);
    write_bytes(number, &inner, out);
}

fn write_text(number: u32, text: &str, out: &mut Vec<u8>) {
    write_bytes(number, text.as_bytes(), out);
}

fn write_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    write_varint(u64::from(number << 3 | 2), out);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_written_by_number() {
        let text = br#"{"definitions":{"A":{"type":"object","x-kubernetes-map-type":"atomic"}}}"#;
        let bytes = encode(&json::parse(text).expect("JSON").value);
        let extension = [&b"\x0a\x15x-kubernetes-map-type\x12\x0b\x12\x09\"atomic\"\n"[..]].concat();
        let mut schema = b"\xb2\x01\x08\x0a\x06object\xfa\x01".to_vec();
        schema.push(extension.len() as u8);
        schema.extend(extension);
        let mut named = b"\x0a\x01A\x12".to_vec();
        named.push(schema.len() as u8);
        named.extend(schema);
        let mut wanted = alloc::vec![0x4a, named.len() as u8 + 2, 0x0a, named.len() as u8];
        wanted.extend(named);
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn what_a_schema_allows_is_written() {
        let written = |text: &str| {
            let mut out = Vec::new();
            write_message(&json::parse(text.as_bytes()).expect("JSON").value, &SCHEMA, &mut out);
            out
        };
        assert_eq!(written(r#"{"description":"D","pattern":"p"}"#), b"\x22\x01Dj\x01p");
        assert_eq!(
            written(r#"{"default":1,"enum":["a"]}"#),
            b"\x2a\x04\x12\x021\n\xa2\x01\x06\x12\x04\"a\"\n"
        );
        assert_eq!(written(r#"{"minLength":300,"minItems":0}"#), b"\x60\xac\x02\x78\x00");
        assert_eq!(written(r#"{"minimum":1.5}"#), b"\x49\x00\x00\x00\x00\x00\x00\xf8\x3f");
        assert_eq!(written(r#"{"allOf":[{"title":"A"},{}]}"#), b"\xc2\x01\x03\x1a\x01A\xc2\x01\x00");
    }
}
