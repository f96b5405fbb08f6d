//! The evaluation of expressions on a request, with the variables of their policy.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/{activation,condition,composition}.go

use super::{Composition, Expression};
use crate::cel::{AccessCheck, AccessRuling, CelValue, EvalError, Evaluated, Program, Variables};
use crate::limits;
use crate::value::{Text, Value, quoted};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What expressions see of a request. What there is none of is Null.
#[derive(Clone, Copy, Debug)]
pub struct Activation<'a> {
    /// Both objects are in the version in which the request was matched.
    pub object: &'a Value,
    pub old_object: &'a Value,
    /// As `admission.k8s.io/v1 AdmissionRequest`, without the objects.
    pub request: &'a Value,
    pub namespace: &'a Value,
    pub params: &'a Value,
    /// None where expressions cannot ask the authorizers.
    pub authorizer: Option<&'a AuthorizerVariables>,
}

/// The variables with which expressions ask the authorizers.
#[derive(Clone, Debug)]
pub struct AuthorizerVariables {
    pub authorizer: CelValue,
    pub request_resource: CelValue,
}

/// Who answers what expressions ask the authorizers.
pub trait Decisions {
    /// None if that has to be asked first. The result of the evaluation counts for nothing then.
    fn decide(&mut self, check: &AccessCheck) -> Option<AccessRuling>;
}

/// The expressions have cost more than they may together, and none is evaluated any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBudget;

impl OutOfBudget {
    pub const MESSAGE: &str =
        "validation failed due to running out of cost budget, no further validation rules will be run";
}

/// Evaluations of several expressions that share their variables and a budget.
pub struct Evaluations<'a> {
    composed: Composed<'a>,
    left: u64,
}

impl<'a> Evaluations<'a> {
    /// `budget` is what all may cost together.
    pub fn new(
        activation: Activation<'a>,
        composition: Option<&'a Composition>,
        decisions: &'a mut dyn Decisions,
        budget: u64,
    ) -> Self {
        let composed = Composed {
            activation,
            composition,
            decisions,
            found: BTreeMap::new(),
            under_way: Vec::new(),
            missing: None,
            spent: 0,
            depth: 0,
        };
        Self { composed, left: budget }
    }

    /// What of the budget is left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The result of an expression, or why it has none.
    ///
    /// # Errors
    /// The budget was not enough.
    pub fn eval(&mut self, expression: &Expression) -> Result<Result<CelValue, String>, OutOfBudget> {
        let program = match expression.program() {
            Ok(program) => program,
            Err(why) => return Ok(Err(format!("compilation error: {why}"))),
        };
        let Evaluated { value, left } = self.composed.run(program);
        let spent = core::mem::take(&mut self.composed.spent);
        let cost = limits::CEL_CALL_COST.saturating_sub(left).saturating_add(spent);
        self.left = self.left.checked_sub(cost).ok_or(OutOfBudget)?;
        Ok(value.map_err(|why| format!("expression '{}' resulted in error: {why}", expression.text())))
    }
}

/// The variables of a policy, each evaluated when it is first asked for.
///
/// An evaluation that asks for one is nested in the other, up to `limits::CEL_NESTED_VARIABLES`. Beyond, the evaluation
/// is given up; the variable is evaluated alone, and then the evaluation begins anew.
struct Composed<'a> {
    activation: Activation<'a>,
    composition: Option<&'a Composition>,
    decisions: &'a mut dyn Decisions,
    found: BTreeMap<Text, Result<CelValue, EvalError>>,
    /// Those whose evaluation has begun.
    under_way: Vec<Text>,
    /// The one that has to be evaluated first.
    missing: Option<Text>,
    /// What the variables have cost.
    spent: u64,
    /// How many evaluations are nested.
    depth: usize,
}

impl Variables for Composed<'_> {
    fn variable(&mut self, name: &str) -> Option<CelValue> {
        let activation = &self.activation;
        Some(CelValue::from(match name {
            "object" => activation.object,
            "oldObject" => activation.old_object,
            "request" => activation.request,
            "namespaceObject" => activation.namespace,
            "params" => activation.params,
            "authorizer" => return activation.authorizer.map(|held| held.authorizer.clone()),
            "authorizer.requestResource" => {
                return activation.authorizer.map(|held| held.request_resource.clone());
            }
            _ => return None,
        }))
    }

    fn member(&mut self, variable: &str, member: &str) -> Option<Result<CelValue, EvalError>> {
        (variable == "variables").then(|| self.composed(member))
    }

    fn decide(&mut self, check: &AccessCheck) -> Option<AccessRuling> {
        self.decisions.decide(check)
    }
}

impl Composed<'_> {
    /// Evaluates an expression that nothing else waits for.
    fn run(&mut self, program: &Program) -> Evaluated {
        let mut wasted = 0_u64;
        loop {
            self.depth = 1;
            let evaluated = program.eval_with(self, limits::CEL_CALL_COST);
            let Some(missing) = self.missing.take() else { return evaluated };
            wasted = wasted.saturating_add(limits::CEL_CALL_COST.saturating_sub(evaluated.left));
            wasted = wasted.saturating_add(self.settle(missing));
            if wasted > limits::CEL_CALL_COST {
                let value = Err(EvalError::cost_exceeded());
                return Evaluated { value, left: 0 };
            }
        }
    }

    /// Evaluates a variable, and before it those that would nest too deeply in it. Returns what was spent in vain,
    /// which is bounded, so that what is given up costs no more than what is evaluated.
    fn settle(&mut self, name: Text) -> u64 {
        let (mut waiting, mut wasted) = (alloc::vec![name], 0_u64);
        while let Some(name) = waiting.last().cloned() {
            self.depth = 0;
            let before = self.spent;
            let found = self.evaluated(&name);
            let found = match self.missing.take() {
                Some(missing) if wasted <= limits::CEL_CALL_COST && !waiting.contains(&missing) => {
                    wasted = wasted.saturating_add(self.spent.saturating_sub(before)).saturating_add(1);
                    waiting.push(missing);
                    continue;
                }
                Some(_) => Err(EvalError::cost_exceeded()),
                None => found,
            };
            self.found.insert(name, found);
            waiting.pop();
        }
        wasted
    }

    fn composed(&mut self, name: &str) -> Result<CelValue, EvalError> {
        if let Some(found) = self.found.get(name) {
            return found.clone();
        }
        let found = self.evaluated(name);
        if self.missing.is_none() {
            self.found.insert(name.into(), found.clone());
        }
        found
    }

    /// The value of a variable. If it cannot be evaluated at this depth, `missing` is set.
    fn evaluated(&mut self, name: &str) -> Result<CelValue, EvalError> {
        let variable = self.composition.and_then(|composition| composition.variable(name));
        let variable = variable.ok_or_else(|| EvalError::new(format!("no such key: {name}")))?;
        let shown = quoted(name);
        let program = variable
            .program()
            .map_err(|why| EvalError::new(format!("composited variable {shown} fails to compile: {why}")))?;
        // One that takes the place of an earlier one of its name sees itself.
        if self.under_way.iter().any(|held| held == name) {
            return Err(EvalError::new(format!("composited variable {shown} refers to itself")));
        }
        let depth = self.depth;
        if self.missing.is_some() || depth >= limits::CEL_NESTED_VARIABLES {
            self.missing.get_or_insert_with(|| name.into());
            return Err(EvalError::new("it is evaluated first"));
        }
        self.depth = depth + 1;
        self.under_way.push(name.into());
        let Evaluated { value, left } = program.eval_with(self, limits::CEL_CALL_COST);
        self.under_way.pop();
        self.depth = depth;
        self.spent = self.spent.saturating_add(limits::CEL_CALL_COST.saturating_sub(left));
        value.map_err(|why| EvalError::new(format!("composited variable {shown} fails to evaluate: {why}")))
    }
}

/// Nobody decides.
#[cfg(test)]
pub(super) struct NobodyDecides;

#[cfg(test)]
impl Decisions for NobodyDecides {
    fn decide(&mut self, _check: &AccessCheck) -> Option<AccessRuling> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Declared, admission_env};
    use super::*;
    use crate::codec::json;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).expect("JSON").value
    }

    /// What an expression on an object results in, with variables that are evaluated before it.
    fn result(variables: &[(&str, &str)], expression: &str, budget: u64) -> String {
        let declared = Declared::default();
        let mut composition = Composition::new(declared);
        for (name, text) in variables {
            composition.add(name, text);
        }
        let mut decisions = NobodyDecides;
        let (object, null) = (value(r#"{"n":3,"s":"x"}"#), Value::Null);
        let activation = Activation {
            object: &object,
            old_object: &null,
            request: &null,
            namespace: &null,
            params: &null,
            authorizer: None,
        };
        let expression = Expression::compile(&composition.env(declared), expression, &[]);
        let mut evaluations = Evaluations::new(activation, Some(&composition), &mut decisions, budget);
        match evaluations.eval(&expression) {
            Ok(Ok(value)) => format!("{:?}", value.to_data()),
            Ok(Err(why)) => why,
            Err(OutOfBudget) => "out of budget".into(),
        }
    }

    #[test]
    fn variables_are_evaluated_when_they_are_asked_for() {
        type Variables = [(&'static str, &'static str)];
        let cases: &[(&Variables, &str, &str)] = &[
            (&[], "object.n", "Some(Int(3))"),
            (
                &[("a", "object.n + 1"), ("b", "variables.a * 2")],
                "variables.b + variables.a",
                "Some(Int(12))",
            ),
            (&[("bad", "1 / 0"), ("a", "2")], "variables.a", "Some(Int(2))"),
            (
                &[("bad", "object.n / 0")],
                "variables.bad == 1",
                "expression 'variables.bad == 1' resulted in error: composited variable \"bad\" fails to evaluate: division by zero",
            ),
            (&[("bad", "object.n / 0")], "variables.bad == 1 || true", "Some(Bool(true))"),
            (
                &[("bad", "nope")],
                "variables.bad == 1",
                "expression 'variables.bad == 1' resulted in error: composited variable \"bad\" fails to compile: compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^",
            ),
            (
                &[("a", "1"), ("a", "variables.a + 1")],
                "variables.a == 2",
                "expression 'variables.a == 2' resulted in error: composited variable \"a\" fails to evaluate: composited variable \"a\" refers to itself",
            ),
            (&[("a", "1")], "has(variables.a)", "Some(Bool(true))"),
        ];
        for (variables, expression, wanted) in cases {
            assert_eq!(result(variables, expression, limits::CEL_POLICY_COST), *wanted, "{expression}");
        }
    }

    #[test]
    fn a_long_chain_of_variables_takes_little_of_the_stack() {
        let names: Vec<String> = (0..3_000).map(|at| format!("v{at}")).collect();
        let texts: Vec<String> = (0..3_000_usize)
            .map(|at| at.checked_sub(1).map_or("1".into(), |before| format!("variables.v{before} + 1")))
            .collect();
        // The environment of each is that of all before it, which takes long to make: so they are added in parts.
        let chain: Vec<(&str, &str)> =
            names.iter().zip(&texts).map(|(name, text)| (name.as_str(), text.as_str())).take(600).collect();
        assert_eq!(result(&chain, "variables.v599", limits::CEL_POLICY_COST), "Some(Int(600))");
    }

    #[test]
    fn what_variables_cost_counts_for_the_expression_that_asks_first() {
        let variables = &[("a", "[1, 2, 3, 4].all(x, x > 0)")];
        assert_eq!(result(variables, "variables.a && variables.a", 10), "out of budget");
        assert_eq!(result(variables, "true || variables.a", 10), "Some(Bool(true))");
        let env = admission_env(Declared::default());
        assert!(Expression::compile(&env, "variables.a", &[]).error().is_some());
    }
}
