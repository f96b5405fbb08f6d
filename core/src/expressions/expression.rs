//! A compiled expression with its text.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/compile.go

use crate::cel::{CelType, CompileError, Env, Program};
use crate::value::Text;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// An expression, and what can be evaluated of it. One that cannot be compiled is kept too, since whoever needs its
/// result has to be told. Two are equal if they have the same text.
#[derive(Clone, Debug)]
pub struct Expression {
    text: Text,
    compiled: Result<Program, Text>,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl Expression {
    /// Compiles an expression whose result has to be of one of these types; any will do if there are none.
    pub fn compile(env: &Env, text: &str, results: &[CelType]) -> Self {
        Self { text: text.into(), compiled: compile(env, text, results).map_err(Text::from) }
    }

    /// Compiles an expression whose result has to be of this type, for those who are not told of which it is instead.
    pub(super) fn compile_to(env: &Env, text: &str, result: &CelType) -> Self {
        let compiled = compile(env, text, &[]).and_then(|program| match program.result_type() == result {
            true => Ok(program),
            false => Err(format!("must evaluate to {}", declared_name(result))),
        });
        Self { text: text.into(), compiled: compiled.map_err(Text::from) }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// # Errors
    /// Why it cannot be evaluated.
    pub fn program(&self) -> Result<&Program, &str> {
        self.compiled.as_ref().map_err(Text::as_str)
    }

    /// Why it cannot be evaluated.
    pub fn error(&self) -> Option<&str> {
        self.program().err()
    }
}

fn compile(env: &Env, text: &str, results: &[CelType]) -> Result<Program, String> {
    let program = env.compile(text).map_err(|error| match error {
        CompileError::Issues(issues) => format!("compilation failed: {issues}"),
        CompileError::Constant(why) => format!("program instantiation failed: {why}"),
    })?;
    let found = program.result_type();
    if results.is_empty() || results.contains(found) {
        return Ok(program);
    }
    let found = declared_name(found);
    let names: Vec<String> = results.iter().map(declared_name).collect();
    Err(match names.as_slice() {
        [name] => format!("must evaluate to {name} but got {found}"),
        names => format!("must evaluate to one of [{}] but got {found}", names.join(" ")),
    })
}

/// The name of a type as its values have it, which differs for some types from what issues call them.
/// cel-go: common/types/types.go DeclaredTypeName
pub fn declared_name(of: &CelType) -> String {
    match of {
        CelType::Null => "null_type".into(),
        CelType::Timestamp => "google.protobuf.Timestamp".into(),
        CelType::Duration => "google.protobuf.Duration".into(),
        CelType::List(element) => format!("list({})", declared_name(element)),
        CelType::Map(key, value) => format!("map({}, {})", declared_name(key), declared_name(value)),
        CelType::Opaque(name, parts) if !parts.is_empty() => {
            let parts: Vec<String> = parts.iter().map(declared_name).collect();
            format!("{name}({})", parts.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_of_the_types_that_are_asked_for() {
        let env = Env::new().with_variable("any", CelType::Dyn);
        let text_or_null = [CelType::Str, CelType::Null];
        let cases: &[(&str, &[CelType], &str)] = &[
            ("true", &[CelType::Bool], ""),
            ("any", &[], ""),
            ("any", &[CelType::Bool], "must evaluate to bool but got dyn"),
            ("null", &[CelType::Str], "must evaluate to string but got null_type"),
            ("[1]", &text_or_null, "must evaluate to one of [string null_type] but got list(int)"),
            ("timestamp(0)", &[CelType::Bool], "must evaluate to bool but got google.protobuf.Timestamp"),
            (
                "nope",
                &[CelType::Bool],
                "compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^",
            ),
        ];
        for (text, results, error) in cases {
            let compiled = Expression::compile(&env, text, results);
            assert_eq!(compiled.error().unwrap_or_default(), *error, "{text}");
        }
    }
}
