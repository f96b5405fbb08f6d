//! CustomResourceDefinitions.

mod strategy;
mod warnings;

pub use strategy::RULES;
