//! Versions of etcd, and which of them have reliable progress reports.

use std::fmt::{Display, Formatter};

/// A release. A version that cannot be parsed counts as the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EtcdVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl EtcdVersion {
    pub(super) fn parse(text: &str) -> Self {
        let release = text.split(['-', '+']).next().unwrap_or_default();
        let mut parts = release.split('.').map(|part| part.parse().unwrap_or(0));
        let mut part = || parts.next().unwrap_or(0);
        Self { major: part(), minor: part(), patch: part() }
    }

    /// Whether a progress report comes after all events up to its revision. In older releases it can overtake them.
    /// k8s: staging/src/k8s.io/apiserver/pkg/storage/feature/feature_support_checker.go
    pub(super) fn orders_progress(self) -> bool {
        let release = |minor, patch| Self { major: 3, minor, patch };
        self >= release(5, 13) || (self >= release(4, 31) && self < release(5, 0))
    }
}

impl Display for EtcdVersion {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_with_the_correction_are_trusted() {
        let cases = [
            ("3.4.30", false),
            ("3.4.31", true),
            ("3.5.0", false),
            ("3.5.12", false),
            ("3.5.13", true),
            ("3.5.30", true),
            ("3.6.0-rc.1", true),
            ("4.0.0", true),
            ("", false),
            ("unknown", false),
        ];
        for (text, trusted) in cases {
            assert_eq!(EtcdVersion::parse(text).orders_progress(), trusted, "{text}");
        }
    }
}
