//! StatefulSets.
//! k8s: pkg/registry/apps/statefulset/strategy.go, pkg/apis/apps/v1/defaults.go

use super::fill::{Default, Fill, each, fill};
use super::{persistentvolumeclaim, pod_spec, status, warnings};
use crate::kinds::{Generation, Rules};
use crate::value::Value;
use crate::value::names;
use alloc::string::String;
use alloc::vec::Vec;

pub static RULES: Rules =
    Rules { name: names::dns_label, default, warnings: warn, generation: Generation::Spec, ..status::SPLIT };

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
    each(object, &["spec", "template"], &mut pod_spec::default_template);
    each(object, &["spec", "volumeClaimTemplates", "*"], &mut persistentvolumeclaim::default);
}

fn warn(object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut out = warnings::pod::workload(object, old);
    let claims = warnings::path(&["spec", "volumeClaimTemplates"]);
    for (index, claim) in warnings::items(object, &["spec", "volumeClaimTemplates"]).iter().enumerate() {
        // Upstream has the place of an update's claim so.
        let path = claims.index(index);
        let path = if old.is_some() { path.child("Spec") } else { path };
        warnings::claim_spec(claim.field("spec").unwrap_or(&Value::Null), &path, &mut out);
    }
    let limit = object.at(&["spec", "revisionHistoryLimit"]).and_then(Value::as_int).unwrap_or(0);
    if limit < 0 {
        let text = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is \
                    recommended";
        out.push(text.into());
    }
    out
}
