//! What the validation of every kind is written with: values that know their field paths, and the errors about them.
//!
//! A rule gets its object as a `Located` root, walks it with `member`, `at`, `items` and `entries`, reads it with
//! `text`, `int`, `quantity` and their like, and says what is wrong to `Errors`:
//!
//! ```
//! use steersman_core::kinds::validation::{Errors, Located};
//!
//! fn validate_ports(service: &Located<'_, '_>, errors: &mut Errors) {
//!     for port in service.at(&["spec", "ports"]).items() {
//!         let number = port.member("port");
//!         if !(1..=65535).contains(&number.int()) {
//!             errors.invalid_value(&number, number.int(), "must be between 1 and 65535, inclusive");
//!         }
//!     }
//! }
//!
//! let service = steersman_core::codec::json::parse(br#"{"spec":{"ports":[{"port":80},{"port":0}]}}"#);
//! let service = service.expect("JSON").value;
//! let mut errors = Errors::new();
//! validate_ports(&Located::root(&service), &mut errors);
//! let expected = "spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive";
//! assert_eq!(errors.summary(), expected);
//! ```

mod addresses;
mod conditions;
mod diff;
mod driver_name;
mod equality;
mod errors;
mod fields;
mod internal;
mod label_selector;
mod located;
mod webhook;

pub use addresses::{
    validate_cidr, validate_cidr_for_legacy_field, validate_interface_address, validate_ip,
    validate_ip_for_legacy_field,
};
pub use conditions::{validate_condition, validate_conditions};
pub use diff::internal_diff;
pub use driver_name::validate_driver_name;
pub use equality::semantically_equal;
pub use errors::Errors;
pub use fields::{
    IMMUTABLE, validate_at_most_100_percent, validate_domain_prefixed_key, validate_domain_prefixed_path,
    validate_fully_qualified_domain_name, validate_fully_qualified_name, validate_immutable_field,
    validate_immutable_text, validate_int_or_percent, validate_nonnegative_field, validate_positive_field,
    validate_quantity_nonnegative, validate_quantity_positive,
};
pub use internal::{internal_json, internal_json_list};
pub use label_selector::validate_label_selector;
pub use located::Located;
pub use webhook::{
    is_known_review_version, validate_review_versions, validate_webhook_service, validate_webhook_url,
};
