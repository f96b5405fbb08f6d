//! ServiceCIDRs, the ranges that services get their addresses from.
//! k8s: pkg/registry/networking/servicecidr/strategy.go, pkg/apis/networking/validation/validation.go
//! ValidateServiceCIDR

use super::status;
use crate::kinds::validation::{Errors, IMMUTABLE, Located, validate_cidr};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::ip::SloppyCidr;
use crate::value::{Text, quoted};
use alloc::format;
use alloc::vec::Vec;

pub static RULES: Rules = Rules {
    validate,
    update: Strategy { validate_update, ..status::UPDATE },
    subresources: &[("status", status::STATUS_ALONE)],
    ..status::SPLIT
};

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let ranges = object.at(&["spec", "cidrs"]);
    if ranges.is_empty() {
        errors.required(&ranges, "at least one CIDR required");
        return;
    }
    if ranges.len() > 2 {
        // Upstream shows its own type of the spec.
        let shown: Vec<Text> = ranges.items().map(|range| Text::from(quoted(range.text()))).collect();
        let shown = format!("{{\"CIDRs\":[{}]}}", shown.join(","));
        errors.invalid_shown(&ranges, &shown, "may only hold up to 2 values");
        return;
    }
    for range in ranges.items() {
        validate_cidr(&range, errors);
    }
    let families: Vec<bool> = ranges.items().filter_map(|range| is_ipv6(range.text())).collect();
    if families.len() == 2 && families.first() == families.last() {
        let why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.invalid(&ranges, why);
    }
}

fn is_ipv6(range: &str) -> Option<bool> {
    SloppyCidr::parse(range).map(|range| range.address().is_ipv6())
}

/// Ranges stay as they are; only a second one may come, of the other family.
fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    let (ranges, held) = (object.at(&["spec", "cidrs"]), old.at(&["spec", "cidrs"]));
    let is_second_new = (held.len(), ranges.len()) == (1, 2);
    if held.len() != ranges.len() && !is_second_new {
        errors.invalid(&ranges, IMMUTABLE);
        return;
    }
    for (range, held) in ranges.items().zip(held.items()) {
        if range.text() != held.text() {
            errors.invalid_value(&range, range.text(), IMMUTABLE);
        }
    }
    if is_second_new {
        validate(object, facts, errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};
    use crate::value::Value;
    use alloc::string::String;

    fn object(ranges: &str) -> Value {
        json::parse(format!(r#"{{"spec":{{"cidrs":{ranges}}}}}"#).as_bytes()).expect("JSON").value
    }

    #[test]
    fn a_new_object_has_one_range_of_each_family_at_most() {
        let table = [
            (r#"["10.0.0.0/24"]"#, ""),
            (r#"["10.0.0.0/24","fd00::/112"]"#, ""),
            ("[]", "spec.cidrs: Required value: at least one CIDR required"),
            (
                r#"["10.0.0.0/24","fd00::/112","x"]"#,
                "spec.cidrs: Invalid value: {\"CIDRs\":[\"10.0.0.0/24\",\"fd00::/112\",\"x\"]}: may only hold up to \
                 2 values",
            ),
            (
                r#"["10.0.0.0/24","10.0.1.0/24"]"#,
                "spec.cidrs: Invalid value: [\"10.0.0.0/24\",\"10.0.1.0/24\"]: may specify no more than one IP for \
                 each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
            ),
            (
                r#"["10.0.0.0/24","x"]"#,
                "spec.cidrs[1]: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or \
                 2001:db8::/64)",
            ),
        ];
        for (ranges, expected) in table {
            with_facts(&InMemory::default(), |facts| {
                let mut errors = Errors::new();
                validate(&Located::root(&object(ranges)), facts, &mut errors);
                let found = if errors.is_empty() { String::new() } else { errors.summary() };
                assert_eq!(found, expected, "{ranges}");
            });
        }
    }

    #[test]
    fn ranges_stay_but_a_second_one_may_come() {
        let table = [
            (r#"["10.0.0.0/24"]"#, ""),
            (r#"["10.0.0.0/24","fd00::/112"]"#, ""),
            (r#"["10.0.1.0/24"]"#, "spec.cidrs[0]: Invalid value: \"10.0.1.0/24\": field is immutable"),
            ("[]", "spec.cidrs: Invalid value: []: field is immutable"),
        ];
        for (ranges, expected) in table {
            let old = object(r#"["10.0.0.0/24"]"#);
            with_facts(&InMemory::default(), |facts| {
                let mut errors = Errors::new();
                let facts = facts.of_update("", &old);
                validate_update(&Located::root(&object(ranges)), &facts, &mut errors);
                let found = if errors.is_empty() { String::new() } else { errors.summary() };
                assert_eq!(found, expected, "{ranges}");
            });
        }
    }
}
