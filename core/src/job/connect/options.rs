//! Options in the query of such a request, decoded as upstream does.
//! k8s: pkg/apis/core/v1/zz_generated.conversion.go, staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/conversion.go

use super::super::Scene;
use crate::admission::matching::kind_of;
use crate::authorization::Target;
use crate::now::{self, Layout};
use crate::status::Failure;
use crate::value::{Text, Value, object};
use crate::wire::query::{Query, parse_u16};
use alloc::format;
use alloc::vec::Vec;

/// The options of a connection, as an object of the kind that its subresource has for them. That of a proxy is the path
/// at the other server.
///
/// # Errors
/// 400 for values that cannot be parsed.
pub(super) fn of_connection(scene: &Scene<'_>, target: &Target) -> Result<Value, Failure> {
    let remainder = scene.call.info.as_ref().ok().and_then(|info| info.remainder.as_deref());
    let path = remainder.map(|rest| format!("/{rest}")).unwrap_or_default();
    let (_, version, kind) = kind_of(target.resource(), target.subresource());
    let mut options = of_subresource(target.subresource(), &scene.call.query, &path)?;
    object::set_api_version_and_kind(&mut options, version, kind);
    Ok(options)
}

/// The members of the options: those that are not as if they had not been given.
pub(super) fn of_subresource(sub: &str, query: &Query, path: &str) -> Result<Value, Failure> {
    let mut options = Value::empty_map();
    match sub {
        "exec" | "attach" => {
            for name in ["stdin", "stdout", "stderr", "tty"] {
                if flag(query, name) {
                    options.set(name, Value::Bool(true));
                }
            }
            let container = text(query, "container");
            if !container.is_empty() {
                options.set("container", Value::Str(container));
            }
            let command: Vec<Value> = query.all("command").map(Value::from).collect();
            if sub == "exec" {
                let given = if command.is_empty() { Value::Null } else { Value::list(command) };
                options.set("command", given);
            }
        }
        "portforward" => {
            let ports = ports(query)?;
            if !ports.is_empty() {
                options.set("ports", Value::list(ports));
            }
        }
        _ if path.is_empty() => {}
        _ => options.set("path", path.into()),
    }
    Ok(options)
}

/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/conversion.go Convert_Slice_string_To_Slice_int32
fn ports(query: &Query) -> Result<Vec<Value>, Failure> {
    let parse = |part: &str| {
        let parsed = parse_u16(part).map_err(|why| format!("cannot convert to []int32: {why}"));
        parsed.map(|port| Value::Int(port.into())).map_err(Failure::bad_request)
    };
    query.all("ports").flat_map(|given| given.split(',')).map(parse).collect()
}

/// A parameter that is true unless it is absent, `0` or `false`.
pub(super) fn flag(query: &Query, name: &str) -> bool {
    query.bool(name).unwrap_or(false)
}

pub(super) fn text(query: &Query, name: &str) -> Text {
    query.text(name).into()
}

/// A point in time. The empty text and `null` are the beginning of Go's calendar, which is written as such.
///
/// # Errors
/// 400 for what is no time.
pub(super) fn time(query: &Query, name: &str) -> Result<Option<Text>, Failure> {
    const ZERO: &str = "0001-01-01T00:00:00Z";
    match query.first(name) {
        None => Ok(None),
        Some("" | "null") => Ok(Some(ZERO.into())),
        Some(given) => {
            let time = now::parse(given, Layout::Seconds).map_err(Failure::bad_request)?;
            Ok(Some(time.rfc3339().into()))
        }
    }
}
