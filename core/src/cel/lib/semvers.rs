//! Semantic versions, and comparisons of them and of quantities.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/semverlib.go; github.com/blang/semver/v4

use super::natives::{native, of};
use super::{Function, Result, function, quantities};
use crate::cel::eval::{CelValue, EvalError};
use crate::value::quoted;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A version. What is said of its build counts for equality, not for the order.
#[derive(Clone, Debug, PartialEq)]
struct Semver {
    numbers: [u64; 3],
    before: Vec<Identifier>,
}

/// A part of what stands behind the hyphen: numbers come before words.
#[derive(Clone, Debug, PartialEq, PartialOrd, Eq, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("semver", |args| {
        let parsed = parse(args)?;
        parsed.map(|version| native("kubernetes.Semver", version)).map_err(EvalError::new)
    }),
    function("isSemver", |args| Ok(CelValue::Bool(parse(args)?.is_ok()))),
    function("major", |args| number(args, 0)),
    function("minor", |args| number(args, 1)),
    function("patch", |args| number(args, 2)),
    function("compareTo", |args| order(args).map(|order| CelValue::Int(order as i64))),
    function("isGreaterThan", |args| order(args).map(|order| CelValue::Bool(order.is_gt()))),
    function("isLessThan", |args| order(args).map(|order| CelValue::Bool(order.is_lt()))),
];

fn number(args: &[CelValue], index: usize) -> Result<CelValue> {
    let version = args.first().and_then(of::<Semver>).ok_or_else(EvalError::no_overload)?;
    let number = version.numbers.get(index).copied().unwrap_or(0);
    Ok(CelValue::Int(i64::from_ne_bytes(number.to_ne_bytes())))
}

fn order(args: &[CelValue]) -> Result<Ordering> {
    let [one, other] = args else { return Err(EvalError::no_overload()) };
    let versions = of::<Semver>(one).zip(of::<Semver>(other)).map(|(one, other)| compare(one, other));
    versions.or_else(|| quantities::compare(one, other)).ok_or_else(EvalError::no_overload)
}

fn compare(one: &Semver, other: &Semver) -> Ordering {
    // A version with something behind the hyphen comes before the one without.
    let released = one.before.is_empty().cmp(&other.before.is_empty());
    one.numbers.cmp(&other.numbers).then(released).then_with(|| one.before.cmp(&other.before))
}

fn parse(args: &[CelValue]) -> Result<core::result::Result<Semver, String>> {
    match args {
        [CelValue::Str(text)] | [CelValue::Str(text), CelValue::Bool(false)] => Ok(Semver::parse(text)),
        [CelValue::Str(text), CelValue::Bool(true)] => {
            Ok(normalized(text).and_then(|text| Semver::parse(&text)))
        }
        _ => Err(EvalError::no_overload()),
    }
}

/// The text without `v` and zeros before numbers, and with all three numbers.
fn normalized(text: &str) -> core::result::Result<String, String> {
    let mut parts: Vec<String> =
        text.strip_prefix('v').unwrap_or(text).splitn(3, '.').map(String::from).collect();
    for part in &mut parts {
        if part.len() > 1 {
            let stripped = part.trim_start_matches('0');
            let zero = if stripped.starts_with(|first: char| first.is_ascii_digit()) { "" } else { "0" };
            *part = format!("{zero}{stripped}");
        }
    }
    if parts.len() < 3 && parts.last().is_some_and(|last| last.contains(['+', '-'])) {
        return Err("short version cannot contain PreRelease/Build meta data".into());
    }
    while parts.len() < 3 {
        parts.push("0".into());
    }
    Ok(parts.join("."))
}

impl Semver {
    fn parse(text: &str) -> core::result::Result<Self, String> {
        if text.is_empty() {
            return Err("Version string empty".into());
        }
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let [major, minor, rest] = parts.as_slice() else {
            return Err("No Major.Minor.Patch elements found".into());
        };
        let (rest, build) = rest.split_once('+').map_or((*rest, None), |(rest, build)| (rest, Some(build)));
        let (patch, before) =
            rest.split_once('-').map_or((rest, None), |(patch, before)| (patch, Some(before)));
        let numbers = [
            plain_number(major, "major", "Major")?,
            plain_number(minor, "minor", "Minor")?,
            plain_number(patch, "patch", "Patch")?,
        ];
        let before: core::result::Result<Vec<Identifier>, String> =
            before.into_iter().flat_map(|before| before.split('.')).map(Identifier::parse).collect();
        for part in build.into_iter().flat_map(|build| build.split('.')) {
            if part.is_empty() {
                return Err("Build meta data is empty".into());
            }
            if !is_word(part) {
                return Err(format!("Invalid character(s) found in build meta data {}", quoted(part)));
            }
        }
        Ok(Self { numbers, before: before? })
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit())
}

fn plain_number(text: &str, name: &str, title: &str) -> core::result::Result<u64, String> {
    if !is_number(text) {
        return Err(format!("Invalid character(s) found in {name} number {}", quoted(text)));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!("{title} number must not contain leading zeroes {}", quoted(text)));
    }
    parse_uint(text)
}

fn parse_uint(text: &str) -> core::result::Result<u64, String> {
    let problem = if text.is_empty() { "invalid syntax" } else { "value out of range" };
    text.parse().map_err(|_| format!("strconv.ParseUint: parsing {}: {problem}", quoted(text)))
}

impl Identifier {
    fn parse(text: &str) -> core::result::Result<Self, String> {
        if text.is_empty() {
            return Err("Prerelease is empty".into());
        }
        if is_number(text) {
            if text.len() > 1 && text.starts_with('0') {
                return Err(format!(
                    "Numeric PreRelease version must not contain leading zeroes {}",
                    quoted(text)
                ));
            }
            return parse_uint(text).map(Self::Number);
        }
        if !is_word(text) {
            return Err(format!("Invalid character(s) found in prerelease {}", quoted(text)));
        }
        Ok(Self::Word(text.to_string()))
    }
}
