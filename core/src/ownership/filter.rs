//! Fields of which a writer cannot become the manager, since what it writes there is reset.
//! k8s: sigs.k8s.io/structured-merge-diff fieldpath/set.go NewExcludeSetFilter, NewIncludeMatcherFilter

use super::element::PathElement;
use super::set::FieldSet;
use alloc::vec::Vec;

/// Paths of names, `*` for every item of a list.
type Paths<'a> = &'a [&'a [&'a str]];

#[derive(Clone, Copy, Debug)]
pub enum FieldFilter<'a> {
    /// All but these fields, and what is inside them.
    Without(Paths<'a>),
    /// These fields, what is around them and inside them.
    Only(Paths<'a>),
}

impl FieldFilter<'_> {
    pub const NONE: Self = Self::Without(&[]);

    /// Whether nothing of a field of the object itself is left.
    pub fn hides(&self, field: &str) -> bool {
        match self {
            Self::Without(paths) => paths.contains(&[field].as_slice()),
            Self::Only(paths) => paths.iter().all(|path| path.first() != Some(&field)),
        }
    }

    pub(super) fn apply(&self, set: FieldSet) -> FieldSet {
        match self {
            Self::Without([]) => set,
            Self::Without(_) | Self::Only(_) if set.is_empty() => set,
            Self::Without(paths) => set.recursive_difference(&FieldSet::of_names(paths)),
            Self::Only(paths) => only(set, paths),
        }
    }
}

fn only(set: FieldSet, paths: Paths<'_>) -> FieldSet {
    let mut kept = FieldSet::EMPTY;
    for node in set.into_nodes() {
        let is_named = |name: &str| match &node.element {
            PathElement::Field(field) => name == "*" || name == field,
            PathElement::Key(_) | PathElement::Item(_) | PathElement::Index(_) => name == "*",
        };
        let rests: Vec<&[&str]> = paths
            .iter()
            .filter_map(|path| path.split_first())
            .filter(|(first, _)| is_named(first))
            .map(|(_, rest)| rest)
            .collect();
        if rests.is_empty() {
            continue;
        }
        let inner =
            if rests.iter().any(|rest| rest.is_empty()) { node.inner } else { only(node.inner, &rests) };
        kept.push(node.element, node.is_member, inner);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::ownership::fields_v1;

    #[test]
    fn a_filter_leaves_what_a_writer_may_manage() {
        const SET: &str = r#"{"f:a":{".":{},"f:b":{"k:{\"n\":1}":{".":{},"f:c":{},"f:d":{}}}},"f:e":{}}"#;
        let none: Paths<'_> = &[];
        let cases = [
            (FieldFilter::Without(none), SET),
            (FieldFilter::Without(&[&["a"]]), r#"{"f:e":{}}"#),
            (FieldFilter::Without(&[&["a", "b"], &["e"]]), r#"{"f:a":{}}"#),
            (FieldFilter::Only(none), "{}"),
            (FieldFilter::Only(&[&["e"], &["z"]]), r#"{"f:e":{}}"#),
            (
                FieldFilter::Only(&[&["a", "b", "*", "c"]]),
                r#"{"f:a":{".":{},"f:b":{"k:{\"n\":1}":{".":{},"f:c":{}}}}}"#,
            ),
        ];
        for (filter, expected) in cases {
            let set = fields_v1::decoded(&json::parse(SET.as_bytes()).expect("JSON").value).expect("a set");
            assert_eq!(json::to_string(&fields_v1::encoded(&filter.apply(set))), expected, "{filter:?}");
        }
    }
}
