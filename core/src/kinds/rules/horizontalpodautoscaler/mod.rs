//! HorizontalPodAutoscalers of both versions, which share storage.

mod metric;
mod strategy;
mod validation;

pub use strategy::{RULES, V1_RULES};
