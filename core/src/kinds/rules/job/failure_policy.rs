//! What failures and successes of pods mean for their job.
//! k8s: pkg/apis/batch/validation/validation.go

use super::indexes::count_indexes;
use crate::kinds::validation::{Errors, Located, validate_nonnegative_field};
use crate::value::names;
use alloc::collections::BTreeSet;
use alloc::format;

const RULES_MOST: usize = 20;
const EXIT_CODES_MOST: usize = 255;
const PATTERNS_MOST: usize = 20;
/// The longest list of indexes in a success policy, bytes.
const INDEXES_BYTES: usize = 64 * 1024;

const ACTIONS: &[&str] = &["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: &[&str] = &["In", "NotIn"];
const STATUSES: &[&str] = &["False", "True", "Unknown"];

pub(super) fn validate_failure_policy(spec: &Located<'_, '_>, errors: &mut Errors) {
    let policy = spec.member("podFailurePolicy");
    let rules = policy.member("rules");
    if rules.len() > RULES_MOST {
        errors.too_many(&rules, RULES_MOST);
    }
    let pod = spec.at(&["template", "spec"]);
    let names: BTreeSet<&str> = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| {
            pod.member(list).items().map(|one| one.member("name").text()).collect::<BTreeSet<_>>()
        })
        .collect();
    for rule in rules.items() {
        if errors.is_full() {
            return;
        }
        validate_rule(spec, &rule, &names, errors);
    }
}

fn validate_rule(
    spec: &Located<'_, '_>,
    rule: &Located<'_, '_>,
    names: &BTreeSet<&str>,
    errors: &mut Errors,
) {
    let action = rule.member("action");
    match action.text() {
        "FailIndex" if !spec.member("backoffLimitPerIndex").is_set() => {
            errors.invalid(&action, "requires the backoffLimitPerIndex to be set");
        }
        _ => validate_word(&action, ACTIONS, errors),
    }
    let (codes, conditions) = (rule.member("onExitCodes"), rule.member("onPodConditions"));
    if codes.is_set() {
        validate_exit_codes(&codes, names, errors);
    }
    if conditions.len() > PATTERNS_MOST {
        errors.too_many(&conditions, PATTERNS_MOST);
    }
    for pattern in conditions.items() {
        if errors.is_full() {
            return;
        }
        let kind = pattern.member("type");
        errors.invalid_for_each(&kind, kind.text(), names::qualified_name(kind.text()));
        validate_word(&pattern.member("status"), STATUSES, errors);
    }
    match (codes.is_set(), !conditions.is_empty()) {
        (true, true) => {
            errors.invalid_unshown(rule, "specifying both OnExitCodes and OnPodConditions is not supported");
        }
        (false, false) => {
            errors.invalid_unshown(rule, "specifying one of OnExitCodes and OnPodConditions is required");
        }
        (true, false) | (false, true) => {}
    }
}

/// One of these words, of which the message shows a list in Go's form when there is none.
fn validate_word(at: &Located<'_, '_>, supported: &[&str], errors: &mut Errors) {
    if at.is_empty() {
        let listed = supported.join("\" \"");
        errors.required(at, format!("valid values: [\"{listed}\"]"));
    } else if !supported.contains(&at.text()) {
        errors.not_supported(at, supported);
    }
}

fn validate_exit_codes(codes: &Located<'_, '_>, names: &BTreeSet<&str>, errors: &mut Errors) {
    let operator = codes.member("operator");
    validate_word(&operator, OPERATORS, errors);
    let container = codes.member("containerName");
    if container.is_set() && !names.contains(container.text()) {
        let detail = "must be one of the container or initContainer names in the pod template";
        errors.invalid(&container, detail);
    }
    let values = codes.member("values");
    if values.is_empty() {
        errors.invalid(&values, "at least one value is required");
    } else if values.len() > EXIT_CODES_MOST {
        errors.too_many(&values, EXIT_CODES_MOST);
    }
    let (mut seen, mut before, mut ordered) = (BTreeSet::new(), i64::MIN, true);
    for value in values.items() {
        if errors.is_full() {
            return;
        }
        let code = value.int();
        if operator.text() == "In" && code == 0 {
            errors.invalid_value(&value, code, "must not be 0 for the In operator");
        }
        if !seen.insert(code) {
            errors.duplicate_value(&value, code);
        }
        ordered &= before <= code;
        before = code;
    }
    if !ordered {
        errors.invalid(&values, "must be ordered");
    }
}

pub(super) fn validate_success_policy(spec: &Located<'_, '_>, errors: &mut Errors) {
    let policy = spec.member("successPolicy");
    let rules = policy.member("rules");
    if rules.is_empty() {
        errors.required(&rules, "at least one rules must be specified when the successPolicy is specified");
    }
    if rules.len() > RULES_MOST {
        errors.too_many(&rules, RULES_MOST);
    }
    // An indexed job without a number of completions is refused elsewhere: upstream fails on it.
    let completions = spec.member("completions").int();
    for rule in rules.items() {
        if errors.is_full() {
            return;
        }
        validate_success_rule(&rule, completions, errors);
    }
}

fn validate_success_rule(rule: &Located<'_, '_>, completions: i64, errors: &mut Errors) {
    let (count, indexes) = (rule.member("succeededCount"), rule.member("succeededIndexes"));
    if !count.is_set() && !indexes.is_set() {
        errors.required(rule, "at least one of succeededCount or succeededIndexes must be specified");
    }
    let mut total = 0;
    if indexes.is_set() {
        if indexes.len() > INDEXES_BYTES {
            errors.too_long(&indexes, INDEXES_BYTES);
        }
        match count_indexes(indexes.text(), completions) {
            Ok(counted) => total = counted,
            Err(problem) => {
                errors.invalid(&indexes, format!("error parsing succeededIndexes: {problem}"));
            }
        }
    }
    let Some(number) = count.int_if_set() else { return };
    validate_nonnegative_field(&count, errors);
    if number > completions {
        let detail =
            format!("must be less than or equal to {completions} (the number of specified completions)");
        errors.invalid(&count, detail);
    }
    if indexes.is_set() && number > total {
        let detail = format!(
            "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
        );
        errors.invalid(&count, detail);
    }
}
