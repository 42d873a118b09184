//! Calls of functions that have companions of their own: `#[differentiable]` wrote them.

use super::inert::refuse_in_closure;
use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{Argument, Call, Callee, Elem, Form, Id, Kind, Step};
use crate::rules::Op;
use crate::scope::{Hint, Value};
use crate::ty::{Class, Passing};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::Expr;

impl Lower<'_> {
    /// `path::helper(a, b)` or `helper(a, b)`.
    pub(crate) fn call_of_function(
        &mut self,
        path: &syn::ExprPath,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let callee = self.function(path, expr)?;
        let name = path.path.segments.last().map(|s| s.ident.clone());
        let name = name.unwrap_or_else(|| self.fresh("function"));
        self.call_of(callee, &name, args, expr)
    }

    /// `helper` in `x.map(helper)`.
    pub(super) fn applied_function(
        &mut self,
        path: &syn::ExprPath,
        values: Vec<Value>,
    ) -> Lowered<Value> {
        if let Some(function) = self.function_named(path) {
            return self.applied(&function, values, path);
        }
        let variable = path
            .path
            .get_ident()
            .is_some_and(|n| self.scope.get(&n.to_string()).is_some());
        if variable {
            let name = text(path);
            return refuse(
                path,
                super::unknown_function(&name, &Expr::Path(path.clone())),
            );
        }
        let callee = self.function(path, path)?;
        let ids: Lowered<Vec<Id>> = values
            .iter()
            .map(|v| self.node(v, path, &Kind::SCALAR))
            .collect();
        let ids = ids?;
        let arguments = (0..ids.len()).map(|at| Argument::Value {
            at,
            passing: Passing::Owned,
        });
        let number = self.new_call(callee, arguments.collect());
        let id = self.exact(Op::Apply(number, Vec::new()), ids, path)?;
        Ok(Value::Entry(id))
    }

    /// A function that may have companions.
    fn function(&self, path: &syn::ExprPath, at: &dyn ToTokens) -> Lowered<Callee> {
        let mut before = path.path.clone();
        let Some(last) = before.segments.pop().map(syn::punctuated::Pair::into_value) else {
            return refuse(at.to_token_stream(), "this call has no name");
        };
        // What cannot have companions.
        let library = [
            "std", "core", "alloc", "nalgebra", "f64", "f32", "Box", "Rc", "Arc", "Cell",
            "RefCell", "Mutex", "String", "Vec", "Option", "Result", "HashMap", "BTreeMap",
        ];
        let mut segments = path.path.segments.iter().map(|s| s.ident.to_string());
        let foreign = path.qself.is_some() || segments.any(|s| library.contains(&s.as_str()));
        if foreign || last.ident.to_string().starts_with(char::is_uppercase) {
            return refuse(
                at.to_token_stream(),
                format!(
                    "cannot differentiate the call of `{}`, which has no derivative here\nhelp: write what it computes with operators and methods, or call a function with `#[differentiable]`",
                    text(path)
                ),
            );
        }
        Ok(Callee::Function {
            before: before.to_token_stream(),
            name: last.ident.clone(),
            arguments: last.arguments.to_token_stream(),
        })
    }

    /// `receiver.helper(a, b)`, the receiver being inert.
    pub(crate) fn call_of_method(
        &mut self,
        receiver: &Expr,
        name: &Ident,
        turbofish: Option<&syn::AngleBracketedGenericArguments>,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let callee = Callee::Method {
            receiver: self.kept(receiver),
            name: name.clone(),
            arguments: turbofish.to_token_stream(),
        };
        self.call_of(callee, name, args, expr)
    }

    fn call_of(
        &mut self,
        callee: Callee,
        name: &Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        if args.iter().all(|arg| self.is_inert(arg)) {
            return refuse(
                expr,
                format!(
                    "cannot differentiate the call of `{name}`\nhelp: bind what it gives with `let` before"
                ),
            );
        }
        let mut values = Vec::new();
        let mut arguments = Vec::new();
        for arg in args {
            match self.argument_of_call(arg)? {
                Ok(id) => {
                    arguments.push(Argument::Value {
                        at: values.len(),
                        passing: self.passing(arg, id),
                    });
                    values.push(id);
                }
                Err(tokens) => {
                    let moves = self.moves(arg);
                    arguments.push(Argument::Inert(tokens, moves));
                }
            }
        }
        if values.is_empty() {
            return refuse(
                expr,
                format!(
                    "cannot see what becomes of a differentiated value in the call of `{name}`\nhelp: pass the value itself"
                ),
            );
        }
        let number = self.new_call(callee, arguments);
        if self.closures > 0 {
            // For every entry: a function of numbers.
            let id = self.exact(Op::Apply(number, Vec::new()), values, expr)?;
            return Ok(Value::Entry(id));
        }
        let call = self
            .graph
            .insert_apart(Op::Call(number), values, Kind::OPAQUE);
        self.place(Step::Evaluate(call));
        Ok(Value::Called(call, Vec::new()))
    }

    fn new_call(&self, callee: Callee, arguments: Vec<Argument>) -> usize {
        let mut calls = self.graph.calls.borrow_mut();
        calls.push(Call {
            callee,
            arguments,
            after: TokenStream::new(),
        });
        calls.len() - 1
    }

    /// A value of the graph, or the tokens of what is inert.
    fn argument_of_call(&mut self, arg: &Expr) -> Lowered<Result<Id, TokenStream>> {
        if let Expr::Reference(reference) = arg
            && reference.mutability.is_some()
            && !self.is_inert(arg)
        {
            return refuse(
                arg,
                format!(
                    "`{}` borrows for mutation, and what the function makes of a differentiated value cannot be followed\nhelp: let the function return the new value, and assign it",
                    text(arg)
                ),
            );
        }
        let mut value = if self.is_inert(arg) {
            Value::Inert(self.inert(arg.to_token_stream(), Hint::Unknown))
        } else {
            self.expr(arg)?
        };
        if let Value::Inert(inert) = &mut value {
            // Of a differentiated value only a length or a condition is passed on.
            if !self.is_inert(arg) && !matches!(inert.hint, Hint::Int | Hint::Bool) {
                return refuse(
                    arg,
                    format!(
                        "cannot see what becomes of a differentiated value in `{}`\nhelp: pass the value itself",
                        text(arg)
                    ),
                );
            }
            if self.closures == 0 {
                self.evaluate(inert);
            } else if !inert.pure {
                return refuse_in_closure(inert);
            }
            return Ok(Err(inert.tokens.clone()));
        }
        let id = self.node(&value, arg, &Kind::SCALAR)?;
        if self.graph.kind(id).elem != Elem::Real {
            return refuse(
                arg,
                format!(
                    "`{}` has no derivative, but depends on a differentiated value\nhelp: bind it with `let` before the call",
                    text(arg)
                ),
            );
        }
        Ok(Ok(id))
    }

    /// What follows the call: `?`, `.unwrap()`.
    pub(crate) fn after_call(&mut self, call: Id, tokens: TokenStream) {
        if let Op::Call(number) = self.graph.op(call) {
            self.graph.calls.borrow_mut()[number].after.extend(tokens);
        }
    }

    /// Whether an inert argument may be moved by the call: it is no reference, number or condition.
    fn moves(&self, arg: &Expr) -> bool {
        match arg {
            Expr::Lit(_)
            | Expr::Reference(_)
            | Expr::Binary(_)
            | Expr::Unary(_)
            | Expr::Cast(_) => false,
            Expr::Paren(inner) => self.moves(&inner.expr),
            Expr::Group(inner) => self.moves(&inner.expr),
            Expr::Path(path) => {
                let name = path.path.get_ident().map(ToString::to_string);
                let known = name.and_then(|name| self.scope.get(&name));
                !known.is_some_and(|binding| match &binding.value {
                    Value::Inert(inert) => matches!(inert.hint, Hint::Int | Hint::Bool),
                    _ => false,
                })
            }
            _ => true,
        }
    }

    /// How an argument is passed.
    fn passing(&self, expr: &Expr, id: Id) -> Passing {
        match expr {
            Expr::Reference(_) => Passing::Reference,
            Expr::Paren(inner) => self.passing(&inner.expr, id),
            Expr::Group(inner) => self.passing(&inner.expr, id),
            Expr::Path(path)
                if path.path.get_ident().is_some_and(|name| {
                    let known = self.scope.get(&name.to_string()).map(|b| &b.value);
                    matches!(known, Some(Value::Untyped(place)) if place.reference)
                }) =>
            {
                Passing::Reference
            }
            Expr::Path(_) => match self.graph.leaf_of(id).map(|leaf| leaf.form) {
                Some(Form::Borrowed) => Passing::Reference,
                Some(Form::View) => Passing::View,
                _ => Passing::Owned,
            },
            Expr::MethodCall(call) if call.method == "as_view" => Passing::View,
            _ => Passing::Owned,
        }
    }

    /// What a call gives, or a part of it: of this kind, which the first use decides.
    pub(super) fn called(&self, call: Id, part: &[usize], kind: &Kind) -> Id {
        let known = |kind: &Kind| {
            self.graph
                .find(Op::Item(part.to_vec()), vec![call], kind.clone())
        };
        let first = self
            .items
            .borrow()
            .iter()
            .find(|(of, at, _)| *of == call && at == part)
            .map(|(_, _, id)| *id);
        if let Some(id) = first.or_else(|| known(kind)) {
            return id;
        }
        let id = Id(self.graph.count());
        let kind = match &kind.shape {
            Some(shape) => {
                // Dynamic extents are read from the value itself.
                let dim = |d: &crate::graph::Dim, at| match d {
                    crate::graph::Dim::Dynamic(_) => self.graph.dynamic(at),
                    known => known.clone(),
                };
                Kind::matrix(crate::graph::Shape::new(
                    dim(&shape.rows, crate::graph::Extent::Rows(id)),
                    dim(&shape.cols, crate::graph::Extent::Cols(id)),
                ))
            }
            None => kind.clone(),
        };
        // It is where the call is, also if its first use is not.
        let of_call = self.graph.node(call).guards;
        let guards = self.graph.guards.replace(of_call);
        let id = self.graph.insert(Op::Item(part.to_vec()), vec![call], kind);
        self.graph.guards.replace(guards);
        self.items.borrow_mut().push((call, part.to_vec(), id));
        let mut given = self
            .called_names
            .iter()
            .filter(|(of, at, _)| *of == call && at == part);
        if let Some((_, _, name)) = given.next() {
            self.graph.names.borrow_mut().insert(id, name.clone());
        }
        id
    }

    /// The name of what a call gives, until its kind is known.
    pub(super) fn name_called(&mut self, call: Id, part: &[usize], name: &Ident) {
        let own = self.own_name(name);
        self.called_names.push((call, part.to_vec(), own));
    }

    /// The parts of a tuple that a call gives.
    pub(super) fn parts_of_call(&mut self, call: Id, part: &[usize], count: usize) -> Vec<Value> {
        let mut arities = self.graph.arities.borrow_mut();
        arities.insert((call, part.to_vec()), count);
        let inner = |k: usize| part.iter().copied().chain([k]).collect();
        (0..count).map(|k| Value::Called(call, inner(k))).collect()
    }

    /// What a call gives, of the type that a `let` tells.
    pub(super) fn called_as(&mut self, call: Id, part: &[usize], ty: &syn::Type) -> Lowered<Value> {
        if let syn::Type::Tuple(tuple) = crate::ty::strip(ty) {
            let parts = self.parts_of_call(call, part, tuple.elems.len());
            let parts = parts
                .into_iter()
                .zip(&tuple.elems)
                .map(|(value, ty)| match value {
                    Value::Called(call, part) => self.called_as(call, &part, ty),
                    value => Ok(value),
                });
            return Ok(Value::Tuple(parts.collect::<Lowered<Vec<Value>>>()?));
        }
        match self.context.classify(ty) {
            Class::Value(value) if value.real == self.real => {
                if value.extents.is_some() {
                    self.types.push((value.written.clone(), value.clone()));
                }
                let unknown = || crate::graph::Dim::Dynamic(u32::MAX);
                let dim = |extent: &crate::ty::Extent| match extent {
                    crate::ty::Extent::Known(dim) => dim.clone(),
                    _ => unknown(),
                };
                let kind = match &value.extents {
                    None => Kind::SCALAR,
                    Some((rows, cols)) => {
                        Kind::matrix(crate::graph::Shape::new(dim(rows), dim(cols)))
                    }
                };
                Ok(Value::Node(self.called(call, part, &kind)))
            }
            _ => refuse(
                ty,
                format!(
                    "what a call returns cannot be differentiated as `{}`\nhelp: it may be a scalar, a vector, a matrix, or a tuple of these",
                    text(ty)
                ),
            ),
        }
    }

    /// `nalgrad::stop_gradient(x)`: the value, as a constant of differentiation.
    pub(crate) fn stopped(&mut self, arg: &Expr, expr: &Expr) -> Lowered<Value> {
        let value = self.expr(arg)?;
        if let Value::Untyped(place) = &value
            && !place.path.is_empty()
        {
            // A field without a derivative is inert.
            return Ok(Value::Inert(crate::scope::Inert::plain(
                self.kept(expr),
                true,
            )));
        }
        if let Value::Tuple(_) | Value::List(_) = value {
            return refuse(
                expr,
                "`stop_gradient` takes one number, vector or matrix here\nhelp: call it for each part",
            );
        }
        let id = self.node(&value, arg, &Kind::SCALAR)?;
        let kind = self.graph.kind(id);
        let stopped = self.exact_of(Op::Stop, vec![id], kind, expr)?;
        Ok(Lower::entrywise(&[&value], stopped))
    }
}
