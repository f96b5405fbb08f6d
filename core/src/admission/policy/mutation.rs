//! One policy changes an object, mutation by mutation.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch

use crate::admission::AdmissionAttributes;
use crate::admission::webhook::versioned;
use crate::cel::CelValue;
use crate::codec::json::{Duplicates, Parsed};
use crate::expressions::{
    Activation, AuthorizerVariables, ConditionsMet, Decisions, Evaluations, Expression, OutOfBudget,
};
use crate::kinds::Kind;
use crate::limits;
use crate::ownership;
use crate::patch::{PatchError, json_patch};
use crate::schema::strict::StrictError;
use crate::schema::{self, Catalogue, TypeId, decode};
use crate::status::Failure;
use crate::value::{Value, object};
use crate::world::World;
use crate::world::indexes::{CompiledPolicy, Mutation, PatchType};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

/// An object on its way through the mutations of a policy.
pub(super) struct Mutating<'a> {
    pub(super) world: &'a World,
    pub(super) attributes: &'a AdmissionAttributes<'a>,
    /// The resource in the version that the policy sees. Both objects are in it; Null for none.
    pub(super) resource: &'a Kind,
    /// What mutations are told of the request, and what conditions are told.
    pub(super) requests: &'a [Value; 2],
    pub(super) namespace: &'a Value,
    pub(super) authorizer: &'a AuthorizerVariables,
    pub(super) params: &'a Value,
    pub(super) object: Value,
    pub(super) old_object: Value,
}

/// Why a mutation is not made.
#[derive(Debug)]
pub(super) enum Unmutated {
    /// Whether the write is refused for it, the policy says.
    Failed(String),
    /// The write is refused.
    Refused(Box<Failure>),
}

impl From<String> for Unmutated {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

impl From<Failure> for Unmutated {
    fn from(failure: Failure) -> Self {
        Self::Refused(Box::new(failure))
    }
}

impl Mutating<'_> {
    /// Whether the policy is asked at all.
    ///
    /// # Errors
    /// That cannot be told.
    pub(super) fn is_met(
        &self,
        policy: &CompiledPolicy,
        ignores_failures: bool,
        decisions: &mut dyn Decisions,
    ) -> Result<bool, String> {
        if policy.conditions.is_empty() {
            return Ok(true);
        }
        let [_, of_conditions] = self.requests;
        let activation = Activation { namespace: &Value::Null, ..self.activation(of_conditions) };
        match policy.conditions.met(activation, Some(&policy.composition), decisions, ignores_failures) {
            ConditionsMet::Yes => Ok(true),
            ConditionsMet::No => Ok(false),
            ConditionsMet::Failed(why) => Err(why),
        }
    }

    fn activation<'v>(&'v self, request: &'v Value) -> Activation<'v> {
        Activation {
            object: &self.object,
            old_object: &self.old_object,
            request,
            namespace: self.namespace,
            params: self.params,
            authorizer: Some(self.authorizer),
        }
    }

    fn type_of(&self) -> Result<(&Catalogue, TypeId), Failure> {
        let found = versioned::type_of(self.world, self.attributes, self.resource);
        found.ok_or_else(|| Failure::service_unavailable(
            "Resource kind not found. There can be a delay between when CustomResourceDefinitions are created and \
             when they are available.",
        ))
    }

    /// Makes a mutation.
    ///
    /// # Errors
    /// The object stays as it was.
    pub(super) fn mutate(
        &mut self,
        policy: &CompiledPolicy,
        mutation: &Mutation,
        decisions: &mut dyn Decisions,
    ) -> Result<(), Unmutated> {
        let found = self.evaluated(policy, &mutation.expression, decisions)?;
        let object = match mutation.patch_type {
            PatchType::ApplyConfiguration => self.applied(&found)?,
            PatchType::JsonPatch => self.patched(&found)?,
        };
        let Some(mut object) = object else { return Ok(()) };
        versioned::set_defaults(self.attributes, self.resource, &mut object);
        self.object = object;
        Ok(())
    }

    fn evaluated(
        &self,
        policy: &CompiledPolicy,
        expression: &Expression,
        decisions: &mut dyn Decisions,
    ) -> Result<CelValue, Unmutated> {
        if let Some(why) = expression.error() {
            return Err(Unmutated::Failed(why.into()));
        }
        let [request, _] = self.requests;
        let mut evaluations = Evaluations::new(
            self.activation(request),
            Some(&policy.composition),
            decisions,
            limits::CEL_POLICY_COST,
        );
        match evaluations.eval(expression) {
            Ok(result) => Ok(result?),
            Err(OutOfBudget) => Err(Unmutated::Failed(OutOfBudget::MESSAGE.into())),
        }
    }

    /// The object with a configuration merged into it; None if nothing changes.
    fn applied(&self, configuration: &CelValue) -> Result<Option<Value>, Unmutated> {
        check_type_names(configuration)?;
        let configuration = configuration.to_data();
        let mut configuration =
            configuration.ok_or_else(|| String::from("invalid return type: *dynamic.ObjectVal"))?;
        let (api_version, kind) = (object::api_version(&self.object), object::kind(&self.object));
        object::set_api_version_and_kind(&mut configuration, api_version, kind);
        let (catalogue, type_id) = self.type_of()?;
        let merged = ownership::mutated(catalogue, type_id, &self.object, &configuration)
            .map_err(|why| format!("error applying patch: {why}"))?;
        if merged == self.object {
            return Ok(None);
        }
        let value = schema::from_unstructured(catalogue, type_id, merged, &self.object)?;
        let parsed = Parsed { value, duplicates: Duplicates::NONE };
        let decoded = decode::decode(catalogue, type_id, parsed).map_err(|error| error.0)?;
        Ok(Some(decoded.value))
    }

    /// The object after all operations; None if one that tests something has failed.
    fn patched(&self, operations: &CelValue) -> Result<Option<Value>, Unmutated> {
        let unmarshalable = "JSONPath valueExpression evaluated to a type that could not marshal to JSON";
        for operation in operations.elements().unwrap_or_default() {
            if let CelValue::Object(operation) = operation
                && let Some(value) = operation.field("value")
            {
                check_type_names(value)?;
            }
        }
        let operations = operations.to_data().ok_or_else(|| String::from(unmarshalable))?;
        let patched = match json_patch::apply(self.object.clone(), &operations, false) {
            Ok(patched) => patched,
            Err(error) if error.is_failed_test() => return Ok(None),
            Err(
                PatchError::Malformed(why)
                | PatchError::Inapplicable(why)
                | PatchError::TooLarge(why)
                | PatchError::Other(why),
            ) => return Err(Unmutated::Failed(format!("JSON Patch: {why}"))),
        };
        let parsed = Parsed { value: patched, duplicates: Duplicates::NONE };
        let (catalogue, type_id) = self.type_of()?;
        let decoded =
            decode::decode(catalogue, type_id, parsed).map_err(|error| Failure::internal(error.0))?;
        if !self.resource.is_custom() && !decoded.strict_errors.is_empty() {
            let why = StrictError::sentence(&decoded.strict_errors);
            return Err(Failure::internal(why.to_string()).into());
        }
        Ok(Some(decoded.value))
    }
}

/// Objects that an expression makes have types that are named after their fields.
fn check_type_names(value: &CelValue) -> Result<(), String> {
    let CelValue::Object(object) = value else { return Ok(()) };
    object.check_type_names().map_err(|problems| format!("type mismatch: {}", problems.join("\n")))
}
