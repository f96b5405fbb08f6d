//! What a PriorityLevelConfiguration must look like.
//! k8s: pkg/apis/flowcontrol/validation/validation.go ValidatePriorityLevelConfiguration

use super::{mandatory, validate_conditions_by_type};
use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located, internal_json};
use crate::value::names::dns_subdomain;

const MAX_QUEUES: i64 = 10_000_000;
/// The bits that a hash has for dealing a hand of queues.
const HASH_BITS: u32 = 60;
/// An annotation of another version, which means nothing in this one.
const ZERO_SHARES: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    let annotations = object.at(&["metadata", "annotations"]);
    if annotations.key(ZERO_SHARES).is_set() {
        errors.forbidden(&annotations, format_args!("annotation '{ZERO_SHARES}' is forbidden"));
    }
    let (spec, name) = (object.member("spec"), object.at(&["metadata", "name"]).text());
    validate_spec(&spec, name, errors);
    validate_mandatory(&spec, name, errors);
    validate_conditions_by_type(object, errors);
}

pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    validate_built_in(object, false, dns_subdomain, errors);
    validate(object, facts, errors);
}

fn validate_mandatory(spec: &Located<'_, '_>, name: &str, errors: &mut Errors) {
    let Some(fixed) = mandatory::level(name) else { return };
    let exempt = name == mandatory::EXEMPT;
    let same = match spec.value().cloned() {
        Some(mut held) => {
            if exempt {
                held.remove_at(&["exempt"]);
            }
            held == fixed
        }
        None => false,
    };
    if !same {
        let but = if exempt { " except the 'spec.exempt' field" } else { "" };
        let detail = format_args!("spec of '{name}'{but} must equal the fixed value");
        errors.invalid_shown(spec, &internal_json("PriorityLevelConfigurationSpec", spec.value()), detail);
    }
}

fn validate_spec(spec: &Located<'_, '_>, name: &str, errors: &mut Errors) {
    let (kind, limited, exempt) = (spec.member("type"), spec.member("limited"), spec.member("exempt"));
    if (name == mandatory::EXEMPT) != (kind.text() == "Exempt") {
        let detail = "must be 'Exempt' if and only if `name` is 'exempt'";
        errors.invalid_value(&kind, kind.text(), detail);
    }
    match kind.text() {
        "Exempt" => {
            if limited.is_set() {
                errors.forbidden(&limited, "must be nil if the type is not Limited");
            }
            if exempt.is_set() {
                validate_shares(&exempt, errors);
                validate_lendable(&exempt, errors);
            }
        }
        "Limited" => {
            if exempt.is_set() {
                errors.forbidden(&exempt, "must be nil if the type is Limited");
            }
            if limited.is_set() {
                validate_limited(&limited, errors);
            } else {
                errors.required(&limited, "must not be empty when type is Limited");
            }
        }
        _ => errors.not_supported_text(&kind, &["Exempt", "Limited"]),
    }
}

fn validate_shares(level: &Located<'_, '_>, errors: &mut Errors) {
    let shares = level.member("nominalConcurrencyShares");
    if shares.int() < 0 {
        errors.invalid(&shares, "must be a non-negative integer");
    }
}

fn validate_lendable(level: &Located<'_, '_>, errors: &mut Errors) {
    let percent = level.member("lendablePercent");
    if !(0..=100).contains(&percent.int()) {
        errors.invalid(&percent, "must be between 0 and 100, inclusive");
    }
}

fn validate_limited(limited: &Located<'_, '_>, errors: &mut Errors) {
    validate_shares(limited, errors);
    let response = limited.member("limitResponse");
    let (kind, queuing) = (response.member("type"), response.member("queuing"));
    match kind.text() {
        "Reject" if queuing.is_set() => {
            errors.forbidden(&queuing, "must be nil if limited.limitResponse.type is not Limited");
        }
        "Reject" => {}
        "Queue" if queuing.is_set() => validate_queuing(&queuing, errors),
        "Queue" => {
            errors.required(&queuing, "must not be empty if limited.limitResponse.type is Limited");
        }
        _ => errors.not_supported_text(&kind, &["Queue", "Reject"]),
    }
    validate_lendable(limited, errors);
    let percent = limited.member("borrowingLimitPercent");
    if percent.int() < 0 {
        errors.invalid(&percent, "if specified, must be a non-negative integer");
    }
}

fn validate_queuing(queuing: &Located<'_, '_>, errors: &mut Errors) {
    let (length, queues) = (queuing.member("queueLengthLimit"), queuing.member("queues"));
    let hand = queuing.member("handSize");
    if length.int() <= 0 {
        errors.invalid_value(&length, length.int(), "must be positive");
    }
    if queues.int() <= 0 {
        errors.invalid_value(&queues, queues.int(), "must be positive");
    } else if queues.int() > MAX_QUEUES {
        errors.invalid(&queues, format_args!("must not be greater than {MAX_QUEUES}"));
    }
    if hand.int() <= 0 {
        errors.invalid_value(&hand, hand.int(), "must be positive");
    } else if hand.int() > queues.int() {
        errors.invalid(&hand, format_args!("should not be greater than queues ({})", queues.int()));
    } else if !hands_fit_a_hash(queues.int(), hand.int()) {
        let detail = format_args!(
            "required entropy bits of deckSize {} and handSize {} should not be greater than {HASH_BITS}",
            queues.int(),
            hand.int()
        );
        errors.invalid(&hand, detail);
    }
}

/// Whether a hash has enough bits to tell all hands of so many of the queues from each other.
/// k8s: staging/src/k8s.io/apiserver/pkg/util/shufflesharding/shufflesharding.go RequiredEntropyBits
fn hands_fit_a_hash(queues: i64, hand: i64) -> bool {
    let mut hands: u128 = 1;
    for dealt in 0..hand {
        hands = hands.saturating_mul(u128::try_from(queues.saturating_sub(dealt)).unwrap_or(1));
        if hands > 1 << HASH_BITS {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_are_counted() {
        for (queues, hand, fits) in [
            (1, 1, true),
            (64, 8, true),
            (128, 8, true),
            (256, 8, false),
            (128, 9, false),
            (20, 17, true),
            (20, 18, false),
            (10_000_000, 2, true),
            (10_000_000, 3, false),
            (i64::MAX, i64::MAX, false),
        ] {
            assert_eq!(hands_fit_a_hash(queues, hand), fits, "{queues} {hand}");
        }
    }
}
