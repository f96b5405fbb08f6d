//! What a CustomResourceDefinition must look like.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go

use super::approval::validate_approval;
use super::conversion::validate_conversion;
use super::defaults::has_unpruned_defaults;
use super::hoisted::hoisted;
use super::names::{validate_names, validate_required_names};
use super::schema::{Options, has_bad_map_keys, has_bad_sets, has_bad_types, has_defaults, validate_schema};
use super::version::{validate_columns, validate_selectable, validate_subresources, validate_version};
use crate::kinds::Facts;
use crate::kinds::validation::{
    Errors, Located, internal_json_list, is_known_review_version, validate_immutable_text,
};
use crate::value::Value;
use crate::value::names::{dns_subdomain, dns1035_label};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let internal = hoisted(object.value().unwrap_or(&Value::Null));
    let root = Located::root(&internal);
    validate_name(&root, errors);
    let ratchet = Ratchet::of_create();
    validate_spec(&root.member("spec"), &ratchet, errors);
    validate_rest(&root, &Value::Null, errors);
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let internal = hoisted(object.value().unwrap_or(&Value::Null));
    let held = hoisted(facts.old);
    let (root, old) = (Located::root(&internal), Located::root(&held));
    let (spec, old_spec) = (root.member("spec"), old.member("spec"));
    validate_spec(&spec, &Ratchet::of_update(&root, &old), errors);
    let (names, old_names) = (spec.member("names"), old_spec.member("names"));
    if is_established(&old) {
        validate_immutable_text(&spec.member("scope"), &old_spec.member("scope"), errors);
        validate_immutable_text(&names.member("kind"), &old_names.member("kind"), errors);
    }
    validate_immutable_text(&spec.member("group"), &old_spec.member("group"), errors);
    validate_immutable_text(&names.member("plural"), &old_names.member("plural"), errors);
    validate_rest(&root, facts.old, errors);
}

pub(super) fn validate_status(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_names(&object.at(&["status", "acceptedNames"]), errors);
}

fn is_established(definition: &Located<'_, '_>) -> bool {
    let conditions = definition.at(&["status", "conditions"]);
    conditions.items().any(|condition| {
        condition.member("type").text() == "Established" && condition.member("status").text() == "True"
    })
}

/// The rules that came later than definitions that break them, which those may break further.
struct Ratchet {
    schemas: bool,
    structural: bool,
    review_versions: bool,
    authorities: bool,
    options: Options,
    /// The versions whose schemas have not changed.
    unchanged: BTreeSet<String>,
}

impl Ratchet {
    fn of_create() -> Self {
        Self {
            schemas: true,
            structural: true,
            review_versions: true,
            authorities: false,
            options: Options::STRICT,
            unchanged: BTreeSet::new(),
        }
    }

    fn of_update(new: &Located<'_, '_>, old: &Located<'_, '_>) -> Self {
        let spec = old.member("spec");
        let (conversion, validation) = (spec.member("conversion"), spec.member("validation"));
        let versions = conversion.member("conversionReviewVersions");
        let whole = validation.member("openAPIV3Schema");
        let each = spec.member("versions");
        Self {
            schemas: whole.is_set()
                || each.items().all(|item| item.at(&["schema", "openAPIV3Schema"]).is_set()),
            structural: !spec.member("preserveUnknownFields").bool(),
            review_versions: versions.is_empty()
                || versions.items().any(|version| is_known_review_version(version.text())),
            authorities: is_established(old),
            options: Options {
                types: !any_schema(&spec, has_bad_types),
                atomic_sets: !any_schema(&spec, has_bad_sets),
                map_keys: !any_schema(&spec, has_bad_map_keys),
                pruned_defaults: !any_schema(&spec, has_unpruned_defaults),
                ..Options::STRICT
            },
            unchanged: unchanged_versions(&new.member("spec"), &spec),
        }
    }
}

/// The versions whose schemas are as they were.
fn unchanged_versions(new: &Located<'_, '_>, old: &Located<'_, '_>) -> BTreeSet<String> {
    fn schema<'v>(spec: &Located<'v, '_>, name: &str) -> Option<Option<&'v Value>> {
        let shared = spec.member("validation").value();
        let versions = spec.member("versions");
        let found = versions.items().find(|version| version.member("name").text() == name)?;
        Some(found.member("schema").value().or(shared))
    }
    let versions = new.member("versions");
    let names = versions.items().map(|version| version.member("name").text());
    let is_same = |name: &&str| {
        let held = schema(old, name);
        held.is_some() && held == schema(new, name)
    };
    names.filter(is_same).map(Into::into).collect()
}

/// Whether a schema of a spec is of some sort.
fn any_schema(spec: &Located<'_, '_>, is: fn(&Located<'_, '_>) -> bool) -> bool {
    let validation = spec.member("validation");
    let whole = validation.member("openAPIV3Schema");
    (whole.is_set() && is(&whole))
        || spec.member("versions").items().any(|version| {
            let schema = version.at(&["schema", "openAPIV3Schema"]);
            schema.is_set() && is(&schema)
        })
}

/// The name follows from the plural name and the group.
fn validate_name(root: &Located<'_, '_>, errors: &mut Errors) {
    let (metadata, spec) = (root.member("metadata"), root.member("spec"));
    let group = spec.member("group").text();
    let wanted = alloc::format!("{}.{group}", spec.at(&["names", "plural"]).text());
    for (field, prefix) in [("generateName", true), ("name", false)] {
        let name = metadata.member(field);
        if name.is_empty() {
            continue;
        }
        errors.invalid_for_each(&name, name.text(), dns_subdomain(name.text(), prefix));
        if name.text() != wanted {
            errors.invalid(&name, "must be spec.names.plural+\".\"+spec.group");
        }
    }
}

fn validate_spec(spec: &Located<'_, '_>, ratchet: &Ratchet, errors: &mut Errors) {
    validate_group_and_scope(spec, errors);
    let preserves = spec.member("preserveUnknownFields");
    validate_presence_of_schemas(spec, ratchet, errors);
    if any_schema(spec, has_defaults) && preserves.bool() {
        errors.invalid(&preserves, "must be false in order to use defaults in the schema");
    }
    let options = Options { structural: ratchet.structural || !preserves.bool(), ..ratchet.options };
    validate_versions(spec, &options, &ratchet.unchanged, errors);
    let names = spec.member("names");
    validate_required_names(&names, errors);
    validate_names(&names, errors);
    let status = has_status(&spec.member("subresources"))
        || spec.member("versions").items().any(|version| has_status(&version.member("subresources")));
    let is_unchanged = ratchet.unchanged.contains(spec.member("version").text());
    let options = Options { is_unchanged, ..options };
    validate_schema(&spec.member("validation"), status, &options, errors);
    validate_subresources(&spec.member("subresources"), errors);
    validate_columns(&spec.member("additionalPrinterColumns"), errors);
    let selectable = spec.member("selectableFields");
    if !selectable.is_empty() {
        let validation = spec.member("validation");
        if validation.is_set() {
            validate_selectable(&selectable, &validation.member("openAPIV3Schema"), errors);
        } else {
            errors.invalid_value(&selectable, "", "may only be set when validations.schema is included");
        }
    }
    let conversion = spec.member("conversion");
    let strategy = conversion.member("strategy");
    if conversion.is_set() && strategy.text() != "None" && preserves.bool() {
        errors.invalid_value(
            &strategy,
            strategy.text(),
            "must be None if spec.preserveUnknownFields is true",
        );
    }
    validate_conversion(&conversion, ratchet.review_versions, ratchet.authorities, errors);
}

fn validate_group_and_scope(spec: &Located<'_, '_>, errors: &mut Errors) {
    let (group, scope) = (spec.member("group"), spec.member("scope"));
    let problems = dns_subdomain(group.text(), false);
    if group.is_empty() {
        errors.required(&group, "");
    } else if !problems.is_empty() {
        errors.invalid(&group, problems.join(","));
    } else if !group.text().contains('.') {
        errors.invalid(&group, "should be a domain with at least one dot");
    }
    match scope.text() {
        "" => errors.required(&scope, ""),
        "Cluster" | "Namespaced" => {}
        _ => errors.not_supported_text(&scope, &["Cluster", "Namespaced"]),
    }
}

/// Whether a set of subresources has the status.
pub(super) fn has_status(subresources: &Located<'_, '_>) -> bool {
    subresources.member("status").is_set()
}

fn validate_presence_of_schemas(spec: &Located<'_, '_>, ratchet: &Ratchet, errors: &mut Errors) {
    if spec.member("validation").member("openAPIV3Schema").is_set() {
        return;
    }
    let pruned = !spec.member("preserveUnknownFields").bool();
    for version in spec.member("versions").items() {
        let schema = version.at(&["schema", "openAPIV3Schema"]);
        if schema.is_set() {
            continue;
        }
        if ratchet.schemas {
            errors.required(&schema, "");
        } else if pruned && version.member("served").bool() {
            errors.required(&schema, "because otherwise all fields are pruned");
        }
    }
}

fn validate_versions(
    spec: &Located<'_, '_>,
    options: &Options,
    unchanged: &BTreeSet<String>,
    errors: &mut Errors,
) {
    let versions = spec.member("versions");
    let (mut stored, mut seen, mut unique) = (0_usize, BTreeSet::new(), true);
    let own_subresources = versions.items().any(|version| version.member("subresources").is_set());
    for version in versions.items() {
        if errors.is_full() {
            return;
        }
        let name = version.member("name");
        stored += usize::from(version.member("storage").bool());
        unique &= seen.insert(name.text());
        let problems = dns1035_label(name.text(), false);
        if !problems.is_empty() {
            errors.invalid_value(&name, name.text(), problems.join(","));
        }
        let holder = if own_subresources { version } else { *spec };
        let options = Options { is_unchanged: unchanged.contains(name.text()), ..*options };
        validate_version(&version, has_status(&holder.member("subresources")), &options, errors);
    }
    let shown = |errors: &mut Errors, detail: &str| {
        let shown = internal_json_list("CustomResourceDefinitionVersion", versions.value());
        errors.invalid_shown(&versions, &shown, detail);
    };
    if !unique {
        shown(errors, "must contain unique version names");
    }
    if stored != 1 {
        shown(errors, "must have exactly one version marked as storage version");
    }
    let version = spec.member("version");
    let problems = dns1035_label(version.text(), false);
    if !version.is_empty() && !problems.is_empty() {
        errors.invalid(&version, problems.join(","));
    }
}

/// What is checked of a whole definition after its spec.
fn validate_rest(root: &Located<'_, '_>, old: &Value, errors: &mut Errors) {
    validate_names(&root.at(&["status", "acceptedNames"]), errors);
    validate_stored_versions(root, errors);
    validate_approval(root, old, errors);
    let preserves = root.at(&["spec", "preserveUnknownFields"]);
    let held = old.at(&["spec", "preserveUnknownFields"]).and_then(Value::as_bool) == Some(true);
    if preserves.bool() && !held {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
                      spec.versions[*].schema instead";
        errors.invalid(&preserves, detail);
    }
}

fn validate_stored_versions(root: &Located<'_, '_>, errors: &mut Errors) {
    let stored = root.at(&["status", "storedVersions"]);
    if stored.is_empty() {
        errors.invalid(&stored, "must have at least one stored version");
        return;
    }
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, name) in stored.items().enumerate() {
        left.insert(name.text(), index);
    }
    for version in root.at(&["spec", "versions"]).items() {
        let name = version.member("name").text();
        if left.remove(name).is_none() && version.member("storage").bool() {
            errors.invalid(&stored, format_args!("must have the storage version {name}"));
        }
    }
    let mut left: alloc::vec::Vec<usize> = left.into_values().collect();
    left.sort_unstable();
    for index in left {
        let item = stored.index(index);
        let name = item.text();
        let detail = format_args!(
            "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
             until a storage migration ensures no data remains persisted in {name} and removes {name} from \
             status.storedVersions"
        );
        errors.invalid(&item, detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn definitions_are_checked() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"metadata":{"name":"as.b.c"},"spec":{"group":"b.c","scope":"Cluster","names":{"plural":"as","singular":"a","kind":"A","listKind":"AList"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]},"status":{"storedVersions":["v1"]}}"#,
                None,
                "",
            ),
            (
                r#"{"metadata":{"name":"as.b.c"},"spec":{"group":"b","scope":"X","names":{"plural":"as","singular":"a","kind":"A","listKind":"A"},"versions":[{"name":"v1","storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"x":{},"y":{"type":"array"}}}}}]},"status":{"storedVersions":["v1"]}}"#,
                None,
                r#"[metadata.name: Invalid value: "as.b.c": must be spec.names.plural+"."+spec.group, spec.group: Invalid value: "b": should be a domain with at least one dot, spec.scope: Unsupported value: "X": supported values: "Cluster", "Namespaced", spec.names.listKind: Invalid value: "A": kind and listKind may not be the same, spec.validation.openAPIV3Schema.properties[x].type: Required value: must not be empty for specified object fields, spec.validation.openAPIV3Schema.properties[y].items: Required value: must be specified]"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}
