//! What the validation of every kind is written with: values that know their field paths, and the errors about them.
//!
//! A rule gets its object as a `Located` root, walks it with `member`, `at`, `items` and `entries`, reads it with
//! `text`, `int`, `quantity` and their like, and says what is wrong to `Errors`:
//!
//! ```ignore
//! let spec = object.member("spec");
//! for port in spec.member("ports").items() {
//!     let number = port.member("port");
//!     if number.int() < 1 {
//!         errors.invalid(&number, "must be between 1 and 65535, inclusive");
//!     }
//! }
//! ```

mod errors;
mod fields;
mod label_selector;
mod located;

pub use errors::Errors;
pub use fields::{IMMUTABLE, validate_immutable_field, validate_nonnegative_field};
pub use label_selector::validate_label_selector;
pub use located::Located;
