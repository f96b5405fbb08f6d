//! Follows a template through a value.
//! k8s: staging/src/k8s.io/client-go/util/jsonpath/jsonpath.go

use super::compare::compare;
use super::{Bound, Node, PathMatch};
use crate::limits;
use crate::value::{Map, Value};
use alloc::vec;
use alloc::vec::Vec;

/// None is a search that ends with an error.
pub(super) fn find<'v>(blocks: &'v [Node], data: &'v Value) -> Option<Vec<Vec<PathMatch<'v>>>> {
    let mut search = Search { begins: 0, inside: 0, ends: 0, last_end: None, left: limits::JSON_PATH_STEPS };
    search.blocks(blocks, 0, PathMatch::Value(data))
}

struct Search {
    /// Loops that begin with the block that is followed.
    begins: usize,
    /// Loops around it.
    inside: usize,
    /// Loops that end with it.
    ends: usize,
    /// Where the last loop ended.
    last_end: Option<usize>,
    /// How many nodes may still be followed, and values found.
    left: usize,
}

impl Search {
    /// Follows the blocks from one on. The recursion is bounded by the number of loops that may be nested.
    fn blocks<'v>(
        &mut self,
        blocks: &'v [Node],
        first: usize,
        data: PathMatch<'v>,
    ) -> Option<Vec<Vec<PathMatch<'v>>>> {
        let mut all = Vec::new();
        let mut at = first;
        while let Some(block) = blocks.get(at) {
            let found = self.walk(vec![data], block)?;
            if self.ends > 0 && self.ends <= self.inside {
                self.ends -= 1;
                self.last_end = Some(at);
                break;
            }
            if self.begins == 0 {
                all.push(found);
                at += 1;
                continue;
            }
            self.begins -= 1;
            self.inside += 1;
            if self.inside > limits::JSON_PATH_DEPTH {
                return None;
            }
            if found.is_empty() {
                // What is in the loop is followed all the same, so that its end is found.
                self.blocks(blocks, at + 1, PathMatch::Value(&Value::Null))?;
            }
            for value in found {
                all.extend(self.blocks(blocks, at + 1, value)?);
            }
            self.inside -= 1;
            at = self.last_end.filter(|end| *end > at).unwrap_or(at) + 1;
        }
        Some(all)
    }

    fn spend(&mut self, steps: usize) -> Option<()> {
        self.left = self.left.checked_sub(steps)?;
        Some(())
    }

    fn nodes<'v>(&mut self, mut found: Vec<PathMatch<'v>>, nodes: &'v [Node]) -> Option<Vec<PathMatch<'v>>> {
        for node in nodes {
            found = self.walk(found, node)?;
        }
        Some(found)
    }

    /// What a node finds in all that was found before it. The recursion is bounded by that of the parser.
    fn walk<'v>(&mut self, input: Vec<PathMatch<'v>>, node: &'v Node) -> Option<Vec<PathMatch<'v>>> {
        self.spend(1 + input.len())?;
        match node {
            Node::List(nodes) => self.nodes(input, nodes),
            Node::Literal(text @ Value::Str(_)) => Some(vec![PathMatch::Value(text)]),
            Node::Literal(literal) => Some(vec![PathMatch::Value(literal); input.len()]),
            Node::Int(number) => Some(vec![PathMatch::Int(*number); input.len()]),
            Node::Field(name) => {
                let map = |found| value(found).and_then(Value::as_map);
                let fields = input.into_iter().filter_map(|found| map(found)?.get(name));
                Some(fields.map(PathMatch::Value).collect())
            }
            Node::Slice(bounds) => self.slice(&input, bounds),
            Node::Filter { left, right, operator } => self.filter(&input, left, right, operator),
            Node::Wildcard => {
                let mut found = Vec::new();
                for one in input {
                    self.spend(len(one))?;
                    found.extend(inside(one));
                }
                Some(found)
            }
            Node::Recursive => {
                let mut found = Vec::new();
                self.descend(input, &mut found)?;
                Some(found)
            }
            Node::Union(each) => {
                let mut found = Vec::new();
                for nodes in each {
                    found.extend(self.nodes(input.clone(), nodes)?);
                }
                Some(found)
            }
            Node::Identifier(name) => match name.as_str() {
                "range" => {
                    self.begins += 1;
                    Some(input)
                }
                "end" if self.inside > 0 => {
                    self.ends += 1;
                    Some(Vec::new())
                }
                _ => None,
            },
        }
    }

    fn slice<'v>(&mut self, input: &[PathMatch<'v>], bounds: &[Bound; 3]) -> Option<Vec<PathMatch<'v>>> {
        let mut all = Vec::new();
        for one in input {
            let Some(list) = value(*one).and_then(Value::as_list) else {
                if is_null(*one) {
                    continue;
                }
                return None;
            };
            let len = i64::try_from(list.len()).ok()?;
            let from = bounds[0].at.unwrap_or(0);
            let from = if from < 0 { from + len } else { from };
            let to = bounds[1].at.unwrap_or(len);
            let to = if to < 0 || to == 0 && bounds[1].derived { to + len } else { to };
            if from == to {
                // Nothing was asked for, and nothing is found in what comes after.
                return Some(all);
            }
            if !(0..len).contains(&from) || !(0..=len).contains(&to) || from > to {
                return None;
            }
            let step = match bounds[2].at {
                None => 1,
                Some(step) => usize::try_from(step).ok().filter(|step| *step > 0)?,
            };
            let part = list.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?;
            self.spend(part.len())?;
            all.extend(part.iter().step_by(step).map(PathMatch::Value));
        }
        Some(all)
    }

    fn filter<'v>(
        &mut self,
        input: &[PathMatch<'v>],
        left: &'v [Node],
        right: &'v [Node],
        operator: &str,
    ) -> Option<Vec<PathMatch<'v>>> {
        let mut all = Vec::new();
        for one in input {
            for item in value(*one).and_then(Value::as_list)? {
                let item = PathMatch::Value(item);
                let lefts = self.nodes(vec![item], left);
                if operator.is_empty() {
                    // Of a search that failed nothing is there.
                    if lefts.is_some_and(|lefts| !lefts.is_empty()) {
                        all.push(item);
                    }
                    continue;
                }
                let Some(left) = single(&lefts?)? else { continue };
                let Some(right) = single(&self.nodes(vec![item], right)?)? else { continue };
                if compare(left, operator, right)? {
                    all.push(item);
                }
            }
        }
        Some(all)
    }

    /// Everything that holds something, and what is in it. The recursion is bounded by the depth of the value.
    fn descend<'v>(&mut self, input: Vec<PathMatch<'v>>, all: &mut Vec<PathMatch<'v>>) -> Option<()> {
        for one in input {
            self.spend(1 + len(one))?;
            let inner: Vec<PathMatch<'v>> = inside(one);
            if !inner.is_empty() {
                all.push(one);
                self.descend(inner, all)?;
            }
        }
        Some(())
    }
}

fn value(found: PathMatch<'_>) -> Option<&Value> {
    match found {
        PathMatch::Value(value) => Some(value),
        PathMatch::Int(_) | PathMatch::Byte(_) => None,
    }
}

fn is_null(found: PathMatch<'_>) -> bool {
    value(found).is_some_and(Value::is_null)
}

/// The only value; None in it if there is none. More than one cannot be compared.
fn single<'v>(found: &[PathMatch<'v>]) -> Option<Option<PathMatch<'v>>> {
    match found {
        [] => Some(None),
        [one] => Some(Some(*one)),
        _ => None,
    }
}

/// How much is in a value.
fn len(found: PathMatch<'_>) -> usize {
    match value(found) {
        Some(Value::Map(map)) => map.len(),
        Some(Value::List(items)) => items.len(),
        Some(Value::Str(text)) => text.len(),
        Some(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_)) | None => 0,
    }
}

/// The members of a map, the items of a list, the bytes of a text.
fn inside(found: PathMatch<'_>) -> Vec<PathMatch<'_>> {
    match value(found) {
        Some(Value::Map(map)) => Map::iter(map).map(|(_, member)| PathMatch::Value(member)).collect(),
        Some(Value::List(items)) => items.iter().map(PathMatch::Value).collect(),
        Some(Value::Str(text)) => text.bytes().map(PathMatch::Byte).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Json(_)) | None => {
            Vec::new()
        }
    }
}
