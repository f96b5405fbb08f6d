//! CustomResourceDefinitions.

mod conversion;
mod field_path;
mod hoisted;
mod listing;
mod names;
mod schema;
mod strategy;
mod structural;
mod validation;
mod version;
mod warnings;

pub use strategy::RULES;
