//! Data whose members are found by the identifiers of their names too: `a__dot__b` for `a.b`. The claims of tokens are
//! such data, since their names may be anything.
//! k8s: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc.go unescapeMapper, unescapeLister,
//! pkg/cel/lazy/lazy.go MapValue

use super::value::CelValue;
use crate::cel::decl::unescape;
use crate::value::{Finite, Map, Value};

/// A list or a map. A clone shares it.
#[derive(Clone, Debug)]
pub struct Identified {
    data: Value,
    /// It is the variable itself. There, every name is taken for an identifier.
    is_whole: bool,
}

impl Identified {
    /// The value of a variable. Its numbers have fractions, as all those of JSON have for Go.
    pub fn whole(data: &Value) -> Self {
        Self { data: with_fractions(data), is_whole: true }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(crate) fn data(&self) -> &Value {
        &self.data
    }

    /// The same without names that stand for others.
    pub(crate) fn plain(&self) -> CelValue {
        CelValue::Data(self.data.clone())
    }

    pub(crate) fn nth(&self, index: usize) -> Option<CelValue> {
        self.data.as_list()?.get(index).map(part)
    }

    /// What has this name, or the one that it stands for. Within the variable a name that stands for another one never
    /// means itself.
    pub(crate) fn find(&self, name: &str) -> Option<CelValue> {
        let members = self.data.as_map()?;
        let found = match unescape(name) {
            Some(meant) => members.get(&meant),
            None if self.is_whole => None,
            None => members.get(name),
        };
        found.map(part)
    }
}

fn part(value: &Value) -> CelValue {
    match value {
        Value::List(_) | Value::Map(_) => {
            CelValue::Identified(Identified { data: value.clone(), is_whole: false })
        }
        other => CelValue::from(other),
    }
}

/// The depth of data is bounded by its parser.
fn with_fractions(value: &Value) -> Value {
    match value {
        #[allow(clippy::cast_precision_loss, reason = "as Go does it")]
        Value::Int(number) => Finite::new(*number as f64).map_or(Value::Null, Value::Float),
        Value::List(items) => Value::list(items.iter().map(with_fractions).collect()),
        Value::Map(members) => {
            let mut made = Map::new();
            for (name, member) in members.iter() {
                made.insert(name.clone(), with_fractions(member));
            }
            Value::map(made)
        }
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::Str(_) | Value::Json(_) => value.clone(),
    }
}
