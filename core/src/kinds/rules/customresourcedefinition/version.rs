//! A version of a definition: its schema, subresources, columns and the fields that select objects.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go

use super::schema::{Options, validate_schema};
use crate::kinds::validation::{Errors, Located};
use crate::schema::structural::{FieldPath, SchemaType, Structural};
use alloc::collections::BTreeSet;

const WARNING_BYTES: usize = 256;
const MAX_SELECTABLE: usize = 8;
const COLUMN_TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: &[&str] =
    &["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

pub(super) fn validate_version(
    version: &Located<'_, '_>,
    has_status: bool,
    options: &Options,
    errors: &mut Errors,
) {
    validate_deprecation(version, errors);
    let schema = version.member("schema");
    validate_schema(&schema, has_status, options, errors);
    validate_subresources(&version.member("subresources"), errors);
    validate_columns(&version.member("additionalPrinterColumns"), errors);
    let selectable = version.member("selectableFields");
    if selectable.is_empty() {
        return;
    }
    let root = schema.member("openAPIV3Schema");
    if root.is_set() {
        validate_selectable(&selectable, &root, errors);
    } else {
        let detail = "may only be set when `version.schema.openAPIV3Schema` is not included";
        errors.invalid_value(&selectable, "", detail);
    }
}

fn validate_deprecation(version: &Located<'_, '_>, errors: &mut Errors) {
    let warning = version.member("deprecationWarning");
    if !warning.is_set() {
        return;
    }
    if !version.member("deprecated").bool() {
        errors.invalid(&warning, "can only be set for deprecated versions");
        return;
    }
    let text = warning.text();
    if text.len() > WARNING_BYTES {
        errors.invalid(&warning, "must be <= 256 characters long");
    }
    if text.is_empty() {
        errors.invalid(&warning, "must not be an empty string");
    }
    let is_hidden = |letter: char| letter.is_control() || (letter.is_whitespace() && letter != ' ');
    if let Some((index, _)) = text.char_indices().find(|(_, letter)| is_hidden(*letter)) {
        let detail = format_args!(
            "must only contain printable UTF-8 characters; non-printable character found at index {index}"
        );
        errors.invalid(&warning, detail);
    }
}

pub(super) fn validate_columns(columns: &Located<'_, '_>, errors: &mut Errors) {
    for column in columns.items() {
        if errors.is_full() {
            return;
        }
        let (name, kind, format) = (column.member("name"), column.member("type"), column.member("format"));
        if name.is_empty() {
            errors.required(&name, "");
        }
        let types = COLUMN_TYPES.join(",");
        if kind.is_empty() {
            errors.required(&kind, format_args!("must be one of {types}"));
        } else if !COLUMN_TYPES.contains(&kind.text()) {
            errors.invalid(&kind, format_args!("must be one of {types}"));
        }
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format.text()) {
            errors.invalid(&format, format_args!("must be one of {}", COLUMN_FORMATS.join(",")));
        }
        let path = column.member("jsonPath").shown_as("JSONPath");
        if path.is_empty() {
            errors.required(&path, "");
        } else {
            validate_path(&path, errors);
        }
    }
}

/// A path in dots. True when it is one.
fn validate_path(path: &Located<'_, '_>, errors: &mut Errors) -> bool {
    let good = path.text().starts_with('.');
    if !good {
        errors.invalid(path, "must be a simple json path starting with .");
    }
    good
}

pub(super) fn validate_subresources(subresources: &Located<'_, '_>, errors: &mut Errors) {
    let scale = subresources.member("scale");
    if !scale.is_set() {
        return;
    }
    for (field, root) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let path = scale.member(field);
        if path.is_empty() {
            errors.required(&path, "");
        } else if validate_path(&path, errors) && !path.text().starts_with(root) {
            let root = root.trim_end_matches('.');
            errors.invalid(&path, format_args!("should be a json path under {root}"));
        }
    }
    let path = scale.member("labelSelectorPath");
    if !path.is_empty()
        && validate_path(&path, errors)
        && ![".spec.", ".status."].iter().any(|root| path.text().starts_with(root))
    {
        errors.invalid(&path, "should be a json path under either .spec or .status");
    }
}

/// The fields that select objects, each a single value that the schema knows.
pub(super) fn validate_selectable(fields: &Located<'_, '_>, schema: &Located<'_, '_>, errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    let schema = schema.value().map(Structural::read).unwrap_or_default();
    for field in fields.items() {
        if errors.is_full() {
            return;
        }
        let path = field.member("jsonPath");
        if path.is_empty() {
            errors.required(&path, "");
            continue;
        }
        let found = match FieldPath::follow(path.text(), &schema, false) {
            Ok(found) => found,
            Err(problem) => {
                errors.invalid(&path, format_args!("is an invalid path: {problem}"));
                continue;
            }
        };
        if found.names.first().is_some_and(|name| name == "metadata") {
            errors.invalid(&path, "must not point to fields in metadata");
        }
        let is_single =
            matches!(found.schema.kind, Some(SchemaType::String | SchemaType::Boolean | SchemaType::Integer));
        if !is_single {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings \
                          with formats are allowed.";
            errors.invalid(&path, detail);
        }
        if !seen.insert(found.names) {
            errors.duplicate(&path);
        }
    }
    if seen.len() > MAX_SELECTABLE {
        errors.too_many(fields, MAX_SELECTABLE);
    }
}
