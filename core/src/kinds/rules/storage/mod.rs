//! CSI objects, StorageClasses, VolumeAttachments and VolumeAttributesClasses.
//! k8s: pkg/registry/storage, pkg/apis/storage/v1/defaults.go

mod attachment;
mod class;
mod driver;
mod node;

use super::fill::{Default, Fill, fill, is_unset};
use super::{status, warnings};
use crate::kinds::validation::Located;
use crate::kinds::{Facts, Generation, Rules, Strategy};
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// DELETE answers with the object; PUT needs the revision that was read.
const GUARDED: Rules = Rules { allow_unconditional_update: false, returns_deleted: true, ..Rules::PLAIN };

pub static CSI_DRIVER: Rules = Rules {
    default: default_driver,
    prepare_for_create: driver::drop_disabled_fields,
    validate: driver::validate,
    warnings_on_create: warn_of_driver,
    update: Strategy {
        prepare_for_update: driver::drop_disabled_fields,
        validate_update: driver::validate_update,
        warnings_on_update: warn_of_driver,
        ..Strategy::PLAIN
    },
    generation: Generation::OnChange,
    ..GUARDED
};
pub static CSI_NODE: Rules = Rules {
    validate: node::validate,
    update: Strategy { validate_update: node::validate_update, checks_metadata: false, ..Strategy::PLAIN },
    ..GUARDED
};
pub static CSI_STORAGE_CAPACITY: Rules = Rules {
    validate: driver::validate_capacity,
    warnings_on_create: warn_of_capacity,
    update: Strategy {
        validate_update: driver::validate_capacity_update,
        warnings_on_update: warn_of_capacity,
        ..Strategy::PLAIN
    },
    returns_deleted: false,
    ..GUARDED
};
pub static STORAGE_CLASS: Rules = Rules {
    default: default_class,
    validate: class::validate,
    warnings_on_create: warn_of_class,
    update: Strategy {
        validate_update: class::validate_update,
        warnings_on_update: warn_of_class,
        ..Strategy::PLAIN
    },
    returns_deleted: true,
    ..Rules::PLAIN
};
pub static VOLUME_ATTACHMENT: Rules = Rules {
    validate: attachment::validate,
    update: Strategy {
        validate_update: attachment::validate_update,
        checks_metadata: false,
        ..status::UPDATE
    },
    subresources: &[(
        "status",
        Strategy {
            validate_update: attachment::validate_update,
            checks_metadata: false,
            ..status::STATUS_ALONE
        },
    )],
    allow_unconditional_update: false,
    returns_deleted: true,
    ..status::SPLIT
};
pub static VOLUME_ATTRIBUTES_CLASS: Rules = Rules {
    validate: class::validate_attributes,
    update: Strategy { validate_update: class::validate_attributes_update, ..Strategy::PLAIN },
    returns_deleted: true,
    ..Rules::PLAIN
};

const DRIVER: &[Default] = &[
    (&["spec"], "attachRequired", Fill::Bool(true)),
    (&["spec"], "podInfoOnMount", Fill::Bool(false)),
    (&["spec"], "storageCapacity", Fill::Bool(false)),
    (&["spec"], "fsGroupPolicy", Fill::TextOfPointer("ReadWriteOnceWithFSType")),
    (&["spec"], "requiresRepublish", Fill::Bool(false)),
    (&["spec"], "seLinuxMount", Fill::Bool(false)),
];

const CLASS: &[Default] = &[
    (&[], "reclaimPolicy", Fill::TextOfPointer("Delete")),
    (&[], "volumeBindingMode", Fill::TextOfPointer("Immediate")),
];

fn default_driver(object: &mut Value) {
    fill(object, DRIVER);
    if let Some(spec) = object.field_mut("spec") {
        let none =
            spec.field("volumeLifecycleModes").and_then(Value::as_list).is_some_and(<[Value]>::is_empty);
        if none || is_unset(spec, "volumeLifecycleModes") {
            spec.set("volumeLifecycleModes", Value::list(alloc::vec!["Persistent".into()]));
        }
    }
}

fn default_class(object: &mut Value) {
    fill(object, CLASS);
}

/// Tokens that a driver asks for, anew, and gets where they may be logged.
fn warn_of_driver(object: &Located<'_, '_>, facts: &Facts<'_>, warnings: &mut Vec<String>) {
    let spec = object.member("spec");
    let tokens = spec.member("tokenRequests");
    let held = Located::root(facts.old).at(&["spec", "tokenRequests"]).value();
    if tokens.is_empty() || tokens.value() == held || spec.member("serviceAccountTokenInSecrets").is_set() {
        return;
    }
    let text = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent \
                possible logging of tokens in volume attributes";
    warnings.push(text.into());
}

/// k8s: pkg/api/storage/util.go
fn warn_of_capacity(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    warnings::node_label::selector(&object.member("nodeTopology"), warnings);
}

/// k8s: pkg/api/storage/util.go
fn warn_of_class(object: &Located<'_, '_>, _facts: &Facts<'_>, warnings: &mut Vec<String>) {
    for topology in object.member("allowedTopologies").items() {
        for expression in topology.member("matchLabelExpressions").items() {
            let key = expression.member("key");
            if let Some(message) = warnings::node_label::replaced(key.text()) {
                warnings.push(format!("{key}: {message}"));
            }
        }
    }
}
