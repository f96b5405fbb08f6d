//! Tests that need nothing but cargo: the generic battery, behaviour under lost replies, malformed
//! input, warnings, house rules, and with the feature `museum` bugs that are put back.

mod battery;
mod conditions;
mod house_rules;
mod malformed;
#[cfg(feature = "museum")]
mod museum;
mod simulation;
mod starting;
mod warnings;
mod watches;
