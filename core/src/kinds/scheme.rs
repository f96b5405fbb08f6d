//! The kinds that upstream knows, whether it serves them or not: what it says of a body that is of another kind
//! or version than the request is about.
//! k8s: staging/src/k8s.io/apimachinery/pkg/runtime/{scheme,error}.go, the register.go files of staging and pkg/apis

use crate::value::quoted;
use alloc::format;
use alloc::string::{String, ToString};

const TEXT: &str = include_str!("scheme.txt");

/// The version of a group that is in memory only, and has no JSON.
pub const INTERNAL: &str = "__internal";

/// The kinds that every external group version has, of metav1.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/register.go AddToGroupVersion
const OF_EVERY_VERSION: [&str; 7] = [
    "WatchEvent",
    "ListOptions",
    "GetOptions",
    "DeleteOptions",
    "CreateOptions",
    "UpdateOptions",
    "PatchOptions",
];

/// The kinds that are known whatever version is named, even one that does not exist.
const UNVERSIONED: [&str; 5] = ["Status", "APIVersions", "APIGroupList", "APIGroup", "APIResourceList"];

/// The kinds that one of upstream's servers can read.
#[derive(Clone, Copy, Debug)]
pub struct Scheme {
    /// Where it stands in upstream's source, as its sentences name it.
    pub name: &'static str,
    kinds: &'static str,
}

impl Scheme {
    /// The scheme by which bodies are read that are about a resource of the group: two groups are served by
    /// servers of their own.
    pub fn of_group(group: &str) -> Self {
        let place = match group {
            "apiextensions.k8s.io" => 2,
            "apiregistration.k8s.io" => 3,
            _ => 1,
        };
        let text = TEXT.split("\nscheme ").nth(place).unwrap_or_default();
        let (name, kinds) = text.split_once('\n').unwrap_or_default();
        Self { name, kinds }
    }

    /// The Go type of a kind, `v1beta1.Deployment`; None for a kind that is not known.
    pub fn go_type(&self, api_version: &str, kind: &str) -> Option<String> {
        if UNVERSIONED.contains(&kind) {
            return Some(format!("v1.{kind}"));
        }
        let (_, version) = split(api_version);
        let mut lines = self.kinds.lines().skip_while(|line| *line != api_version || line.starts_with(' '));
        lines.next()?;
        if version == INTERNAL && kind == "WatchEvent" {
            return Some("v1.InternalEvent".to_string());
        }
        if version != INTERNAL && OF_EVERY_VERSION.contains(&kind) {
            return Some(format!("v1.{kind}"));
        }
        let held = lines.take_while(|line| line.starts_with(' '));
        let mut held = held.flat_map(str::split_ascii_whitespace);
        if version == INTERNAL {
            let found = held.find(|held| held.split_once('.').is_some_and(|(_, name)| name == kind));
            return found.map(ToString::to_string);
        }
        held.find(|held| *held == kind).map(|kind| format!("{version}.{kind}"))
    }

    /// The sentence about a kind that is not known.
    pub fn unregistered(&self, api_version: &str, kind: &str) -> String {
        let (group, version) = split(api_version);
        let (kind, scheme) = (quoted(kind), quoted(self.name));
        if version == INTERNAL {
            let group = quoted(group);
            return format!(
                "no kind {kind} is registered for the internal version of group {group} in scheme {scheme}"
            );
        }
        format!("no kind {kind} is registered for version {} in scheme {scheme}", quoted(api_version))
    }

    /// The sentence about a known kind that does not become the kind that is wanted, of a group.
    pub fn no_conversion(go_type: &str, group: &str, kind: &str) -> String {
        // A group's internal package has the first word of its name, but for the groups whose types are core's.
        let package = match group.split('.').next() {
            Some("" | "events") | None => "core",
            Some(first) => first,
        };
        format!("converting ({go_type}) to ({package}.{kind}): unknown conversion")
    }
}

/// Group and version.
fn split(api_version: &str) -> (&str, &str) {
    api_version.rsplit_once('/').unwrap_or(("", api_version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::table::ROWS;

    #[test]
    fn every_served_kind_and_its_list_is_known() {
        for row in ROWS.iter().filter(|row| !row.internal) {
            let scheme = Scheme::of_group(row.group);
            let api_version = if row.group.is_empty() {
                row.version.to_string()
            } else {
                format!("{}/{}", row.group, row.version)
            };
            let expected = |kind: &str| Some(format!("{}.{kind}", row.version));
            assert_eq!(scheme.go_type(&api_version, row.kind), expected(row.kind), "{api_version}");
            if !row.prefix.is_empty() {
                let list = format!("{}List", row.kind);
                assert_eq!(scheme.go_type(&api_version, &list), expected(&list), "{api_version}");
            }
        }
    }

    #[test]
    fn kinds_are_known_by_their_scheme() {
        let cases = [
            ("", "v1", "List", "v1.List"),
            ("", "v1", "Pod", "v1.Pod"),
            ("", "__internal", "Pod", "core.Pod"),
            ("apps", "apps/v1beta1", "Deployment", "v1beta1.Deployment"),
            ("apps", "apps/v1beta1", "DeleteOptions", "v1.DeleteOptions"),
            ("apps", "apps/__internal", "Scale", "autoscaling.Scale"),
            ("apps", "apps/__internal", "WatchEvent", "v1.InternalEvent"),
            ("apps", "apps/__internal", "DeleteOptions", ""),
            ("", "extensions/__internal", "Ingress", "networking.Ingress"),
            ("", "nope/v9", "Status", "v1.Status"),
            ("", "nope/v9", "List", ""),
            ("", "apps/v1", "List", ""),
            ("", "apps/v1", "Pod", ""),
            ("", "apps/v1", "deployment", ""),
            ("", "scheme", "Pod", ""),
            ("apiregistration.k8s.io", " APIService APIServiceList", "APIService", ""),
            ("", "meta.k8s.io/v1", "DeleteOptions", ""),
            ("", "apiextensions.k8s.io/v1", "CustomResourceDefinition", ""),
            ("apiextensions.k8s.io", "v1", "DeleteOptions", "v1.DeleteOptions"),
            ("apiextensions.k8s.io", "v1", "Pod", ""),
            ("apiextensions.k8s.io", "apiextensions.k8s.io/v1", "ConversionReview", "v1.ConversionReview"),
            ("apiregistration.k8s.io", "apiregistration.k8s.io/v1beta1", "APIService", "v1beta1.APIService"),
        ];
        for (group, api_version, kind, expected) in cases {
            let found = Scheme::of_group(group).go_type(api_version, kind).unwrap_or_default();
            assert_eq!(found, expected, "{api_version} {kind}");
        }
        let scheme = Scheme::of_group("apiregistration.k8s.io");
        let told = scheme.unregistered("v1", "Pod");
        assert!(
            told.ends_with("in scheme \"k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28\""),
            "{told}"
        );
    }
}
