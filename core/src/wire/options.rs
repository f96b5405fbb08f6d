//! Typed request options: from the query (of a deletion, the body), defaulted and validated.
//! k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go,
//! apis/meta/internalversion/validation/validation.go, apis/meta/internalversion/defaults.go

use super::field_manager::validate_field_manager;
use super::query::{Query, parse_uint};
use crate::selector::{FieldSelector, LabelSelector};
use crate::status::{Causes, Failure, Path, Qualified};
use crate::store::{Rev, token};
use crate::value::{Text, Value};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

fn checked(kind: &str, causes: Causes) -> Result<(), Failure> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(Qualified { group: "meta.k8s.io", name: kind }, "", causes))
}

/// ListOptions of a list, a watch or a deletion of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOptions {
    pub label_selector: LabelSelector,
    pub field_selector: FieldSelector,
    /// The query asks for a watch. A path below `/watch/` makes one without it.
    pub watch: bool,
    pub allow_watch_bookmarks: bool,
    pub resource_version: Text,
    pub resource_version_match: Option<VersionMatch>,
    pub timeout_seconds: Option<i64>,
    /// 0 and below for no limit.
    pub limit: i64,
    pub continue_token: Text,
    pub send_initial_events: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionMatch {
    Exact,
    NotOlderThan,
}

/// Where a list is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListStart {
    /// The newest state at the time of the request.
    Latest,
    /// Any state that the cache has. The limit is ignored, as upstream does when it serves from its cache.
    Any,
    NotOlderThan(Rev),
    Exact(Rev),
    /// A further page, from a key on (inclusive), at a revision; None for the newest one.
    Continue {
        start: Bytes,
        revision: Option<Rev>,
    },
}

impl ListOptions {
    /// 400 for values that cannot be parsed, 422 for options that exclude each other. Whether a field can be selected
    /// by is decided by the kind.
    pub fn from_query(query: &Query) -> Result<Self, Failure> {
        let timeout_seconds = query.int("timeoutSeconds")?;
        let limit = query.int("limit")?.unwrap_or(0);
        let label_selector =
            LabelSelector::parse(query.text("labelSelector")).map_err(Failure::bad_request)?;
        let field_selector =
            FieldSelector::parse(query.text("fieldSelector")).map_err(Failure::bad_request)?;
        let mut options = Self {
            label_selector,
            field_selector,
            watch: query.bool("watch").unwrap_or(false),
            allow_watch_bookmarks: query.bool("allowWatchBookmarks").unwrap_or(false),
            resource_version: query.text("resourceVersion").into(),
            resource_version_match: None,
            timeout_seconds,
            limit,
            continue_token: query.text("continue").into(),
            send_initial_events: query.bool("sendInitialEvents"),
        };
        let mut version_match = query.text("resourceVersionMatch");
        let unset = options.send_initial_events.is_none() && version_match.is_empty();
        if unset && options.watch && matches!(options.resource_version.as_str(), "" | "0") {
            options.send_initial_events = Some(true);
            version_match = "NotOlderThan";
        }
        let causes = if options.watch {
            options.watch_causes(version_match)
        } else {
            options.list_causes(version_match)
        };
        checked("ListOptions", causes)?;
        options.resource_version_match = match version_match {
            "Exact" => Some(VersionMatch::Exact),
            "NotOlderThan" => Some(VersionMatch::NotOlderThan),
            _ => None,
        };
        Ok(options)
    }

    fn list_causes(&self, version_match: &str) -> Causes {
        let path = Path::new("resourceVersionMatch");
        let mut causes = Causes::new();
        if !version_match.is_empty() {
            if self.resource_version.is_empty() {
                causes
                    .forbidden(&path, "resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            if !self.continue_token.is_empty() {
                causes.forbidden(&path, "resourceVersionMatch is forbidden when continue is provided");
            }
            if !matches!(version_match, "Exact" | "NotOlderThan") {
                causes.not_supported(&path, &version_match.into(), &["Exact", "NotOlderThan", ""]);
            }
            if version_match == "Exact" && self.resource_version == "0" {
                let detail = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                causes.forbidden(&path, detail);
            }
        }
        if self.send_initial_events.is_some() {
            causes.forbidden(&Path::new("sendInitialEvents"), "sendInitialEvents is forbidden for list");
        }
        causes
    }

    fn watch_causes(&self, version_match: &str) -> Causes {
        let path = Path::new("resourceVersionMatch");
        let mut causes = Causes::new();
        if self.send_initial_events.is_some() && version_match != "NotOlderThan" {
            let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            causes.forbidden(&path, detail);
        }
        if !version_match.is_empty() {
            if self.send_initial_events.is_none() {
                let detail =
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                causes.forbidden(&path, detail);
            }
            if version_match != "NotOlderThan" {
                causes.not_supported(&path, &version_match.into(), &["NotOlderThan"]);
            }
            if !self.continue_token.is_empty() {
                causes.forbidden(&path, "resourceVersionMatch is forbidden when continue is provided");
            }
        }
        causes
    }

    /// Narrows the options to one object, of a path that names it.
    /// k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/get.go ListResource
    pub fn restrict_to_name(&mut self, name: &str) -> Result<(), Failure> {
        if self.field_selector.is_everything() {
            self.field_selector = FieldSelector::of_name(name);
            return Ok(());
        }
        if self.field_selector.requires_exact_match("metadata.name") == Some(name) {
            return Ok(());
        }
        Err(Failure::bad_request("fieldSelector metadata.name doesn't match requested name"))
    }

    /// Where a list with these options is read from; `prefix` begins all its keys.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/interfaces.go ValidateListOptions
    pub fn list_start(&self, prefix: &[u8]) -> Result<ListStart, Failure> {
        if !self.continue_token.is_empty() {
            let token = token::decode(&self.continue_token, prefix)
                .map_err(|why| Failure::bad_request(format!("invalid continue token: {why}")))?;
            if !matches!(self.resource_version.as_str(), "" | "0") {
                let why = "specifying resource version is not allowed when using continue";
                return Err(Failure::bad_request(why));
            }
            let revision = u64::try_from(token.revision).ok().map(Rev);
            return Ok(ListStart::Continue { start: token.start, revision });
        }
        if self.resource_version.is_empty() {
            return Ok(ListStart::Latest);
        }
        let revision = parse_resource_version(&self.resource_version)
            .map_err(|why| Failure::bad_request(format!("invalid resource version: {why}")))?;
        Ok(match (revision, self.resource_version_match) {
            (revision, Some(VersionMatch::Exact)) => ListStart::Exact(revision),
            (Rev(0), Some(VersionMatch::NotOlderThan) | None) => ListStart::Any,
            (revision, Some(VersionMatch::NotOlderThan)) => ListStart::NotOlderThan(revision),
            (revision, None) if self.limit > 0 => ListStart::Exact(revision),
            (revision, None) => ListStart::NotOlderThan(revision),
        })
    }
}

/// A resource version as a revision; the empty text is `Rev(0)`. The error is a field error's line. A list wraps it
/// in `invalid resource version: ` (400), a get answers with it alone (500), and a watch makes it the resource's
/// Invalid (422).
/// k8s: staging/src/k8s.io/apiserver/pkg/storage/api_object_versioner.go ParseResourceVersion
pub fn parse_resource_version(text: &str) -> Result<Rev, String> {
    if text.is_empty() {
        return Ok(Rev(0));
    }
    parse_uint(text).map(Rev).map_err(|why| {
        let mut causes = Causes::new();
        causes.invalid(&Path::new("resourceVersion"), &text.into(), &why);
        causes.summary()
    })
}

/// CreateOptions, UpdateOptions and PatchOptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    pub dry_run: bool,
    /// Empty when the client gave none.
    pub field_manager: Text,
    pub field_validation: FieldValidation,
    /// For an apply patch: take fields over from other managers.
    pub force: bool,
}

/// How unknown and duplicate fields of a body are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl WriteOptions {
    pub fn for_create(query: &Query) -> Result<Self, Failure> {
        Self::from_query(query, "CreateOptions", Causes::new())
    }

    pub fn for_update(query: &Query) -> Result<Self, Failure> {
        Self::from_query(query, "UpdateOptions", Causes::new())
    }

    pub fn for_patch(query: &Query, apply: bool) -> Result<Self, Failure> {
        let mut causes = Causes::new();
        if !apply && query.contains("force") {
            causes.forbidden(&Path::new("force"), "may not be specified for non-apply patch");
        }
        if apply && query.text("fieldManager").is_empty() {
            causes.required(&Path::new("fieldManager"), "is required for apply patch");
        }
        Self::from_query(query, "PatchOptions", causes)
    }

    fn from_query(query: &Query, kind: &str, mut causes: Causes) -> Result<Self, Failure> {
        let field_manager = query.text("fieldManager");
        validate_field_manager(field_manager, &Path::new("fieldManager"), &mut causes);
        let dry_run: Vec<&str> = query.all("dryRun").collect();
        validate_dry_run(&dry_run, &mut causes);
        let field_validation = match query.text("fieldValidation") {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                causes.not_supported(&Path::new("fieldValidation"), &other.into(), &supported);
                FieldValidation::Warn
            }
        };
        checked(kind, causes)?;
        Ok(Self {
            dry_run: !dry_run.is_empty(),
            field_manager: field_manager.into(),
            field_validation,
            force: query.bool("force").unwrap_or(false),
        })
    }
}

fn validate_dry_run(values: &[&str], causes: &mut Causes) {
    if values.iter().any(|value| *value != "All") {
        let shown = Value::list(values.iter().map(|value| Value::from(*value)).collect());
        causes.not_supported(&Path::new("dryRun"), &shown, &["All"]);
    }
}

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Foreground,
    Background,
    Orphan,
}

/// DeleteOptions, from the body when there is one, else from the query.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeleteOptions {
    pub dry_run: bool,
    /// As sent. A negative value is treated as 1 later.
    pub grace_period_seconds: Option<i64>,
    pub precondition_uid: Option<Text>,
    pub precondition_resource_version: Option<Text>,
    /// Deprecated; not set together with `propagation_policy`.
    pub orphan_dependents: Option<bool>,
    pub propagation_policy: Option<Propagation>,
}

impl DeleteOptions {
    /// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/conversion.go Convert_url_Values_To_v1_DeleteOptions
    pub fn from_query(query: &Query) -> Result<Self, Failure> {
        let precondition = |name| query.first(name).filter(|text| !text.is_empty()).map(Text::from);
        let options = Self {
            grace_period_seconds: query.int("gracePeriodSeconds")?,
            precondition_uid: precondition("uid"),
            precondition_resource_version: precondition("resourceVersion"),
            orphan_dependents: query.bool("orphanDependents"),
            ..Self::default()
        };
        options.checked(query.first("propagationPolicy"), &query.all("dryRun").collect::<Vec<_>>())
    }

    /// Reads a body with the fields of `meta.v1.DeleteOptions`.
    pub fn from_body(body: &Value) -> Result<Self, Failure> {
        let text = |path: &[&str]| body.at(path).and_then(Value::as_str).map(Text::from);
        let options = Self {
            grace_period_seconds: body.field("gracePeriodSeconds").and_then(Value::as_int),
            precondition_uid: text(&["preconditions", "uid"]),
            precondition_resource_version: text(&["preconditions", "resourceVersion"]),
            orphan_dependents: body.field("orphanDependents").and_then(Value::as_bool),
            ..Self::default()
        };
        let dry_run = body.field("dryRun").and_then(Value::as_list).unwrap_or_default();
        let dry_run: Vec<&str> = dry_run.iter().filter_map(Value::as_str).collect();
        options.checked(body.field("propagationPolicy").and_then(Value::as_str), &dry_run)
    }

    fn checked(self, policy: Option<&str>, dry_run: &[&str]) -> Result<Self, Failure> {
        let path = Path::new("propagationPolicy");
        let mut causes = Causes::new();
        let shown = Value::from(policy.unwrap_or(""));
        if self.orphan_dependents.is_some() && policy.is_some() {
            causes.invalid(&path, &shown, "orphanDependents and deletionPropagation cannot be both set");
        }
        let propagation_policy = match policy {
            None => None,
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Background") => Some(Propagation::Background),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(_) => {
                causes.not_supported(&path, &shown, &["Foreground", "Background", "Orphan", "nil"]);
                None
            }
        };
        validate_dry_run(dry_run, &mut causes);
        checked("DeleteOptions", causes)?;
        Ok(Self { dry_run: !dry_run.is_empty(), propagation_policy, ..self })
    }
}

/// How much of an object a Table's rows carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IncludeObject {
    None,
    Metadata,
    Object,
}

/// TableOptions. k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/response.go
pub fn include_object(query: &Query) -> Result<IncludeObject, Failure> {
    match query.text("includeObject") {
        "" | "Metadata" => Ok(IncludeObject::Metadata),
        "None" => Ok(IncludeObject::None),
        "Object" => Ok(IncludeObject::Object),
        other => {
            let mut causes = Causes::new();
            let detail = "must be 'Metadata', 'Object', 'None', or empty";
            causes.invalid(&Path::new("includeObject"), &other.into(), detail);
            let why = causes.summary();
            Err(Failure::bad_request(format!("Unable to convert to Table as requested: {why}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(query: &str) -> Result<ListOptions, Failure> {
        ListOptions::from_query(&Query::parse(query))
    }

    #[test]
    fn options_that_do_not_fit_are_refused_as_upstream_does() {
        let write = |query: &str| WriteOptions::for_patch(&Query::parse(query), false).unwrap_err();
        let apply = |query: &str| WriteOptions::for_patch(&Query::parse(query), true).unwrap_err();
        let delete = |query: &str| DeleteOptions::from_query(&Query::parse(query)).unwrap_err();
        let start = |query: &str| list(query).unwrap().list_start(b"/registry/pods/a/").unwrap_err();
        let failed = |query: &str| list(query).unwrap_err();
        const EXACT: &str = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        let table = [
            (failed("limit=x"), "strconv.ParseInt: parsing \"x\": invalid syntax"),
            (failed("labelSelector=%3D%3D"), "found '==', expected: !, identifier, or 'end of string'"),
            (
                failed("resourceVersionMatch=Exact"),
                &format!("ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: {EXACT}"),
            ),
            (
                failed("resourceVersion=1&resourceVersionMatch=Bogus"),
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \
                 \"Bogus\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
            ),
            (
                failed("sendInitialEvents=true&watch=1"),
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: \
                 sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ),
            (
                start("resourceVersion=abc"),
                "invalid resource version: resourceVersion: Invalid value: \"abc\": \
                 strconv.ParseUint: parsing \"abc\": invalid syntax",
            ),
            (
                start("continue=garbage"),
                "invalid continue token: continue key is not valid: \
                 invalid character '\\u0081' looking for beginning of value",
            ),
            (
                write("force=true"),
                "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: \
                 may not be specified for non-apply patch",
            ),
            (
                write("dryRun=Some"),
                "PatchOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Some\"]: \
                 supported values: \"All\"",
            ),
            (
                write("fieldValidation=Loose"),
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Loose\": \
                 supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
            ),
            (
                apply(""),
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: \
                 is required for apply patch",
            ),
            (
                delete("propagationPolicy=Nope"),
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Nope\": \
                 supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
            ),
            (
                delete("propagationPolicy=Orphan&orphanDependents=true"),
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"Orphan\": \
                 orphanDependents and deletionPropagation cannot be both set",
            ),
        ];
        for (failure, expected) in table {
            assert_eq!(failure.message(), expected);
        }
    }

    #[test]
    fn lists_start_where_upstream_starts_them() {
        let prefix = b"/registry/pods/a/";
        let token = token::encode(b"/registry/pods/a/b\0", prefix, 7).unwrap();
        let inconsistent = token::encode(b"/registry/pods/a/b\0", prefix, -1).unwrap();
        let start = Bytes::from_static(b"/registry/pods/a/b\0");
        let table = [
            (String::new(), ListStart::Latest),
            ("resourceVersion=0&limit=5".into(), ListStart::Any),
            ("resourceVersion=5".into(), ListStart::NotOlderThan(Rev(5))),
            ("resourceVersion=5&limit=2".into(), ListStart::Exact(Rev(5))),
            (
                "resourceVersion=5&limit=2&resourceVersionMatch=NotOlderThan".into(),
                ListStart::NotOlderThan(Rev(5)),
            ),
            ("resourceVersion=5&resourceVersionMatch=Exact".into(), ListStart::Exact(Rev(5))),
            (
                format!("continue={token}"),
                ListStart::Continue { start: start.clone(), revision: Some(Rev(7)) },
            ),
            (format!("continue={inconsistent}"), ListStart::Continue { start, revision: None }),
        ];
        for (query, expected) in table {
            assert_eq!(list(&query).unwrap().list_start(prefix), Ok(expected), "{query}");
        }
        let watch = list("watch=1").unwrap();
        assert_eq!(watch.send_initial_events, Some(true));
        assert_eq!(watch.resource_version_match, Some(VersionMatch::NotOlderThan));
        assert_eq!(list("watch=1&resourceVersion=5").unwrap().send_initial_events, None);
    }
}
