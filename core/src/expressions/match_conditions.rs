//! The conditions under which a policy or a webhook is asked about a request.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go

use super::access_review::aggregate;
use super::activation::{Activation, Decisions, Evaluations, OutOfBudget};
use super::{Composition, Expression};
use crate::cel::{CelType, CelValue, Env};
use crate::limits;
use crate::value::Value;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Compiled conditions. A clone shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchConditions(Arc<[Expression]>);

/// Whether the conditions hold for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionsMet {
    Yes,
    /// One of them does not, or one has no result and failures are ignored.
    No,
    /// Why some of them have no result.
    Failed(String),
}

impl MatchConditions {
    /// Compiles conditions that can name what the environment has.
    pub fn compile(conditions: Option<&Value>, env: &Env) -> Self {
        let listed = conditions.and_then(Value::as_list).unwrap_or_default();
        let text = |condition: &Value| {
            Expression::compile(env, condition.text_at(&["expression"]), &[CelType::Bool])
        };
        Self(listed.iter().map(text).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Asks the conditions. One that is false decides, whatever came of the others. Of a policy, `composition` has the
    /// variables.
    pub fn met(
        &self,
        activation: Activation<'_>,
        composition: Option<&Composition>,
        decisions: &mut dyn Decisions,
        ignores_failures: bool,
    ) -> ConditionsMet {
        let failed =
            |why: String| if ignores_failures { ConditionsMet::No } else { ConditionsMet::Failed(why) };
        let mut evaluations = Evaluations::new(activation, composition, decisions, limits::CEL_MATCH_COST);
        let mut results = Vec::with_capacity(self.0.len());
        for condition in self.0.iter() {
            match evaluations.eval(condition) {
                Ok(result) => results.push(result),
                Err(OutOfBudget) => return failed(OutOfBudget::MESSAGE.into()),
            }
        }
        if results.iter().any(|result| matches!(result, Ok(CelValue::Bool(false)))) {
            return ConditionsMet::No;
        }
        let errors: Vec<String> = results.into_iter().filter_map(Result::err).collect();
        if errors.is_empty() { ConditionsMet::Yes } else { failed(aggregate(&errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::activation::NobodyDecides;
    use super::super::{Declared, admission_env};
    use super::*;
    use crate::codec::json;

    #[test]
    fn a_false_condition_decides_before_one_that_fails() {
        let object = json::parse(br#"{"a":1}"#).expect("JSON").value;
        let null = Value::Null;
        let activation = Activation {
            object: &object,
            old_object: &null,
            request: &null,
            namespace: &null,
            params: &null,
            authorizer: None,
        };
        let failing = "expression 'object.b == 1' resulted in error: no such key: b";
        let cases: &[(&[&str], bool, ConditionsMet)] = &[
            (&[], false, ConditionsMet::Yes),
            (&["object.a == 1", "true"], false, ConditionsMet::Yes),
            (&["object.a == 1", "false"], false, ConditionsMet::No),
            (&["object.b == 1", "false"], false, ConditionsMet::No),
            (&["object.b == 1", "true"], false, ConditionsMet::Failed(failing.into())),
            (&["object.b == 1", "object.b == 1"], false, ConditionsMet::Failed(failing.into())),
            (&["object.b == 1", "true"], true, ConditionsMet::No),
        ];
        let env = admission_env(Declared { authorizer: true, ..Declared::default() });
        for (texts, ignores, wanted) in cases {
            let condition = |text: &&str| {
                let mut condition = Value::empty_map();
                condition.set("expression", (*text).into());
                condition
            };
            let listed = Value::list(texts.iter().map(condition).collect());
            let conditions = MatchConditions::compile(Some(&listed), &env);
            assert_eq!(conditions.met(activation, None, &mut NobodyDecides, *ignores), *wanted, "{texts:?}");
        }
    }
}
