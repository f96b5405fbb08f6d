//! Named formats that texts can have.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/format.go

use super::natives::{of, sized};
use super::{Function, Result, function, urls};
use crate::cel::eval::{CelValue, EvalError, Timestamp};
use crate::value::names;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A format: its name, how long upstream's pattern of it is, and what is wrong with a text that should have it.
type Format = (&'static str, u64, fn(&str) -> Vec<String>);

const FORMATS: &[Format] = &[
    ("dns1123Label", 30, |text| names::dns_label(text, false)),
    ("dns1123Subdomain", 60, |text| names::dns_subdomain(text, false)),
    ("dns1035Label", 30, |text| names::dns1035_label(text, false)),
    ("qualifiedName", 60, names::qualified_name),
    ("dns1123LabelPrefix", 30, |text| names::dns_label(text, true)),
    ("dns1123SubdomainPrefix", 60, |text| names::dns_subdomain(text, true)),
    ("dns1035LabelPrefix", 30, |text| names::dns1035_label(text, true)),
    ("labelValue", 40, names::label_value),
    ("uri", 1103, |text| urls::parse(text).err().into_iter().collect()),
    ("uuid", 72, |text| unless(is_uuid(text), "does not match the UUID format")),
    ("byte", 84, |text| unless(is_base64(text), "invalid base64")),
    ("date", 71, |text| unless(is_date(text), "invalid date")),
    ("datetime", 71, |text| unless(is_date_time(text), "invalid datetime")),
];

pub(super) const FUNCTIONS: &[Function] = &[
    function("format.dns1123Label", |_| named("dns1123Label")),
    function("format.dns1123Subdomain", |_| named("dns1123Subdomain")),
    function("format.dns1035Label", |_| named("dns1035Label")),
    function("format.qualifiedName", |_| named("qualifiedName")),
    function("format.dns1123LabelPrefix", |_| named("dns1123LabelPrefix")),
    function("format.dns1123SubdomainPrefix", |_| named("dns1123SubdomainPrefix")),
    function("format.dns1035LabelPrefix", |_| named("dns1035LabelPrefix")),
    function("format.labelValue", |_| named("labelValue")),
    function("format.uri", |_| named("uri")),
    function("format.uuid", |_| named("uuid")),
    function("format.byte", |_| named("byte")),
    function("format.date", |_| named("date")),
    function("format.datetime", |_| named("datetime")),
    function("format.named", |args| match args {
        [CelValue::Str(name)] => Ok(CelValue::Optional(named(name).ok().map(Arc::new))),
        _ => Err(EvalError::no_overload()),
    }),
    function("validate", |args| match args {
        [format, CelValue::Str(text)] => {
            let index = of::<usize>(format).ok_or_else(EvalError::no_overload)?;
            let problems = FORMATS.get(*index).map(|(_, _, problems)| problems(text)).unwrap_or_default();
            let problems: Vec<CelValue> = problems.into_iter().map(CelValue::str).collect();
            Ok(CelValue::Optional((!problems.is_empty()).then(|| Arc::new(CelValue::list(problems)))))
        }
        _ => Err(EvalError::no_overload()),
    }),
];

fn named(name: &str) -> Result<CelValue> {
    let mut formats = FORMATS.iter().enumerate();
    let found = formats.find(|(_, (known, _, _))| *known == name).ok_or_else(EvalError::no_overload)?;
    let (index, (_, pattern_length, _)) = found;
    Ok(sized("kubernetes.NamedFormat", index, *pattern_length))
}

fn unless(holds: bool, problem: &str) -> Vec<String> {
    if holds { Vec::new() } else { Vec::from([problem.into()]) }
}

/// Groups of 8, 4, 4, 4 and 12 digits, with hyphens between them or without.
fn is_uuid(text: &str) -> bool {
    let mut rest = text;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        rest = if index > 0 { rest.strip_prefix('-').unwrap_or(rest) } else { rest };
        let Some((group, after)) = rest.split_at_checked(length) else { return false };
        if !group.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(is_digit)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && Timestamp::parse(&format!("{text}T00:00:00Z")).is_some()
}

fn is_date_time(text: &str) -> bool {
    Timestamp::parse(&text.to_ascii_uppercase()).is_some()
}
