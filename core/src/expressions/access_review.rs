//! The conditions under which a webhook authorizer is asked, on the specification of the review that it would get.
//! k8s: staging/src/k8s.io/apiserver/pkg/authorization/cel

use super::admission::{extra, texts, with_fields};
use super::expression::Expression;
use crate::cel::{CelType, CelValue, Env};
use crate::limits;
use crate::value::Value;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

/// Compiles a condition on a review.
pub fn compile_review_condition(text: &str) -> Expression {
    static ENV: OnceBox<Env> = OnceBox::new();
    Expression::compile(ENV.get_or_init(|| Box::new(env())), text, &[CelType::Bool])
}

fn env() -> Env {
    let text = || CelType::Str;
    let object = |name: &str| CelType::Object(name.into());
    let requirement = [("key", text()), ("operator", text()), ("values", texts())];
    let mut env = with_fields(Env::new(), "kubernetes.SelectorRequirement", &requirement);
    for selector in ["kubernetes.FieldSelectorAttributes", "kubernetes.LabelSelectorAttributes"] {
        let requirements = CelType::list(object("kubernetes.SelectorRequirement"));
        env = with_fields(env, selector, &[("rawSelector", text()), ("requirements", requirements)]);
    }
    let resource = [
        ("namespace", text()),
        ("verb", text()),
        ("group", text()),
        ("version", text()),
        ("resource", text()),
        ("subresource", text()),
        ("name", text()),
        ("fieldSelector", object("kubernetes.FieldSelectorAttributes")),
        ("labelSelector", object("kubernetes.LabelSelectorAttributes")),
    ];
    let env = with_fields(env, "kubernetes.ResourceAttributes", &resource);
    let path = [("path", text()), ("verb", text())];
    let env = with_fields(env, "kubernetes.NonResourceAttributes", &path);
    let spec = [
        ("resourceAttributes", object("kubernetes.ResourceAttributes")),
        ("nonResourceAttributes", object("kubernetes.NonResourceAttributes")),
        ("user", text()),
        ("groups", texts()),
        ("extra", extra()),
        ("uid", text()),
    ];
    with_fields(env, "kubernetes.SubjectAccessReviewSpec", &spec)
        .with_variable("request", object("kubernetes.SubjectAccessReviewSpec"))
}

/// The conditions of an authorizer, compiled. A clone shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewConditions(Arc<[Expression]>);

impl ReviewConditions {
    /// # Errors
    /// The text that cannot be compiled, and why.
    pub fn compile<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Self, (String, String)> {
        let compiled: Vec<Expression> = texts.into_iter().map(compile_review_condition).collect();
        for expression in &compiled {
            if let Some(why) = expression.error() {
                return Err((expression.text().into(), why.into()));
            }
        }
        Ok(Self(compiled.into()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The texts of all, in their order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Expression::text)
    }

    /// Whether all of them hold for a review with this specification, which has every field of the user and the
    /// resource, empty ones too. One that does not hold decides, whatever came of those before it.
    ///
    /// # Errors
    /// What went wrong with those that have no result.
    pub fn hold(&self, spec: &Value) -> Result<bool, String> {
        let mut errors: Vec<String> = Vec::new();
        for expression in self.0.iter() {
            let request = |name: &str| (name == "request").then(|| CelValue::from(spec));
            let result = match expression.program() {
                Ok(program) => {
                    program.eval(&request, limits::CEL_CALL_COST).value.map_err(|why| why.to_string())
                }
                Err(why) => Err(why.into()),
            };
            match result {
                Ok(CelValue::Bool(true)) => {}
                Ok(CelValue::Bool(false)) => return Ok(false),
                // The type of the result was checked.
                Ok(other) => errors.push(wrong(expression, other.type_name())),
                Err(why) => errors.push(format!(
                    "cel evaluation error: expression '{}' resulted in error: {why}",
                    expression.text()
                )),
            }
        }
        if errors.is_empty() { Ok(true) } else { Err(aggregate(&errors)) }
    }
}

fn wrong(expression: &Expression, found: &str) -> String {
    let text = expression.text();
    format!("cel evaluation error: expression '{text}' eval result type should be bool but got {found}")
}

/// Several errors as one text, each once.
/// k8s: staging/src/k8s.io/apimachinery/pkg/util/errors/errors.go aggregate.Error
pub(super) fn aggregate(errors: &[String]) -> String {
    match errors {
        [] => String::new(),
        [one] => one.clone(),
        several => {
            let mut seen: Vec<&str> = Vec::new();
            for error in several {
                if !seen.contains(&error.as_str()) {
                    seen.push(error);
                }
            }
            match seen.as_slice() {
                [one] => (*one).into(),
                seen => format!("[{}]", seen.join(", ")),
            }
        }
    }
}
