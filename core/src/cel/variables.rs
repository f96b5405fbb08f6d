//! Where an evaluation gets its variables from.

use super::access::{AccessCheck, AccessRuling};
use super::eval::{CelValue, EvalError};

/// Gives an evaluation each variable when it is first asked for.
pub trait Variables {
    /// A variable; None if there is none of this name.
    fn variable(&mut self, name: &str) -> Option<CelValue>;

    /// A member of a variable whose members come about when they are asked for; None for a variable that is a value
    /// like any other.
    fn member(&mut self, variable: &str, member: &str) -> Option<Result<CelValue, EvalError>> {
        let _ = (variable, member);
        None
    }

    /// Whether something is allowed; None if that has to be asked first. The evaluation ends then, and its error tells
    /// what was asked (`EvalError::needs`).
    fn decide(&mut self, check: &AccessCheck) -> Option<AccessRuling> {
        let _ = check;
        None
    }
}

/// Variables that are values.
pub(super) struct Given<'a>(pub(super) &'a dyn Fn(&str) -> Option<CelValue>);

impl Variables for Given<'_> {
    fn variable(&mut self, name: &str) -> Option<CelValue> {
        (self.0)(name)
    }
}
