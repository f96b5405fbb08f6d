//! YAML in both directions, with what upstream's library was seen to do.

use super::*;
use crate::codec::json;
use crate::value::Value;
use alloc::format;
use alloc::vec::Vec;
use proptest::prelude::*;

/// The document as JSON, or the error.
fn read(text: &str) -> String {
    match parse(text.as_bytes()) {
        Ok(parsed) => json::to_string(&parsed.value),
        Err(error) => error.0,
    }
}

#[test]
fn scalars_as_upstream_resolves_them() {
    let cases = [
        ("yes", "true"),
        ("on", "true"),
        ("n", "false"),
        ("0755", "493"),
        ("0o755", "493"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("1_000", "1000"),
        ("08", "8"),
        ("12:30:45", "\"12:30:45\""),
        ("2001-01-01", "\"2001-01-01\""),
        ("!!binary aGk=", "\"hi\""),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("12345678901234567890", "12345678901234567000"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("~", "null"),
        ("", "null"),
        ("'yes'", "\"yes\""),
        ("\"0755\"", "\"0755\""),
        ("!!str 12", "\"12\""),
        ("!!int 12", "12"),
        ("!custom 12", "\"12\""),
        ("1.2.3", "\"1.2.3\""),
        ("-", "[null]"),
        ("+x", "\"+x\""),
        (".inf", "json: unsupported value: +Inf"),
        ("y: n", "{\"true\":false}"),
        ("1: a", "{\"1\":\"a\"}"),
        ("|\n  a\n  b\n", "\"a\\nb\\n\""),
        (">-\n  a\n  b\n", "\"a b\""),
    ];
    for (text, want) in cases {
        assert_eq!(read(text), want, "{text}");
    }
}

#[test]
fn structure_anchors_and_merges() {
    let cases = [
        ("a:\n- 1\n- b: 2\nc: {d: [e]}\n", r#"{"a":[1,{"b":2}],"c":{"d":["e"]}}"#),
        ("a: &x {b: 1}\nc: *x\n", r#"{"a":{"b":1},"c":{"b":1}}"#),
        ("a: &x {b: 1, c: 1}\nd:\n  <<: *x\n  c: 2\n", r#"{"a":{"b":1,"c":1},"d":{"b":1,"c":2}}"#),
        ("a: &x {b: 1}\nd: {<<: [{b: 2}, *x]}\n", r#"{"a":{"b":1},"d":{"b":2}}"#),
        ("---\na: 1\n---\nb: 2\n", r#"{"a":1}"#),
        ("# nothing\n", "null"),
        ("{\"a\": 1.0, \"b\": [true]}", r#"{"a":1,"b":[true]}"#),
        ("%YAML 1.1\n%TAG !x! tag:yaml.org,2002:\n---\na: !x!str 1\n", r#"{"a":"1"}"#),
        ("1.5: a\n0.1: b\n1e7: c\n.inf: d\n", r#"{".inf":"d","0.1":"b","1.5":"a","1e+07":"c"}"#),
        ("a: &x {b: 1}\nc: {b: 2, <<: *x}\n", r#"{"a":{"b":1},"c":{"b":1}}"#),
    ];
    for (text, want) in cases {
        assert_eq!(read(text), want, "{text}");
    }
}

#[test]
fn errors_in_gos_words() {
    let cases = [
        ("a: [", "yaml: line 1: did not find expected node content"),
        ("a: b: c", "yaml: mapping values are not allowed in this context"),
        ("a:\n  b: [\n", "yaml: line 2: did not find expected node content"),
        ("a: [1\n", "yaml: line 1: did not find expected ',' or ']'"),
        ("a: 1\n b: 2\n", "yaml: line 2: mapping values are not allowed in this context"),
        ("a: \"x\n", "yaml: line 2: found unexpected end of stream"),
        ("a: 1\nb\n", "yaml: line 3: could not find expected ':'"),
        ("a:\n\tb: 1\n", "yaml: line 2: found character that cannot start any token"),
        ("a: *x\n", "yaml: unknown anchor 'x' referenced"),
        ("a: @x\n", "yaml: found character that cannot start any token"),
        ("a: 1\n- b\n", "yaml: line 1: did not find expected key"),
        ("x: 1\na: b: c", "yaml: line 2: mapping values are not allowed in this context"),
        ("a\u{1}", "yaml: control characters are not allowed"),
        ("<<: 1", "yaml: map merge requires map or sequence of maps as the value"),
        ("%YAML 1.2\n---\na: 1\n", "yaml: found incompatible YAML document"),
        ("%X 1\n---\na: 1\n", "yaml: found unknown directive name"),
        ("a: &x [*x]", "yaml: anchor 'x' value contains itself"),
        ("? [a]\n: 1\n", "yaml: invalid map key: []interface {}{\"a\"}"),
        ("? {a: ~}\n: 1\n", "yaml: invalid map key: map[interface {}]interface {}{\"a\":interface {}(nil)}"),
        ("~: x", "unsupported map key of type: %!s(<nil>), key: <nil>, value: \"x\""),
        (
            "12345678901234567890: ~",
            "unsupported map key of type: uint64, key: 0xab54a98ceb1f0ad2, value: <nil>",
        ),
        ("a: .nan", "json: unsupported value: NaN"),
        ("!!int x", "yaml: cannot decode !!str `x` as a !!int"),
        ("!!float 12345678901234567890", "yaml: cannot decode !!int `12345678901234567890` as a !!float"),
        ("!x!y z", "yaml: found undefined tag handle"),
        ("\"\\ud800\"", "yaml: found invalid Unicode character escape code"),
    ];
    for (text, want) in cases {
        assert_eq!(read(text), want, "{text}");
    }
}

#[test]
fn characters_of_two_bytes() {
    let wide = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        core::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(unit).collect()
    };
    for unit in [u16::to_le_bytes, u16::to_be_bytes] {
        let parsed = parse(&wide("a: \u{e9}\u{1f600}\n", unit)).expect("YAML");
        assert_eq!(json::to_string(&parsed.value), "{\"a\":\"\u{e9}\u{1f600}\"}");
    }
    assert_eq!(json::to_string(&parse(b"\xEF\xBB\xBFa: 1").expect("YAML").value), "{\"a\":1}");
    let cases: [(&[u8], &str); 6] = [
        (b"\xFF\xFEa", "incomplete UTF-16 character"),
        (b"\xFF\xFE\x00\xDC", "unexpected low surrogate area"),
        (b"\xFF\xFE\x00\xD8a\x00", "expected low surrogate area"),
        (b"a: \xC3", "incomplete UTF-8 octet sequence"),
        (b"a: \xC3a", "invalid trailing UTF-8 octet"),
        (b"a: \x80", "invalid leading UTF-8 octet"),
    ];
    for (bytes, want) in cases {
        assert_eq!(parse(bytes).map_err(|error| error.0), Err(format!("yaml: {want}")));
    }
}

#[test]
fn duplicates_are_told_by_line() {
    let parsed = parse(b"a: 1\nb:\n  c: 1\n  c: 2\na: 2\n").expect("valid");
    assert_eq!(json::to_string(&parsed.value), r#"{"a":2,"b":{"c":2}}"#);
    let lines = |lines: [&str; 2]| json::Duplicates::Lines(lines.map(String::from).to_vec());
    let want = ["line 4: key \"c\" already set in map", "line 5: key \"a\" already set in map"];
    assert_eq!(parsed.duplicates, lines(want));
    let parsed =
        parse(b"a: &x\n  b: 1\nc:\n  b: 2\n  <<: *x\ntrue: 1\n\"true\": 2\n1: 1\n1: 2").expect("valid");
    let want = ["line 2: key \"b\" already set in map", "line 9: key 1 already set in map"];
    assert_eq!(parsed.duplicates, lines(want));
}

#[test]
fn aliases_and_nesting_are_bounded() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let row = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{row}]\n"));
    }
    assert_eq!(read(&bomb), "yaml: document contains excessive aliasing");
    let long = format!("a: &x {}\nl: [{}]\n", "x".repeat(100_000), "*x, ".repeat(1_000));
    assert_eq!(read(&long), "yaml: document contains excessive aliasing");
    let many = format!("l: [{}]\n", "1, ".repeat(1_100_000));
    assert!(parse(many.as_bytes()).is_ok(), "many nodes are no aliases");
    let deep = format!("{}{}", "[".repeat(600), "]".repeat(600));
    assert!(parse(deep.as_bytes()).is_err());
}

#[test]
fn unusual_line_breaks_are_read_back() {
    for text in ["\u{85}", "a\u{85}b", "a\u{2028} b", "a\u{2029}\nb", " \u{2028}"] {
        let value = Value::list(Vec::from([Value::str(text)]));
        let written = to_string(&value);
        assert_eq!(parse(written.as_bytes()).expect(&written).value, value, "{written:?}");
    }
}

#[test]
fn writes_as_upstream_does() {
    let long = "word ".repeat(20);
    let cases = [
        (r#"{"b":{"c":[1,{"d":null,"e":[]}]},"a":"x"}"#, "a: x\nb:\n  c:\n  - 1\n  - d: null\n    e: []\n"),
        (
            r#"{"y":"yes","t":"2001-01-01T00:00:00Z","n":"12","e":"","s":" x","c":"a: b","h":"a #b"}"#,
            "c: 'a: b'\ne: \"\"\nh: 'a #b'\n\"n\": \"12\"\ns: ' x'\nt: \"2001-01-01T00:00:00Z\"\n\"y\": \"yes\"\n",
        ),
        (r#"{"f:a":{".":{},"k:{\"n\":\"c\"}":{}}}"#, "f:a:\n  .: {}\n  k:{\"n\":\"c\"}: {}\n"),
        (
            r#"{"a":"1\n2\n","b":"1\n2","c":"1\n\n","d":" 1\n2","e":"\n"}"#,
            "a: |\n  1\n  2\nb: |-\n  1\n  2\nc: |+\n  1\n\nd: |2-\n   1\n  2\ne: |2+\n\n",
        ),
        (r#"{"a":["x\ty",{"b":["c"]},[1,2]]}"#, "a:\n- \"x\\ty\"\n- b:\n  - c\n- - 1\n  - 2\n"),
        (r#"{"a10":1,"a9":1,"aB":1,"A":1,"_":1}"#, "_: 1\nA: 1\na9: 1\na10: 1\naB: 1\n"),
        (
            r#"["2026-13-01","2026-1-2","2026-01-02 03:04:05"]"#,
            "- 2026-13-01\n- \"2026-1-2\"\n- \"2026-01-02 03:04:05\"\n",
        ),
        ("{}", "{}\n"),
        ("[1.5,1e21,0.00001,1234567.5]", "- 1.5\n- 1e+21\n- 1e-05\n- 1.2345675e+06\n"),
        ("\"a\"", "a\n"),
    ];
    for (text, want) in cases {
        assert_eq!(to_string(&json::parse(text.as_bytes()).expect("JSON").value), want, "{text}");
    }
    let mut value = Value::empty_map();
    value.set("a", Value::str(long.trim_end()));
    let lines: Vec<_> = to_string(&value).lines().map(String::from).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].len() > 80 && lines[0].len() < 86 && lines[1].starts_with("  word"), "{lines:?}");
}

fn any_value() -> impl Strategy<Value = Value> {
    let text =
        prop_oneof!["[ -~]{0,12}", "[a-z:#' \n\\-]{0,12}", ".{0,6}", "[a-z ]{80,200}", "[0-9:._eExo+-]{1,8}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let members = proptest::collection::btree_map(text.clone(), inner.clone(), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::list),
            members.prop_map(|map| Value::map(map.into_iter().map(|(k, v)| (k.into(), v)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in any_value()) {
        let text = to_string(&value);
        let back = parse(text.as_bytes());
        prop_assert_eq!(back.as_ref().map(|parsed| &parsed.value), Ok(&value), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}:,&*!|>'\"%@a1 \n\t-]{0,40}") {
        let _ = parse(text.as_bytes());
    }
}
