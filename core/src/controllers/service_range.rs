//! The default range of service addresses: it is made of the flag, and made anew if it is removed. One that differs
//! from the flag is left alone.
//! k8s: pkg/controlplane/controller/defaultservicecidr/default_servicecidr_controller.go

use super::plan::{Planner, map, texts};
use crate::job::{OwnChange, OwnWriter};
use crate::value::ip::SloppyCidr;
use crate::value::{Value, object};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const NAME: &str = "kubernetes";
const CIDRS: [&str; 2] = ["spec", "cidrs"];
const WRITER: OwnWriter<'static> =
    OwnWriter { manager: "kubernetes-service-cidr-controller", subresource: "status" };

pub(super) fn plan(planner: &mut Planner<'_>) {
    let config = planner.config();
    let Some(kind) = planner.kind("networking.k8s.io", "v1", "servicecidrs") else { return };
    if config.service_ip.is_empty() {
        return;
    }
    let ranges = config.service_range.split(',').filter_map(|range| SloppyCidr::parse(range.trim()));
    let ranges: Vec<String> = ranges.map(|range| range.network().to_string()).collect();
    let wanted = texts(ranges.iter().map(String::as_str));
    let Some(entry) = planner.held(kind, ("", NAME)) else {
        let range = map([("spec", map([("cidrs", wanted)]))]);
        return planner.create(kind, ("", NAME), OwnWriter::SERVER, range);
    };
    let mut range = entry.to_value();
    let held = range.at(&CIDRS).and_then(Value::as_list).unwrap_or_default();
    let is_first_of_two = ranges.len() == 2 && held.len() == 1 && held[0].as_str() == Some(&ranges[0]);
    if is_first_of_two {
        range.set_at(&CIDRS, wanted);
        return planner.update(kind, entry, range);
    }
    if object::is_being_deleted(&range) || range.at(&CIDRS) != Some(&wanted) || is_judged(&range) {
        return;
    }
    let ready = map([
        ("type", "Ready".into()),
        ("status", "True".into()),
        ("lastTransitionTime", planner.now.wall.rfc3339().into()),
        ("message", "Kubernetes default Service CIDR is ready".into()),
    ]);
    let mut configuration = map([("status", map([("conditions", Value::list(alloc::vec![ready]))]))]);
    object::set_name(&mut configuration, NAME);
    planner.change(kind, entry, WRITER, OwnChange::Apply(configuration));
}

/// Whether somebody has said whether the range is ready.
fn is_judged(range: &Value) -> bool {
    let conditions = range.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    let mut ready = conditions.iter().filter(|condition| condition.text_at(&["type"]) == "Ready");
    ready.next().is_some_and(|condition| condition.text_at(&["status"]) != "Unknown")
}
