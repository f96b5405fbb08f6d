//! The variables of a policy: expressions with a name, which those after them can use.
//! k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/composition.go

use super::{Declared, Expression, admission_env};
use crate::cel::{CelType, Env};
use crate::value::Text;
use alloc::collections::BTreeMap;

const VARIABLES_TYPE: &str = "kubernetes.variables";

/// The variables of a policy, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Composition {
    declared: Declared,
    variables: BTreeMap<Text, Expression>,
    types: BTreeMap<Text, CelType>,
}

impl Composition {
    /// No variables yet. `declared` says what they can name beside each other.
    pub fn new(declared: Declared) -> Self {
        Self { declared, ..Self::default() }
    }

    /// Compiles a variable, which can name those before it. A later one of the same name takes its place. What is wrong
    /// with it is returned, and told to those who use it.
    pub fn add(&mut self, name: &str, text: &str) -> Option<Text> {
        let expression = Expression::compile(&self.env(self.declared), text, &[]);
        let of = expression.program().map_or(CelType::Dyn, |program| composed_type(program.result_type()));
        let error = expression.error().map(Text::from);
        self.types.insert(name.into(), of);
        self.variables.insert(name.into(), expression);
        error
    }

    /// What expressions with these names and all variables so far can name.
    pub fn env(&self, declared: Declared) -> Env {
        let fields = self.types.iter().map(|(name, of)| (name.clone(), of.clone()));
        admission_env(declared)
            .with_object(VARIABLES_TYPE, fields)
            .with_variable("variables", CelType::Object(VARIABLES_TYPE.into()))
    }

    /// A variable by its name.
    pub fn variable(&self, name: &str) -> Option<&Expression> {
        self.variables.get(name)
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &Text> {
        self.variables.keys()
    }
}

/// The type that others see of a variable: objects have none.
/// k8s: staging/src/k8s.io/apiserver/pkg/admission/plugin/cel/composition.go convertCelTypeToDeclType
fn composed_type(of: &CelType) -> CelType {
    match of {
        CelType::Null
        | CelType::Bool
        | CelType::Int
        | CelType::Uint
        | CelType::Double
        | CelType::Str
        | CelType::Bytes
        | CelType::Timestamp
        | CelType::Duration => of.clone(),
        CelType::List(element) => CelType::list(composed_type(element)),
        CelType::Map(key, value) => CelType::map(composed_type(key), composed_type(value)),
        CelType::Dyn
        | CelType::Error
        | CelType::Type(_)
        | CelType::Object(_)
        | CelType::Opaque(..)
        | CelType::Param(_)
        | CelType::Var(_) => CelType::Dyn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_see_those_before_them() {
        let mut composition = Composition::new(Declared::default());
        let cases = [
            ("a", "variables.b", "compilation failed: ERROR: <input>:1:11: undefined field 'b'"),
            ("b", "request.userInfo", ""),
            ("c", "variables.b.username + 1", ""),
            ("d", "[request.name]", ""),
            (
                "e",
                "variables.d[0] + 1",
                "compilation failed: ERROR: <input>:1:16: found no matching overload",
            ),
            ("f", "params", "compilation failed: ERROR: <input>:1:1: undeclared reference to 'params'"),
        ];
        for (name, text, error) in cases {
            let found = composition.add(name, text).unwrap_or_default();
            assert_eq!(found.is_empty(), error.is_empty(), "{text}: {found}");
            assert!(found.starts_with(error.get(..20).unwrap_or_default()), "{text}: {found}");
        }
    }
}
