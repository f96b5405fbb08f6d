//! What a schema forbids, in the words and the order of upstream's validator. Of branches that all fail, the errors of
//! the one are told that fits best, so the number of checks that succeed is counted as upstream counts it.
//! k8s: vendor/k8s.io/kube-openapi/pkg/validation/validate/{schema,type,schema_props,object_validator}.go,
//! staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/validation/{validation,ratcheting}.go

use super::numbers::{self, is_whole};
use super::{Additional, Format, Structural};
use crate::codec::json;
use crate::schema::ListType;
use crate::status::{CauseType, Causes};
use crate::value::{Text, Value, quoted};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The value that an update replaces, as far as it can be told which it is. What is still as it was is not an error.
#[derive(Clone, Copy, Debug)]
pub enum Previous<'a> {
    /// The object is new, or has been in no place that can be told.
    None,
    Was(&'a Value),
}

/// Adds the errors of a value, which is an object or a part of one. `place` is its path in the object, empty for the
/// whole: errors have it, and upstream's sentences leave it out.
pub fn validate(
    schema: &Structural,
    value: &Value,
    previous: Previous<'_>,
    place: &str,
    causes: &mut Causes,
) {
    for complaint in check(schema, value, previous, "").errors {
        complaint.tell(place, causes);
    }
}

/// An error, as upstream's validator knows it before it becomes one of a field.
#[derive(Clone, Debug)]
pub(super) struct Complaint {
    /// None for an error that is of no field.
    path: Option<String>,
    kind: ComplaintKind,
    message: String,
}

#[derive(Clone, Debug)]
enum ComplaintKind {
    Required,
    NotSupported { value: Value, choices: Vec<Value> },
    TooLong(i64),
    TooMany { held: i64, most: i64 },
    Type(Value),
    Invalid(Value),
}

impl Complaint {
    pub(super) fn bare(message: String) -> Self {
        Self { path: None, kind: ComplaintKind::Invalid("".into()), message }
    }

    pub(super) fn of_value(path: &str, value: &Value, message: String) -> Self {
        Self::new(path, ComplaintKind::Invalid(value.clone()), message)
    }

    fn new(path: &str, kind: ComplaintKind, message: String) -> Self {
        Self { path: Some(path.into()), kind, message }
    }

    fn wrong_type(path: &str, wanted: &str, found: &str) -> Self {
        let message = format!("{path} in body must be of type {wanted}: {}", quoted(found));
        Self::new(path, ComplaintKind::Type(found.into()), message)
    }

    fn tell(self, place: &str, causes: &mut Causes) {
        let path = self.path.as_deref().unwrap_or_default();
        let path = match (place, path.strip_prefix('.').unwrap_or(path)) {
            ("", "") => "<nil>".into(),
            ("", path) => path.to_string(),
            (place, "") => place.to_string(),
            (place, path) => format!("{place}.{path}"),
        };
        match self.kind {
            ComplaintKind::Required => causes.required(&path, ""),
            ComplaintKind::NotSupported { value, choices } => {
                let choices: Vec<String> = choices.iter().map(choice_text).collect();
                let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
                causes.not_supported(&path, &value, &choices);
            }
            ComplaintKind::TooLong(most) => causes.too_long(&path, usize::try_from(most).unwrap_or(0)),
            ComplaintKind::TooMany { held, most } => {
                let items = if most == 1 { "item" } else { "items" };
                let detail = format!("must have at most {most} {items}");
                causes.add(CauseType::TooMany, &path, Some(&Value::Int(held)), &detail);
            }
            ComplaintKind::Type(value) => {
                causes.add(CauseType::TypeInvalid, &path, Some(&value), &self.message);
            }
            ComplaintKind::Invalid(value) => causes.invalid(&path, &value, &self.message),
        }
    }
}

fn choice_text(choice: &Value) -> String {
    choice.as_str().map_or_else(|| json::to_string(choice), ToString::to_string)
}

/// The errors of a value, each message once, and how many checks it has passed.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: Vec<Complaint>,
    passed: usize,
}

impl Findings {
    pub(super) fn add(&mut self, complaint: Option<Complaint>) {
        let Some(complaint) = complaint else { return };
        let is_full = self.errors.len() >= crate::limits::CAUSES;
        if !is_full && !self.errors.iter().any(|known| known.message == complaint.message) {
            self.errors.push(complaint);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.passed += other.passed;
        for complaint in other.errors {
            self.add(Some(complaint));
        }
    }

    pub(super) fn count(&mut self) {
        self.passed += 1;
    }

    fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    fn of(complaint: Complaint) -> Self {
        Self { errors: alloc::vec![complaint], passed: 0 }
    }
}

/// The recursion is as deep as the value and the logic of the schema, which their parsers bound.
fn check(schema: &Structural, value: &Value, previous: Previous<'_>, path: &str) -> Findings {
    let mut found = checked(schema, value, previous, path);
    if let Previous::Was(old) = previous
        && !found.is_valid()
        && old == value
    {
        found.errors.clear();
    }
    found
}

fn checked(schema: &Structural, value: &Value, previous: Previous<'_>, path: &str) -> Findings {
    let mut found = Findings::default();
    if value.is_null() {
        found.merge(check_type(schema, value, path));
        found.merge(check_choices(schema, value, path));
        return found;
    }
    if schema.kind.is_some() || schema.is_int_or_string || schema.bounds.format.is_some() {
        found.merge(check_type(schema, value, path));
        found.count();
    }
    found.merge(check_logic(schema, value, previous, path));
    found.count();
    if let Some(text) = value.as_str() {
        found.merge(check_text(schema, text, value, path));
        found.count();
        if let Some(format @ Format::Text(_)) = &schema.bounds.format {
            if !format.fits(text) {
                found.add(Some(Complaint::wrong_type(path, format.word(), text)));
            }
            found.count();
        }
    }
    if numbers::Number::of(value).is_some() {
        found.merge(numbers::check(&schema.bounds, schema.kind, value, path));
        found.count();
    }
    if let Some(items) = value.as_list() {
        found.merge(check_list(schema, items, previous, path));
        found.count();
    }
    found.merge(check_choices(schema, value, path));
    found.count();
    if value.as_map().is_some() {
        found.merge(check_object(schema, value, previous, path));
        found.count();
    }
    found.count();
    found
}

/// The JSON type of a value, as the validator names it.
fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "integer",
        Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) | Value::Json(_) => "object",
    }
}

fn check_type(schema: &Structural, value: &Value, path: &str) -> Findings {
    let passed = Findings { errors: Vec::new(), passed: 1 };
    let wanted: &[&str] = match schema.kind {
        Some(ref kind) => &[kind.word()],
        None if schema.is_int_or_string => &["integer", "string"],
        None => &[],
    };
    let word = type_word(value);
    let refused = || Findings::of(Complaint::wrong_type(path, &wanted.join(","), word));
    if value.is_null() {
        return if wanted.is_empty() || schema.nullable { passed } else { refused() };
    }
    let is_text_or_list = matches!(value, Value::Str(_) | Value::List(_));
    let takes_numbers = wanted.contains(&"number") || wanted.contains(&"integer");
    let is_whole_number = match value {
        Value::Float(number) => is_whole(number.to_f64()) && wanted.contains(&"integer"),
        Value::Int(_) => wanted.contains(&"number"),
        Value::Null | Value::Bool(_) | Value::Str(_) | Value::List(_) | Value::Map(_) | Value::Json(_) => {
            false
        }
    };
    let fits = wanted.contains(&word) || is_whole_number;
    if let Some(format) = &schema.bounds.format {
        if !is_text_or_list && !fits {
            let found = if matches!(value, Value::Int(_)) { "int64" } else { "" };
            let found = if matches!(value, Value::Float(_)) { "float64" } else { found };
            return Findings::of(Complaint::wrong_type(path, format.word(), found));
        }
        if !takes_numbers && is_text_or_list {
            return passed;
        }
    }
    if fits { passed } else { refused() }
}

fn check_logic(schema: &Structural, value: &Value, previous: Previous<'_>, path: &str) -> Findings {
    let mut found = Findings::default();
    let logic = &schema.logic;
    if !logic.any_of.is_empty() {
        let mut failure: Option<Findings> = None;
        let success = logic.any_of.iter().find_map(|branch| {
            let result = check(branch, value, previous, path);
            if result.is_valid() {
                return Some(result);
            }
            keep_best(&mut failure, result);
            None
        });
        if success.is_none() {
            let message = format!("{} must validate at least one schema (anyOf)", quoted(path));
            found.add(Some(Complaint::bare(message)));
        }
        found.merge(success.or(failure).unwrap_or_default());
    }
    if !logic.one_of.is_empty() {
        found.merge(check_one_of(&logic.one_of, value, previous, path));
    }
    if !logic.all_of.is_empty() {
        let mut valid = 0;
        for branch in &logic.all_of {
            let result = check(branch, value, previous, path);
            valid += usize::from(result.is_valid());
            found.merge(result);
        }
        if valid != logic.all_of.len() {
            let none = if valid == 0 { ". None validated" } else { "" };
            let message = format!("{} must validate all the schemas (allOf){none}", quoted(path));
            found.add(Some(Complaint::bare(message)));
        }
    }
    if let Some(not) = &logic.not
        && check(not, value, previous, path).is_valid()
    {
        let message = format!("{} must not validate the schema (not)", quoted(path));
        found.add(Some(Complaint::bare(message)));
    }
    found.count();
    found
}

fn keep_best(best: &mut Option<Findings>, result: Findings) {
    if best.as_ref().is_none_or(|best| result.passed > best.passed) {
        *best = Some(result);
    }
}

fn check_one_of(branches: &[Structural], value: &Value, previous: Previous<'_>, path: &str) -> Findings {
    let mut found = Findings::default();
    let (mut failure, mut success) = (None, None);
    let mut valid = 0;
    for branch in branches {
        let result = check(branch, value, previous, path);
        if result.is_valid() {
            valid += 1;
            failure = None;
            success = success.or(Some(result));
        } else if valid == 0 {
            keep_best(&mut failure, result);
        }
    }
    if valid == 1 {
        return success.unwrap_or_default();
    }
    let what = match valid {
        0 => "Found none valid".to_string(),
        valid => format!("Found {valid} valid alternatives"),
    };
    let message = format!("{} must validate one and only one schema (oneOf). {what}", quoted(path));
    found.add(Some(Complaint::bare(message)));
    found.merge(failure.unwrap_or_default());
    found
}

fn check_text(schema: &Structural, text: &str, value: &Value, path: &str) -> Findings {
    let bounds = &schema.bounds;
    let length = || i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if let Some(most) = bounds.length_max.filter(|most| length() > *most) {
        let message = format!("{path} in body should be at most {most} chars long");
        return Findings::of(Complaint::new(path, ComplaintKind::TooLong(most), message));
    }
    if let Some(least) = bounds.length_min.filter(|least| length() < *least) {
        let message = format!("{path} in body should be at least {least} chars long");
        return Findings::of(Complaint::of_value(path, value, message));
    }
    let Some(pattern) = &bounds.pattern else { return Findings::default() };
    let shown = match pattern.compiled() {
        Ok(compiled) if compiled.is_match(text) => return Findings::default(),
        Ok(_) => pattern.text.to_string(),
        Err(why) => format!("{}, but pattern is invalid: {why}", pattern.text),
    };
    Findings::of(Complaint::of_value(path, value, format!("{path} in body should match '{shown}'")))
}

fn check_choices(schema: &Structural, value: &Value, path: &str) -> Findings {
    let choices = &schema.bounds.choices;
    if choices.is_empty() || choices.iter().any(|choice| is_choice(value, choice)) {
        return Findings::default();
    }
    let kind = ComplaintKind::NotSupported { value: value.clone(), choices: choices.clone() };
    let shown: Vec<String> = choices.iter().map(choice_text).collect();
    let message = format!("{path} in body should be one of [{}]", shown.join(" "));
    Findings::of(Complaint::new(path, kind, message))
}

/// A number is converted to the type of the choice before they are compared.
fn is_choice(value: &Value, choice: &Value) -> bool {
    match (value, choice) {
        (Value::Int(number), Value::Float(choice)) => *number as f64 == choice.to_f64(),
        (Value::Float(number), Value::Int(choice)) => number.to_f64() as i64 == *choice,
        (value, choice) => value == choice,
    }
}

fn check_list(schema: &Structural, items: &[Value], previous: Previous<'_>, path: &str) -> Findings {
    let mut found = Findings::default();
    if let Some(inner) = &schema.items {
        let old = previous.items(schema);
        for (index, item) in items.iter().enumerate() {
            let was = if old.is_empty() { None } else { old.get(&identity(schema, item)) };
            let was = was.map_or(Previous::None, |was| Previous::Was(was));
            found.merge(check(inner, item, was, &format!("{path}[{index}]")));
        }
    }
    let held = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if let Some(least) = schema.bounds.items_min.filter(|least| held < *least) {
        let message = format!("{path} in body should have at least {least} items");
        found.add(Some(Complaint::of_value(path, &Value::Int(held), message)));
    }
    if let Some(most) = schema.bounds.items_max.filter(|most| held > *most) {
        let message = format!("{path} in body should have at most {most} items");
        found.add(Some(Complaint::new(path, ComplaintKind::TooMany { held, most }, message)));
    }
    let repeats = |(index, item): (usize, &Value)| items[..index].contains(item);
    if schema.bounds.unique_items && items.iter().enumerate().any(repeats) {
        let message = format!("{path} in body shouldn't contain duplicates");
        found.add(Some(Complaint::of_value(path, &"".into(), message)));
    }
    found.count();
    found
}

fn check_object(schema: &Structural, object: &Value, previous: Previous<'_>, path: &str) -> Findings {
    let mut found = Findings::default();
    let Some(members) = object.as_map() else { return found };
    let held = i64::try_from(members.len()).unwrap_or(i64::MAX);
    if let Some(least) = schema.bounds.properties_min.filter(|least| held < *least) {
        let message = format!("{path} in body should have at least {least} properties");
        found.add(Some(Complaint::of_value(path, &Value::Int(held), message)));
    }
    if let Some(most) = schema.bounds.properties_max.filter(|most| held > *most) {
        let message = format!("{path} in body should have at most {most} properties");
        found.add(Some(Complaint::new(path, ComplaintKind::TooMany { held, most }, message)));
    }
    for (name, member) in members.iter().filter(|(name, _)| !schema.properties.contains_key(*name)) {
        match &schema.additional {
            Additional::Denied => {
                let message = format!("{path}.{name} in body is a forbidden property");
                found.add(Some(Complaint::of_value(path, &Value::Str(name.clone()), message)));
            }
            Additional::Schema(inner) => {
                found.merge(check(inner, member, previous.member(name), &format!("{path}.{name}")));
            }
            Additional::Absent | Additional::Any => {}
        }
    }
    for (name, property) in &schema.properties {
        if let Some(member) = members.get(name) {
            let below = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            found.merge(check(property, member, previous.member(name), &below));
        }
    }
    for name in schema.bounds.required.iter().filter(|name| !members.contains_key(name)) {
        let below = format!("{path}.{name}");
        let message = format!("{below} in body is required");
        found.add(Some(Complaint::new(&below, ComplaintKind::Required, message)));
    }
    found
}

impl<'a> Previous<'a> {
    fn member(self, name: &str) -> Self {
        match self {
            Self::Was(value) => value.field(name).map_or(Self::None, Self::Was),
            Self::None => Self::None,
        }
    }

    /// The items of the old list by their keys. Which of them a new one was can be told only of lists that are maps.
    fn items(self, schema: &Structural) -> BTreeMap<String, &'a Value> {
        let (Self::Was(old), ListType::Map(_)) = (self, &schema.list) else { return BTreeMap::new() };
        let items = old.as_list().unwrap_or_default().iter();
        items.rev().map(|item| (identity(schema, item), item)).collect()
    }
}

/// The keys of an item of a list that is a map; empty for one of another list.
fn identity(schema: &Structural, item: &Value) -> String {
    let ListType::Map(keys) = &schema.list else { return String::new() };
    let keys = keys.iter().map(|key| key_of(schema, item, key).cloned().unwrap_or_default());
    json::to_string(&Value::list(keys.collect()))
}

/// The value of a key, or its default.
fn key_of<'a>(schema: &'a Structural, item: &'a Value, key: &Text) -> Option<&'a Value> {
    let default = || schema.items.as_ref()?.properties.get(key)?.default.as_ref();
    item.field(key).or_else(default)
}
