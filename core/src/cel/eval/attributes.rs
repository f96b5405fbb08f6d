//! Plans fields and elements: a variable, the result of an expression or one of two branches, and what is taken of it.
//! cel-go: interpreter/attributes.go, planner.go planSelect, planCallIndex, planCallConditional

use super::code::{CelStep, TakenRoot, Taking};
use super::plan::CelPlanner;
use super::value::{CelValue, EvalError};
use crate::cel::ast::{Expr, ExprKind, Literal, operators};
use crate::value::Text;
use alloc::vec::Vec;

type Result<T> = core::result::Result<T, EvalError>;

/// What is taken of a value.
struct Part<'e> {
    key: Key<'e>,
    taking: Taking,
}

enum Key<'e> {
    Field(&'e Text),
    Value(&'e Expr),
}

/// Whether an expression is a variable, a part of something, or one of two branches: what is taken of it is taken
/// within the same instruction of upstream's.
fn is_attribute(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Ident(_) | ExprKind::Select { .. } => true,
        ExprKind::Call { target: None, function, args } => matches!(
            (function.as_str(), args.len()),
            (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, 2)
                | (operators::CONDITIONAL, 3)
        ),
        _ => false,
    }
}

/// The value that parts are taken of, and these parts in their order.
fn unfold(expr: &Expr) -> (&Expr, Vec<Part<'_>>) {
    let mut parts = Vec::new();
    let mut root = expr;
    loop {
        match &root.kind {
            ExprKind::Select { operand, field, test_only } => {
                let taking = if *test_only { Taking::Test } else { Taking::Plain };
                parts.push(Part { key: Key::Field(field), taking });
                root = operand;
            }
            ExprKind::Call { target: None, function, args } => {
                let taking = match function.as_str() {
                    operators::INDEX => Taking::Plain,
                    operators::OPT_INDEX | operators::OPT_SELECT => Taking::Optional,
                    _ => break,
                };
                let [operand, key] = args.as_slice() else { break };
                let key = match &key.kind {
                    ExprKind::Literal(Literal::Str(field)) => Key::Field(field),
                    _ => Key::Value(key),
                };
                parts.push(Part { key, taking });
                root = operand;
            }
            _ => break,
        }
        // Whether something is there is asked at the end only; a test within is a value of its own.
        if matches!(root.kind, ExprKind::Select { test_only: true, .. }) {
            break;
        }
    }
    parts.reverse();
    (root, parts)
}

impl CelPlanner<'_> {
    /// A value with its costs.
    pub(super) fn attribute(&mut self, expr: &Expr) -> Result<()> {
        if let ExprKind::Ident(name) = &expr.kind {
            match self.type_value(expr, name) {
                Some(value) => self.emit(CelStep::Const(value)),
                None => {
                    let root = self.root(name);
                    self.emit(CelStep::Load(root));
                }
            }
            return Ok(());
        }
        let (root, parts) = unfold(expr);
        let is_test = matches!(parts.last(), Some(Part { taking: Taking::Test, .. }));
        self.open(expr)?;
        self.emit(CelStep::Close(u64::from(!is_test && !is_conditional(root)), is_test));
        Ok(())
    }

    /// A value of which more may be taken, without the cost of the whole.
    fn open(&mut self, expr: &Expr) -> Result<()> {
        let (root, parts) = unfold(expr);
        let mut parts = parts.into_iter().peekable();
        match &root.kind {
            ExprKind::Ident(name) => match (self.type_value(root, name), self.root(name)) {
                (Some(value), _) => {
                    self.emit(CelStep::Const(value));
                    self.emit(CelStep::OpenTop);
                }
                (None, TakenRoot::Variable(name)) => {
                    match parts.next_if(|part| matches!(part.key, Key::Field(_))) {
                        Some(Part { key: Key::Field(field), taking }) => {
                            self.emit(CelStep::OpenMember(name, field.clone(), taking));
                        }
                        Some(_) | None => self.emit(CelStep::Open(TakenRoot::Variable(name))),
                    }
                }
                (None, local) => self.emit(CelStep::Open(local)),
            },
            ExprKind::Call { args, .. } if is_conditional(root) => {
                if let [test, then, otherwise] = args.as_slice() {
                    self.branches(test, then, otherwise)?;
                }
            }
            _ => {
                self.plan(root)?;
                self.emit(CelStep::OpenTop);
            }
        }
        for part in parts {
            self.part(&part)?;
        }
        Ok(())
    }

    fn branches(&mut self, test: &Expr, then: &Expr, otherwise: &Expr) -> Result<()> {
        self.plan(test)?;
        let branch = self.emit_open(CelStep::Branch(0, 0));
        self.branch(then)?;
        let over = self.emit_open(CelStep::Jump(0));
        self.close(branch);
        self.branch(otherwise)?;
        self.close(branch);
        self.close(over);
        Ok(())
    }

    fn branch(&mut self, expr: &Expr) -> Result<()> {
        if is_attribute(expr) && !is_test(expr) {
            return self.open(expr);
        }
        self.plan(expr)?;
        self.emit(CelStep::OpenTop);
        Ok(())
    }

    fn part(&mut self, part: &Part<'_>) -> Result<()> {
        let key = match part.key {
            Key::Field(field) => {
                self.emit(CelStep::Take(CelValue::Str(field.clone()), part.taking));
                return Ok(());
            }
            Key::Value(key) => key,
        };
        let before = self.here();
        let closed = self.emit_open(CelStep::UnlessOpen(0));
        let start = self.here();
        if is_attribute(key) && !is_test(key) {
            self.open(key)?;
            self.emit(CelStep::Close(0, false));
        } else {
            self.plan(key)?;
        }
        if let Some(value) = self.constant(start).cloned() {
            self.take_back(before);
            self.emit(CelStep::Take(value, part.taking));
            return Ok(());
        }
        self.emit(CelStep::TakeTop(part.taking));
        self.close(closed);
        Ok(())
    }
}

fn is_test(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Select { test_only: true, .. })
}

fn is_conditional(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call { target: None, function, args } => {
            function == operators::CONDITIONAL && args.len() == 3
        }
        _ => false,
    }
}
