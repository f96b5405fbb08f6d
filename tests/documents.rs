//! The documents: every link leads somewhere, and every page is found from the first one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project").to_owned()
}

/// The pages, by their place in the project.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = ["README.md", "ARCHITECTURE.md", "BENCHMARKS.md"].map(String::from).to_vec();
    for entry in fs::read_dir(root().join("docs")).expect("the pages are in docs") {
        pages.push(format!("docs/{}", entry.expect("an entry").file_name().to_string_lossy()));
    }
    pages.sort();
    pages
}

fn text_of(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Where the links of a page lead: another page or file, and a heading in it.
fn links(page: &str) -> Vec<(PathBuf, Option<String>)> {
    let text = text_of(page);
    let directory = Path::new(page).parent().expect("a page has a directory").to_owned();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let local = targets.filter(|target| !target.starts_with("http") && !target.contains(' '));
    local
        .map(|target| {
            let (path, heading) = match target.split_once('#') {
                Some((path, heading)) => (path, Some(heading.to_owned())),
                None => (target, None),
            };
            let path = if path.is_empty() { Path::new(page).to_owned() } else { directory.join(path) };
            (path, heading)
        })
        .collect()
}

/// The headings of a page as links name them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let name = |title: &str| {
        let kept = title.to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
    };
    titles.map(name).collect()
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        for (path, heading) in links(&page) {
            let target = root().join(&path);
            assert!(target.exists(), "{page} links to {}, which is not there", path.display());
            if let Some(heading) = heading {
                let text = fs::read_to_string(&target).unwrap_or_default();
                let there = headings(&text).contains(&heading);
                assert!(there, "{page} links to #{heading} of {}, which is not there", path.display());
            }
        }
    }
}

#[test]
fn every_page_is_found_from_the_readme() {
    let mut found = BTreeSet::from([root().join("README.md").canonicalize().expect("the README is there")]);
    let mut waiting: Vec<String> = vec!["README.md".to_owned()];
    while let Some(page) = waiting.pop() {
        for (path, _) in links(&page) {
            let there = root().join(&path).canonicalize().expect("links lead somewhere");
            let is_page = there.extension().is_some_and(|kind| kind == "md");
            if is_page && found.insert(there.clone()) {
                let root = root().canonicalize().expect("the project is there");
                waiting
                    .push(there.strip_prefix(root).expect("in the project").to_string_lossy().into_owned());
            }
        }
    }
    for page in pages().iter().filter(|page| page.starts_with("docs/")) {
        let there = root().join(page).canonicalize().expect("the page is there");
        assert!(found.contains(&there), "no page links to {page}");
    }
}
