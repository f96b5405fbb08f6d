//! Options in the query of such a request, decoded as upstream does.
//! k8s: pkg/apis/core/v1/zz_generated.conversion.go, staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/conversion.go

use crate::now::{self, Layout};
use crate::status::Failure;
use crate::value::Text;
use crate::wire::query::Query;

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
