//! What admits objects: webhook configurations, admission policies and their bindings.

use super::cells::{UNSET, age, count, is_set, items, name, text, texts};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// Mutating and validating webhook configurations.
pub static WEBHOOK_CONFIGURATION: Columns = Columns::new(
    &[Column::NAME, Column::integer("Webhooks", "How many webhooks it has."), Column::AGE],
    |configuration, now| {
        vec![name(configuration), count(configuration, &["webhooks"]).into(), age(configuration, now)]
    },
);

const PARAM_KIND: Column<'static> =
    Column::text("ParamKind", "Kind of the objects that parametrize the policy.");

pub static VALIDATING_ADMISSION_POLICY: Columns = Columns::new(
    &[Column::NAME, Column::integer("Validations", "How many rules it has."), PARAM_KIND, Column::AGE],
    |policy, now| admission_policy(policy, "validations", now),
);

pub static MUTATING_ADMISSION_POLICY: Columns = Columns::new(
    &[Column::NAME, Column::integer("Mutations", "How many mutations it has."), PARAM_KIND, Column::AGE],
    |policy, now| admission_policy(policy, "mutations", now),
);

fn admission_policy(policy: &Value, rules: &str, now: Wall) -> Vec<Value> {
    let part = |field: &str| policy.text_at(&["spec", "paramKind", field]);
    let kind = if is_set(policy, &["spec", "paramKind"]) {
        format!("{}/{}", part("apiVersion"), part("kind"))
    } else {
        UNSET.to_string()
    };
    vec![name(policy), count(policy, &["spec", rules]).into(), kind.into(), age(policy, now)]
}

/// Bindings of either sort of policy.
pub static ADMISSION_POLICY_BINDING: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("PolicyName", "Policy that is bound."),
        Column::text("ParamRef", "Objects that parametrize the policy here."),
        Column::AGE,
    ],
    |binding, now| {
        vec![
            name(binding),
            text(binding, &["spec", "policyName"]),
            parameters(binding).into(),
            age(binding, now),
        ]
    },
);

fn parameters(binding: &Value) -> String {
    let part = |field: &str| binding.text_at(&["spec", "paramRef", field]);
    match (part("namespace"), part("name")) {
        (_, "") if is_set(binding, &["spec", "paramRef", "selector"]) => selector_as_go(binding),
        (_, "") => UNSET.to_string(),
        // Whether the parameter has a namespace cannot be told from here.
        ("", name) => format!("*/{name}"),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

/// The selector of the parameters as the Go type prints itself.
/// k8s: staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/generated.pb.go LabelSelector.String
fn selector_as_go(binding: &Value) -> String {
    let path = ["spec", "paramRef", "selector"];
    let at = |field: &'static str| [&path[..], &[field]].concat();
    let labels = binding.at(&at("matchLabels")).and_then(Value::as_map);
    let pairs: Vec<String> = labels
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| format!("{key}: {},", value.as_str().unwrap_or("")))
        .collect();
    let expressions: Vec<String> = items(binding, &at("matchExpressions"))
        .iter()
        .map(|one| {
            let (key, operator) = (one.text_at(&["key"]), one.text_at(&["operator"]));
            let values = texts(one, &["values"]).join(" ");
            format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},")
        })
        .collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{}}},\
         MatchExpressions:[]LabelSelectorRequirement{{{}}},}}",
        pairs.concat(),
        expressions.concat()
    )
}
