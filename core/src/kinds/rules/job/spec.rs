//! The spec of a job.
//! k8s: pkg/apis/batch/validation/validation.go validateJobSpec, ValidateJobTemplateSpec

use super::failure_policy::{validate_failure_policy, validate_success_policy};
use crate::kinds::Facts;
use crate::kinds::rules::pod::validation::validate_pod_template_spec;
use crate::kinds::rules::workload::{shown_selector, shown_struct};
use crate::kinds::validation::{Errors, Located, validate_domain_prefixed_path, validate_nonnegative_field};
use alloc::format;

/// The most parallel pods and failed indexes of an indexed job, and from where on the second bounds hold.
const PARALLELISM: i64 = 100_000;
const FAILED_INDEXES: i64 = 100_000;
const MANY_COMPLETIONS: i64 = 100_000;
const OF_MANY_COMPLETIONS: i64 = 10_000;
/// The longest name of a manager, bytes.
const MANAGED_BY_BYTES: usize = 63;

/// The spec of a job that does not exist yet.
pub(in crate::kinds::rules) fn validate_template_spec(
    spec: &Located<'_, '_>,
    facts: &Facts<'_>,
    errors: &mut Errors,
) {
    validate_spec(spec, facts, errors);
    let (selector, manual) = (spec.member("selector"), spec.member("manualSelector"));
    if selector.is_set() {
        errors.invalid_shown(&selector, &shown_selector(&selector), "`selector` will be auto-generated");
    }
    if manual.bool() {
        errors.not_supported(&manual, &["nil", "false"]);
    }
}

/// What the specs of jobs and of templates of jobs have in common.
pub(super) fn validate_spec(spec: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_numbers(spec, errors);
    validate_managed_by(&spec.member("managedBy"), errors);
    validate_mode(spec, errors);
    if spec.member("podFailurePolicy").is_set() {
        validate_failure_policy(spec, errors);
    }
    let success = spec.member("successPolicy");
    let is_indexed = spec.member("completionMode").text() == "Indexed";
    if success.is_set() && !is_indexed {
        errors.invalid_value(
            &success,
            shown_struct("SuccessPolicy", &success),
            "requires indexed completion mode",
        );
    } else if success.is_set() && spec.member("completions").is_set() {
        validate_success_policy(spec, errors);
    }
    validate_replacement(spec, errors);
    validate_pod_template_spec(&spec.member("template"), facts, errors);
    validate_restart_policy(spec, errors);
}

fn validate_numbers(spec: &Located<'_, '_>, errors: &mut Errors) {
    let numbers = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    for field in numbers {
        validate_nonnegative_field(&spec.member(field), errors);
    }
    let per_index = spec.member("backoffLimitPerIndex");
    if spec.member("maxFailedIndexes").is_set() && !per_index.is_set() {
        errors.required(&per_index, "when maxFailedIndexes is specified");
    }
}

fn validate_managed_by(manager: &Located<'_, '_>, errors: &mut Errors) {
    if !manager.is_set() {
        return;
    }
    validate_domain_prefixed_path(manager, errors);
    if manager.len() > MANAGED_BY_BYTES {
        errors.too_long(manager, MANAGED_BY_BYTES);
    }
}

fn validate_mode(spec: &Located<'_, '_>, errors: &mut Errors) {
    let mode = spec.member("completionMode");
    match mode.text() {
        "Indexed" => validate_indexed(spec, errors),
        "NonIndexed" => {}
        _ if mode.is_set() => errors.not_supported(&mode, &["NonIndexed", "Indexed"]),
        _ => {}
    }
    if !mode.is_set() || mode.text() == "NonIndexed" {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            let number = spec.member(field);
            if number.is_set() {
                errors.invalid(&number, "requires indexed completion mode");
            }
        }
    }
}

fn validate_indexed(spec: &Located<'_, '_>, errors: &mut Errors) {
    let (parallelism, completions) = (spec.member("parallelism"), spec.member("completions"));
    let failed = spec.member("maxFailedIndexes");
    if !completions.is_set() {
        errors.required(&completions, "when completion mode is Indexed");
    }
    if parallelism.int() > PARALLELISM {
        let detail = format!("must be less than or equal to {PARALLELISM} when completion mode is Indexed");
        errors.invalid(&parallelism, detail);
    }
    if completions.is_set() && failed.is_set() && failed.int() > completions.int() {
        errors.invalid(&failed, "must be less than or equal to completions");
    }
    if failed.int() > FAILED_INDEXES {
        errors.invalid(&failed, format!("must be less than or equal to {FAILED_INDEXES}"));
    }
    if completions.int() <= MANY_COMPLETIONS || !spec.member("backoffLimitPerIndex").is_set() {
        return;
    }
    if !failed.is_set() {
        errors.required(&failed, format!("must be specified when completions is above {MANY_COMPLETIONS}"));
    }
    for number in [&parallelism, &failed] {
        if number.int() > OF_MANY_COMPLETIONS {
            let detail = format!(
                "must be less than or equal to {OF_MANY_COMPLETIONS} when completions are above {MANY_COMPLETIONS} \
                 and used with backoff limit per index"
            );
            errors.invalid(number, detail);
        }
    }
}

/// A job with a failure policy replaces pods that have failed, and no others.
fn validate_replacement(spec: &Located<'_, '_>, errors: &mut Errors) {
    let policy = spec.member("podReplacementPolicy");
    let supported: &[&str] = if spec.member("podFailurePolicy").is_set() {
        &["Failed"]
    } else {
        &["Failed", "TerminatingOrFailed"]
    };
    if policy.is_set() && !supported.contains(&policy.text()) {
        errors.not_supported(&policy, supported);
    }
}

fn validate_restart_policy(spec: &Located<'_, '_>, errors: &mut Errors) {
    let policy = spec.at(&["template", "spec", "restartPolicy"]);
    match policy.text() {
        "" | "Always" => errors.required(&policy, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" if spec.member("podFailurePolicy").is_set() => {
            errors.invalid(&policy, "only \"Never\" is supported when podFailurePolicy is specified");
        }
        "OnFailure" | "Never" => {}
        _ => errors.not_supported(&policy, &["OnFailure", "Never"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::rules::workload::given::problems;
    use alloc::string::String;

    const NEVER: &str =
        r#""template":{"spec":{"containers":[{"name":"c","image":"i"}],"restartPolicy":"Never"}}"#;

    fn found(more: &str) -> String {
        let spec = format!(r#"{{{NEVER}{more}}}"#);
        problems(validate_spec, &spec, None)
    }

    #[test]
    fn numbers_fit_each_other() {
        let indexed = r#","completionMode":"Indexed""#;
        let table = [
            ("", ""),
            (r#","parallelism":-1"#, "parallelism: Invalid value: -1: must be greater than or equal to 0"),
            (
                r#","maxFailedIndexes":1"#,
                "[backoffLimitPerIndex: Required value: when maxFailedIndexes is specified, \
                 maxFailedIndexes: Invalid value: 1: requires indexed completion mode]",
            ),
            (indexed, "completions: Required value: when completion mode is Indexed"),
            (&format!(r#"{indexed},"completions":100000,"parallelism":100000,"backoffLimitPerIndex":1"#), ""),
            (
                &format!(
                    r#"{indexed},"completions":5,"parallelism":100001,"maxFailedIndexes":6,"backoffLimitPerIndex":0"#
                ),
                "[parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is \
                 Indexed, maxFailedIndexes: Invalid value: 6: must be less than or equal to completions]",
            ),
            (
                &format!(
                    r#"{indexed},"completions":100001,"parallelism":10000,
                        "maxFailedIndexes":10000,"backoffLimitPerIndex":0"#
                ),
                "",
            ),
            (
                &format!(r#"{indexed},"completions":100001,"parallelism":10001,"backoffLimitPerIndex":0"#),
                "[maxFailedIndexes: Required value: must be specified when completions is above 100000, \
                 parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above \
                 100000 and used with backoff limit per index]",
            ),
            (r#","managedBy":"kubernetes.io/job-controller""#, ""),
            (
                r#","podReplacementPolicy":"X""#,
                "podReplacementPolicy: Unsupported value: \"X\": supported values: \
                 \"Failed\", \"TerminatingOrFailed\"",
            ),
        ];
        for (more, expected) in table {
            assert_eq!(found(more), expected, "{more}");
        }
    }

    #[test]
    fn policies_have_upstreams_problems() {
        let success = |rules: &str| {
            format!(r#","completionMode":"Indexed","completions":5,"successPolicy":{{"rules":[{rules}]}}"#)
        };
        let failure = |rule: &str| format!(r#","podFailurePolicy":{{"rules":[{rule}]}}"#);
        let table = [
            (success(r#"{"succeededIndexes":"0-4","succeededCount":5}"#), ""),
            (
                success(r#"{"succeededIndexes":"0-1","succeededCount":3}"#),
                "successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 \
                 (the number of indexes in the specified succeededIndexes field)",
            ),
            (
                success("{}"),
                "successPolicy.rules[0]: Required value: \
                 at least one of succeededCount or succeededIndexes must be specified",
            ),
            (
                success(""),
                "successPolicy.rules: Required value: \
                 at least one rules must be specified when the successPolicy is specified",
            ),
            (
                r#","successPolicy":{"rules":[]}"#.into(),
                "successPolicy: Invalid value: {\"Rules\":[]}: requires indexed completion mode",
            ),
            (failure(r#"{"action":"Ignore","onExitCodes":{"operator":"In","values":[1,2]}}"#), ""),
            (
                failure(
                    r#"{"action":"","onExitCodes":{"containerName":"x","operator":"In","values":[2,0,2]}}"#,
                ),
                "[podFailurePolicy.rules[0].action: Required value: \
                 valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"], \
                 podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: \"x\": \
                 must be one of the container or initContainer names in the pod template, \
                 podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator, \
                 podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 2, \
                 podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0,2]: must be ordered]",
            ),
            (
                failure(r#"{"action":"FailIndex"}"#),
                "[podFailurePolicy.rules[0].action: Invalid value: \"FailIndex\": \
                 requires the backoffLimitPerIndex to be set, \
                 podFailurePolicy.rules[0]: Invalid value: \
                 specifying one of OnExitCodes and OnPodConditions is required]",
            ),
        ];
        for (more, expected) in &table {
            assert_eq!(found(more), *expected, "{more}");
        }
    }
}
