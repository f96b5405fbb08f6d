//! The order in which discovery shows the versions of a group.
//! k8s: staging/src/k8s.io/apimachinery/pkg/version/helpers.go CompareKubeAwareVersionStrings

use core::cmp::{Ordering, Reverse};

/// Released versions before betas before alphas, in each the highest first; then all other names, by their letters.
pub fn compare_versions(one: &str, other: &str) -> Ordering {
    match (rank(one), rank(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(other),
    }
}

/// Stage and numbers of `v1`, `v1beta2`, `v2alpha1`, so that what comes first is less.
fn rank(version: &str) -> Option<(u8, Reverse<u64>, Reverse<u64>)> {
    let rest = version.strip_prefix('v')?;
    let digits = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    let (major, stage) = rest.split_at(digits);
    let number = |text: &str| {
        let is_number =
            !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let major = Reverse(number(major)?);
    if stage.is_empty() {
        return Some((0, major, Reverse(0)));
    }
    let beta = stage.strip_prefix("beta").map(|minor| (1, minor));
    let (stage, minor) = beta.or_else(|| stage.strip_prefix("alpha").map(|minor| (2, minor)))?;
    Some((stage, major, Reverse(number(minor)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn versions_are_in_the_order_of_discovery() {
        let expected = [
            "v10",
            "v2",
            "v1",
            "v11beta2",
            "v10beta3",
            "v3beta1",
            "v12alpha1",
            "v11alpha2",
            "foo1",
            "foo10",
            "v01",
        ];
        let mut shuffled: Vec<&str> = expected.iter().rev().copied().collect();
        shuffled.sort_by(|one, other| compare_versions(one, other));
        assert_eq!(shuffled, expected);
    }
}
