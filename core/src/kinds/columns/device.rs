//! Devices of resource.k8s.io: classes, claims and what nodes offer.

use super::cells::{age, is_being_deleted, is_set, items, name, text};
use super::{Column, Columns};
use crate::value::Value;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

pub static DEVICE_CLASS: Columns = Columns::NAME_AND_AGE;

pub static RESOURCE_CLAIM_TEMPLATE: Columns = Columns::NAME_AND_AGE;

pub static RESOURCE_CLAIM: Columns = Columns::new(
    &[Column::NAME, Column::text("State", "Whether the claim is allocated and reserved."), Column::AGE],
    |claim, now| vec![name(claim), state(claim).into(), age(claim, now)],
);

fn state(claim: &Value) -> String {
    let is_deleted = is_being_deleted(claim);
    let is_allocated = is_set(claim, &["status", "allocation"]);
    let states = [
        ("deleted", is_deleted),
        ("pending", !is_allocated && !is_deleted),
        ("allocated", is_allocated),
        ("reserved", is_allocated && !items(claim, &["status", "reservedFor"]).is_empty()),
    ];
    let held: Vec<&str> = states.into_iter().filter(|(_, holds)| *holds).map(|(word, _)| word).collect();
    held.join(",")
}

pub static RESOURCE_SLICE: Columns = Columns::new(
    &[
        Column::NAME,
        Column::text("Node", "Node that has the devices."),
        Column::text("Driver", "Driver of the devices."),
        Column::text("Pool", "Pool that the slice is part of."),
        Column::AGE,
    ],
    |slice, now| {
        vec![
            name(slice),
            text(slice, &["spec", "nodeName"]),
            text(slice, &["spec", "driver"]),
            text(slice, &["spec", "pool", "name"]),
            age(slice, now),
        ]
    },
);
