//! APIServices.
//! k8s: staging/src/k8s.io/kube-aggregator/pkg/registry/apiservice/strategy.go,
//! pkg/apis/apiregistration/validation/validation.go

use super::fill::{Default, Fill, fill};
use super::status;
use crate::codec::base64;
use crate::kinds::metadata;
use crate::kinds::validation::{Errors, Located};
use crate::kinds::{Facts, ResetFields, Rules, Strategy};
use crate::value::{Map, Value, names, quoted};
use alloc::format;

pub static RULES: Rules = Rules {
    name: names::any,
    default,
    prepare_for_create,
    validate,
    update: Strategy { validate_update, ..status::UPDATE },
    subresources: &[("status", STATUS)],
    allow_unconditional_update: false,
    standard_finalizers: false,
    ..status::SPLIT
};

const STATUS: Strategy = Strategy {
    prepare_for_update: |object, facts| {
        status::take_status(object, facts.old, &["annotations", "finalizers", "labels", "ownerReferences"]);
    },
    validate_update: validate_status,
    reset_fields: ResetFields::Only(&[&["metadata"], &["spec"]]),
    ..Strategy::PLAIN
};

const DEFAULTS: &[Default] = &[(&["spec", "service"], "port", Fill::Int(443))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

/// What this server serves itself is available from the start.
fn prepare_for_create(object: &mut Value, facts: &Facts<'_>) {
    status::drop_status(object, facts);
    let local = object.at(&["spec", "service"]).is_none_or(Value::is_null);
    let created = object.at(&["metadata", "creationTimestamp"]).cloned();
    if let Some(created) = created.filter(|_| local) {
        let mut condition = Map::new();
        for (field, text) in [
            ("type", "Available"),
            ("status", "True"),
            ("reason", "Local"),
            ("message", "Local APIServices are always available"),
        ] {
            condition.insert(field, text.into());
        }
        condition.insert("lastTransitionTime", created);
        object.set_at(&["status", "conditions"], Value::list(alloc::vec![condition.into()]));
    }
}

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let (name, spec) = (object.at(&["metadata", "name"]), object.member("spec"));
    if !name.is_empty() {
        validate_name(&name, &spec, errors);
    }
    let (group, version) = (spec.member("group"), spec.member("version"));
    if group.is_empty() && version.text() != "v1" {
        errors.required(&group, "only v1 may have an empty group and it better be legacy kube");
    }
    if !group.is_empty() {
        errors.invalid_for_each(&group, group.text(), names::dns_subdomain(group.text(), false));
    }
    errors.invalid_for_each(&version, version.text(), names::dns1035_label(version.text(), false));
    for (field, max) in [("groupPriorityMinimum", 20000), ("versionPriority", 1000)] {
        let number = spec.member(field);
        if !(1..=max).contains(&number.int()) {
            let detail = format_args!("must be positive and less than {max}");
            errors.invalid_value(&number, number.int(), detail);
        }
    }
    validate_service(&spec, errors);
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    metadata::validate(object, false, names::any, errors);
    validate(object, facts, errors);
}

/// The name follows from group and version.
fn validate_name(name: &Located<'_, '_>, spec: &Located<'_, '_>, errors: &mut Errors) {
    let minimal = names::path_segment(name.text(), false);
    if !minimal.is_empty() {
        errors.invalid_for_each(name, name.text(), minimal);
        return;
    }
    let required = format!("{}.{}", spec.member("version").text(), spec.member("group").text());
    if name.text() != required {
        let detail = format_args!("must be `spec.version+\".\"+spec.group`: {}", quoted(&required));
        errors.invalid_value(name, name.text(), detail);
    }
}

fn validate_service(spec: &Located<'_, '_>, errors: &mut Errors) {
    let (service, authorities) = (spec.member("service"), spec.member("caBundle"));
    let insecure = spec.member("insecureSkipTLSVerify");
    if !service.is_set() {
        if !authorities.is_empty() {
            let bytes = base64::decode(authorities.text()).map_or(0, |bytes| bytes.len());
            let shown = format!("{bytes} bytes");
            errors.invalid_value(&authorities, shown, "local APIServices may not have a caBundle");
        }
        if insecure.bool() {
            errors.invalid(&insecure, "local APIServices may not have insecureSkipTLSVerify");
        }
        return;
    }
    for field in ["namespace", "name"] {
        let text = service.member(field);
        if text.is_empty() {
            errors.required(&text, "");
        }
    }
    let port = service.member("port");
    let problems = names::port_number(port.int());
    if !problems.is_empty() {
        errors.invalid(&port, format_args!("port is not valid: {}", problems.join(", ")));
    }
    if insecure.bool() && !authorities.is_empty() {
        errors.invalid(&insecure, "may not be true if caBundle is present");
    }
}

fn validate_status(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    const STATUSES: &[&str] = &["True", "False", "Unknown"];
    for condition in object.at(&["status", "conditions"]).items() {
        if errors.is_full() {
            return;
        }
        let status = condition.member("status");
        if !STATUSES.contains(&status.text()) {
            errors.not_supported_text(&status, STATUSES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn names_follow_from_groups_and_versions() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (
                r#"{"metadata":{"name":"v1.a.b"},"spec":{"group":"a.b","version":"v1","groupPriorityMinimum":20000,"versionPriority":1000}}"#,
                None,
                "",
            ),
            (
                r#"{"metadata":{"name":"x"},"spec":{"group":"a.b","version":"v1","groupPriorityMinimum":20001,"versionPriority":0,"service":{"name":"s","port":0}}}"#,
                None,
                r#"[metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.a.b", spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000, spec.versionPriority: Invalid value: 0: must be positive and less than 1000, spec.service.namespace: Required value, spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive]"#,
            ),
            (
                r#"{"metadata":{"name":"v1."},"spec":{"version":"v1","groupPriorityMinimum":1,"versionPriority":1,"caBundle":"aGk="}}"#,
                None,
                r#"spec.caBundle: Invalid value: "2 bytes": local APIServices may not have a caBundle"#,
            ),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}
