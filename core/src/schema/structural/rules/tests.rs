//! Tests of rules: what compiles, what objects break, what may stay as it was, what the budget allows.

use super::{RULES_COST, RuleValidator, RuledValue, compile};
use crate::codec::json;
use crate::schema::structural::Structural;
use crate::status::Causes;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

fn parsed(text: &str) -> Value {
    json::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:?}")).value
}

/// A schema of objects with a spec.
fn of_spec(spec: &str) -> Structural {
    Structural::read(&parsed(&format!(r#"{{"type":"object","properties":{{"spec":{spec}}}}}"#)))
}

/// Errors and warnings of an object, and what is left of a budget.
fn applied(
    schema: &Structural,
    new: &str,
    old: Option<&str>,
    budget: i64,
) -> (Vec<String>, Vec<String>, i64) {
    let (new, old) = (parsed(new), old.map(parsed));
    let (mut causes, mut warnings) = (Causes::new(), Vec::new());
    let validator = RuleValidator::new(schema, true).expect("there are rules");
    let value = RuledValue { new: &new, old: old.as_ref(), is_ratcheted: true };
    let left = validator.apply(schema, value, "", budget, &mut causes, &mut warnings);
    (causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect(), warnings, left)
}

fn told(spec: &str, new: &str, old: Option<&str>) -> String {
    let (mut errors, warnings, _) = applied(&of_spec(spec), new, old, RULES_COST);
    errors.extend(warnings.into_iter().map(|warning| format!("warning {warning}")));
    errors.join("; ")
}

#[test]
fn broken_rules_are_told() {
    let table = [
        (
            r#"{"type":"object","properties":{"n":{"type":"integer"}},
                "x-kubernetes-validations":[{"rule":"self.n > 1"}]}"#,
            [
                (r#"{"spec":{"n":2}}"#, ""),
                (r#"{"spec":{"n":1}}"#, "spec: Invalid value: failed rule: self.n > 1"),
                (r#"{}"#, ""),
                (
                    r#"{"spec":{}}"#,
                    "spec: Invalid value: \"object\": no such key: n evaluating rule: self.n > 1",
                ),
            ],
        ),
        (
            r#"{"type":"object","properties":{"n":{"type":"integer"},"s":{"type":"string"}},
                "x-kubernetes-validations":[
                {"rule":"!has(self.n) || self.n > 1","fieldPath":".n","reason":"FieldValueForbidden",
                 "messageExpression":"'n is ' + string(self.n)"},
                {"rule":"!has(self.s) || self.s == 'x'","reason":"FieldValueRequired","message":" must be "}]}"#,
            [
                (r#"{"spec":{"n":2,"s":"x"}}"#, ""),
                (r#"{"spec":{"n":1}}"#, "spec.n: Forbidden: n is 1"),
                (r#"{"spec":{"s":"y"}}"#, "spec: Required value: must be"),
                (r#"{"spec":{"n":0,"s":"y"}}"#, "spec.n: Forbidden: n is 0; spec: Required value: must be"),
            ],
        ),
        (
            r#"{"type":"object","additionalProperties":{"type":"array","items":{"type":"string","nullable":true,
                "x-kubernetes-validations":[{"rule":"self.startsWith('a')","message":"a","reason":"FieldValueDuplicate"}]}}}"#,
            [
                (r#"{"spec":{"k":["a","ab",null]}}"#, ""),
                (r#"{"spec":{"k":["a","b"]}}"#, r#"spec[k][1]: Duplicate value: "b""#),
                (r#"{"spec":{}}"#, ""),
                (r#"{"spec":{"k":["c"]}}"#, r#"spec[k][0]: Duplicate value: "c""#),
            ],
        ),
        (
            r#"{"type":"object","properties":{"a-b":{"type":"string","format":"date-time"},
                "q":{"x-kubernetes-int-or-string":true}},"x-kubernetes-validations":[
                {"rule":"!has(self.a__dash__b) || self.a__dash__b > timestamp('2020-01-01T00:00:00Z')","message":"old"},
                {"rule":"!has(self.q) || (type(self.q) == int ? self.q < 5 : self.q == '1')","message":"q"}]}"#,
            [
                (r#"{"spec":{"a-b":"2021-01-01T00:00:00Z","q":4}}"#, ""),
                (r#"{"spec":{"a-b":"2019-01-01T00:00:00Z"}}"#, "spec: Invalid value: old"),
                (r#"{"spec":{"q":"2"}}"#, "spec: Invalid value: q"),
                (r#"{"spec":{"q":6}}"#, "spec: Invalid value: q"),
            ],
        ),
    ];
    for (schema, cases) in table {
        for (object, wanted) in cases {
            assert_eq!(told(schema, object, None), wanted, "{object} of {schema}");
        }
    }
}

#[test]
fn the_name_of_an_object_can_always_be_named() {
    let schema = Structural::read(&parsed(
        r#"{"type":"object","x-kubernetes-validations":[{"rule":"self.metadata.name.startsWith('a')","message":"no"}]}"#,
    ));
    let told = |object: &str| applied(&schema, object, None, RULES_COST).0.join(";");
    assert_eq!(told(r#"{"metadata":{"name":"ab"}}"#), "");
    assert_eq!(told(r#"{"metadata":{"name":"b"}}"#), "<nil>: Invalid value: no");
}

#[test]
fn rules_about_changes_need_an_old_value() {
    let schema = r#"{"type":"object","properties":{
        "n":{"type":"integer","x-kubernetes-validations":[{"rule":"self >= oldSelf","message":"less"}]},
        "once":{"type":"string","x-kubernetes-validations":[
            {"rule":"oldSelf.hasValue() ? oldSelf.value() == self : self != ''","optionalOldSelf":true,"message":"set"}]},
        "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
            "items":{"type":"object","properties":{"k":{"type":"string"},"v":{"type":"integer"}},
            "x-kubernetes-validations":[{"rule":"self.v == oldSelf.v","message":"moved"}]}}}}"#;
    let table = [
        (r#"{"spec":{"n":1}}"#, None, ""),
        (r#"{"spec":{"n":1}}"#, Some(r#"{"spec":{"n":2}}"#), "spec.n: Invalid value: 1: less"),
        (r#"{"spec":{"n":1}}"#, Some(r#"{"spec":{}}"#), ""),
        (r#"{"spec":{"n":3}}"#, Some(r#"{"spec":{"n":2}}"#), ""),
        (r#"{"spec":{"once":""}}"#, None, "spec.once: Invalid value: \"\": set"),
        (
            r#"{"spec":{"once":"b"}}"#,
            Some(r#"{"spec":{"once":"a"}}"#),
            "spec.once: Invalid value: \"b\": set",
        ),
        (r#"{"spec":{"once":"b"}}"#, Some(r#"{"spec":{}}"#), ""),
        (
            r#"{"spec":{"parts":[{"k":"b","v":1},{"k":"a","v":1}]}}"#,
            Some(r#"{"spec":{"parts":[{"k":"a","v":2},{"k":"c","v":1}]}}"#),
            "spec.parts[1]: Invalid value: moved",
        ),
    ];
    for (new, old, wanted) in table {
        assert_eq!(told(schema, new, old), wanted, "{new} after {old:?}");
    }
}

#[test]
fn what_has_not_changed_is_a_warning() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"object","properties":{"n":{"type":"integer"},
        "x":{"type":"object","x-kubernetes-preserve-unknown-fields":true}},
        "x-kubernetes-validations":[{"rule":"self.n > 5","message":"small"}]},
        "l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object",
        "properties":{"k":{"type":"string"}},"x-kubernetes-validations":[{"rule":"self.k != 'bad'","message":"bad"}]}},
        "s":{"type":"array","items":{"type":"string","x-kubernetes-validations":[{"rule":"self != 'bad'"}]}},
        "z":{"type":"string"}}}"#;
    let table = [
        (
            r#"{"spec":{"a":{"n":1},"z":"new"}}"#,
            r#"{"spec":{"a":{"n":1}}}"#,
            "warning spec.a: Invalid value: small",
        ),
        (r#"{"spec":{"a":{"n":2}}}"#, r#"{"spec":{"a":{"n":1}}}"#, "spec.a: Invalid value: small"),
        // What no schema knows cannot be told to be the same.
        (
            r#"{"spec":{"a":{"n":1,"x":{"u":1}}}}"#,
            r#"{"spec":{"a":{"n":1,"x":{"u":1}}}}"#,
            "spec.a: Invalid value: small",
        ),
        (
            r#"{"spec":{"l":[{"k":"new"},{"k":"bad"}]}}"#,
            r#"{"spec":{"l":[{"k":"bad"}]}}"#,
            "warning spec.l[1]: Invalid value: bad",
        ),
        (
            r#"{"spec":{"s":["bad"],"z":"new"}}"#,
            r#"{"spec":{"s":["bad"]}}"#,
            r#"warning spec.s[0]: Invalid value: "bad": failed rule: self != 'bad'"#,
        ),
        (
            r#"{"spec":{"s":["bad","more"]}}"#,
            r#"{"spec":{"s":["bad"]}}"#,
            r#"spec.s[0]: Invalid value: "bad": failed rule: self != 'bad'"#,
        ),
    ];
    for (new, old, wanted) in table {
        assert_eq!(told(schema, new, Some(old)), wanted, "{new} after {old}");
    }
}

#[test]
fn the_budget_ends_the_application() {
    let schema = of_spec(
        r#"{"type":"array","items":{"type":"integer","x-kubernetes-validations":[{"rule":"self > 0 && self < 9"}]}}"#,
    );
    let object = r#"{"spec":[1,2,3]}"#;
    let (errors, _, left) = applied(&schema, object, None, RULES_COST);
    assert!(errors.is_empty());
    let each = (RULES_COST - left) / 3;
    assert!(each > 0);
    let (errors, _, left) = applied(&schema, object, None, each * 3 - 1);
    let out = "validation failed due to running out of cost budget, no further validation rules will be run";
    assert_eq!((errors.join(";"), left), (format!("spec[2]: Invalid value: \"integer\": {out}"), -1));
    let (errors, _, left) = applied(&schema, object, None, each);
    assert_eq!((errors.join(";"), left), (format!("spec[1]: Invalid value: \"integer\": {out}"), -1));
}

#[test]
fn wrong_rules_say_what_is_wrong() {
    let table = [
        (
            r#"{"rule":"self.x > 1"}"#,
            Some("compilation failed: ERROR: <input>:1:5: undefined field 'x'"),
            None,
        ),
        (r#"{"rule":"self.n"}"#, Some("cel expression must evaluate to a bool"), None),
        (r#"{"rule":" "}"#, None, None),
        (
            r#"{"rule":"true","messageExpression":"1"}"#,
            None,
            Some("messageExpression must evaluate to a string"),
        ),
        (
            r#"{"rule":"true","messageExpression":"self.x"}"#,
            None,
            Some("messageExpression compilation failed: ERROR: <input>:1:5: undefined field 'x'"),
        ),
    ];
    for (rule, error, of_message) in table {
        let schema = Structural::read(&parsed(&format!(
            r#"{{"type":"object","properties":{{"n":{{"type":"integer"}}}},"x-kubernetes-validations":[{rule}]}}"#
        )));
        let declared = Structural::self_type(&schema.to_value_schema(false)).expect("objects can be seen");
        let compiled = compile(&schema, &declared);
        let first_line =
            |text: &Option<String>| text.as_ref().map(|text| text.lines().next().unwrap_or("").to_string());
        let [compiled] = compiled.as_slice() else { panic!("one rule") };
        assert_eq!(first_line(&compiled.error).as_deref(), error, "{rule}");
        assert_eq!(first_line(&compiled.message_error).as_deref(), of_message, "{rule}");
    }
}
