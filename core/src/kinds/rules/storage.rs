//! CSI objects, StorageClasses, VolumeAttachments and VolumeAttributesClasses.
//! k8s: pkg/registry/storage

use super::status;
use crate::kinds::Rules;

pub static CSI_DRIVER: Rules = Rules { unconditional_update: false, ..Rules::PLAIN };
pub static CSI_NODE: Rules = Rules { unconditional_update: false, ..Rules::PLAIN };
pub static CSI_STORAGE_CAPACITY: Rules = Rules { unconditional_update: false, ..Rules::PLAIN };
pub static STORAGE_CLASS: Rules = Rules { ..Rules::PLAIN };
pub static VOLUME_ATTACHMENT: Rules = Rules { unconditional_update: false, ..status::SPLIT };
pub static VOLUME_ATTRIBUTES_CLASS: Rules = Rules { ..Rules::PLAIN };
