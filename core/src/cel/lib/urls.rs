//! URLs.
//! k8s: staging/src/k8s.io/apiserver/pkg/cel/library/urls.go; Go: src/net/url/url.go

use super::natives::{native, of};
use super::{Function, Result, function};
use crate::cel::eval::{CelMap, CelValue, EvalError};
use crate::value::quoted;
use crate::value::url::Url;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;

/// A URL, and its path as it is written.
#[derive(Clone, Debug, PartialEq)]
struct Absolute {
    url: Url,
    written_path: String,
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("url", |args| {
        let [CelValue::Str(text)] = args else { return Err(EvalError::no_overload()) };
        let failed = |why| EvalError::new(format!("URL parse error during conversion from string: {why}"));
        let url = parse(text).map_err(failed)?;
        let rest = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let written_path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default().into();
        Ok(native("kubernetes.URL", Absolute { url, written_path }))
    }),
    function("isURL", |args| match args {
        [CelValue::Str(text)] => Ok(CelValue::Bool(parse(text).is_ok())),
        _ => Err(EvalError::no_overload()),
    }),
    function("getScheme", |args| held(args).map(|held| CelValue::str(held.url.scheme.as_str()))),
    function("getHost", |args| held(args).map(|held| CelValue::str(held.url.host.as_str()))),
    function("getHostname", |args| held(args).map(|held| CelValue::str(host_and_port(&held.url.host).0))),
    function("getPort", |args| held(args).map(|held| CelValue::str(host_and_port(&held.url.host).1))),
    function("getEscapedPath", |args| held(args).map(|held| CelValue::str(escaped_path(held)))),
    function("getQuery", |args| held(args).map(|held| query(&held.url.query))),
];

/// An absolute URL, or an absolute path.
///
/// # Errors
/// What Go says of a text that is none.
pub(super) fn parse(text: &str) -> core::result::Result<Url, String> {
    let refuse = |why: &str| Err(format!("parse {}: {why}", quoted(text)));
    if text.is_empty() {
        return refuse("empty url");
    }
    let url = Url::parse(text)?;
    if url.scheme.is_empty() && !text.starts_with('/') && text != "*" {
        return refuse("invalid URI for request");
    }
    Ok(url)
}

fn held(args: &[CelValue]) -> Result<&Absolute> {
    args.first().and_then(of::<Absolute>).ok_or_else(EvalError::no_overload)
}

fn host_and_port(host: &str) -> (&str, &str) {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => (name, port),
        _ => (host, ""),
    };
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    (inner.unwrap_or(name), port)
}

/// The path as it is written if all of it can stand in a path, or else with what cannot written as `%XX`.
fn escaped_path(held: &Absolute) -> String {
    let stands = |byte: u8, others: &str| {
        byte.is_ascii_alphanumeric()
            || "-_.~$&+,/:;=@".contains(char::from(byte))
            || others.contains(char::from(byte))
    };
    if !held.written_path.is_empty() && held.written_path.bytes().all(|byte| stands(byte, "!'()*[]%")) {
        return held.written_path.clone();
    }
    held.url.path.bytes().fold(String::new(), |mut out, byte| {
        if stands(byte, "") {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn query(text: &str) -> CelValue {
    let mut found: Vec<(String, Vec<CelValue>)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(key), Some(value)) = (unescaped(key), unescaped(value)) else { continue };
        let value = CelValue::str(value);
        match found.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => found.push((key, Vec::from([value]))),
        }
    }
    let entries = found.into_iter().map(|(key, values)| (CelValue::str(key), CelValue::list(values)));
    CelValue::Map(Arc::new(CelMap { entries: entries.collect() }))
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = core::str::from_utf8(&digits).ok().filter(|digits| !digits.starts_with('+'))?;
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&bytes).to_string())
}
