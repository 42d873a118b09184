//! What leaves more than the innermost loop: `break` and `continue` of an outer one, and `return` of a value. It is
//! remembered in variables of their own, which the loops carry; the loops around look at them.

use super::loops::Left;
use super::{Lower, Lowered, Refusal, refuse};
use crate::graph::{Form, Id, Kind, Leaf, Shape};
use crate::rules::Op;
use crate::scope::{Binding, Value};
use crate::ty::{Extent, Returned};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::{Expr, Stmt};

/// A way out of several loops.
#[derive(Clone)]
pub(super) struct WayOut {
    /// The loop that it leaves or goes on with; the function if there is none.
    label: Option<String>,
    breaks: bool,
    /// The variable that remembers that it was taken.
    flag: Ident,
    /// What the function returns.
    result: Option<Slot>,
}

/// Variables for what the function returns.
#[derive(Clone)]
enum Slot {
    One(Ident),
    Tuple(Vec<Slot>),
}

impl Slot {
    fn names(&self, into: &mut Vec<Ident>) {
        match self {
            Slot::One(name) => into.push(name.clone()),
            Slot::Tuple(parts) => parts.iter().for_each(|part| part.names(into)),
        }
    }
}

impl Lower<'_> {
    /// The variables that remember which ways out a loop has taken.
    pub(super) fn ways_out(&mut self, tokens: &TokenStream, at: &Expr) -> Lowered<Vec<WayOut>> {
        let mut found = Vec::new();
        for label in self.labels.clone() {
            for breaks in [true, false] {
                if !leaves_outer(tokens.clone(), &label, breaks) {
                    continue;
                }
                let known = self
                    .ways_out
                    .iter()
                    .find(|way| way.label.as_ref() == Some(&label) && way.breaks == breaks);
                let way = match known.cloned() {
                    Some(way) => way,
                    None => {
                        let word = if breaks { "leaves" } else { "skips" };
                        let flag = self.fresh(&format!("{word}_{label}"));
                        let no = self.truth(false);
                        self.bind_way(&flag, no);
                        let way = WayOut {
                            label: Some(label.clone()),
                            breaks,
                            flag,
                            result: None,
                        };
                        self.ways_out.push(way.clone());
                        way
                    }
                };
                found.push(way);
            }
        }
        if returns_value(tokens.clone(), self.wrapped) {
            let known = self.ways_out.iter().find(|way| way.label.is_none());
            let way = match known.cloned() {
                Some(way) => way,
                None => {
                    let flag = self.fresh("returns");
                    let no = self.truth(false);
                    self.bind_way(&flag, no);
                    let returned = self.returned.clone();
                    let result = Some(self.slot(&returned, at)?);
                    let way = WayOut {
                        label: None,
                        breaks: true,
                        flag,
                        result,
                    };
                    self.ways_out.push(way.clone());
                    way
                }
            };
            found.push(way);
        }
        Ok(found)
    }

    /// All variables of a way out.
    pub(super) fn variables_of(way: &WayOut) -> Vec<Ident> {
        let mut names = vec![way.flag.clone()];
        way.result.iter().for_each(|slot| slot.names(&mut names));
        names
    }

    fn truth(&mut self, value: bool) -> Id {
        self.graph.leaf(Leaf {
            name: quote!(#value),
            kind: Kind::BOOL,
            form: Form::Owned,
            varies: false,
        })
    }

    fn bind_way(&mut self, name: &Ident, value: Id) {
        self.scope
            .bind(Binding::active(name.clone(), Value::Node(value)));
    }

    /// Variables for a result of this type, which are zero as long as they are not read.
    fn slot(&mut self, returned: &Returned, at: &Expr) -> Lowered<Slot> {
        let zero = match returned {
            Returned::Tuple(parts) => {
                let parts = parts.iter().map(|part| self.slot(part, at));
                return parts.collect::<Lowered<Vec<Slot>>>().map(Slot::Tuple);
            }
            Returned::Value(value) => match &value.extents {
                None => self.graph.constant(0.0),
                Some((Extent::Known(rows), Extent::Known(cols))) => {
                    let kind = Kind::matrix(Shape::new(rows.clone(), cols.clone()));
                    let zero = self.graph.constant(0.0);
                    self.graph.insert(Op::Fill, vec![zero], kind)
                }
                Some(_) => return self.no_slot(at),
            },
            _ => return self.no_slot(at),
        };
        let name = self.fresh("returned");
        self.bind_way(&name, zero);
        Ok(Slot::One(name))
    }

    fn no_slot<T>(&self, at: &Expr) -> Lowered<T> {
        refuse(
            at,
            "`return` inside of a loop is understood for numbers and matrices of known size only\nhelp: assign the value to a variable, and leave the loop with `break`",
        )
    }

    /// `break 'outer`, `continue 'outer`
    pub(super) fn leave_outer(&mut self, label: &str, breaks: bool) -> Lowered<()> {
        let known = self
            .ways_out
            .iter()
            .find(|way| way.label.as_deref() == Some(label) && way.breaks == breaks);
        let Some(flag) = known.map(|way| way.flag.clone()) else {
            return Err(Refusal(None));
        };
        let yes = self.truth(true);
        self.assign(&flag, Value::Node(yes));
        Ok(())
    }

    /// `return value` inside of a loop.
    pub(super) fn return_from_loop(&mut self, value: &Expr, at: &Expr) -> Lowered<Value> {
        let known = self.ways_out.iter().find(|way| way.label.is_none());
        let Some(WayOut {
            flag,
            result: Some(slot),
            ..
        }) = known.cloned()
        else {
            return self.no_slot(at);
        };
        let returned = match (self.expr(value)?, self.wrapped) {
            (Value::Wrapped(value), true) => *value,
            (value, false) => value,
            _ => {
                return refuse(
                    at,
                    "it cannot be seen whether this is `Some` or `None`, `Ok` or `Err`\nhelp: write `return Some(…)` or `return Ok(…)`",
                );
            }
        };
        self.keep_returned(&slot, returned, value)?;
        let yes = self.truth(true);
        self.assign(&flag, Value::Node(yes));
        self.set_exits(Some((Left::Always, Left::Always)));
        Ok(Value::Unit)
    }

    fn keep_returned(&mut self, slot: &Slot, value: Value, at: &Expr) -> Lowered<()> {
        match (slot, value) {
            (Slot::Tuple(slots), Value::Tuple(values)) if slots.len() == values.len() => slots
                .iter()
                .zip(values)
                .try_for_each(|(slot, value)| self.keep_returned(slot, value, at)),
            (Slot::One(name), value) => {
                let known = self.variable(name, at)?;
                let Value::Node(known) = known else {
                    return Err(Refusal(None));
                };
                let kind = self.graph.kind(known);
                let id = self.node(&value, at, &kind)?;
                self.same_kind(id, &kind, at)?;
                self.assign(name, Value::Node(id));
                Ok(())
            }
            _ => self.no_slot(at),
        }
    }

    /// After a loop: the ways out that it may have taken leave the loop around as well, or the function.
    pub(super) fn look_at(&mut self, ways: &[WayOut]) {
        for way in ways {
            let taken = match self.scope.get(&way.flag.to_string()).map(|b| &b.value) {
                Some(Value::Node(id)) if self.graph.leaf_of(*id).is_none() => *id,
                _ => continue,
            };
            if self.is_in_loop() {
                let here = self.has_label(way.label.as_deref());
                let skips = here && !way.breaks;
                let broken = if skips { Left::Never } else { Left::If(taken) };
                self.leave_also((broken, Left::If(taken)));
            } else if let Some(slot) = &way.result {
                let value = self.returned_in(slot);
                self.pending_return = Some((taken, value));
            }
        }
    }

    fn returned_in(&self, slot: &Slot) -> Value {
        match slot {
            Slot::Tuple(parts) => Value::Tuple(parts.iter().map(|p| self.returned_in(p)).collect()),
            Slot::One(name) => {
                let binding = self.scope.get(&name.to_string());
                binding.map_or(Value::Poison, |b| b.value.clone())
            }
        }
    }

    /// The statements after a loop that may have returned a value.
    pub(super) fn unless_returned(
        &mut self,
        (taken, value): (Id, Value),
        stmt: &Stmt,
        rest: &[Stmt],
        tail: bool,
    ) -> Lowered<Value> {
        if !tail {
            return refuse(
                stmt,
                "this loop may return from the function, but is not among the statements of the function itself\nhelp: assign the value to a variable, leave the loop with `break`, and return it at the end",
            );
        }
        let value = if self.wrapped {
            Value::Wrapped(Box::new(value))
        } else {
            value
        };
        let at: Expr = syn::parse_quote!({ #stmt });
        self.fork(
            (&Value::Node(taken), taken),
            [false; 2],
            &at,
            |_| Ok(value),
            |lower| {
                lower.tail = true;
                lower.statements(rest)
            },
        )
    }
}

/// Whether the tokens contain `break 'label` or `continue 'label`.
fn leaves_outer(tokens: TokenStream, label: &str, breaks: bool) -> bool {
    let word = if breaks { "break" } else { "continue" };
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    trees.iter().enumerate().any(|(i, tree)| match tree {
        TokenTree::Ident(ident) if *ident == word => {
            let quote =
                matches!(trees.get(i + 1), Some(TokenTree::Punct(p)) if p.as_char() == '\'');
            quote && matches!(trees.get(i + 2), Some(TokenTree::Ident(name)) if *name == label)
        }
        TokenTree::Group(group) => leaves_outer(group.stream(), label, breaks),
        _ => false,
    })
}

/// Whether the tokens contain a `return` of a value; one of `None` or `Err(…)` leaves every companion as it is.
pub(super) fn returns_value(tokens: TokenStream, wrapped: bool) -> bool {
    value_returned(tokens, wrapped).is_some()
}

/// The first `return` of a value.
pub(super) fn value_returned(tokens: TokenStream, wrapped: bool) -> Option<TokenTree> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    trees.iter().enumerate().find_map(|(i, tree)| match tree {
        TokenTree::Ident(ident) if *ident == "return" => {
            let none = matches!(trees.get(i + 1), Some(TokenTree::Ident(next)) if *next == "None" || *next == "Err");
            (!(wrapped && none)).then(|| tree.clone())
        }
        TokenTree::Group(group) => value_returned(group.stream(), wrapped),
        _ => None,
    })
}
