//! Paths that name no resource: discovery, health, OpenAPI, metrics.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/handler.go, server/routes

use super::{Next, Scene};
use crate::answer::{Body, MetricsPage, Response};
use crate::authorization::Permit;
use crate::documents::{aggregation, discovery, health, openapi, openid};
use crate::status::Failure;
use crate::value::Text;
use crate::wire::Method;

/// Answers the request. Discovery paths below a version, `/version` and the issuer's paths take only GET. All other
/// paths take any method, even those that are not served.
pub(super) fn respond(scene: &Scene<'_>, permit: &Permit<'_>) -> Result<Next, Failure> {
    let request = &scene.call.request;
    let registry = &scene.world.registry;
    let path = permit.path();
    if let Some(response) = metrics(&request.method, path) {
        return Ok(Next::Done(response));
    }
    let unlisted = (!scene.world.synced()).then_some("the store has not been read yet");
    let unreadable = scene.world.unreadable_at_start();
    let health = health::Health {
        store: scene.world.illness().map(Text::as_str).or(unlisted),
        storage: unreadable.as_deref().or(unlisted),
        caches: scene.world.synced(),
        done: scene.world.done,
        stopping: scene.world.draining,
    };
    if let Some(response) = health::respond(health, path, scene.call.query.pairs()) {
        return Ok(Next::Done(response));
    }
    let remote = aggregation::remote_versions(scene.world);
    if let Some(response) = openapi::respond(registry, &remote, request, path, scene.call.query.first("hash"))
    {
        let is_index = path == "/openapi/v3";
        return Ok(Next::Done(if is_index {
            aggregation::with_openapi(response, &remote)
        } else {
            response
        }));
    }
    let config = &scene.world.config;
    if let Some(response) = openid::respond(config, request, path)? {
        return Ok(Next::Done(response));
    }
    let issuer_paths = openid::paths(config);
    let found = discovery::respond(registry, &remote, request, path, &config.advertised, issuer_paths)?;
    if let Some(response) = found {
        return Ok(Next::Done(response));
    }
    Ok(Next::Done(discovery::absent(registry, path)?))
}

/// k8s: staging/src/k8s.io/component-base/metrics/http.go HandlerWithReset
fn metrics(method: &Method, path: &str) -> Option<Response> {
    let page = match path {
        "/metrics" => MetricsPage::General,
        "/metrics/slis" => MetricsPage::HealthChecks,
        _ => return None,
    };
    let response = match method {
        Method::Delete => Response { body: Body::MetricsReset(page), ..Response::text(200, "") },
        Method::Get
        | Method::Head
        | Method::Post
        | Method::Put
        | Method::Patch
        | Method::Options
        | Method::Other(_) => {
            const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
            Response { body: Body::Metrics(page), ..Response::new(200, FORMAT, "") }
        }
    };
    Some(response)
}
