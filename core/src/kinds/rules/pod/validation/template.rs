//! The templates of pods, as workloads and PodTemplates have them.

use super::context::PodContext;
use super::{metadata, spec};
use crate::kinds::Facts;
use crate::kinds::metadata::{validate_annotations, validate_labels};
use crate::kinds::validation::{Errors, Located};
use crate::value::Value;

/// A template, with the tolerance for what the object's stored template has at the same place.
pub(in crate::kinds::rules) fn validate_pod_template_spec(
    template: &Located<'_, '_>,
    facts: &Facts<'_>,
    errors: &mut Errors,
) {
    let old = template.same_place_in(facts.old);
    let context = PodContext::of_template(old.unwrap_or(&Value::Null), facts);
    let held = template.at(&["metadata", "annotations"]);
    let (labels, annotations) = (template.member("labels"), template.member("annotations"));
    let held_labels = template.at(&["metadata", "labels"]);
    // Upstream leaves out the step to the metadata.
    let annotations = held.shown_at(&annotations);
    validate_labels(&held_labels.shown_at(&labels), errors);
    validate_annotations(&annotations, errors);
    metadata::validate_annotations(template, &annotations, &context, errors);
    let pod = template.member("spec");
    spec::validate_spec(&pod, context, errors);
    metadata::validate_profiles_match(template, &annotations, errors);
    let added = pod.member("ephemeralContainers");
    if !added.is_empty() {
        errors.forbidden(&added, "ephemeral containers not allowed in pod template");
    }
}
