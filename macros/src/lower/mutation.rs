//! Assignments: every one makes a new value, and the name stands for that from then on.

use super::branches::Side;
use super::lists_of_records::as_a_whole;
use super::{Lower, Lowered, Refusal, refuse};
use crate::error::text;
use crate::graph::{Dim, Form, Guard, Id, Kind, Step};
use crate::rules::{Op, Part, Scalar};
use crate::scope::{Columns, Hint, Inert, Lent, Value};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{BinOp, Expr};

impl Lower<'_> {
    /// `x = e;`
    pub(super) fn assignment(&mut self, assign: &syn::ExprAssign, expr: &Expr) -> Lowered<Value> {
        if let Some(left) = self.in_field(&assign.left) {
            let whole = syn::ExprAssign {
                left: Box::new(left),
                ..assign.clone()
            };
            if let Some(kept) = self.kept_change(Expr::Assign(whole.clone()))? {
                return Ok(kept);
            }
            return self.assignment(&whole, &Expr::Assign(whole.clone()));
        }
        if let Some(fields) = self.fields_of(&assign.left) {
            if let Some(done) = self.assign_option(&fields, (&assign.left, &assign.right), expr)? {
                return Ok(done);
            }
            let value = self.expr(&assign.right)?;
            return self.assign_fields(&fields, value, expr);
        }
        if let Expr::Index(index) = strip(&assign.left)
            && let Some(lists) = self.lists_of(&index.expr)
        {
            let value = self.expr(&assign.right)?;
            return self.assign_item(&lists, &index.index, &value, expr);
        }
        if let Some(lists) = self.lists_of(&assign.left) {
            let value = self.expr(&assign.right)?;
            return self.assign_lists(&lists, value, expr);
        }
        if let Expr::Tuple(names) = &*assign.left {
            // All on the right is read before anything changes.
            let values = match self.expr(&assign.right)? {
                Value::Tuple(values) if values.len() == names.elems.len() => values,
                _ => {
                    return refuse(
                        expr,
                        "the parts of this assignment cannot be told apart\nhelp: assign to one variable after the other",
                    );
                }
            };
            let mut kept = Vec::new();
            for (left, value) in names.elems.iter().zip(values) {
                let name = self.assigned_variable(left)?;
                if let Value::Inert(new) = &value
                    && let Some(own) = self.counter(&name, new)
                {
                    kept.push((
                        own,
                        self.keep_as(&name.to_string(), &new.tokens, new.reads.clone()),
                    ));
                    continue;
                }
                self.variable(&name, expr)?;
                let id = self.node(&value, expr, &Kind::SCALAR)?;
                self.assign(&name, Self::entrywise(&[&value], id));
            }
            for (own, new) in kept {
                self.place(Step::Verbatim {
                    tokens: quote!(#own = #new;),
                    reads: Vec::new(),
                    binds: Vec::new(),
                });
            }
            return Ok(Value::Unit);
        }
        if let Some((tuple, part)) = self.tuple_around(&assign.left, &assign.right) {
            return self.in_part(&tuple, part, &assign.left, expr, |lower, left| {
                let whole = syn::ExprAssign {
                    left: Box::new(left),
                    ..assign.clone()
                };
                lower.assignment(&whole, &Expr::Assign(whole.clone()))
            });
        }
        // Rust evaluates the value first.
        let value = self.expr(&assign.right)?;
        let value = self.before_place(value, &assign.left);
        self.assign_value(&assign.left, value, (&assign.right, expr))
    }

    /// What a place is given, evaluated before the place is.
    fn before_place(&mut self, value: Value, place: &Expr) -> Value {
        match value {
            Value::Inert(mut inert)
                if self.closures == 0 && !matches!(strip(place), Expr::Path(_)) =>
            {
                self.evaluate(&mut inert);
                Value::Inert(inert)
            }
            value => value,
        }
    }

    /// Whether a variable counts, or holds a condition.
    fn is_counter(&self, name: &Ident) -> bool {
        let known = self.scope.get(&name.to_string()).map(|b| &b.value);
        matches!(known, Some(Value::Inert(known)) if matches!(known.hint, Hint::Int | Hint::Bool))
    }

    /// What such a variable may be given: what stays Rust, or a condition on differentiated values.
    fn counted_on(&mut self, value: &Value) -> Option<Inert> {
        match value {
            Value::Inert(inert) => Some(inert.clone()),
            Value::Node(id) if self.closures == 0 && self.graph.kind(*id) == Kind::BOOL => {
                Some(Inert {
                    tokens: self.name_of(*id),
                    hint: Hint::Bool,
                    reads: vec![*id],
                    varies: true,
                    pure: true,
                    mutable: false,
                    leaf: None,
                })
            }
            _ => None,
        }
    }

    /// What such a variable is given, which carries no derivative either.
    fn count_on(&mut self, own: &TokenStream, assigns: TokenStream, new: &Inert) -> Lowered<Value> {
        let name = self.keep_as("value", &new.tokens, new.reads.clone());
        self.place(Step::Verbatim {
            tokens: quote!(#own #assigns #name;),
            reads: Vec::new(),
            binds: Vec::new(),
        });
        Ok(Value::Unit)
    }

    /// A variable that counts, or holds a condition, and stays what it is beside others that are assigned with it.
    fn counter(&self, name: &Ident, new: &Inert) -> Option<TokenStream> {
        let counts = |hint: &Hint| matches!(hint, Hint::Int | Hint::Bool);
        match &self.scope.get(&name.to_string())?.value {
            Value::Inert(own)
                if (counts(&own.hint) || counts(&new.hint))
                    && self.owned.contains(&own.tokens.to_string()) =>
            {
                Some(own.tokens.clone())
            }
            _ => None,
        }
    }

    /// Gives a place this value.
    pub(super) fn assign_value(
        &mut self,
        left: &Expr,
        value: Value,
        (right, expr): (&Expr, &Expr),
    ) -> Lowered<Value> {
        self.check_pushed(left, &value)?;
        if let (Expr::Path(_), Some(new)) = (left, self.counted_on(&value))
            && let Ok(name) = self.assigned_variable(left)
            && let Some(own) = self.counter(&name, &new)
        {
            return self.count_on(&own, quote!(=), &new);
        }
        if let Some((tuple, part)) = self.part_of_tuple(left) {
            return self.assign_part(&tuple, part, &value, expr);
        }
        if let (Expr::Path(_), Value::Tuple(_)) = (left, &value) {
            let name = self.assigned_variable(left)?;
            self.assign(&name, value);
            return Ok(Value::Unit);
        }
        // A list of numbers takes the place of another.
        if let (Expr::Path(_), Value::Slice(_)) = (left, &value) {
            let name = self.assigned_variable(left)?;
            let known = self.scope.get(&name.to_string()).map(|b| &b.value);
            if matches!(known, Some(Value::Slice(_))) {
                self.assign(&name, value);
                return Ok(Value::Unit);
            }
        }
        if let Some(geometric) = self.geometric(&value)? {
            let name = self.assigned_variable(left)?;
            self.variable(&name, expr)?;
            self.assign(&name, Value::Geometric(geometric));
            return Ok(Value::Unit);
        }
        let place = self.place_of(left)?;
        let value = match value {
            Value::List(row) if self.growing.contains(&place.name.to_string()) => {
                Value::Slice(self.column_of_list(row, right)?)
            }
            value => value,
        };
        if let Some(columns) = self.held_by(&place, &value) {
            self.reveal(place.name.to_string(), columns.0, columns.1);
            return Err(Refusal(None));
        }
        let kind = match &place.path[..] {
            [] => match self.scope.get(&place.name.to_string()).map(|b| &b.value) {
                Some(Value::Node(id) | Value::Entry(id) | Value::Slice(id)) => self.graph.kind(*id),
                _ => Kind::SCALAR,
            },
            _ => {
                let known = self.read_unchecked(&place, left)?;
                self.graph.kind(known)
            }
        };
        let id = match (&value, self.is_row_of_table(&place)) {
            (Value::Slice(row), true) => *row,
            (Value::List(row), true) => self.column_of_list(row.clone(), right)?,
            _ => self.node(&value, right, &kind)?,
        };
        match (&value, &place.path[..]) {
            (_, []) => self.assign(&place.name, Self::entrywise(&[&value], id)),
            _ => {
                self.same_kind(id, &kind, expr)?;
                self.put(&place, id, expr)?;
            }
        }
        Ok(Value::Unit)
    }

    /// Of what a list cannot be made that grows in a loop.
    fn check_pushed(&mut self, left: &Expr, value: &Value) -> Lowered<()> {
        let name = super::places::root_of(left);
        let Some(name) = name.filter(|name| self.growing.iter().any(|list| name == list)) else {
            return Ok(());
        };
        let help = match value {
            Value::Geometric(_) => {
                "points, rotations and the like in a list that grows in a loop are not supported yet\nhelp: keep their coordinates, as in `p.coords`"
            }
            value => {
                let known = self.scope.get(&name.to_string()).map(|b| &b.value);
                if let (Some(Value::Slice(_)), Some(parts), Expr::Index(_)) =
                    (known, Lower::parts_pushed(value), left)
                {
                    self.reveal_parts(name.to_string(), parts);
                    return Err(Refusal(None));
                }
                return Ok(());
            }
        };
        self.scope.assign(&name.to_string(), Value::Poison, true);
        refuse(name, help)
    }

    /// What is pushed to a list that was taken for one of numbers: the value, and what it is of the list.
    fn held_by(&self, place: &Lent, value: &Value) -> Option<(Id, Columns)> {
        let list = place.name.to_string();
        let known = self.scope.get(&list).map(|b| &b.value);
        let entry = matches!(place.path[..], [(Part::Entry, _)]);
        if !entry || !matches!(known, Some(Value::Slice(_))) || !self.growing.contains(&list) {
            return None;
        }
        match value {
            Value::Node(id) => match self.graph.shape(*id)?.cols {
                Dim::Static(width) => Some((*id, Columns::Matrices(width))),
                _ => None,
            },
            Value::Slice(id) => Some((*id, Columns::Lists)),
            _ => None,
        }
    }

    /// Whether a place is a whole row of a table.
    fn is_row_of_table(&self, place: &Lent) -> bool {
        let known = self.scope.get(&place.name.to_string()).map(|b| &b.value);
        matches!(place.path[..], [(Part::Column, _)])
            && matches!(known, Some(Value::Columns(_, Columns::Lists)))
    }

    /// The value at a place that is about to be replaced.
    pub(super) fn read_unchecked(&mut self, place: &Lent, at: &Expr) -> Lowered<Id> {
        let mark = self.mark();
        let known = self.read_lent(place, at)?;
        self.roll_back(mark);
        Ok(known)
    }

    /// `x += e;`
    pub(super) fn compound_assignment(
        &mut self,
        binary: &syn::ExprBinary,
        expr: &Expr,
    ) -> Lowered<Value> {
        if let Some(left) = self.in_field(&binary.left) {
            let whole = syn::ExprBinary {
                left: Box::new(left),
                ..binary.clone()
            };
            if let Some(kept) = self.kept_change(Expr::Binary(whole.clone()))? {
                return Ok(kept);
            }
            return self.compound_assignment(&whole, &Expr::Binary(whole.clone()));
        }
        if let Some((tuple, part)) = self.tuple_around(&binary.left, &binary.right) {
            return self.in_part(&tuple, part, &binary.left, expr, |lower, left| {
                let whole = syn::ExprBinary {
                    left: Box::new(left),
                    ..binary.clone()
                };
                lower.compound_assignment(&whole, &Expr::Binary(whole.clone()))
            });
        }
        if let Expr::Path(_) = strip(&binary.left)
            && let Ok(name) = self.assigned_variable(&binary.left)
            && self.is_counter(&name)
        {
            let value = self.expr(&binary.right)?;
            if let Some(new) = self.counted_on(&value)
                && let Some(own) = self.counter(&name, &new)
            {
                let op = &binary.op;
                return self.count_on(&own, quote!(#op), &new);
            }
        }
        let op = match binary.op {
            BinOp::AddAssign(_) => BinOp::Add(Default::default()),
            BinOp::SubAssign(_) => BinOp::Sub(Default::default()),
            BinOp::MulAssign(_) => BinOp::Mul(Default::default()),
            BinOp::DivAssign(_) => BinOp::Div(Default::default()),
            BinOp::RemAssign(_) => BinOp::Rem(Default::default()),
            _ => {
                return refuse(expr, "this assignment has no derivative on real numbers");
            }
        };
        if let Some((tuple, part)) = self.part_of_tuple(&binary.left) {
            let whole = syn::ExprBinary {
                op,
                ..binary.clone()
            };
            let value = self.binary(&whole, &Expr::Binary(whole.clone()))?;
            return self.assign_part(&tuple, part, &value, expr);
        }
        let plain = matches!(strip(&binary.left), Expr::Path(_));
        let lent = |lower: &Self| {
            super::places::root_of(&binary.left).is_some_and(|name| {
                let known = lower.scope.get(&name.to_string()).map(|b| &b.value);
                matches!(known, Some(Value::Lent(_)))
            })
        };
        if !plain || lent(self) {
            // Of two numbers Rust evaluates the right one first.
            let value = self.expr(&binary.right)?;
            let value = self.before_place(value, &binary.left);
            let place = self.place_of(&binary.left)?;
            let known = self.read_unchecked(&place, &binary.left)?;
            let kind = self.graph.kind(known);
            let guess = match binary.op {
                BinOp::AddAssign(_) | BinOp::SubAssign(_) => kind,
                _ => Kind::SCALAR,
            };
            let value = self.node(&value, &binary.right, &guess)?;
            self.change(&place, &binary.op, value, expr)?;
            return Ok(Value::Unit);
        }
        let name = self.assigned_variable(&binary.left)?;
        // What was inert is a value of the graph from now on.
        let known = self.variable(&name, expr)?;
        self.assign(&name, known);
        let whole = syn::ExprBinary {
            op,
            ..binary.clone()
        };
        let value = self.binary(&whole, &Expr::Binary(whole.clone()))?;
        let value = match value {
            Value::Geometric(_) => value,
            value => {
                let id = self.node(&value, expr, &Kind::SCALAR)?;
                Self::entrywise(&[&value], id)
            }
        };
        self.assign(&name, value);
        Ok(Value::Unit)
    }

    /// `p.0` of a tuple that is known by its parts: its name and the number.
    fn part_of_tuple(&self, left: &Expr) -> Option<(Expr, usize)> {
        let Expr::Field(field) = strip(left) else {
            return None;
        };
        let (Expr::Path(path), syn::Member::Unnamed(part)) = (&*field.base, &field.member) else {
            return None;
        };
        let name = path.path.get_ident()?.to_string();
        match self.scope.get(&name).map(|b| &b.value) {
            Some(Value::Tuple(parts)) if (part.index as usize) < parts.len() => {
                Some(((*field.base).clone(), part.index as usize))
            }
            _ => None,
        }
    }

    /// The tuple that a place is a part of a part of, as in `p.0.x` and `p.0[i]`, unless what it is given changes that.
    fn tuple_around(&self, place: &Expr, given: &Expr) -> Option<(Expr, usize)> {
        let base = match strip(place) {
            Expr::Field(field) => &field.base,
            Expr::Index(index) => &index.expr,
            _ => return None,
        };
        let found = self.part_of_tuple(base);
        let (tuple, part) = found.or_else(|| self.tuple_around(base, given))?;
        let name = tuple.to_token_stream().to_string();
        let changed = super::assigned::assigned(given.to_token_stream());
        (!changed.contains(&name)).then_some((tuple, part))
    }

    /// Changes a part of a part of a tuple: that part by a name of its own, which goes back into the tuple.
    fn in_part(
        &mut self,
        tuple: &Expr,
        part: usize,
        place: &Expr,
        expr: &Expr,
        change: impl FnOnce(&mut Self, Expr) -> Lowered<Value>,
    ) -> Lowered<Value> {
        let name = self.assigned_variable(tuple)?;
        let Value::Tuple(parts) = self.variable(&name, expr)? else {
            return Err(Refusal(None));
        };
        let own = self.fresh(&format!("{name}_{part}"));
        self.scope.push();
        self.scope.bind(crate::scope::Binding::active(
            own.clone(),
            parts[part].clone(),
        ));
        let changed = change(self, with_name(place, &own));
        let value = self.scope.get(&own.to_string()).map(|b| b.value.clone());
        self.scope.pop();
        changed?;
        self.assign_part(tuple, part, &value.unwrap_or(Value::Poison), expr)
    }

    fn assign_part(
        &mut self,
        tuple: &Expr,
        part: usize,
        value: &Value,
        expr: &Expr,
    ) -> Lowered<Value> {
        let name = self.assigned_variable(tuple)?;
        let Value::Tuple(mut parts) = self.variable(&name, expr)? else {
            return Err(Refusal(None));
        };
        if let (Value::Tuple(known), Value::Tuple(new)) = (&parts[part], value)
            && known.len() == new.len()
        {
            parts[part] = value.clone();
            self.assign(&name, Value::Tuple(parts));
            return Ok(Value::Unit);
        }
        let kind = match &parts[part] {
            Value::Node(id) => self.graph.kind(*id),
            _ => Kind::SCALAR,
        };
        let id = self.node(value, expr, &kind)?;
        self.same_kind(id, &kind, expr)?;
        parts[part] = Value::Node(id);
        self.assign(&name, Value::Tuple(parts));
        Ok(Value::Unit)
    }

    /// The variable on the left of an assignment.
    pub(super) fn assigned_variable(&self, left: &Expr) -> Lowered<Ident> {
        match left {
            Expr::Path(path) if path.path.get_ident().is_some() => {
                let name = path.path.get_ident().cloned();
                let depth = name
                    .as_ref()
                    .and_then(|n| self.scope.depth_of(&n.to_string()));
                match name.filter(|_| depth.is_some()) {
                    Some(name) if self.closures == 0 && depth < Some(self.closure_depth) => {
                        self.captured_by_closure(&name, left)
                    }
                    Some(name) if depth < Some(self.closure_depth) => refuse(
                        left,
                        format!(
                            "this closure changes `{name}`, so that what it gives for an entry depends on those before\nhelp: use `fold` or `sum`, or a loop"
                        ),
                    ),
                    Some(name) => Ok(name),
                    None => refuse(
                        left,
                        format!(
                            "cannot follow the assignment to `{}`\nhelp: assign to a local variable",
                            text(left)
                        ),
                    ),
                }
            }
            Expr::Paren(inner) => self.assigned_variable(&inner.expr),
            Expr::Group(inner) => self.assigned_variable(&inner.expr),
            _ => refuse(
                left,
                format!(
                    "cannot follow the assignment to `{}` yet\nhelp: compute the whole value and bind it with `let`, or assign to a local variable",
                    text(left)
                ),
            ),
        }
    }

    /// What a closure captures, it does not change.
    pub(super) fn captured_by_closure<T>(
        &self,
        name: &Ident,
        at: &dyn quote::ToTokens,
    ) -> Lowered<T> {
        refuse(
            at.to_token_stream(),
            format!(
                "this closure changes `{name}`, which it captures\nhelp: let it return the new value, as in `{name} = step({name});`"
            ),
        )
    }

    /// The value of a variable that is about to change.
    pub(super) fn variable(&mut self, name: &Ident, at: &Expr) -> Lowered<Value> {
        let Some(binding) = self.scope.get(&name.to_string()).cloned() else {
            return refuse(at, format!("there is no variable `{name}` here"));
        };
        match binding.value {
            Value::Node(_) | Value::Entry(_) | Value::Geometric(_) | Value::Tuple(_) => {
                Ok(binding.value)
            }
            Value::Slice(id) | Value::Columns(id, _) => Ok(Value::Node(id)),
            value @ Value::Called(..) => Ok(Value::Node(self.node(&value, at, &Kind::SCALAR)?)),
            Value::Inert(inert) if !self.owned.contains(&inert.tokens.to_string()) => refuse(
                at,
                format!(
                    "`{name}` may be a reference or a view, and what a differentiated value does behind it cannot be followed\nhelp: {}",
                    self.instead_of_lending(name)
                ),
            ),
            Value::Inert(inert) => self.taken_over(name, &inert, at),
            Value::Unset(_) => Ok(binding.value),
            Value::Poison => Err(Refusal(None)),
            Value::Lists(..) => refuse(at, as_a_whole(name)),
            Value::Fields(_) => refuse(
                at,
                format!(
                    "what is done behind a reference to the struct `{name}` cannot be followed\nhelp: change its fields, as in `{name}.x = …;`, or give it a new value"
                ),
            ),
            Value::List(_) => {
                self.scope.assign(&name.to_string(), Value::Poison, true);
                refuse(
                    name,
                    format!(
                        "how long `{name}` becomes in a loop is not known before\nhelp: begin with a list of its length, as in `let mut {name} = vec![0.0; n];`, and assign to `{name}[i]`"
                    ),
                )
            }
            _ => refuse(
                at,
                format!(
                    "cannot follow the assignment to `{name}` yet\nhelp: bind the new value with its own `let`"
                ),
            ),
        }
    }

    /// An inert variable that is given a differentiated value: from here on it is a value of the graph.
    pub(super) fn taken_over(&mut self, name: &Ident, inert: &Inert, at: &Expr) -> Lowered<Value> {
        let kind = match &inert.hint {
            Hint::Real | Hint::Unknown => Kind::SCALAR,
            Hint::Matrix(shape) => Kind::matrix(shape.clone()),
            Hint::Geometric { .. } => {
                let value = Value::Inert(inert.clone());
                return Ok(self.geometric(&value)?.map_or(value, Value::Geometric));
            }
            Hint::Int | Hint::Bool => {
                return refuse(
                    at,
                    format!(
                        "`{name}` is no real number, or has a part that is none, and cannot be given a differentiated value here\nhelp: keep what is no real number in a variable of its own"
                    ),
                );
            }
        };
        if !kind.is_matrix() || !inert.mutable {
            return Ok(Value::Node(self.pin(inert, kind)?));
        }
        if self.closures > 0 {
            return refuse(
                at,
                format!("`{name}` cannot be changed inside this closure"),
            );
        }
        // It may change no more: a copy of its own.
        let own = self.fresh(&name.to_string());
        let tokens = &inert.tokens;
        let Some(shape) = kind.shape else {
            return Err(Refusal(None));
        };
        let extent = |dim: &crate::graph::Dim| match dim {
            crate::graph::Dim::Dynamic(_) => crate::ty::Extent::Dynamic,
            known => crate::ty::Extent::Known(known.clone()),
        };
        let ty = crate::ty::Value {
            real: self.real.clone(),
            extents: Some((extent(&shape.rows), extent(&shape.cols))),
            passing: crate::ty::Passing::Owned,
            written: proc_macro2::TokenStream::new(),
        };
        let real = self.real.clone();
        let id = self.leaf_of_type(quote!(#own), &ty, Form::Owned, inert.varies);
        self.graph.keep_local(id);
        self.place(Step::Verbatim {
            tokens: quote!(let #own: NALGEBRA::Matrix<#real, _, _, _> = ::core::clone::Clone::clone(&#tokens);),
            reads: inert.reads.clone(),
            binds: vec![id],
        });
        Ok(Value::Node(id))
    }

    /// The name stands for another value now.
    pub(super) fn assign(&mut self, name: &Ident, value: Value) {
        let known = self.scope.get(&name.to_string()).map(|b| &b.value);
        let value = match (known, value) {
            // A list stays a list.
            (Some(Value::Slice(_)), Value::Node(id)) if self.graph.is_matrix(id) => {
                Value::Slice(id)
            }
            (Some(Value::Columns(_, columns)), Value::Node(id)) => Value::Columns(id, *columns),
            (_, value) => value,
        };
        if let (Value::Node(id) | Value::Slice(id) | Value::Columns(id, _), 0) =
            (&value, self.closures)
        {
            let named = self.graph.names.borrow().contains_key(id);
            if !named && self.graph.leaf_of(*id).is_none() {
                let own = self.fresh(&name.to_string());
                self.graph.names.borrow_mut().insert(*id, own);
            }
        }
        let varies = match &value {
            Value::Node(id) | Value::Entry(id) | Value::Slice(id) | Value::Columns(id, _) => {
                self.graph.varies(*id)
            }
            _ => true,
        };
        self.scope.assign(&name.to_string(), value, varies);
    }

    /// A variable that was assigned on a side of a branch is, after it, what the side taken has made of it.
    pub(super) fn assigned_in(
        &mut self,
        (cond_value, cond): (&Value, Id),
        name: &str,
        sides: [&mut Side; 2],
        expr: &Expr,
    ) -> Lowered<Value> {
        let at_end = |lower: &Self, side: &Side| {
            let assigned = side.assigned.get(name);
            assigned.or_else(|| lower.scope.get(name)).cloned()
        };
        // A list that grows on a side has to be as long on the other one.
        let lengths = sides.iter().filter(|s| !s.diverges).map(|side| {
            match at_end(self, side).map(|b| b.value) {
                Some(Value::List(entries)) => Some(entries.len()),
                Some(Value::Slice(id)) => self.graph.shape(id).and_then(|s| s.entries()),
                _ => None,
            }
        });
        let lengths: Vec<_> = lengths.collect();
        let listed = lengths.iter().any(Option::is_some);
        let differ = listed && lengths.iter().any(|length| *length != lengths[0]);
        let of_numbers = |lower: &Self, side: &Side| match at_end(lower, side).map(|b| b.value) {
            Some(Value::List(entries)) => {
                let number =
                    |entry: &Value| matches!(entry, Value::Node(id) if !lower.graph.is_matrix(*id));
                entries.iter().all(number)
            }
            _ => true,
        };
        let whole = sides.iter().any(|side| !of_numbers(self, side));
        if listed && (differ || whole) && sides.iter().all(|side| !side.diverges) {
            let [then, otherwise] = sides;
            let (Some(a), Some(b)) = (at_end(self, then), at_end(self, otherwise)) else {
                return Err(Refusal(None));
            };
            let chosen = self.choose(cond_value, cond, a.value, b.value, expr);
            return match chosen {
                Ok(chosen) => {
                    self.scope.assign(name, chosen.clone(), true);
                    self.name_value(&chosen, &a.ident);
                    Ok(chosen)
                }
                Err(refusal) => {
                    self.scope.assign(name, Value::Poison, true);
                    Err(refusal)
                }
            };
        }
        let kind = sides
            .iter()
            .find_map(|side| match at_end(self, side).map(|b| b.value) {
                Some(
                    Value::Node(id) | Value::Entry(id) | Value::Slice(id) | Value::Columns(id, _),
                ) => Some(self.graph.kind(id)),
                _ => None,
            })
            .unwrap_or(Kind::SCALAR);
        let mut values = Vec::new();
        for side in sides {
            let Some(binding) = at_end(self, side) else {
                return Err(Refusal(None));
            };
            values.push(match binding.value {
                _ if side.diverges => Value::Never,
                value @ (Value::Node(_)
                | Value::Entry(_)
                | Value::Tuple(_)
                | Value::Geometric(_)) => value,
                Value::Slice(id) | Value::Columns(id, _) => Value::Node(id),
                Value::List(entries) if whole => Value::List(entries),
                Value::List(entries) => Value::Node(self.column_of_list(entries, expr)?),
                // It is read where it is the variable itself: at the end of that side.
                value => {
                    let pins = self.pins.len();
                    self.graph.guards.borrow_mut().push(Guard {
                        cond,
                        side: side.taken,
                    });
                    self.steps.push(std::mem::take(&mut side.steps));
                    let id = match &value {
                        Value::Inert(inert)
                            if inert.mutable && kind.is_matrix()
                                || matches!(inert.hint, Hint::Geometric { .. }) =>
                        {
                            self.taken_over(&binding.ident, inert, expr)
                        }
                        value => self.node(value, expr, &kind).map(Value::Node),
                    };
                    side.steps = self.steps.pop().unwrap_or_default();
                    self.graph.guards.borrow_mut().pop();
                    self.pins.truncate(pins);
                    id?
                }
            });
        }
        let (Some(b), Some(a)) = (values.pop(), values.pop()) else {
            return Err(Refusal(None));
        };
        let chosen = self.choose(cond_value, cond, a, b, expr)?;
        let chosen = match chosen {
            Value::Node(id) if listed => Value::Slice(id),
            chosen => chosen,
        };
        if let Some(ident) = self.scope.get(name).map(|b| b.ident.clone()) {
            self.assign(&ident, chosen.clone());
        }
        Ok(chosen)
    }

    /// `for i in a..b { s += …; }` that only adds to numbers: a sum over the range. `None` if it does something else.
    pub(super) fn accumulation(
        &mut self,
        each: &syn::ExprForLoop,
        expr: &Expr,
    ) -> Lowered<Option<Value>> {
        let (Expr::Range(range), None) = (&*each.expr, &each.label) else {
            return Ok(None);
        };
        let index = match &*each.pat {
            syn::Pat::Ident(index) if index.mutability.is_none() => index.ident.clone(),
            syn::Pat::Wild(_) => self.fresh("i"),
            _ => return Ok(None),
        };
        let (Some(start), Some(end)) = (&range.start, &range.end) else {
            return Ok(None);
        };
        if !self.is_inert(start) || self.closures > 0 {
            return Ok(None);
        }
        // What its header does is done once.
        if !super::assigned::assigned(quote!(#range)).is_empty() {
            return Ok(None);
        }
        // The statements: lets, then what is added.
        let mut lets: Vec<syn::Stmt> = Vec::new();
        let mut sums: Vec<(Ident, bool, Expr)> = Vec::new();
        for stmt in &each.body.stmts {
            match stmt {
                syn::Stmt::Local(local) if sums.is_empty() && local.init.is_some() => {
                    lets.push(stmt.clone());
                }
                syn::Stmt::Expr(Expr::Binary(sum), _) => {
                    let negative = match sum.op {
                        BinOp::AddAssign(_) => false,
                        BinOp::SubAssign(_) => true,
                        _ => return Ok(None),
                    };
                    let Expr::Path(path) = &*sum.left else {
                        return Ok(None);
                    };
                    let Some(name) = path.path.get_ident().cloned() else {
                        return Ok(None);
                    };
                    sums.push((name, negative, (*sum.right).clone()));
                }
                _ => return Ok(None),
            }
        }
        if sums.is_empty() {
            return Ok(None);
        }
        // A sum may not be read in the loop: that would be a carried state.
        for (name, ..) in &sums {
            let text = name.to_string();
            let carried = lets
                .iter()
                .any(|l| crate::scope::contains(quote!(#l), &text))
                || sums
                    .iter()
                    .any(|(_, _, term)| crate::scope::contains(quote!(#term), &text));
            let twice = sums.iter().filter(|(other, ..)| other == name).count() > 1;
            if carried || twice {
                return Ok(None);
            }
        }
        let closed = matches!(range.limits, syn::RangeLimits::Closed(_)).then(|| quote!(+ 1));
        let from_zero = quote!(#start).to_string() == "0";
        let (count, first): (Expr, _) = match (from_zero, &closed) {
            (true, None) => ((**end).clone(), None),
            (true, _) => (syn::parse_quote!((#end) #closed), None),
            (false, _) => (
                syn::parse_quote!(::core::primitive::usize::saturating_sub((#end) #closed, #start)),
                Some(quote!(let #index = (#start) + #index;)),
            ),
        };
        for (name, negative, term) in sums {
            let closure: Expr = syn::parse_quote!(|#index, _| { #first #(#lets)* #term });
            let total = self.terms_over(std::slice::from_ref(&count), &closure, expr)?;
            let known = self.variable(&name, expr)?;
            let start = self.node(&known, expr, &Kind::SCALAR)?;
            let terms = if negative {
                self.exact(Op::Scalar(Scalar::Neg), vec![total], expr)?
            } else {
                total
            };
            let id = self.exact(Op::Fold, vec![terms, start], expr)?;
            self.assign(&name, Value::Node(id));
        }
        Ok(Some(Value::Unit))
    }
}

/// A place with a name for the innermost field: `p.0.x` as `own.x`.
fn with_name(place: &Expr, own: &Ident) -> Expr {
    match place {
        Expr::Field(field) => {
            let base = match strip(&field.base) {
                Expr::Path(_) => return syn::parse_quote!(#own),
                base => with_name(base, own),
            };
            Expr::Field(syn::ExprField {
                base: Box::new(base),
                ..field.clone()
            })
        }
        Expr::Index(index) => Expr::Index(syn::ExprIndex {
            expr: Box::new(with_name(strip(&index.expr), own)),
            ..index.clone()
        }),
        Expr::Paren(inner) => with_name(&inner.expr, own),
        Expr::Group(inner) => with_name(&inner.expr, own),
        other => other.clone(),
    }
}

/// An expression without parentheses.
pub(super) fn strip(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => strip(&inner.expr),
        Expr::Group(inner) => strip(&inner.expr),
        other => other,
    }
}
