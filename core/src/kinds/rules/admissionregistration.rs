//! Webhook configurations and admission policies with their bindings.
//! k8s: pkg/registry/admissionregistration, pkg/apis/admissionregistration/v1/defaults.go

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
    update: Strategy { warnings_on_update: warn, ..Strategy::PLAIN },
    generation: Generation::Spec,
    allow_unconditional_update: false,
    ..Rules::PLAIN
};

pub static MUTATING_POLICY: Rules = Rules { default: default_policy, ..GUARDED };
pub static VALIDATING_POLICY: Rules = Rules {
    default: default_policy,
    prepare_for_create: status::drop_status,
    update: Strategy { warnings_on_update: warn, ..status::UPDATE },
    subresources: &[("status", status::STATUS_ALONE)],
    ..GUARDED
};
pub static POLICY_BINDING: Rules = Rules { default: default_policy_binding, ..GUARDED };
pub static MUTATING_WEBHOOKS: Rules = Rules { default: default_mutating_webhooks, ..GUARDED };
pub static VALIDATING_WEBHOOKS: Rules = Rules { default: default_webhooks, ..GUARDED };

const WEBHOOK: &[Default] = &[
    (&["webhooks", "*"], "failurePolicy", Fill::Text("Fail")),
    (&["webhooks", "*"], "matchPolicy", Fill::Text("Equivalent")),
    (&["webhooks", "*"], "namespaceSelector", Fill::Object),
    (&["webhooks", "*"], "objectSelector", Fill::Object),
    (&["webhooks", "*"], "timeoutSeconds", Fill::Int(10)),
    (&["webhooks", "*", "rules", "*"], "scope", Fill::Text("*")),
    (&["webhooks", "*", "clientConfig", "service"], "port", Fill::Int(443)),
];

const MUTATING_WEBHOOK: &[Default] = &[(&["webhooks", "*"], "reinvocationPolicy", Fill::Text("Never"))];

const POLICY: &[Default] = &[
    (&["spec"], "failurePolicy", Fill::Text("Fail")),
    (&["spec", "matchConstraints"], "matchPolicy", Fill::Text("Equivalent")),
    (&["spec", "matchConstraints"], "namespaceSelector", Fill::Object),
    (&["spec", "matchConstraints"], "objectSelector", Fill::Object),
    (&["spec", "matchConstraints", "resourceRules", "*"], "scope", Fill::Text("*")),
    (&["spec", "matchConstraints", "excludeResourceRules", "*"], "scope", Fill::Text("*")),
];

const BINDING: &[Default] = &[
    (&["spec", "matchResources"], "matchPolicy", Fill::Text("Equivalent")),
    (&["spec", "matchResources"], "namespaceSelector", Fill::Object),
    (&["spec", "matchResources"], "objectSelector", Fill::Object),
    (&["spec", "matchResources", "resourceRules", "*"], "scope", Fill::Text("*")),
    (&["spec", "matchResources", "excludeResourceRules", "*"], "scope", Fill::Text("*")),
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
