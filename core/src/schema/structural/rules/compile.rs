//! From rules to programs.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/compilation.go

use crate::cel::{CelType, CompileError, DeclType, Env, Program};
use crate::schema::structural::field_path::FieldPath;
use crate::schema::structural::{Structural, ValidationRule};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The name of the type of the values that rules are about, which no rule can rely on.
const SELF_TYPE: &str = "selfType1";

/// What came of a rule.
#[derive(Clone, Debug, Default)]
pub struct CompiledRule {
    /// None for an empty rule, and for one that is wrong.
    pub program: Option<Program>,
    /// What is wrong with it.
    pub error: Option<String>,
    pub uses_old_self: bool,
    /// What an evaluation costs at most, by the sizes that the schema allows.
    pub max_cost: u64,
    /// How many values of the schema a request can hold at most.
    pub max_cardinality: u64,
    /// The expression of the message.
    pub message: Option<Program>,
    pub message_error: Option<String>,
    pub message_max_cost: u64,
    /// The field that errors name, from the value; empty for the value itself.
    pub field_path: String,
}

/// Compiles the rules of a schema, whose values are of this type.
pub fn compile(schema: &Structural, declared: &DeclType) -> Vec<CompiledRule> {
    let of = declared.cel_type();
    let env = Env::new().with_decl(declared).with_variable("self", of.clone());
    let plain = env.clone().with_variable("oldSelf", of.clone());
    let optional = env.with_variable("oldSelf", CelType::optional(of.clone()));
    let compiled = schema.rules.iter().map(|rule| {
        let env = if rule.optional_old_self == Some(true) { &optional } else { &plain };
        compile_rule(rule, schema, declared, env)
    });
    compiled.collect()
}

impl Structural {
    /// The type of the values of a schema for its rules; None where expressions cannot see them.
    pub fn self_type(values: &crate::cel::ValueSchema) -> Option<DeclType> {
        DeclType::of(values, SELF_TYPE)
    }
}

fn compile_rule(rule: &ValidationRule, schema: &Structural, declared: &DeclType, env: &Env) -> CompiledRule {
    let mut compiled = CompiledRule::default();
    if rule.rule.trim().is_empty() {
        return compiled;
    }
    let (program, cost) = match env.compile_sized(&rule.rule, declared) {
        Ok(found) => found,
        Err(error) => {
            compiled.error = Some(refusal(&error, "compilation failed", "program instantiation failed"));
            return compiled;
        }
    };
    if *program.result_type() != CelType::Bool {
        compiled.error = Some("cel expression must evaluate to a bool".into());
        return compiled;
    }
    compiled.uses_old_self = program.uses("oldSelf");
    compiled.max_cost = cost.max;
    compiled.max_cardinality = declared.max_cardinality();
    compiled.program = Some(program);
    if !rule.message_expression.is_empty() {
        match env.compile_sized(&rule.message_expression, declared) {
            Err(error) => {
                let instantiation = "messageExpression instantiation failed";
                compiled.message_error =
                    Some(refusal(&error, "messageExpression compilation failed", instantiation));
            }
            Ok((program, _)) if *program.result_type() != CelType::Str => {
                compiled.message_error = Some("messageExpression must evaluate to a string".into());
            }
            Ok((program, cost)) => {
                compiled.message_max_cost = cost.max;
                compiled.message = Some(program);
            }
        }
    }
    if !rule.field_path.is_empty()
        && let Ok(path) = FieldPath::follow(&rule.field_path, schema, true)
    {
        compiled.field_path = path.text;
    }
    compiled
}

fn refusal(error: &CompileError, compilation: &str, instantiation: &str) -> String {
    let what = match error {
        CompileError::Issues(_) => compilation,
        CompileError::Constant(_) => instantiation,
    };
    format!("{what}: {error}")
}
