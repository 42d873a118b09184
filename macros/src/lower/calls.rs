//! Calls of functions that have companions of their own: `#[differentiable]` wrote them.

use super::inert::refuse_in_closure;
use super::matching::{Body, Exit};
use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{
    Argument, Call, Callee, Dim, Elem, Form, Id, Kind, LookedAt, Shape, Step, Whole,
};
use crate::rules::Op;
use crate::scope::{Hint, Place, Value};
use crate::ty::{Class, Passing};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, Pat};

/// How a struct is passed.
enum Passed {
    Receiver,
    Borrowed,
    Cloned,
    AsItIs,
}

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
            copied: false,
        });
        let number = self.new_call(callee, arguments.collect());
        let id = self.exact(Op::Apply(number, Vec::new()), ids, path)?;
        Ok(Value::Entry(id))
    }

    /// Whether a path may name a function with companions.
    pub(super) fn may_have_companions(&self, path: &syn::ExprPath) -> bool {
        let name = path.path.get_ident().map(ToString::to_string);
        let variable = name.is_some_and(|name| self.scope.get(&name).is_some());
        !variable && self.function_named(path).is_none() && self.function(path, path).is_ok()
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

    /// `receiver.helper(a, b)`, the receiver being inert or a struct.
    pub(crate) fn call_of_method(
        &mut self,
        (receiver, place): (&Expr, Option<&Place>),
        name: &Ident,
        turbofish: Option<&syn::AngleBracketedGenericArguments>,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let callee = Callee::Method {
            name: name.clone(),
            arguments: turbofish.to_token_stream(),
        };
        let mut values = Vec::new();
        let receiver = match place {
            Some(place) => self.whole_argument(place, receiver, Passed::Receiver, &mut values)?,
            None => self.inert_receiver(receiver, &mut values),
        };
        self.call_with(callee, name, (vec![receiver], values), args, expr)
    }

    /// What has a method that is differentiated by its arguments only. In a loop it is kept for the way back by reference.
    fn inert_receiver(&mut self, receiver: &Expr, values: &mut Vec<Id>) -> Argument {
        let mut kept = self.inert(receiver.to_token_stream(), Hint::Unknown);
        if self.closures > 0 {
            return Argument::Inert(kept.tokens, false);
        }
        let place = matches!(receiver, Expr::Path(_) | Expr::Field(_) | Expr::Index(_));
        if place && !self.declared(receiver).is_reference() {
            let tokens = &kept.tokens;
            kept.tokens = quote!(&#tokens);
        }
        match self.of_iteration(&kept) {
            Some(leaf) => {
                values.push(leaf);
                let at = values.len() - 1;
                Argument::Iterated {
                    at,
                    moves: false,
                    by_reference: false,
                }
            }
            None => Argument::Inert(self.kept(receiver), false),
        }
    }

    fn call_of(
        &mut self,
        callee: Callee,
        name: &Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        self.call_with(callee, name, (Vec::new(), Vec::new()), args, expr)
    }

    /// A call, with the receiver among the arguments that are known already.
    fn call_with(
        &mut self,
        callee: Callee,
        name: &Ident,
        (mut arguments, mut values): (Vec<Argument>, Vec<Id>),
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let inert = |a: &Argument| matches!(a, Argument::Inert(..) | Argument::Iterated { .. });
        let is_known = !arguments.iter().all(inert);
        if !is_known && args.iter().all(|arg| self.is_inert(arg)) {
            return refuse(
                expr,
                format!(
                    "cannot differentiate the call of `{name}`\nhelp: bind what it gives with `let` before"
                ),
            );
        }
        if !is_known && self.closures == 0 && args.iter().all(|arg| self.is_size(arg)) {
            return Ok(Value::Inert(
                self.inert(expr.to_token_stream(), Hint::Unknown),
            ));
        }
        for arg in args {
            let argument = self.argument_of_call(arg, &mut values)?;
            arguments.push(argument);
        }
        if arguments.iter().all(Argument::is_inert) {
            return refuse(
                expr,
                format!(
                    "cannot see what becomes of a differentiated value in the call of `{name}`\nhelp: pass the value itself"
                ),
            );
        }
        if self.closures > 0 {
            // For every entry: a function of numbers.
            let whole = |a: &Argument| matches!(a, Argument::Whole { .. } | Argument::Tuple { .. });
            if arguments.iter().any(whole) {
                return refuse(
                    expr,
                    format!(
                        "`{name}` is called for every entry here, and takes more than numbers\nhelp: write a loop, or an iterator, as in `x.iter().map(|x| …).sum::<f64>()`"
                    ),
                );
            }
            let number = self.new_call(callee, arguments);
            let id = self.exact(Op::Apply(number, Vec::new()), values, expr)?;
            return Ok(Value::Entry(id));
        }
        let number = self.new_call(callee, arguments);
        let call = self
            .graph
            .insert_apart(Op::Call(number), values, Kind::OPAQUE);
        self.place(Step::Evaluate(call));
        Ok(Value::Called(call, Vec::new()))
    }

    /// Whether an expression is inert, or computed of how large differentiated values are.
    pub(crate) fn is_size(&self, expr: &Expr) -> bool {
        match expr {
            _ if self.is_inert(expr) => true,
            Expr::Paren(inner) => self.is_size(&inner.expr),
            Expr::Group(inner) => self.is_size(&inner.expr),
            Expr::Binary(binary) => self.is_size(&binary.left) && self.is_size(&binary.right),
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                let asks = matches!(name.as_str(), "len" | "nrows" | "ncols" | "is_empty");
                asks && call.args.is_empty() && matches!(*call.receiver, Expr::Path(_))
            }
            _ => false,
        }
    }

    fn new_call(&self, callee: Callee, arguments: Vec<Argument>) -> usize {
        let mut calls = self.graph.calls.borrow_mut();
        calls.push(Call {
            callee,
            derived: None,
            arguments,
            after: TokenStream::new(),
            looked_at: LookedAt::No,
        });
        calls.len() - 1
    }

    /// An argument, whose values are added to these.
    fn argument_of_call(&mut self, arg: &Expr, values: &mut Vec<Id>) -> Lowered<Argument> {
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
        let (inner, by_reference) = borrowed(arg);
        if let (Expr::Tuple(tuple), false) = (inner, self.is_inert(arg)) {
            let parts = tuple.elems.iter();
            let parts = parts.map(|part| self.argument_of_call(part, values));
            return Ok(Argument::Tuple {
                parts: parts.collect::<Lowered<Vec<Argument>>>()?,
                by_reference,
                given: None,
            });
        }
        // A value of the graph is no statement, also where it carries no derivative.
        let named = match inner {
            Expr::Path(path) => self.scope.named(path).map(|binding| &binding.value),
            _ => None,
        };
        let computed = matches!(named, Some(Value::Node(id)) if self.graph.leaf_of(*id).is_none());
        let mut value = if self.is_inert(arg) && !computed {
            Value::Inert(self.inert(arg.to_token_stream(), Hint::Unknown))
        } else {
            // All of a list is the list, and a copy of a struct is that.
            let of = copied(inner).filter(|of| self.names_whole(of));
            self.expr(whole_list(inner).or(of).unwrap_or(arg))?
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
            let moves = self.moves(arg);
            if self.closures == 0 {
                // A reference to a temporary does not outlive the statement: that is kept itself.
                let by_reference = by_reference && is_temporary(inner);
                let kept = match by_reference {
                    true => self.inert(inner.to_token_stream(), Hint::Unknown),
                    false => inert.clone(),
                };
                if let Some(leaf) = self.of_iteration(&kept) {
                    values.push(leaf);
                    return Ok(Argument::Iterated {
                        at: values.len() - 1,
                        moves,
                        by_reference,
                    });
                }
                self.evaluate(inert);
            } else if !inert.pure {
                return refuse_in_closure(inert);
            }
            return Ok(Argument::Inert(inert.tokens.clone(), moves));
        }
        match &value {
            Value::Untyped(place)
                if (place.path.is_empty()
                    || place.reference
                    || by_reference
                    || copied(inner).is_some())
                    && matches!(self.resolved(value.clone()), Value::Untyped(_)) =>
            {
                let passing = match inner {
                    _ if by_reference => Passed::Borrowed,
                    _ if copied(inner).is_some() => Passed::Cloned,
                    _ => Passed::AsItIs,
                };
                self.whole_argument(place, inner, passing, values)
            }
            Value::Slice(_) | Value::List(_) | Value::Elements(_) | Value::Columns(..) => {
                self.list_argument(value, arg, values)
            }
            Value::Tuple(_) => {
                // A parameter is there under its name.
                let name = copied(inner).unwrap_or(inner);
                let given = match name {
                    Expr::Path(path)
                        if path
                            .path
                            .get_ident()
                            .is_some_and(|name| self.is_tuple_parameter(name, &value)) =>
                    {
                        let (kept, mut ids) = (self.kept(arg), Vec::new());
                        value.ids(&mut ids);
                        let dynamic =
                            |id: &Id| self.graph.shape(*id).is_some_and(|s| s.is_dynamic());
                        let moves = matches!(arg, Expr::Path(_)) && !self.is_borrowed(arg);
                        Some(match moves && ids.iter().any(dynamic) {
                            // What is moved is read once more.
                            true => quote!(::core::clone::Clone::clone(&#kept)),
                            false => kept,
                        })
                    }
                    _ => None,
                };
                let Argument::Tuple { parts, .. } = self.tuple_argument(&value, arg, values)?
                else {
                    return Err(super::Refusal(None));
                };
                Ok(Argument::Tuple {
                    parts,
                    by_reference,
                    given,
                })
            }
            Value::Node(id) if self.closures > 0 && self.graph.is_matrix(*id) => refuse(
                arg,
                "a whole matrix inside the closure of an elementwise method is not supported\nhelp: compute with single entries here, or with whole matrices outside",
            ),
            _ => {
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
                let entry = matches!(value, Value::Entry(_));
                let passing = self.passing(arg, id, entry);
                // A part that the user has made a matrix of its own is passed as one.
                let part = matches!(self.graph.op(id), Op::Part(part) if part.is_view());
                let copied = part && !self.is_view(arg);
                Ok(value_argument(id, (passing, copied), values))
            }
        }
    }

    /// Whether an expression is the name of a struct or a tuple.
    fn names_whole(&self, expr: &Expr) -> bool {
        let Expr::Path(path) = expr else {
            return false;
        };
        let known = self.scope.named(path);
        known.is_some_and(|known| matches!(known.value, Value::Untyped(_) | Value::Tuple(_)))
    }

    /// A struct, or a part of one whose kind the function knows that is called.
    fn whole_argument(
        &mut self,
        place: &Place,
        expr: &Expr,
        passing: Passed,
        values: &mut Vec<Id>,
    ) -> Lowered<Argument> {
        let id = self.whole_of(place, expr)?;
        let borrowed = self.graph.lists.borrow()[&id].name.clone();
        let is_parameter = place.path.is_empty();
        let tokens = match self.parameters.get(place.parameter) {
            Some((name, _)) if is_parameter => name.to_token_stream(),
            _ => place.tokens.clone(),
        };
        let is_reference = is_parameter && self.borrowed.contains(&place.parameter);
        let given = match passing {
            Passed::Receiver => tokens,
            Passed::Borrowed => quote!(&#tokens),
            Passed::AsItIs if is_reference => tokens,
            Passed::AsItIs if place.reference && !is_parameter => quote!(&#tokens),
            Passed::Cloned if is_reference => quote!(::core::clone::Clone::clone(#tokens)),
            // What is moved is read once more.
            Passed::AsItIs | Passed::Cloned => quote!(::core::clone::Clone::clone(&#tokens)),
        };
        values.push(id);
        Ok(Argument::Whole {
            at: values.len() - 1,
            what: Whole::Struct(borrowed),
            by_reference: true,
            given: Some(given),
        })
    }

    /// A list that is passed as such.
    fn list_argument(
        &mut self,
        value: Value,
        arg: &Expr,
        values: &mut Vec<Id>,
    ) -> Lowered<Argument> {
        let (inner, by_reference) = borrowed(arg);
        let is_slice = whole_list(inner).is_some()
            || matches!(inner, Expr::MethodCall(call) if call.method == "as_slice")
            || matches!(inner, Expr::Index(_));
        let (id, what) = match value {
            Value::Slice(id) => (id, Whole::Numbers),
            Value::Elements(id) => (id, Whole::Matrices),
            Value::List(entries) => (self.column_of_list(entries, arg)?, Whole::Numbers),
            _ => {
                return refuse(
                    arg,
                    format!(
                        "`{}` is a list of vectors, matrices or lists that the function makes, which is not passed to calls yet\nhelp: pass single elements, or one matrix with these as its columns",
                        text(arg)
                    ),
                );
            }
        };
        if !self.graph.shape(id).is_some_and(|shape| shape.is_column()) {
            return refuse(
                arg,
                "the entries of a matrix that is no column vector are not passed to calls as a slice yet\nhelp: pass the matrix itself",
            );
        }
        let leaf = self.graph.lists.borrow().get(&id).cloned();
        let is_slice = is_slice || leaf.is_none() && self.is_reference(inner);
        let given = leaf.map(|leaf| {
            let kept = self.kept(arg);
            // A name for a reference to a field stands for the field here.
            let is_field = leaf.name.into_iter().count() > 1;
            let borrow = (is_field && matches!(arg, Expr::Path(_))).then(|| quote!(&));
            quote!(#borrow #kept)
        });
        values.push(id);
        Ok(Argument::Whole {
            at: values.len() - 1,
            what,
            by_reference: by_reference || is_slice,
            given,
        })
    }

    /// A tuple that is passed as such, part by part.
    fn tuple_argument(
        &mut self,
        value: &Value,
        arg: &Expr,
        values: &mut Vec<Id>,
    ) -> Lowered<Argument> {
        match value {
            Value::Tuple(parts) => {
                let parts = parts.iter();
                let parts = parts.map(|part| self.tuple_argument(part, arg, values));
                Ok(Argument::Tuple {
                    parts: parts.collect::<Lowered<Vec<Argument>>>()?,
                    by_reference: false,
                    given: None,
                })
            }
            Value::Inert(inert) if self.closures == 0 => {
                let mut inert = inert.clone();
                if let Some(leaf) = self.of_iteration(&inert) {
                    values.push(leaf);
                    return Ok(Argument::Iterated {
                        at: values.len() - 1,
                        moves: true,
                        by_reference: false,
                    });
                }
                self.evaluate(&mut inert);
                Ok(Argument::Inert(inert.tokens, true))
            }
            Value::Slice(id) | Value::Elements(id) => {
                let lists = self.graph.lists.borrow();
                let what = match value {
                    Value::Slice(_) => Whole::Numbers,
                    _ => Whole::Matrices,
                };
                values.push(*id);
                Ok(Argument::Whole {
                    at: values.len() - 1,
                    what,
                    by_reference: false,
                    given: lists.get(id).map(|list| list.name.clone()),
                })
            }
            _ => {
                let id = self.node(value, arg, &Kind::SCALAR)?;
                if self.graph.kind(id).elem != Elem::Real {
                    return refuse(
                        arg,
                        format!(
                            "a part of the tuple `{}` has no derivative, but depends on a differentiated value\nhelp: pass its parts",
                            text(arg)
                        ),
                    );
                }
                let passing = match self.graph.leaf_of(id).map(|leaf| leaf.form) {
                    Some(Form::Borrowed) => Passing::Reference,
                    Some(Form::View) => Passing::View,
                    _ => Passing::Owned,
                };
                Ok(value_argument(id, (passing, false), values))
            }
        }
    }

    fn is_borrowed(&self, expr: &Expr) -> bool {
        let name = text(expr);
        let mut parameters = self.parameter_types.iter();
        parameters.any(|(parameter, ty)| {
            *parameter == name && matches!(crate::ty::strip(ty), syn::Type::Reference(_))
        })
    }

    /// What follows the call: `?`, `.unwrap()`.
    pub(crate) fn after_call(
        &mut self,
        call: Id,
        tokens: TokenStream,
        at: &dyn ToTokens,
    ) -> Lowered<()> {
        let around = self.graph.guards.borrow().clone();
        let Op::Call(number) = self.graph.op(call) else {
            return refuse(at.to_token_stream(), super::OPTION_OF_A_CALL);
        };
        if self.graph.node(call).guards != around {
            return refuse(at.to_token_stream(), super::OPTION_ON_A_SIDE);
        }
        // It has been read as it stands, as by a macro that prints it.
        if self.items.borrow().iter().any(|(of, ..)| *of == call) {
            return refuse(at.to_token_stream(), super::OPTION_OF_A_CALL);
        }
        self.graph.calls.borrow_mut()[number].after.extend(tokens);
        Ok(())
    }

    /// Whether a closure carries no derivative, and gives no value.
    pub(crate) fn panics(&self, closure: &Expr) -> bool {
        match closure {
            Expr::Closure(closure) => {
                self.is_inert(closure) && self.exit_of(&closure.body) == Exit::Diverges
            }
            _ => false,
        }
    }

    /// `match call { Some(p) => …, None => return None }`: what takes the value out of what the call gives, or leaves.
    pub(super) fn taken_from_call(
        &mut self,
        call: Id,
        (fits, other): (&Pat, &Pat),
        body: &Body,
    ) -> Lowered<bool> {
        let is = |tuple: &syn::PatTupleStruct, name: &str| {
            tuple.path.segments.last().is_some_and(|s| s.ident == name)
        };
        let is_result = matches!(fits, Pat::TupleStruct(tuple) if is(tuple, "Ok"));
        let error = match other {
            Pat::TupleStruct(tuple) if is_result && is(tuple, "Err") => tuple.elems.first(),
            _ => None,
        };
        let parameter = match (is_result, error) {
            (true, Some(pattern)) => quote!(|#pattern|),
            (true, None) => quote!(|_|),
            (false, _) => quote!(||),
        };
        // The call may be made before what is computed has its name.
        let mut read = self.reads(&body.tokens()).into_iter();
        if read.any(|id| self.graph.leaf_of(id).is_none()) {
            return Ok(false);
        }
        let Some(left) = self.left_by(body)? else {
            return Ok(false);
        };
        let returned = match syn::parse2::<syn::Block>(left.clone()) {
            Ok(block) => match &block.stmts[..] {
                [syn::Stmt::Expr(Expr::Return(returned), _)] => returned.expr.clone(),
                _ => None,
            },
            Err(_) => None,
        };
        let after = match returned.as_deref() {
            Some(Expr::Path(_)) if is_result => quote!(.ok()?),
            Some(Expr::Path(_)) => quote!(?),
            // What `into` makes is told by what is returned.
            Some(Expr::Call(failed))
                if !crate::ty::mentions(quote!(#failed), &|word| word == "into") =>
            {
                let error = &failed.args;
                match is_result {
                    true => quote!(.map_err(#parameter #error)?),
                    false => quote!(.ok_or_else(|| #error)?),
                }
            }
            _ if crate::ty::mentions(left.clone(), &|word| word == "return") => return Ok(false),
            _ => quote!(.unwrap_or_else(#parameter #left)),
        };
        self.after_call(call, after, fits)?;
        Ok(true)
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
                let known = self.scope.named(path);
                !known.is_some_and(|binding| match &binding.value {
                    Value::Inert(inert) => matches!(inert.hint, Hint::Int | Hint::Bool),
                    _ => false,
                })
            }
            _ => true,
        }
    }

    /// How an argument is passed.
    fn passing(&self, expr: &Expr, id: Id, entry: bool) -> Passing {
        match expr {
            _ if self.is_reference(expr) => Passing::Reference,
            Expr::Paren(inner) => self.passing(&inner.expr, id, entry),
            Expr::Group(inner) => self.passing(&inner.expr, id, entry),
            // The closure of an elementwise method is given numbers.
            _ if entry => Passing::Owned,
            Expr::Path(path) if self.scope.named(path).is_some_and(|known| known.owned) => {
                Passing::Owned
            }
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
        if let (Op::Call(number), true) = (self.graph.op(call), self.is_looked_at(call)) {
            let calls = self.graph.calls.borrow();
            let (Callee::Function { name, .. } | Callee::Method { name, .. }) =
                &calls[number].callee;
            self.misread.replace(Some(name.clone()));
        }
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

    /// A list of numbers that a call gives: the column of these.
    pub(super) fn called_list(
        &mut self,
        call: Id,
        part: &[usize],
        length: Option<Dim>,
        at: &dyn ToTokens,
    ) -> Lowered<Value> {
        let rows = length.unwrap_or(Dim::Dynamic(u32::MAX));
        let kind = Kind::matrix(Shape::new(rows, Dim::Static(1)));
        let id = self.called(call, part, &kind);
        let same = self.graph.shape(id).is_some_and(|shape| {
            let wanted = kind.shape.as_ref();
            wanted.is_some_and(|wanted| shape.same_type(wanted))
        });
        if !part.is_empty() || !same {
            return refuse(
                at.to_token_stream(),
                "a list in a tuple that a call returns is not supported yet\nhelp: let the function return a vector of nalgebra's, as in `Vector3::new(…)`",
            );
        }
        self.graph.called_lists.borrow_mut().insert(call);
        Ok(Value::Slice(id))
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
            Class::List(list) if list.real == self.real && list.element.is_none() => {
                self.called_list(call, part, list.length, ty)
            }
            _ => refuse(
                ty,
                format!(
                    "what a call returns cannot be differentiated as `{}`\nhelp: it may be a scalar, a vector, a matrix, a list of numbers, or a tuple of the others",
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

fn value_argument(id: Id, (passing, copied): (Passing, bool), values: &mut Vec<Id>) -> Argument {
    values.push(id);
    Argument::Value {
        at: values.len() - 1,
        passing,
        copied,
    }
}

/// What an argument is without `&` and parentheses, and whether there is a `&`.
fn borrowed(arg: &Expr) -> (&Expr, bool) {
    match arg {
        Expr::Reference(reference) => (borrowed(&reference.expr).0, true),
        Expr::Paren(inner) => borrowed(&inner.expr),
        Expr::Group(inner) => borrowed(&inner.expr),
        arg => (arg, false),
    }
}

/// Whether an expression makes a value, and names no place.
fn is_temporary(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Call(_) | Expr::MethodCall(_) | Expr::Macro(_) | Expr::Binary(_)
    )
}

/// The list in `list[..]`.
fn whole_list(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Index(index) => match &*index.index {
            Expr::Range(range) if range.start.is_none() && range.end.is_none() => Some(&index.expr),
            _ => None,
        },
        _ => None,
    }
}

/// `p` in `p.clone()` and `*p`.
fn copied(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::MethodCall(call) if call.method == "clone" && call.args.is_empty() => {
            Some(&call.receiver)
        }
        Expr::Unary(syn::ExprUnary {
            op: syn::UnOp::Deref(_),
            expr,
            ..
        }) => Some(expr),
        _ => None,
    }
}
