//! Admission policies with their bindings, as admission asks them: read once, when they change, and compiled once, when
//! they are first asked.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_source.go

mod compiled;

use super::Changed;
use crate::museum::{Flaw, Mutant};
use crate::selector::LabelSelector;
use crate::value::{Text, Value};
use crate::world::cache::Entry;
use crate::world::match_criteria::MatchCriteria;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

pub(crate) use compiled::{CompiledPolicy, Mutation, PatchType, Validation};

/// The policies that validate, and those that change objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policies {
    pub(crate) validating: PolicySet,
    pub(crate) mutating: PolicySet,
}

/// The policies of one kind. A clone shares them: a request keeps the one with which it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicySet {
    policies: Arc<BTreeMap<Text, Arc<AdmissionPolicy>>>,
    bindings: Arc<BTreeMap<Text, Arc<PolicyBinding>>>,
    /// The bindings again, by the name of their policy and their own.
    bound: Arc<BTreeMap<(Text, Text), Arc<PolicyBinding>>>,
}

/// A policy.
#[derive(Debug)]
pub(crate) struct AdmissionPolicy {
    pub(crate) name: Text,
    pub(crate) spec: Value,
    pub(crate) criteria: MatchCriteria,
    /// None for a policy without parameters.
    pub(crate) param_kind: Option<ParamKind>,
    /// Requests about which it cannot be decided are not refused (`failurePolicy: Ignore`).
    pub(crate) ignores_failures: bool,
    compiled: Arc<OnceBox<CompiledPolicy>>,
}

impl PartialEq for AdmissionPolicy {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.spec == other.spec
    }
}

impl Eq for AdmissionPolicy {}

/// The kind of a policy's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParamKind {
    /// As the policy says it.
    pub(crate) api_version: Text,
    pub(crate) group: Text,
    pub(crate) version: Text,
    pub(crate) kind: Text,
}

impl ParamKind {
    fn of(kind: &Value) -> Self {
        let api_version = kind.text_at(&["apiVersion"]);
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        Self {
            api_version: api_version.into(),
            group: group.into(),
            version: version.into(),
            kind: kind.text_at(&["kind"]).into(),
        }
    }
}

/// A binding: where a policy applies, and with which parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PolicyBinding {
    pub(crate) name: Text,
    policy: Text,
    /// None for everything that the policy is about.
    pub(crate) criteria: Option<MatchCriteria>,
    pub(crate) params: Option<ParamRef>,
    /// Of a validating policy: what is done about a request that it denies.
    pub(crate) actions: Vec<ValidationAction>,
}

/// What is done about a request that a policy denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValidationAction {
    Deny,
    Warn,
    Audit,
}

/// Which objects are the parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParamRef {
    /// Empty if they are selected.
    pub(crate) name: Text,
    /// Empty for the namespace of the request.
    pub(crate) namespace: Text,
    /// A sentence if it cannot be read.
    pub(crate) selector: Option<Result<LabelSelector, String>>,
    /// Without any parameter the request is refused.
    pub(crate) denies_without: bool,
}

impl AdmissionPolicy {
    fn of(entry: &Entry) -> Self {
        let value = entry.to_value();
        let spec = value.field("spec").cloned().unwrap_or(Value::Null);
        Self {
            name: entry.name().into(),
            criteria: MatchCriteria::of_policy(spec.field("matchConstraints").unwrap_or(&Value::Null)),
            param_kind: spec.field("paramKind").map(ParamKind::of),
            ignores_failures: spec.text_at(&["failurePolicy"]) == "Ignore",
            spec,
            compiled: Arc::new(OnceBox::new()),
        }
    }

    /// Its expressions. Whoever asks first compiles them.
    pub(crate) fn compiled(&self) -> &CompiledPolicy {
        self.compiled.get_or_init(|| Box::new(CompiledPolicy::of(&self.spec)))
    }
}

impl PolicyBinding {
    fn of(entry: &Entry) -> Self {
        let value = entry.to_value();
        let spec = value.field("spec").unwrap_or(&Value::Null);
        let actions = spec.field("validationActions").and_then(Value::as_list).unwrap_or_default();
        let action = |action: &Value| match action.as_str() {
            Some("Deny") => Some(ValidationAction::Deny),
            Some("Warn") => Some(ValidationAction::Warn),
            Some("Audit") => Some(ValidationAction::Audit),
            Some(_) | None => None,
        };
        Self {
            name: entry.name().into(),
            policy: spec.text_at(&["policyName"]).into(),
            criteria: spec.field("matchResources").map(MatchCriteria::of_policy),
            params: spec.field("paramRef").map(ParamRef::of),
            actions: actions.iter().filter_map(action).collect(),
        }
    }
}

impl ParamRef {
    fn of(reference: &Value) -> Self {
        Self {
            name: reference.text_at(&["name"]).into(),
            namespace: reference.text_at(&["namespace"]).into(),
            selector: reference.field("selector").map(|held| LabelSelector::from_object(Some(held))),
            denies_without: reference.text_at(&["parameterNotFoundAction"]) == "Deny",
        }
    }
}

impl PolicySet {
    /// Whether no policy is bound.
    pub(crate) fn is_empty(&self) -> bool {
        self.bindings.is_empty() || self.policies.is_empty()
    }

    /// The policies that are bound, by their names.
    pub(crate) fn bound(&self) -> impl Iterator<Item = &Arc<AdmissionPolicy>> {
        self.policies.values().filter(|policy| self.is_bound(policy))
    }

    pub(crate) fn is_bound(&self, policy: &AdmissionPolicy) -> bool {
        self.bindings_of(policy).next().is_some()
    }

    /// The policies that have parameters, bound or not, with the kinds of these.
    pub(crate) fn with_params(&self) -> impl Iterator<Item = (&AdmissionPolicy, &ParamKind)> {
        self.policies.values().filter_map(|policy| Some((&**policy, policy.param_kind.as_ref()?)))
    }

    /// The bindings of a policy, by their names.
    pub(crate) fn bindings_of(&self, policy: &AdmissionPolicy) -> impl Iterator<Item = &Arc<PolicyBinding>> {
        let from = (policy.name.clone(), Text::default());
        let name = policy.name.clone();
        self.bound.range(from..).take_while(move |((of, _), _)| *of == name).map(|(_, binding)| binding)
    }

    fn policy_changed(&mut self, change: Changed<'_>, flaw: Flaw) {
        let Some(name) = change.new.or(change.old).map(Entry::name) else { return };
        let policies = Arc::make_mut(&mut self.policies);
        match change.new {
            Some(entry) => {
                let mut policy = AdmissionPolicy::of(entry);
                let held = policies.get(name).filter(|_| flaw.is(Mutant::PolicyCompiledOnce));
                if let Some(held) = held {
                    policy.compiled = held.compiled.clone();
                }
                policies.insert(name.into(), Arc::new(policy))
            }
            None => policies.remove(name),
        };
    }

    fn binding_changed(&mut self, change: Changed<'_>) {
        let Some(name) = change.new.or(change.old).map(Entry::name) else { return };
        let (bindings, bound) = (Arc::make_mut(&mut self.bindings), Arc::make_mut(&mut self.bound));
        if let Some(held) = bindings.remove(name) {
            bound.remove(&(held.policy.clone(), held.name.clone()));
        }
        if let Some(entry) = change.new {
            let binding = Arc::new(PolicyBinding::of(entry));
            bound.insert((binding.policy.clone(), binding.name.clone()), binding.clone());
            bindings.insert(binding.name.clone(), binding);
        }
    }
}

impl Policies {
    pub(super) fn changed(&mut self, change: Changed<'_>, flaw: Flaw) {
        match &*change.kind.plural {
            "validatingadmissionpolicies" => self.validating.policy_changed(change, flaw),
            "validatingadmissionpolicybindings" => self.validating.binding_changed(change),
            "mutatingadmissionpolicies" => self.mutating.policy_changed(change, flaw),
            "mutatingadmissionpolicybindings" => self.mutating.binding_changed(change),
            _ => {}
        }
    }
}
