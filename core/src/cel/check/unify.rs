//! Which types agree, and what the types that are being found out become by that.
//! cel-go: checker/types.go, checker/mapping.go

use super::types::CelType;
use alloc::vec::Vec;

/// What is known of the types that are being found out.
#[derive(Debug, Default)]
pub(super) struct Mapping {
    found: Vec<Option<CelType>>,
    /// What was known before, to go back to it when types do not agree after all.
    undo: Vec<(u32, Option<CelType>)>,
}

impl Mapping {
    /// A type of which nothing is known.
    pub(super) fn fresh(&mut self) -> CelType {
        let number = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        self.found.push(None);
        CelType::Var(number)
    }

    fn find(&self, variable: u32) -> Option<&CelType> {
        self.found.get(variable as usize)?.as_ref()
    }

    fn set(&mut self, variable: u32, to: CelType) {
        if let Some(held) = self.found.get_mut(variable as usize) {
            self.undo.push((variable, held.replace(to)));
        }
    }

    /// Whether all types of one list can be used for those of the other. If not, nothing is found out by asking.
    pub(super) fn all_assignable<'a>(
        &mut self,
        pairs: impl IntoIterator<Item = (&'a CelType, &'a CelType)>,
    ) -> bool {
        self.undo.clear();
        let agree = pairs.into_iter().all(|(one, other)| self.assignable(one, other));
        if !agree {
            for (variable, before) in core::mem::take(&mut self.undo).into_iter().rev() {
                if let Some(held) = self.found.get_mut(variable as usize) {
                    *held = before;
                }
            }
        }
        agree
    }

    fn assignable(&mut self, one: &CelType, other: &CelType) -> bool {
        use CelType as T;
        if let T::Var(variable) = other {
            let (valid, has) = self.substitutes(one, *variable, other);
            if valid || has {
                return valid;
            }
        }
        if let T::Var(variable) = one {
            return self.substitutes(other, *variable, one).0;
        }
        match (one, other) {
            (T::Dyn | T::Error, _) | (_, T::Dyn | T::Error) | (T::Type(_), T::Type(_)) => true,
            (T::Null, held) | (held, T::Null) => {
                matches!(held, T::Null | T::Opaque(..) | T::Object(_) | T::Timestamp | T::Duration)
            }
            (T::List(one), T::List(other)) => self.assignable(one, other),
            (T::Map(key, value), T::Map(other_key, other_value)) => {
                self.assignable(key, other_key) && self.assignable(value, other_value)
            }
            (T::Opaque(name, params), T::Opaque(other_name, other_params)) => {
                name == other_name
                    && params.len() == other_params.len()
                    && params.iter().zip(other_params.iter()).all(|(one, other)| self.assignable(one, other))
            }
            (_, _) => one == other,
        }
    }

    /// Whether a type can be what is being found out, and whether that is known already.
    fn substitutes(&mut self, one: &CelType, variable: u32, held: &CelType) -> (bool, bool) {
        if one == held {
            return (true, true);
        }
        if let Some(known) = self.find(variable).cloned() {
            if *one == known {
                return (true, true);
            }
            if self.assignable(one, &known) {
                let general = most_general(one, &known);
                if self.is_free_of(held, general) {
                    self.set(variable, general.clone());
                }
                return (true, true);
            }
            return (false, true);
        }
        if self.is_free_of(held, one) {
            self.set(variable, one.clone());
            return (true, false);
        }
        (false, false)
    }

    /// Whether a type does not occur within another one.
    fn is_free_of(&self, held: &CelType, within: &CelType) -> bool {
        if held == within {
            return false;
        }
        match within {
            CelType::Var(variable) => self.find(*variable).is_none_or(|known| self.is_free_of(held, known)),
            _ => within.parameters().into_iter().all(|part| self.is_free_of(held, part)),
        }
    }

    /// A type with what is known of its parts. What is not known becomes dynamic if it has to be known.
    pub(super) fn substitute(&self, held: &CelType, to_dyn: bool) -> CelType {
        match held {
            CelType::Var(variable) => match self.find(*variable) {
                Some(known) => self.substitute(known, to_dyn),
                None if to_dyn => CelType::Dyn,
                None => held.clone(),
            },
            CelType::Param(_) if to_dyn => CelType::Dyn,
            _ => held.with(|part| self.substitute(part, to_dyn)),
        }
    }
}

/// The one of two types that agree which allows more.
pub(super) fn most_general<'a>(one: &'a CelType, other: &'a CelType) -> &'a CelType {
    if is_equal_or_less_specific(one, other) { one } else { other }
}

fn is_equal_or_less_specific(one: &CelType, other: &CelType) -> bool {
    use CelType as T;
    match (one, other) {
        (T::Dyn | T::Var(_) | T::Param(_), _) | (T::Type(_), T::Type(_)) => true,
        (_, T::Dyn | T::Var(_) | T::Param(_)) => false,
        (T::List(one), T::List(other)) => is_equal_or_less_specific(one, other),
        (T::Map(key, value), T::Map(other_key, other_value)) => {
            is_equal_or_less_specific(key, other_key) && is_equal_or_less_specific(value, other_value)
        }
        (T::Opaque(name, params), T::Opaque(other_name, other_params)) => {
            name == other_name
                && params.len() == other_params.len()
                && params
                    .iter()
                    .zip(other_params.iter())
                    .all(|(one, other)| is_equal_or_less_specific(one, other))
        }
        (_, _) => one == other,
    }
}
