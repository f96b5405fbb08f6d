//! The day since which the use of legacy service account tokens is noted, and the day on which each was last used.
//! k8s: pkg/controlplane/controller/legacytokentracking/controller.go,
//! pkg/serviceaccount/legacy.go patchSecretWithLastUsedDate

use super::plan::{Planner, map};
use crate::config::UsedSecret;
use crate::job::OwnWriter;
use crate::now::Wall;
use crate::value::object;
use alloc::format;

const PLACE: (&str, &str) = ("kube-system", "kube-apiserver-legacy-service-account-token-tracking");
const SINCE: [&str; 2] = ["data", "since"];

pub(super) fn plan(planner: &mut Planner<'_>) {
    plan_day(planner);
    plan_uses(planner);
}

/// Labels the secrets whose tokens were used with the day.
fn plan_uses(planner: &mut Planner<'_>) {
    let Some(kind) = planner.kind("", "v1", "secrets") else { return };
    let today = planner.now.wall.date();
    for used in planner.used_secrets {
        let Some(entry) = planner.held(kind, (&used.namespace, &used.name)) else { continue };
        let mut secret = entry.to_value();
        if object::uid(&secret) == used.uid && object::label(&secret, UsedSecret::LABEL) != Some(&today) {
            object::set_label(&mut secret, UsedSecret::LABEL, &today);
            planner.update(kind, entry, secret);
        }
    }
}

fn plan_day(planner: &mut Planner<'_>) {
    let Some(kind) = planner.kind("", "v1", "configmaps") else { return };
    let today = planner.now.wall.date();
    match planner.held(kind, PLACE) {
        // Servers that note it and older ones, which remove the object, must not fight without a pause.
        None if planner.occasion.is_first || planner.occasion.is_beat => {
            let object = map([("data", map([("since", today.into())]))]);
            planner.create(kind, PLACE, OwnWriter::SERVER, object);
        }
        None => {}
        Some(entry) => {
            let mut object = entry.to_value();
            if !is_day(object.text_at(&SINCE)) {
                object.set_at(&SINCE, today.into());
                planner.update(kind, entry, object);
            }
        }
    }
}

fn is_day(text: &str) -> bool {
    text.len() == "2006-01-02".len() && Wall::parse_rfc3339(&format!("{text}T00:00:00Z")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_they_are_read() {
        let now = Wall::parse_rfc3339("2026-11-29T23:59:59Z").expect("a time");
        assert_eq!(now.date(), "2026-11-29");
        assert!(is_day("2026-11-29"));
        for wrong in ["", "2026-11-31", "2026-11-29T00:00:00Z", "29.11.2026", "2026-11-2 "] {
            assert!(!is_day(wrong), "{wrong}");
        }
    }
}
