//! A line in the log for each request, with upstream's message and keys. They are off by default, and then a request
//! costs one comparison.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/httplog/httplog.go

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http::HeaderValue;
use steersman_core::value::duration;
use steersman_core::wire::{Request, normalized_verb};
use tracing::Level;

/// The longest audit id that a line shows.
/// k8s: staging/src/k8s.io/apiserver/pkg/audit/context.go GetAuditIDTruncated
const AUDIT_ID_BYTES_MAX: usize = 64;

/// When a request began whose line is going to be written; None when no lines are written.
pub(crate) fn begin() -> Option<Instant> {
    tracing::enabled!(target: "httplog", Level::DEBUG).then(Instant::now)
}

/// What is known of a request. The line is written when this is dropped, which is when the answer was sent, a watch or
/// a tunnel has ended, or the client has gone.
#[derive(Debug)]
pub(crate) struct RequestLine {
    began: Instant,
    request: LoggedRequest,
    audit_id: String,
    source: Option<SocketAddr>,
    answer: LoggedAnswer,
}

#[derive(Debug)]
struct LoggedRequest {
    verb: String,
    uri: String,
    user_agent: String,
}

/// How a request was answered, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoggedAnswer {
    /// With this HTTP status; 0 before there is an answer.
    Status(u16),
    /// The connection was joined with that of another server.
    Hijacked,
}

impl RequestLine {
    /// `source` is None for requests that came over no connection.
    pub(crate) fn new(
        began: Instant,
        request: &Request,
        audit_id: &HeaderValue,
        source: Option<SocketAddr>,
    ) -> Box<Self> {
        let uri = match request.query.as_str() {
            "" => request.path.clone(),
            query => format!("{}?{query}", request.path),
        };
        let mut audit_id = String::from_utf8_lossy(audit_id.as_bytes()).into_owned();
        while audit_id.len() > AUDIT_ID_BYTES_MAX {
            audit_id.pop();
        }
        let user_agent = request.header("user-agent").unwrap_or_default().to_owned();
        let request = LoggedRequest { verb: normalized_verb(request).to_string(), uri, user_agent };
        Box::new(Self { began, request, audit_id, source, answer: LoggedAnswer::Status(0) })
    }

    pub(crate) fn answered(&mut self, answer: LoggedAnswer) {
        self.answer = answer;
    }

    fn write(&self, latency: Duration) {
        let latency = duration::text(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        let LoggedRequest { verb, uri, user_agent } = &self.request;
        let (verb, uri, user_agent, latency) =
            (verb.as_str(), uri.as_str(), user_agent.as_str(), latency.as_str());
        let (audit_id, source) =
            (self.audit_id.as_str(), self.source.map_or_else(String::new, |address| address.to_string()));
        let source = source.as_str();
        let (hijacked, resp) = match self.answer {
            LoggedAnswer::Hijacked => (Some(true), None),
            LoggedAnswer::Status(status) => (None, Some(status)),
        };
        tracing::debug!(
            target: "httplog",
            verb,
            URI = uri,
            latency,
            userAgent = user_agent,
            "audit-ID" = audit_id,
            srcIP = source,
            hijacked,
            resp,
            "HTTP"
        );
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        self.write(self.began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use crate::in_process::InProcess;
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};
    use tower_service::Service;
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// Keeps the fields of requests.
    struct Keeping(Arc<Mutex<Vec<String>>>);

    #[derive(Default)]
    struct Written(Vec<String>);

    impl Visit for Written {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.push(format!("{}={value:?}", field.name()));
        }
    }

    impl Subscriber for Keeping {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "httplog"
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &Event<'_>) {
            let mut written = Written::default();
            event.record(&mut written);
            self.0.lock().expect("nobody panics").push(written.0.join(" "));
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[tokio::test]
    async fn a_request_is_a_line_when_its_answer_was_sent() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let _guard = tracing::subscriber::set_default(Keeping(Arc::clone(&lines)));
        let taken = || std::mem::take(&mut *lines.lock().expect("nobody panics"));
        let server = InProcess::start(1).await;
        assert_eq!(taken(), Vec::<String>::new(), "what the server does by itself is no request");
        let send = |path: &str| {
            let request =
                http::Request::get(path).header("user-agent", "a \"b\"").header("audit-id", "x".repeat(70));
            server.service().call(request.body(Full::new(Bytes::new())).expect("a request"))
        };
        let answer = send("/api/v1/pods?limit=5").await.expect("an answer");
        assert_eq!(taken(), Vec::<String>::new(), "the answer was not sent yet");
        answer.into_body().collect().await.expect("a body");
        let found = taken();
        let [line] = found.as_slice() else { panic!("{found:?}") };
        let parts = [
            "message=HTTP verb=\"LIST\" URI=\"/api/v1/pods?limit=5\" latency=\"",
            "s\" userAgent=\"a \\\"b\\\"\" ",
        ];
        assert!(line.starts_with(parts[0]) && line.contains(parts[1]), "{line}");
        let ending = format!("audit-ID=\"{}\" srcIP=\"\" resp=200", "x".repeat(64));
        assert!(line.ends_with(&ending), "{line}");
        let absent = send("/api/v1/namespaces/default/pods/none").await.expect("an answer");
        absent.into_body().collect().await.expect("a body");
        assert!(taken()[0].ends_with(" resp=404"));
        // A watch is a line when it has ended.
        let watch = send("/api/v1/pods?watch=1").await.expect("an answer");
        assert_eq!(taken(), Vec::<String>::new());
        drop(watch);
        let found = taken();
        assert!(found[0].contains("verb=\"WATCH\"") && found[0].ends_with(" resp=200"), "{found:?}");
    }
}
