//! Rules name fields by literals, which no compiler checks: a name or a path that the catalogue does not know fails
//! here, as does a subresource without a strategy.

use crate::battery::{key, objects};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use steersman_core::caller::Caller;
use steersman_core::codec::json;
use steersman_core::config::Config;
use steersman_core::kinds::{Facts, FieldPaths, Objects, ResetFields, Row, SubKind, Verb, table};
use steersman_core::now::Wall;
use steersman_core::schema::{Catalogue, Shape, TypeId, catalogue};
use steersman_core::value::Value;

/// Words that stand in rules like the names of fields and are values: resources, keys of secrets, prefixes, formats
/// of schemas, and parts of sentences.
const VALUES: &str = include_str!("data/not_fields.txt");

fn kinds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/kinds")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below a folder, by their paths from it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(
                files(&entry.path()).into_iter().map(|(path, text)| (format!("{name}/{path}"), text)),
            );
        } else {
            found.insert(name, read(&entry.path()));
        }
    }
    found
}

/// The code of a file without its comments and its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The types that objects of some types are made of.
struct Tree {
    catalogue: std::sync::Arc<Catalogue>,
    types: BTreeSet<TypeId>,
}

impl Tree {
    fn of(roots: impl IntoIterator<Item = TypeId>) -> Self {
        let catalogue = catalogue();
        let (mut types, mut open) = (BTreeSet::new(), Vec::from_iter(roots));
        while let Some(id) = open.pop() {
            if types.insert(id) {
                open.extend(catalogue.get(id).fields.iter().filter_map(|field| struct_in(&field.shape)));
            }
        }
        Self { catalogue, types }
    }

    fn named(name: &str) -> Self {
        Self::of([catalogue().type_named(name).unwrap_or_else(|| panic!("no type {name}"))])
    }

    fn has_field(&self, name: &str) -> bool {
        matches!(name, "kind" | "apiVersion")
            || self.types.iter().any(|id| self.catalogue.get(*id).field(name).is_some())
    }

    /// Whether the path can be followed from somewhere in the tree; None stands for any name.
    fn has_path(&self, path: &[Option<&str>]) -> bool {
        self.types.iter().any(|id| self.follows(&Shape::Struct(*id), path))
    }

    fn follows(&self, shape: &Shape, path: &[Option<&str>]) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        match shape {
            Shape::Struct(id) => {
                let def = self.catalogue.get(*id);
                match name {
                    Some("kind" | "apiVersion") => rest.is_empty(),
                    Some(name) => def.field(name).is_some_and(|field| self.follows(&field.shape, rest)),
                    None => def.fields.iter().any(|field| self.follows(&field.shape, rest)),
                }
            }
            Shape::List(inner) => matches!(name, None | Some("*")) && self.follows(inner, rest),
            Shape::Map(inner) => self.follows(inner, rest),
            Shape::Any => true,
            Shape::String
            | Shape::Int32
            | Shape::Int64
            | Shape::Bool
            | Shape::Double
            | Shape::Bytes
            | Shape::Quantity
            | Shape::IntOrString
            | Shape::Time
            | Shape::MicroTime
            | Shape::Duration
            | Shape::Custom(_) => false,
        }
    }
}

fn struct_in(shape: &Shape) -> Option<TypeId> {
    match shape {
        Shape::Struct(id) => Some(*id),
        Shape::List(inner) | Shape::Map(inner) => struct_in(inner),
        Shape::String
        | Shape::Int32
        | Shape::Int64
        | Shape::Bool
        | Shape::Double
        | Shape::Bytes
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Duration
        | Shape::Any
        | Shape::Custom(_) => None,
    }
}

/// The literals and paths of some code that the tree does not know.
fn unknown(code: &str, tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let literal = Regex::new(r#""([^"\\\n]*)""#).expect("a pattern");
    let name = Regex::new("^[a-z][A-Za-z0-9]*$").expect("a pattern");
    for literal in literal.captures_iter(code).map(|found| found[1].to_owned()) {
        if name.is_match(&literal) && !VALUES.lines().any(|word| word == literal) && !tree.has_field(&literal)
        {
            found.push(format!("\"{literal}\" is no field"));
        }
    }
    for path in paths(code) {
        let steps: Vec<Option<&str>> = path.iter().map(Option::as_deref).collect();
        if !tree.has_path(&steps) {
            let shown: Vec<&str> = steps.iter().map(|step| step.unwrap_or("?")).collect();
            found.push(format!("{} is no path", shown.join(".")));
        }
    }
    found
}

/// The paths in some code: arguments of the functions that walk, and defaults with their places. A name that is no
/// literal is None.
fn paths(code: &str) -> Vec<Vec<Option<String>>> {
    let walk = Regex::new(
        r"\b(?:at|text_at|remove_at|set_at|take|each)\(\s*(?:[&\w.]+,\s*)?(?:&\[([^\]]*)\]|([A-Z_]+)\b)",
    );
    let default = Regex::new(r#"\(\s*&\[([^\]]*)\],\s*"(\w+)",\s*Fill::"#);
    let steps = |list: &str| -> Vec<Option<String>> {
        let steps = list.split(',').map(str::trim).filter(|step| !step.is_empty());
        let literal = |step: &str| Some(step.strip_prefix('"')?.strip_suffix('"')?.to_owned());
        steps.map(literal).collect()
    };
    let mut found = Vec::new();
    for walked in walk.expect("a pattern").captures_iter(code) {
        if let Some(list) = walked.get(1) {
            found.push(steps(list.as_str()));
        } else if let Some(constant) = walked.get(2) {
            let pattern = format!(r"const {}: [^=]* = &\[([^\]]*)\]", constant.as_str());
            let list =
                Regex::new(&pattern).expect("a pattern").captures(code).map(|found| found[1].to_owned());
            found.extend(list.map(|list| steps(&list)));
        }
    }
    for placed in default.expect("a pattern").captures_iter(code) {
        let mut path = steps(&placed[1]);
        path.push(Some(placed[2].to_owned()));
        found.push(path);
    }
    found
}

/// The types of the rows that a file or folder of rules serves, as the table says it.
fn types_of_rules() -> BTreeMap<String, BTreeSet<TypeId>> {
    let member = Regex::new(r#"type_name: "([^"]+)"|rules: &rules::(\w+)::"#).expect("a pattern");
    let mut found: BTreeMap<String, BTreeSet<TypeId>> = BTreeMap::new();
    let (mut type_name, mut rows) = (String::new(), 0);
    for text in files(&kinds().join("table")).values() {
        for member in member.captures_iter(text) {
            if let Some(name) = member.get(1) {
                type_name = name.as_str().to_owned();
            } else if let Some(module) = member.get(2) {
                let id = catalogue().type_named(&type_name).unwrap_or_else(|| panic!("no type {type_name}"));
                found.entry(module.as_str().to_owned()).or_default().insert(id);
                rows += 1;
            }
        }
    }
    assert!(rows >= 68, "only {rows} rows with rules were found");
    found
}

#[test]
fn rules_name_fields_that_exist() {
    let types = types_of_rules();
    let everything = Tree::of(catalogue().iter().map(|(id, _)| id));
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (path, text) in files(&kinds().join("rules")) {
        let module = path.split(['/', '.']).next().unwrap_or_default();
        let own = types.get(module).map(|roots| Tree::of(roots.iter().copied()));
        // Pods are parts of many kinds, and so is what no single row is served by.
        let found = unknown(&code(&text), own.as_ref().filter(|_| module != "pod").unwrap_or(&everything));
        wrong.extend(found.into_iter().map(|what| format!("rules/{path}: {what}")));
        checked += paths(&code(&text)).len();
    }
    for (file, root) in
        [("metadata.rs", "core.v1.ConfigMap"), ("validation/label_selector.rs", "meta.v1.LabelSelector")]
    {
        let found = unknown(&code(&read(&kinds().join(file))), &Tree::named(root));
        wrong.extend(found.into_iter().map(|what| format!("{file}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 200, "only {checked} paths were found");
}

/// What the check finds, and what it lets pass.
#[test]
fn a_mistyped_name_is_found() {
    let pod = Tree::named("core.v1.Pod");
    let table: &[(&str, &[&str])] = &[
        (r#"object.member("spec").member("containers")"#, &[]),
        (r#"object.member("sepc")"#, &["\"sepc\" is no field"]),
        (
            r#"for list in ["containers", "initContainer"] { spec.member(list) }"#,
            &["\"initContainer\" is no field"],
        ),
        (r#"object.at(&["status", "phase"])"#, &[]),
        (r#"object.at(&["spec", "phase"])"#, &["spec.phase is no path"]),
        (r#"out.take(facts.old, &["spec", "containers", "*", "resources"])"#, &[]),
        (
            r#"out.take(facts.old, &["spec", "containers", "resources"])"#,
            &["spec.containers.resources is no path"],
        ),
        (r#"object.set_at(&["metadata", "labels", key], value)"#, &[]),
        (r#"(&["spec", "containers", "*", "ports", "*"], "protocol", Fill::Text("TCP"))"#, &[]),
        (
            r#"(&["spec", "containers", "ports", "*"], "protocol", Fill::Text("TCP"))"#,
            &["spec.containers.ports.*.protocol is no path"],
        ),
        ("const PHASE: &[&str] = &[\"spec\", \"phase\"];\nobject.text_at(PHASE)", &["spec.phase is no path"]),
    ];
    for (code, expected) in table {
        assert_eq!(unknown(code, &pod), *expected, "{code}");
    }
}

#[test]
fn every_subresource_that_is_updated_has_a_strategy() {
    for row in table::ROWS {
        for sub in row.subs {
            let is_updated = sub.verbs.contains(&Verb::Update) && sub.action != SubKind::Connect;
            let strategy = row.rules.strategy(sub.name);
            assert_eq!(strategy.is_some(), is_updated, "{}/{}", row.plural, sub.name);
        }
        let names: Vec<&str> = row.rules.subresources.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted(), "{}: {names:?}", row.plural);
        for name in names {
            assert!(row.subs.iter().any(|sub| sub.name == name), "{} has no {name}", row.plural);
        }
    }
}

#[test]
fn reset_fields_are_fields_of_their_kinds() {
    let mut checked = 0;
    for row in table::ROWS {
        let tree = Tree::named(row.type_name);
        let root = Shape::Struct(catalogue().type_named(row.type_name).expect("a type"));
        for subresource in [""].into_iter().chain(row.subs.iter().map(|sub| sub.name)) {
            let Some(strategy) = row.rules.strategy(subresource) else { continue };
            for path in strategy.reset_fields.paths() {
                let steps: Vec<Option<&str>> = path.iter().map(|step| Some(*step)).collect();
                assert!(tree.follows(&root, &steps), "{}/{subresource}: {path:?}", row.plural);
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "only {checked} reset fields were found");
}

/// Writes of a status reset the rest, and other writes the status.
#[test]
fn a_field_belongs_to_the_object_or_to_its_status() {
    for row in table::ROWS.iter().filter(|row| row.rules.strategy("status").is_some()) {
        let resets = |subresource: &str, field: &str| {
            row.rules.strategy(subresource).is_some_and(|strategy| strategy.reset_fields.resets(field))
        };
        assert!(resets("", "status") && !resets("status", "status"), "{}", row.plural);
        assert!(resets("status", "spec"), "{}", row.plural);
    }
}

/// A world without objects.
struct Nothing;

impl Objects for Nothing {
    fn get(&self, _group: &str, _plural: &str, _namespace: &str, _name: &str) -> Option<Value> {
        None
    }

    fn visit(
        &self,
        _group: &str,
        _plural: &str,
        _namespace: &str,
        _visitor: &mut dyn FnMut(&Value) -> ControlFlow<()>,
    ) {
    }
}

/// What upstream declares to be reset, and takes: a subresource and a field.
const TAKEN_NEVERTHELESS: &[(&str, &str, &[&str])] =
    &[("certificatesigningrequests", "status", &["status", "conditions"])];

/// Fields of which a subresource takes a part alone.
const TAKEN_IN_PART: &[(&str, &str)] = &[("approval", "status")];

/// What becomes of a field that an update changes: whether it is the new one afterwards.
fn takes(row: &Row, subresource: &str, path: &[&str], object: &Value) -> bool {
    let marked = |text: &str| {
        let (mut object, mut mark) = (object.clone(), Value::empty_map());
        mark.set("marker", text.into());
        object.set_at(path, mark);
        object
    };
    let (mut new, old) = (marked("new"), marked("old"));
    let (caller, config) = (Caller::server(), Config::open(0));
    let facts = Facts::of_create(&caller, Wall::from_seconds(0), &config, &Nothing);
    let strategy = row.rules.strategy(subresource).expect("a strategy");
    (strategy.prepare_for_update)(&mut new, &facts.of_update(subresource, &old));
    let found = new.at(path).map_or("", |mark| mark.text_at(&["marker"]));
    assert!(matches!(found, "new" | "old"), "{}/{subresource} drops {path:?}", row.plural);
    found == "new"
}

/// What a strategy declares is what it does: it resets those fields, and takes the others.
#[test]
fn strategies_reset_what_they_declare() {
    let objects = objects();
    let mut checked = 0;
    for row in table::ROWS.iter().filter(|row| row.rules.strategy("status").is_some()) {
        let object = json::parse(objects[&key(row)].to_string().as_bytes()).expect("JSON").value;
        for subresource in [""].into_iter().chain(row.subs.iter().map(|sub| sub.name)) {
            let Some(strategy) = row.rules.strategy(subresource) else { continue };
            let declared: FieldPaths = match strategy.reset_fields {
                ResetFields::Only(paths) => paths,
                ResetFields::AllBut(_) => &[&["spec", "nodeName"], &["metadata", "labels"], &["status"]],
            };
            for path in declared.iter().copied().filter(|path| path.len() > 1 || path[0] != "metadata") {
                let taken = takes(row, subresource, path, &object);
                let expected = TAKEN_NEVERTHELESS.contains(&(row.plural, subresource, path));
                assert_eq!(taken, expected, "{}/{subresource}: {path:?}", row.plural);
                checked += 1;
            }
            let labels = strategy.reset_fields.resets("metadata")
                || declared.contains(&["metadata", "labels"].as_slice());
            assert_eq!(takes(row, subresource, &["metadata", "labels"], &object), !labels, "{}", row.plural);
            for field in ["spec", "status"] {
                let whole =
                    !strategy.reset_fields.resets(field) && !TAKEN_IN_PART.contains(&(subresource, field));
                if whole && matches!(strategy.reset_fields, ResetFields::Only(_)) {
                    let taken = takes(row, subresource, &[field, "marked"], &object);
                    assert!(taken, "{}/{subresource} leaves {field}", row.plural);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 100, "only {checked} fields were changed");
}
