//! Resources that are written together in one commit, and therefore must be in one store.

use crate::store::Feed;
use crate::value::Text;
use alloc::format;
use alloc::string::String;

/// Resources by API group and name. A Service takes its addresses and ports in the commit that stores it.
const TOGETHER: &[&[(&str, &str)]] =
    &[&[("", "services"), ("networking.k8s.io", "ipaddresses"), ("", "servicenodeportallocations")]];

/// Checks the stores that `--etcd-servers-overrides` chooses for resources; others are in `Feed(0)`.
///
/// # Errors
/// A message for the operator when two stores would have a part in one commit.
pub fn check_stores(overrides: &[(Text, Text, Feed)]) -> Result<(), String> {
    let feed_of = |(group, plural): (&str, &str)| {
        let found = overrides.iter().find(|(of, name, _)| (&**of, &**name) == (group, plural));
        found.map_or(Feed(0), |(_, _, feed)| *feed)
    };
    for group in TOGETHER {
        let Some(first) = group.first() else { continue };
        if let Some(other) = group.iter().find(|other| feed_of(**other) != feed_of(*first)) {
            let (name, other) = (shown(*first), shown(*other));
            return Err(format!(
                "--etcd-servers-overrides: {name} and {other} are written together, so they must have the same servers"
            ));
        }
    }
    Ok(())
}

fn shown((group, plural): (&str, &str)) -> String {
    format!("{group}/{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_together_has_one_store() {
        let given = |names: &[(&str, &str)]| -> alloc::vec::Vec<(Text, Text, Feed)> {
            names.iter().map(|(group, name)| ((*group).into(), (*name).into(), Feed(1))).collect()
        };
        assert_eq!(check_stores(&[]), Ok(()));
        assert_eq!(check_stores(&given(&[("", "events"), ("apps", "services")])), Ok(()));
        assert_eq!(check_stores(&given(TOGETHER[0])), Ok(()));
        for alone in TOGETHER[0] {
            let why = check_stores(&given(&[*alone])).unwrap_err();
            assert!(why.contains("/services and "), "{why}");
        }
    }

    #[test]
    fn they_are_resources_that_are_stored() {
        let rows = crate::kinds::table::ROWS;
        for (group, plural) in TOGETHER.iter().copied().flatten() {
            assert!(
                rows.iter().any(|row| (row.group, row.plural) == (*group, *plural) && !row.prefix.is_empty()),
                "{plural}"
            );
        }
    }
}
