//! House rules that can be checked by a program. Exceptions are in one list, which may only shrink.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use steersman_core::kinds::table::ROWS;
use steersman_sim::check::Guarantee;
use steersman_sim::client::ClientKind;
use steersman_sim::swarm::FaultClass;

const LINES_MAX: usize = 600;
const LINE_LEN_MAX: usize = 120;
const PACKAGES: [&str; 5] = ["core", "io", "sim", "bin", "tests"];
/// Words that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 5] = ["utils", "util", "helpers", "common", "manager"];
/// Files that are longer than `LINES_MAX`, and how long they may be.
const LONG_FILES: &[(&str, usize)] = &[];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the root").to_owned()
}

/// Every source file of the five folders: its path from the root, and its text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = PACKAGES.iter().map(|package| root().join(package)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                if entry.file_name() != "target" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).expect("a source file is text")));
            }
        }
    }
    found.sort();
    assert!(found.len() > 50, "the sources are found");
    found
}

fn check(rule: &str, broken: impl Fn(&str, &str) -> Vec<String>) {
    let mut failures = Vec::new();
    for (name, text) in sources() {
        failures.extend(broken(&name, &text).into_iter().map(|why| format!("{name}: {why}")));
    }
    assert!(failures.is_empty(), "{rule}\n{}", failures.join("\n"));
}

#[test]
fn a_file_says_its_purpose_first() {
    check("A file's first line is its purpose, `//! ...`.", |_, text| {
        let first = text.lines().next().unwrap_or_default();
        if first.starts_with("//! ") { Vec::new() } else { vec![format!("begins with {first:?}")] }
    });
}

#[test]
fn files_have_one_purpose_and_a_readable_length() {
    check("A file has at most 600 lines.", |name, text| {
        let allowed =
            LONG_FILES.iter().find(|(long, _)| *long == name).map_or(LINES_MAX, |(_, lines)| *lines);
        let lines = text.lines().count();
        if lines <= allowed { Vec::new() } else { vec![format!("{lines} lines")] }
    });
    check("A line fits a screen.", |_, text| {
        let long = text.lines().enumerate().filter(|(_, line)| {
            line.chars().count() > LINE_LEN_MAX && !line.contains("\"") && !line.contains("http")
        });
        long.map(|(index, line)| format!("line {} has {} characters", index + 1, line.chars().count()))
            .collect()
    });
    check("Files are named by what they hold.", |name, _| {
        let parts = name.trim_end_matches(".rs").split('/');
        parts.filter(|part| EMPTY_NAMES.contains(part)).map(|part| format!("{part} says nothing")).collect()
    });
}

#[test]
fn the_core_is_pure() {
    let lib = fs::read_to_string(root().join("core/src/lib.rs")).expect("the core has a lib.rs");
    assert!(lib.contains("#![no_std]") && lib.contains("#![forbid(unsafe_code)]"));
    check("core and sim keep to ordered collections and hold no state of their own.", |name, text| {
        let is_test =
            name.ends_with("tests.rs") || name.ends_with("properties.rs") || name.ends_with("naive.rs");
        if is_test || !(name.starts_with("core/src") || name.starts_with("sim/src")) {
            return Vec::new();
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut banned =
            vec!["HashMap", "HashSet", "std::time", "std::thread", "SystemTime", "Instant::now", "{:p}"];
        if name.starts_with("core/src") {
            banned.extend(["std::", "Mutex", "RefCell"]);
        }
        // Forms are counted where they are made. No answer and no effect depends on the count.
        // What these keep makes answers quicker, and none of them different.
        let remembers = ["core/src/world/cache/forms.rs", "core/src/schema/known.rs"].contains(&name);
        if name.starts_with("core/src") && !remembers {
            banned.push("AtomicU");
        }
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let lines = code.lines().filter(is_code);
        lines
            .flat_map(|line| {
                banned.iter().filter(|word| line.contains(**word)).map(|word| format!("uses {word}"))
            })
            .collect()
    });
}

#[test]
fn packages_depend_as_the_design_says() {
    let forbidden: [(&str, &[&str]); 3] = [
        ("core", &["tokio", "hyper", "rand", "tracing", "steersman-io", "steersman-sim", "hashbrown"]),
        ("sim", &["tokio", "steersman-io"]),
        ("io", &["steersman-sim"]),
    ];
    for (package, banned) in forbidden {
        let manifest =
            fs::read_to_string(root().join(package).join("Cargo.toml")).expect("a package has a manifest");
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for name in banned {
            let named = dependencies.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(name));
            assert!(!named, "{package} must not depend on {name}");
        }
    }
}

/// A production server must not contain museum bugs: the feature is off by default, and only features of the same
/// name may enable it.
#[test]
fn the_museum_is_closed_unless_asked_for() {
    let allowed = [
        ("core", "museum = []"),
        ("io", ""),
        ("sim", "museum = [\"steersman-core/museum\"]"),
        ("bin", "museum = [\"steersman-sim/museum\"]"),
        ("tests", "museum = [\"steersman-sim/museum\"]"),
        (".", ""),
    ];
    for (package, line) in allowed {
        let manifest =
            fs::read_to_string(root().join(package).join("Cargo.toml")).expect("a package has a manifest");
        let named: Vec<&str> =
            manifest.lines().filter(|line| line.contains("museum") && !line.starts_with("#")).collect();
        let wanted: Vec<&str> = [line].into_iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(named, wanted, "{package}/Cargo.toml");
        let by_default = manifest.lines().find(|line| line.starts_with("default = ")).unwrap_or_default();
        assert!(!by_default.contains("museum"), "{package} opens the museum by default");
    }
}

#[test]
fn nothing_is_left_unfinished_or_switched_off() {
    // The words are split here, so that this file does not break its own rule.
    let words = [
        concat!("todo", "!("),
        concat!("unimpl", "emented!("),
        concat!("#[ign", "ore"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    check("Nothing is left unfinished, no test is switched off.", |_, text| {
        words.iter().filter(|word| text.contains(**word)).map(|word| format!("holds {word}")).collect()
    });
}

/// `io` binds the core to the operating system; kinds, verbs and groups are handled by the core only.
#[test]
fn io_knows_no_kinds() {
    check("io has no match on a kind, verb or API group.", |name, text| {
        if !name.starts_with("io/src") {
            return Vec::new();
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let words = ["\"pods\"", "\"Pod\"", "\"apps\"", "\"namespaces\"", "\"Deployment\"", "\"configmaps\""];
        words.iter().filter(|word| code.contains(**word)).map(|word| format!("names {word}")).collect()
    });
}

#[test]
fn the_documents_are_there() {
    for name in ["README.md", "ARCHITECTURE.md", "LICENSE", "BENCHMARKS.md", ".ci/run", "docs/README.md"] {
        assert!(root().join(name).exists(), "{name} is missing");
    }
}

/// What the README says how many there are of.
#[test]
fn the_readme_counts_what_is_there() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README is there");
    let resources = ROWS.iter().filter(|row| !row.internal).count();
    assert!(readme.contains(&format!(" {resources} stable resources")), "there are {resources} resources");
    let counts = [
        (ClientKind::ALL.len(), "kinds of clients"),
        (FaultClass::ALL.len(), "classes of faults"),
        (Guarantee::ALL.len(), "guarantees, shrinking"),
    ];
    for (count, what) in counts {
        let before = readme.split(what).next().unwrap_or_default().trim_end();
        let told = before.rsplit(' ').next().and_then(|word| word.parse::<usize>().ok());
        assert!(told.is_some_and(|told| told < count), "there are {count} {what}, not more than {told:?}");
    }
}

/// The floors of the core, from the lowest up. `core/src/lib.rs` declares its modules in this order.
fn floors() -> Vec<String> {
    let lib = fs::read_to_string(root().join("core/src/lib.rs")).expect("the core has a lib.rs");
    let declared = lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    declared.map(|name| name.trim_end_matches(';').to_owned()).collect()
}

/// The modules of the crate's root that a text names after `crate::`.
fn named_floors(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

#[test]
fn the_core_imports_downwards_only() {
    let floors = floors();
    assert!(floors.len() > 15, "the floors are found: {floors:?}");
    let height = |name: &str| floors.iter().position(|floor| floor == name);
    check("A floor of the core imports only from those below it.", |name, text| {
        let Some(path) = name.strip_prefix("core/src/").filter(|path| *path != "lib.rs") else {
            return Vec::new();
        };
        let own = path.split(['/', '.']).next().unwrap_or_default();
        let Some(own) = height(own) else { return vec![format!("{own} is no floor")] };
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        // Tests inside of a file may use what they need.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let is_test = ["tests.rs", "properties.rs"].iter().any(|end| path.ends_with(end));
        let lines = code.lines().filter(is_code).filter(|_| !is_test);
        let upward =
            lines.flat_map(named_floors).filter(|floor| height(floor).is_some_and(|height| height > own));
        upward.map(|floor| format!("imports {floor}")).collect()
    });
}

/// Types of one name in several places that are meant to be so, with the reason.
const SHARED_TYPE_NAMES: &[(&str, &str)] =
    &[("Reply", "the core's is its own: what a step has asked for; the simulator's is a server's answer")];

/// The names of the types that a text defines for more than its own module.
fn visible_types(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("pub")?;
        let rest = if rest.starts_with('(') { rest.split_once(')')?.1 } else { rest };
        let (sort, rest) = rest.trim_start().split_once(' ')?;
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        (["struct", "enum", "union", "trait", "type"].contains(&sort) && !name.is_empty()).then_some(name)
    })
}

/// Whoever reads `World` or `Batch` in one package must not have to think of another one's.
#[test]
fn the_name_of_a_type_means_one_thing() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources() {
        if ["core/src/", "io/src/", "sim/src/"].iter().any(|package| path.starts_with(package)) {
            for name in visible_types(&text) {
                places.entry(name.to_owned()).or_default().push(path.clone());
            }
        }
    }
    assert!(places.len() > 300, "the types are found: {}", places.len());
    let is_shared = |name: &str| SHARED_TYPE_NAMES.iter().any(|(shared, _)| *shared == name);
    places.retain(|_, paths| paths.len() > 1);
    for (name, reason) in SHARED_TYPE_NAMES {
        assert!(places.contains_key(*name), "{name} is defined once, so it needs no exception: {reason}");
    }
    places.retain(|name, _| !is_shared(name));
    assert!(places.is_empty(), "A type's name is defined once in core, io and sim: {places:#?}");
}
