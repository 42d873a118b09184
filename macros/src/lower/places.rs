//! Places: what stands on the left of an assignment, or is changed by a method. A place is a variable or a part of its
//! value; to change it makes a new value of the variable.

use super::{Lower, Lowered, Refusal, refuse};
use crate::error::text;
use crate::graph::{Elem, Id, Kind, Shape, Step};
use crate::rules::{Op, Part, Scalar};
use crate::scope::{Hint, Inert, Lent, Value};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::{BinOp, Expr, Pat};

impl Lower<'_> {
    /// The place that an expression stands for, if its variable is a value of the graph.
    pub(super) fn place_of(&mut self, left: &Expr) -> Lowered<Lent> {
        let Some(root) = root_of(left) else {
            return refuse(
                left,
                format!(
                    "cannot follow the assignment to `{}`\nhelp: assign to a local variable, or to an entry or a part of one",
                    text(left)
                ),
            );
        };
        if let Some(lent) = self.lent_to(&root) {
            // Behind a name that borrows a part of another variable.
            if behind(left).is_some() {
                let mut path = lent.path.clone();
                path.extend(self.place_of_part(left, &lent)?);
                entry_of_matrix(&mut path);
                return Ok(Lent { path, ..lent });
            }
            return Ok(lent);
        }
        let name = self.assigned_variable(&Expr::Path(syn::ExprPath {
            attrs: Vec::new(),
            qself: None,
            path: root.clone().into(),
        }))?;
        if is_behind(left) {
            return refuse(
                left,
                format!(
                    "what is behind the reference `{name}` cannot be followed\nhelp: {}",
                    self.instead_of_lending(&name)
                ),
            );
        }
        if let (Some(Value::Inert(inert)), Some(Expr::Path(_)), Expr::Field(_)) = (
            self.scope.get(&name.to_string()).map(|b| &b.value),
            behind(left),
            left,
        ) && inert.hint == crate::scope::Hint::Unknown
        {
            let message = format!(
                "cannot follow the assignment to `{}`: the type of `{name}` is not known\nhelp: assign to a variable of its own, in place of the field",
                text(left)
            );
            self.scope.assign(&name.to_string(), Value::Poison, true);
            return refuse(left, message);
        }
        let known = self.variable(&name, left)?;
        self.assign(&name, known.clone());
        let lent = Lent {
            name,
            path: Vec::new(),
        };
        match (behind(left), known) {
            (Some(_), Value::Node(start)) => {
                let path = self.path_to(left, start)?;
                Ok(Lent { path, ..lent })
            }
            (None, _) => Ok(lent),
            _ => refuse(
                left,
                format!(
                    "cannot follow the assignment to `{}` inside this closure\nhelp: compute the whole value with `let`",
                    text(left)
                ),
            ),
        }
    }

    /// What to do in place of an assignment through a reference.
    pub(super) fn instead_of_lending(&self, name: &Ident) -> &'static str {
        match self.parameter_types.iter().any(|(own, _)| own == name) {
            true => "return the new value, beside the result in a tuple",
            false => "assign to the variable itself, or to a part of it, as in `x[i] = …`",
        }
    }

    /// What a name stands for that borrows a part of another variable.
    fn lent_to(&self, name: &Ident) -> Option<Lent> {
        match self.scope.get(&name.to_string()).map(|b| &b.value) {
            Some(Value::Lent(lent)) => Some(lent.clone()),
            _ => None,
        }
    }

    fn place_of_part(&mut self, left: &Expr, lent: &Lent) -> Lowered<Vec<(Part, Vec<Id>)>> {
        let whole = self.read_lent(lent, left)?;
        self.path_to(left, whole)
    }

    /// The parts that lead from a value to what an expression reads of it: the expression is read, and the parts that
    /// it takes are those.
    fn path_to(&mut self, left: &Expr, start: Id) -> Lowered<Vec<(Part, Vec<Id>)>> {
        let before = self.mark().0;
        let mut id = match self.expr(&reading(left))? {
            Value::Slice(id) => id,
            value => self.node(&value, left, &Kind::SCALAR)?,
        };
        let mut path = Vec::new();
        while id != start {
            // Nothing is read yet.
            if let Some(steps) = self.steps.last_mut() {
                let mut k = 0;
                steps.retain(|placed| {
                    k += 1;
                    k <= before || !matches!(placed.step, Step::Evaluate(of) if of == id)
                });
            }
            let Op::Part(part) = self.graph.op(id) else {
                return refuse(
                    left,
                    format!(
                        "cannot follow the assignment to `{}`\nhelp: assign to entries, rows, columns or views, as in `x[i] = …` and `m.column_mut(j).copy_from(&v)`",
                        text(left)
                    ),
                );
            };
            let args = self.graph.args(id);
            path.insert(0, (part, args[1..].to_vec()));
            id = args[0];
        }
        entry_of_matrix(&mut path);
        Ok(path)
    }

    /// The value at a place.
    pub(super) fn read_lent(&mut self, lent: &Lent, at: &dyn ToTokens) -> Lowered<Id> {
        let mut id = match self
            .scope
            .get(&lent.name.to_string())
            .map(|b| b.value.clone())
        {
            Some(Value::Slice(id) | Value::Columns(id, _)) => id,
            Some(value) => self.node(&value, at, &Kind::SCALAR)?,
            None => return Err(Refusal(None)),
        };
        for (part, positions) in &lent.path {
            id = self.part_at(id, part, positions, at)?;
        }
        Ok(id)
    }

    pub(super) fn part_at(
        &mut self,
        of: Id,
        part: &Part,
        positions: &[Id],
        at: &dyn ToTokens,
    ) -> Lowered<Id> {
        let shape = self.graph.shape(of);
        let shape = shape.and_then(|s| crate::rules::part_shape(&self.graph, part, &s, positions));
        let kind = shape.map_or(Kind::SCALAR, Kind::matrix);
        let args = std::iter::once(of)
            .chain(positions.iter().copied())
            .collect();
        self.exact_of(Op::Part(part.clone()), args, kind, at)
    }

    /// Puts a new value at a place.
    pub(super) fn put(&mut self, lent: &Lent, value: Id, at: &dyn ToTokens) -> Lowered<()> {
        let whole = Lent {
            name: lent.name.clone(),
            path: Vec::new(),
        };
        let mut values = vec![self.read_lent(&whole, at)?];
        for (part, positions) in &lent.path[..lent.path.len().saturating_sub(1)] {
            let inner = self.part_at(values[values.len() - 1], part, positions, at)?;
            values.push(inner);
        }
        let mut new = value;
        for ((part, positions), of) in lent.path.iter().zip(values).rev() {
            let args = [of, new].into_iter().chain(positions.iter().copied());
            let kind = self.graph.kind(of);
            new = self.exact_of(Op::Update(part.clone()), args.collect(), kind, at)?;
        }
        self.assign(&lent.name, Value::Node(new));
        Ok(())
    }

    /// Adds to what is at a place, or takes away from it.
    pub(super) fn add(
        &mut self,
        lent: &Lent,
        value: Id,
        negative: bool,
        at: &dyn ToTokens,
    ) -> Lowered<()> {
        let op = Op::Scalar(if negative { Scalar::Sub } else { Scalar::Add });
        let [(part, positions)] = &lent.path[..] else {
            let known = self.read_lent(lent, at)?;
            let sum = self.exact(op, vec![known, value], at)?;
            return self.put(lent, sum, at);
        };
        let whole = Lent {
            name: lent.name.clone(),
            path: Vec::new(),
        };
        let of = self.read_lent(&whole, at)?;
        // What is added to is read, and may be out of bounds.
        let known = self.part_at(of, part, positions, at)?;
        if self.graph.is_matrix(known) != self.graph.is_matrix(value) {
            return refuse(
                at.to_token_stream(),
                "nalgebra does not add a number to a matrix\nhelp: use `add_scalar_mut`",
            );
        }
        let kind = self.graph.kind(of);
        let args = std::iter::once(value).chain(positions.iter().copied());
        let scattered = self
            .graph
            .insert(Op::Scatter(part.clone()), args.collect(), kind);
        let new = self.exact(op, vec![of, scattered], at)?;
        self.assign(&lent.name, Value::Node(new));
        Ok(())
    }

    /// Whether an argument has no derivative, although it reads what has: a length, or a condition.
    fn is_counted(&mut self, arg: &Expr) -> bool {
        if self.is_inert(arg) || !self.only_observes(arg) {
            return self.is_inert(arg);
        }
        let mark = self.mark();
        let value = self.expr(arg);
        self.roll_back(mark);
        match value {
            Ok(Value::Inert(inert)) => matches!(inert.hint, Hint::Int | Hint::Bool),
            Ok(Value::Node(id)) => matches!(self.graph.kind(id).elem, Elem::Int | Elem::Bool),
            _ => false,
        }
    }

    /// A method that changes what it is called on; `None` if that is no value of the graph.
    pub(crate) fn in_place(
        &mut self,
        call: &syn::ExprMethodCall,
        expr: &Expr,
    ) -> Lowered<Option<Value>> {
        let name = call.method.to_string();
        if !super::assigned::is_in_place(&name) {
            return Ok(None);
        }
        if let Some(receiver) = self.in_field(&call.receiver) {
            let call = syn::ExprMethodCall {
                receiver: Box::new(receiver),
                ..call.clone()
            };
            return self.in_place(&call, &Expr::MethodCall(call.clone()));
        }
        let Some(root) = root_of(&call.receiver) else {
            return Ok(None);
        };
        let known = self.scope.get(&root.to_string()).map(|b| b.value.clone());
        // A vector of nalgebra's stays as it is: `push` gives a longer one.
        if let ("push", Some(Value::Node(_))) = (&*name, &known) {
            return Ok(None);
        }
        if let (
            "push",
            Some(list @ (Value::List(_) | Value::Slice(_) | Value::Columns(..))),
            Expr::Path(_),
            1,
        ) = (&*name, &known, &*call.receiver, call.args.len())
            && self.closures == 0
        {
            self.assigned_variable(&call.receiver)?;
            return self
                .pushed(&root, list.clone(), &call.args[0], expr)
                .map(Some);
        }
        if let (true, false) = (self.lists_of(&call.receiver).is_some(), name == "extend") {
            return self.method_of_lists(call).transpose();
        }
        if let (
            "extend",
            Some(Value::List(_) | Value::Slice(_) | Value::Columns(..) | Value::Lists(..)),
            list @ Expr::Path(_),
            1,
            0,
        ) = (
            &*name,
            &known,
            &*call.receiver,
            call.args.len(),
            self.closures,
        ) {
            let (item, more) = (self.fresh("item"), &call.args[0]);
            let each: syn::ExprForLoop =
                syn::parse_quote_spanned!(expr.span()=> for #item in #more { #list.push(#item); });
            return self.for_loop(&each, &Expr::ForLoop(each.clone())).map(Some);
        }
        if let (Some(Value::Columns(all, columns)), Expr::Path(_), 0) =
            (&known, &*call.receiver, self.closures)
        {
            self.assigned_variable(&call.receiver)?;
            return self
                .columns_in_place(&root, (*all, *columns), call, expr)
                .map(Some);
        }
        if let Some(Value::Inert(_)) = known
            && call.args.iter().all(|arg| self.is_counted(arg))
        {
            let tokens = quote!(#expr);
            self.check_kept(&tokens)?;
            self.name_parts(&tokens);
            let Inert { tokens, reads, .. } = self.inert_expression(expr, Hint::Unknown);
            self.place(Step::Verbatim {
                tokens: quote!(#tokens;),
                reads,
                binds: Vec::new(),
            });
            return Ok(Some(Value::Unit));
        }
        if !matches!(
            known,
            Some(
                Value::Node(_)
                    | Value::Slice(_)
                    | Value::Columns(..)
                    | Value::Inert(_)
                    | Value::Lent(_)
            )
        ) {
            return Ok(None);
        }
        if is_view(&name) {
            return self.place_of(expr).map(|lent| Some(Value::Lent(lent)));
        }
        if self.closures > 0 {
            return refuse(
                expr,
                format!("`{root}` cannot be changed inside this closure"),
            );
        }
        let lent = self.place_of(&call.receiver)?;
        let known = self.read_lent(&lent, &call.receiver)?;
        let kind = self.graph.kind(known);
        let args: Vec<&Expr> = call.args.iter().collect();
        let new = match (name.as_str(), &args[..]) {
            ("copy_from", [other]) => {
                let other = self.expr_node(other, &kind)?;
                self.same_kind(other, &kind, expr)?;
                other
            }
            ("fill", [value]) => {
                let value = self.expr_node(value, &Kind::SCALAR)?;
                self.exact_of(Op::Fill, vec![value], kind, expr)?
            }
            ("scale_mut", [by]) => self.with_number(Scalar::Mul, known, by, expr)?,
            ("unscale_mut", [by]) => self.with_number(Scalar::Div, known, by, expr)?,
            ("add_scalar_mut", [by]) => self.with_number(Scalar::Add, known, by, expr)?,
            ("neg_mut", []) => self.exact(Op::Scalar(Scalar::Neg), vec![known], expr)?,
            ("component_mul_assign", [other]) => {
                self.with_matrix(Scalar::Mul, known, other, &kind, expr)?
            }
            ("component_div_assign", [other]) => {
                self.with_matrix(Scalar::Div, known, other, &kind, expr)?
            }
            ("add_assign", [other]) => self.with_matrix(Scalar::Add, known, other, &kind, expr)?,
            ("sub_assign", [other]) => self.with_matrix(Scalar::Sub, known, other, &kind, expr)?,
            ("normalize_mut", []) => {
                let norm = self.exact(Op::Norm, vec![known], expr)?;
                let new = self.exact(Op::Normalize, vec![known], expr)?;
                self.put(&lent, new, expr)?;
                return Ok(Some(Value::Node(norm)));
            }
            ("transpose_mut", []) => self.exact(Op::Transpose, vec![known], expr)?,
            ("tr_copy_from", [other]) => {
                let other = self.expr_node(other, &kind)?;
                self.exact(Op::Transpose, vec![other], expr)?
            }
            ("copy_from_slice", [other]) if kind.shape.iter().all(Shape::is_column) => {
                let new = match self.expr(other)? {
                    Value::Slice(new) => new,
                    Value::List(values) => self.column_of_list(values, expr)?,
                    value => self.node(&value, other, &kind)?,
                };
                self.same_kind(new, &kind, expr)?;
                let rows = |lower: &Self, id: Id| lower.graph.shape(id).map(|s| s.rows);
                if rows(self, new) != rows(self, known) {
                    let of = reading(&call.receiver);
                    let message = "copy_from_slice: source slice length ({}) does not match destination slice length ({})";
                    let (there, here) = (quote!((#other).len()), quote!((#of).len()));
                    self.verbatim(
                        &quote!(::core::assert!(#there == #here, #message, #there, #here);),
                    )?;
                }
                new
            }
            ("set_column" | "set_row", [at, value]) => {
                let lent = self.line(&lent, name == "set_row", at, expr)?;
                let guess = self.kind_at(&lent, expr)?;
                let value = self.expr_node(value, &guess)?;
                self.same_kind(value, &guess, expr)?;
                return self.put(&lent, value, expr).map(|()| Some(Value::Unit));
            }
            ("fill_column" | "fill_row", [at, value]) => {
                let lent = self.line(&lent, name == "fill_row", at, expr)?;
                let kind = self.kind_at(&lent, expr)?;
                let value = self.expr_node(value, &Kind::SCALAR)?;
                let line = self.exact_of(Op::Fill, vec![value], kind, expr)?;
                return self.put(&lent, line, expr).map(|()| Some(Value::Unit));
            }
            ("swap_columns" | "swap_rows", [a, b]) => {
                let a = self.line(&lent, name == "swap_rows", a, expr)?;
                let b = self.line(&lent, name == "swap_rows", b, expr)?;
                return self.exchange(&a, &b, expr).map(|()| Some(Value::Unit));
            }
            ("swap", [a, b]) => {
                let a = self.entry(&lent, a)?;
                let b = self.entry(&lent, b)?;
                return self.exchange(&a, &b, expr).map(|()| Some(Value::Unit));
            }
            ("axpy", [a, x, b]) => {
                let a = self.expr_node(a, &Kind::SCALAR)?;
                let x = self.expr_node(x, &kind)?;
                self.same_kind(x, &kind, expr)?;
                let b = self.expr_node(b, &Kind::SCALAR)?;
                let product = self.exact(Op::Scalar(Scalar::Mul), vec![a, x], expr)?;
                self.and_scaled(product, (b, known), expr)?
            }
            ("gemv" | "gemv_tr" | "gemm" | "gemm_tr" | "ger", [alpha, a, b, beta]) => {
                self.product_added(&call.method, &lent, [alpha, a, b, beta], expr)?
            }
            ("fill_diagonal" | "set_diagonal", [value]) => {
                return self
                    .diagonal_set(&name, &call.receiver, value, expr)
                    .map(Some);
            }
            ("fill_with_identity", []) => self.exact_of(Op::Identity, Vec::new(), kind, expr)?,
            ("apply", [closure]) => self.applied_to_entries(known, &[], closure, expr)?,
            ("zip_apply", [b, closure]) => self.applied_to_entries(known, &[b], closure, expr)?,
            ("zip_zip_apply", [b, c, closure]) => {
                self.applied_to_entries(known, &[b, c], closure, expr)?
            }
            _ => {
                return refuse(
                    &call.method,
                    format!(
                        "cannot differentiate `{name}`: what it makes of a differentiated value is not known\nhelp: {}",
                        instead_of(&name)
                    ),
                );
            }
        };
        self.put(&lent, new, expr)?;
        Ok(Some(Value::Unit))
    }

    /// A row or a column of a place.
    fn line(&mut self, of: &Lent, row: bool, at: &Expr, expr: &Expr) -> Lowered<Lent> {
        let at = self.integer(at)?;
        let part = if row { Part::Row } else { Part::Column };
        let line = of.part(part, vec![at]);
        self.kind_at(&line, expr)?;
        Ok(line)
    }

    /// An entry of a place, by the indices that `swap` takes.
    fn entry(&mut self, of: &Lent, at: &Expr) -> Lowered<Lent> {
        match at {
            Expr::Tuple(pair) if pair.elems.len() == 2 => {
                let at = vec![self.integer(&pair.elems[0])?, self.integer(&pair.elems[1])?];
                Ok(of.part(Part::EntryAt, at))
            }
            one => Ok(of.part(Part::Entry, vec![self.integer(one)?])),
        }
    }

    /// The kind of what is at a place, which is not read.
    fn kind_at(&mut self, place: &Lent, at: &Expr) -> Lowered<Kind> {
        let known = self.read_unchecked(place, at)?;
        Ok(self.graph.kind(known))
    }

    /// `m.fill_diagonal(a)` and `m.set_diagonal(&v)`, entry by entry.
    fn diagonal_set(
        &mut self,
        method: &str,
        of: &Expr,
        value: &Expr,
        expr: &Expr,
    ) -> Lowered<Value> {
        if !matches!(of, Expr::Path(_)) {
            return refuse(
                of,
                format!(
                    "cannot follow `{method}` of a part\nhelp: call it on the matrix itself, or assign the entries in a loop"
                ),
            );
        }
        let (name, k) = (self.fresh("diagonal"), self.fresh("k"));
        self.scope.push();
        let bound = self
            .expr(value)
            .and_then(|value| self.bind(&syn::parse_quote!(#name), value));
        let entry: Expr = match method {
            "set_diagonal" => syn::parse_quote!(#name[#k]),
            _ => syn::parse_quote!(#name),
        };
        let each: syn::ExprForLoop = syn::parse_quote_spanned!(expr.span()=>
            for #k in 0..::core::primitive::usize::min(#of.nrows(), #of.ncols()) { #of[(#k, #k)] = #entry; }
        );
        let checked = bound.and_then(|()| {
            // It panics where the vector is not as long as the diagonal.
            let length = quote!(::core::primitive::usize::min(#of.nrows(), #of.ncols()));
            match method {
                "set_diagonal" => self.verbatim(
                    &quote!(::core::assert_eq!(#name.len(), #length, "Mismatched dimensions.");),
                ),
                _ => Ok(()),
            }
        });
        let done = checked.and_then(|()| self.for_loop(&each, &Expr::ForLoop(each.clone())));
        self.scope.pop();
        done
    }

    /// Each of two places gets what is at the other.
    pub(super) fn exchange(&mut self, a: &Lent, b: &Lent, at: &Expr) -> Lowered<()> {
        let (at_a, at_b) = (self.read_lent(a, at)?, self.read_lent(b, at)?);
        self.put(a, at_b, at)?;
        self.put(b, at_a, at)
    }

    /// `std::mem::swap(&mut a, &mut b)` and the like.
    pub(crate) fn moved_by_mem(
        &mut self,
        name: &str,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let place = |lower: &mut Self, arg: &Expr| match arg {
            Expr::Reference(reference) if reference.mutability.is_some() => {
                lower.place_of(&reference.expr)
            }
            Expr::Path(_) => lower.place_of(arg),
            _ => refuse(
                arg,
                format!(
                    "cannot follow `{name}` of this\nhelp: give it the variable itself, as in `&mut x`"
                ),
            ),
        };
        if self.closures > 0 {
            return refuse(expr, "this cannot be done inside the closure of a method");
        }
        let record = |lower: &Self, arg: &Expr| {
            let of = match arg {
                Expr::Reference(reference) => &reference.expr,
                arg => arg,
            };
            let of = lower.in_field(of).unwrap_or_else(|| of.clone());
            lower.fields_of(&of)
        };
        match (name, args) {
            ("swap", [a, b]) if let (Some(a), Some(b)) = (record(self, a), record(self, b)) => {
                let (at_a, at_b) = (self.record_of(&a)?, self.record_of(&b)?);
                self.assign_fields(&a, at_b, expr)?;
                self.assign_fields(&b, at_a, expr)
            }
            ("replace", [of, value]) if let Some(fields) = record(self, of) => {
                let value = self.expr(value)?;
                let known = self.record_of(&fields)?;
                self.assign_fields(&fields, value, expr)?;
                Ok(known)
            }
            ("swap", [a, b]) => {
                let (a, b) = (place(self, a)?, place(self, b)?);
                self.exchange(&a, &b, expr)?;
                Ok(Value::Unit)
            }
            ("replace", [of, value]) => {
                let of = place(self, of)?;
                let known = self.read_lent(&of, expr)?;
                let kind = self.graph.kind(known);
                let value = self.expr_node(value, &kind)?;
                self.same_kind(value, &kind, expr)?;
                self.put(&of, value, expr)?;
                Ok(Value::Node(known))
            }
            ("take", [of]) => {
                let of = place(self, of)?;
                let known = self.read_lent(&of, expr)?;
                if self.graph.kind(known) != Kind::SCALAR {
                    return refuse(
                        expr,
                        "what `take` leaves here is known of numbers only\nhelp: say it, as in `std::mem::replace(&mut x, Vector3::zeros())`",
                    );
                }
                let zero = self.graph.constant(0.0);
                self.put(&of, zero, expr)?;
                Ok(Value::Node(known))
            }
            _ => refuse(
                expr,
                format!(
                    "cannot follow `{name}` of a differentiated value\nhelp: use operators and assignments"
                ),
            ),
        }
    }

    /// What `apply`, `zip_apply` and `zip_zip_apply` make of the entries of a matrix.
    fn applied_to_entries(
        &mut self,
        known: Id,
        others: &[&Expr],
        closure: &Expr,
        expr: &Expr,
    ) -> Lowered<Id> {
        let Some(mapped) = mapped(closure) else {
            return refuse(
                closure,
                "cannot see what this closure makes of an entry\nhelp: write `apply(|x| *x = …)`, or use `map`",
            );
        };
        // The entries themselves are read, not the place.
        let name = format_ident!("changed", span = proc_macro2::Span::mixed_site());
        let map = match others.len() {
            0 => "map",
            1 => "zip_map",
            _ => "zip_zip_map",
        };
        let map = Ident::new(map, proc_macro2::Span::mixed_site());
        let mapped: Expr = syn::parse_quote!(#name.#map(#(#others,)* #mapped));
        self.scope.push();
        self.scope
            .bind(crate::scope::Binding::active(name, Value::Node(known)));
        let value = self.expr(&mapped);
        self.scope.pop();
        let kind = self.graph.kind(known);
        self.node(&value?, expr, &kind)
    }

    fn with_number(&mut self, op: Scalar, known: Id, by: &Expr, expr: &Expr) -> Lowered<Id> {
        let by = self.expr_node(by, &Kind::SCALAR)?;
        self.exact(Op::Scalar(op), vec![known, by], expr)
    }

    fn with_matrix(
        &mut self,
        op: Scalar,
        known: Id,
        other: &Expr,
        kind: &Kind,
        expr: &Expr,
    ) -> Lowered<Id> {
        let other = self.expr_node(other, kind)?;
        self.same_kind(other, kind, expr)?;
        self.exact(Op::Scalar(op), vec![known, other], expr)
    }

    /// A number does not take the place of a matrix, nor the other way round.
    pub(super) fn same_kind(&self, id: Id, kind: &Kind, at: &Expr) -> Lowered<()> {
        let own = self.graph.kind(id);
        if own.elem == kind.elem && own.is_matrix() == kind.is_matrix() {
            return Ok(());
        }
        refuse(
            at,
            "a value of another type is assigned here, as far as the macro can see\nhelp: bind the value with its type before, as in `let v: Vector3<f64> = …;`",
        )
    }

    /// `place op= value`
    pub(super) fn change(
        &mut self,
        lent: &Lent,
        op: &BinOp,
        value: Id,
        expr: &Expr,
    ) -> Lowered<()> {
        let scalar = match op {
            BinOp::AddAssign(_) => return self.add(lent, value, false, expr),
            BinOp::SubAssign(_) => return self.add(lent, value, true, expr),
            BinOp::MulAssign(_) => Scalar::Mul,
            BinOp::DivAssign(_) => Scalar::Div,
            BinOp::RemAssign(_) => Scalar::Rem,
            _ => return refuse(expr, "this assignment has no derivative on real numbers"),
        };
        let known = self.read_lent(lent, expr)?;
        let matrices = (self.graph.is_matrix(known), self.graph.is_matrix(value));
        let op = match (scalar, matrices) {
            (Scalar::Mul, (true, true)) => Op::MatMul,
            (_, (false, true)) | (Scalar::Div | Scalar::Rem, (_, true)) => {
                return refuse(expr, "nalgebra has no such assignment");
            }
            (scalar, _) => Op::Scalar(scalar),
        };
        let new = self.exact(op, vec![known, value], expr)?;
        self.put(lent, new, expr)
    }
}

/// The variable of a place: `x` of `x`, `x[i]`, `x.column_mut(j)[i]` and `*x`.
pub(super) fn root_of(left: &Expr) -> Option<Ident> {
    match left {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => root_of(&behind(left)?),
    }
}

/// Whether a place is behind a reference or a box: `*x`, `(*x)[i]`.
fn is_behind(left: &Expr) -> bool {
    match left {
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Deref(_)),
        _ => behind(left).is_some_and(|inner| is_behind(&inner)),
    }
}

/// What a place is a part of.
fn behind(left: &Expr) -> Option<Expr> {
    match left {
        Expr::Index(index) => Some((*index.expr).clone()),
        Expr::Field(field) => Some((*field.base).clone()),
        Expr::MethodCall(call) if is_view(&call.method.to_string()) => {
            Some((*call.receiver).clone())
        }
        Expr::Paren(inner) => behind(&inner.expr).or_else(|| plain(&inner.expr)),
        Expr::Group(inner) => behind(&inner.expr).or_else(|| plain(&inner.expr)),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) => {
            behind(&unary.expr).or_else(|| plain(&unary.expr))
        }
        Expr::Reference(reference) => behind(&reference.expr).or_else(|| plain(&reference.expr)),
        _ => None,
    }
}

/// A name itself.
fn plain(expr: &Expr) -> Option<Expr> {
    matches!(expr, Expr::Path(_)).then(|| expr.clone())
}

/// Methods that give a part that can be changed.
fn is_view(method: &str) -> bool {
    matches!(
        method,
        "row_mut"
            | "column_mut"
            | "rows_mut"
            | "columns_mut"
            | "fixed_rows_mut"
            | "fixed_columns_mut"
            | "view_mut"
            | "fixed_view_mut"
            | "as_mut_slice"
            | "index_mut"
    )
}

/// An entry of a column is an entry of the matrix.
fn entry_of_matrix(path: &mut Vec<(Part, Vec<Id>)>) {
    let [.., (outer, first), (Part::Entry, second)] = &path[..] else {
        return;
    };
    let at = match outer {
        Part::Column => vec![second[0], first[0]],
        Part::Row => vec![first[0], second[0]],
        _ => return,
    };
    path.truncate(path.len() - 2);
    path.push((Part::EntryAt, at));
}

/// The expression that reads a place.
fn reading(left: &Expr) -> Expr {
    match left {
        Expr::Index(index) => Expr::Index(syn::ExprIndex {
            expr: Box::new(reading(&index.expr)),
            ..index.clone()
        }),
        Expr::Field(field) => Expr::Field(syn::ExprField {
            base: Box::new(reading(&field.base)),
            ..field.clone()
        }),
        Expr::MethodCall(call) => {
            let name = call.method.to_string();
            let method = match name.as_str() {
                "as_mut_slice" => "as_slice",
                _ => name.trim_end_matches("_mut"),
            };
            Expr::MethodCall(syn::ExprMethodCall {
                receiver: Box::new(reading(&call.receiver)),
                method: Ident::new(method, call.method.span()),
                ..call.clone()
            })
        }
        Expr::Paren(inner) => reading(&inner.expr),
        Expr::Group(inner) => reading(&inner.expr),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) => reading(&unary.expr),
        Expr::Reference(reference) => reading(&reference.expr),
        other => other.clone(),
    }
}

/// `|x| *x = e` as `|x| e`: a closure that changes the entry that its first parameter refers to, as one that returns the
/// new entry.
fn mapped(closure: &Expr) -> Option<Expr> {
    let Expr::Closure(closure) = closure else {
        return None;
    };
    let entry = match closure.inputs.first()? {
        Pat::Ident(entry) => entry,
        Pat::Type(typed) => match &*typed.pat {
            Pat::Ident(entry) => entry,
            _ => return None,
        },
        _ => return None,
    };
    let name = &entry.ident;
    let body = dereferenced(closure.body.to_token_stream(), name)?;
    let new: Expr = match syn::parse2(body).ok()? {
        Expr::Assign(assign) if *name == assign.left.to_token_stream().to_string() => *assign.right,
        body => syn::parse_quote!({ let mut #name = #name; #body; #name }),
    };
    let mut closure = closure.clone();
    closure.inputs[0] = syn::parse_quote!(#name);
    closure.body = Box::new(new);
    Some(Expr::Closure(closure))
}

/// The same tokens with `x` in place of `*x`; `None` if the reference itself is used.
fn dereferenced(tokens: TokenStream, name: &Ident) -> Option<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is_star =
        |tree: Option<&TokenTree>| matches!(tree, Some(TokenTree::Punct(p)) if p.as_char() == '*');
    let mut out = Vec::new();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) if ident == name => {
                let before = i.checked_sub(1).and_then(|i| trees.get(i));
                // Of a method or a field of the number, which reads through the reference.
                let read =
                    matches!(trees.get(i + 1), Some(TokenTree::Punct(p)) if p.as_char() == '.');
                let starred =
                    is_star(before) && !is_operand(i.checked_sub(2).and_then(|i| trees.get(i)));
                if starred {
                    out.pop();
                } else if !read {
                    return None;
                }
                out.push(tree.clone());
            }
            TokenTree::Group(group) => {
                let inner = dereferenced(group.stream(), name)?;
                let mut new = Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                out.push(TokenTree::Group(new));
            }
            tree => out.push(tree.clone()),
        }
    }
    Some(out.into_iter().collect())
}

/// Whether a star after it is a product.
fn is_operand(tree: Option<&TokenTree>) -> bool {
    match tree {
        Some(TokenTree::Ident(word)) => !matches!(
            word.to_string().as_str(),
            "return" | "in" | "if" | "else" | "match"
        ),
        Some(TokenTree::Literal(_)) => true,
        Some(TokenTree::Group(group)) => group.delimiter() != Delimiter::Brace,
        Some(TokenTree::Punct(_)) | None => false,
    }
}

/// What to write instead of a method that changes what it is called on.
fn instead_of(name: &str) -> &'static str {
    match name {
        "quadform" | "quadform_tr" | "cmpy" | "cdpy" => {
            "write the sum of products, as in `y = alpha * (a * x) + beta * y;`"
        }
        "push" | "extend" => {
            "begin with a list of its length, as in `let mut v = vec![0.0; n];`, and assign to `v[i]`"
        }
        "copy_from_slice" => "assign the entries in a loop, as in `v[i] = x[i];`",
        "iter_mut" => "go through the entries in a loop, as in `for x in v.iter_mut() { *x = …; }`",
        _ => "compute the new value, and assign it to the variable",
    }
}
