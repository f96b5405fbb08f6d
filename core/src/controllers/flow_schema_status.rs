//! Says of each flow schema whether the priority level exists that it names.
//! k8s: staging/src/k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go presyncFlowSchemaStatus

use super::plan::{Planner, map};
use crate::job::{OwnChange, OwnWriter};
use crate::value::{Value, object};
use alloc::format;

const GROUP: &str = "flowcontrol.apiserver.k8s.io";
const WRITER: OwnWriter<'static> =
    OwnWriter { manager: "api-priority-and-fairness-config-consumer-v1", subresource: "status" };

pub(super) fn plan(planner: &mut Planner<'_>) {
    let Some(schemas) = planner.kind(GROUP, "v1", "flowschemas") else { return };
    let Some(levels) = planner.kind(GROUP, "v1", "prioritylevelconfigurations") else { return };
    let Some(cache) = planner.all(schemas) else { return };
    for entry in cache.entries().iter().map(|(_, held)| held.entry()) {
        let schema = entry.to_value();
        let level = schema.text_at(&["spec", "priorityLevelConfiguration", "name"]);
        let (status, reason, what) = match planner.held(levels, ("", level)) {
            Some(_) => ("False", "Found", "and it exists"),
            None => ("True", "NotFound", "but there is no such object"),
        };
        let subject = "This FlowSchema references the PriorityLevelConfiguration object named";
        let message = format!("{subject} {} {what}", crate::value::quoted(level));
        if is_told(&schema, [status, reason, &message]) {
            continue;
        }
        let dangling = map([
            ("type", "Dangling".into()),
            ("status", status.into()),
            ("reason", reason.into()),
            ("lastTransitionTime", planner.now.wall.rfc3339().into()),
            ("message", message.into()),
        ]);
        let mut configuration = map([("status", map([("conditions", Value::list(alloc::vec![dangling]))]))]);
        object::set_name(&mut configuration, entry.name());
        planner.change(schemas, entry, WRITER, OwnChange::Apply(configuration));
    }
}

fn is_told(schema: &Value, [status, reason, message]: [&str; 3]) -> bool {
    let conditions = schema.at(&["status", "conditions"]).and_then(Value::as_list).unwrap_or_default();
    conditions.iter().find(|condition| condition.text_at(&["type"]) == "Dangling").is_some_and(|held| {
        [held.text_at(&["status"]), held.text_at(&["reason"]), held.text_at(&["message"])]
            == [status, reason, message]
    })
}
