//! What is understood, and what is said of what is not.

use super::parse;
use crate::cel::source::ExprSource;
use crate::cel::unparse::unparse;
use alloc::string::{String, ToString};
use alloc::{format, vec};
use proptest::prelude::*;

fn shown(text: &str) -> String {
    match parse(text) {
        Ok(expr) => unparse(&expr),
        Err(issues) => issues.display(&ExprSource::new(text)),
    }
}

#[test]
fn operators_bind_by_their_precedence() {
    let cases = [
        ("1 + 2 * 3", "1 + 2 * 3"),
        ("(1 + 2) * 3", "(1 + 2) * 3"),
        ("1 - (2 - 3)", "1 - (2 - 3)"),
        ("a || b && c", "a || b && c"),
        ("(a || b) && c", "(a || b) && c"),
        ("a ? b : c ? d : e", "a ? b : c ? d : e"),
        ("--a", "a"),
        ("-(5)", "-(5)"),
        ("-5.size()", "-5.size()"),
        ("!!!a", "!a"),
        ("a in b == c", "a in b == c"),
        (".a.b[0].c(1, 2u)", ".a.b[0].c(1, 2u)"),
        ("a.?b[?0]", "a.?b[?0]"),
        ("[1, ?a, ]", "[1, ?a]"),
        ("{'a': 1, ?'b': c}", "{\"a\": 1, ?\"b\": c}"),
        ("a.B{c: 1, ?d: e}", "a.B{c: 1, ?d: e}"),
        ("has(a.b)", "has(a.b)"),
        (r#"'\x41\u00e9\101\n' + r'\n' + """a"b""""#, r#""AéA\n" + "\\n" + "a\"b""#),
        (r"b'\xff\101a'", r#"b"\xff\x41\x61""#),
        ("1.5e3 + .5 + 0xFF + 0xFu", "1500.0 + 0.5 + 255 + 15u"),
        ("// all\n1 // one", "1"),
        ("null == true", "null == true"),
        ("b + br + r", "b + br + r"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn problems_are_told_with_their_places() {
    let operand = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                   STRING, BYTES, IDENTIFIER}";
    let cases = [
        ("(((", vec![format!("1:4: Syntax error: mismatched input '<EOF>' expecting {operand}")]),
        (
            "'a",
            vec![
                "1:1: Syntax error: token recognition error at: ''a'".to_string(),
                format!("1:3: Syntax error: mismatched input '<EOF>' expecting {operand}"),
            ],
        ),
        (
            "*@a | b",
            vec![
                format!("1:1: Syntax error: extraneous input '*' expecting {operand}"),
                "1:2: Syntax error: token recognition error at: '@'".to_string(),
                "1:5: Syntax error: token recognition error at: '| '".to_string(),
                "1:7: Syntax error: extraneous input 'b' expecting <EOF>".to_string(),
            ],
        ),
        ("(1", vec!["1:3: Syntax error: missing ')' at '<EOF>'".to_string()]),
        ("a.", vec!["1:3: Syntax error: no viable alternative at input '.'".to_string()]),
        ("a.true", vec!["1:3: Syntax error: mismatched input 'true' expecting IDENTIFIER".to_string()]),
        ("for + 1", vec!["1:1: reserved identifier: for".to_string()]),
        ("18446744073709551616u", vec!["1:1: invalid uint literal".to_string()]),
        ("9223372036854775808", vec!["1:1: invalid int literal".to_string()]),
        ("-9223372036854775808", vec![]),
        ("has(a)", vec!["1:5: invalid argument to has() macro".to_string()]),
        ("[1].map(a.b, c)", vec!["1:10: argument is not an identifier".to_string()]),
        ("a.all(x, x, x)", vec!["1:10: duplicate variable name: x".to_string()]),
        (
            "a.all(__result__, true)",
            vec!["1:7: iteration variable overwrites accumulator variable".to_string()],
        ),
    ];
    for (text, expected) in cases {
        let issues = parse(text).err().unwrap_or_default();
        let all = issues.display(&ExprSource::new(text));
        let told: vec::Vec<&str> =
            all.lines().filter_map(|line| line.strip_prefix("ERROR: <input>:")).collect();
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn nesting_has_a_bound() {
    let deep = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert!(parse(&deep(249)).is_ok());
    let text = deep(250);
    assert_eq!(shown(&text), "ERROR: <input>:-1:0: expression recursion limit exceeded: 250");
    let sum = vec!["a"; 252].join(" + ");
    assert_eq!(shown(&sum), "ERROR: <input>:-1:0: max recursion depth exceeded");
    assert!(parse(&vec!["a"; 4_000].join(" && ")).is_ok());
}

/// Texts of words in any order, many of which can be understood.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a", "b", "1", "2u", "1.5", "'s'", "b's'", "true", "null", "in", "[", "]", "(", ")", "{", "}", ",",
        ":", "?", ".", "&&", "||", "!", "-", "+", "*", "==", "<", "has(", ".map(", ".all(", "x,", "\n", "é",
        "`", "'",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn any_text_is_understood_or_refused(text in words()) {
        let _ = shown(&text);
    }

    #[test]
    fn any_characters_are_understood_or_refused(text in "\\PC{0,40}") {
        let _ = shown(&text);
    }

    #[test]
    fn what_is_printed_is_understood_as_the_same(text in words()) {
        // A loop is printed as what no text can be.
        if let Ok(expr) = parse(&text)
            && let printed = unparse(&expr)
            && !printed.contains("__loop__")
        {
            prop_assert_eq!(parse(&printed).map(|expr| unparse(&expr)).ok(), Some(printed));
        }
    }
}
