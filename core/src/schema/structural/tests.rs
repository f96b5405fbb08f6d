//! Tests of schemas: what they prune, fill in and refuse.

use super::{Format, Previous, Structural, validate, validate_list_types};
use crate::codec::json;
use crate::status::Causes;
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:?}")).value
}

fn schema(text: &str) -> Structural {
    Structural::read(&value(text))
}

fn errors(schema: &Structural, object: &str) -> Vec<String> {
    let mut causes = Causes::new();
    validate(schema, &value(object), Previous::None, "", &mut causes);
    causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
}

#[test]
fn what_is_not_named_is_pruned() {
    let cases = [
        (
            r#"{"type":"object"}"#,
            r#"{"kind":"A","metadata":{"x":1},"a":1}"#,
            r#"{"kind":"A","metadata":{"x":1}}"#,
            vec!["a"],
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}}"#,
            r#"{"a":{"b":"x","c":[1],"kind":"K"}}"#,
            r#"{"a":{"b":"x"}}"#,
            vec!["a.c", "a.kind"],
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}}}}}}"#,
            r#"{"a":[{"b":1},{"c":2}]}"#,
            r#"{"a":[{"b":1},{}]}"#,
            vec!["a[1].c"],
        ),
        (
            r#"{"type":"object","x-kubernetes-preserve-unknown-fields":true,
                "properties":{"a":{"type":"object"}}}"#,
            r#"{"z":{"y":1},"a":{"x":1}}"#,
            r#"{"z":{"y":1},"a":{}}"#,
            vec!["a.x"],
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"object","x-kubernetes-embedded-resource":true}}}"#,
            r#"{"a":{"kind":"K","metadata":{},"spec":1}}"#,
            r#"{"a":{"kind":"K","metadata":{}}}"#,
            vec!["a.spec"],
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"object"}}}}"#,
            r#"{"a":{"k":{"x":1}}}"#,
            r#"{"a":{"k":{}}}"#,
            vec!["a.k.x"],
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"object","additionalProperties":false}}}"#,
            r#"{"a":{"k":1}}"#,
            r#"{"a":{"k":1}}"#,
            vec![],
        ),
    ];
    for (text, before, after, gone) in cases {
        let mut object = value(before);
        assert_eq!(schema(text).prune(&mut object), gone, "{text}");
        assert_eq!(object, value(after), "{text}");
    }
}

#[test]
fn defaults_are_filled_in() {
    let cases = [
        (r#"{"properties":{"a":{"default":1}}}"#, "{}", r#"{"a":1}"#),
        (r#"{"properties":{"a":{"default":1}}}"#, r#"{"a":null}"#, r#"{"a":1}"#),
        (r#"{"properties":{"a":{"default":1,"nullable":true}}}"#, r#"{"a":null}"#, r#"{"a":null}"#),
        (r#"{"properties":{"a":{"default":{},"properties":{"b":{"default":2}}}}}"#, "{}", r#"{"a":{"b":2}}"#),
        (r#"{"properties":{"a":{"properties":{"b":{"default":2}}}}}"#, "{}", "{}"),
        (r#"{"properties":{"a":{"items":{"default":3}}}}"#, r#"{"a":[1,null]}"#, r#"{"a":[1,3]}"#),
        (r#"{"properties":{"a":{"type":"string"}}}"#, r#"{"a":null,"b":null}"#, r#"{"b":null}"#),
    ];
    for (text, before, after) in cases {
        let (schema, mut object) = (schema(text), value(before));
        schema.prune_nulls(&mut object);
        schema.default(&mut object);
        assert_eq!(object, value(after), "{text}");
        let once = object.clone();
        schema.default(&mut object);
        assert_eq!(object, once, "{text}");
    }
}

#[test]
fn what_is_forbidden_is_told() {
    let cases: [(&str, &str, &[&str]); 21] = [
        (
            r#"{"type":"string"}"#,
            "1",
            &["a: Invalid value: \"integer\": a in body must be of type string: \"integer\""],
        ),
        (
            r#"{"type":"integer"}"#,
            "1.5",
            &[
                "a: Invalid value: \"number\": a in body must be of type integer: \"number\"",
                "<nil>: Invalid value: \"\": Checked value must be of type integer (default format) in a",
            ],
        ),
        (r#"{"type":"integer"}"#, "1.0", &[]),
        (r#"{"type":"number"}"#, "1", &[]),
        (
            r#"{"x-kubernetes-int-or-string":true}"#,
            "true",
            &["a: Invalid value: \"boolean\": a in body must be of type integer,string: \"boolean\""],
        ),
        (
            r#"{"type":"string"}"#,
            "null",
            &["a: Invalid value: \"null\": a in body must be of type string: \"null\""],
        ),
        (r#"{"type":"string","nullable":true}"#, "null", &[]),
        (
            r#"{"type":"integer","minimum":3}"#,
            "2",
            &["a: Invalid value: 2: a in body should be greater than or equal to 3"],
        ),
        (
            r#"{"type":"integer","maximum":3,"exclusiveMaximum":true}"#,
            "3",
            &["a: Invalid value: 3: a in body should be less than 3"],
        ),
        (
            r#"{"type":"number","multipleOf":0.5}"#,
            "1.75",
            &["a: Invalid value: 1.75: a in body should be a multiple of 0.5"],
        ),
        (r#"{"type":"string","maxLength":2}"#, r#""abc""#, &["a: Too long: may not be more than 2 bytes"]),
        (
            r#"{"type":"string","minLength":2}"#,
            r#""ä""#,
            &["a: Invalid value: \"ä\": a in body should be at least 2 chars long"],
        ),
        (
            r#"{"type":"string","pattern":"^x+$"}"#,
            r#""xy""#,
            &["a: Invalid value: \"xy\": a in body should match '^x+$'"],
        ),
        (
            r#"{"type":"string","enum":["x","y"]}"#,
            r#""z""#,
            &["a: Unsupported value: \"z\": supported values: \"x\", \"y\""],
        ),
        (
            r#"{"type":"array","items":{"type":"string"},"maxItems":1}"#,
            r#"["x","y"]"#,
            &["a: Too many: 2: must have at most 1 item"],
        ),
        (r#"{"type":"object","required":["x","y"]}"#, r#"{"x":1}"#, &["a.y: Required value"]),
        (
            r#"{"type":"object","additionalProperties":false}"#,
            r#"{"x":1}"#,
            &["a: Invalid value: \"x\": a.x in body is a forbidden property"],
        ),
        (
            r#"{"type":"string","format":"ipv4"}"#,
            r#""10.0.0""#,
            &["a: Invalid value: \"10.0.0\": a in body must be of type ipv4: \"10.0.0\""],
        ),
        (
            r#"{"type":"object","oneOf":[{"required":["x"]},{"required":["y"]}]}"#,
            r#"{"x":1,"y":1}"#,
            &["<nil>: Invalid value: \"\": \"a\" must validate one and only one schema (oneOf). \
             Found 2 valid alternatives"],
        ),
        (
            r#"{"type":"object","anyOf":[{"required":["x"]},{"required":["y"]}]}"#,
            "{}",
            &[
                "<nil>: Invalid value: \"\": \"a\" must validate at least one schema (anyOf)",
                "a.x: Required value",
            ],
        ),
        (
            r#"{"type":"object","not":{"required":["x"]}}"#,
            r#"{"x":1}"#,
            &["<nil>: Invalid value: \"\": \"a\" must not validate the schema (not)"],
        ),
    ];
    for (text, member, expected) in cases {
        let schema = schema(&format!(r#"{{"type":"object","properties":{{"a":{text}}}}}"#));
        assert_eq!(errors(&schema, &format!(r#"{{"a":{member}}}"#)), expected, "{text} {member}");
    }
}

#[test]
fn what_is_as_it_was_is_no_error() {
    let text = r#"{"type":"object","properties":{
        "a":{"type":"string","maxLength":1},
        "l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
             "items":{"type":"object","properties":{"k":{"type":"string"},"v":{"type":"string","maxLength":1}}}}}}"#;
    let (schema, old) = (schema(text), value(r#"{"a":"long","l":[{"k":"x","v":"long"},{"k":"y","v":"v"}]}"#));
    let found = |new: &str| {
        let mut causes = Causes::new();
        validate(&schema, &value(new), Previous::Was(&old), "", &mut causes);
        causes.iter().map(|cause| cause.field.clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(r#"{"a":"long","l":[{"k":"y","v":"v"},{"k":"x","v":"long"}]}"#), Vec::<String>::new());
    assert_eq!(found(r#"{"a":"longer","l":[{"k":"x","v":"other"}]}"#), ["a", "l[0].v"]);
    assert_eq!(found(r#"{"l":[{"k":"z","v":"long"}]}"#), ["l[0].v"]);
}

#[test]
fn lists_hold_nothing_twice() {
    let set = r#"{"type":"array","x-kubernetes-list-type":"set","items":{}}"#;
    let map =
        r#"{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{}}"#;
    let cases = [
        (set, "[1,2,1,1]", vec!["a[2]: Duplicate value: 1"]),
        (set, r#"[{"x":1},{"x":1}]"#, vec!["a[1]: Duplicate value: {\"x\":1}"]),
        (map, r#"[{"k":1,"v":1},{"k":1,"v":2},{"v":3}]"#, vec!["a[1]: Duplicate value: {\"k\":1}"]),
        (map, "[1]", vec!["a[0]: Invalid value: 1: must be an object for an array of list-type map"]),
    ];
    for (text, list, expected) in cases {
        let schema = schema(&format!(r#"{{"type":"object","properties":{{"a":{text}}}}}"#));
        let mut causes = Causes::new();
        validate_list_types(&schema, &value(&format!(r#"{{"a":{list}}}"#)), &mut causes);
        let found: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        assert_eq!(found, expected, "{text} {list}");
    }
}

#[test]
fn formats_take_and_refuse() {
    let cases: [(&str, &[&str], &[&str]); 17] = [
        ("uri", &["https://a.b/c", "/x", "urn:a"], &["x", "", "a b"]),
        ("email", &["a@b.c", "A B <a@b.c>"], &["a", "@b", "a@b@c d"]),
        ("hostname", &["a", "a.example.com", "ä.de"], &["a..b", "-a", "a_b"]),
        ("ipv4", &["10.0.0.1"], &["10.0.0", "::1", "x"]),
        ("ipv6", &["::1", "fe80::1"], &["10.0.0.1", "g::"]),
        ("cidr", &["10.0.0.0/8", "::/0"], &["10.0.0.0", "10.0.0.0/33"]),
        ("mac", &["01:23:45:67:89:ab", "0123.4567.89ab"], &["01:23:45", "01:23:45:67:89:zz"]),
        (
            "uuid",
            &["123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"],
            &["123e4567", "x"],
        ),
        ("isbn", &["0321751043", "978-0321751041"], &["0321751044", "978-0321751042"]),
        ("creditcard", &["4111 1111 1111 1111"], &["4111 1111 1111 1112", "1"]),
        ("ssn", &["123-45-6789"], &["123456789", "12-345-6789"]),
        ("hexcolor", &["#FFF", "a1b2c3"], &["#FFFF", "x"]),
        ("rgbcolor", &["rgb(1, 2,255)"], &["rgb(1,2)", "rgb(1,2,256)"]),
        ("byte", &["YQ==", "YWJj"], &["", "YQ=", "a b c"]),
        ("date", &["2026-02-28"], &["2026-02-30", "26-1-1"]),
        ("duration", &["1h2m", "3 days", "2 weeks 1 hour"], &["3", "x", "3 parsecs"]),
        (
            "date-time",
            &["2014-12-15T19:30:20.000Z", "2014-12-15t19:30:20+01:00"],
            &["2014-12-15", "2014-12-15T24:00:00Z"],
        ),
    ];
    for (word, good, bad) in cases {
        let format = Format::of(word, None).expect(word);
        assert_eq!(format.word(), word);
        for text in good {
            assert!(format.fits(text), "{word}: {text}");
        }
        for text in bad {
            assert!(!format.fits(text), "{word}: {text}");
        }
    }
    assert_eq!(Format::of("unknown", None), None);
}
