//! VolumeAttachments.
//! k8s: pkg/apis/storage/validation/validation.go ValidateVolumeAttachment

use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::rules::persistentvolume::validation::validate_persistent_volume_spec;
use crate::kinds::validation::{Errors, IMMUTABLE, Located, internal_json, validate_driver_name};
use crate::value::Value;
use crate::value::names::dns_subdomain;

const METADATA_BYTES: usize = 256 * 1024;
const MESSAGE_BYTES: usize = 1024;

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let (spec, status) = (object.member("spec"), object.member("status"));
    let (source, node) = (spec.member("source"), spec.member("nodeName"));
    let volume = source.member("persistentVolumeName");
    validate_driver_name(&spec.member("attacher"), errors);
    validate_source(&source, &volume, errors);
    errors.invalid_for_each(&node, node.text(), dns_subdomain(node.text(), false));
    validate_metadata(&status.member("attachmentMetadata"), errors);
    for field in ["attachError", "detachError"] {
        validate_error(&status.member(field), errors);
    }
    if volume.is_set() {
        errors.invalid_for_each(&volume, volume.text(), dns_subdomain(volume.text(), false));
    }
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_built_in(object, false, dns_subdomain, errors);
    validate(object, facts, errors);
    let old = Located::root(facts.old);
    let spec = object.member("spec");
    if spec.value() != old.member("spec").value() {
        errors.invalid_shown(&spec, &internal_json("VolumeAttachmentSpec", spec.value()), IMMUTABLE);
    }
}

fn validate_source(source: &Located<'_, '_>, volume: &Located<'_, '_>, errors: &mut Errors) {
    const ONE: &str = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    let inline = source.member("inlineVolumeSpec");
    match (inline.is_set(), volume.is_set()) {
        (false, false) => errors.required(source, ONE),
        (true, true) => errors.forbidden(source, ONE),
        (false, true) => {
            if volume.is_empty() {
                errors.required(volume, "must specify non empty persistentVolumeName");
            }
        }
        (true, false) => {
            // An attachment never changes, so that nothing in its volume is older than the rules.
            let none = Value::Null;
            validate_persistent_volume_spec(&inline, "", true, &Located::root(&none), errors);
        }
    }
}

fn validate_metadata(metadata: &Located<'_, '_>, errors: &mut Errors) {
    let bytes: usize = metadata.entries().map(|(key, value)| key.len().saturating_add(value.len())).sum();
    if bytes > METADATA_BYTES {
        errors.too_long(metadata, METADATA_BYTES);
    }
}

fn validate_error(error: &Located<'_, '_>, errors: &mut Errors) {
    let (message, code) = (error.member("message"), error.member("errorCode"));
    if message.len() > MESSAGE_BYTES {
        // Upstream's sentence says another bound than the one it checks.
        errors.too_long(&message, METADATA_BYTES);
    }
    if code.int() < 0 {
        errors.invalid(&code, "must be between 0 and 2147483647, inclusive");
    }
}
