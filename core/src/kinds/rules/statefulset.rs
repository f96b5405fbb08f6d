//! StatefulSets.
//! k8s: pkg/registry/apps/statefulset/strategy.go, pkg/apis/apps/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{persistentvolumeclaim, pod, status, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use crate::value::names;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    name: names::dns_label,
    default,
    warnings_on_create,
    update: UPDATE,
    subresources: &[("scale", UPDATE), ("status", status::STATUS)],
    generation: Generation::Spec,
    ..status::SPLIT
};

const UPDATE: Strategy = Strategy { warnings_on_update, ..status::UPDATE };

const DEFAULTS: &[Default] = &[
    (&["spec"], "podManagementPolicy", Fill::Text("OrderedReady")),
    (&["spec"], "updateStrategy", Fill::Object),
    (&["spec", "updateStrategy"], "type", Fill::Text("RollingUpdate")),
    (&["spec"], "persistentVolumeClaimRetentionPolicy", Fill::Object),
    (&["spec", "persistentVolumeClaimRetentionPolicy"], "whenDeleted", Fill::Text("Retain")),
    (&["spec", "persistentVolumeClaimRetentionPolicy"], "whenScaled", Fill::Text("Retain")),
    (&["spec"], "replicas", Fill::Int(1)),
    (&["spec"], "revisionHistoryLimit", Fill::Int(10)),
    (&["spec", "volumeClaimTemplates", "*"], "kind", Fill::Text("PersistentVolumeClaim")),
    (&["spec", "volumeClaimTemplates", "*"], "apiVersion", Fill::Text("v1")),
];

const ROLLING: &[Default] =
    &[(&[], "rollingUpdate", Fill::Object), (&["rollingUpdate"], "partition", Fill::Int(0))];

fn default(object: &mut Value) {
    fill(object, DEFAULTS);
    each(object, &["spec", "updateStrategy"], &mut |strategy| {
        if strategy.text_at(&["type"]) == "RollingUpdate" {
            fill(strategy, ROLLING);
        }
    });
    each(object, &["spec", "template"], &mut pod::default_template);
    each(object, &["spec", "volumeClaimTemplates", "*"], &mut persistentvolumeclaim::default);
}

fn warnings_on_create(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    pod::warnings::workload(object, facts, warnings);
    for claim in object.at(&["spec", "volumeClaimTemplates"]).items() {
        // Upstream leaves the claim's spec out of the path.
        warnings::claim_spec(&claim.member("spec").shown_at(&claim), warnings);
    }
    warn_of_history(object, warnings);
}

fn warnings_on_update(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    pod::warnings::changed_workload(object, facts, warnings);
    for claim in object.at(&["spec", "volumeClaimTemplates"]).items() {
        // Upstream writes the claim of an update so.
        warnings::claim_spec(&claim.member("spec").shown_as("Spec"), warnings);
    }
    warn_of_history(object, warnings);
}

fn warn_of_history(object: &Located<'_, '_>, warnings: &mut Vec<String>) {
    let limit = object.at(&["spec", "revisionHistoryLimit"]);
    if limit.int() < 0 {
        warnings.push(format!(
            "{limit}: a negative value retains all historical revisions; a value >= 0 is recommended"
        ));
    }
}
