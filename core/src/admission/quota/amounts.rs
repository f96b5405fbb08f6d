//! Amounts of resources by name, and the arithmetic of quotas with them.
//! k8s: staging/src/k8s.io/apiserver/pkg/quota/v1/resources.go

use crate::value::quantity::Quantity;
use crate::value::{Map, Text, Value};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// How much of each resource, by its name.
#[derive(Clone, Debug, Default)]
pub struct Amounts(BTreeMap<Text, Quantity>);

impl Amounts {
    /// Those of an object's field. What is no quantity is left out: validation refuses it elsewhere.
    pub fn read(value: Option<&Value>) -> Self {
        let entries = value.and_then(Value::as_map).into_iter().flat_map(Map::iter);
        Self(
            entries
                .filter_map(|(name, held)| Some((name.clone(), Quantity::from_value(held).ok()?)))
                .collect(),
        )
    }

    /// As a field of an object.
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (name, amount) in &self.0 {
            map.insert(name.clone(), Value::Str(amount.canonical()));
        }
        Value::map(map)
    }

    pub fn get(&self, name: &str) -> Option<&Quantity> {
        self.0.get(name)
    }

    pub fn set(&mut self, name: impl Into<Text>, amount: Quantity) {
        self.0.insert(name.into(), amount);
    }

    pub fn names(&self) -> impl Iterator<Item = &Text> {
        self.0.keys()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Quantity)> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds to one of them. A sum beyond what a quantity can hold is the larger of the two, which no limit allows
    /// anyway.
    pub fn add_to(&mut self, name: impl Into<Text>, amount: &Quantity) {
        match self.0.entry(name.into()) {
            Entry::Vacant(vacant) => {
                vacant.insert(amount.clone());
            }
            Entry::Occupied(mut held) => {
                let sum = held.get().add(amount).unwrap_or_else(|| larger(held.get(), amount).clone());
                held.insert(sum);
            }
        }
    }

    pub fn add(&mut self, others: &Self) {
        for (name, amount) in &others.0 {
            self.add_to(name.clone(), amount);
        }
    }

    /// Raises each to at least that of the others.
    pub fn raise(&mut self, others: &Self) {
        for (name, amount) in &others.0 {
            let is_less = |held: &Quantity| held.compare(amount) == Ordering::Less;
            if self.0.get(name).is_none_or(is_less) {
                self.0.insert(name.clone(), amount.clone());
            }
        }
    }

    /// By how much each grows from what it was before; zero where it does not.
    #[must_use]
    pub fn growth_from(&self, before: &Self) -> Self {
        let grown = |(name, amount): (&Text, &Quantity)| {
            let difference = match before.get(name) {
                Some(held) => amount.sub(held).unwrap_or_else(|| amount.clone()),
                None => amount.clone(),
            };
            let grown = if difference.signum() > 0 { difference } else { Quantity::ZERO };
            (name.clone(), grown)
        };
        Self(self.0.iter().map(grown).collect())
    }

    /// Those with names that are wanted.
    #[must_use]
    pub fn only(&self, mut wanted: impl FnMut(&str) -> bool) -> Self {
        let held = self.0.iter().filter(|(name, _)| wanted(name));
        Self(held.map(|(name, amount)| (name.clone(), amount.clone())).collect())
    }

    #[must_use]
    pub fn without_zeros(&self) -> Self {
        let held = self.0.iter().filter(|(_, amount)| !amount.is_zero());
        Self(held.map(|(name, amount)| (name.clone(), amount.clone())).collect())
    }

    /// The names of those that are below zero.
    pub fn negative(&self) -> Vec<&Text> {
        self.0.iter().filter(|(_, amount)| amount.signum() < 0).map(|(name, _)| name).collect()
    }

    /// The names of those that are more than a limit allows.
    pub fn beyond(&self, limits: &Self) -> Vec<Text> {
        let exceeds = |(name, amount): &(&Text, &Quantity)| {
            limits.get(name).is_some_and(|limit| amount.compare(limit) == Ordering::Greater)
        };
        self.0.iter().filter(exceeds).map(|(name, _)| name.clone()).collect()
    }

    /// Whether both hold the same names with equal amounts.
    pub fn is_same(&self, other: &Self) -> bool {
        let alike = |((name, amount), (of, than)): ((&Text, &Quantity), (&Text, &Quantity))| {
            name == of && amount.compare(than) == Ordering::Equal
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(alike)
    }

    /// As messages show them: in the order of their names.
    pub fn shown(&self) -> String {
        let parts: Vec<_> =
            self.0.iter().map(|(name, amount)| format!("{name}={}", amount.canonical())).collect();
        parts.join(",")
    }
}

fn larger<'a>(left: &'a Quantity, right: &'a Quantity) -> &'a Quantity {
    if left.compare(right) == Ordering::Less { right } else { left }
}
