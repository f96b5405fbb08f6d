//! Nodes.

mod configuration;
mod strategy;
mod validation;

pub use strategy::RULES;
