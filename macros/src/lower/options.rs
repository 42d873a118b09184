//! The `Option`s and `Result`s of what may fail: inverses, factorisations and solutions of equations.
//!
//! Taken with `unwrap`, `expect` or `?` they are one operation. Looked at in any other way they are attempted first,
//! which gives a condition, and the value on the side of a branch where it holds.

use super::functions::closure_in;
use super::matching::{Arm, Body, Exit, is_irrefutable, is_place};
use super::{Lower, Lowered, hint_of_plain_type, refuse};
use crate::error::text;
use crate::graph::{Form, Gives, Guard, Id, Kind, Leaf, LookedAt, Shape, Step};
use crate::rules::{Op, Panic};
use crate::scope::{Absence, Binding, Hint, Inert, Maybe, Pending, Value};
use crate::ty::{Class, Extent, Wrapper};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Expr, Pat};

/// What was attempted, under these branches: whether there is a value, and the value.
#[derive(Clone)]
pub(super) struct Attempt {
    of: Pending,
    guards: Vec<Guard>,
    some: Id,
    value: Id,
}

/// An `Option` in a variable that may change is held like a struct, by variables of its own: whether there is a value,
/// and the parts of the value. No field has such a name.
const IS_SOME: &str = "is some";
const SOME: &str = "some";

/// Methods that may give an `Option` of something.
const GIVES_OPTION: &[&str] = &[
    "first",
    "last",
    "get",
    "copied",
    "cloned",
    "then",
    "then_some",
    "map",
    "filter",
    "and_then",
];

const OPTION_UNKNOWN: &str = "what becomes of this `Option` cannot be followed\nhelp: give it `Some(…)` of numbers, matrices of known size, or tuples of these, or `None`";

pub(super) const ERROR_OF_A_CALL: &str = "the error of a call cannot be followed where it goes on without a value\nhelp: take the value or leave with the error where the call is made, as in `helper(x)?`, or write `Err(_)` and `|_|`";

/// What a method tells of what it is called on, if only an `Option` or a `Result` has it.
pub(crate) fn gives(method: &str, args: &[&Expr]) -> Option<Gives> {
    let of_closure = |f: &Expr| match closure_in(f).map(|closure| closure.inputs.len()) {
        Some(0) => Gives::Option,
        Some(_) => Gives::Result,
        None => Gives::Either,
    };
    Some(match (method, args) {
        ("is_some" | "is_none", []) | ("ok_or" | "ok_or_else" | "filter", [_]) => Gives::Option,
        ("is_ok" | "is_err" | "ok", []) => Gives::Result,
        ("unwrap_or_else", [f]) | ("map_or_else", [f, _]) => of_closure(f),
        ("unwrap" | "unwrap_or_default", [])
        | ("expect" | "unwrap_or" | "and_then", [_])
        | ("map_or", [_, _]) => Gives::Either,
        ("map", [f]) if closure_in(f).is_some() => Gives::Either,
        _ => return None,
    })
}

impl Lower<'_> {
    /// A method of `Option` or `Result` of what a call gives.
    pub(crate) fn method_of_call(
        &mut self,
        call: Id,
        method: &Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let gives = gives(&method.to_string(), args).unwrap_or(Gives::Either);
        let maybe = Value::Maybe(self.maybe_of_call(call, gives, method)?);
        self.method_of_maybe(&maybe, method, args, expr)
    }

    /// What a call gives, where it goes on without a value as well.
    pub(crate) fn maybe_of_call(
        &mut self,
        call: Id,
        gives: Gives,
        at: &dyn ToTokens,
    ) -> Lowered<Maybe> {
        let Op::Call(number) = self.graph.op(call) else {
            return refuse(at.to_token_stream(), super::OPTION_OF_A_CALL);
        };
        let mut made = self.graph.calls.borrow()[number].clone();
        if let LookedAt::Attempt(known) = made.looked_at {
            if known == Gives::Either {
                self.graph.calls.borrow_mut()[number].looked_at = LookedAt::Attempt(gives);
            }
            return match self.looked_at_before(call) {
                Some(maybe) => Ok(maybe),
                None => refuse(at.to_token_stream(), super::OPTION_OF_A_CALL),
            };
        }
        let around = self.graph.guards.borrow().clone();
        if self.graph.node(call).guards != around {
            return refuse(at.to_token_stream(), super::OPTION_ON_A_SIDE);
        }
        // It has been read as it stands, as by a macro that prints it.
        if self.items.borrow().iter().any(|(of, ..)| *of == call) {
            return refuse(at.to_token_stream(), super::OPTION_OF_A_CALL);
        }
        self.graph.calls.borrow_mut()[number].looked_at = LookedAt::Attempt(gives);
        let some = self
            .graph
            .insert(Op::Item(Vec::new()), vec![call], Kind::BOOL);
        self.graph
            .hints
            .borrow_mut()
            .insert(some, "is_some".to_string());
        self.presences.push(some);
        made.after = TokenStream::new();
        made.looked_at = LookedAt::Taken;
        let taken = {
            let mut calls = self.graph.calls.borrow_mut();
            calls.push(made);
            calls.len() - 1
        };
        let mut args = self.graph.args(call).to_vec();
        args.push(call);
        let there = Guard {
            cond: some,
            side: true,
        };
        self.graph.guards.borrow_mut().push(there);
        self.graph.insert_apart(Op::Call(taken), args, Kind::OPAQUE);
        self.graph.guards.borrow_mut().pop();
        match self.looked_at_before(call) {
            Some(maybe) => Ok(maybe),
            None => refuse(at.to_token_stream(), super::OPTION_OF_A_CALL),
        }
    }

    /// `helper(x).map(f)` where the next method tells that it is an `Option`, and no matrix.
    pub(crate) fn mapped_option(&mut self, expr: &Expr) -> Lowered<Option<Value>> {
        let Expr::MethodCall(map) = expr else {
            return Ok(None);
        };
        let args: Vec<&Expr> = map.args.iter().collect();
        let of_function = match &*map.receiver {
            Expr::Call(call) => {
                matches!(&*call.func, Expr::Path(path) if self.may_have_companions(path))
            }
            Expr::Path(path) => {
                let known = self.scope.named(path).map(|binding| &binding.value);
                matches!(known, Some(Value::Called(..)))
            }
            _ => false,
        };
        if map.method != "map" || args.len() != 1 || self.closures > 0 || self.is_inert(expr) {
            return Ok(None);
        }
        let option = match of_function {
            true => self.expr(&map.receiver)?,
            false => match self.mapped_option(&map.receiver)? {
                Some(option) => option,
                None => return Ok(None),
            },
        };
        let option = match option {
            Value::Called(call, part) if part.is_empty() => {
                Value::Maybe(self.maybe_of_call(call, Gives::Either, &map.method)?)
            }
            option => option,
        };
        let receiver = (option, &*map.receiver);
        self.apply_method(&map.method, None, receiver, &args, expr)
            .map(Some)
    }

    /// A value, as an `Option` if it is a call that has been looked at.
    pub(crate) fn as_option(&self, value: Value) -> Value {
        match &value {
            Value::Called(call, part) if part.is_empty() => {
                self.looked_at_before(*call).map_or(value, Value::Maybe)
            }
            _ => value,
        }
    }

    pub(crate) fn is_looked_at(&self, call: Id) -> bool {
        matches!(self.graph.op(call), Op::Call(number) if self.graph.calls.borrow()[number].is_attempt())
    }

    /// What a call gives, if that has been looked at.
    pub(super) fn looked_at_before(&self, call: Id) -> Option<Maybe> {
        let Op::Call(number) = self.graph.op(call) else {
            return None;
        };
        let LookedAt::Attempt(gives) = self.graph.calls.borrow()[number].looked_at else {
            return None;
        };
        let mut after = (call.0 + 1..self.graph.count()).map(Id);
        let some = after.find(|id| {
            matches!(self.graph.op(*id), Op::Item(_)) && self.graph.args(*id)[..] == [call]
        })?;
        let value = after.find(|id| {
            matches!(self.graph.op(*id), Op::Call(_)) && self.graph.args(*id).last() == Some(&call)
        })?;
        Some(Maybe {
            some,
            value: Box::new(Value::Called(value, Vec::new())),
            absence: match gives {
                Gives::Option => Absence::None,
                Gives::Result | Gives::Either => Absence::OfCall,
            },
        })
    }

    /// `let mut best = None;` and `let mut best = Some(x);`, where the variable is given differentiated values.
    pub(super) fn option_variable(
        &mut self,
        name: &syn::PatIdent,
        init: &Expr,
        ty: Option<&syn::Type>,
    ) -> Lowered<bool> {
        let inner = ty.and_then(Wrapper::of).filter(Wrapper::is_option);
        let of_none = matches!(init, Expr::Path(path) if path.path.is_ident("None"));
        let of_some = matches!(init, Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some")));
        let given = if of_none {
            Value::Wrapped(Box::new(Value::Never))
        } else if inner.is_some() || of_some {
            self.option_of(init)?
        } else {
            let may_be = matches!(init, Expr::MethodCall(call) if GIVES_OPTION.contains(&call.method.to_string().as_str()));
            let mark = self.mark();
            match may_be.then(|| self.option_or_value(init)) {
                Some(Ok(option @ (Value::Maybe(_) | Value::Wrapped(_)))) => option,
                _ => {
                    self.roll_back(mark);
                    return Ok(false);
                }
            }
        };
        let (known, some) = match given {
            Value::Wrapped(value) if matches!(*value, Value::Never) => (None, quote!(false)),
            Value::Wrapped(value) => (Some(*value), quote!(true)),
            Value::Maybe(maybe) => {
                let some = self.name_of(maybe.some);
                (
                    Some(self.joined_value(maybe.some, *maybe.value, init)?),
                    some,
                )
            }
            _ => return refuse(init, OPTION_UNKNOWN),
        };
        let value = match (known, &inner) {
            (Some(value), _) => value,
            (None, Some(inner)) => self.value_of_none(&inner.inner)?,
            (None, None) => {
                let known = self.none_of.iter().find(|(own, _)| name.ident == own);
                match known.map(|(_, value)| value.clone()) {
                    Some(like) => self.nothing_like(&like, init)?,
                    None => Value::Node(self.graph.constant(0.0)),
                }
            }
        };
        let own = name.ident.unraw();
        self.taken.insert(own.to_string());
        let there = self.fresh(&format!("has_{own}"));
        let stmt: syn::Stmt = syn::parse_quote!(let mut #there = #some;);
        if let syn::Stmt::Local(local) = &stmt {
            self.local(local, &stmt)?;
        }
        let mut fields = vec![(IS_SOME.to_string(), there)];
        let parts = match value {
            Value::Tuple(parts) => parts,
            value => vec![value],
        };
        for part in parts {
            let variable = self.fresh(&own.to_string());
            self.changing.insert(variable.to_string());
            let part = match part {
                Value::Inert(inert) if matches!(inert.hint, Hint::Int | Hint::Bool) => {
                    Value::Inert(inert)
                }
                part => Value::Node(self.node(&part, init, &Kind::SCALAR)?),
            };
            let follows = !matches!(part, Value::Inert(_));
            self.bind(&syn::parse_quote!(mut #variable), part)?;
            if follows {
                self.scope.activate(&variable.to_string());
            }
            fields.push((SOME.to_string(), variable));
        }
        let fields = Value::Fields(fields.into());
        self.scope.bind(Binding::active(name.ident.clone(), fields));
        Ok(true)
    }

    /// What stands for the value of `None` beside this one.
    pub(super) fn nothing_like(&mut self, value: &Value, at: &Expr) -> Lowered<Value> {
        match value {
            Value::Tuple(parts) => {
                let parts = parts.iter().map(|part| self.nothing_like(part, at));
                parts.collect::<Lowered<Vec<Value>>>().map(Value::Tuple)
            }
            Value::Inert(inert) if inert.hint == Hint::Int => {
                Ok(self.inert_value(&syn::parse_quote!(0), Hint::Int))
            }
            Value::Inert(inert) if inert.hint == Hint::Bool => {
                Ok(self.inert_value(&syn::parse_quote!(false), Hint::Bool))
            }
            value => self.in_place_of_none(value, at),
        }
    }

    /// What stands for the value of `None` of this type.
    fn value_of_none(&mut self, ty: &syn::Type) -> Lowered<Value> {
        let zero: Expr = match crate::ty::strip(ty) {
            syn::Type::Reference(reference) => return self.value_of_none(&reference.elem),
            syn::Type::Tuple(tuple) if !tuple.elems.is_empty() => {
                let parts = tuple.elems.iter().map(|ty| self.value_of_none(ty));
                return parts.collect::<Lowered<Vec<Value>>>().map(Value::Tuple);
            }
            ty => match hint_of_plain_type(ty) {
                Hint::Int => {
                    let zero = format!("0{}", text(ty));
                    syn::parse_str(&zero).map_err(|e| super::Refusal(Some(e)))?
                }
                Hint::Bool => syn::parse_quote!(false),
                _ => match self.context.classify(ty) {
                    Class::Value(value) if value.real == self.real && value.extents.is_none() => {
                        return Ok(Value::Node(self.graph.constant(0.0)));
                    }
                    Class::Value(value) if value.real == self.real => {
                        let Some((Extent::Known(rows), Extent::Known(cols))) = &value.extents
                        else {
                            return refuse(
                                ty,
                                "an `Option` of a matrix that changes is followed where its size is known to the compiler\nhelp: keep the matrix and whether there is one in two variables",
                            );
                        };
                        let kind = Kind::matrix(Shape::new(rows.clone(), cols.clone()));
                        self.types.push((value.written.clone(), value));
                        let zero = self.graph.constant(0.0);
                        return Ok(Value::Node(self.graph.insert(Op::Fill, vec![zero], kind)));
                    }
                    _ => return refuse(ty, OPTION_UNKNOWN),
                },
            },
        };
        let hint = hint_of_plain_type(crate::ty::strip(ty));
        Ok(self.inert_value(&zero, hint))
    }

    /// The `Option` in a variable, as it is now; `None` if these are the fields of a struct.
    pub(super) fn option_in(&mut self, fields: &[(String, Ident)]) -> Lowered<Option<Value>> {
        let Some(((kind, there), parts)) = fields.split_first() else {
            return Ok(None);
        };
        if kind != IS_SOME {
            return Ok(None);
        }
        let known = self.as_it_is(there, &Kind::BOOL)?;
        let some = self.condition_of(&known, there)?;
        self.presences.push(some);
        let mut values = Vec::new();
        for (_, variable) in parts {
            values.push(self.as_it_is(variable, &Kind::INT)?);
        }
        let value = match values.pop() {
            Some(one) if values.is_empty() => one,
            last => {
                values.extend(last);
                Value::Tuple(values)
            }
        };
        Ok(Some(Value::Maybe(Maybe {
            some,
            value: Box::new(value),
            absence: Absence::None,
        })))
    }

    /// Reads the `Option`s in variables that an expression looks at, so that nothing more happens where it is read.
    pub(super) fn read_options(&mut self, expr: &Expr) -> Lowered<()> {
        let read = self.scope.read_by(expr.to_token_stream());
        let fields = read.iter().filter_map(|binding| match &binding.value {
            Value::Fields(fields) => Some(fields.clone()),
            _ => None,
        });
        for fields in fields.collect::<Vec<_>>() {
            self.option_in(&fields)?;
        }
        Ok(())
    }

    /// A variable that an `Option` is held by, until it is assigned to again: what is no value of the graph is copied.
    fn as_it_is(&mut self, variable: &Ident, kind: &Kind) -> Lowered<Value> {
        let Value::Inert(inert) = self.expr(&syn::parse_quote!(#variable))? else {
            return self.expr(&syn::parse_quote!(#variable));
        };
        let spelled = format!("{variable} after {} assignments", self.options_assigned);
        let known = self.pins.iter().find(|(pin, _)| *pin == spelled);
        let id = match known.map(|(_, id)| *id) {
            Some(id) => id,
            None => {
                let kind = if inert.hint == Hint::Bool {
                    &Kind::BOOL
                } else {
                    kind
                };
                let id = self.pin(&inert, kind.clone())?;
                self.pins.push((spelled, id));
                id
            }
        };
        Ok(Value::Inert(Inert {
            hint: inert.hint,
            leaf: Some(id),
            reads: vec![id],
            ..Inert::plain(self.name_of(id), true)
        }))
    }

    /// `best = Some(x);` and `best = None;`
    pub(super) fn assign_option(
        &mut self,
        fields: &[(String, Ident)],
        right: &Expr,
        at: &Expr,
    ) -> Lowered<Option<Value>> {
        let Some(((kind, there), parts)) = fields.split_first() else {
            return Ok(None);
        };
        if kind != IS_SOME {
            return Ok(None);
        }
        let (some, reads, value) = match self.option_of(right)? {
            Value::Wrapped(value) if matches!(*value, Value::Never) => {
                (quote!(false), Vec::new(), None)
            }
            Value::Wrapped(value) => (quote!(true), Vec::new(), Some(*value)),
            Value::Maybe(maybe) => {
                let value = self.joined_value(maybe.some, *maybe.value, right)?;
                (self.name_of(maybe.some), vec![maybe.some], Some(value))
            }
            _ => return refuse(right, OPTION_UNKNOWN),
        };
        self.options_assigned += 1;
        let there = self.kept(there);
        self.place(Step::Verbatim {
            tokens: quote!(#there = #some;),
            reads,
            binds: Vec::new(),
        });
        let values = match value {
            None => return Ok(Some(Value::Unit)),
            Some(Value::Tuple(values)) => values,
            Some(value) => vec![value],
        };
        if values.len() != parts.len() {
            return refuse(
                right,
                "the type of this `Option` was not known when its variable was declared\nhelp: give it there, as in `let mut best: Option<(f64, f64)> = None;`",
            );
        }
        for ((_, variable), value) in parts.iter().zip(values) {
            let known = self.scope.get(&variable.to_string()).map(|b| &b.value);
            match (known, value) {
                (Some(Value::Inert(_)), Value::Inert(new)) => {
                    let (variable, tokens) = (self.kept(variable), &new.tokens);
                    self.place(Step::Verbatim {
                        tokens: quote!(#variable = #tokens;),
                        reads: new.reads,
                        binds: Vec::new(),
                    });
                }
                (_, value) => {
                    let left: Expr = syn::parse_quote!(#variable);
                    self.assign_value(&left, value, (right, at))?;
                }
            }
        }
        Ok(Some(Value::Unit))
    }

    /// An expression as an `Option`, if it is one that can be followed.
    fn option_of(&mut self, expr: &Expr) -> Lowered<Value> {
        Ok(match self.option_or_value(expr)? {
            Value::Called(call, part) if part.is_empty() => {
                Value::Maybe(self.maybe_of_call(call, Gives::Option, expr)?)
            }
            value => value,
        })
    }

    fn option_or_value(&mut self, expr: &Expr) -> Lowered<Value> {
        let value = self.expr(expr)?;
        Ok(match value {
            Value::Inert(none) if none.tokens.to_string() == "None" => {
                Value::Wrapped(Box::new(Value::Never))
            }
            value @ Value::Inert(_) => self.some_of_inert(value),
            value => match self.maybe(&value, expr)? {
                Some(maybe) => Value::Maybe(maybe),
                None => value,
            },
        })
    }

    /// What may have failed as a condition and a value; `None` if it is nothing of the kind.
    pub(super) fn maybe(&mut self, value: &Value, at: &dyn ToTokens) -> Lowered<Option<Maybe>> {
        match value {
            Value::Maybe(maybe) => Ok(Some(maybe.clone())),
            Value::Pending(pending) => self.attempt(*pending, Absence::None, at).map(Some),
            Value::PendingOr(pending, error) => {
                let mut trees = error.clone().into_iter();
                let always = trees
                    .next()
                    .is_some_and(|method| method.to_string() == "ok_or");
                if always && !self.is_pure(&trees.collect()) {
                    return refuse(
                        error,
                        "this error is made whether it is needed or not, which is not supported here\nhelp: write `ok_or_else(|| …)`",
                    );
                }
                self.attempt(*pending, Absence::Error(error.clone()), at)
                    .map(Some)
            }
            Value::Called(call, part) if part.is_empty() => Ok(self.looked_at_before(*call)),
            _ => Ok(None),
        }
    }

    fn attempt(&mut self, pending: Pending, absence: Absence, at: &dyn ToTokens) -> Lowered<Maybe> {
        if self.closures > 0 {
            return refuse(
                at.to_token_stream(),
                "this may fail, and cannot be looked at inside the closure of an elementwise method\nhelp: bind it with `let` before the closure",
            );
        }
        let guards = self.graph.guards.borrow().clone();
        let known = self
            .attempts
            .iter()
            .find(|a| a.of == pending && guards.starts_with(&a.guards))
            .cloned();
        let attempt = match known {
            Some(attempt) => attempt,
            None => {
                let attempt = self.new_attempt(pending, guards, at)?;
                self.attempts.push(attempt.clone());
                attempt
            }
        };
        Ok(Maybe {
            some: attempt.some,
            value: Box::new(Value::Node(attempt.value)),
            absence,
        })
    }

    fn new_attempt(
        &mut self,
        pending: Pending,
        guards: Vec<Guard>,
        at: &dyn ToTokens,
    ) -> Lowered<Attempt> {
        let (reads, tokens) = match pending {
            Pending::Inverse(a) => {
                let name = self.name_of(a);
                (vec![a], quote!(#name.clone_owned().try_inverse()))
            }
            Pending::Cholesky(a) => {
                let name = self.name_of(a);
                (vec![a], quote!(#name.clone_owned().cholesky()))
            }
            Pending::LuInverse(lu) => {
                let name = self.name_of(lu);
                (vec![lu], quote!(#name.try_inverse()))
            }
            Pending::LuSolve(lu, b) => {
                let (name, right) = (self.name_of(lu), self.name_of(b));
                let borrowed = self.graph.leaf_of(b).map(|leaf| leaf.form) == Some(Form::Borrowed);
                let reference = (!borrowed).then(|| quote!(&));
                (vec![lu, b], quote!(#name.solve(#reference #right)))
            }
            Pending::Normalize(..) | Pending::Triangular { .. } => {
                return refuse(
                    at.to_token_stream(),
                    "whether this is `Some` or `None` cannot be told apart yet\nhelp: take the value with `.unwrap()`, `.expect(…)` or `?`",
                );
            }
        };
        let varies = reads.iter().any(|id| self.graph.varies(*id));
        let leaf = |lower: &mut Self, name: TokenStream, kind: Kind| {
            let id = lower.graph.leaf(Leaf {
                name,
                kind,
                form: Form::Owned,
                varies,
            });
            lower.graph.keep_local(id);
            id
        };
        let (name, condition) = (self.fresh("attempt"), self.fresh("is_some"));
        let attempt = leaf(self, quote!(#name), Kind::OPAQUE);
        self.place(Step::Verbatim {
            tokens: quote!(let #name = #tokens;),
            reads,
            binds: vec![attempt],
        });
        let some = leaf(self, quote!(#condition), Kind::BOOL);
        self.place(Step::Pin {
            leaf: some,
            tokens: quote!(let #condition = #name.is_some();),
            reads: Vec::new(),
            pure: true,
            fixed: true,
        });
        self.graph.guards.borrow_mut().push(Guard {
            cond: some,
            side: true,
        });
        // What can go wrong has gone wrong with the attempt.
        let mark = self.mark();
        let value = self.attempted(pending, Panic::Taken(attempt.0), at);
        self.roll_back(mark);
        self.graph.guards.borrow_mut().pop();
        match value? {
            Value::Node(value) => Ok(Attempt {
                of: pending,
                guards,
                some,
                value,
            }),
            _ => refuse(at.to_token_stream(), "this cannot be attempted"),
        }
    }

    /// `match e { Some(p) => …, None => return None }` is one operation, as `e?` is: the arm that fits, and the value.
    pub(super) fn taken_or_left<'a>(
        &mut self,
        subject: &Value,
        arms: &[Arm<'a>],
        at: &dyn ToTokens,
    ) -> Lowered<Option<(Arm<'a>, Value)>> {
        let [first, second] = arms else {
            return Ok(None);
        };
        let fits = |arm: &Arm<'a>| {
            let variant = |tuple: &syn::PatTupleStruct| {
                let name = tuple.path.segments.last().map(|s| s.ident.to_string());
                matches!(name.as_deref(), Some("Some" | "Ok"))
                    && tuple.elems.len() == 1
                    && is_irrefutable(&tuple.elems[0])
            };
            matches!(arm.pat, Pat::TupleStruct(tuple) if variant(tuple)) && arm.guard.is_none()
        };
        let (arm, other) = match (fits(first), fits(second)) {
            (true, false) => (*first, second),
            (false, true) => (*second, first),
            _ => return Ok(None),
        };
        if other.guard.is_some() || self.closures > 0 {
            return Ok(None);
        }
        match subject {
            Value::Pending(pending) | Value::PendingOr(pending, _) => {
                let Some(block) = self.left_by(&other.body)? else {
                    return Ok(None);
                };
                let block = self.graph.message(block);
                let value = self.attempted(*pending, Panic::Else(block), at)?;
                Ok(Some((arm, value)))
            }
            Value::Called(call, part) if part.is_empty() && !self.is_looked_at(*call) => {
                let taken = self.taken_from_call(*call, (arm.pat, other.pat), &other.body)?;
                Ok(taken.then(|| (arm, subject.clone())))
            }
            _ => Ok(None),
        }
    }

    /// What panics or leaves the function without a value, as it is kept.
    pub(super) fn left_by(&mut self, body: &Body) -> Lowered<Option<TokenStream>> {
        if let Body::Block(block) = body
            && let [syn::Stmt::Expr(only @ (Expr::Path(_) | Expr::Call(_)), None)] =
                &block.stmts[..]
        {
            return self.left_by(&Body::Expr(only));
        }
        let (tokens, observes) = match body {
            Body::Expr(Expr::Block(block)) if block.label.is_none() => {
                return self.left_by(&Body::Block(&block.block));
            }
            Body::Outside(_, body) => return self.left_by(body),
            Body::Expr(expr) if self.exit_of(expr) == Exit::Diverges => {
                (quote!({ #expr }), self.only_observes(expr))
            }
            Body::Expr(expr) if self.tail && self.wrapped && self.leaves_without_value(expr) => {
                (quote!({ return #expr }), true)
            }
            Body::Block(block) if self.exit_of_block(block) == Exit::Diverges => (
                block.to_token_stream(),
                block.stmts.iter().all(|stmt| self.observes(stmt)),
            ),
            _ => return Ok(None),
        };
        if !observes && !self.is_inert(&tokens) {
            return Ok(None);
        }
        self.check_kept(&tokens)?;
        let reads = self.reads(&tokens);
        let kept = self.kept_with_strings(tokens);
        // What it reads has its name by then.
        self.place(Step::Verbatim {
            tokens: TokenStream::new(),
            reads,
            binds: Vec::new(),
        });
        Ok(Some(kept))
    }

    /// The value of what was attempted, on a side where it is known to be there.
    pub(crate) fn known_value(&self, pending: Pending) -> Option<Id> {
        let guards = self.graph.guards.borrow();
        let known = |a: &&Attempt| {
            let some = Guard {
                cond: a.some,
                side: true,
            };
            a.of == pending && guards.contains(&some)
        };
        self.attempts.iter().find(known).map(|a| a.value)
    }

    /// Whether a condition is that something was there.
    pub(super) fn is_attempt(&self, cond: Id) -> bool {
        self.presences.contains(&cond) || self.attempts.iter().any(|a| a.some == cond)
    }

    /// `if c { Some(a) } else { None }`
    pub(super) fn some_on(
        &mut self,
        cond: Id,
        side: bool,
        value: Value,
        at: &Expr,
    ) -> Lowered<Value> {
        self.presences.push(cond);
        let some = if side {
            cond
        } else {
            self.exact(Op::Not, vec![cond], at)?
        };
        Ok(Value::Maybe(Maybe {
            some,
            value: Box::new(value),
            absence: Absence::None,
        }))
    }

    /// Whether a value is there on a side only that is not being read.
    pub(super) fn is_elsewhere(&self, value: &Value) -> bool {
        match value {
            Value::Node(id) => {
                let around = self.graph.guards.borrow();
                let guards = self.graph.node(*id).guards;
                guards.iter().any(|g| !around.contains(g))
            }
            Value::Tuple(parts) => parts.iter().any(|part| self.is_elsewhere(part)),
            _ => false,
        }
    }

    /// A method of what may have failed.
    pub(crate) fn method_of_maybe(
        &mut self,
        value: &Value,
        method: &syn::Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let name = method.to_string();
        if let ("as_ref" | "clone" | "cloned" | "copied", []) = (name.as_str(), args) {
            return Ok(value.clone());
        }
        let refusal = format!(
            "`{name}` on the `Option` of a differentiated value is not supported yet\nhelp: take the value with `.unwrap()`, `.expect(…)` or `?`, or tell the cases apart with `match` or `if let`"
        );
        if let (Value::Pending(pending), "unwrap_or_else", [other]) = (value, name.as_str(), args)
            && let Some(closure) = closure_in(other)
            && let Some(block) = self.left_by(&Body::Expr(&closure.body))?
        {
            let block = self.graph.message(block);
            return self.attempted(*pending, Panic::Else(block), expr);
        }
        let known = matches!(
            (name.as_str(), args),
            (
                "is_some" | "is_none" | "is_ok" | "is_err" | "unwrap" | "unwrap_or_default" | "ok",
                []
            ) | (
                "expect"
                    | "unwrap_or"
                    | "unwrap_or_else"
                    | "map"
                    | "ok_or"
                    | "ok_or_else"
                    | "and_then"
                    | "filter",
                [_]
            ) | ("map_or" | "map_or_else", [_, _])
        );
        let Some(maybe) = (if known {
            self.maybe(value, expr)?
        } else {
            None
        }) else {
            return refuse(method, refusal);
        };
        let some = Value::Node(maybe.some);
        let is_result = matches!(maybe.absence, Absence::Error(_));
        let of_call = matches!(maybe.absence, Absence::OfCall);
        match (name.as_str(), args) {
            ("is_some" | "is_ok", []) => Ok(some),
            ("is_none" | "is_err", []) => self.step(Op::Not, vec![maybe.some], expr),
            ("ok", []) => Ok(Value::Maybe(Maybe {
                absence: Absence::None,
                ..maybe
            })),
            ("ok_or" | "ok_or_else", [error]) if self.is_inert(error) && !is_result => {
                let error = self.kept(error);
                Ok(Value::Maybe(Maybe {
                    absence: Absence::Error(quote!(#method(#error))),
                    ..maybe
                }))
            }
            ("map", [f]) => {
                let value = (*maybe.value).clone();
                let (mapped, side) =
                    self.side(maybe.some, true, |lower| lower.apply(f, vec![value]));
                let mapped = mapped?;
                if !side.steps.is_empty() {
                    self.place_side(maybe.some, true, side.steps);
                }
                Ok(Value::Maybe(Maybe {
                    value: Box::new(mapped),
                    ..maybe
                }))
            }
            ("and_then", [f]) if !is_result => {
                let value = (*maybe.value).clone();
                let (then, side) = self.side(maybe.some, true, |lower| lower.apply(f, vec![value]));
                let then = then?;
                if !side.steps.is_empty() {
                    self.place_side(maybe.some, true, side.steps);
                }
                let none = Value::Wrapped(Box::new(Value::Never));
                self.choose_option(&some, maybe.some, then, none, expr)
            }
            ("filter", [f]) if !is_result => {
                let value = (*maybe.value).clone();
                let (fits, side) = self.side(maybe.some, true, |lower| {
                    lower.apply(f, vec![value.clone()])
                });
                let fits = fits?;
                if !side.steps.is_empty() {
                    self.place_side(maybe.some, true, side.steps);
                }
                let fits = self.node(&fits, f, &Kind::BOOL)?;
                let value = self.joined_value(maybe.some, value, expr)?;
                let both = self.exact(Op::And, vec![maybe.some, fits], expr)?;
                self.some_on(both, true, value, expr)
            }
            ("unwrap_or", [other]) => {
                // Evaluated whether it is needed or not.
                let other = self.expr_evaluated(other)?;
                let value = *maybe.value;
                self.fork(
                    (&some, maybe.some),
                    [false; 2],
                    expr,
                    |_| Ok(value),
                    |_| Ok(other),
                )
            }
            ("unwrap_or_default", [])
                if self.is_scalar(&maybe.value) || matches!(*maybe.value, Value::Called(..)) =>
            {
                let (value, zero) = (*maybe.value, self.graph.constant(0.0));
                self.fork(
                    (&some, maybe.some),
                    [false; 2],
                    expr,
                    |_| Ok(value),
                    |_| Ok(Value::Node(zero)),
                )
            }
            ("unwrap_or_else", [other]) if !is_result => {
                let value = *maybe.value;
                self.fork(
                    (&some, maybe.some),
                    [false; 2],
                    expr,
                    |_| Ok(value),
                    |lower| lower.apply_without_error(other),
                )
            }
            ("map_or", [other, f]) => {
                let other = self.expr_evaluated(other)?;
                let value = *maybe.value;
                self.fork(
                    (&some, maybe.some),
                    [false; 2],
                    expr,
                    |lower| lower.apply(f, vec![value]),
                    |_| Ok(other),
                )
            }
            ("map_or_else", [other, f]) if !is_result => {
                let value = *maybe.value;
                self.fork(
                    (&some, maybe.some),
                    [false; 2],
                    expr,
                    |lower| lower.apply(f, vec![value]),
                    |lower| lower.apply_without_error(other),
                )
            }
            ("unwrap" | "expect", _) if of_call => match self.known(maybe.some) {
                Some(true) => Ok(*maybe.value),
                _ => refuse(method, ERROR_OF_A_CALL),
            },
            ("unwrap", []) if !is_result => {
                let panic = quote! {
                    ::core::option::Option::<()>::None.unwrap();
                    ::core::unreachable!()
                };
                self.value_or(maybe, &panic, expr)
            }
            ("expect", [message]) if !is_result && self.is_inert(message) => {
                let message = self.kept(message);
                let panic = quote! {
                    ::core::option::Option::<()>::None.expect(#message);
                    ::core::unreachable!()
                };
                self.value_or(maybe, &panic, expr)
            }
            _ => refuse(method, refusal),
        }
    }

    /// `option.map_or(a, |x| b)` and `option.unwrap_or(a)` of an option without derivative, as a `match`.
    pub(crate) fn cases_of_option(
        &mut self,
        option: &Expr,
        method: &str,
        args: &[&Expr],
    ) -> Option<Expr> {
        if self.closures > 0 || !is_place(option) {
            return None;
        }
        let (other, value) = (self.fresh("other"), self.fresh("value"));
        match (method, args) {
            ("unwrap_or", [default]) => Some(syn::parse_quote!({
                let #other = #default;
                match #option {
                    ::core::option::Option::Some(#value) => #value,
                    ::core::option::Option::None => #other,
                }
            })),
            ("map_or", [default, f]) => {
                let closure = closure_in(f)?;
                let body = &closure.body;
                let returns = crate::scope::control_flow(body.to_token_stream(), false).is_some();
                if closure.inputs.len() != 1 || returns {
                    return None;
                }
                let pat = match &closure.inputs[0] {
                    Pat::Type(typed) => &*typed.pat,
                    pat => pat,
                };
                Some(syn::parse_quote!({
                    let #other = #default;
                    match #option {
                        ::core::option::Option::Some(#pat) => #body,
                        ::core::option::Option::None => #other,
                    }
                }))
            }
            _ => None,
        }
    }

    /// A method of `Some(value)` or `Ok(value)`.
    pub(crate) fn method_of_some(
        &mut self,
        value: &Value,
        method: &syn::Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let is_there = !matches!(value, Value::Never);
        match (method.to_string().as_str(), args) {
            ("unwrap", []) if is_there => Ok(value.clone()),
            // Evaluated, whether it is needed or not.
            ("expect", [other]) if is_there => {
                self.expr_evaluated(other)?;
                Ok(value.clone())
            }
            ("unwrap_or", [other]) => {
                let other = self.expr_evaluated(other)?;
                Ok(if is_there { value.clone() } else { other })
            }
            ("map_or", [other, f]) => {
                let other = self.expr_evaluated(other)?;
                if is_there {
                    self.apply(f, vec![value.clone()])
                } else {
                    Ok(other)
                }
            }
            ("unwrap_or_else", [_]) if is_there => Ok(value.clone()),
            ("unwrap_or_else" | "map_or_else", [other, ..]) if !is_there => {
                self.apply(other, Vec::new())
            }
            ("map_or_else", [_, f]) => self.apply(f, vec![value.clone()]),
            ("map" | "and_then" | "filter", [_]) if !is_there => {
                Ok(Value::Wrapped(Box::new(Value::Never)))
            }
            ("and_then", [f]) => self.apply(f, vec![value.clone()]),
            ("filter", [f]) => {
                let fits = self.apply(f, vec![value.clone()])?;
                let fits = self.node(&fits, f, &Kind::BOOL)?;
                self.some_on(fits, true, value.clone(), expr)
            }
            ("is_some" | "is_ok", []) if is_there => {
                Ok(self.inert_value(&syn::parse_quote!(true), crate::scope::Hint::Bool))
            }
            ("map", [f]) => {
                let mapped = self.apply(f, vec![value.clone()])?;
                Ok(Value::Wrapped(Box::new(mapped)))
            }
            ("clone" | "as_ref" | "copied", []) => Ok(Value::Wrapped(Box::new(value.clone()))),
            (name, _) => refuse(
                method,
                format!(
                    "`{name}` on the `Option` of a differentiated value is not supported yet\nhelp: take the value with `match` or `if let`, as in `if let Some(value) = {} {{ … }}`",
                    text(expr).split('.').next().unwrap_or("value")
                ),
            ),
        }
    }

    fn expr_evaluated(&mut self, expr: &Expr) -> Lowered<Value> {
        let mut value = self.expr(expr)?;
        if let Value::Inert(inert) = &mut value {
            self.evaluate(inert);
        }
        Ok(value)
    }

    /// The value, and what leaves the function where there is none.
    fn value_or(
        &mut self,
        maybe: Maybe,
        leave: &TokenStream,
        expr: &dyn ToTokens,
    ) -> Lowered<Value> {
        let value = *maybe.value;
        let at = Expr::Verbatim(expr.to_token_stream());
        self.fork(
            (&Value::Node(maybe.some), maybe.some),
            [false; 2],
            &at,
            |_| Ok(value),
            |lower| {
                lower.place(Step::Verbatim {
                    tokens: quote!(#leave;),
                    reads: Vec::new(),
                    binds: Vec::new(),
                });
                Ok(Value::Never)
            },
        )
    }

    /// `?`, or the end of a function that returns an `Option` or a `Result`.
    pub(crate) fn value_or_return(&mut self, maybe: Maybe, expr: &dyn ToTokens) -> Lowered<Value> {
        if self.known(maybe.some) == Some(true) {
            return Ok(*maybe.value);
        }
        let leave = match &maybe.absence {
            Absence::OfCall => return refuse(expr.to_token_stream(), ERROR_OF_A_CALL),
            Absence::Error(error) => {
                let error: Vec<_> = error.clone().into_iter().collect();
                let [method, error] = &error[..] else {
                    return refuse(expr.to_token_stream(), "this error cannot be followed");
                };
                let call = (method.to_string() == "ok_or_else").then(|| quote!(()));
                quote!(return ::core::result::Result::Err(::core::convert::From::from(#error #call)))
            }
            Absence::None => quote!(return ::core::option::Option::None),
        };
        self.value_or(maybe, &leave, expr)
    }

    /// What is computed where there is no value: `|| …`, or `|_| …` where there is an error.
    fn apply_without_error(&mut self, f: &Expr) -> Lowered<Value> {
        match closure_in(f) {
            Some(closure) if closure.inputs.len() == 1 => {
                let mut closure = closure.clone();
                if let Some(error) = closure.inputs.pop()
                    && !matches!(error.value(), Pat::Wild(_))
                {
                    return refuse(error.value(), ERROR_OF_A_CALL);
                }
                self.apply(&Expr::Closure(closure), Vec::new())
            }
            _ => self.apply(f, Vec::new()),
        }
    }

    /// A closure or a function of an argument of a method of `Option`.
    fn apply(&mut self, f: &Expr, values: Vec<Value>) -> Lowered<Value> {
        if let Some(closure) = closure_in(f) {
            return self.applied_in_place(closure, values, f);
        }
        if let Expr::Path(path) = f
            && let Some(function) = self.function_named(path)
        {
            return self.applied(&function, values, f);
        }
        refuse(
            f,
            format!(
                "cannot see what `{}` does\nhelp: write a closure here, as in `|value| …`",
                text(f)
            ),
        )
    }
}
