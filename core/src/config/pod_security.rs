//! What PodSecurity holds pods to where their namespace says nothing, and what it is not asked about.
//! k8s: staging/src/k8s.io/pod-security-admission/api/helpers.go, admission/api/types.go

use crate::value::Text;
use alloc::vec::Vec;
use core::fmt::{self, Display};

/// How strict a policy is, from the least strict level on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityLevel {
    Privileged,
    Baseline,
    Restricted,
}

impl SecurityLevel {
    /// None for a word that names no level.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Privileged, Self::Baseline, Self::Restricted].into_iter().find(|level| level.word() == word)
    }

    /// The word for it in labels, files and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// The version of Kubernetes whose controls a policy has. The latest is newer than all that have a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityVersion {
    /// The number after `v1.`; it may be that of a version to come.
    Minor(i64),
    Latest,
}

impl SecurityVersion {
    /// None for a text that is neither `latest` nor `v1.x`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "latest" {
            return Some(Self::Latest);
        }
        let minor = text.strip_prefix("v1.")?;
        let is_number = minor.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number || (minor.starts_with('0') && minor != "0") {
            return None;
        }
        minor.parse().ok().map(Self::Minor)
    }
}

impl Display for SecurityVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minor(minor) => write!(out, "v1.{minor}"),
            Self::Latest => out.write_str("latest"),
        }
    }
}

/// What pods are held to: the controls of a level as a version has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelVersion {
    pub level: SecurityLevel,
    pub version: SecurityVersion,
}

impl LevelVersion {
    const PRIVILEGED: Self = Self { level: SecurityLevel::Privileged, version: SecurityVersion::Latest };

    /// None unless the text is a level and a version with a colon between them.
    pub fn parse(text: &str) -> Option<Self> {
        let (level, version) = text.split_once(':')?;
        Some(Self { level: SecurityLevel::parse(level)?, version: SecurityVersion::parse(version)? })
    }

    /// Whether the two allow the same: everything, or the same level and version.
    pub fn is_equivalent(self, other: Self) -> bool {
        self == other || [self, other].iter().all(|held| held.level == SecurityLevel::Privileged)
    }
}

impl Display for LevelVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.level.word(), self.version)
    }
}

/// What the pods of a namespace are refused for, recorded for, and warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityPolicy {
    pub enforce: LevelVersion,
    pub audit: LevelVersion,
    pub warn: LevelVersion,
}

impl SecurityPolicy {
    /// The levels and versions in their order.
    pub fn modes(&self) -> [LevelVersion; 3] {
        [self.enforce, self.audit, self.warn]
    }

    /// Whether it allows everything.
    pub fn is_privileged(&self) -> bool {
        self.modes().iter().all(|mode| mode.level == SecurityLevel::Privileged)
    }

    /// Whether the two allow the same in all three modes.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.modes().into_iter().zip(other.modes()).all(|(held, other)| held.is_equivalent(other))
    }
}

/// The configuration of PodSecurity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSecurity {
    /// For what the labels of a namespace leave open.
    pub defaults: SecurityPolicy,
    pub exempt_namespaces: Vec<Text>,
    pub exempt_users: Vec<Text>,
    pub exempt_runtime_classes: Vec<Text>,
}

impl Default for PodSecurity {
    /// Without a file of its own: everything is allowed where no label says otherwise, and nothing is exempt.
    fn default() -> Self {
        let all = LevelVersion::PRIVILEGED;
        Self {
            defaults: SecurityPolicy { enforce: all, audit: all, warn: all },
            exempt_namespaces: Vec::new(),
            exempt_users: Vec::new(),
            exempt_runtime_classes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn versions_are_latest_or_a_minor_version_of_the_first() {
        let cases = [
            ("latest", Some(SecurityVersion::Latest)),
            ("v1.0", Some(SecurityVersion::Minor(0))),
            ("v1.36", Some(SecurityVersion::Minor(36))),
            ("v1.9223372036854775807", Some(SecurityVersion::Minor(i64::MAX))),
            ("v1.9223372036854775808", None),
            ("v1.01", None),
            ("v1.", None),
            ("v1.-1", None),
            ("v1.+1", None),
            ("v2.1", None),
            ("1.1", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let parsed = SecurityVersion::parse(text);
            assert_eq!(parsed, expected, "{text:?}");
            assert_eq!(parsed.map(|version| version.to_string()), expected.map(|_| text.to_string()));
        }
        assert!(SecurityVersion::Minor(i64::MAX) < SecurityVersion::Latest);
    }

    #[test]
    fn a_level_and_its_version_are_written_together() {
        for text in ["privileged:latest", "baseline:v1.0", "restricted:v1.36"] {
            assert_eq!(LevelVersion::parse(text).map(|held| held.to_string()).as_deref(), Some(text));
        }
        for text in ["privileged", "strict:latest", "baseline:1"] {
            assert_eq!(LevelVersion::parse(text), None, "{text}");
        }
    }
}
