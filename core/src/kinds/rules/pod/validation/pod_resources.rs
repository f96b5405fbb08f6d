//! The amounts of a pod as a whole, and how they agree with those of its containers.

use super::container::Surroundings;
use super::context::is_sidecar;
use super::resources::{ResourceNames, validate_requirements};
use crate::kinds::rules::resource_names::is_huge_pages;
use crate::kinds::validation::{Errors, Located};
use crate::value::Text;
use crate::value::quantity::Quantity;
use alloc::collections::BTreeMap;
use core::cmp::Ordering;

type Amounts = BTreeMap<Text, Quantity>;

pub(super) fn validate_pod_resources(around: &Surroundings<'_, '_>, errors: &mut Errors) {
    let spec = around.spec;
    let resources = spec.member("resources");
    if !resources.is_set() {
        return;
    }
    if spec.at(&["os", "name"]).text() == "windows" {
        return errors.forbidden(&resources, "may not be set for a windows pod");
    }
    let claims = resources.member("claims");
    if claims.is_set() {
        errors.forbidden(&claims, "claims may not be set for Resources at pod-level");
    }
    let lets = around.context.lets_indivisible_huge_pages;
    validate_requirements(&resources, ResourceNames::OfPod, lets, &around.claims, errors);
    validate_agreement(spec, &resources, errors);
}

fn validate_agreement(spec: &Located<'_, '_>, resources: &Located<'_, '_>, errors: &mut Errors) {
    let (requests, limits) = (resources.member("requests"), resources.member("limits"));
    for (name, sum) in aggregate(spec, "requests") {
        let own = requests.key(&name);
        let Some(amount) = own.quantity() else { continue };
        if sum.compare(&amount) == Ordering::Greater {
            let detail = alloc::format!(
                "must be greater than or equal to aggregate container requests of {}",
                sum.canonical()
            );
            errors.invalid_value(&own, amount.canonical(), detail);
        }
    }
    for (name, sum) in aggregate(spec, "limits").into_iter().filter(|(name, _)| is_huge_pages(name)) {
        let own = limits.key(&name);
        let Some(amount) = own.quantity() else { continue };
        if sum.compare(&amount) == Ordering::Greater {
            let detail = alloc::format!(
                "must be greater than or equal to aggregate container limits of {}",
                sum.canonical()
            );
            errors.invalid_value(&own, amount.canonical(), detail);
        }
    }
    let (containers, shown) = (spec.member("containers"), resources.member("containers"));
    for (index, container) in containers.items().enumerate() {
        let own = container.at(&["resources", "limits"]);
        for (name, limit) in own.entries() {
            let whole = limits.key(name);
            let (Some(amount), Some(whole)) = (limit.quantity(), whole.quantity()) else { continue };
            if amount.compare(&whole) == Ordering::Greater {
                let at = shown.index(index);
                let at = at.key(name);
                let detail =
                    alloc::format!("must be less than or equal to pod limits of {}", whole.canonical());
                errors.invalid_value(&at.member("limits"), amount.canonical(), detail);
            }
        }
    }
}

/// What the containers of a spec ask for together: those that run at once, or an init container with the sidecars
/// that were started before it, whichever is more.
/// k8s: staging/src/k8s.io/component-helpers/resource/helpers.go AggregateContainerRequests
pub(in crate::kinds::rules::pod) fn aggregate(spec: &Located<'_, '_>, kind: &'static str) -> Amounts {
    let mut all = Amounts::new();
    let (containers, first) = (spec.member("containers"), spec.member("initContainers"));
    for container in containers.items() {
        add(&mut all, &of_container(&container, kind));
    }
    let (mut sidecars, mut most) = (Amounts::new(), Amounts::new());
    for container in first.items() {
        let own = of_container(&container, kind);
        let mut now = own.clone();
        if is_sidecar(&container) {
            add(&mut all, &own);
            add(&mut sidecars, &own);
            now = sidecars.clone();
        } else {
            add(&mut now, &sidecars);
        }
        raise(&mut most, &now);
    }
    raise(&mut all, &most);
    all
}

fn of_container(container: &Located<'_, '_>, kind: &'static str) -> Amounts {
    let resources = container.member("resources");
    let amounts = resources.member(kind);
    amounts.entries().filter_map(|(name, amount)| Some((Text::from(name), amount.quantity()?))).collect()
}

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let held = sum.get(name).and_then(|held| held.add(amount)).unwrap_or_else(|| amount.clone());
        sum.insert(name.clone(), held);
    }
}

fn raise(most: &mut Amounts, amounts: &Amounts) {
    for (name, amount) in amounts {
        if most.get(name).is_none_or(|held| held.compare(amount) == Ordering::Less) {
            most.insert(name.clone(), amount.clone());
        }
    }
}
