//! IPAddresses: each says who holds an address.
//! k8s: pkg/registry/networking/ipaddress/strategy.go, pkg/apis/networking/validation/validation.go ValidateIPAddress

use crate::kinds::validation::{Errors, IMMUTABLE, Located};
use crate::kinds::{Facts, Rules, Strategy};
use crate::value::{names, quoted};
use alloc::format;

pub static RULES: Rules = Rules {
    name: names::ip_address,
    validate,
    update: Strategy { validate_update, ..Strategy::PLAIN },
    ..Rules::PLAIN
};

fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let holder = object.at(&["spec", "parentRef"]);
    if !holder.is_set() {
        errors.required(&holder, "");
        return;
    }
    // The group of services is empty.
    let group = holder.member("group");
    if !group.is_empty() {
        errors.invalid_for_each(&group, group.text(), names::dns_subdomain(group.text(), false));
    }
    for field in ["resource", "name", "namespace"] {
        let part = holder.member(field);
        if !part.is_empty() {
            errors.invalid_for_each(&part, part.text(), names::path_segment(part.text(), false));
        } else if field != "namespace" {
            errors.required(&part, "");
        }
    }
}

fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate(object, facts, errors);
    let old = Located::root(facts.old);
    let (holder, held) = (object.at(&["spec", "parentRef"]), old.at(&["spec", "parentRef"]));
    let fields = ["group", "resource", "namespace", "name"];
    let is_same = |field: &&'static str| holder.member(field).text() == held.member(field).text();
    if holder.is_set() == held.is_set() && fields.iter().all(is_same) {
        return;
    }
    if !holder.is_set() {
        errors.invalid(&holder, IMMUTABLE);
        return;
    }
    // Upstream shows its own type of the reference.
    let [group, resource, namespace, name] = fields.map(|field| quoted(holder.member(field).text()));
    let shown =
        format!("{{\"Group\":{group},\"Resource\":{resource},\"Namespace\":{namespace},\"Name\":{name}}}");
    errors.invalid_shown(&holder, &shown, IMMUTABLE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;
    use crate::kinds::facts::given::{InMemory, with_facts};
    use crate::value::Value;
    use alloc::string::String;

    #[test]
    fn an_address_has_a_holder_that_stays() {
        let object = |holder: &str| -> Value {
            json::parse(format!(r#"{{"spec":{{"parentRef":{holder}}}}}"#).as_bytes()).expect("JSON").value
        };
        let held = r#"{"resource":"services","namespace":"a","name":"s"}"#;
        let table = [
            (held, ""),
            (
                "null",
                "[spec.parentRef: Required value, spec.parentRef: Invalid value: null: field is immutable]",
            ),
            (
                r#"{"resource":"services","namespace":"b","name":"s"}"#,
                "spec.parentRef: Invalid value: {\"Group\":\"\",\"Resource\":\"services\",\"Namespace\":\"b\",\
                 \"Name\":\"s\"}: field is immutable",
            ),
        ];
        for (holder, expected) in table {
            let (new, old) = (object(holder), object(held));
            with_facts(&InMemory::default(), |facts| {
                let mut errors = Errors::new();
                validate_update(&Located::root(&new), &facts.of_update("", &old), &mut errors);
                let found = if errors.is_empty() { String::new() } else { errors.summary() };
                assert_eq!(found, expected, "{holder}");
            });
        }
    }
}
