//! The functions that expressions can call.

mod authorizer;
mod conversions;
mod formats;
mod lists;
mod natives;
mod networks;
mod optionals;
mod patterns;
mod quantities;
mod semvers;
mod standard;
mod strings;
mod times;
mod urls;

pub(crate) use strings::check_format;

use super::ast::operators;
use super::check::Declarations;
use super::eval::{CelValue, EvalError};
use super::variables::Variables;
use alloc::format;
use alloc::vec::Vec;
use once_cell::race::OnceBox;

type Result<T> = core::result::Result<T, EvalError>;

/// A function by its name. Which overload a call is of, its arguments tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    name: &'static str,
    run: Run,
}

/// What a function does.
#[derive(Clone, Copy, Debug)]
enum Run {
    Plain(fn(&[CelValue]) -> Result<CelValue>),
    /// It asks the one who evaluates the expression.
    Asking(fn(&[CelValue], &mut dyn Variables) -> Result<CelValue>),
}

impl Function {
    /// # Errors
    /// Why it has no result for these arguments.
    pub(crate) fn call(&self, mut args: Vec<CelValue>, asked: &mut dyn Variables) -> Result<CelValue> {
        // What a loop adds is added in place.
        if self.name == "cel.@mapInsert" {
            return lists::insert(args);
        }
        let added = if self.name == operators::ADD { lists::add(&mut args) } else { None };
        let result = added.unwrap_or_else(|| match self.run {
            Run::Plain(run) => run(&args),
            Run::Asking(run) => run(&args, asked),
        });
        result.map_err(|error| if error.is_no_overload() { self.no_overload(&args) } else { error })
    }

    /// What upstream says of arguments that the function is not declared for, which depends on how it is bound there.
    fn no_overload(&self, args: &[CelValue]) -> EvalError {
        use CelValue as V;
        let name = self.name;
        let is_number = matches!(args.first(), Some(V::Int(_) | V::Uint(_) | V::Double(_)));
        let is_timed = matches!(args.first(), Some(V::Timestamp(_) | V::Duration(_)));
        let is_text = matches!(args.first(), Some(V::Str(_) | V::Bytes(_)));
        let is_list = args.first().is_some_and(CelValue::is_list);
        let is_bool = matches!(args.first(), Some(V::Bool(_)));
        let knows = match name {
            operators::NOT | operators::IN => true,
            operators::ADD => is_number || is_timed || is_text || is_list,
            operators::SUBTRACT => is_number || is_timed,
            operators::MULTIPLY | operators::DIVIDE => is_number,
            operators::MODULO => matches!(args.first(), Some(V::Int(_) | V::Uint(_))),
            operators::NEGATE => is_number || is_bool || matches!(args.first(), Some(V::Duration(_))),
            operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
                is_number || is_timed || is_text || is_bool
            }
            "size" => false,
            "contains" | "startsWith" | "endsWith" | "matches" | "containsIP" | "containsCIDR" => true,
            _ => {
                let types: Vec<&str> = args.iter().map(CelValue::type_name).collect();
                return EvalError::new(format!("no such overload: {name}({})", types.join(", ")));
            }
        };
        if knows { EvalError::no_overload() } else { EvalError::new(format!("no such overload: {name}")) }
    }
}

/// The functions of all libraries.
const FUNCTIONS: &[&[Function]] = &[
    standard::FUNCTIONS,
    conversions::FUNCTIONS,
    times::FUNCTIONS,
    strings::FUNCTIONS,
    patterns::FUNCTIONS,
    lists::FUNCTIONS,
    optionals::FUNCTIONS,
    quantities::FUNCTIONS,
    semvers::FUNCTIONS,
    networks::FUNCTIONS,
    urls::FUNCTIONS,
    formats::FUNCTIONS,
    authorizer::FUNCTIONS,
];

const fn function(name: &'static str, run: fn(&[CelValue]) -> Result<CelValue>) -> Function {
    Function { name, run: Run::Plain(run) }
}

const fn asking(
    name: &'static str,
    run: fn(&[CelValue], &mut dyn Variables) -> Result<CelValue>,
) -> Function {
    Function { name, run: Run::Asking(run) }
}

/// None for a function that no library has.
pub(crate) fn function_of(name: &str) -> Option<Function> {
    FUNCTIONS.iter().copied().flatten().find(|held| held.name == name).copied()
}

/// The signatures of all functions.
static TABLE: &str = include_str!("functions.txt");

/// The signatures of the functions that only expressions of patches have.
pub(crate) static PATCH_TABLE: &str = include_str!("patch_functions.txt");

/// The declarations of all libraries that upstream has on.
/// k8s: staging/src/k8s.io/apiserver/pkg/cel/environment/base.go
pub(crate) fn declarations() -> &'static Declarations {
    static DECLARATIONS: OnceBox<Declarations> = OnceBox::new();
    DECLARATIONS.get_or_init(|| alloc::boxed::Box::new(Declarations::new(TABLE)))
}

/// Whether a function makes a value of another type, so that a constant can be converted at once.
/// cel-go: common/overloads/overloads.go IsTypeConversionFunction
pub(crate) fn is_conversion(name: &str) -> bool {
    ["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"]
        .contains(&name)
}

/// Whether a name is that of a type whose value is the type itself.
pub(crate) fn is_type_name(name: &str) -> bool {
    [
        "bool",
        "bytes",
        "double",
        "int",
        "uint",
        "string",
        "null_type",
        "type",
        "list",
        "map",
        "optional_type",
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
    ]
    .contains(&name)
        || name.contains('.')
}
