//! The negotiated form of a response, and the encoding of a request body.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/negotiate.go, and the check that its web
//! framework makes before every handler

use crate::codec::yaml;
use crate::limits;
use crate::status::{Failure, Reason};
use crate::value::Value;
use crate::wire::Request;
use crate::wire::media::{JSON, MEDIA_TYPES, YAML, refused_by_route};
use crate::wire::query::Query;
use alloc::format;
use alloc::vec::Vec;

/// The encoding of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Json,
    Yaml,
}

/// A version of the meta.k8s.io group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MetaVersion {
    V1,
    V1beta1,
}

impl MetaVersion {
    /// `meta.k8s.io/v1`, as the `apiVersion` of what is made for it.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1beta1 => "meta.k8s.io/v1beta1",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        match word {
            "v1" => Some(Self::V1),
            "v1beta1" => Some(Self::V1beta1),
            _ => None,
        }
    }
}

/// The shape that an object is converted to before it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Representation {
    /// The object or list itself.
    Full,
    Table(MetaVersion),
    /// PartialObjectMetadata, for one object or each event of a watch.
    Metadata(MetaVersion),
    /// PartialObjectMetadataList, for a list.
    MetadataList(MetaVersion),
}

/// A negotiated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    pub media: Media,
    pub representation: Representation,
    /// Indented JSON; YAML has one style only.
    pub pretty: bool,
}

/// The kind of a path, which decides the forms of its responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// One object of a built-in resource, or a write to it.
    Object,
    /// A list of a built-in resource.
    List,
    /// Anything of a custom resource.
    Custom,
    /// The log of a pod, which is plain text; what else is answered is an object.
    Log,
    /// Discovery and the like, which have neither Table nor metadata-only forms.
    Plain,
}

const STREAM_MEDIA_TYPES: [&str; 2] =
    ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
impl Form {
    pub const JSON: Self = Self { media: Media::Json, representation: Representation::Full, pretty: false };

    /// Negotiates the form of the response to `request`. 406 when the client accepts none that `endpoint` has.
    pub fn negotiate(request: &Request, endpoint: Endpoint) -> Result<Self, Failure> {
        let accept = request.header("accept").unwrap_or("");
        Self::guard(request, endpoint)?;
        let form = choose(accept, endpoint).ok_or_else(|| Failure::not_acceptable(&MEDIA_TYPES))?;
        Ok(Self { pretty: form.media == Media::Json && (form.pretty || wants_pretty(request)), ..form })
    }

    /// The check that a route makes before anything else: 406 when the client accepts none of its media types.
    pub fn guard(request: &Request, endpoint: Endpoint) -> Result<(), Failure> {
        let accept = request.header("accept").unwrap_or("");
        match endpoint {
            Endpoint::Object | Endpoint::Plain => guard_route(accept, &MEDIA_TYPES),
            Endpoint::List => {
                let all: Vec<&str> = MEDIA_TYPES.into_iter().chain(STREAM_MEDIA_TYPES).collect();
                guard_route(accept, &all)
            }
            Endpoint::Log => {
                let all: Vec<&str> = ["text/plain"].into_iter().chain(MEDIA_TYPES).collect();
                guard_route(accept, &all)
            }
            Endpoint::Custom => Ok(()),
        }
    }

    /// This form for the events of a watch. 406 for YAML, which does not stream.
    pub fn streamed(self) -> Result<Self, Failure> {
        match self.media {
            Media::Json => Ok(Self { pretty: false, ..self }),
            Media::Yaml => Err(Failure::not_acceptable(&STREAM_MEDIA_TYPES)),
        }
    }

    /// The form of an error. It never fails: a client that accepts none gets indented JSON.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/writers.go
    pub fn for_error(request: &Request) -> Self {
        match choose(request.header("accept").unwrap_or(""), Endpoint::Plain) {
            Some(form) => {
                Self { pretty: form.media == Media::Json && (form.pretty || wants_pretty(request)), ..form }
            }
            None => Self { pretty: true, ..Self::JSON },
        }
    }

    /// The value of the content-type header.
    pub fn content_type(self) -> &'static str {
        match self.media {
            Media::Json => JSON,
            Media::Yaml => YAML,
        }
    }

    /// Encodes a response from its value, or from its compact JSON (in wire order, without a line end). Like Go's
    /// encoders, it ends compact JSON with a line end, but not indented JSON.
    pub fn encode(self, value: &Value, compact: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        match self.media {
            Media::Yaml => yaml::to_string(value).into_bytes(),
            Media::Json if self.pretty => pretty(&compact()),
            Media::Json => {
                let mut out = compact();
                out.push(b'\n');
                out
            }
        }
    }
}

/// The check of a route that can only answer in some media types: 406 unless `accept` names one of
/// them, or anything (`*/*`; not `application/*`), or is empty. k8s: go-restful's jsr311 router.
pub fn guard_route(accept: &str, produces: &[&str]) -> Result<(), Failure> {
    let fits = |clause: &str| {
        let media_type = clause.split(';').next().unwrap_or("").trim();
        media_type == "*/*" || produces.contains(&media_type)
    };
    if accept.is_empty() || accept.split(',').any(fits) {
        return Ok(());
    }
    let message = format!("406: Not Acceptable\n\nAvailable representations: {}", produces.join(", "));
    Err(refused_by_route(Reason::NotAcceptable, &message))
}

/// JSON indented by two spaces, as Go's MarshalIndent writes it: without a line end. `json` must be
/// valid; its own white space is dropped.
pub fn pretty(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() + json.len() / 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    // An opened list or map whose first member is still to come: an empty one stays on its line.
    let mut opened = false;
    for &byte in json {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        if matches!(byte, b'}' | b']') {
            depth = depth.saturating_sub(1);
            if !opened {
                break_line(&mut out, depth);
            }
            opened = false;
            out.push(byte);
            continue;
        }
        if opened {
            break_line(&mut out, depth);
            opened = false;
        }
        out.push(byte);
        match byte {
            b'{' | b'[' => {
                depth += 1;
                opened = true;
            }
            b',' => break_line(&mut out, depth),
            b':' => out.push(b' '),
            b'"' => in_string = true,
            _ => {}
        }
    }
    out
}

fn break_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + 2 * depth, b' ');
}

/// Whether `pretty` or, without it, the sort of client asks for indented JSON.
pub fn wants_pretty(request: &Request) -> bool {
    if !request.query.is_empty() {
        let query = Query::parse(&request.query);
        if !query.text("pretty").is_empty() {
            return query.pretty() == Some(true);
        }
    }
    let agent = request.header("user-agent").unwrap_or("");
    ["curl", "Wget", "Mozilla/5.0"].iter().any(|person| agent.starts_with(person))
}

/// The best clause that names an offered media type with allowed parameters.
fn choose(accept: &str, endpoint: Endpoint) -> Option<Form> {
    if accept.is_empty() {
        return Some(Form::JSON);
    }
    parse_accept(accept).iter().find_map(|clause| {
        [Media::Json, Media::Yaml]
            .into_iter()
            .find_map(|media| if clause.names(media) { clause.form(media, endpoint) } else { None })
    })
}

/// One choice of an Accept header.
struct Clause<'a> {
    kind: &'a str,
    sub_kind: &'a str,
    quality: f32,
    parameters: Vec<(&'a str, &'a str)>,
}

impl Clause<'_> {
    fn names(&self, media: Media) -> bool {
        let sub_kind = match media {
            Media::Json => "json",
            Media::Yaml => "yaml",
        };
        match (self.kind, self.sub_kind) {
            ("*", "*") | ("application", "*") => true,
            ("application", named) => named == sub_kind,
            _ => false,
        }
    }

    /// The last value of a parameter.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(held, _)| *held == name).map(|(_, value)| *value)
    }

    fn form(&self, media: Media, endpoint: Endpoint) -> Option<Form> {
        let stream_refused = self.parameter("stream").is_some_and(|stream| match media {
            Media::Json => !matches!(stream, "" | "watch"),
            Media::Yaml => !stream.is_empty(),
        });
        if stream_refused || self.parameter("sv").is_some_and(|version| !version.is_empty()) {
            return None;
        }
        let converts = ["as", "g", "v"].iter().any(|name| self.parameter(name).is_some());
        let shape = if converts { self.shape(endpoint)? } else { Representation::Full };
        Some(Form { media, representation: shape, pretty: self.parameter("pretty") == Some("1") })
    }

    fn shape(&self, endpoint: Endpoint) -> Option<Representation> {
        if endpoint == Endpoint::Plain || self.parameter("g") != Some("meta.k8s.io") {
            return None;
        }
        let version = MetaVersion::parse(self.parameter("v")?)?;
        match self.parameter("as")? {
            "Table" => Some(Representation::Table(version)),
            "PartialObjectMetadata" => Some(Representation::Metadata(version)),
            "PartialObjectMetadataList" => Some(Representation::MetadataList(version)),
            _ => None,
        }
    }
}

/// The clauses of an Accept header, best first; malformed ones are left out, those past
/// `limits::ACCEPT_CLAUSES` are not read. k8s: munnerz/goautoneg
fn parse_accept(header: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<Clause<'_>> = Vec::new();
    for part in header.split(',').take(limits::ACCEPT_CLAUSES) {
        let Some(clause) = parse_clause(part.trim()) else { continue };
        // Upstream's comparison is not a valid order (a lower quality may precede a wildcard), so its result depends
        // on its algorithm, which is insertion sort.
        let mut at = clauses.len();
        while at > 0 && clauses.get(at - 1).is_some_and(|before| is_better(&clause, before)) {
            at -= 1;
        }
        clauses.insert(at, clause);
    }
    clauses
}

fn is_better(one: &Clause<'_>, other: &Clause<'_>) -> bool {
    one.quality > other.quality
        || (one.kind != "*" && other.kind == "*")
        || (one.sub_kind != "*" && other.sub_kind == "*")
}

fn parse_clause(part: &str) -> Option<Clause<'_>> {
    let mut pieces = part.split(';');
    let (kind, sub_kind) = match pieces.next()?.split_once('/') {
        None | Some((_, "")) if part.split([';', '/']).next()?.trim() == "*" => ("*", "*"),
        None | Some((_, "")) => return None,
        Some((_, sub_kind)) if sub_kind.trim_end_matches('/').contains('/') => return None,
        Some((kind, sub_kind)) => (kind.trim(), sub_kind.trim_end_matches('/').trim()),
    };
    let mut clause = Clause { kind, sub_kind, quality: 1.0, parameters: Vec::new() };
    for piece in pieces.take(limits::ACCEPT_CLAUSES) {
        let Some((name, value)) = piece.split_once('=') else { continue };
        if value.is_empty() || value.contains('=') {
            continue;
        }
        if name.trim() == "q" {
            clause.quality = value.parse().ok().filter(|quality: &f32| quality.is_finite()).unwrap_or(0.0);
        } else {
            clause.parameters.push((name.trim(), value.trim()));
        }
    }
    Some(clause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Method, Peer};
    use alloc::string::{String, ToString};

    fn request(accept: &str, query: &str, agent: &str) -> Request {
        let headers = [("accept", accept), ("user-agent", agent)];
        Request {
            method: Method::Get,
            path: "/api/v1/pods".into(),
            query: query.into(),
            headers: headers.iter().map(|(name, value)| ((*name).into(), value.to_string())).collect(),
            has_body: false,
            peer: Peer::None,
            remote_address: "192.0.2.1".into(),
        }
    }

    #[test]
    fn accept_headers_are_negotiated_as_upstream_does() {
        use {Media::*, MetaVersion::*, Representation::*};
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;\
                       g=meta.k8s.io,application/json";
        let informer = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,\
                        application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
        let cases = [
            ("", Endpoint::Object, Some((Json, Full))),
            ("*/*", Endpoint::Object, Some((Json, Full))),
            ("*", Endpoint::Custom, Some((Json, Full))),
            ("application/*", Endpoint::Custom, Some((Json, Full))),
            ("application/*", Endpoint::Object, None),
            ("application/yaml", Endpoint::Object, Some((Yaml, Full))),
            ("application/nope, application/json;q=0.5", Endpoint::Object, Some((Json, Full))),
            ("application/json;q=0.1,application/yaml;q=0.9", Endpoint::Object, Some((Yaml, Full))),
            ("*/*, application/yaml;q=0.5", Endpoint::Object, Some((Yaml, Full))),
            ("application/vnd.kubernetes.protobuf,application/json", Endpoint::Object, Some((Json, Full))),
            ("application/vnd.kubernetes.protobuf", Endpoint::Object, None),
            ("text/html", Endpoint::List, None),
            (table, Endpoint::List, Some((Json, Table(V1)))),
            (table, Endpoint::Plain, None),
            (kubectl, Endpoint::Custom, Some((Json, Table(V1)))),
            (kubectl, Endpoint::Plain, Some((Json, Full))),
            (informer, Endpoint::List, Some((Json, MetadataList(V1)))),
            (
                "application/json;as=Table;v=v1beta1;g=meta.k8s.io",
                Endpoint::List,
                Some((Json, Table(V1beta1))),
            ),
            ("application/json;as=Table;v=v2;g=meta.k8s.io", Endpoint::List, None),
            ("application/json;as=Bogus;v=v1;g=meta.k8s.io", Endpoint::List, None),
            ("application/json;stream=watch", Endpoint::List, Some((Json, Full))),
            ("application/json;stream=other", Endpoint::List, None),
            ("application/yaml;stream=watch", Endpoint::List, None),
        ];
        for (accept, endpoint, wanted) in cases {
            let form = Form::negotiate(&request(accept, "", ""), endpoint);
            assert_eq!(
                form.ok().map(|form| (form.media, form.representation)),
                wanted,
                "{accept} {endpoint:?}"
            );
        }
    }

    #[test]
    fn refusals_say_what_upstream_says() {
        let refusal = |accept: &str| Form::negotiate(&request(accept, "", ""), Endpoint::Object).unwrap_err();
        assert_eq!(
            refusal("application/json;as=Bogus;v=v1;g=meta.k8s.io").message(),
            "only the following media types are accepted: application/json, application/yaml, \
             application/vnd.kubernetes.protobuf"
        );
        let by_route = refusal("text/html");
        assert!(
            by_route
                .message()
                .starts_with("406: Not Acceptable\n\nAvailable representations: application/json, ")
        );
        assert_eq!(by_route.to_value().field("details"), Some(&crate::value::Value::empty_map()));
    }

    #[test]
    fn people_get_indented_json() {
        let is_pretty = |query: &str, agent: &str| {
            Form::negotiate(&request("*/*", query, agent), Endpoint::Object).unwrap().pretty
        };
        for (query, agent, wanted) in [
            ("", "kubectl/v1.36.0", false),
            ("", "curl/8.5.0", true),
            ("pretty=0", "curl/8.5.0", false),
            ("limit=1&pretty=true", "kubectl/v1.36.0", true),
            ("pretty=", "Mozilla/5.0 (X11)", true),
        ] {
            assert_eq!(is_pretty(query, agent), wanted, "{query} {agent}");
        }
        assert!(Form::for_error(&request("text/html", "", "")).pretty);
    }

    #[test]
    fn indented_as_go_does() {
        let samples = [
            r#"{}"#,
            r#"{"a":[],"b":{},"c":[1,[2,{}],"x\"{,}[:\\"],"d":{"e":null}}"#,
            r#""only text""#,
            r#"[[[]]]"#,
        ];
        for sample in samples {
            let value: serde_json::Value = serde_json::from_str(sample).unwrap();
            let wanted = serde_json::to_string_pretty(&value).unwrap();
            assert_eq!(String::from_utf8(pretty(sample.as_bytes())).unwrap(), wanted);
            assert_eq!(pretty(wanted.as_bytes()), wanted.as_bytes(), "indenting twice changes nothing");
        }
    }
}
