//! Services.

mod addresses;
mod claims;
mod cluster_ips;
mod defaults;
mod families;
mod kind;
mod node_ports;
mod strategy;
mod validation;
mod warnings;

pub use strategy::RULES;
