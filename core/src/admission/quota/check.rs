//! Whether a write keeps to the quotas of its namespace, and what it adds to each.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go CheckRequest

use super::amounts::Amounts;
use super::evaluator::Evaluator;
use super::scope::ScopeTerm;
use crate::admission::{AdmissionAttributes, AdmissionOperation};
use crate::config::LimitedResource;
use crate::kinds::Objects;
use crate::status::Failure;
use crate::value::{Text, Value, object};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

/// A quota whose usage changes, and what it is then.
#[derive(Debug)]
pub(super) struct Charge<'a> {
    pub(super) quota: &'a Value,
    pub(super) used: Amounts,
}

/// What is asked of the quotas.
pub(super) struct Check<'a> {
    pub(super) attributes: &'a AdmissionAttributes<'a>,
    pub(super) evaluator: &'a Evaluator,
    pub(super) objects: &'a dyn Objects,
    pub(super) object: &'a Value,
    pub(super) limited: &'a [LimitedResource],
}

/// A quota that is about the object, and which of its resources are.
struct Interested<'a> {
    quota: &'a Value,
    hard: Amounts,
    used: Amounts,
}

impl Check<'_> {
    /// The quotas that the write is charged to.
    ///
    /// # Errors
    /// The first reason for which it is refused.
    pub(super) fn charges<'q>(&self, quotas: &'q [Value]) -> Result<Vec<Charge<'q>>, Failure> {
        let limited_scopes = self.limited_scopes();
        let limited_names = self.limited_names();
        let (mut interested, mut restricted, mut covered) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for quota in quotas {
            let terms = ScopeTerm::of_quota(quota);
            if self.evaluator.has_scopes() {
                let within = terms.iter().filter(|term| self.evaluator.is_within(self.object, term));
                covered.extend(within.map(ScopeTerm::name));
            }
            if let Some(found) = self.interested(quota, &terms)? {
                restricted.extend(found.hard.names().filter(|name| self.is_limited_by(name)).cloned());
                interested.push(found);
            }
        }
        let usage = self.usage(self.object);
        if let [first, rest @ ..] = usage.negative().as_slice() {
            let names = rest.iter().fold(format!("{first}"), |all, name| format!("{all},{name}"));
            return Err(self.refused(&format!("quota usage is negative for resource(s): {names}")));
        }
        let growth = self.growth(&usage);
        let mut changed = Vec::new();
        for found in &interested {
            let is_old = growth.is_some() && self.evaluator.is_within_quota(self.attributes.old, found.quota);
            let delta = if is_old { growth.as_ref().unwrap_or(&usage) } else { &usage };
            let delta = delta.without_zeros();
            if !delta.is_empty() {
                changed.push((found, delta));
            }
        }
        let changes = if interested.is_empty() {
            !growth.as_ref().unwrap_or(&usage).without_zeros().is_empty()
        } else {
            !changed.is_empty()
        };
        if !changes {
            return Ok(Vec::new());
        }
        let uncovered: Vec<&str> =
            limited_names.iter().filter(|name| !restricted.contains(*name)).map(Text::as_str).collect();
        if !uncovered.is_empty() {
            let why = format!("insufficient quota to consume: {}", uncovered.join(","));
            return Err(self.refused(&why));
        }
        let uncovered: Vec<_> = limited_scopes
            .iter()
            .filter(|term| !covered.contains(term.scope))
            .map(ScopeTerm::shown)
            .collect();
        if !uncovered.is_empty() {
            let why = format!("insufficient quota to match these scopes: [{}]", uncovered.join(" "));
            return Err(Failure::unclassified(why));
        }
        changed.into_iter().filter_map(|(found, delta)| self.charge(found, &delta).transpose()).collect()
    }

    fn is_limited_by(&self, resource: &str) -> bool {
        self.evaluator.is_limited_by(resource, self.objects)
    }

    fn usage(&self, object: &Value) -> Amounts {
        self.evaluator.usage(object, self.objects, self.attributes.now)
    }

    fn refused(&self, why: &str) -> Failure {
        self.attributes.forbidden(self.object, why)
    }

    /// By how much an update uses more than what it replaces; None for a new object.
    fn growth(&self, usage: &Amounts) -> Option<Amounts> {
        let is_update = self.attributes.operation == AdmissionOperation::Update;
        is_update.then(|| usage.growth_from(&self.usage(self.attributes.old)))
    }

    /// The resources that the configuration limits, of those that the object uses.
    fn limited_names(&self) -> BTreeSet<Text> {
        let kind = self.attributes.resource;
        let is_of = |limited: &&LimitedResource| {
            limited.api_group == kind.group.as_str() && limited.resource == kind.plural.as_str()
        };
        let limited: Vec<_> = self.limited.iter().filter(is_of).collect();
        if limited.is_empty() {
            return BTreeSet::new();
        }
        let usage = self.usage(self.object);
        let used = usage.iter().filter(|(_, amount)| amount.signum() > 0).map(|(name, _)| name);
        let is_limited = |name: &&Text| {
            let mut parts = limited.iter().flat_map(|limited| &limited.match_contains);
            parts.any(|part| name.contains(part.as_str()))
        };
        used.filter(is_limited).cloned().collect()
    }

    /// The scopes that the configuration limits and the object is in.
    fn limited_scopes(&self) -> Vec<ScopeTerm<'_>> {
        if !self.evaluator.has_scopes() {
            return Vec::new();
        }
        let terms =
            self.limited.iter().flat_map(|limited| &limited.match_scopes).map(ScopeTerm::of_configuration);
        terms.filter(|term| self.evaluator.is_within(self.object, term)).collect()
    }

    /// The quota, if it is about the object. What a quota has not measured yet cannot be kept to.
    fn interested<'q>(
        &self,
        quota: &'q Value,
        terms: &[ScopeTerm<'_>],
    ) -> Result<Option<Interested<'q>>, Failure> {
        let hard = Amounts::read(quota.at(&["status", "hard"]));
        let names: Vec<Text> = hard.names().filter(|name| self.is_limited_by(name)).cloned().collect();
        let is_within = terms.iter().all(|term| self.evaluator.is_within(self.object, term));
        if names.is_empty() || !is_within {
            return Ok(None);
        }
        let name = object::name(quota);
        if let Some(problem) = self.evaluator.problem(self.object, &names) {
            return Err(self.refused(&format!("failed quota: {name}: {problem}")));
        }
        let used = Amounts::read(quota.at(&["status", "used"]));
        if names.iter().any(|name| used.get(name).is_none()) {
            let why = format!("status unknown for quota: {name}, resources: {}", names.join(","));
            return Err(self.refused(&why));
        }
        Ok(Some(Interested { quota, hard, used }))
    }

    fn charge<'q>(&self, found: &Interested<'q>, delta: &Amounts) -> Result<Option<Charge<'q>>, Failure> {
        let Interested { quota, hard, used } = found;
        let requested = delta.only(|name| hard.get(name).is_some());
        let mut next = used.clone();
        next.add(&requested);
        let exceeded = next.only(|name| requested.get(name).is_some()).beyond(hard);
        if !exceeded.is_empty() && self.attributes.subresource != "status" {
            let of =
                |amounts: &Amounts| amounts.only(|name| exceeded.iter().any(|held| held == name)).shown();
            let why = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                object::name(quota),
                of(&requested),
                of(used),
                of(hard)
            );
            return Err(self.refused(&why));
        }
        Ok((!next.is_same(used)).then_some(Charge { quota, used: next }))
    }
}
