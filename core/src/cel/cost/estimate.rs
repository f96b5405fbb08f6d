//! What an evaluation costs, as far as it is known before there are values.
//! cel-go: checker/cost.go

use super::estimated_calls::{CallEstimate, EstimatedPart, SizeKind, estimate_call, kind_of};
use super::range::CostRange;
use super::{LIST_COST, MAP_COST, STRUCT_COST, TEXT_FACTOR};
use crate::cel::ast::{Comprehension, Expr, ExprId, ExprKind, Literal};
use crate::cel::check::{CelType, Checked};
use crate::cel::decl::DeclType;
use crate::value::Text;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// How large variables can be.
#[derive(Clone, Copy)]
pub(crate) struct VariableSizes<'d> {
    pub(crate) of: &'d DeclType,
    /// The variable that is of this type. Upstream's rules of custom resources take every variable for one.
    pub(crate) variable: Option<&'d str>,
}

/// The costs of an expression.
pub(crate) fn estimate(checked: &Checked, sizes: Option<VariableSizes<'_>>) -> CostRange {
    Estimator {
        checked,
        sizes,
        paths: BTreeMap::new(),
        locals: Vec::new(),
        computed: BTreeMap::new(),
        entries: BTreeMap::new(),
    }
    .cost(&checked.expr)
}

/// A variable and the fields, elements, keys and values that lead to a part of it. Empty for what is no part of a
/// variable.
pub(super) type PartPath = Rc<[Text]>;

/// How large the parts of a list or a map are.
#[derive(Clone, Copy, Debug)]
struct EntrySize {
    is_list: bool,
    key: CostRange,
    value: CostRange,
}

impl EntrySize {
    fn union(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (one, other) = (one?, other?);
        Some(Self {
            is_list: one.is_list,
            key: one.key.union(other.key),
            value: one.value.union(other.value),
        })
    }
}

/// What is known of a variable of a loop.
struct Local {
    name: Text,
    path: PartPath,
    size: Option<CostRange>,
    entries: Option<EntrySize>,
}

pub(super) struct Estimator<'c> {
    checked: &'c Checked,
    sizes: Option<VariableSizes<'c>>,
    paths: BTreeMap<ExprId, PartPath>,
    locals: Vec<Local>,
    computed: BTreeMap<ExprId, CostRange>,
    entries: BTreeMap<ExprId, EntrySize>,
}

const ONE: CostRange = CostRange::fixed(1);

impl Estimator<'_> {
    fn cost(&mut self, expr: &Expr) -> CostRange {
        match &expr.kind {
            ExprKind::Unspecified | ExprKind::Literal(_) => CostRange::default(),
            ExprKind::Ident(name) => {
                let path = match self.local(name) {
                    Some(local) => local.path.clone(),
                    None => Rc::from([name.clone()]),
                };
                self.paths.insert(expr.id, path);
                ONE
            }
            ExprKind::Select { operand, field, test_only } => self.select(expr, operand, field, *test_only),
            ExprKind::Call { target, function, args } => self.call(expr, target.as_deref(), function, args),
            ExprKind::List(elements) => {
                let parts = elements.iter().map(|element| &element.value);
                let (cost, value) = self.parts(parts);
                self.entries.insert(expr.id, EntrySize { is_list: true, key: ONE, value });
                cost.add(CostRange::fixed(LIST_COST))
            }
            ExprKind::Map(entries) => {
                let (keys, key) = self.parts(entries.iter().map(|entry| &entry.key));
                let (values, value) = self.parts(entries.iter().map(|entry| &entry.value));
                self.entries.insert(expr.id, EntrySize { is_list: false, key, value });
                keys.add(values).add(CostRange::fixed(MAP_COST))
            }
            ExprKind::Struct { fields, .. } => {
                let mut sum = CostRange::default();
                for field in fields {
                    sum = sum.add(self.cost(&field.value));
                }
                sum.add(CostRange::fixed(STRUCT_COST))
            }
            ExprKind::Comprehension(held) if is_bind(held) => self.bind(expr, held),
            ExprKind::Comprehension(held) => self.comprehension(expr, held),
        }
    }

    /// What parts cost together, and how large each of them is.
    fn parts<'e>(&mut self, parts: impl ExactSizeIterator<Item = &'e Expr>) -> (CostRange, CostRange) {
        let mut sum = CostRange::default();
        let mut size = CostRange { min: if parts.len() == 0 { 0 } else { u64::MAX }, max: 0 };
        for part in parts {
            sum = sum.add(self.cost(part));
            size = size.union(self.size_or_unknown(part));
        }
        (sum, size)
    }

    /// To ask whether there is a field costs nothing.
    fn select(&mut self, expr: &Expr, operand: &Expr, field: &Text, test_only: bool) -> CostRange {
        let cost = self.cost(operand);
        if test_only {
            return cost;
        }
        let is_charged = matches!(
            self.checked.type_of(operand),
            CelType::Map(..) | CelType::Object(_) | CelType::Param(_) | CelType::Var(_)
        );
        self.extend_path(expr, operand, field);
        if is_charged { cost.add(ONE) } else { cost }
    }

    fn extend_path(&mut self, expr: &Expr, operand: &Expr, name: &str) {
        let path = self.path(operand);
        let longer = path.iter().cloned().chain([name.into()]).collect();
        self.paths.insert(expr.id, longer);
    }

    fn call(&mut self, expr: &Expr, target: Option<&Expr>, function: &Text, args: &[Expr]) -> CostRange {
        if function == "dyn"
            && let [arg] = args
        {
            let cost = self.cost(arg).add(ONE);
            self.copy_sizes(expr, arg);
            return cost;
        }
        let mut costs = Vec::with_capacity(args.len());
        let mut parts = Vec::with_capacity(args.len());
        for arg in args {
            costs.push(self.cost(arg));
            parts.push(self.part(arg));
        }
        let Some(overloads) = self.checked.overloads.get(&expr.id).filter(|held| !held.is_empty()) else {
            return CostRange::default();
        };
        let mut sum = CostRange::default();
        let target = target.map(|target| {
            sum = self.cost(target);
            self.part(target)
        });
        let mut all = CostRange { min: u64::MAX, max: 0 };
        let mut result_size: Option<CostRange> = None;
        for overload in overloads {
            let call = self.function(expr, function, overload, target.as_ref(), &parts, &costs);
            all = all.union(call.cost);
            if let Some(size) = call.result_size {
                result_size = Some(result_size.map_or(size, |held| held.union(size)));
            }
            let indexed = match overload.as_str() {
                "index_list" => Some("@items"),
                "index_map" => Some("@values"),
                _ => None,
            };
            if let (Some(name), Some(operand)) = (indexed, args.first()) {
                result_size = self.entry_size(operand).map(|size| size.value);
                self.extend_path(expr, operand, name);
            }
            if result_size.is_none() {
                result_size = self.size(expr);
            }
        }
        if let Some(size) = result_size {
            self.computed.insert(expr.id, size);
        }
        sum.add(all)
    }

    fn function(
        &mut self,
        expr: &Expr,
        function: &str,
        overload: &str,
        target: Option<&EstimatedPart<'_>>,
        args: &[EstimatedPart<'_>],
        costs: &[CostRange],
    ) -> CallEstimate {
        let of_args = costs.iter().fold(CostRange::default(), |sum, cost| sum.add(*cost));
        if let Some(known) = estimate_call(self.sizes, function, overload, target, args) {
            return CallEstimate { cost: known.cost.add(of_args), ..known };
        }
        match (overload, args, costs) {
            // The right one may not be evaluated.
            ("logical_or" | "logical_and", _, [left, right]) => {
                CallEstimate::of(CostRange { min: left.min, max: left.add(*right).max })
            }
            ("conditional", [_, then, other], [test, cost, other_cost]) => {
                let size = then.size_or_unknown().union(other.size_or_unknown());
                let entries = EntrySize::union(self.entry_size(then.expr), self.entry_size(other.expr));
                self.set_entries(expr, entries);
                CallEstimate { cost: test.add(cost.union(*other_cost)), result_size: Some(size) }
            }
            ("add_string" | "add_bytes" | "add_list", [left, right], _) => {
                let size = left.size_or_unknown().add(right.size_or_unknown());
                let entries = EntrySize::union(self.entry_size(left.expr), self.entry_size(right.expr));
                self.set_entries(expr, entries);
                let cost = if overload == "add_list" { ONE } else { size.times(TEXT_FACTOR) };
                CallEstimate { cost: cost.add(of_args), result_size: Some(size) }
            }
            (_, _, _) => CallEstimate::of(ONE.add(of_args)),
        }
    }

    fn comprehension(&mut self, expr: &Expr, held: &Comprehension) -> CostRange {
        let mut sum = self.cost(&held.range);
        sum = sum.add(self.cost(&held.accu_init));
        self.push_value(&held.accu_var, &held.accu_init);
        match &held.iter_var2 {
            Some(second) => {
                self.push_part(&held.iter_var, &held.range, Half::Key);
                self.push_part(second, &held.range, Half::Value);
            }
            None => self.push_part(&held.iter_var, &held.range, Half::Single),
        }
        let condition = self.cost(&held.condition);
        let step = self.cost(&held.step);
        self.pop(&held.iter_var);
        if let Some(second) = &held.iter_var2 {
            self.pop(second);
        }
        sum = sum.add(self.cost(&held.result));
        self.pop(&held.accu_var);
        let count = self.size_or_unknown(&held.range);
        sum = sum.add(count.multiply(step.add(condition)));
        match &held.accu_init.kind {
            ExprKind::Literal(_) => {
                if let Some(size) = self.size(&held.accu_init) {
                    self.computed.insert(expr.id, size);
                }
            }
            ExprKind::List(_) | ExprKind::Map(_) => {
                self.computed.insert(expr.id, count);
                let entries = self.entry_size(&held.step);
                self.set_entries(expr, entries);
            }
            ExprKind::Unspecified
            | ExprKind::Ident(_)
            | ExprKind::Select { .. }
            | ExprKind::Call { .. }
            | ExprKind::Struct { .. }
            | ExprKind::Comprehension(_) => {}
        }
        sum
    }

    /// A variable with a value is no loop.
    fn bind(&mut self, expr: &Expr, held: &Comprehension) -> CostRange {
        let mut sum = self.cost(&held.range);
        sum = sum.add(self.cost(&held.accu_init));
        self.push_value(&held.accu_var, &held.accu_init);
        sum = sum.add(self.cost(&held.result));
        self.pop(&held.accu_var);
        self.copy_sizes(expr, &held.result);
        sum
    }

    fn push_value(&mut self, name: &Text, value: &Expr) {
        let (path, entries, size) = (self.path(value), self.entry_size(value), self.size(value));
        self.locals.push(Local { name: name.clone(), path, size, entries });
    }

    fn push_part(&mut self, name: &Text, range: &Expr, half: Half) {
        let entry = self.entry_size(range);
        let is_list = match &entry {
            Some(entry) => entry.is_list,
            None => matches!(self.checked.type_of(range), CelType::List(_)),
        };
        let (is_key, part) = match (half, is_list) {
            (Half::Key, true) => (true, "@indices"),
            (Half::Key | Half::Single, false) => (true, "@keys"),
            (Half::Value, false) => (false, "@values"),
            (Half::Value | Half::Single, true) => (false, "@items"),
        };
        let size = entry.map(|entry| if is_key { entry.key } else { entry.value });
        let path = self.path(range).iter().cloned().chain([part.into()]).collect();
        self.locals.push(Local { name: name.clone(), path, size, entries: None });
    }

    fn pop(&mut self, name: &Text) {
        if let Some(place) = self.locals.iter().rposition(|local| local.name == *name) {
            self.locals.remove(place);
        }
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, expr: &Expr) -> PartPath {
        if let ExprKind::Ident(name) = &expr.kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&expr.id).cloned().unwrap_or_else(|| Rc::from([]))
    }

    fn part<'e>(&mut self, expr: &'e Expr) -> EstimatedPart<'e> {
        EstimatedPart {
            path: self.path(expr),
            of: self.checked.type_of(expr).clone(),
            expr,
            size: self.size(expr),
        }
    }

    fn size_or_unknown(&mut self, expr: &Expr) -> CostRange {
        self.size(expr).unwrap_or(CostRange::UNKNOWN)
    }

    fn size(&mut self, expr: &Expr) -> Option<CostRange> {
        if let Some(size) = self.computed.get(&expr.id) {
            return Some(*size);
        }
        if let Some(size) = size_of_literal(expr) {
            return Some(CostRange::fixed(size));
        }
        if let Some(size) = size_at(self.sizes, &self.path(expr)) {
            self.computed.insert(expr.id, size);
            return Some(size);
        }
        if is_scalar(self.checked.type_of(expr)) {
            return Some(ONE);
        }
        match &expr.kind {
            ExprKind::Ident(name) => self.local(name).and_then(|local| local.size),
            _ => None,
        }
    }

    fn entry_size(&self, expr: &Expr) -> Option<EntrySize> {
        self.entries.get(&expr.id).copied().or_else(|| match &expr.kind {
            ExprKind::Ident(name) => self.local(name).and_then(|local| local.entries),
            _ => None,
        })
    }

    fn set_entries(&mut self, expr: &Expr, entries: Option<EntrySize>) {
        if let Some(entries) = entries {
            self.entries.insert(expr.id, entries);
        }
    }

    fn copy_sizes(&mut self, to: &Expr, from: &Expr) {
        if let Some(size) = self.size(from) {
            self.computed.insert(to.id, size);
        }
        let entries = self.entry_size(from);
        self.set_entries(to, entries);
    }
}

/// Which variable of a loop it is.
#[derive(Clone, Copy)]
enum Half {
    Single,
    Key,
    Value,
}

fn is_bind(held: &Comprehension) -> bool {
    matches!(&held.range.kind, ExprKind::List(elements) if elements.is_empty())
        && matches!(held.condition.kind, ExprKind::Literal(Literal::Bool(false)))
}

/// How large the values at a path can be; None if nothing is declared there.
pub(super) fn size_at(sizes: Option<VariableSizes<'_>>, path: &[Text]) -> Option<CostRange> {
    let (root, rest) = path.split_first()?;
    let sizes = sizes.filter(|sizes| sizes.variable.is_none_or(|variable| variable == root))?;
    let max = sizes.of.size_at(rest.iter().map(Text::as_str))?;
    Some(CostRange { min: 0, max })
}

fn size_of_literal(expr: &Expr) -> Option<u64> {
    let length = match &expr.kind {
        ExprKind::Literal(Literal::Str(text)) => text.chars().count(),
        ExprKind::Literal(Literal::Bytes(bytes)) => bytes.len(),
        ExprKind::Literal(_) => 1,
        ExprKind::List(elements) => elements.len(),
        ExprKind::Map(entries) => entries.len(),
        _ => return None,
    };
    u64::try_from(length).ok()
}

fn is_scalar(of: &CelType) -> bool {
    match kind_of(of) {
        SizeKind::Scalar => true,
        SizeKind::Text | SizeKind::Other => of.unwrap_optional().is_some_and(is_scalar),
    }
}
