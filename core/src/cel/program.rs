//! Compiled expressions.

use super::check::{self, CelType, Checked, Declarations};
use super::cost::{CostRange, VariableSizes, estimate};
use super::decl::DeclType;
use super::eval::{self, CelCode, CelMachine, CelValue, EvalError};
use super::lib;
use super::parse::parse_with;
use super::source::{ExprSource, Issues};
use super::validate::validate;
use super::variables::{Given, Variables};
use crate::value::Text;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::{self, Display};

/// What expressions of one purpose can name, beside the functions of all libraries. Made once, and shared.
///
/// ```
/// use steersman_core::cel::{CelType, CelValue, Env};
///
/// let env = Env::new().with_variable("self", CelType::Dyn);
/// let program = env.compile("self.replicas < 10").unwrap();
/// let object = steersman_core::codec::json::parse(br#"{"replicas":3}"#).unwrap().value;
/// let result = program.eval(&|_| Some(CelValue::from(&object)), 1_000_000);
/// assert!(matches!(result.value, Ok(CelValue::Bool(true))));
/// ```
#[derive(Clone, Debug)]
pub struct Env {
    declarations: Declarations,
    /// `cel.bind` gives a variable a value.
    has_bindings: bool,
}

impl Default for Env {
    fn default() -> Self {
        Self::new()
    }
}

impl Env {
    /// The functions that Kubernetes 1.36 has on, and no variable.
    /// k8s: staging/src/k8s.io/apiserver/pkg/cel/environment/base.go MustBaseEnvSet
    pub fn new() -> Self {
        Self { declarations: lib::declarations().clone(), has_bindings: false }
    }

    /// The same with a variable.
    #[must_use]
    pub fn with_variable(self, name: &str, of: CelType) -> Self {
        Self { declarations: self.declarations.with_variable(name, of), ..self }
    }

    /// The same with a type of objects, by the names and types of their fields. A field can be of a type of objects
    /// that is declared later.
    #[must_use]
    pub fn with_object(self, name: &str, fields: impl IntoIterator<Item = (Text, CelType)>) -> Self {
        Self { declarations: self.declarations.with_object(name, fields), ..self }
    }

    /// The same with all types of objects that a declared type is made of.
    #[must_use]
    pub fn with_decl(self, of: &DeclType) -> Self {
        Self { declarations: self.declarations.with_decl(of), ..self }
    }

    /// The same with what patches are made with: the types `JSONPatch`, and `Object` and those below it, which may have
    /// any field, and the functions for them.
    /// k8s: staging/src/k8s.io/apiserver/pkg/cel/mutation/jsonpatch.go
    #[must_use]
    pub fn with_patch_types(self) -> Self {
        let text = |name: &str| (name.into(), CelType::Str);
        let fields = [text("op"), text("path"), text("from"), ("value".into(), CelType::Dyn)];
        Self {
            declarations: self
                .declarations
                .with_object("JSONPatch", fields)
                .with_open_objects()
                .with_functions(lib::PATCH_TABLE),
            ..self
        }
    }

    /// The same with the macro `cel.bind`.
    /// cel-go: ext/bindings.go
    #[must_use]
    pub fn with_bindings(self) -> Self {
        Self { has_bindings: true, ..self }
    }

    /// Compiles an expression. Its size and depth are bounded (`limits::CEL_EXPRESSION_CHARACTERS`,
    /// `limits::CEL_DEPTH`).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile(&self, text: &str) -> Result<Program, CompileError> {
        self.checked(text).and_then(|checked| Program::of(&checked))
    }

    /// The same, and what an evaluation costs at least and at most, if all variables are of a declared type.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile_sized(&self, text: &str, sizes: &DeclType) -> Result<(Program, CostRange), CompileError> {
        self.compile_estimated(text, Some(VariableSizes { of: sizes, variable: None }))
    }

    /// The same, where this variable only is of the declared type.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn compile_sized_variable(
        &self,
        text: &str,
        variable: &str,
        sizes: &DeclType,
    ) -> Result<(Program, CostRange), CompileError> {
        self.compile_estimated(text, Some(VariableSizes { of: sizes, variable: Some(variable) }))
    }

    /// The same, where nothing may be known of the variables.
    pub(super) fn compile_estimated(
        &self,
        text: &str,
        sizes: Option<VariableSizes<'_>>,
    ) -> Result<(Program, CostRange), CompileError> {
        let checked = self.checked(text)?;
        Ok((Program::of(&checked)?, estimate(&checked, sizes)))
    }

    fn checked(&self, text: &str) -> Result<Checked, CompileError> {
        let refused = |issues: Issues| CompileError::Issues(issues.display(&ExprSource::new(text)));
        parse_with(text, self.has_bindings)
            .and_then(|expr| check::check(expr, &self.declarations))
            .and_then(validate)
            .map_err(refused)
    }
}

/// Why an expression cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompileError {
    /// What is wrong with it, each with its place.
    Issues(String),
    /// A part that is constant has no value.
    Constant(EvalError),
}

impl Display for CompileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issues(shown) => out.write_str(shown),
            Self::Constant(error) => error.fmt(out),
        }
    }
}

/// A compiled expression. A clone shares it, and any number of evaluations can use it at once.
#[derive(Clone, Debug)]
pub struct Program {
    code: Arc<CelCode>,
    result_type: CelType,
    /// The variables that it names, each once.
    names: Arc<[Text]>,
}

/// What came of an evaluation.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The result, or why there is none.
    pub value: Result<CelValue, EvalError>,
    /// What of the budget is left.
    pub left: u64,
}

impl Program {
    fn of(checked: &Checked) -> Result<Self, CompileError> {
        let code = eval::plan(checked).map_err(CompileError::Constant)?;
        Ok(Self {
            code: Arc::new(code),
            result_type: checked.type_of(&checked.expr).clone(),
            names: checked.names.iter().cloned().collect(),
        })
    }

    /// The type of the result, as far as it is known before an evaluation.
    pub fn result_type(&self) -> &CelType {
        &self.result_type
    }

    /// Whether it names a variable.
    pub fn uses(&self, variable: &str) -> bool {
        self.names.iter().any(|name| name == variable)
    }

    /// Evaluates it. `variables` gives each variable when it is first asked for. An evaluation that costs more than
    /// `budget` ends with an error; upstream's limit for one call is 1,000,000.
    pub fn eval(&self, variables: &dyn Fn(&str) -> Option<CelValue>, budget: u64) -> Evaluated {
        self.eval_with(&mut Given(variables), budget)
    }

    /// The same, where variables may come about when they are asked for.
    pub fn eval_with(&self, variables: &mut dyn Variables, budget: u64) -> Evaluated {
        let mut machine = CelMachine::new(variables, budget);
        let value = machine.run(&self.code);
        Evaluated { value, left: machine.left() }
    }
}
