//! The quality of service of a pod.
//! k8s: pkg/apis/core/helper/qos/qos.go

use super::super::fill::is_unset;
use super::defaults::containers;
use crate::value::Value;
use crate::value::quantity::Quantity;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The quality of service that the resources of a pod spec earn.
pub(super) fn of_spec(spec: &Value) -> &'static str {
    let whole = spec
        .field("resources")
        .filter(|resources| !is_unset(resources, "requests") || !is_unset(resources, "limits"));
    let claims: Vec<&Value> = match whole {
        Some(resources) => alloc::vec![resources],
        None => {
            containers(spec).map(|container| container.field("resources").unwrap_or(&Value::Null)).collect()
        }
    };
    let amount = |resources: &Value, kind: &str, name: &str| {
        let amount = Quantity::from_value(resources.at(&[kind, name])?).ok()?;
        (amount.signum() > 0).then_some(amount)
    };
    const COUNTED: [&str; 2] = ["cpu", "memory"];
    let any = claims.iter().any(|resources| {
        let asks = |name: &&str| {
            amount(resources, "requests", name).is_some() || amount(resources, "limits", name).is_some()
        };
        COUNTED.iter().any(asks)
    });
    let guaranteed = claims.iter().all(|resources| {
        COUNTED.iter().all(|name| {
            let (limit, request) = (amount(resources, "limits", name), amount(resources, "requests", name));
            limit.is_some_and(|limit| {
                request.is_some_and(|request| limit.compare(&request) == Ordering::Equal)
            })
        })
    });
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn quality_follows_cpu_and_memory() {
        let cases = [
            (r#"{"containers":[{}]}"#, "BestEffort"),
            (r#"{"containers":[{"resources":{"requests":{"cpu":"0"}}}]}"#, "BestEffort"),
            (r#"{"containers":[{"resources":{"requests":{"cpu":"1"}}}]}"#, "Burstable"),
            (
                r#"{"containers":[{"resources":{"limits":{"cpu":"1","memory":"1Gi"},
                    "requests":{"cpu":"1","memory":"1Gi"}}}]}"#,
                "Guaranteed",
            ),
            (r#"{"containers":[{}],"resources":{"limits":{"cpu":"1"}}}"#, "Burstable"),
        ];
        for (spec, quality) in cases {
            let spec = json::parse(spec.as_bytes()).expect("JSON").value;
            assert_eq!(of_spec(&spec), quality, "{}", json::to_string(&spec));
        }
    }
}
