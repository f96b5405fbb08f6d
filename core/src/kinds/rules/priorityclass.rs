//! PriorityClasses.
//! k8s: pkg/registry/scheduling/priorityclass/strategy.go, pkg/apis/scheduling/v1/defaults.go,
//! pkg/apis/scheduling/validation/validation.go

use super::fill::{Default, Fill, fill};
use crate::kinds::validation::{Errors, Located, validate_immutable_field};
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::format;
use alloc::string::String;

pub static RULES: Rules = Rules {
    default,
    validate,
    update: Strategy { validate_update, ..Strategy::PLAIN },
    generation: Generation::AtCreation,
    ..Rules::PLAIN
};

const DEFAULTS: &[Default] = &[(&[], "preemptionPolicy", Fill::TextOfPointer("PreemptLowerPriority"))];

/// The highest priority that users can give.
const HIGHEST: i64 = 1_000_000_000;
/// The classes of Kubernetes itself, whose names no other can begin with.
const SYSTEM_PREFIX: &str = "system-";
const SYSTEM: [(&str, i64); 2] =
    [("system-node-critical", 2 * HIGHEST + 1000), ("system-cluster-critical", 2 * HIGHEST)];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
}

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let (metadata, value) = (object.member("metadata"), object.member("value"));
    let name = metadata.member("name");
    if name.text().starts_with(SYSTEM_PREFIX) {
        if let Some(problem) = system_problem(object, name.text()) {
            let detail = format_args!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {problem}"
            );
            errors.forbidden(&name, detail);
        }
    } else if value.int() > HIGHEST {
        let detail = format_args!("maximum allowed value of a user defined priority is {HIGHEST}");
        errors.forbidden(&value, detail);
    }
    let policy = object.member("preemptionPolicy");
    match policy.text() {
        "PreemptLowerPriority" | "Never" => {}
        "" if policy.is_set() => errors.required(&policy, ""),
        "" => {}
        _ => errors.not_supported(&policy, &["PreemptLowerPriority", "Never"]),
    }
}

/// What distinguishes a class from the one of Kubernetes with its name.
fn system_problem(object: &Located<'_, '_>, name: &str) -> Option<String> {
    let Some((_, value)) = SYSTEM.iter().find(|(system, _)| *system == name) else {
        return Some(format!("{name} is not a known system priority class"));
    };
    if object.member("value").int() != *value {
        return Some(format!("value of {name} PriorityClass must be {value}"));
    }
    let default = object.member("globalDefault").bool();
    default.then(|| format!("globalDefault of {name} PriorityClass must be false"))
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let value = object.member("value");
    if value.int() != old.member("value").int() {
        errors.forbidden(&value, "may not be changed in an update.");
    }
    validate_immutable_field(&object.member("preemptionPolicy"), &old.member("preemptionPolicy"), errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;

    #[test]
    fn priorities_of_users_are_bounded() {
        let table: &[(&str, Option<&str>, &str)] = &[
            (r#"{"metadata":{"name":"a"},"value":1000000000}"#, None, ""),
            (
                r#"{"metadata":{"name":"a"},"value":1000000001}"#,
                None,
                "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
            ),
            (r#"{"metadata":{"name":"system-node-critical"},"value":2000001000}"#, None, ""),
            (
                r#"{"metadata":{"name":"system-node-critical"},"value":1}"#,
                None,
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000",
            ),
            (r#"{"metadata":{"name":"a"},"preemptionPolicy":""}"#, None, "preemptionPolicy: Required value"),
        ];
        for (object, old, wanted) in table {
            assert_eq!(problems(validate, object, *old), *wanted, "{object}");
        }
    }
}
