//! The difference of two values, as upstream shows it in messages: a unified diff of their JSON.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/diff/diff.go, github.com/pmezard/go-difflib/difflib

use super::internal::{indented, internal_json};
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Lines that stay the same around a change.
const CONTEXT: usize = 3;

/// From this number of lines on, a line that is there often does not begin a match.
const MANY_LINES: usize = 200;

/// With more lines than so many only the common beginning and end are looked for.
const LINES: usize = 8000;

/// The difference of two internal structs of this name.
pub fn internal_diff(name: &str, old: Option<&Value>, new: Option<&Value>) -> String {
    unified(&indented(&internal_json(name, old)), &indented(&internal_json(name, new)))
}

/// The unified diff of two texts; empty when they are equal.
pub(super) fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    let mut out = String::new();
    for group in groups(&edits(&matches(&old, &new), old.len(), new.len())) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let from = range(first.old.0, last.old.1);
        let to = range(first.new.0, last.new.1);
        out.push_str(&format!("@@ -{from} +{to} @@\n"));
        for edit in &group {
            let (gone, come) = (lines(&old, edit.old), lines(&new, edit.new));
            if edit.same {
                gone.iter().for_each(|line| out.push_str(&format!(" {line}\n")));
            } else {
                gone.iter().for_each(|line| out.push_str(&format!("-{line}\n")));
                come.iter().for_each(|line| out.push_str(&format!("+{line}\n")));
            }
        }
    }
    out
}

fn lines<'t, 'l>(lines: &'l [&'t str], range: (usize, usize)) -> &'l [&'t str] {
    lines.get(range.0..range.1).unwrap_or_default()
}

/// A range of lines as the heading of a group writes it.
fn range(start: usize, end: usize) -> String {
    match end.saturating_sub(start) {
        1 => format!("{}", start + 1),
        0 => format!("{start},0"),
        length => format!("{},{length}", start + 1),
    }
}

/// So many lines from one place of the old text and one of the new are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Match {
    old: usize,
    new: usize,
    size: usize,
}

/// Ranges of lines, of the old and of the new text, that are the same or replace each other.
#[derive(Clone, Copy, Debug)]
struct Edit {
    same: bool,
    old: (usize, usize),
    new: (usize, usize),
}

/// All matches, in order.
fn matches(old: &[&str], new: &[&str]) -> Vec<Match> {
    if old.len().max(new.len()) > LINES {
        return ends(old, new);
    }
    let places = places(new);
    let mut open = alloc::vec![((0, old.len()), (0, new.len()))];
    let mut found = Vec::new();
    while let Some(((old_start, old_end), (new_start, new_end))) = open.pop() {
        let longest = longest(old, new, &places, (old_start, old_end), (new_start, new_end));
        if longest.size == 0 {
            continue;
        }
        found.push(longest);
        open.push(((old_start, longest.old), (new_start, longest.new)));
        open.push(((longest.old + longest.size, old_end), (longest.new + longest.size, new_end)));
    }
    found.sort_unstable();
    found
}

/// The common beginning and the common end.
fn ends(old: &[&str], new: &[&str]) -> Vec<Match> {
    let start = old.iter().zip(new).take_while(|(one, other)| one == other).count();
    let rest = old.len().min(new.len()) - start;
    let end =
        old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(one, other)| one == other).count();
    let all = [
        Match { old: 0, new: 0, size: start },
        Match { old: old.len() - end, new: new.len() - end, size: end },
    ];
    all.into_iter().filter(|found| found.size > 0).collect()
}

/// Where each line of the new text is, without lines that are there too often.
fn places<'t>(new: &[&'t str]) -> BTreeMap<&'t str, Vec<usize>> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if new.len() >= MANY_LINES {
        places.retain(|_, held| held.len() <= new.len() / 100 + 1);
    }
    places
}

/// The longest match within ranges of both texts, the first of them.
fn longest(
    old: &[&str],
    new: &[&str],
    places: &BTreeMap<&str, Vec<usize>>,
    (old_start, old_end): (usize, usize),
    (new_start, new_end): (usize, usize),
) -> Match {
    let mut best = Match { old: old_start, new: new_start, size: 0 };
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for (index, line) in old.iter().enumerate().take(old_end).skip(old_start) {
        let mut longer = BTreeMap::new();
        let held = places.get(line).map(Vec::as_slice).unwrap_or_default();
        for place in held.iter().copied().filter(|place| (new_start..new_end).contains(place)) {
            let before = place.checked_sub(1).and_then(|before| lengths.get(&before)).copied();
            let size = before.unwrap_or(0) + 1;
            longer.insert(place, size);
            if size > best.size {
                best = Match { old: index + 1 - size, new: place + 1 - size, size };
            }
        }
        lengths = longer;
    }
    while best.old > old_start && best.new > new_start && old[best.old - 1] == new[best.new - 1] {
        best = Match { old: best.old - 1, new: best.new - 1, size: best.size + 1 };
    }
    while best.old + best.size < old_end
        && best.new + best.size < new_end
        && old[best.old + best.size] == new[best.new + best.size]
    {
        best.size += 1;
    }
    best
}

/// What turns the old text into the new one.
fn edits(matches: &[Match], old_lines: usize, new_lines: usize) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let (mut old, mut new) = (0, 0);
    let end = Match { old: old_lines, new: new_lines, size: 0 };
    for found in matches.iter().copied().chain([end]) {
        if old < found.old || new < found.new {
            edits.push(Edit { same: false, old: (old, found.old), new: (new, found.new) });
        }
        (old, new) = (found.old + found.size, found.new + found.size);
        if found.size == 0 {
            continue;
        }
        match edits.last_mut() {
            Some(last) if last.same => (last.old.1, last.new.1) = (old, new),
            _ => edits.push(Edit { same: true, old: (found.old, old), new: (found.new, new) }),
        }
    }
    edits
}

/// The edits that are shown together: between them are more unchanged lines than their context has.
fn groups(edits: &[Edit]) -> Vec<Vec<Edit>> {
    let mut edits = edits.to_vec();
    if let Some(first) = edits.first_mut().filter(|first| first.same) {
        *first = last_lines(*first);
    }
    if let Some(last) = edits.last_mut().filter(|last| last.same) {
        *last = first_lines(*last);
    }
    let (mut groups, mut group) = (Vec::new(), Vec::new());
    for edit in edits {
        if edit.same && edit.old.1 - edit.old.0 > 2 * CONTEXT {
            group.push(first_lines(edit));
            groups.push(core::mem::take(&mut group));
            group.push(last_lines(edit));
        } else {
            group.push(edit);
        }
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|edit| !edit.same));
    groups
}

fn first_lines(edit: Edit) -> Edit {
    let end = |(start, end): (usize, usize)| (start, end.min(start + CONTEXT));
    Edit { same: edit.same, old: end(edit.old), new: end(edit.new) }
}

fn last_lines(edit: Edit) -> Edit {
    let start = |(start, end): (usize, usize)| (start.max(end.saturating_sub(CONTEXT)), end);
    Edit { same: edit.same, old: start(edit.old), new: start(edit.new) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use proptest::prelude::*;

    #[test]
    fn a_claim_shows_what_changed() {
        let parsed = |text: &str| json::parse(text.as_bytes()).expect("JSON").value;
        let old = r#"{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}"#;
        let (old, new) = (parsed(old), parsed(&old.replace("Once", "Many")));
        let expected = "@@ -1,6 +1,6 @@\n {\n  \"AccessModes\": [\n-  \"ReadWriteOnce\"\n+  \"ReadWriteMany\"\n  \
             ],\n  \"Selector\": null,\n  \"Resources\": {\n";
        assert_eq!(internal_diff("PersistentVolumeClaimSpec", Some(&old), Some(&new)), expected);
        assert_eq!(internal_diff("PersistentVolumeClaimSpec", Some(&old), Some(&old)), "");
    }

    #[test]
    fn changes_far_apart_are_groups() {
        let old: Vec<String> = (0..30).map(|number| format!("{number}")).collect();
        let mut new = old.clone();
        new[2] = "x".into();
        new.remove(20);
        let expected = "@@ -1,6 +1,6 @@\n 0\n 1\n-2\n+x\n 3\n 4\n 5\n\
             @@ -18,7 +18,6 @@\n 17\n 18\n 19\n-20\n 21\n 22\n 23\n";
        assert_eq!(unified(&old.join("\n"), &new.join("\n")), expected);
    }

    #[test]
    fn long_texts_are_compared_from_their_ends() {
        let old: Vec<String> = (0..LINES + 10).map(|number| format!("{number}")).collect();
        let mut new = old.clone();
        new[100] = "x".into();
        let shown = unified(&old.join("\n"), &new.join("\n"));
        assert_eq!(shown, "@@ -98,7 +98,7 @@\n 97\n 98\n 99\n-100\n+x\n 101\n 102\n 103\n");
    }

    proptest! {
        /// What stays and what comes is the new text, what stays and what goes the old one.
        #[test]
        fn edits_lead_from_one_text_to_the_other(
            old in proptest::collection::vec("[a-c]", 0..40),
            new in proptest::collection::vec("[a-c]", 0..40),
        ) {
            let old: Vec<&str> = old.iter().map(String::as_str).collect();
            let new: Vec<&str> = new.iter().map(String::as_str).collect();
            let edits = edits(&matches(&old, &new), old.len(), new.len());
            let (mut from, mut to) = (Vec::new(), Vec::new());
            for edit in edits {
                let (gone, come) = (lines(&old, edit.old), lines(&new, edit.new));
                prop_assert!(!edit.same || gone == come);
                from.extend_from_slice(gone);
                to.extend_from_slice(come);
            }
            prop_assert_eq!(from, old);
            prop_assert_eq!(to, new);
        }
    }
}
