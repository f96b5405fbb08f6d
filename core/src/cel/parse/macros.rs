//! Macros: calls that are written out as other expressions.
//! cel-go: parser/macro.go, ext/comprehensions.go, ext/lists.go, cel/library.go

use super::parser::ExprParser;
use crate::cel::ast::{
    ACCUMULATOR, Comprehension, Expr, ExprKind, ListElement, Literal, OLD_ACCUMULATOR, operators,
};
use crate::cel::source::Offset;
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Where a call cannot be written out, and why.
type Refusal = (Offset, String);

/// A call as it is written, or what its macro makes of it.
pub(super) fn expand(
    parser: &mut ExprParser<'_>,
    at: Offset,
    function: &str,
    target: Option<Expr>,
    args: Vec<Expr>,
) -> Expr {
    let is_macro =
        matches!(
            (&target, function, args.len()),
            (None, "has", 1)
                | (
                    Some(_),
                    "all" | "exists" | "exists_one" | "existsOne" | "filter" | "optMap" | "optFlatMap",
                    2
                )
                | (Some(_), "map", 2 | 3)
                | (Some(_), "all" | "exists" | "exists_one" | "existsOne", 3)
                | (Some(_), "transformList" | "transformMap" | "transformMapEntry", 3 | 4)
                | (Some(_), "sortBy", 2)
        ) || (parser.has_bindings && function == "bind" && args.len() == 3 && is_name_of_language(&target));
    if !is_macro {
        let target = target.map(Box::new);
        return parser.node(at, ExprKind::Call { target, function: function.into(), args });
    }
    let mut expansion = Expansion { parser, at };
    let expanded = match target {
        None => expansion.has(args),
        Some(target) => expansion.member(function, target, args),
    };
    expanded.unwrap_or_else(|(place, why)| {
        parser.issues.add(place, why);
        parser.node(at, ExprKind::Unspecified)
    })
}

/// Whether a macro is called on the name `cel`.
fn is_name_of_language(target: &Option<Expr>) -> bool {
    matches!(target, Some(Expr { kind: ExprKind::Ident(name), .. }) if name == "cel")
}

/// Whether elements can be sorted of what stands before `sortBy`.
fn is_sortable(target: &Expr) -> bool {
    match &target.kind {
        ExprKind::List(_)
        | ExprKind::Select { .. }
        | ExprKind::Ident(_)
        | ExprKind::Comprehension(_)
        | ExprKind::Call { .. } => true,
        ExprKind::Unspecified | ExprKind::Literal(_) | ExprKind::Map(_) | ExprKind::Struct { .. } => false,
    }
}

/// What a macro makes: all its nodes are where the call is.
struct Expansion<'p, 'a> {
    parser: &'p mut ExprParser<'a>,
    at: Offset,
}

/// The variables of a loop.
struct Variables {
    first: Text,
    second: Option<Text>,
}

/// What a loop adds up, and how.
struct Fold {
    init: Expr,
    condition: Expr,
    step: Expr,
    result: Expr,
}

impl Expansion<'_, '_> {
    fn node(&mut self, kind: ExprKind) -> Expr {
        self.parser.node(self.at, kind)
    }

    fn call(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        self.parser.call(self.at, function, args)
    }

    fn method(&mut self, target: Expr, function: &str) -> Expr {
        let target = Some(Box::new(target));
        self.node(ExprKind::Call { target, function: function.into(), args: Vec::new() })
    }

    fn literal(&mut self, literal: Literal) -> Expr {
        self.node(ExprKind::Literal(literal))
    }

    fn accumulator(&mut self) -> Expr {
        self.node(ExprKind::Ident(ACCUMULATOR.into()))
    }

    fn list(&mut self, element: Option<Expr>) -> Expr {
        let elements = element.into_iter().map(|value| ListElement { value, optional: false }).collect();
        self.node(ExprKind::List(elements))
    }

    fn fold(&mut self, range: Expr, variables: Variables, fold: Fold) -> Expr {
        let Fold { init, condition, step, result } = fold;
        self.node(ExprKind::Comprehension(Box::new(Comprehension {
            range,
            iter_var: variables.first,
            iter_var2: variables.second,
            accu_var: ACCUMULATOR.into(),
            accu_init: init,
            condition,
            step,
            result,
        })))
    }

    fn has(&mut self, args: Vec<Expr>) -> Result<Expr, Refusal> {
        let Some(arg) = args.into_iter().next() else { return Err((self.at, String::new())) };
        match arg.kind {
            ExprKind::Select { operand, field, .. } => {
                Ok(self.node(ExprKind::Select { operand, field, test_only: true }))
            }
            _ => Err((arg.at, "invalid argument to has() macro".into())),
        }
    }

    fn member(&mut self, function: &str, target: Expr, args: Vec<Expr>) -> Result<Expr, Refusal> {
        let count = args.len();
        let mut args = args.into_iter();
        let mut next = || args.next().unwrap_or(Expr { id: 0, at: 0, kind: ExprKind::Unspecified });
        match (function, count) {
            ("all" | "exists" | "exists_one" | "existsOne", 2) => {
                let variables = variable(&next(), "argument must be a simple name")?;
                Ok(self.quantifier(function, target, variables, next()))
            }
            ("all" | "exists" | "exists_one" | "existsOne", _) => {
                let variables = two_variables(&next(), &next())?;
                Ok(self.quantifier(function, target, variables, next()))
            }
            ("map", _) => {
                let variables = variable(&next(), "argument is not an identifier")?;
                let filter = (count == 3).then(&mut next);
                Ok(self.transform_list(target, variables, filter, next()))
            }
            ("filter", _) => {
                let element = next();
                let variables = variable(&element, "argument is not an identifier")?;
                Ok(self.transform_list(target, variables, Some(next()), element))
            }
            ("transformList", _) => {
                let variables = two_variables(&next(), &next())?;
                let filter = (count == 4).then(&mut next);
                Ok(self.transform_list(target, variables, filter, next()))
            }
            ("transformMap" | "transformMapEntry", _) => {
                let variables = two_variables(&next(), &next())?;
                let filter = (count == 4).then(&mut next);
                let is_entry = function == "transformMapEntry";
                Ok(self.transform_map(target, variables, filter, next(), is_entry))
            }
            ("sortBy", _) => self.sort_by(target, &next(), next()),
            ("bind", _) => {
                let name = simple_name(&next(), "cel.bind() variable names must be simple identifiers")?;
                let value = next();
                Ok(self.bind(&name, value, next()))
            }
            (_, _) => self.optional_map(function, target, &next(), next()),
        }
    }

    fn quantifier(&mut self, function: &str, range: Expr, variables: Variables, test: Expr) -> Expr {
        let fold = match function {
            "all" => {
                let init = self.literal(Literal::Bool(true));
                let held = self.accumulator();
                let condition = self.call(operators::NOT_STRICTLY_FALSE, Vec::from([held]));
                let held = self.accumulator();
                let step = self.call(operators::AND, Vec::from([held, test]));
                Fold { init, condition, step, result: self.accumulator() }
            }
            "exists" => {
                let init = self.literal(Literal::Bool(false));
                let held = self.accumulator();
                let is_not = self.call(operators::NOT, Vec::from([held]));
                let condition = self.call(operators::NOT_STRICTLY_FALSE, Vec::from([is_not]));
                let held = self.accumulator();
                let step = self.call(operators::OR, Vec::from([held, test]));
                Fold { init, condition, step, result: self.accumulator() }
            }
            _ => {
                let init = self.literal(Literal::Int(0));
                let condition = self.literal(Literal::Bool(true));
                let (held, one) = (self.accumulator(), self.literal(Literal::Int(1)));
                let more = self.call(operators::ADD, Vec::from([held, one]));
                let held = self.accumulator();
                let step = self.call(operators::CONDITIONAL, Vec::from([test, more, held]));
                let (held, one) = (self.accumulator(), self.literal(Literal::Int(1)));
                let result = self.call(operators::EQUALS, Vec::from([held, one]));
                Fold { init, condition, step, result }
            }
        };
        self.fold(range, variables, fold)
    }

    fn filtered(&mut self, filter: Option<Expr>, step: Expr) -> Expr {
        let Some(filter) = filter else { return step };
        let held = self.accumulator();
        self.call(operators::CONDITIONAL, Vec::from([filter, step, held]))
    }

    fn transform_list(
        &mut self,
        range: Expr,
        variables: Variables,
        filter: Option<Expr>,
        transform: Expr,
    ) -> Expr {
        let init = self.list(None);
        let condition = self.literal(Literal::Bool(true));
        let (held, more) = (self.accumulator(), self.list(Some(transform)));
        let step = self.call(operators::ADD, Vec::from([held, more]));
        let step = self.filtered(filter, step);
        let fold = Fold { init, condition, step, result: self.accumulator() };
        self.fold(range, variables, fold)
    }

    fn transform_map(
        &mut self,
        range: Expr,
        variables: Variables,
        filter: Option<Expr>,
        transform: Expr,
        is_entry: bool,
    ) -> Expr {
        let init = self.node(ExprKind::Map(Vec::new()));
        let condition = self.literal(Literal::Bool(true));
        let mut args = Vec::from([self.accumulator()]);
        if !is_entry {
            args.push(self.node(ExprKind::Ident(variables.first.clone())));
        }
        args.push(transform);
        let step = self.call("cel.@mapInsert", args);
        let step = self.filtered(filter, step);
        let fold = Fold { init, condition, step, result: self.accumulator() };
        self.fold(range, variables, fold)
    }

    /// k8s: the value of an optional in a variable: a loop over nothing, whose accumulator is the variable.
    fn optional_map(
        &mut self,
        function: &str,
        target: Expr,
        variable: &Expr,
        value: Expr,
    ) -> Result<Expr, Refusal> {
        let ExprKind::Ident(name) = &variable.kind else {
            return Err((variable.at, format!("{function}() variable name must be a simple identifier")));
        };
        // Each such macro on the result of one copies all that is before it.
        if self.parser.is_full() {
            return Err((self.at, "expression is too large".into()));
        }
        let copy = self.copy(&target);
        let held = self.method(copy, "value");
        let bound = self.bind(name, held, value);
        let is_there = self.method(target, "hasValue");
        let then = if function == "optMap" { self.call("optional.of", Vec::from([bound])) } else { bound };
        let none = self.call("optional.none", Vec::new());
        Ok(self.call(operators::CONDITIONAL, Vec::from([is_there, then, none])))
    }

    /// An expression in which a variable has a value.
    fn bind(&mut self, name: &Text, value: Expr, inner: Expr) -> Expr {
        let range = self.list(None);
        let condition = self.literal(Literal::Bool(false));
        let step = self.node(ExprKind::Ident(name.clone()));
        self.node(ExprKind::Comprehension(Box::new(Comprehension {
            range,
            iter_var: "#unused".into(),
            iter_var2: None,
            accu_var: name.clone(),
            accu_init: value,
            condition,
            step,
            result: inner,
        })))
    }

    /// The list is held by a variable that no text can name, so that it is computed once.
    fn sort_by(&mut self, target: Expr, variable: &Expr, key: Expr) -> Result<Expr, Refusal> {
        const INPUT: &str = "@__sortBy_input__";
        if !is_sortable(&target) {
            const WHY: &str =
                "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
            return Err((target.at, WHY.into()));
        }
        let variables = self::variable(variable, "argument is not an identifier")?;
        let input = self.node(ExprKind::Ident(INPUT.into()));
        let keys = self.transform_list(input, variables, None, key);
        let input = self.node(ExprKind::Ident(INPUT.into()));
        let target_of = Some(Box::new(input));
        let function = "@sortByAssociatedKeys".into();
        let sorted = self.node(ExprKind::Call { target: target_of, function, args: Vec::from([keys]) });
        Ok(self.bind(&INPUT.into(), target, sorted))
    }

    /// The same expression with ids of its own.
    fn copy(&mut self, expr: &Expr) -> Expr {
        let kind = match &expr.kind {
            ExprKind::Unspecified | ExprKind::Literal(_) | ExprKind::Ident(_) => expr.kind.clone(),
            ExprKind::Select { operand, field, test_only } => {
                let operand = Box::new(self.copy(operand));
                ExprKind::Select { operand, field: field.clone(), test_only: *test_only }
            }
            ExprKind::Call { target, function, args } => {
                let target = target.as_ref().map(|target| Box::new(self.copy(target)));
                let args = args.iter().map(|arg| self.copy(arg)).collect();
                ExprKind::Call { target, function: function.clone(), args }
            }
            ExprKind::List(elements) => {
                let mut copied = elements.clone();
                copied.iter_mut().for_each(|element| element.value = self.copy(&element.value));
                ExprKind::List(copied)
            }
            ExprKind::Map(entries) => {
                let mut copied = entries.clone();
                for entry in &mut copied {
                    entry.key = self.copy(&entry.key);
                    entry.value = self.copy(&entry.value);
                }
                ExprKind::Map(copied)
            }
            ExprKind::Struct { name, fields } => {
                let mut copied = fields.clone();
                copied.iter_mut().for_each(|field| field.value = self.copy(&field.value));
                ExprKind::Struct { name: name.clone(), fields: copied }
            }
            ExprKind::Comprehension(held) => {
                let mut copied = (**held).clone();
                for part in [
                    &mut copied.range,
                    &mut copied.accu_init,
                    &mut copied.condition,
                    &mut copied.step,
                    &mut copied.result,
                ] {
                    *part = self.copy(part);
                }
                ExprKind::Comprehension(Box::new(copied))
            }
        };
        self.parser.node(expr.at, kind)
    }
}

fn simple_name(expr: &Expr, why: &str) -> Result<Text, Refusal> {
    match &expr.kind {
        ExprKind::Ident(name) => Ok(name.clone()),
        _ => Err((expr.at, why.into())),
    }
}

fn loop_name(expr: &Expr, why: &str) -> Result<Text, Refusal> {
    let name = simple_name(expr, why)?;
    if name == ACCUMULATOR || name == OLD_ACCUMULATOR {
        return Err((expr.at, "iteration variable overwrites accumulator variable".into()));
    }
    Ok(name)
}

fn variable(expr: &Expr, why: &str) -> Result<Variables, Refusal> {
    Ok(Variables { first: loop_name(expr, why)?, second: None })
}

fn two_variables(first: &Expr, second: &Expr) -> Result<Variables, Refusal> {
    const WHY: &str = "argument must be a simple name";
    let names = (simple_name(first, WHY)?, simple_name(second, WHY)?);
    if names.0 == names.1 {
        return Err((second.at, format!("duplicate variable name: {}", names.0)));
    }
    Ok(Variables { first: loop_name(first, WHY)?, second: Some(loop_name(second, WHY)?) })
}
