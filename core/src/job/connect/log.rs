//! The log of a container, as its kubelet tells it.
//! k8s: pkg/registry/core/pod/rest/log.go, staging/src/k8s.io/apiserver/pkg/registry/generic/rest/streamer.go

use super::options::{flag, text, time};
use crate::answer::{Dial, Response};
use crate::status::{Causes, Failure, Path, Qualified};
use crate::value::{Text, Value};
use crate::wire::CallOutcome;
use crate::wire::percent::{encode_path, encode_query};
use crate::wire::query::Query;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// core.PodLogOptions.
#[derive(Debug)]
pub(super) struct LogOptions {
    pub(super) container: Text,
    /// The node of the pod, once that is known.
    pub(super) node: Text,
    /// The kubelet is trusted whoever it is.
    pub(super) skips_verification: bool,
    follow: bool,
    previous: bool,
    timestamps: bool,
    since_seconds: Option<i64>,
    since_time: Option<Text>,
    tail_lines: Option<i64>,
    limit_bytes: Option<i64>,
    has_stream: bool,
}

impl LogOptions {
    /// # Errors
    /// 400 for values that cannot be parsed, 422 for those that make no sense for the pod of this name.
    pub(super) fn from_query(query: &Query, pod: &str) -> Result<Self, Failure> {
        let options = Self {
            container: text(query, "container"),
            node: Text::default(),
            follow: flag(query, "follow"),
            previous: flag(query, "previous"),
            since_seconds: query.int("sinceSeconds")?,
            since_time: time(query, "sinceTime")?,
            timestamps: flag(query, "timestamps"),
            tail_lines: query.int("tailLines")?,
            limit_bytes: query.int("limitBytes")?,
            skips_verification: flag(query, "insecureSkipTLSVerifyBackend"),
            has_stream: query.contains("stream"),
        };
        let causes = options.causes();
        if causes.is_empty() {
            return Ok(options);
        }
        Err(Failure::invalid(Qualified { group: "", name: "PodLogOptions" }, pod, causes))
    }

    /// k8s: pkg/apis/core/validation/validation.go ValidatePodLogOptions
    fn causes(&self) -> Causes {
        let mut causes = Causes::new();
        let mut invalid = |name: &str, number: i64, detail: &str| {
            causes.invalid(&Path::new(name), &Value::Int(number), detail);
        };
        if let Some(lines @ ..0) = self.tail_lines {
            invalid("tailLines", lines, "must be greater than or equal to 0");
        }
        if let Some(bytes @ ..1) = self.limit_bytes {
            invalid("limitBytes", bytes, "must be greater than 0");
        }
        match (self.since_seconds, &self.since_time) {
            (Some(_), Some(_)) => {
                let detail = "at most one of `sinceTime` or `sinceSeconds` may be specified";
                // Upstream writes a path without names like this.
                causes.forbidden(&Path::new("[]"), detail);
            }
            (Some(seconds @ ..1), None) => invalid("sinceSeconds", seconds, "must be greater than 0"),
            (Some(_) | None, _) => {}
        }
        if self.has_stream {
            causes.forbidden(&Path::new("stream"), "may not be specified");
        }
        causes
    }

    /// The path and the query at the kubelet, for a namespace, a pod and a container.
    pub(super) fn path(&self, (namespace, pod, container): (&str, &str, &str)) -> String {
        let path = encode_path(&format!("/containerLogs/{namespace}/{pod}/{container}"));
        let truth = |is: bool| is.then(|| String::from("true"));
        let number = |given: Option<i64>| given.map(|number| number.to_string());
        let members = [
            ("follow", truth(self.follow)),
            ("limitBytes", number(self.limit_bytes)),
            ("previous", truth(self.previous)),
            ("sinceSeconds", number(self.since_seconds)),
            ("sinceTime", self.since_time.as_ref().map(|time| time.to_string())),
            ("tailLines", number(self.tail_lines)),
            ("timestamps", truth(self.timestamps)),
        ];
        let given = members.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
        match encode_query(given).as_str() {
            "" => path,
            query => format!("{path}?{query}"),
        }
    }
}

/// Answers with what the kubelet says: the log while it arrives, or the kubelet's error.
pub(super) fn answer(dial: &Dial, outcome: CallOutcome, pod: &str) -> Result<Response, Failure> {
    let url = || format!("https://{}{}", dial.call().authority(), dial.call().target);
    let called = outcome
        .map_err(|error| Failure::unclassified(format!("Get \"{}\": {}", url(), dial.dial_error(&error))))?;
    let location = called.headers.iter().find(|(name, _)| name == "location");
    match (called.status, location) {
        (200..=206, _) => Ok(Dial::relayed(200, Vec::from([("content-type".into(), "text/plain".into())]))),
        (301 | 302 | 303 | 307 | 308, Some((_, location))) => {
            Err(Failure::unclassified(format!("Get {location:?}: redirects forbidden")))
        }
        (status, _) => {
            let said = String::from_utf8_lossy(&called.body).into_owned();
            match status {
                400 => Err(Failure::bad_request(said)),
                500 => Err(Failure::internal(said)),
                other => {
                    let what = Qualified { group: "", name: "pods/log" };
                    Err(Failure::of_other_server(other, what, pod, &said))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(query: &str) -> Result<LogOptions, String> {
        LogOptions::from_query(&Query::parse(query), "p").map_err(|failure| String::from(failure.message()))
    }

    #[test]
    fn the_kubelet_is_asked_for_what_the_client_asks_for() {
        let cases = [
            ("", "/containerLogs/ns/p/c"),
            ("follow=true&timestamps=1&previous=false", "/containerLogs/ns/p/c?follow=true&timestamps=true"),
            (
                "tailLines=0&limitBytes=5&sinceSeconds=3&previous",
                "/containerLogs/ns/p/c?limitBytes=5&previous=true&sinceSeconds=3&tailLines=0",
            ),
            (
                "sinceTime=2026-01-02T03:04:05%2B01:00",
                "/containerLogs/ns/p/c?sinceTime=2026-01-02T02%3A04%3A05Z",
            ),
        ];
        for (query, expected) in cases {
            assert_eq!(options(query).expect(query).path(("ns", "p", "c")), expected, "{query}");
        }
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let invalid = "PodLogOptions \"p\" is invalid: ";
        let cases = [
            (
                "tailLines=-1",
                format!("{invalid}tailLines: Invalid value: -1: must be greater than or equal to 0"),
            ),
            ("limitBytes=0", format!("{invalid}limitBytes: Invalid value: 0: must be greater than 0")),
            ("sinceSeconds=0", format!("{invalid}sinceSeconds: Invalid value: 0: must be greater than 0")),
            (
                "sinceSeconds=0&sinceTime=2026-01-02T03:04:05Z",
                format!(
                    "{invalid}[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
                ),
            ),
            ("stream=All", format!("{invalid}stream: Forbidden: may not be specified")),
            ("tailLines=x", "strconv.ParseInt: parsing \"x\": invalid syntax".into()),
        ];
        for (query, expected) in cases {
            assert_eq!(options(query).expect_err(query), expected, "{query}");
        }
    }
}
