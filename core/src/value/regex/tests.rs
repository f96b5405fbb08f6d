//! What is found, and what is refused.

use super::Regex;
use alloc::string::String;
use alloc::vec::Vec;
use proptest::prelude::*;

#[test]
fn the_first_match_is_that_of_perl() {
    let cases = [
        ("a|ab", "xab", Some("a")),
        ("ab|a", "xab", Some("ab")),
        ("a*", "baaa", Some("")),
        ("a+?", "aaa", Some("a")),
        ("a{2,3}", "aaaa", Some("aaa")),
        ("a{2}", "a", None),
        ("a{,2}", "a{,2}", Some("a{,2}")),
        ("^b", "ab", None),
        ("(?m)^b", "a\nb", Some("b")),
        ("a.b", "a\nb", None),
        ("(?s)a.b", "a\nb", Some("a\nb")),
        ("(?i)ÄB", "äb", Some("äb")),
        (r"\bfoo\b", "a foo b", Some("foo")),
        (r"[^\d\s]+", "12 ab", Some("ab")),
        (r"[]a]+", "]a", Some("]a")),
        (r"[a-c-]+", "xa-c", Some("a-c")),
        ("[[:alpha:]]+", "1ab", Some("ab")),
        (r"\x41\x{42}\103", "ABC", Some("ABC")),
        (r"\Qa.b\E+", "a.bb", Some("a.bb")),
        (r"(?:a|b)+c", "abac", Some("abac")),
        (r"(?P<x>a)(?<y>b)", "ab", Some("ab")),
        (r"\pL+", "1äb", Some("äb")),
        (r"\PL", "a1", Some("1")),
        (r"[^\PL]+", "1ab", Some("ab")),
        (r"é$", "é", Some("é")),
        ("", "a", Some("")),
        ("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", None),
        (r"\D\W\S", "a-b", Some("a-b")),
    ];
    for (expr, text, expected) in cases {
        let found = Regex::new(expr).expect(expr).find(text).and_then(|range| text.get(range));
        assert_eq!(found, expected, "{expr} {text:?}");
    }
}

#[test]
fn matches_do_not_overlap() {
    let cases = [
        ("[0-9]", "1 2 3", usize::MAX, "1,2,3"),
        ("[0-9]", "1 2 3", 2, "1,2"),
        ("a*", "baaac", usize::MAX, ",aaa,"),
        ("", "é", usize::MAX, ","),
    ];
    for (expr, text, most, expected) in cases {
        let regex = Regex::new(expr).expect(expr);
        let found: Vec<&str> =
            regex.find_all(text, most).into_iter().filter_map(|range| text.get(range)).collect();
        assert_eq!(found.join(","), expected, "{expr} {text:?}");
    }
}

#[test]
fn problems_are_told_as_go_tells_them() {
    let cases = [
        ("[", "missing closing ]: `[`"),
        ("x[a", "missing closing ]: `[a`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        (r"\q", r"invalid escape sequence: `\q`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("[b-a]", "invalid character class range: `b-a`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?P<1-2>a)", "invalid named capture: `(?P<1-2>`"),
        (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
    ];
    for (expr, expected) in cases {
        let told = Regex::new(expr).err().unwrap_or_default();
        assert_eq!(told, alloc::format!("error parsing regexp: {expected}"), "{expr}");
    }
    assert!(Regex::new(&"(".repeat(100_000)).is_err());
    assert!(Regex::new("((a{1000}){1000}){1000}").is_err());
}

proptest! {
    #[test]
    fn any_expression_is_understood_or_refused(
        expr in "[ab(){}\\[\\]^$*+?.|\\\\d0-9,:é-]{0,16}",
        text in "[ab0é\n]{0,8}",
    ) {
        if let Ok(regex) = Regex::new(&expr) {
            let found = regex.find(&text);
            prop_assert_eq!(found.is_some(), regex.is_match(&text));
            let all: Vec<String> =
                regex.find_all(&text, 100).into_iter().filter_map(|range| text.get(range).map(Into::into)).collect();
            prop_assert!(all.len() <= text.len() + 1);
        }
    }
}
