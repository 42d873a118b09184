//! `if … else`, and the closures of elementwise methods.

use super::{Lower, Lowered, Refusal, refuse};
use crate::error::text;
use crate::graph::{Elem, Graph, Guard, Id, Kind, Outcome, Placed, Shape, Step};
use crate::rules::{Op, Panic, Scalar};
use crate::scope::{Hint, Scope, Value, control_flow};
use crate::ty::{Extent, Returned};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Stmt};

impl Lower<'_> {
    pub(super) fn branch(&mut self, branch: &syn::ExprIf, expr: &Expr) -> Lowered<Value> {
        let tail = std::mem::take(&mut self.tail);
        let nothing: Expr = syn::parse_quote!({});
        let otherwise = match &branch.else_branch {
            Some((_, otherwise)) => &**otherwise,
            None => {
                let leaves = control_flow(branch.then_branch.to_token_stream(), false);
                if let Some((found, what)) = leaves {
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
        if let Expr::Let(cond) = &*branch.cond {
            return refuse(
                cond,
                "`if let` with differentiated values is not supported yet\nhelp: take the value with `.unwrap()` or `.expect(…)`",
            );
        }
        let cond_value = self.expr(&branch.cond)?;
        let cond = self.node(&cond_value, &branch.cond, &Kind::BOOL)?;
        if self.graph.kind(cond).elem != Elem::Bool {
            return refuse(
                &branch.cond,
                format!("`{}` is not a condition", text(&branch.cond)),
            );
        }
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
        let before = self.scope.clone();
        self.tail = tail;
        let (then, mut then_steps) = self.side(cond, true, &branch.then_branch);
        let after_then = std::mem::replace(&mut self.scope, before.clone());
        self.tail = tail;
        let (otherwise, mut otherwise_steps) = self.side(cond, false, otherwise);
        let after_otherwise = std::mem::replace(&mut self.scope, before.clone());
        self.tail = false;
        let value = match (then, otherwise) {
            (Ok(a), Ok(b)) => {
                let a = self.pin_side(a, &b, (cond, true), &mut then_steps)?;
                let b = self.pin_side(b, &a, (cond, false), &mut otherwise_steps)?;
                self.choose(&cond_value, cond, a, b, expr)
            }
            (Err(a), Err(Refusal(Some(b)))) => {
                self.errors.add(b);
                Err(a)
            }
            (Err(a), _) => Err(a),
            (_, Err(b)) => Err(b),
        }?;
        let mut assigned = Vec::new();
        for name in before.names() {
            let changed = |scope: &Scope| scope.differs(&before, &name);
            if changed(&after_then) || changed(&after_otherwise) {
                let then = (&after_then, true, &mut then_steps);
                let otherwise = (&after_otherwise, false, &mut otherwise_steps);
                assigned.push(self.assigned_in(
                    (&cond_value, cond),
                    &name,
                    then,
                    otherwise,
                    expr,
                )?);
            }
        }
        if self.graph.kind(cond).shape.is_some() {
            // On the side of some entries: what is pinned there is pinned before the pass.
            if let Some(steps) = self.steps.last_mut() {
                steps.extend(then_steps.into_iter().chain(otherwise_steps));
            }
            return Ok(value);
        }
        if !then_steps.is_empty() || !otherwise_steps.is_empty() {
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
                then: then_steps,
                otherwise: otherwise_steps,
            });
        }
        Ok(value)
    }

    pub(super) fn side(
        &mut self,
        cond: Id,
        side: bool,
        block: &syn::Block,
    ) -> (Lowered<Value>, Vec<Placed>) {
        self.steps.push(Vec::new());
        self.graph.guards.borrow_mut().push(Guard { cond, side });
        let pins = self.pins.len();
        let value = self.block(block);
        self.pins.truncate(pins);
        self.graph.guards.borrow_mut().pop();
        (value, self.steps.pop().unwrap_or_default())
    }

    /// A side may end in numbers or names of unknown type: those of the other side tell it. They are read at the end
    /// of their side.
    fn pin_side(
        &mut self,
        value: Value,
        other: &Value,
        (cond, side): (Id, bool),
        steps: &mut Vec<Placed>,
    ) -> Lowered<Value> {
        match (value, other) {
            (Value::Inert(inert), _) if inert.hint != Hint::Int => {
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
                    .map(|(value, other)| self.pin_side(value, other, (cond, side), steps))
                    .collect();
                values.map(Value::Tuple)
            }
            (Value::Wrapped(value), Value::Wrapped(other)) => {
                let value = self.pin_side(*value, other, (cond, side), steps)?;
                Ok(Value::Wrapped(Box::new(value)))
            }
            (value, _) => Ok(value),
        }
    }

    pub(super) fn choose(
        &mut self,
        cond_value: &Value,
        cond: Id,
        a: Value,
        b: Value,
        expr: &Expr,
    ) -> Lowered<Value> {
        match (a, b) {
            (Value::Wrapped(a), Value::Wrapped(b)) => {
                let value = self.choose(cond_value, cond, *a, *b, expr)?;
                Ok(Value::Wrapped(Box::new(value)))
            }
            (Value::Tuple(a), Value::Tuple(b)) if a.len() == b.len() => {
                let values: Lowered<Vec<Value>> = a
                    .into_iter()
                    .zip(b)
                    .map(|(a, b)| self.choose(cond_value, cond, a, b, expr))
                    .collect();
                values.map(Value::Tuple)
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
                let id = self.exact(Op::Select, vec![cond, x, y], expr)?;
                Ok(Self::entrywise(&[cond_value, &a, &b], id))
            }
            (Value::Unit, Value::Unit) => Ok(Value::Unit),
            (Value::Poison, _) | (_, Value::Poison) => Err(Refusal(None)),
            _ => refuse(
                expr,
                "this `if` gives values that cannot be followed\nhelp: let both sides give numbers, matrices or tuples of them",
            ),
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
        if let Value::Unit = value {
            return refuse(
                tail,
                "this function ends without a value\nhelp: make its last expression the result, without `;`",
            );
        }
        if !self.wrapped {
            return self.outcome(value, ty, &tail);
        }
        // What may fail is returned as it is: the companion then returns `None` as well.
        let value = match value {
            Value::Wrapped(value) => *value,
            Value::Pending(pending) => self.attempted(pending, Panic::Question, &tail)?,
            Value::PendingOr(pending, error) => {
                let error = self.graph.message(error);
                self.attempted(pending, Panic::OkOr(error), &tail)?
            }
            Value::Called(call, part) if part.is_empty() => {
                self.after_call(call, quote!(?));
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
        match (value, ty) {
            (Value::Tuple(values), Returned::Tuple(types)) if values.len() == types.len() => {
                Ok(Outcome::Tuple(all(self, values, types.iter().collect())?))
            }
            (Value::Called(call, part), Returned::Tuple(types)) => {
                let parts = self.parts_of_call(call, &part, types.len());
                Ok(Outcome::Tuple(all(self, parts, types.iter().collect())?))
            }
            (Value::List(ids), Returned::Array(inner, _)) => {
                let types = vec![&**inner; ids.len()];
                Ok(Outcome::Array(all(
                    self,
                    ids.into_iter().map(Value::Node).collect(),
                    types,
                )?))
            }
            (Value::List(ids), Returned::Vec(inner)) => {
                let types = vec![&**inner; ids.len()];
                Ok(Outcome::Vec(all(
                    self,
                    ids.into_iter().map(Value::Node).collect(),
                    types,
                )?))
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
                refuse(
                    tail,
                    format!("this is not a {what}, although the function should return one"),
                )
            }
            (Value::Poison, _) => Err(Refusal(None)),
            _ => refuse(
                tail,
                "what this function returns cannot be taken apart as its type says\nhelp: end it with a scalar, a vector, a matrix, or a tuple or an array of these, as in `(a, b)`",
            ),
        }
    }
}

/// The choices on a condition that a value is made of.
fn selects(graph: &Graph, value: &Value, cond: Id, into: &mut Vec<Id>) {
    match value {
        Value::Node(id) if graph.op(*id) == Op::Select && graph.args(*id)[0] == cond => {
            into.push(*id)
        }
        Value::Tuple(values) => values.iter().for_each(|v| selects(graph, v, cond, into)),
        _ => {}
    }
}
