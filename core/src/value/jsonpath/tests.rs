//! What templates find and refuse.

use super::*;
use crate::codec::json;
use alloc::format;
use alloc::string::ToString;

fn value(text: &str) -> Value {
    json::parse(text.as_bytes()).expect("JSON").value
}

/// What a template finds, each block's values joined by blanks.
fn found(template: &str, data: &Value) -> Option<Vec<String>> {
    let path = JsonPath::parse(template).expect(template);
    let show = |found: &PathMatch<'_>| match found {
        PathMatch::Value(value) => json::to_string(value),
        PathMatch::Int(number) => format!("int {number}"),
        PathMatch::Byte(byte) => format!("byte {byte}"),
    };
    let line = |found: Vec<PathMatch<'_>>| found.iter().map(show).collect::<Vec<_>>().join(" ");
    path.find(data).map(|all| all.into_iter().map(line).collect())
}

#[test]
fn paths_find_what_they_name() {
    let store = value(
        r#"{"book":[{"author":"a","price":8.95,"n":1},{"author":"b","price":12.5,"isbn":"x","n":2},
            {"author":"c","price":9.0,"isbn":"y","n":3}],"bicycle":{"color":"red","a.b":true},"empty":null,
            "name":"é","labels":{"k8s.io/x":"v"}}"#,
    );
    let table: &[(&str, &[&str])] = &[
        ("{.book[0].author}", &[r#""a""#]),
        ("{$.book[-1].author}", &[r#""c""#]),
        ("{@.book[*].n}", &["1 2 3"]),
        ("{.book[0:2].n}", &["1 2"]),
        ("{.book[-2:].n}", &["2 3"]),
        ("{.book[:-1].n}", &["1 2"]),
        ("{.book[::2].n}", &["1 3"]),
        ("{.book[0,2].n}", &["1 3"]),
        ("{.book[1:1].n}", &[""]),
        ("{['bicycle.color', 'name']}", &[r#""red" "é""#]),
        ("{.bicycle['color']}", &[r#""red""#]),
        (r"{.bicycle.a\.b}", &["true"]),
        (r"{.labels.k8s\.io/x}", &[r#""v""#]),
        (r"{.labels['k8s\.io/x']}", &[r#""v""#]),
        ("{.labels.*}", &[r#""v""#]),
        ("{.name.*}", &["byte 195 byte 169"]),
        ("{..color}", &[r#""red""#]),
        ("{.book[*]..n}", &["1 2 3"]),
        ("{.book[?(@.n>1)].author}", &[r#""b" "c""#]),
        ("{.book[?(@.n!=2)].author}", &[r#""a" "c""#]),
        ("{.book[?(@.isbn)].n}", &["2 3"]),
        (r#"{.book[?(@.author=="b")].n}"#, &["2"]),
        ("{.book[?(@.author=='c')].n}", &["3"]),
        ("{.book[?(@.price>10.0)].n}", &["2"]),
        ("{.book[?(@.price<=9.0)].n}", &["1 3"]),
        ("{.absent.more}", &[""]),
        ("{.empty}", &["null"]),
        ("{.empty.more}", &[""]),
        ("{.empty[0]}", &[""]),
        ("{.name.more}", &[""]),
        ("a {.name} b", &[r#""a ""#, r#""é""#, r#"" b""#]),
        (r#"{"x\ty"}"#, &[r#""x\ty""#]),
        ("{.name true 5 1.5}", &["1.5"]),
        (
            "{range .book[*]}{.n},{.author};{end}{.name}",
            &[
                "1", r#"",""#, r#""a""#, r#"";""#, "2", r#"",""#, r#""b""#, r#"";""#, "3", r#"",""#,
                r#""c""#, r#"";""#, r#""é""#,
            ],
        ),
        ("{range .absent}{.n}{end}{.name}", &[r#""é""#]),
    ];
    for (template, wanted) in table {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        assert_eq!(found(template, &store), Some(wanted), "{template}");
    }
    // Out of bounds, no list, two types or two values in a comparison, an unknown word, an end without a loop.
    for template in [
        "{.book[3].n}",
        "{.book[0:4].n}",
        "{.book[2:1].n}",
        "{.book[0:2:0].n}",
        "{.name[0]}",
        "{.bicycle[?(@.color)]}",
        "{.book[?(@.n>1.5)]}",
        "{.book[?(@.*==1)]}",
        "{.book[?(@.n=1)]}",
        "{word}",
        "{end}",
    ] {
        assert_eq!(found(template, &store), None, "{template}");
    }
}

#[test]
fn templates_that_are_none_are_told_by_upstreams_sentences() {
    let table = [
        ("{.hello", "unclosed action"),
        ("{*}", "unrecognized character in action: U+002A '*'"),
        ("{+12.3.0}", "cannot parse number +12.3.0"),
        ("{[1}", "unterminated array"),
        ("{[?(.price]}", "unterminated filter"),
        ("{[?(.price)}", "unclosed array expect ]"),
        ("{........}", "invalid multiple recursive descent"),
        ("{[a]}", "invalid array index a"),
        ("{[-]}", "array index - is not a number"),
        ("{[1:2:3:4]}", "invalid array index 1:2:3:4"),
        ("{\"a}", "unterminated quoted string"),
        (r#"{"\q"}"#, r#"unquote string "\q" error invalid syntax"#),
    ];
    for (template, wanted) in table {
        assert_eq!(
            JsonPath::parse(template).map_err(|error| error.to_string()),
            Err(wanted.into()),
            "{template}"
        );
    }
}

#[test]
fn quotes_in_filters_hold_brackets_and_other_quotes() {
    let data = value(r#"[{"t":"()","n":1},{"t":"(\"\")","n":2},{"t":"''","n":3},{"t":"{[()]}","n":4}]"#);
    let table = [
        (r#"{[?(@.t == "()")].n}"#, "1"),
        (r#"{[?(@.t == "(\"\")")].n}"#, "2"),
        (r#"{[?(@.t == "''")].n}"#, "3"),
        (r#"{[?(@.t == "{[()]}")].n}"#, "4"),
    ];
    for (template, wanted) in table {
        assert_eq!(found(template, &data), Some(alloc::vec![wanted.into()]), "{template}");
    }
}

#[test]
fn a_search_has_an_end() {
    let mut data = value("1");
    for _ in 0..18 {
        data = Value::list(alloc::vec![data.clone(), data]);
    }
    assert_eq!(found("{...*}", &data), None);
    let loops = "{range .x}".repeat(100_000);
    assert_eq!(found(&loops, &data), None);
}
