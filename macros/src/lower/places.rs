//! Places: what stands on the left of an assignment, or is changed by a method. A place is a variable or a part of its
//! value; to change it makes a new value of the variable.

use super::{Lower, Lowered, Refusal, refuse};
use crate::error::text;
use crate::graph::{Id, Kind, Step};
use crate::rules::{Comparison, Op, Part, Scalar};
use crate::scope::{Lent, Value};
use proc_macro2::Ident;
use quote::{ToTokens, format_ident};
use syn::{BinOp, Expr};

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
            if let Some(inner) = behind(left) {
                let mut path = lent.path.clone();
                path.extend(self.place_of_part(&inner, &lent)?);
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
        let value = self.expr(&reading(left))?;
        let mut id = self.node(&value, left, &Kind::SCALAR)?;
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
        // An entry of a column is an entry of the matrix.
        if let [.., (outer, _), (Part::Entry, _)] = &path[..] {
            let outer = outer.clone();
            let places = |path: &[(Part, Vec<Id>)]| (path[0].1[0], path[1].1[0]);
            let (a, b) = places(&path[path.len() - 2..]);
            let at = match outer {
                Part::Column => Some(vec![b, a]),
                Part::Row => Some(vec![a, b]),
                _ => None,
            };
            if let Some(at) = at {
                path.truncate(path.len() - 2);
                path.push((Part::EntryAt, at));
            }
        }
        Ok(path)
    }

    /// The value at a place.
    pub(super) fn read_lent(&mut self, lent: &Lent, at: &dyn ToTokens) -> Lowered<Id> {
        let mut id = match self
            .scope
            .get(&lent.name.to_string())
            .map(|b| b.value.clone())
        {
            Some(Value::Slice(id)) => id,
            Some(value) => self.node(&value, at, &Kind::SCALAR)?,
            None => return Err(Refusal(None)),
        };
        for (part, positions) in &lent.path {
            id = self.part_at(id, part, positions, at)?;
        }
        Ok(id)
    }

    fn part_at(&mut self, of: Id, part: &Part, positions: &[Id], at: &dyn ToTokens) -> Lowered<Id> {
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
        let Some(root) = root_of(&call.receiver) else {
            return Ok(None);
        };
        let known = self.scope.get(&root.to_string()).map(|b| b.value.clone());
        if !matches!(
            known,
            Some(Value::Node(_) | Value::Slice(_) | Value::Inert(_) | Value::Lent(_))
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
            ("normalize_mut", []) => self.exact(Op::Normalize, vec![known], expr)?,
            ("transpose_mut", []) => self.exact(Op::Transpose, vec![known], expr)?,
            ("set_column" | "set_row", [at, value]) => {
                let part = if name == "set_row" {
                    Part::Row
                } else {
                    Part::Column
                };
                let at = self.integer(at)?;
                let mut path = lent.path.clone();
                path.push((part.clone(), vec![at]));
                let whole = self.graph.shape(known);
                let shape =
                    whole.and_then(|s| crate::rules::part_shape(&self.graph, &part, &s, &[at]));
                let guess = shape.map_or(Kind::SCALAR, Kind::matrix);
                let value = self.expr_node(value, &guess)?;
                self.same_kind(value, &guess, expr)?;
                let lent = Lent { path, ..lent };
                return self.put(&lent, value, expr).map(|()| Some(Value::Unit));
            }
            ("axpy", [a, x, b]) => {
                let a = self.expr_node(a, &Kind::SCALAR)?;
                let x = self.expr_node(x, &kind)?;
                self.same_kind(x, &kind, expr)?;
                let b = self.expr_node(b, &Kind::SCALAR)?;
                self.axpy((a, x), (b, known), expr)?
            }
            ("apply", [closure]) => {
                let Some(mapped) = mapped(closure) else {
                    return refuse(
                        closure,
                        "cannot see what this closure makes of an entry\nhelp: write `apply(|x| *x = …)`, or use `map`",
                    );
                };
                // The entries themselves are read, not the place.
                let name = format_ident!("changed", span = proc_macro2::Span::mixed_site());
                let mapped: Expr = syn::parse_quote!(#name.map(#mapped));
                self.scope.push();
                self.scope.bind(crate::scope::Binding {
                    ident: name,
                    value: Value::Node(known),
                    active: true,
                    varies: true,
                });
                let value = self.expr(&mapped);
                self.scope.pop();
                self.node(&value?, expr, &kind)?
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

    /// a x + b y, but a x where b is zero, as BLAS has it.
    fn axpy(&mut self, (a, x): (Id, Id), (b, y): (Id, Id), expr: &Expr) -> Lowered<Id> {
        let product = self.exact(Op::Scalar(Scalar::Mul), vec![a, x], expr)?;
        let constant = match self.graph.op(b) {
            Op::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        };
        if constant == Some(0.0) {
            return Ok(product);
        }
        let other = self.exact(Op::Scalar(Scalar::Mul), vec![b, y], expr)?;
        let sum = self.exact(Op::Scalar(Scalar::Add), vec![product, other], expr)?;
        if constant.is_some() {
            return Ok(sum);
        }
        let zero = self.graph.constant(0.0);
        let nothing = self.exact(Op::Compare(Comparison::Eq), vec![b, zero], expr)?;
        self.exact(Op::Select, vec![nothing, product, sum], expr)
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

/// `|x| *x = e` as `|x| e`, and `|x| *x *= e` as `|x| x * e`.
fn mapped(closure: &Expr) -> Option<Expr> {
    let Expr::Closure(closure) = closure else {
        return None;
    };
    let body = match &*closure.body {
        Expr::Block(block) => match &block.block.stmts[..] {
            [syn::Stmt::Expr(body, _)] => body,
            _ => return None,
        },
        body => body,
    };
    let is_entry = |left: &Expr| matches!(left, Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Deref(_)) && closure.inputs.len() == 1 && unary.expr.to_token_stream().to_string() == closure.inputs[0].to_token_stream().to_string());
    let new: Expr = match body {
        Expr::Assign(assign) if is_entry(&assign.left) => (*assign.right).clone(),
        Expr::Binary(binary) if is_entry(&binary.left) => {
            let (left, right) = (&closure.inputs[0], &binary.right);
            match binary.op {
                BinOp::AddAssign(_) => syn::parse_quote!(#left + (#right)),
                BinOp::SubAssign(_) => syn::parse_quote!(#left - (#right)),
                BinOp::MulAssign(_) => syn::parse_quote!(#left * (#right)),
                BinOp::DivAssign(_) => syn::parse_quote!(#left / (#right)),
                _ => return None,
            }
        }
        _ => return None,
    };
    let mut closure = closure.clone();
    closure.body = Box::new(new);
    Some(Expr::Closure(closure))
}

/// What to write instead of a method that changes what it is called on.
fn instead_of(name: &str) -> &'static str {
    match name {
        "gemv" | "gemm" | "ger" | "quadform" => {
            "write the sum of products, as in `y = alpha * (a * x) + beta * y;`"
        }
        "swap" | "swap_rows" | "swap_columns" => {
            "exchange the values, as in `let (a, b) = (x[i], x[j]); x[i] = b; x[j] = a;`"
        }
        "push" | "extend" => {
            "begin with a list of its length, as in `let mut v = vec![0.0; n];`, and assign to `v[i]`"
        }
        "copy_from_slice" => "assign the entries in a loop, as in `v[i] = x[i];`",
        "iter_mut" => "go through the entries in a loop, as in `for x in v.iter_mut() { *x = …; }`",
        _ => "compute the new value, and assign it to the variable",
    }
}
