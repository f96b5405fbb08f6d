//! Names of drivers of volumes and devices.
//! k8s: pkg/apis/core/validation/validation.go ValidateCSIDriverName

use super::{Errors, Located};
use crate::value::names::{LABEL_BYTES, dns_subdomain};

/// A subdomain in letters of either case, no longer than a label.
pub fn validate_driver_name(driver: &Located<'_, '_>, errors: &mut Errors) {
    let text = driver.text();
    if text.is_empty() {
        errors.required(driver, "");
        return;
    }
    if text.len() > LABEL_BYTES {
        errors.too_long(driver, LABEL_BYTES);
    }
    errors.invalid_for_each(driver, text, dns_subdomain(&text.to_lowercase(), false));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;
    use alloc::format;

    #[test]
    fn a_name_is_a_short_subdomain_of_any_case() {
        let long = format!("{}.b", "a".repeat(61));
        let longer = format!("{}.b", "a".repeat(62));
        let table = [
            ("", "driver: Required value"),
            ("Example.COM", "[]"),
            (long.as_str(), "[]"),
            (longer.as_str(), "driver: Too long: may not be more than 63 bytes"),
        ];
        for (name, wanted) in table {
            let mut object = Value::empty_map();
            object.set("driver", name.into());
            let mut errors = Errors::new();
            validate_driver_name(&Located::root(&object).member("driver"), &mut errors);
            assert_eq!(errors.summary(), wanted, "{name}");
        }
        let mut object = Value::empty_map();
        object.set("driver", "no name".into());
        let mut errors = Errors::new();
        validate_driver_name(&Located::root(&object).member("driver"), &mut errors);
        assert!(errors.summary().starts_with("driver: Invalid value: \"no name\": a lowercase RFC 1123"));
    }
}
