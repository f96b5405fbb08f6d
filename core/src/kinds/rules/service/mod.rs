//! Services.

mod defaults;
mod kind;
mod strategy;
mod warnings;

pub use strategy::RULES;
