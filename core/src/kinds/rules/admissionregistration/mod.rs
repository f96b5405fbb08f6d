//! Webhook configurations and admission policies with their bindings.
//! k8s: pkg/registry/admissionregistration, pkg/apis/admissionregistration/v1/defaults.go

mod binding;
mod expressions;
mod matching;
mod policy;
mod webhook;

use super::fill::{Default, Fill, fill};
use super::status;
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// Admission objects are written with the revision that was read.
const GUARDED: Rules = Rules {
    warnings_on_create: warn,
    update: Strategy { checks_metadata: false, warnings_on_update: warn, ..Strategy::PLAIN },
    generation: Generation::Spec,
    allow_unconditional_update: false,
    standard_finalizers: false,
    ..Rules::PLAIN
};

pub static MUTATING_POLICY: Rules = Rules {
    default: default_policy,
    validate: policy::validate_mutating,
    update: Strategy { validate_update: policy::validate_mutating_update, ..GUARDED.update },
    ..GUARDED
};
pub static VALIDATING_POLICY: Rules = Rules {
    default: default_policy,
    prepare_for_create: status::drop_status,
    validate: policy::validate_validating,
    update: Strategy {
        validate_update: policy::validate_validating_update,
        checks_metadata: false,
        warnings_on_update: warn,
        ..status::UPDATE
    },
    subresources: &[(
        "status",
        Strategy { validate_update: policy::validate_status, checks_metadata: false, ..status::STATUS_ALONE },
    )],
    ..GUARDED
};
pub static VALIDATING_POLICY_BINDING: Rules = Rules {
    default: default_policy_binding,
    validate: binding::validate_validating,
    update: Strategy { validate_update: binding::validate_validating_update, ..GUARDED.update },
    ..GUARDED
};
pub static MUTATING_POLICY_BINDING: Rules = Rules {
    default: default_policy_binding,
    validate: binding::validate_mutating,
    update: Strategy { validate_update: binding::validate_mutating_update, ..GUARDED.update },
    ..GUARDED
};
pub static MUTATING_WEBHOOKS: Rules = Rules { default: default_mutating_webhooks, ..WEBHOOKS };
pub static VALIDATING_WEBHOOKS: Rules = Rules { default: default_webhooks, ..WEBHOOKS };

const WEBHOOKS: Rules = Rules {
    validate: webhook::validate,
    update: Strategy { validate_update: webhook::validate_update, ..GUARDED.update },
    ..GUARDED
};

const WEBHOOK: &[Default] = &[
    (&["webhooks", "*"], "failurePolicy", Fill::TextOfPointer("Fail")),
    (&["webhooks", "*"], "matchPolicy", Fill::TextOfPointer("Equivalent")),
    (&["webhooks", "*"], "namespaceSelector", Fill::Object),
    (&["webhooks", "*"], "objectSelector", Fill::Object),
    (&["webhooks", "*"], "timeoutSeconds", Fill::Int(10)),
    (&["webhooks", "*", "rules", "*"], "scope", Fill::TextOfPointer("*")),
    (&["webhooks", "*", "clientConfig", "service"], "port", Fill::Int(443)),
];

const MUTATING_WEBHOOK: &[Default] =
    &[(&["webhooks", "*"], "reinvocationPolicy", Fill::TextOfPointer("Never"))];

const POLICY: &[Default] = &[
    (&["spec"], "failurePolicy", Fill::TextOfPointer("Fail")),
    (&["spec", "matchConstraints"], "matchPolicy", Fill::TextOfPointer("Equivalent")),
    (&["spec", "matchConstraints"], "namespaceSelector", Fill::Object),
    (&["spec", "matchConstraints"], "objectSelector", Fill::Object),
    (&["spec", "matchConstraints", "resourceRules", "*"], "scope", Fill::TextOfPointer("*")),
    (&["spec", "matchConstraints", "excludeResourceRules", "*"], "scope", Fill::TextOfPointer("*")),
];

const BINDING: &[Default] = &[
    (&["spec", "matchResources"], "matchPolicy", Fill::TextOfPointer("Equivalent")),
    (&["spec", "matchResources"], "namespaceSelector", Fill::Object),
    (&["spec", "matchResources"], "objectSelector", Fill::Object),
    (&["spec", "matchResources", "resourceRules", "*"], "scope", Fill::TextOfPointer("*")),
    (&["spec", "matchResources", "excludeResourceRules", "*"], "scope", Fill::TextOfPointer("*")),
];

fn default_webhooks(object: &mut Value) {
    fill(object, WEBHOOK);
}

fn default_mutating_webhooks(object: &mut Value) {
    fill(object, WEBHOOK);
    fill(object, MUTATING_WEBHOOK);
}

fn default_policy(object: &mut Value) {
    fill(object, POLICY);
}

fn default_policy_binding(object: &mut Value) {
    fill(object, BINDING);
}

/// k8s: pkg/apis/admissionregistration/validation/static_suffix.go
fn warn(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    if !object.at(&["metadata", "name"]).text().ends_with(".static.k8s.io") {
        return;
    }
    let text = "metadata.name: names ending with \".static.k8s.io\" are reserved for static manifest-based \
                configurations and cannot be managed via the API";
    warnings.push(text.into());
}
