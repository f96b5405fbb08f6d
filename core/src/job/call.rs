//! What stays the same over all steps of a request: the request itself, what its path means, and when it came.

use crate::answer;
use crate::answer::Response;
use crate::caller::Caller;
use crate::config::{Answered, JobId};
use crate::documents::discovery;
use crate::job::Seat;
use crate::kinds::Sub;
use crate::museum::Mutant;
use crate::now::Now;
use crate::rng::Rng;
use crate::status::Failure;
use crate::store::Rev;
use crate::value::Text;
use crate::wire::media::{PatchMedia, patch_media};
use crate::wire::options::{IncludeObject, include_object};
use crate::wire::query::Query;
use crate::wire::route::{RequestInfo, Unroutable};
use crate::wire::verb;
use crate::wire::{Method, Request};
use crate::world::World;
use alloc::sync::Arc;
use bytes::Bytes;

/// A request, and what its path means.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) id: JobId,
    pub(super) request: Request,
    pub(super) query: Query,
    /// What the path asks for, or why it could not be understood.
    pub(super) info: Result<RequestInfo, Unroutable>,
    pub(super) rng: Rng,
    started: Now,
}

impl Call {
    pub(crate) fn new(id: JobId, request: Request, started: Now, rng: Rng) -> Self {
        let query = Query::parse(&request.query);
        let info = RequestInfo::parse(&request.method, &request.path, &query);
        Self { id, query, info, request, rng, started }
    }

    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Whether this is a watch or another stream, to which request limits and timeouts do not apply once it runs.
    /// k8s: staging/src/k8s.io/apiserver/pkg/server/filters/longrunning.go
    pub(crate) fn is_long_running(&self) -> bool {
        let Ok(info) = &self.info else { return false };
        let streams = ["proxy", "log", "exec", "attach", "portforward"];
        info.is_resource && (info.verb == "watch" || streams.contains(&info.subresource.as_str()))
    }

    /// Which of the two limits of concurrent requests this request counts against.
    pub(crate) fn seat(&self) -> Seat {
        let Ok(info) = &self.info else { return Seat::ReadOnly };
        match info.verb.as_str() {
            "get" | "list" | "watch" | "head" | "options" => Seat::ReadOnly,
            _ => Seat::Mutating,
        }
    }

    /// How long the request may take, at most `most`. For a watch or a stream it is the time until it begins.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/filters/request_deadline.go
    pub(crate) fn timeout_millis(&self, most: u64) -> Result<u64, Failure> {
        if self.info.is_err() || self.is_long_running() {
            return Ok(most);
        }
        let asked = self.query.timeout_nanos()?.and_then(|nanos| u64::try_from(nanos).ok());
        let asked = asked.filter(|nanos| *nanos > 0).map(|nanos| nanos.div_ceil(1_000_000));
        Ok(asked.map_or(most, |asked| asked.min(most)))
    }

    pub(crate) fn failure(&self, world: &World, failure: &Failure) -> Response {
        answer::failure(&world.registry, &self.request, failure)
    }

    /// The answer to a request for a kind that has gone since the request was routed: that of a path which was never
    /// served.
    pub(crate) fn gone(&self, world: &World) -> Response {
        let absent = discovery::absent(&world.registry, &self.request.path);
        absent.unwrap_or_else(|failure| self.failure(world, &failure))
    }

    /// The answer to a watch that starts before the oldest known change: a stream that holds one error.
    pub(crate) fn too_old(&self, world: &World, asked: Rev, oldest: Rev) -> Response {
        if world.config.flaw.is(Mutant::ClosedInsteadOfExpired) {
            return Response::json(200, Bytes::new());
        }
        Response::json(200, answer::error_event(&super::fail::too_old(asked, oldest)))
    }

    /// The labels of the request for metrics. Paths that are not served are not put into them, since a client could
    /// otherwise create any number of series.
    pub(crate) fn answered(&self, world: &World, caller: Option<&Caller>, code: u16, now: Now) -> Answered {
        let micros = now.mono.micros_since(self.started.mono);
        let unknown = Answered {
            id: self.id.0,
            verb: self.reported_verb(""),
            dry_run: self.reported_dry_run(),
            code,
            micros,
            user: caller.map_or_else(Text::default, |caller| caller.name.clone()),
            ..Answered::default()
        };
        let Ok(info) = &self.info else { return unknown };
        let Some(resource) = world.registry.find(&info.group, &info.version, &info.resource) else {
            return unknown;
        };
        let served = |sub: &Arc<Sub>| sub.name == info.subresource;
        if !info.subresource.is_empty() && !resource.subs.iter().any(served) {
            return unknown;
        }
        let scope = verb::scope(info);
        Answered {
            verb: self.reported_verb(scope),
            group: info.group.clone(),
            version: info.version.clone(),
            resource: info.resource.clone(),
            subresource: info.subresource.clone(),
            scope,
            ..unknown
        }
    }

    /// Whether a configuration is applied.
    pub(super) fn applies(&self) -> bool {
        let media = patch_media(self.request.header("content-type"), false);
        self.request.method == Method::Patch && media == Ok(PatchMedia::Apply)
    }

    /// The verb as metrics spell it.
    fn reported_verb(&self, scope: &str) -> Text {
        let found = verb::reported_verb(&self.request, &self.query, self.info.as_ref().ok(), scope);
        found.unwrap_or_else(|| "OTHER".into())
    }

    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/metrics/metrics.go cleanDryRun
    fn reported_dry_run(&self) -> &'static str {
        let is_given = self.query.contains("dryRun");
        let is_valid = self.query.all("dryRun").all(|value| value == "All");
        match (is_given, is_valid) {
            (false, _) => "",
            (true, true) => "All",
            (true, false) => "invalid",
        }
    }

    pub(super) fn include(&self) -> Result<IncludeObject, Failure> {
        include_object(&self.query)
    }

    pub(super) fn uid(&self) -> Text {
        self.rng.fork("uid", 0).uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Method, Peer};

    #[test]
    fn a_client_may_shorten_the_time_it_waits() {
        let cases = [
            ("/api/v1/pods", "", Ok(60_000)),
            ("/api/v1/pods", "timeout=3s", Ok(3_000)),
            ("/api/v1/pods", "timeout=1us", Ok(1)),
            ("/api/v1/pods", "timeout=61s", Ok(60_000)),
            ("/api/v1/pods", "timeout=0s", Ok(60_000)),
            ("/api/v1/pods", "timeout=-3s", Ok(60_000)),
            ("/api/v1/pods", "timeout=3", Err(400)),
            ("/api/v1/pods", "timeout=3&watch=1", Ok(60_000)),
            ("/version", "timeout=2m", Ok(60_000)),
        ];
        for (path, query, expected) in cases {
            let request = Request {
                method: Method::Get,
                path: path.into(),
                query: query.into(),
                headers: alloc::vec::Vec::new(),
                has_body: false,
                peer: Peer::None,
                remote_address: "".into(),
            };
            let call = Call::new(JobId(1), request, Now::default(), Rng::new(1));
            assert_eq!(
                call.timeout_millis(60_000).map_err(|failure| failure.code()),
                expected,
                "{path}?{query}"
            );
        }
    }
}
