//! EndpointSlices.

mod strategy;
mod validation;

pub use strategy::RULES;
