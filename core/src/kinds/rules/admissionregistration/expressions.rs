//! The expressions of a policy, compiled while it is validated.
//! k8s: pkg/apis/admissionregistration/validation/validation.go createCompiler, validateCELCondition

use crate::cel::CelType;
use crate::expressions::{Composition, Declared, Expression, admission_env};
use crate::kinds::validation::{Errors, Located};
use crate::value::Text;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// What the expressions of a policy can name.
pub(super) struct PolicyExpressions {
    has_params: bool,
    /// None for a policy that has no variables and cannot name any.
    composition: Option<Composition>,
}

/// What an expression results in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Validation,
    /// It cannot ask what the caller may do.
    Message,
    AuditAnnotation,
    ApplyConfiguration,
    JsonPatch,
}

impl Purpose {
    /// The types of its result.
    fn results(self) -> Vec<CelType> {
        let object = |name: &str| CelType::Object(name.into());
        match self {
            Self::Validation => vec![CelType::Bool],
            Self::Message => vec![CelType::Str],
            Self::AuditAnnotation => vec![CelType::Str, CelType::Null],
            Self::ApplyConfiguration => vec![object("Object")],
            Self::JsonPatch => vec![CelType::list(object("JSONPatch"))],
        }
    }
}

impl PolicyExpressions {
    pub(super) fn of(spec: &Located<'_, '_>, composes: bool) -> Self {
        let has_params = spec.member("paramKind").is_set();
        let declared = Declared { params: has_params, authorizer: true, patches: false };
        Self { has_params, composition: composes.then(|| Composition::new(declared)) }
    }

    /// Whether the match conditions can name a parameter.
    pub(super) fn has_params(&self) -> bool {
        self.has_params
    }

    /// Adds a variable, and says what is wrong with it.
    pub(super) fn variable(&mut self, name: &str, text: &str) -> Option<Text> {
        self.composition.as_mut().and_then(|composition| composition.add(name, text))
    }

    /// What is wrong with an expression.
    pub(super) fn problem(&self, text: &str, purpose: Purpose) -> Option<String> {
        let patches = matches!(purpose, Purpose::ApplyConfiguration | Purpose::JsonPatch);
        let authorizer = purpose != Purpose::Message;
        let declared = Declared { params: self.has_params, authorizer, patches };
        let env = match &self.composition {
            Some(composition) => composition.env(declared),
            None => admission_env(declared),
        };
        let compiled = Expression::compile(&env, text, &purpose.results());
        compiled.error().map(String::from)
    }

    /// Tells what is wrong with an expression, shown as it is.
    pub(super) fn validate(&self, at: &Located<'_, '_>, purpose: Purpose, errors: &mut Errors) {
        if let Some(why) = self.problem(at.text(), purpose) {
            errors.invalid(at, why);
        }
    }

    /// The same for one that is compiled and shown without the space around it.
    pub(super) fn validate_trimmed(&self, at: &Located<'_, '_>, purpose: Purpose, errors: &mut Errors) {
        let trimmed = at.text().trim();
        if let Some(why) = self.problem(trimmed, purpose) {
            errors.invalid_value(at, trimmed, why);
        }
    }
}
