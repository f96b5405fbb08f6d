//! Applies rules to objects.
//! k8s: staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go

use super::compile::{CompiledRule, compile};
use super::ratchet::{self, Ratchet};
use super::values::is_declared;
use crate::cel::{self, CelValue, EvalError, Program, ValueSchema};
use crate::limits;
use crate::schema::ListType;
use crate::schema::structural::{Additional, Structural, ValidationRule};
use crate::status::{CauseType, Causes};
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Display};

/// What the rules of a custom object may cost together. Beyond: an error, and no further rules.
/// k8s: staging/src/k8s.io/apiserver/pkg/apis/cel/config.go RuntimeCELCostBudget
pub const RULES_COST: i64 = limits::CEL_POLICY_COST as i64;

/// Bytes of a message that an expression makes. Beyond: the rule has its usual message.
/// k8s: the same file, MaxEvaluatedMessageExpressionSizeBytes
const MESSAGE_BYTES: usize = 5 * 1024;

/// The compiled rules of a schema and of what is inside it. It goes with the schema of which it was made.
#[derive(Clone, Debug)]
pub struct RuleValidator {
    values: Arc<ValueSchema>,
    rules: Vec<(ValidationRule, CompiledRule)>,
    /// Expressions cannot see the values, although there are rules for them.
    is_blind: bool,
    items: Option<Box<Self>>,
    properties: BTreeMap<Text, Self>,
    additional: Option<Box<Self>>,
}

/// What rules are applied to.
#[derive(Clone, Copy, Debug)]
pub struct RuledValue<'o> {
    pub new: &'o Value,
    /// What it replaces.
    pub old: Option<&'o Value>,
    /// What has not changed may go on to break rules: its errors are warnings.
    pub is_ratcheted: bool,
}

impl RuleValidator {
    /// Compiles all rules of a schema; None if there are none. `is_root` is true for the schema of a whole object.
    pub fn new(schema: &Structural, is_root: bool) -> Option<Self> {
        if !schema.has_rules {
            return None;
        }
        Some(Self::of(schema, &schema.to_value_schema(is_root)))
    }

    fn of(schema: &Structural, values: &Arc<ValueSchema>) -> Self {
        let declared = if schema.rules.is_empty() { None } else { Structural::self_type(values) };
        let compiled = declared.as_ref().map(|declared| compile(schema, declared)).unwrap_or_default();
        let inner = |schema: &Structural, values: Option<&Arc<ValueSchema>>| {
            let values = values.filter(|_| schema.has_rules)?;
            Some(Self::of(schema, values))
        };
        let has_types = is_declared(values);
        let properties = schema.properties.iter().filter_map(|(name, property)| {
            let of_property = values.properties.get(name);
            // What expressions cannot see has no rules, unless it is only its name that they cannot say.
            let is_seen = of_property.is_some_and(|values| is_declared(values));
            let is_nameless = cel::escape(name).is_none();
            let property = inner(property, of_property).filter(|_| is_seen && (has_types || is_nameless))?;
            Some((name.clone(), property))
        });
        let additional = match &schema.additional {
            Additional::Schema(additional) => inner(additional, values.additional.as_ref()),
            Additional::Absent | Additional::Denied | Additional::Any => None,
        };
        Self {
            properties: properties.collect(),
            items: schema
                .items
                .as_deref()
                .and_then(|items| inner(items, values.items.as_ref()))
                .map(Box::new),
            additional: additional.map(Box::new),
            is_blind: !schema.rules.is_empty() && declared.is_none(),
            rules: schema.rules.iter().cloned().zip(compiled).collect(),
            values: values.clone(),
        }
    }

    /// Adds the errors of a value by its rules and those of what is inside it, and what its writer is warned of.
    /// `schema` is the one of which this was made, `place` the path of the value, empty for a whole object. Returns
    /// what of the budget is left: less than 0 if it was not enough, so that no further rules were applied.
    pub fn apply(
        &self,
        schema: &Structural,
        value: RuledValue<'_>,
        place: &str,
        budget: i64,
        causes: &mut Causes,
        warnings: &mut Vec<String>,
    ) -> i64 {
        let RuledValue { new, old, is_ratcheted } = value;
        let ratchet = match old {
            Some(old) if is_ratcheted => Ratchet::of_update(new, old, schema),
            Some(_) | None => Ratchet::default(),
        };
        let mut run = Run { left: budget, causes, warnings };
        self.value(Ruled { schema, new, old, ratchet }, &Place::Start(place), &mut run);
        run.left
    }

    /// False if the budget was not enough. The recursion is as deep as the schema, which its parser bounds.
    fn value(&self, ruled: Ruled<'_>, place: &Place<'_>, run: &mut Run<'_>) -> bool {
        if ruled.new.is_null() {
            return true;
        }
        if !self.own_rules(&ruled, place, run) {
            run.left = -1;
            return false;
        }
        match ruled.new {
            Value::Map(_) => self.members(&ruled, place, run),
            Value::List(items) => self.list(&ruled, items, place, run),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::Json(_) => true,
        }
    }

    fn members(&self, ruled: &Ruled<'_>, place: &Place<'_>, run: &mut Run<'_>) -> bool {
        let members = || ruled.new.as_map().into_iter().flat_map(crate::value::Map::iter);
        if let (Some(validator), Additional::Schema(schema)) = (&self.additional, &ruled.schema.additional) {
            let mut each = members();
            if !each.all(|(name, member)| {
                validator.value(ruled.member(schema, name, member), &Place::Key(place, name), run)
            }) {
                return false;
            }
        }
        if self.properties.is_empty() {
            return true;
        }
        members().all(|(name, member)| {
            let known = self.properties.get(name).zip(ruled.schema.properties.get(name));
            known.is_none_or(|(validator, schema)| {
                validator.value(ruled.member(schema, name, member), &Place::Member(place, name), run)
            })
        })
    }

    fn list(&self, ruled: &Ruled<'_>, items: &[Value], place: &Place<'_>, run: &mut Run<'_>) -> bool {
        let (Some(validator), Some(schema)) = (&self.items, ruled.schema.items.as_deref()) else {
            return true;
        };
        let keys = if let ListType::Map(keys) = &ruled.schema.list { keys.as_slice() } else { &[] };
        let held = ruled.old.and_then(Value::as_list).unwrap_or_default();
        items.iter().enumerate().all(|(index, item)| {
            let old = ratchet::find(keys, held, item);
            let ruled = Ruled { schema, new: item, old, ratchet: ruled.ratchet.index(index) };
            validator.value(ruled, &Place::Index(place, index), run)
        })
    }

    /// Applies the rules of the schema itself. False if the budget was not enough.
    fn own_rules(&self, ruled: &Ruled<'_>, place: &Place<'_>, run: &mut Run<'_>) -> bool {
        if self.is_blind {
            let why =
                "rule compiler initialization error: failed to convert to declType for CEL validation rules";
            run.refuse(ruled, place, why);
            return true;
        }
        if self.rules.is_empty() {
            return true;
        }
        if run.left <= 0 {
            run.refuse(ruled, place, OUT_OF_BUDGET);
            return false;
        }
        let old = ruled.old.filter(|old| !old.is_null());
        let uses_old = self.rules.iter().any(|(_, compiled)| compiled.uses_old_self);
        let names = Names {
            own: CelValue::typed(ruled.new, &self.values),
            old: old.filter(|_| uses_old).map(|old| CelValue::typed(old, &self.values)),
        };
        self.rules.iter().all(|(rule, compiled)| {
            // A rule about changes is for what has changed.
            let is_optional = rule.optional_old_self == Some(true);
            let is_skipped = compiled.uses_old_self && old.is_none() && !is_optional;
            is_skipped || run.rule((rule, compiled), ruled, &names, place)
        })
    }
}

const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// A value on the way through an object.
#[derive(Clone, Copy)]
struct Ruled<'o> {
    schema: &'o Structural,
    new: &'o Value,
    old: Option<&'o Value>,
    ratchet: Ratchet<'o>,
}

impl<'o> Ruled<'o> {
    fn member(&self, schema: &'o Structural, name: &str, new: &'o Value) -> Self {
        let old = self.old.and_then(|old| old.field(name));
        Self { schema, new, old, ratchet: self.ratchet.key(name) }
    }

    /// The type that errors name.
    fn word(&self) -> &'static str {
        self.schema.kind.map_or("", |kind| kind.word())
    }

    /// The value that errors show; None for one that they do not.
    fn shown(&self) -> Option<&'o Value> {
        (!matches!(self.word(), "object" | "array")).then_some(self.new)
    }
}

/// What expressions can name.
struct Names {
    own: Result<CelValue, EvalError>,
    old: Option<Result<CelValue, EvalError>>,
}

impl Names {
    /// Evaluates a program, and returns what it costs too.
    fn evaluate(&self, program: &Program, is_optional: bool) -> (Result<CelValue, EvalError>, i64) {
        let old = match &self.old {
            Some(Err(_)) if program.uses("oldSelf") => self.old.clone().transpose(),
            Some(Ok(old)) if is_optional => Ok(Some(CelValue::Optional(Some(Arc::new(old.clone()))))),
            Some(Ok(old)) => Ok(Some(old.clone())),
            None if is_optional => Ok(Some(CelValue::Optional(None))),
            Some(Err(_)) | None => Ok(None),
        };
        let own = match &self.own {
            Err(_) if program.uses("self") => self.own.clone().map(Some),
            own => Ok(own.as_ref().ok().cloned()),
        };
        let (own, old) = match (own, old) {
            (Ok(own), Ok(old)) => (own, old),
            (Err(error), _) | (_, Err(error)) => return (Err(error), 0),
        };
        let named = |name: &str| match name {
            "self" => own.clone(),
            "oldSelf" => old.clone(),
            _ => None,
        };
        let evaluated = program.eval(&named, limits::CEL_CALL_COST);
        let cost = limits::CEL_CALL_COST.saturating_sub(evaluated.left);
        (evaluated.value, i64::try_from(cost).unwrap_or(i64::MAX))
    }
}

/// What goes on during an application.
struct Run<'r> {
    left: i64,
    causes: &'r mut Causes,
    warnings: &'r mut Vec<String>,
}

impl Run<'_> {
    /// Applies a rule. False if the budget was not enough.
    fn rule(
        &mut self,
        (rule, compiled): (&ValidationRule, &CompiledRule),
        ruled: &Ruled<'_>,
        names: &Names,
        place: &Place<'_>,
    ) -> bool {
        if let Some(why) = &compiled.error {
            self.refuse(ruled, place, &format!("rule compile error: {why}"));
            return true;
        }
        let Some(program) = &compiled.program else { return true };
        let (value, cost) = names.evaluate(program, rule.optional_old_self == Some(true));
        if cost > self.left {
            self.refuse(ruled, place, OUT_OF_BUDGET);
            return false;
        }
        self.left -= cost;
        let shown = if rule.message.is_empty() { rule.rule.trim() } else { rule.message.trim() };
        match value {
            Ok(CelValue::Bool(true)) => true,
            Ok(_) => self.broken((rule, compiled), ruled, names, place),
            Err(error) if error.to_string().starts_with("no such overload") => {
                let why =
                    "call arguments did not match a supported operator, function or macro signature for rule";
                self.refuse(ruled, place, &format!("'{error}': {why}: {shown}"));
                true
            }
            Err(error) if error.is_cost_exceeded() => {
                let why = "no further validation rules will be run due to call cost exceeds limit for rule";
                self.refuse(ruled, place, &format!("'{error}': {why}: {shown}"));
                false
            }
            Err(error) => {
                self.refuse(ruled, place, &format!("{error} evaluating rule: {shown}"));
                true
            }
        }
    }

    /// Adds an error that shows the type of the value.
    fn refuse(&mut self, ruled: &Ruled<'_>, place: &Place<'_>, detail: &str) {
        self.causes.invalid(place, &ruled.word().into(), detail);
    }

    /// Tells of a rule that a value breaks. False if the budget was not enough for the message.
    fn broken(
        &mut self,
        (rule, compiled): (&ValidationRule, &CompiledRule),
        ruled: &Ruled<'_>,
        names: &Names,
        place: &Place<'_>,
    ) -> bool {
        let of_field = Place::Member(place, &compiled.field_path);
        let place = if compiled.field_path.is_empty() { place } else { &of_field };
        let is_warning = !compiled.uses_old_self && ruled.ratchet.is_unchanged();
        let mut found = Causes::new();
        let mut goes_on = true;
        match self.message(rule, compiled, names) {
            Ok(message) => {
                let default = || match rule.message.trim() {
                    "" if rule.message.is_empty() => format!("failed rule: {}", rule.rule.trim()),
                    message => message.into(),
                };
                let message = message.unwrap_or_else(default);
                match rule.reason.as_str() {
                    "FieldValueForbidden" => found.forbidden(place, &message),
                    "FieldValueRequired" => found.required(place, &message),
                    "FieldValueDuplicate" => found.add(CauseType::Duplicate, place, ruled.shown(), &""),
                    _ => found.add(CauseType::Invalid, place, ruled.shown(), &message),
                }
            }
            Err(why) => {
                found.invalid(place, &ruled.word().into(), &why);
                goes_on = false;
            }
        }
        for cause in found.into_causes() {
            if !is_warning {
                self.causes.push(cause.reason, &cause.field, cause.message);
            } else if self.warnings.len() < limits::WARNINGS {
                self.warnings.push(format!("{}: {}", cause.field, cause.message));
            }
        }
        goes_on
    }

    /// The message that a rule's expression makes; None if there is none that can be shown.
    ///
    /// # Errors
    /// The budget is not enough for it.
    fn message(
        &mut self,
        rule: &ValidationRule,
        compiled: &CompiledRule,
        names: &Names,
    ) -> Result<Option<String>, String> {
        let Some(program) = &compiled.message else { return Ok(None) };
        let (value, cost) = names.evaluate(program, false);
        if cost > self.left {
            return Err("messageExpression evaluation failed due to running out of cost budget, no further validation \
                        rules will be run"
                .into());
        }
        match value {
            Err(error) if error.is_cost_exceeded() => Err(format!(
                "no further validation rules will be run due to call cost exceeds limit for messageExpression: {}",
                crate::value::quoted(&rule.message_expression)
            )),
            Ok(CelValue::Str(text)) => {
                self.left -= cost;
                let text = text.trim();
                let is_fit = !text.is_empty() && text.len() <= MESSAGE_BYTES && !text.contains('\n');
                Ok(is_fit.then(|| text.into()))
            }
            Ok(_) | Err(_) => {
                self.left -= cost;
                Ok(None)
            }
        }
    }
}

/// A place in an object. It is written out only when somebody is told of it.
enum Place<'p> {
    /// Where the walk begins; empty for the root of an object.
    Start(&'p str),
    Member(&'p Self, &'p str),
    Key(&'p Self, &'p str),
    Index(&'p Self, usize),
}

impl Place<'_> {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Start(""))
    }

    fn write(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(text) => out.write_str(text),
            Self::Member(around, name) => {
                around.write(out)?;
                out.write_str(if around.is_empty() { "" } else { "." })?;
                out.write_str(name)
            }
            Self::Key(around, name) => {
                around.write(out)?;
                write!(out, "[{name}]")
            }
            Self::Index(around, index) => {
                around.write(out)?;
                write!(out, "[{index}]")
            }
        }
    }
}

impl Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() { out.write_str("<nil>") } else { self.write(out) }
    }
}
