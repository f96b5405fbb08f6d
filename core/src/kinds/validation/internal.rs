//! Values as upstream's internal types write them: in some messages a client sees the Go struct that its object was
//! converted to, with Go's names of fields, in Go's order, and with the zero values of what is left out.
//!
//! `internal.txt` has a line for each struct: its name and its fields. A field is the name that is written, `/` and
//! the name in the object where that is not the same with a small first letter, and its type: `#` a number, `!` a
//! truth, `~` a quantity, `*` what is written as it is and may be null, `=T` a struct, `*T` a pointer to one, `[]T`
//! a list of them, and a text otherwise. `+T` stands for the fields of another struct. A `?` after a name means
//! that an empty value is not written.
//! k8s: pkg/apis/core/types.go and its like of other groups

use crate::codec::json;
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

static TYPES: &str = include_str!("internal.txt");

/// How deep structs may stand in each other; none of upstream's comes near.
const DEPTH: usize = 32;

/// A value in one line, as Go's JSON encoder writes the internal struct of this name.
pub fn internal_json(name: &str, value: Option<&Value>) -> String {
    let mut out = Vec::new();
    write_struct(name, value, None, DEPTH, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A list of structs in one line; null when there is none.
pub fn internal_json_list(name: &str, value: Option<&Value>) -> String {
    let mut out = Vec::new();
    write_list(name, value, DEPTH, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// The fields of a struct; none of an unknown one.
fn fields(name: &str) -> impl Iterator<Item = &'static str> {
    let line = TYPES.lines().find(|line| line.split(' ').next() == Some(name));
    line.unwrap_or("").split(' ').skip(1)
}

/// One field of a line.
struct Field {
    written: &'static str,
    omitted_when_empty: bool,
    name: String,
    of: &'static str,
}

impl Field {
    fn parse(token: &'static str) -> Self {
        let end = token.find(['#', '!', '~', '*', '=', '[', '{']).unwrap_or(token.len());
        let (names, of) = token.split_at(end);
        let (written, own) = names.split_once('/').unwrap_or((names, ""));
        let omitted_when_empty = written.ends_with('?');
        let written = written.trim_end_matches('?');
        let mut name = String::from(own);
        if own.is_empty() {
            let mut letters = written.chars();
            name.extend(letters.next().map(|first| first.to_ascii_lowercase()));
            name.push_str(letters.as_str());
        }
        Self { written, omitted_when_empty, name, of }
    }
}

/// The settings of a pod that stand in its security context in upstream's internal type, and beside it in the object.
const OF_THE_POD: &[&str] = &["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"];

fn write_struct(name: &str, value: Option<&Value>, around: Option<&Value>, depth: usize, out: &mut Vec<u8>) {
    out.push(b'{');
    let start = out.len();
    write_fields(name, value, around, depth, start, out);
    out.push(b'}');
}

/// Writes the fields of a struct; `start` is where those of the struct around it begin.
fn write_fields(
    name: &str,
    value: Option<&Value>,
    around: Option<&Value>,
    depth: usize,
    start: usize,
    out: &mut Vec<u8>,
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for token in fields(name) {
        if let Some(embedded) = token.strip_prefix('+') {
            let held = if embedded == "ObjectMeta" {
                value.and_then(|value| value.field("metadata"))
            } else {
                value
            };
            write_fields(embedded, held, around, depth, start, out);
            continue;
        }
        let field = Field::parse(token);
        let is_of_the_pod = name == "PodSecurityContext" && OF_THE_POD.contains(&field.name.as_str());
        let holder = if is_of_the_pod { around } else { value };
        let held = holder.and_then(|holder| holder.field(&field.name)).filter(|held| !held.is_null());
        if field.omitted_when_empty && held.is_none_or(is_empty) {
            continue;
        }
        if out.len() > start {
            out.push(b',');
        }
        json::write_str(field.written, out);
        out.push(b':');
        write_field(&field, held, value, depth, out);
    }
}

fn write_field(field: &Field, held: Option<&Value>, around: Option<&Value>, depth: usize, out: &mut Vec<u8>) {
    if let Some(name) = field.of.strip_prefix("[]") {
        return write_list(name, held, depth, out);
    }
    if let Some(name) = field.of.strip_prefix("{}") {
        return write_map(name, held, depth, out);
    }
    let zero: &[u8] = match (field.of.get(..1).unwrap_or(""), field.of.get(1..).unwrap_or("")) {
        ("=", name) => return write_struct(name, held, around, depth, out),
        ("*", "") => b"null",
        ("*", _) if held.is_none() => b"null",
        ("*", name) => return write_struct(name, held, around, depth, out),
        ("#", _) => b"0",
        ("!", _) => b"false",
        ("~", _) => b"\"0\"",
        (_, _) => b"\"\"",
    };
    match held {
        Some(held) => json::write(held, out),
        None => out.extend_from_slice(zero),
    }
}

fn write_list(name: &str, value: Option<&Value>, depth: usize, out: &mut Vec<u8>) {
    let Some(items) = value.and_then(Value::as_list) else {
        out.extend_from_slice(b"null");
        return;
    };
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_struct(name, Some(item), None, depth, out);
    }
    out.push(b']');
}

fn write_map(name: &str, value: Option<&Value>, depth: usize, out: &mut Vec<u8>) {
    let Some(map) = value.and_then(Value::as_map) else {
        out.extend_from_slice(b"null");
        return;
    };
    out.push(b'{');
    for (index, (key, item)) in map.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_str(key, out);
        out.push(b':');
        write_struct(name, Some(item), None, depth, out);
    }
    out.push(b'}');
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Int(number) => *number == 0,
        Value::Str(text) => text.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Float(_) | Value::Json(_) => false,
    }
}

/// A JSON text with a line for each member and a space for each level, as Go's `MarshalIndent`.
pub(super) fn indented(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut letters = text.chars().peekable();
    let (mut level, mut quoted, mut escaped) = (0, false, false);
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.extend(core::iter::repeat_n(' ', level));
    };
    while let Some(letter) = letters.next() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            out.push(letter);
            continue;
        }
        match letter {
            '{' | '[' => {
                out.push(letter);
                if let Some(end) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                    continue;
                }
                level += 1;
                line(&mut out, level);
            }
            '}' | ']' => {
                level = level.saturating_sub(1);
                line(&mut out, level);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, level);
            }
            ':' => out.push_str(": "),
            _ => {
                quoted = letter == '"';
                out.push(letter);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    #[test]
    fn structs_are_written_as_go_writes_them() {
        let table = [
            ("DeploymentStrategy", r#"{"type":"X"}"#, r#"{"Type":"X","RollingUpdate":null}"#),
            (
                "PodDisruptionBudgetSpec",
                r#"{"minAvailable":1,"maxUnavailable":"5%","selector":{"matchLabels":{"a":"b"}}}"#,
                "{\"MinAvailable\":1,\"Selector\":{\"matchLabels\":{\"a\":\"b\"}},\"MaxUnavailable\":\"5%\",\
                 \"UnhealthyPodEvictionPolicy\":null}",
            ),
            ("SuccessPolicy", r#"{"rules":[]}"#, r#"{"Rules":[]}"#),
            ("SuccessPolicy", "{}", r#"{"Rules":null}"#),
            (
                "PersistentVolumeClaimTemplate",
                r#"{"metadata":{"labels":{"a":"b"}},"spec":{"accessModes":["x"]}}"#,
                "{\"labels\":{\"a\":\"b\"},\"Spec\":{\"AccessModes\":[\"x\"],\"Selector\":null,\
                 \"Resources\":{\"Limits\":null,\"Requests\":null},\"VolumeName\":\"\",\"StorageClassName\":null,\
                 \"VolumeMode\":null,\"DataSource\":null,\"DataSourceRef\":null,\
                 \"VolumeAttributesClassName\":null}}",
            ),
        ];
        for (name, value, written) in table {
            assert_eq!(internal_json(name, Some(&parsed(value))), written);
        }
    }

    #[test]
    fn a_pod_keeps_its_host_settings_in_its_security_context() {
        let spec = parsed(r#"{"hostNetwork":true,"hostUsers":false,"securityContext":{"runAsUser":1}}"#);
        let written = internal_json("PodSpec", Some(&spec));
        let expected = "\"SecurityContext\":{\"HostNetwork\":true,\"HostPID\":false,\"HostIPC\":false,\
             \"ShareProcessNamespace\":null,\"HostUsers\":false,";
        assert!(written.contains(expected), "{written}");
    }

    /// Every struct that a line names has a line, in the order of their names.
    #[test]
    fn the_table_is_whole_and_sorted() {
        let names: Vec<&str> = TYPES.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(names.len() > 100 && names.windows(2).all(|pair| pair[0] < pair[1]));
        for token in names.iter().flat_map(|name| fields(name)) {
            let of =
                token.trim_start_matches(|letter: char| letter.is_alphanumeric() || "/?".contains(letter));
            let of = of.trim_start_matches(['#', '!', '~', '*', '=', '[', ']', '{', '}', '+']);
            assert!(of.is_empty() || names.contains(&of), "{token}");
        }
    }

    #[test]
    fn lines_are_indented_by_one_space() {
        let text = r#"{"a":[],"b":{"c":"x,\"{"},"d":[1,2]}"#;
        let expected = "{\n \"a\": [],\n \"b\": {\n  \"c\": \"x,\\\"{\"\n },\n \"d\": [\n  1,\n  2\n ]\n}";
        assert_eq!(indented(text), expected);
    }
}
