//! Which policies a request concerns, with which of their bindings and which parameters.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go

use super::params;
use crate::admission::AdmissionAttributes;
use crate::admission::matching::{Matched, Matching, NamespaceLookup, WrittenObjects, matches};
use crate::admission::webhook::{review, versioned};
use crate::kinds::Kind;
use crate::question::Question;
use crate::status::Failure;
use crate::value::Value;
use crate::world::World;
use crate::world::indexes::{AdmissionPolicy, ParamKind, PolicyBinding, PolicySet};
use crate::world::match_criteria::MatchCriteria;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A policy that a request concerns.
pub(super) struct Invocation<'p> {
    pub(super) policy: &'p AdmissionPolicy,
    pub(super) binding: &'p PolicyBinding,
    /// The resource in the version that the policy sees.
    pub(super) resource: Arc<Kind>,
    /// With each of them the policy is asked once. Null is no parameter.
    pub(super) params: Vec<Value>,
}

/// Why a policy cannot be asked about a request that it concerns.
pub(super) struct Misconfigured<'p> {
    pub(super) policy: &'p AdmissionPolicy,
    pub(super) binding: Option<&'p PolicyBinding>,
    pub(super) why: String,
}

type Invoked<'p> = Result<Invocation<'p>, Misconfigured<'p>>;

/// What policies are chosen by.
pub(super) struct Dispatch<'a> {
    pub(super) world: &'a World,
    pub(super) attributes: &'a AdmissionAttributes<'a>,
    pub(super) written: WrittenObjects<'a>,
}

impl Dispatch<'_> {
    /// The policies that the request concerns, in the order of their names and those of their bindings.
    ///
    /// # Errors
    /// What has to be asked first.
    pub(super) fn invocations<'p>(
        &self,
        policies: &'p PolicySet,
        namespace: &mut NamespaceLookup,
    ) -> Result<Vec<Invoked<'p>>, Question> {
        let mut invoked = Vec::new();
        for policy in policies.bound() {
            let resource = match self.matched(&policy.criteria, namespace)? {
                Ok(None) => continue,
                Ok(Some(resource)) => resource,
                Err(why) => {
                    invoked.push(Err(misconfigured(policy, None, &why)));
                    continue;
                }
            };
            let params =
                policy.param_kind.as_ref().map(|kind| params::resource(self.world, kind)).transpose();
            let params = match &params {
                Ok(params) => policy.param_kind.as_ref().zip(params.as_deref()),
                Err(why) => {
                    invoked.push(Err(misconfigured(policy, None, why)));
                    continue;
                }
            };
            for binding in policies.bindings_of(policy) {
                let is_bound = match &binding.criteria {
                    None => Ok(true),
                    Some(criteria) => self.matched(criteria, namespace)?.map(|found| found.is_some()),
                };
                let found = is_bound.and_then(|is_bound| match is_bound {
                    true => self.params(params, binding).map(Some),
                    false => Ok(None),
                });
                match found {
                    Ok(None) => {}
                    Ok(Some(params)) => {
                        invoked.push(Ok(Invocation { policy, binding, resource: resource.clone(), params }));
                    }
                    Err(why) => invoked.push(Err(misconfigured(policy, Some(binding), &why))),
                }
            }
        }
        Ok(invoked)
    }

    /// The version in which the request is concerned; inside, why that cannot be told.
    fn matched(
        &self,
        criteria: &MatchCriteria,
        namespace: &mut NamespaceLookup,
    ) -> Result<Result<Option<Arc<Kind>>, String>, Question> {
        match matches(self.world, self.attributes, self.written, criteria, namespace) {
            Ok(Matching::No) => Ok(Ok(None)),
            Ok(Matching::Yes(Matched { resource })) => Ok(Ok(Some(resource))),
            Ok(Matching::Needs(question)) => Err(question),
            Err(failure) => Ok(Err(failure.message().into())),
        }
    }

    fn params(
        &self,
        resource: Option<(&ParamKind, &Kind)>,
        binding: &PolicyBinding,
    ) -> Result<Vec<Value>, String> {
        let (Some(resource), Some(reference)) = (resource, &binding.params) else {
            return Ok(alloc::vec![Value::Null]);
        };
        let Self { world, attributes, .. } = self;
        let namespace = attributes.namespace_of_request();
        params::collect(world, attributes.converter, resource, reference, namespace)
    }

    /// The namespace of the request, as expressions see it: Null for none, and for a Namespace that is written itself.
    ///
    /// # Errors
    /// What has to be asked first; inside, that there is no such namespace.
    pub(super) fn namespace(&self, lookup: &mut NamespaceLookup) -> Result<Result<Value, Failure>, Question> {
        let name = self.attributes.namespace_of_request();
        if name.is_empty() || self.attributes.is_of_namespaces() {
            return Ok(Ok(Value::Null));
        }
        Ok(match lookup.object(self.world, name)? {
            Ok(namespace) => Ok(shown_namespace(namespace)),
            Err(failure) => Err(failure.clone()),
        })
    }

    /// An object in the version that a policy sees; Null for none.
    pub(super) fn seen(&self, resource: &Kind, object: &Value) -> Result<Value, Failure> {
        versioned::seen(self.world, self.attributes, resource, object)
    }

    /// What policies are told of the request, and what their conditions are told, which see the resource as it was
    /// asked for in the kind that was matched.
    pub(super) fn requests(&self, resource: &Kind) -> [Value; 2] {
        let request = review::request("", self.attributes, resource, self.written.object, None);
        let of_conditions = review::request_of_conditions(request.clone());
        [Value::map(request), of_conditions]
    }
}

fn misconfigured<'p>(
    policy: &'p AdmissionPolicy,
    binding: Option<&'p PolicyBinding>,
    why: &str,
) -> Misconfigured<'p> {
    let what = if binding.is_some() { "binding" } else { "policy" };
    Misconfigured { policy, binding, why: format!("failed to configure {what}: {why}") }
}

/// The fields of a namespace that expressions see.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/condition.go CreateNamespaceObject
fn shown_namespace(namespace: &Value) -> Value {
    const METADATA: [&str; 12] = [
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "name",
        "namespace",
        "resourceVersion",
        "uid",
    ];
    let mut shown = Value::empty_map();
    for field in METADATA {
        shown.take(namespace, &["metadata", field]);
    }
    for field in ["spec", "status"] {
        shown.set(field, namespace.field(field).cloned().unwrap_or_else(Value::empty_map));
    }
    shown
}
