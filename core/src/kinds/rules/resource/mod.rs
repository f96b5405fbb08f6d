//! Dynamic resource allocation: classes, claims, templates and slices.

mod binding;
mod capacity;
mod claim;
mod claim_status;
mod class;
mod configuration;
mod consumption;
mod device;
mod disabled;
mod naming;
mod slice;
mod strategy;
mod toleration;

pub use strategy::{CLAIM, CLAIM_TEMPLATE, DEVICE_CLASS, SLICE};
