//! Paths, cleaned and joined as Go's package path does.

use alloc::string::String;
use alloc::vec::Vec;

/// The shortest path that means the same: no empty segments, no `.`, and `..` only where it leads above the beginning
/// of a path without a slash before it.
/// go: path.Clean
pub(crate) fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if is_rooted => {}
            other => kept.push(other),
        }
    }
    let joined = kept.join("/");
    match (is_rooted, joined.is_empty()) {
        (true, _) => alloc::format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

/// The segments joined with slashes and cleaned; empty if all of them are.
/// go: path.Join
pub(crate) fn join(segments: &[&str]) -> String {
    let filled: Vec<&str> = segments.iter().copied().filter(|segment| !segment.is_empty()).collect();
    if filled.is_empty() { String::new() } else { clean(&filled.join("/")) }
}

/// As `join`, and with a slash at the end if the last segment that is not empty has one.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/net/http.go JoinPreservingTrailingSlash
pub(crate) fn join_with_last_slash(segments: &[&str]) -> String {
    let mut joined = join(segments);
    let last = segments.iter().rfind(|segment| !segment.is_empty());
    if last.is_some_and(|last| last.ends_with('/')) && !joined.ends_with('/') {
        joined.push('/');
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_and_joined_as_go_does() {
        let cleaned = [
            ("", "."),
            ("/", "/"),
            ("//a//./b/", "/a/b"),
            ("/../a/../../b", "/b"),
            ("../a/..", ".."),
            ("a/../../b", "../b"),
            ("a/..", "."),
        ];
        for (path, expected) in cleaned {
            assert_eq!(clean(path), expected, "{path}");
        }
        assert_eq!(join(&["", ""]), "");
        assert_eq!(join(&["/api/proxy", "/x/"]), "/api/proxy/x");
        assert_eq!(join_with_last_slash(&["", "/a//b/"]), "/a/b/");
        assert_eq!(join_with_last_slash(&["", "/"]), "/");
        assert_eq!(join_with_last_slash(&["", ""]), "");
    }
}
