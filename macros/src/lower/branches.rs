//! `if … else`, and the closures of elementwise methods.

use super::lists_of_records::apart;
use super::loops::Left;
use super::matching::{Body, conjuncts};
use super::{Lower, Lowered, Refusal, refuse};
use crate::error::text;
use crate::graph::{
    Dim, Elem, Form, Gives, Graph, Guard, Id, Kind, Leaf, Outcome, Placed, Shape, Step,
};
use crate::rules::{Op, Panic, Scalar};
use crate::scope::{Binding, Geometric, Hint, Inert, Made, Value, control_flow};
use crate::ty::{Extent, Returned};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::collections::HashMap;
use syn::{Expr, Stmt};

/// What a side of a branch has done.
pub(super) struct Side {
    pub taken: bool,
    /// Whether it never comes to an end.
    pub diverges: bool,
    /// The variables that it has assigned, as they are at its end.
    pub assigned: HashMap<String, Binding>,
    pub steps: Vec<Placed>,
}

impl Lower<'_> {
    pub(super) fn branch(&mut self, branch: &syn::ExprIf, expr: &Expr) -> Lowered<Value> {
        let tail = std::mem::take(&mut self.tail);
        let nothing: Expr = syn::parse_quote!({});
        let otherwise = match &branch.else_branch {
            Some((_, otherwise)) => &**otherwise,
            None => {
                let leaves = control_flow(branch.then_branch.to_token_stream(), false);
                // A loop remembers that it is left.
                if let (Some((found, what)), false) = (leaves, self.is_in_loop()) {
                    return refuse(
                        found,
                        format!(
                            "{what} is not supported here yet\nhelp: make the rest of the function the other side of an `if … {{ … }} else {{ … }}`"
                        ),
                    );
                }
                &nothing
            }
        };
        let mut conds = Vec::new();
        conjuncts(&branch.cond, &mut conds);
        if conds.iter().any(|c| matches!(c, Expr::Let(_))) {
            self.tail = tail;
            let (then, otherwise) = (
                Body::Block(&branch.then_branch),
                match &branch.else_branch {
                    Some((_, otherwise)) => Body::Expr(otherwise),
                    None => Body::Nothing,
                },
            );
            return self.chain(&conds, &then, &otherwise, expr);
        }
        let read = self.expr(&branch.cond);
        let read = read.and_then(|value| Ok((self.condition_of(&value, &branch.cond)?, value)));
        let (cond, cond_value) = match read {
            Ok(read) => read,
            Err(refusal) => {
                self.seek_options(|lower| {
                    let _ = lower.block(&branch.then_branch);
                    let _ = lower.expr(otherwise);
                });
                return Err(refusal);
            }
        };
        let otherwise_block;
        let otherwise = match otherwise {
            Expr::Block(block) => &block.block,
            other => {
                otherwise_block = syn::Block {
                    brace_token: branch.then_branch.brace_token,
                    stmts: vec![Stmt::Expr(other.clone(), None)],
                };
                &otherwise_block
            }
        };
        self.tail = tail;
        let leaves = [
            self.is_left(branch.then_branch.stmts.last()),
            self.is_left(otherwise.stmts.last()),
        ];
        self.fork(
            (&cond_value, cond),
            leaves,
            expr,
            |lower| lower.block(&branch.then_branch),
            |lower| lower.block(otherwise),
        )
    }

    /// The node of a condition.
    pub(super) fn condition_of(&mut self, value: &Value, at: &dyn ToTokens) -> Lowered<Id> {
        let cond = self.node(value, at, &Kind::BOOL)?;
        if self.graph.kind(cond).elem != Elem::Bool {
            return refuse(
                at.to_token_stream(),
                format!("`{}` is not a condition", text(at.to_token_stream())),
            );
        }
        Ok(cond)
    }

    /// Both sides of a branch, and what comes out of it: its value, and that of each variable assigned on a side.
    pub(super) fn fork(
        &mut self,
        (cond_value, cond): (&Value, Id),
        leaves: [bool; 2],
        expr: &Expr,
        then: impl FnOnce(&mut Self) -> Lowered<Value>,
        otherwise: impl FnOnce(&mut Self) -> Lowered<Value>,
    ) -> Lowered<Value> {
        if self.graph.op(cond) == Op::Not && self.is_attempt(self.graph.args(cond)[0]) {
            // What was attempted is there where it has not failed.
            let some = self.graph.args(cond)[0];
            return self.fork_on(
                (&Value::Node(some), some),
                [false; 2],
                expr,
                otherwise,
                then,
            );
        }
        let leaves = if self.is_attempt(cond) {
            [false; 2]
        } else {
            leaves
        };
        self.fork_on((cond_value, cond), leaves, expr, then, otherwise)
    }

    fn fork_on(
        &mut self,
        (cond_value, cond): (&Value, Id),
        leaves: [bool; 2],
        expr: &Expr,
        then: impl FnOnce(&mut Self) -> Lowered<Value>,
        otherwise: impl FnOnce(&mut Self) -> Lowered<Value>,
    ) -> Lowered<Value> {
        let tail = self.tail;
        if let Some(taken) = self.known(cond) {
            return match if taken { then(self) } else { otherwise(self) }? {
                Value::Inert(none) if is_none(&none) => Ok(Value::Wrapped(Box::new(Value::Never))),
                value => self.end_of_side(value),
            };
        }
        if self.closures == 0 && leaves[0] != leaves[1] {
            // What comes after a side that never ends is no longer a side.
            if leaves[0] {
                self.leave_on(cond, true, then)?;
                self.tail = tail;
                return otherwise(self);
            }
            self.leave_on(cond, false, otherwise)?;
            self.tail = tail;
            return then(self);
        }
        let exits = self.exits();
        let (then, mut then_side) = self.side(cond, true, then);
        let left_then = self.exits();
        self.set_exits(exits);
        self.tail = tail;
        let (otherwise, mut otherwise_side) = self.side(cond, false, otherwise);
        let left_otherwise = self.exits();
        self.merge_exits(cond, left_then, left_otherwise);
        self.tail = false;
        let value = match (then, otherwise) {
            (Ok(mut a), Ok(mut b)) => {
                if is_option(&a) || is_option(&b) {
                    (a, b) = (self.some_of_inert(a), self.some_of_inert(b));
                }
                let a = self.pin_side(a, &b, (cond, true), &mut then_side.steps, expr)?;
                let b = self.pin_side(b, &a, (cond, false), &mut otherwise_side.steps, expr)?;
                self.choose(cond_value, cond, a, b, expr)
            }
            (Err(a), Err(Refusal(Some(b)))) => {
                self.errors.add(b);
                Err(a)
            }
            (Err(a), _) => Err(a),
            (_, Err(b)) => Err(b),
        }?;
        let sides = [&then_side, &otherwise_side];
        let mut names: Vec<String> = sides
            .iter()
            .filter(|side| !side.diverges)
            .flat_map(|side| side.assigned.keys().cloned())
            .collect();
        names.sort();
        names.dedup();
        let mut assigned = Vec::new();
        for name in names {
            assigned.push(self.assigned_in(
                (cond_value, cond),
                &name,
                [&mut then_side, &mut otherwise_side],
                expr,
            )?);
        }
        let (then, otherwise) = (then_side.steps, otherwise_side.steps);
        if self.graph.kind(cond).shape.is_some() {
            // On the side of some entries: what is pinned there is pinned before the pass.
            if let Some(steps) = self.steps.last_mut() {
                steps.extend(then.into_iter().chain(otherwise));
            }
            return Ok(value);
        }
        if !then.is_empty() || !otherwise.is_empty() {
            // What happens on the sides happens whatever the value is, and whoever reads it.
            let (one, zero) = (self.graph.constant(1.0), self.graph.constant(0.0));
            let select = self
                .graph
                .insert_apart(Op::Select, vec![cond, one, zero], Kind::SCALAR);
            let mut values = Vec::new();
            for value in assigned.iter().chain([&value]) {
                selects(&self.graph, value, cond, &mut values);
            }
            self.place(Step::Branch {
                select,
                values,
                then,
                otherwise,
            });
        }
        Ok(value)
    }

    /// On a side of a branch on this very condition it is known.
    pub(super) fn known(&self, cond: Id) -> Option<bool> {
        if self.graph.op(cond) == Op::Not {
            return self.known(self.graph.args(cond)[0]).map(|taken| !taken);
        }
        let guards = self.graph.guards.borrow();
        guards.iter().find_map(|g| match self.graph.op(g.cond) {
            _ if g.cond == cond => Some(g.side),
            Op::Not if self.graph.args(g.cond)[0] == cond => Some(!g.side),
            _ => None,
        })
    }

    /// A side that panics or leaves the function: what happens on it happens here.
    fn leave_on(
        &mut self,
        cond: Id,
        taken: bool,
        read: impl FnOnce(&mut Self) -> Lowered<Value>,
    ) -> Lowered<()> {
        let (value, side) = self.side(cond, taken, read);
        value?;
        self.place_side(cond, taken, side.steps);
        Ok(())
    }

    /// What happens on one side of a branch.
    pub(super) fn place_side(&mut self, cond: Id, taken: bool, steps: Vec<Placed>) {
        let (one, zero) = (self.graph.constant(1.0), self.graph.constant(0.0));
        let select = self
            .graph
            .insert_apart(Op::Select, vec![cond, one, zero], Kind::SCALAR);
        let (then, otherwise) = if taken {
            (steps, Vec::new())
        } else {
            (Vec::new(), steps)
        };
        self.place(Step::Branch {
            select,
            values: Vec::new(),
            then,
            otherwise,
        });
    }

    pub(super) fn side(
        &mut self,
        cond: Id,
        taken: bool,
        read: impl FnOnce(&mut Self) -> Lowered<Value>,
    ) -> (Lowered<Value>, Side) {
        self.steps.push(Vec::new());
        self.graph
            .guards
            .borrow_mut()
            .push(Guard { cond, side: taken });
        self.scope.enter_side();
        let pins = self.pins.len();
        let value = read(self);
        let value = value.and_then(|value| self.end_of_side(value));
        self.pins.truncate(pins);
        let assigned = self.scope.leave_side();
        self.graph.guards.borrow_mut().pop();
        let side = Side {
            taken,
            diverges: matches!(value, Ok(Value::Never)),
            assigned,
            steps: self.steps.pop().unwrap_or_default(),
        };
        (value, side)
    }

    /// A side may end in a geometric value that is inert.
    fn end_of_side(&mut self, value: Value) -> Lowered<Value> {
        match value {
            // The coordinates of a variable are read before the branch.
            Value::Inert(inert) if inert.pure && matches!(inert.hint, Hint::Geometric { .. }) => {
                Ok(Value::Inert(inert))
            }
            Value::Inert(inert) if matches!(inert.hint, Hint::Geometric { .. }) => {
                let value = Value::Inert(inert);
                Ok(self.geometric(&value)?.map_or(value, Value::Geometric))
            }
            other => Ok(other),
        }
    }

    /// A side may end in numbers or names of unknown type: those of the other side tell it. They are read at the end
    /// of their side.
    fn pin_side(
        &mut self,
        value: Value,
        other: &Value,
        (cond, side): (Id, bool),
        steps: &mut Vec<Placed>,
        at: &Expr,
    ) -> Lowered<Value> {
        match (value, other) {
            // The other side tells that it is an `Option`.
            (Value::Called(call, part), other)
                if part.is_empty() && self.is_there_or_not(other) && !self.is_looked_at(call) =>
            {
                self.graph.guards.borrow_mut().push(Guard { cond, side });
                self.steps.push(std::mem::take(steps));
                let maybe = self.maybe_of_call(call, Gives::Option, at);
                *steps = self.steps.pop().unwrap_or_default();
                self.graph.guards.borrow_mut().pop();
                maybe.map(Value::Maybe)
            }
            (Value::Inert(inert), other)
                if is_list(other)
                    && let Some(entries) = written_list(&inert) =>
            {
                let pins = self.pins.len();
                self.graph.guards.borrow_mut().push(Guard { cond, side });
                self.steps.push(std::mem::take(steps));
                let list = self.list_of(&entries.iter().collect::<Vec<_>>());
                *steps = self.steps.pop().unwrap_or_default();
                self.graph.guards.borrow_mut().pop();
                self.pins.truncate(pins);
                list
            }
            (Value::Inert(inert), other) if is_list(other) => refuse(
                inert.tokens,
                "this branch gives one of two lists, and what is in this one, which carries no derivative, cannot be followed\nhelp: make it with `vec![…]` or `collect`, or push to a list in the branch",
            ),
            (Value::Inert(inert), _)
                if inert.hint != Hint::Int
                    && !is_none(&inert)
                    && !matches!(inert.hint, Hint::Geometric { .. }) =>
            {
                let kind = match (&inert.hint, other) {
                    (Hint::Bool, _) => Kind::BOOL,
                    (Hint::Matrix(shape), _) => Kind::matrix(shape.clone()),
                    (Hint::Real, _) => Kind::SCALAR,
                    (_, Value::Node(id) | Value::Entry(id)) => self.graph.kind(*id),
                    _ => Kind::SCALAR,
                };
                let pins = self.pins.len();
                self.graph.guards.borrow_mut().push(Guard { cond, side });
                self.steps.push(std::mem::take(steps));
                let id = self.pin(&inert, kind);
                *steps = self.steps.pop().unwrap_or_default();
                self.graph.guards.borrow_mut().pop();
                self.pins.truncate(pins);
                id.map(Value::Node)
            }
            (Value::Tuple(values), Value::Tuple(others)) if values.len() == others.len() => {
                let values: Lowered<Vec<Value>> = values
                    .into_iter()
                    .zip(others)
                    .map(|(value, other)| self.pin_side(value, other, (cond, side), steps, at))
                    .collect();
                values.map(Value::Tuple)
            }
            (Value::Record(fields), Value::Record(others)) => {
                let mut pinned = Vec::new();
                for (name, value) in fields {
                    let other = others.iter().find(|(own, _)| *own == name);
                    let other = other.map_or(&Value::Unit, |(_, other)| other);
                    let value = self.pin_side(value, other, (cond, side), steps, at)?;
                    pinned.push((name, value));
                }
                Ok(Value::Record(pinned))
            }
            (Value::List(values), Value::List(others)) if values.len() == others.len() => {
                let both = values.into_iter().zip(others);
                let values =
                    both.map(|(value, other)| self.pin_side(value, other, (cond, side), steps, at));
                values.collect::<Lowered<Vec<Value>>>().map(Value::List)
            }
            (Value::Wrapped(value), Value::Wrapped(other)) => {
                let value = self.pin_side(*value, other, (cond, side), steps, at)?;
                Ok(Value::Wrapped(Box::new(value)))
            }
            (Value::Wrapped(value), other) => {
                let other = match other {
                    Value::Maybe(maybe) => &maybe.value,
                    other => other,
                };
                let value = self.pin_side(*value, other, (cond, side), steps, at)?;
                Ok(Value::Wrapped(Box::new(value)))
            }
            (value, _) => Ok(value),
        }
    }

    /// Whether a value is known to be an `Option`.
    fn is_there_or_not(&self, value: &Value) -> bool {
        match value {
            Value::Inert(inert) => is_none(inert),
            Value::Called(call, part) => part.is_empty() && self.is_looked_at(*call),
            value => is_option(value),
        }
    }

    /// `Some(e)` that carries no derivative, beside one that does.
    pub(super) fn some_of_inert(&mut self, value: Value) -> Value {
        let Value::Inert(inert) = &value else {
            return value;
        };
        let mut expr = syn::parse2::<Expr>(inert.tokens.clone());
        while let Ok(Expr::Block(block)) = &expr
            && let [Stmt::Expr(only, None)] = &block.block.stmts[..]
        {
            expr = Ok(only.clone());
        }
        let Ok(Expr::Call(call)) = expr else {
            return value;
        };
        let plain = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some") || path.path.is_ident("Ok"));
        let (true, 1) = (plain, call.args.len()) else {
            return value;
        };
        let inner = match &call.args[0] {
            Expr::Lit(lit) => self.literal(lit, &call.args[0]).ok(),
            _ => None,
        };
        Value::Wrapped(Box::new(inner.unwrap_or_else(|| {
            Value::Inert(Inert {
                tokens: call.args[0].to_token_stream(),
                hint: crate::scope::Hint::Unknown,
                leaf: None,
                ..inert.clone()
            })
        })))
    }

    /// One of two `Option`s.
    pub(super) fn choose_option(
        &mut self,
        cond_value: &Value,
        cond: Id,
        a: Value,
        b: Value,
        expr: &Expr,
    ) -> Lowered<Value> {
        let mut somes = Vec::new();
        let mut values = Vec::new();
        for value in [a, b] {
            let (some, value) = match value {
                Value::Wrapped(value) if matches!(*value, Value::Never) => {
                    (Left::Never, Value::Never)
                }
                Value::Wrapped(value) => (Left::Always, *value),
                Value::Maybe(maybe) => {
                    let some = maybe.some;
                    let value = self.joined_value(some, *maybe.value, expr)?;
                    (Left::If(some), value)
                }
                _ => (Left::Never, Value::Never),
            };
            somes.push(some);
            values.push(value);
        }
        let some = self.either(cond, somes[0], somes[1]);
        let (Some(mut b), Some(mut a)) = (values.pop(), values.pop()) else {
            return Err(Refusal(None));
        };
        if let Value::Never = a {
            a = self.in_place_of_none(&b, expr)?;
        }
        if let Value::Never = b {
            b = self.in_place_of_none(&a, expr)?;
        }
        let value = self.choose(cond_value, cond, a, b, expr)?;
        match some {
            Left::If(some) => self.some_on(some, true, value, expr),
            _ => Ok(Value::Wrapped(Box::new(value))),
        }
    }

    /// What is there on a side only, as a value that is there on both.
    pub(super) fn joined_value(&mut self, some: Id, value: Value, expr: &Expr) -> Lowered<Value> {
        let guard = Guard {
            cond: some,
            side: true,
        };
        self.there_or_zero(guard, value, expr)
    }

    /// The same of a value that is there on this side of a branch.
    pub(super) fn there_or_zero(
        &mut self,
        Guard { cond, side }: Guard,
        value: Value,
        expr: &Expr,
    ) -> Lowered<Value> {
        let none = self.in_place_of_none(&value, expr)?;
        let (a, b) = if side { (value, none) } else { (none, value) };
        self.choose(&Value::Node(cond), cond, a, b, expr)
    }

    /// What stands for the value of `None`: it is computed, and nobody reads it.
    pub(super) fn in_place_of_none(&mut self, value: &Value, expr: &Expr) -> Lowered<Value> {
        match value {
            Value::Tuple(parts) => {
                let parts = parts.iter().map(|part| self.in_place_of_none(part, expr));
                parts.collect::<Lowered<Vec<Value>>>().map(Value::Tuple)
            }
            Value::Record(fields) => {
                let fields = fields.iter().map(|(name, field)| {
                    let none = self.in_place_of_none(field, expr)?;
                    Ok((name.clone(), none))
                });
                fields.collect::<Lowered<Vec<_>>>().map(Value::Record)
            }
            Value::Inert(inert) if inert.hint == Hint::Int && inert.pure => {
                Ok(self.inert_value(&syn::parse_quote!(0), Hint::Int))
            }
            Value::Inert(_) | Value::Called(..) => Ok(Value::Node(self.graph.constant(0.0))),
            Value::Node(id) => {
                let (zero, kind) = (self.graph.constant(0.0), self.graph.kind(*id));
                if kind == Kind::SCALAR {
                    return Ok(Value::Node(zero));
                }
                let (Elem::Real, Some(shape)) = (kind.elem, &kind.shape) else {
                    return self.no_option(expr);
                };
                let kind = Kind::matrix(self.without_entries(shape));
                Ok(Value::Node(self.graph.insert(Op::Fill, vec![zero], kind)))
            }
            _ => self.no_option(expr),
        }
    }

    fn no_option<T>(&self, expr: &Expr) -> Lowered<T> {
        refuse(
            expr,
            "this `Option` is understood of numbers, and of matrices of known size\nhelp: tell the cases apart with `if let` or `match`, and compute there",
        )
    }

    pub(super) fn choose(
        &mut self,
        cond_value: &Value,
        cond: Id,
        a: Value,
        b: Value,
        expr: &Expr,
    ) -> Lowered<Value> {
        let whole = self.graph.shape(cond).is_none();
        let (mut a, mut b) = (a, b);
        if let (Value::Tuple(parts), other) | (other, Value::Tuple(parts)) = (&mut a, &mut b)
            && let Value::Called(call, part) = &*other
            && !(part.is_empty() && self.is_looked_at(*call))
        {
            let parts = self.parts_of_call(*call, part, parts.len());
            *other = Value::Tuple(parts);
        }
        for value in [&mut a, &mut b] {
            *value = self.as_option(value.clone());
            if Self::frame_of(value).is_some()
                && let Some(geometric) = self.geometric(value)?
            {
                *value = Value::Geometric(geometric);
            }
        }
        match (a, b) {
            (Value::Wrapped(a), Value::Inert(none)) if is_none(&none) && whole => {
                self.some_on(cond, true, *a, expr)
            }
            (Value::Inert(none), Value::Wrapped(b)) if is_none(&none) && whole => {
                self.some_on(cond, false, *b, expr)
            }
            (Value::Wrapped(a), Value::Wrapped(b)) => {
                let value = self.choose(cond_value, cond, *a, *b, expr)?;
                Ok(Value::Wrapped(Box::new(value)))
            }
            (a, b) if whole && (may_be_there(&a) && may_be_there(&b)) => {
                self.choose_option(cond_value, cond, a, b, expr)
            }
            (Value::List(a), Value::List(b)) if a.len() == b.len() => {
                let pairs = a.into_iter().zip(b);
                let values = pairs.map(|(a, b)| self.choose(cond_value, cond, a, b, expr));
                values.collect::<Lowered<Vec<Value>>>().map(Value::List)
            }
            (
                a @ (Value::Records(..) | Value::List(_)),
                b @ (Value::Records(..) | Value::List(_)),
            ) if records_of_both(&a, &b).is_some() => {
                let Some((a, b, made)) = records_of_both(&a, &b) else {
                    return Err(Refusal(None));
                };
                let mut parts = Vec::new();
                for (name, one) in a {
                    let Some((_, other)) = b.iter().find(|(own, _)| *own == name) else {
                        return refuse(expr, "the two sides of this `if` have different types");
                    };
                    let part = self.choose(cond_value, cond, one, other.clone(), expr)?;
                    parts.push((name, part));
                }
                Ok(Value::Records(parts, made))
            }
            (
                a @ (Value::List(_) | Value::Slice(_) | Value::Columns(..)),
                b @ (Value::List(_) | Value::Slice(_) | Value::Columns(..)),
            ) if whole => match self.chosen_list((cond_value, cond), (&a, &b), expr)? {
                Some(list) => Ok(list),
                None => self.refuse_lists(expr),
            },
            (Value::Record(a), Value::Record(b)) if a.len() == b.len() => {
                let mut fields = Vec::new();
                for (name, one) in a {
                    let Some((_, other)) = b.iter().find(|(own, _)| *own == name) else {
                        return refuse(expr, "the two sides of this `if` have different types");
                    };
                    let value = self.choose(cond_value, cond, one, other.clone(), expr)?;
                    fields.push((name, value));
                }
                Ok(Value::Record(fields))
            }
            (Value::Tuple(a), Value::Tuple(b)) if a.len() == b.len() => {
                let values: Lowered<Vec<Value>> = a
                    .into_iter()
                    .zip(b)
                    .map(|(a, b)| self.choose(cond_value, cond, a, b, expr))
                    .collect();
                values.map(Value::Tuple)
            }
            (Value::Inert(a), Value::Inert(b))
                if whole
                    && a.hint == Hint::Int
                    && b.hint == Hint::Int
                    && a.pure
                    && b.pure
                    && a.tokens.to_string() != b.tokens.to_string() =>
            {
                let (cond_name, x, y) = (self.name_of(cond), &a.tokens, &b.tokens);
                let mut reads = [a.reads, b.reads].concat();
                reads.push(cond);
                Ok(Value::Inert(Inert {
                    hint: Hint::Int,
                    reads,
                    ..Inert::plain(quote!((if #cond_name { #x } else { #y })), true)
                }))
            }
            // What is there already is the same on both sides.
            (Value::Inert(a), Value::Inert(b))
                if a.pure && a.tokens.to_string() == b.tokens.to_string() =>
            {
                Ok(Value::Inert(a))
            }
            (
                a @ (Value::Node(_) | Value::Entry(_) | Value::Inert(_) | Value::Called(..)),
                b @ (Value::Node(_) | Value::Entry(_) | Value::Inert(_) | Value::Called(..)),
            ) => {
                let guess = |lower: &Self, v: &Value| match v {
                    Value::Node(id) | Value::Entry(id) => lower.graph.kind(*id),
                    _ => Kind::SCALAR,
                };
                let (ka, kb) = (guess(self, &a), guess(self, &b));
                let x = self.node(&a, expr, &kb)?;
                let y = self.node(&b, expr, &ka)?;
                if x == y {
                    return Ok(a);
                }
                let entries = [cond_value, &a, &b]
                    .iter()
                    .any(|v| matches!(v, Value::Entry(_)));
                if !entries && self.graph.is_matrix(x) != self.graph.is_matrix(y) {
                    return refuse(expr, "the two sides of this `if` have different types");
                }
                let kinds = [cond, x, y].map(|id| self.graph.kind(id));
                let id = match crate::rules::kind(&Op::Select, &kinds) {
                    Some(kind) if kinds[0].shape.is_none() => {
                        let kind = self.graph.kind_of_choice(kind, x, y);
                        self.exact_of(Op::Select, vec![cond, x, y], kind, expr)?
                    }
                    _ => self.exact(Op::Select, vec![cond, x, y], expr)?,
                };
                Ok(Self::entrywise(&[cond_value, &a, &b], id))
            }
            (Value::Geometric(a), Value::Geometric(b))
                if a.frame == b.frame && a.coordinates.len() == b.coordinates.len() =>
            {
                let mut coordinates = Vec::new();
                for (x, y) in a.coordinates.iter().zip(&b.coordinates) {
                    let (x, y) = (Value::Node(*x), Value::Node(*y));
                    let chosen = self.choose(cond_value, cond, x, y, expr)?;
                    coordinates.push(self.node(&chosen, expr, &Kind::SCALAR)?);
                }
                Ok(Value::Geometric(Geometric {
                    unchecked: a.unchecked || b.unchecked,
                    ..Geometric::of(a.frame, coordinates)
                }))
            }
            (Value::Unit, Value::Unit) => Ok(Value::Unit),
            (Value::Never, Value::Never) => Ok(Value::Never),
            (Value::Never, b @ (Value::Unit | Value::Poison)) => Ok(b),
            (a @ (Value::Unit | Value::Poison), Value::Never) => Ok(a),
            (Value::Never, b) => {
                let b = self.followed(b, expr)?;
                let a = self.in_place_of(&b);
                self.choose(cond_value, cond, a, b, expr)
            }
            (a, Value::Never) => {
                let a = self.followed(a, expr)?;
                let b = self.in_place_of(&a);
                self.choose(cond_value, cond, a, b, expr)
            }
            (Value::Poison, _) | (_, Value::Poison) => Err(Refusal(None)),
            _ => refuse(
                expr,
                "this `if` gives values that cannot be followed\nhelp: let both sides give numbers, matrices or tuples of them",
            ),
        }
    }

    /// A value whose kind is known.
    fn followed(&mut self, value: Value, expr: &Expr) -> Lowered<Value> {
        match value {
            Value::Inert(inert) if inert.hint == Hint::Int && inert.pure => Ok(Value::Inert(inert)),
            Value::Called(..) | Value::Inert(_) => {
                Ok(Value::Node(self.node(&value, expr, &Kind::SCALAR)?))
            }
            value => Ok(value),
        }
    }

    /// What stands for the value of a side that never gives one: of the same kind, and never read.
    pub(super) fn in_place_of(&mut self, value: &Value) -> Value {
        let unreachable = |lower: &mut Self, id: Id| match lower.graph.kind(id) {
            kind if kind == Kind::SCALAR => lower.graph.constant(0.0),
            kind => lower.graph.leaf(Leaf {
                name: quote!((::core::unreachable!())),
                kind,
                form: Form::Owned,
                varies: false,
            }),
        };
        match value {
            Value::Node(id) => Value::Node(unreachable(self, *id)),
            Value::Tuple(parts) => {
                Value::Tuple(parts.iter().map(|part| self.in_place_of(part)).collect())
            }
            Value::List(parts) => {
                Value::List(parts.iter().map(|part| self.in_place_of(part)).collect())
            }
            Value::Record(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, field)| (name.clone(), self.in_place_of(field)));
                Value::Record(fields.collect())
            }
            Value::Wrapped(value) => Value::Wrapped(Box::new(self.in_place_of(value))),
            value => value.clone(),
        }
    }

    /// The body of a closure with its parameters bound to values.
    pub fn apply_closure(&mut self, closure: &Expr, arguments: Vec<Value>) -> Lowered<Value> {
        match closure {
            Expr::Closure(closure) => {
                if closure.inputs.len() != arguments.len() {
                    return refuse(
                        closure,
                        format!("this closure should have {} parameters", arguments.len()),
                    );
                }
                let outside = std::mem::replace(&mut self.closure_depth, self.scope.depth());
                self.scope.push();
                self.closures += 1;
                let mut value = Ok(Value::Unit);
                for (pat, argument) in closure.inputs.iter().zip(arguments) {
                    if let Err(refusal) = self.bind(pat, argument) {
                        value = Err(refusal);
                    }
                }
                let value = match value {
                    Ok(_) => self.expr(&closure.body),
                    refused => refused,
                };
                self.closures -= 1;
                self.scope.pop();
                self.closure_depth = outside;
                value
            }
            Expr::Paren(inner) => self.apply_closure(&inner.expr, arguments),
            Expr::Group(inner) => self.apply_closure(&inner.expr, arguments),
            Expr::Path(path) => self.scalar_path(path, arguments),
            other => refuse(
                other,
                "only a closure written here can be differentiated\nhelp: write `|x| …`",
            ),
        }
    }

    /// `f64::sin` as a function.
    pub(super) fn scalar_path(
        &mut self,
        path: &syn::ExprPath,
        arguments: Vec<Value>,
    ) -> Lowered<Value> {
        let function = path
            .path
            .segments
            .last()
            .and_then(|s| Scalar::from_surface(&s.ident.to_string()));
        match function {
            Some(function)
                if self.is_scalar_namespace(path) && function.arity() == arguments.len() =>
            {
                let ids: Lowered<Vec<Id>> = arguments
                    .iter()
                    .map(|a| self.node(a, path, &Kind::SCALAR))
                    .collect();
                let id = self.exact(Op::Scalar(function), ids?, path)?;
                Ok(Self::entrywise(&arguments.iter().collect::<Vec<_>>(), id))
            }
            _ => self.applied_function(path, arguments),
        }
    }

    pub(super) fn macro_value(&mut self, mac: &syn::Macro, at: &dyn ToTokens) -> Lowered<Value> {
        let name = mac
            .path
            .segments
            .last()
            .map(|s| s.ident.to_string())
            .unwrap_or_default();
        if name == "matches" && !self.is_inert(mac) {
            return self.matches_macro(mac);
        }
        self.matrix_macro(&name, mac, at)
    }

    /// What the function returns, as its type says.
    pub(super) fn result(
        &mut self,
        value: Value,
        ty: &Returned,
        body: &syn::Block,
    ) -> Lowered<Outcome> {
        let tail = match body.stmts.last() {
            Some(Stmt::Expr(expr, None)) => expr.to_token_stream(),
            Some(stmt) => stmt.to_token_stream(),
            None => body.to_token_stream(),
        };
        if let Value::Unit | Value::Never = value {
            // What computes it may have been refused.
            if !self.errors.is_empty() {
                return Err(Refusal(None));
            }
            return refuse(
                tail,
                "this function ends without a value\nhelp: make its last expression the result, without `;`",
            );
        }
        if !self.wrapped {
            return self.outcome(value, ty, &tail);
        }
        // What is in it may be inert. Its names are those of the block, which has been left.
        let value = match value {
            Value::Inert(inert) => match syn::parse2(inert.tokens.clone()).ok().and_then(in_some) {
                Some(inner) => {
                    let tokens = inner.into_token_stream();
                    Value::Wrapped(Box::new(Value::Inert(Inert { tokens, ..inert })))
                }
                None => Value::Inert(inert),
            },
            value => value,
        };
        // What may fail is returned as it is: the companion then returns `None` as well.
        let value = match self.as_option(value) {
            Value::Wrapped(value) => *value,
            Value::Pending(pending) => self.attempted(pending, Panic::Question, &tail)?,
            Value::PendingOr(pending, error) => {
                let error = self.graph.message(error);
                self.attempted(pending, Panic::OkOr(error), &tail)?
            }
            Value::Maybe(maybe) => self.value_or_return(maybe, &tail)?,
            Value::Called(call, part) if part.is_empty() => {
                self.after_call(call, quote!(?), &tail)?;
                Value::Called(call, part)
            }
            Value::Poison => return Err(Refusal(None)),
            _ => {
                return refuse(
                    tail,
                    "it cannot be seen whether this is `Some` or `None`, `Ok` or `Err`\nhelp: end the function with `Some(…)` or `Ok(…)`, and leave it before with `?` or `return`",
                );
            }
        };
        self.outcome(value, ty, &tail)
    }

    fn outcome(&mut self, value: Value, ty: &Returned, tail: &TokenStream) -> Lowered<Outcome> {
        let all = |lower: &mut Self, values: Vec<Value>, types: Vec<&Returned>| {
            let outcomes = values.into_iter().zip(types);
            outcomes
                .map(|(value, ty)| lower.outcome(value, ty, tail))
                .collect::<Lowered<Vec<Outcome>>>()
        };
        let value = match (value, ty) {
            (Value::Called(call, part), Returned::Array(_, length)) => {
                let length = length.to_string().parse().ok().map(Dim::Static);
                self.called_list(call, &part, length, tail)?
            }
            (Value::Called(call, part), Returned::Vec(_)) => {
                self.called_list(call, &part, None, tail)?
            }
            (value, _) => value,
        };
        let value = match value {
            Value::Slice(_) => match self.entries_of(&value, tail)? {
                Some(entries) => Value::List(entries),
                None => value,
            },
            value => value,
        };
        match (value, ty) {
            (Value::Slice(id), Returned::Vec(_) | Returned::Array(..)) => {
                Ok(Outcome::List(id, None))
            }
            (Value::Columns(id, columns), Returned::Vec(_)) => Ok(Outcome::List(id, Some(columns))),
            (Value::Tuple(values), Returned::Tuple(types)) if values.len() == types.len() => {
                Ok(Outcome::Tuple(all(self, values, types.iter().collect())?))
            }
            (Value::Called(call, part), Returned::Tuple(types)) => {
                let parts = self.parts_of_call(call, &part, types.len());
                Ok(Outcome::Tuple(all(self, parts, types.iter().collect())?))
            }
            (Value::List(values), Returned::Array(inner, _)) => {
                let types = vec![&**inner; values.len()];
                Ok(Outcome::Array(all(self, values, types)?))
            }
            (Value::List(values), Returned::Vec(inner)) => {
                let types = vec![&**inner; values.len()];
                Ok(Outcome::Vec(all(self, values, types)?))
            }
            (Value::Inert(inert), Returned::Plain | Returned::Named(_)) => {
                let name = self.fresh("inert");
                let tokens = inert.tokens;
                self.place(Step::Verbatim {
                    tokens: quote!(let #name = #tokens;),
                    reads: inert.reads,
                    binds: Vec::new(),
                });
                Ok(Outcome::Inert(name.to_token_stream()))
            }
            (value @ (Value::Node(_) | Value::Entry(_)), Returned::Plain | Returned::Named(_)) => {
                Ok(Outcome::Value(self.node(&value, tail, &Kind::SCALAR)?))
            }
            (value, Returned::Value(returned)) => {
                let guess = match &returned.extents {
                    None => Kind::SCALAR,
                    Some((rows, cols)) => {
                        // An inert matrix: its extents are read from it.
                        let next = Id(self.graph.count());
                        let dim = |extent: &Extent, at| match extent {
                            Extent::Known(dim) => dim.clone(),
                            _ => self.graph.dynamic(at),
                        };
                        Kind::matrix(Shape::new(
                            dim(rows, crate::graph::Extent::Rows(next)),
                            dim(cols, crate::graph::Extent::Cols(next)),
                        ))
                    }
                };
                let id = self.node(&value, tail, &guess)?;
                let kind = self.graph.kind(id);
                if kind.elem == Elem::Real && kind.is_matrix() == returned.extents.is_some() {
                    return Ok(Outcome::Value(id));
                }
                let what = if returned.extents.is_some() {
                    "vector or matrix"
                } else {
                    "scalar"
                };
                let calls = returned.extents.is_some() && self.graph.has_calls();
                let help = match calls {
                    true => {
                        "\nhelp: give what a call returns its type before, as in `let r: Vector3<f64> = …;`"
                    }
                    false => "",
                };
                refuse(
                    tail,
                    format!("this is not a {what}, although the function should return one{help}"),
                )
            }
            (Value::Poison, _) => Err(Refusal(None)),
            (Value::Geometric(geometric), _) => {
                Err(self.refuse_geometric(&geometric, tail.clone()))
            }
            (Value::Record(_) | Value::Fields(_) | Value::Records(..), _) => refuse(
                tail,
                "structs that the function builds have no type for their derivatives, and are no results\nhelp: return their fields in a tuple, as in `(s.x, s.v)`, or a list of each",
            ),
            (Value::List(entries), _) if entries.iter().any(|e| matches!(e, Value::Record(_))) => {
                self.outcome(Value::Record(Vec::new()), ty, tail)
            }
            _ => refuse(
                tail,
                "what this function returns cannot be taken apart as its type says\nhelp: end it with a scalar, a vector, a matrix, or a tuple or an array of these, as in `(a, b)`",
            ),
        }
    }
}

/// `a` in `Some(a)` and `Ok(a)`.
fn in_some(expr: Expr) -> Option<Expr> {
    let Expr::Call(call) = expr else { return None };
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let name = path.path.get_ident()?;
    let wraps = *name == "Some" || *name == "Ok";
    let inner = call.args.into_iter().next();
    inner.filter(|_| wraps)
}

fn is_none(inert: &Inert) -> bool {
    inert.tokens.to_string() == "None"
}

/// Whether a value is a list.
fn is_list(value: &Value) -> bool {
    matches!(
        value,
        Value::List(_) | Value::Slice(_) | Value::Columns(..) | Value::Records(..)
    )
}

/// The elements of a list without a derivative, if they are written out.
fn written_list(inert: &Inert) -> Option<Vec<Expr>> {
    match syn::parse2::<Expr>(inert.tokens.clone()).ok()? {
        Expr::Array(array) => Some(array.elems.into_iter().collect()),
        Expr::Macro(mac) if mac.mac.path.is_ident("vec") => {
            let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
            let entries = mac.mac.parse_body_with(parser).ok()?;
            Some(entries.into_iter().collect())
        }
        Expr::Call(call) if call.args.is_empty() => {
            let text = call.func.to_token_stream().to_string();
            text.ends_with("Vec :: new").then(Vec::new)
        }
        _ => None,
    }
}

/// Parts of elements, as lists by their names.
type Parts = Vec<(String, Value)>;

/// Two lists of structs or tuples by the lists of their parts, if one is known by these. An empty one is one of anything.
fn records_of_both(a: &Value, b: &Value) -> Option<(Parts, Parts, Made)> {
    let records = |value: &Value| match value {
        Value::Records(parts, made) => Some((parts.clone(), *made)),
        Value::List(entries) => apart(entries),
        _ => None,
    };
    let nothing_like = |parts: &Parts| {
        let names = parts.iter().map(|(name, _)| name.clone());
        names.map(|name| (name, Value::List(Vec::new()))).collect()
    };
    let is_empty = |value: &Value| matches!(value, Value::List(entries) if entries.is_empty());
    match (records(a), records(b)) {
        (Some((a, made)), Some((b, other))) if made == other && a.len() == b.len() => {
            Some((a, b, made))
        }
        (Some((parts, made)), None) if is_empty(b) => {
            let nothing = nothing_like(&parts);
            Some((parts, nothing, made))
        }
        (None, Some((parts, made))) if is_empty(a) => {
            let nothing = nothing_like(&parts);
            Some((nothing, parts, made))
        }
        _ => None,
    }
}

/// The choices on a condition that a value is made of.
fn selects(graph: &Graph, value: &Value, cond: Id, into: &mut Vec<Id>) {
    match value {
        Value::Node(id) | Value::Slice(id) | Value::Columns(id, _)
            if graph.op(*id) == Op::Select && graph.args(*id)[0] == cond =>
        {
            into.push(*id)
        }
        Value::Tuple(values) | Value::List(values) => {
            values.iter().for_each(|v| selects(graph, v, cond, into));
        }
        Value::Record(parts) | Value::Records(parts, _) => {
            parts
                .iter()
                .for_each(|(_, v)| selects(graph, v, cond, into));
        }
        Value::Wrapped(value) => selects(graph, value, cond, into),
        Value::Geometric(geometric) => geometric
            .coordinates
            .iter()
            .for_each(|id| selects(graph, &Value::Node(*id), cond, into)),
        _ => {}
    }
}

/// Whether a value is known to be an `Option` or a `Result`.
fn is_option(value: &Value) -> bool {
    matches!(value, Value::Wrapped(_) | Value::Maybe(_))
}

/// Whether a value is an `Option` that can be followed.
fn may_be_there(value: &Value) -> bool {
    match value {
        Value::Maybe(maybe) => maybe.absence.is_none(),
        Value::Inert(inert) => is_none(inert),
        value => matches!(value, Value::Wrapped(_)),
    }
}
