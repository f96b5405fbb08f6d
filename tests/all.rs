//! Tests that need nothing but cargo: the generic battery, behaviour under lost replies, malformed
//! input, warnings, house rules.

mod battery;
mod conditions;
mod house_rules;
mod malformed;
mod simulation;
mod starting;
mod warnings;
mod watches;
