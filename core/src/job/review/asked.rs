//! What an access review asks the authorizers.
//! k8s: pkg/registry/authorization/util/helpers.go AuthorizationAttributesFrom

use crate::authorization::AttributesRecord;
use crate::caller::Caller;
use crate::value::{Text, Value};
use alloc::vec::Vec;

fn texts(value: Option<&Value>) -> Vec<Text> {
    let listed = value.and_then(Value::as_list).unwrap_or_default();
    listed.iter().filter_map(Value::as_str).map(Text::from).collect()
}

/// The user whom a review names.
pub(super) fn subject(review: &Value) -> Caller {
    let extra = review.at(&["spec", "extra"]).and_then(Value::as_map);
    let extra = extra.into_iter().flat_map(|extra| extra.iter());
    let mut extra: Vec<_> = extra.map(|(key, values)| (key.clone(), texts(Some(values)))).collect();
    extra.sort();
    Caller {
        name: review.text_at(&["spec", "user"]).into(),
        uid: review.text_at(&["spec", "uid"]).into(),
        groups: texts(review.at(&["spec", "groups"])),
        extra,
    }
}

/// The question of a review about a user.
pub(super) fn record(user: Caller, review: &Value) -> AttributesRecord {
    let resource = review.at(&["spec", "resourceAttributes"]).filter(|held| !held.is_null());
    let Some(asked) = resource else {
        let text = |member: &'static str| review.text_at(&["spec", "nonResourceAttributes", member]);
        return AttributesRecord::of_path(user, text("verb"), text("path"));
    };
    let text = |member: &'static str| asked.text_at(&[member]);
    let selector = |member: &'static str| asked.at(&[member]).cloned().unwrap_or_default();
    let version = text("version");
    AttributesRecord {
        version: if version.is_empty() { "*" } else { version }.into(),
        subresource: text("subresource").into(),
        namespace: text("namespace").into(),
        name: text("name").into(),
        field_selector: selector("fieldSelector"),
        label_selector: selector("labelSelector"),
        ..AttributesRecord::of_resource(&user, text("verb"), text("group"), text("resource"))
    }
}
