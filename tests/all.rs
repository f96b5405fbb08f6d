//! Tests that need nothing but cargo: the generic battery, behaviour under lost replies, malformed
//! input, warnings, house rules, and an operator's tests as an example.

mod battery;
mod conditions;
mod house_rules;
mod malformed;
mod operator;
mod simulation;
mod starting;
mod warnings;
mod watches;
