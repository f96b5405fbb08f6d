//! The expressions of a policy, compiled. One that cannot be compiled is kept, and fails when it is asked.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/{validating/plugin,mutating/compilation}.go

use crate::cel::CelType;
use crate::expressions::{Composition, Declared, Expression, MatchConditions};
use crate::value::{Text, Value};
use alloc::vec::Vec;

/// What a policy says.
#[derive(Debug)]
pub(crate) struct CompiledPolicy {
    /// Its variables.
    pub(crate) composition: Composition,
    pub(crate) conditions: MatchConditions,
    pub(crate) validations: Vec<Validation>,
    pub(crate) audit_annotations: Vec<Expression>,
    pub(crate) mutations: Vec<Mutation>,
}

/// What has to be true of a request.
#[derive(Debug)]
pub(crate) struct Validation {
    pub(crate) expression: Expression,
    /// Empty for none.
    pub(crate) message: Text,
    pub(crate) message_expression: Option<Expression>,
    /// Upstream's word; empty for `Invalid`.
    pub(crate) reason: Text,
}

/// How an object is changed.
#[derive(Debug)]
pub(crate) struct Mutation {
    pub(crate) patch_type: PatchType,
    pub(crate) expression: Expression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchType {
    ApplyConfiguration,
    JsonPatch,
}

fn items<'v>(spec: &'v Value, field: &str) -> &'v [Value] {
    spec.field(field).and_then(Value::as_list).unwrap_or_default()
}

impl CompiledPolicy {
    pub(super) fn of(spec: &Value) -> Self {
        let declared =
            Declared { params: spec.field("paramKind").is_some(), authorizer: true, patches: false };
        let mut composition = Composition::new(declared);
        for variable in items(spec, "variables") {
            // What is wrong with it is told to the expressions that use it.
            composition.add(variable.text_at(&["name"]), variable.text_at(&["expression"]));
        }
        let env = composition.env(declared);
        let message_env = composition.env(Declared { authorizer: false, ..declared });
        let patch_env = composition.env(Declared { patches: true, ..declared });
        let validation = |validation: &Value| {
            let message = validation.text_at(&["messageExpression"]);
            Validation {
                expression: Expression::compile(&env, validation.text_at(&["expression"]), &[CelType::Bool]),
                message: validation.text_at(&["message"]).into(),
                message_expression: (!message.is_empty())
                    .then(|| Expression::compile(&message_env, message, &[CelType::Str])),
                reason: validation.text_at(&["reason"]).into(),
            }
        };
        let text_or_null = [CelType::Str, CelType::Null];
        let annotation = |annotation: &Value| {
            Expression::compile(&env, annotation.text_at(&["valueExpression"]), &text_or_null)
        };
        let mutation = |mutation: &Value| {
            let (patch_type, text, result) = match mutation.text_at(&["patchType"]) {
                "ApplyConfiguration" => (
                    PatchType::ApplyConfiguration,
                    mutation.text_at(&["applyConfiguration", "expression"]),
                    CelType::Object("Object".into()),
                ),
                "JSONPatch" => (
                    PatchType::JsonPatch,
                    mutation.text_at(&["jsonPatch", "expression"]),
                    CelType::list(CelType::Object("JSONPatch".into())),
                ),
                _ => return None,
            };
            Some(Mutation { patch_type, expression: Expression::compile(&patch_env, text, &[result]) })
        };
        Self {
            conditions: MatchConditions::compile(spec.field("matchConditions"), &env),
            validations: items(spec, "validations").iter().map(validation).collect(),
            audit_annotations: items(spec, "auditAnnotations").iter().map(annotation).collect(),
            mutations: items(spec, "mutations").iter().filter_map(mutation).collect(),
            composition,
        }
    }
}
