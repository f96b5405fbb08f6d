//! Expressions as trees.
//! cel-go: common/ast/expr.go

use super::source::Offset;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Names a node: what the checker finds out about it is kept beside the tree.
pub type ExprId = u32;

/// A node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub id: ExprId,
    /// What messages about it point at.
    pub at: Offset,
    pub kind: ExprKind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// Stands where a text could not be understood.
    Unspecified,
    Literal(Literal),
    /// A name. One that begins with a dot is looked for outside of all local scopes.
    Ident(Text),
    /// A field of something, or with `test_only` whether it is there.
    Select {
        operand: Box<Expr>,
        field: Text,
        test_only: bool,
    },
    /// A function, an operator, or a method of its target.
    Call {
        target: Option<Box<Expr>>,
        function: Text,
        args: Vec<Expr>,
    },
    List(Vec<ListElement>),
    Map(Vec<MapEntry>),
    Struct {
        name: Text,
        fields: Vec<FieldInit>,
    },
    Comprehension(Box<Comprehension>),
}

/// A value that the text holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Str(Text),
    Bytes(Vec<u8>),
}

/// An element of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListElement {
    pub value: Expr,
    /// The value is an optional one, and there is no element if it is absent.
    pub optional: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MapEntry {
    pub key: Expr,
    pub value: Expr,
    pub optional: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FieldInit {
    pub at: Offset,
    pub name: Text,
    pub value: Expr,
    pub optional: bool,
}

/// A loop over a list or a map, to which macros expand.
#[derive(Clone, Debug, PartialEq)]
pub struct Comprehension {
    pub range: Expr,
    pub iter_var: Text,
    /// The second variable, if there is one: the element of a list or the value of a map.
    pub iter_var2: Option<Text>,
    pub accu_var: Text,
    pub accu_init: Expr,
    pub condition: Expr,
    pub step: Expr,
    pub result: Expr,
}

/// The names of operators as functions.
/// cel-go: common/operators/operators.go
pub mod operators {
    pub const CONDITIONAL: &str = "_?_:_";
    pub const AND: &str = "_&&_";
    pub const OR: &str = "_||_";
    pub const NOT: &str = "!_";
    pub const EQUALS: &str = "_==_";
    pub const NOT_EQUALS: &str = "_!=_";
    pub const LESS: &str = "_<_";
    pub const LESS_EQUALS: &str = "_<=_";
    pub const GREATER: &str = "_>_";
    pub const GREATER_EQUALS: &str = "_>=_";
    pub const ADD: &str = "_+_";
    pub const SUBTRACT: &str = "_-_";
    pub const MULTIPLY: &str = "_*_";
    pub const DIVIDE: &str = "_/_";
    pub const MODULO: &str = "_%_";
    pub const NEGATE: &str = "-_";
    pub const INDEX: &str = "_[_]";
    pub const OPT_INDEX: &str = "_[?_]";
    pub const OPT_SELECT: &str = "_?._";
    pub const IN: &str = "@in";
    pub const NOT_STRICTLY_FALSE: &str = "@not_strictly_false";
}

/// The accumulator of loops that macros make. No text can name it.
pub const ACCUMULATOR: &str = "@result";

/// The name that it had, which no variable of a loop may have.
pub const OLD_ACCUMULATOR: &str = "__result__";
