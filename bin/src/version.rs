//! What this program is: its own version, the commit that it was built from, and the release of Kubernetes that it
//! serves.

use serde_json::Value;
use steersman_core::codec::json;
use steersman_core::documents::discovery::{GIT_VERSION, version};

/// The version of Steersman itself.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that was built; None for a build that was not told and is none of a checkout.
pub(crate) fn commit() -> Option<&'static str> {
    Some(env!("STEERSMAN_BUILT_COMMIT")).filter(|commit| !commit.is_empty())
}

/// A line for people: `steersman 0.1.0 (commit ...), Kubernetes v1.36...`.
pub(crate) fn line() -> String {
    format!("steersman {}", of_version())
}

/// The same without the name of the program, which is clap's to say.
pub(crate) fn of_version() -> String {
    let commit = commit().map_or(String::new(), |commit| format!(" (commit {commit})"));
    format!("{VERSION}{commit}, {}", kubernetes())
}

/// What kube-apiserver prints.
pub(crate) fn kubernetes() -> String {
    format!("Kubernetes {GIT_VERSION}")
}

/// A JSON text for programs. `kubernetes` is what the server answers at /version.
pub(crate) fn document() -> String {
    let served: Value = serde_json::from_str(&version()).expect("the document is JSON");
    let document = serde_json::json!({ "version": VERSION, "commit": commit(), "kubernetes": served });
    format!("{document:#}")
}

/// What kube-apiserver prints for `--version=raw`: all that it knows of itself, as Go shows a struct.
/// k8s: staging/src/k8s.io/component-base/version/verflag/verflag.go
pub(crate) fn raw() -> String {
    let served = json::parse(version().as_bytes()).expect("the document is JSON").value;
    let members = served.as_map().into_iter().flat_map(|members| members.iter()).map(|(name, value)| {
        let (first, rest) = name.split_at(1);
        format!("{}{rest}:{:?}", first.to_ascii_uppercase(), value.as_str().unwrap_or_default())
    });
    format!("version.Info{{{}}}", members.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_both_versions() {
        let line = line();
        assert!(line.starts_with("steersman 0."), "{line}");
        assert!(line.ends_with(&format!(", Kubernetes {GIT_VERSION}")), "{line}");
        assert_eq!(line.contains("(commit "), commit().is_some());
        if let Some(commit) = commit() {
            assert!(!commit.contains(char::is_whitespace), "{commit:?}");
        }
    }

    #[test]
    fn programs_find_the_version_and_that_of_kubernetes() {
        let document: Value = serde_json::from_str(&document()).expect("JSON");
        assert_eq!(document["version"], VERSION);
        assert_eq!(document["kubernetes"]["gitVersion"], GIT_VERSION);
        assert_eq!(document["kubernetes"]["minor"], "36");
        assert_eq!(document["commit"].as_str(), commit());
    }

    #[test]
    fn all_of_it_is_shown_as_go_shows_a_struct() {
        let raw = raw();
        assert!(raw.starts_with("version.Info{") && raw.ends_with('}'), "{raw}");
        for member in ["Major:\"1\"", "Minor:\"36\"", &format!("GitVersion:{GIT_VERSION:?}")] {
            assert!(raw.contains(member), "{member} in {raw}");
        }
    }
}
