//! Priorities: priority classes of pods, flow schemas and priority levels of requests.

use super::cells::{NONE, age, condition, int, integer, name, text, truth_or};
use super::{Column, Columns};
use crate::now::Wall;
use crate::value::{Value, object};
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

pub static PRIORITY_CLASS: Columns = Columns::new(
    &[
        Column::NAME,
        Column::integer("Value", "Priority of the pods of the class."),
        Column::boolean("Global-Default", "Whether pods without a class are of this one."),
        Column::AGE,
        Column::text("PreemptionPolicy", "Whether its pods push out others."),
    ],
    |class, now| {
        vec![
            name(class),
            integer(class, &["value"]),
            truth_or(class, &["globalDefault"], false),
            age(class, now),
            text(class, &["preemptionPolicy"]),
        ]
    },
);

pub static FLOW_SCHEMA: Columns = Columns {
    order: Some(by_precedence),
    ..Columns::new(
        &[
            Column::NAME,
            Column::text("PriorityLevel", "Priority level of the requests."),
            Column::text("MatchingPrecedence", "The lowest of the schemas that match a request is taken."),
            Column::text("DistinguisherMethod", "What tells the flows of the schema apart."),
            Column::AGE,
            Column::text("MissingPL", "Whether the priority level is missing."),
        ],
        flow_schema,
    )
};

fn flow_schema(schema: &Value, now: Wall) -> Vec<Value> {
    let method = schema.at(&["spec", "distinguisherMethod"]).filter(|found| !found.is_null());
    let dangling = condition(schema, "Dangling");
    vec![
        name(schema),
        text(schema, &["spec", "priorityLevelConfiguration", "name"]),
        integer(schema, &["spec", "matchingPrecedence"]),
        method.map_or(NONE, |method| method.text_at(&["type"])).into(),
        age(schema, now),
        dangling.map_or("?", |dangling| dangling.text_at(&["status"])).into(),
    ]
}

/// In the order in which requests are matched.
fn by_precedence(one: &Value, other: &Value) -> Ordering {
    let precedence = |schema: &Value| int(schema, &["spec", "matchingPrecedence"]);
    let order = precedence(one).cmp(&precedence(other));
    order.then_with(|| object::name(one).cmp(object::name(other)))
}

pub static PRIORITY_LEVEL_CONFIGURATION: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Type", "Whether requests of the level are limited."),
        Column::text("NominalConcurrencyShares", "Share of the server's concurrency."),
        Column::text("Queues", "How many queues requests wait in."),
        Column::text("HandSize", "How many queues a flow is dealt."),
        Column::text("QueueLengthLimit", "How many requests a queue holds."),
        Column::AGE,
    ],
    priority_level,
);

fn priority_level(level: &Value, now: Wall) -> Vec<Value> {
    let limited = level.at(&["spec", "limited"]).filter(|found| !found.is_null());
    let queuing = limited.and_then(|limited| limited.at(&["limitResponse", "queuing"]));
    let number = |place: Option<&Value>, field: &str| match place.filter(|found| !found.is_null()) {
        Some(place) => integer(place, &[field]),
        None => NONE.into(),
    };
    vec![
        name(level),
        text(level, &["spec", "type"]),
        number(limited, "nominalConcurrencyShares"),
        number(queuing, "queues"),
        number(queuing, "handSize"),
        number(queuing, "queueLengthLimit"),
        age(level, now),
    ]
}
