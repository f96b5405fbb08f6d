//! Which rules apply to a caller in a namespace, as far as the authorizers can list them.
//! k8s: staging/src/k8s.io/apiserver/pkg/authorization/union/union.go unionAuthzRulesHandler

use super::abac;
use super::escalation::full_authority;
use super::opinion::aggregate;
use super::rbac::{self, RoleReader};
use crate::caller::Caller;
use crate::config::Authorizer;
use crate::world::World;
use crate::world::indexes::PolicyRule;
use alloc::string::String;
use alloc::vec::Vec;

/// The rules of all authorizers, in their order.
#[derive(Debug, Default)]
pub(crate) struct ListedRules {
    pub(crate) rules: Vec<PolicyRule>,
    /// An authorizer allows more than it can list.
    pub(crate) is_incomplete: bool,
    /// What went wrong; empty if nothing did.
    pub(crate) error: String,
}

/// Lists the rules of a caller.
pub(crate) fn list_rules(world: &World, caller: &Caller, namespace: &str) -> ListedRules {
    let mut listed = ListedRules::default();
    let mut errors = Vec::new();
    for authorizer in &world.authorizers.authorizers {
        match authorizer {
            Authorizer::AlwaysAllow => listed.rules.extend(full_authority()),
            Authorizer::AlwaysDeny => {}
            Authorizer::Abac(policies) => {
                listed.rules.extend(abac::rules_for(policies, caller, namespace));
            }
            Authorizer::Node if caller.node_name().is_some() => {
                listed.is_incomplete = true;
                errors.push("node authorizer does not support user rule resolution".into());
            }
            Authorizer::Node => {}
            Authorizer::Webhook(_) => {
                listed.is_incomplete = true;
                errors.push("webhook authorizer does not support user rule resolution".into());
            }
            Authorizer::Rbac => {
                let (rules, unresolved) = rbac::rules_for(world, caller, namespace, RoleReader::Cache);
                listed.rules.extend(rules.into_iter().cloned());
                errors.extend(unresolved);
            }
        }
    }
    listed.error = aggregate(&errors);
    listed
}
