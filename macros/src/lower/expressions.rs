//! Expressions: literals, names, operators, casts, indices and fields.

use super::declared::Declared;
use super::inert::is_single;
use super::lists_of_records::apart;
use super::matching::is_panic;
use super::{Lower, Lowered, Refusal, fields, hint_of_plain_type, refuse};
use crate::error::text;
use crate::graph::{Dim, Elem, Form, Guard, Id, Kind, Leaf, Shape, Step};
use crate::position::{Arithmetic, Position};
use crate::rules::{Comparison, Op, Part, Scalar};
use crate::scope::{Hint, Inert, Place, Value, control_flow, leaves_loop, same_context};
use crate::ty::Real;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{BinOp, Expr, UnOp};

impl Lower<'_> {
    /// The value of an expression. What cannot be taken apart but carries no derivative is kept as it stands.
    pub fn expr(&mut self, expr: &Expr) -> Lowered<Value> {
        let mark = self.mark();
        // What a sum expects of a term it does not expect of what that term is computed from.
        let passes_on = matches!(
            expr,
            Expr::Paren(_) | Expr::Group(_) | Expr::Reference(_) | Expr::Unary(_) | Expr::Binary(_)
        );
        let expected = if passes_on {
            None
        } else {
            self.expected.take()
        };
        // Statements that carry no derivative are Rust's own affair, whatever they are.
        let compound = matches!(
            expr,
            Expr::Block(_)
                | Expr::If(_)
                | Expr::Match(_)
                | Expr::ForLoop(_)
                | Expr::While(_)
                | Expr::Loop(_)
                | Expr::Unsafe(_)
        );
        // A block of nothing but an expression is that.
        let plain = matches!(expr, Expr::Block(block)
            if block.label.is_none() && matches!(block.block.stmts[..], [syn::Stmt::Expr(_, None)]));
        let value = if compound && !plain && self.closures == 0 && self.is_inert(expr) {
            Err(Refusal(None))
        } else {
            self.form(expr)
        };
        if !passes_on {
            self.expected = expected;
        }
        match value {
            Err(_) if self.is_inert(expr) => {
                self.roll_back(mark);
                let tokens = expr.to_token_stream();
                if let Some(found) = leaves_loop(&tokens) {
                    return refuse(
                        found,
                        "a loop cannot be left inside of an expression yet\nhelp: use a statement of its own, as in `if … { break; }`",
                    );
                }
                if let Some((found, what)) = control_flow(tokens.clone(), self.wrapped) {
                    return refuse(
                        found,
                        format!(
                            "{what} is not supported here yet: the companion would leave the function with a value of another type\nhelp: bind the value before calling this function and pass it as a parameter"
                        ),
                    );
                }
                let hint = self.hint_of_inert(expr);
                Ok(Value::Inert(self.inert(tokens, hint)))
            }
            // Kept as it stands, it does itself what reading it placed.
            Ok(Value::Inert(inert)) if self.mark() != mark && self.is_verbatim(&inert, expr) => {
                self.roll_back(mark);
                Ok(Value::Inert(inert))
            }
            other => other,
        }
    }

    fn is_verbatim(&self, inert: &Inert, expr: &Expr) -> bool {
        inert.leaf.is_none() && inert.tokens.to_string() == self.kept(expr).to_string()
    }

    /// The node of an expression, taken for `guess` where nothing tells its type.
    pub fn expr_node(&mut self, expr: &Expr, guess: &Kind) -> Lowered<Id> {
        let value = self.expr(expr)?;
        self.node(&value, expr, guess)
    }

    /// An integer argument: a position or a count.
    pub fn integer(&mut self, expr: &Expr) -> Lowered<Id> {
        match self.expr(expr)? {
            value @ Value::Untyped(_) => self.node(&value, expr, &Kind::INT),
            Value::Inert(inert) => self.pin(
                &Inert {
                    hint: if inert.hint == Hint::Unknown {
                        Hint::Int
                    } else {
                        inert.hint.clone()
                    },
                    ..inert
                },
                Kind::INT,
            ),
            _ => refuse(
                expr,
                format!(
                    "`{}` is not an integer that the macro can follow\nhelp: index with integers that are variables, literals, or sums and products of these; a part of a vector is `x.rows(start, count)`",
                    text(expr)
                ),
            ),
        }
    }

    pub(super) fn inert_value(&self, expr: &Expr, hint: Hint) -> Value {
        Value::Inert(self.inert(expr.to_token_stream(), hint))
    }

    pub(super) fn form(&mut self, expr: &Expr) -> Lowered<Value> {
        match expr {
            Expr::Paren(inner) => match self.expr(&inner.expr)? {
                Value::Inert(inert) if inert.leaf.is_none() => {
                    let tokens = &inert.tokens;
                    Ok(Value::Inert(Inert {
                        tokens: quote!((#tokens)),
                        ..inert
                    }))
                }
                value => Ok(value),
            },
            // A fragment of a macro's keeps its precedence.
            Expr::Group(inner) => match self.expr(&inner.expr)? {
                Value::Inert(inert) if inert.leaf.is_none() && !is_single(&inert.tokens) => {
                    let tokens = &inert.tokens;
                    Ok(Value::Inert(Inert {
                        tokens: quote!((#tokens)),
                        ..inert
                    }))
                }
                value => Ok(value),
            },
            Expr::Lit(lit) => self.literal(lit, expr),
            Expr::Path(path) => self.path(path, expr),
            Expr::Reference(reference) => {
                if reference.mutability.is_some() {
                    if self.is_inert(expr) {
                        return refuse(expr, "what is inert is borrowed as it stands");
                    }
                    if let Some(fields) = self.fields_of(&reference.expr) {
                        return Ok(Value::Fields(fields));
                    }
                    if let Some(item) = self.lent_item(&reference.expr)? {
                        return Ok(item);
                    }
                    return self.place_of(&reference.expr).map(Value::Lent);
                }
                match self.expr(&reference.expr)? {
                    Value::Inert(inert) => {
                        let tokens = &inert.tokens;
                        let hint = match inert.hint {
                            Hint::Geometric { frame, size, .. } => Hint::Geometric {
                                frame,
                                size,
                                reference: true,
                            },
                            hint => hint,
                        };
                        Ok(Value::Inert(Inert {
                            tokens: quote!(&#tokens),
                            leaf: None,
                            hint,
                            ..inert
                        }))
                    }
                    Value::Untyped(place) => Ok(Value::Untyped(Place {
                        reference: true,
                        ..place
                    })),
                    value => Ok(value),
                }
            }
            Expr::Unary(unary) => self.unary(unary, expr),
            Expr::Binary(binary) => self.binary(binary, expr),
            Expr::Cast(cast) => self.cast(cast, expr),
            Expr::Index(index) => self.index(index, expr),
            Expr::Field(field) => match self.in_field(expr) {
                Some(variable) => self.expr(&variable),
                None => self.field(field, expr),
            },
            Expr::MethodCall(call) => {
                let own = self.copied_record(call);
                let own = own.or_else(|| self.method_of_lists(call));
                let own = own.or_else(|| self.changed_option(call, expr));
                own.unwrap_or_else(|| self.method(call, expr))
            }
            Expr::Call(call) => self.call(call, expr),
            Expr::If(branch) if self.gives_integer(branch, expr) => {
                Ok(Value::Inert(self.inert(expr.to_token_stream(), Hint::Int)))
            }
            Expr::If(branch) => self.branch(branch, expr),
            Expr::Block(block) if block.label.is_none() => self.nested_block(&block.block),
            Expr::Block(block) => match &block.label {
                Some(label) => self.labelled_block(block, label),
                None => self.nested_block(&block.block),
            },
            Expr::Tuple(tuple) => {
                let values: Lowered<Vec<Value>> =
                    tuple.elems.iter().map(|e| self.expr(e)).collect();
                let mut values = values?;
                if values.is_empty() {
                    return Ok(Value::Unit);
                }
                // What may change or has effects is evaluated here, and once.
                if self.closures == 0 && !self.is_inert(expr) {
                    for value in &mut values {
                        if let Value::Inert(inert) = value {
                            self.evaluate(inert);
                        }
                    }
                }
                Ok(Value::Tuple(values))
            }
            Expr::Macro(mac) if is_panic(&mac.mac) => {
                self.observed_panic(&mac.mac)?;
                self.diverge(expr)
            }
            Expr::Macro(mac) => self.macro_value(&mac.mac, expr),
            Expr::Array(array) => {
                let entries: Vec<&Expr> = array.elems.iter().collect();
                self.list_of(&entries)
            }
            Expr::Assign(assign) if self.is_poisoned(&assign.left) => Err(Refusal(None)),
            Expr::Assign(assign) => self.assignment(assign, expr),
            Expr::ForLoop(each) => self.for_loop(each, expr),
            Expr::While(each) => self.while_loop(each, expr),
            Expr::Loop(each) => self.endless(each, expr),
            Expr::Match(each) => self.match_on(each, None),
            Expr::Let(_) => refuse(
                expr,
                "`let` is understood in the condition of an `if`, joined by `&&`, and nowhere else\nhelp: write `if let … { … } else { … }` or `match`",
            ),
            Expr::Return(returned)
                if self.wrapped && returned.expr.iter().any(|e| self.leaves_without_value(e)) =>
            {
                self.diverge(expr)
            }
            Expr::Return(syn::ExprReturn {
                expr: Some(value), ..
            }) if self.is_in_loop() && self.bodies == 0 => self.return_from_loop(value, expr),
            Expr::Return(_) => refuse(
                expr,
                "`return` inside of an expression is not supported\nhelp: make the rest of the function the other side of an `if … { … } else { … }`",
            ),
            Expr::Break(leaving) => {
                if let Some(value) = &leaving.expr {
                    self.keep_broken_with(leaving.label.as_ref(), value, expr)?;
                }
                self.left(leaving.label.as_ref(), true, expr)
            }
            Expr::Continue(leaving) => self.left(leaving.label.as_ref(), false, expr),
            Expr::Try(question) => match self.tried_in_turn(&question.expr)? {
                Some(value) => Ok(value),
                None => self.question(&question.expr, expr),
            },
            Expr::Closure(_) => refuse(
                expr,
                "a closure over differentiated values is not supported here\nhelp: bind it to a name with `let` and call it, or give it to `map`, `zip_map` or `fold`",
            ),
            Expr::Struct(literal) => self.record(literal, expr),
            Expr::Range(_) => refuse(expr, "a range of differentiated values has no derivative"),
            Expr::Repeat(_) => match self.repeated(expr)? {
                Some(list) => Ok(list),
                None => refuse(
                    expr,
                    "an array that repeats a differentiated value is not supported here\nhelp: use `from_element` of a vector of nalgebra's, or write the elements out",
                ),
            },
            Expr::Unsafe(block) => refuse(
                block.unsafe_token,
                "`unsafe` code cannot be differentiated\nhelp: compute the value in safe code",
            ),
            Expr::Await(wait) => refuse(
                wait.await_token,
                "asynchronous code cannot be differentiated\nhelp: await the value before calling this function",
            ),
            Expr::Async(block) => refuse(
                block.async_token,
                "asynchronous code cannot be differentiated\nhelp: await the value before calling this function",
            ),
            _ => refuse(
                expr,
                format!(
                    "cannot differentiate `{}`: this kind of expression is not supported\nhelp: write it with `let`, operators, methods and `if … else`",
                    text(expr)
                ),
            ),
        }
    }

    /// Whether a mistake has been reported of a variable.
    pub fn is_poisoned(&self, tokens: impl ToTokens) -> bool {
        self.scope
            .read_by(tokens.to_token_stream())
            .iter()
            .any(|b| matches!(b.value, Value::Poison))
    }

    pub(super) fn literal(&mut self, lit: &syn::ExprLit, expr: &Expr) -> Lowered<Value> {
        let digits = match &lit.lit {
            syn::Lit::Float(float) => float.base10_digits().to_string(),
            syn::Lit::Int(int) if matches!(int.suffix(), "f64" | "f32") => {
                int.base10_digits().to_string()
            }
            syn::Lit::Int(_) => return Ok(self.inert_value(expr, Hint::Int)),
            syn::Lit::Bool(_) => return Ok(self.inert_value(expr, Hint::Bool)),
            _ => return Ok(self.inert_value(expr, Hint::Unknown)),
        };
        // The number that rustc will read, in the precision of the function.
        let value = match self.real {
            Real::F32 => digits.parse::<f32>().map(f64::from),
            _ => digits.parse::<f64>(),
        };
        match value {
            Ok(value) => Ok(Value::Node(self.graph.constant(value))),
            Err(_) => refuse(expr, "this number cannot be read"),
        }
    }

    pub(super) fn path(&mut self, path: &syn::ExprPath, expr: &Expr) -> Lowered<Value> {
        let Some(name) = path.path.get_ident().filter(|_| path.qself.is_none()) else {
            return Ok(self.inert_value(expr, Hint::Unknown));
        };
        match self.scope.get(&name.to_string()).cloned() {
            None => Ok(self.inert_value(expr, Hint::Unknown)),
            Some(binding) => {
                if !same_context(&binding.ident, name) {
                    return Err(self.hygiene(name));
                }
                let value = match binding.value {
                    // Read, it has been given a value.
                    Value::Unset(inert) => Value::Inert(inert),
                    Value::Lent(lent) => Value::Node(self.read_lent(&lent, expr)?),
                    Value::Fields(fields) => self.record_of(&fields)?,
                    Value::Lists(lists, made) => self.records_in(&lists, made)?,
                    // What is wrong with a field is reported where it is read.
                    Value::Untyped(place) if place.path.is_empty() => Value::Untyped(Place {
                        tokens: name.to_token_stream(),
                        ..place
                    }),
                    value => value,
                };
                Ok(self.resolved(value))
            }
        }
    }

    pub(super) fn hygiene(&mut self, name: &Ident) -> Refusal {
        // Reported here and not left to the caller, which might take the expression for an inert one.
        self.errors.push(name, format!("two different variables are called `{name}`: one of a macro, one of its caller\nhelp: give the variable inside the macro another name"));
        Refusal(None)
    }

    pub(super) fn is_scalar(&self, value: &Value) -> bool {
        match value {
            Value::Entry(_) => true,
            Value::Node(id) => self.graph.kind(*id) == Kind::SCALAR,
            _ => false,
        }
    }

    /// A value of an operation entry by entry: an entry, if any argument is one.
    pub fn entrywise(args: &[&Value], id: Id) -> Value {
        if args.iter().any(|v| matches!(v, Value::Entry(_))) {
            Value::Entry(id)
        } else {
            Value::Node(id)
        }
    }

    pub(super) fn unary(&mut self, unary: &syn::ExprUnary, expr: &Expr) -> Lowered<Value> {
        let value = self.expr(&unary.expr)?;
        match (&unary.op, &value) {
            (op, Value::Inert(inert)) => {
                let tokens = &inert.tokens;
                let hint = match op {
                    UnOp::Deref(_) => Self::hint_behind(&inert.hint),
                    _ => inert.hint.clone(),
                };
                Ok(Value::Inert(Inert {
                    tokens: quote!(#op #tokens),
                    leaf: None,
                    hint,
                    ..inert.clone()
                }))
            }
            (op, Value::Geometric(geometric)) => self.geometric_unary(op, geometric, expr),
            (
                UnOp::Deref(_),
                Value::Node(_)
                | Value::Entry(_)
                | Value::Slice(_)
                | Value::List(_)
                | Value::Tuple(_)
                | Value::Record(_)
                | Value::Records(..)
                | Value::Called(..),
            ) => Ok(value),
            (UnOp::Deref(_), Value::Untyped(place)) => Ok(Value::Untyped(Place {
                reference: false,
                ..place.clone()
            })),
            (UnOp::Neg(_), Value::Untyped(_)) => {
                let id = self.node(&value, &unary.expr, &Kind::SCALAR)?;
                self.step(Op::Scalar(Scalar::Neg), vec![id], expr)
            }
            (UnOp::Not(_), Value::Untyped(_)) => {
                let id = self.node(&value, &unary.expr, &Kind::BOOL)?;
                self.step(Op::Not, vec![id], expr)
            }
            (UnOp::Neg(_), Value::Node(_) | Value::Entry(_)) => {
                let id = self.node(&value, &unary.expr, &Kind::SCALAR)?;
                if let Op::Const(bits) = self.graph.op(id) {
                    return Ok(Value::Node(self.graph.constant(-f64::from_bits(bits))));
                }
                let id = self.exact(Op::Scalar(Scalar::Neg), vec![id], expr)?;
                Ok(Self::entrywise(&[&value], id))
            }
            (UnOp::Not(_), Value::Node(id) | Value::Entry(id))
                if self.graph.kind(*id).elem == Elem::Bool =>
            {
                let id = self.exact(Op::Not, vec![*id], expr)?;
                Ok(Self::entrywise(&[&value], id))
            }
            (_, Value::Poison) => Err(Refusal(None)),
            _ => refuse(expr, format!("cannot differentiate `{}`", text(expr))),
        }
    }

    pub(super) fn binary(&mut self, binary: &syn::ExprBinary, expr: &Expr) -> Lowered<Value> {
        let comparison = match binary.op {
            BinOp::Lt(_) => Some(Comparison::Lt),
            BinOp::Le(_) => Some(Comparison::Le),
            BinOp::Gt(_) => Some(Comparison::Gt),
            BinOp::Ge(_) => Some(Comparison::Ge),
            BinOp::Eq(_) => Some(Comparison::Eq),
            BinOp::Ne(_) => Some(Comparison::Ne),
            _ => None,
        };
        if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) {
            return self.logic(binary, expr);
        }
        if matches!(
            binary.op,
            BinOp::AddAssign(_)
                | BinOp::SubAssign(_)
                | BinOp::MulAssign(_)
                | BinOp::DivAssign(_)
                | BinOp::RemAssign(_)
                | BinOp::BitXorAssign(_)
                | BinOp::BitAndAssign(_)
                | BinOp::BitOrAssign(_)
                | BinOp::ShlAssign(_)
                | BinOp::ShrAssign(_)
        ) {
            if self.is_poisoned(&binary.left) {
                return Err(Refusal(None));
            }
            return self.compound_assignment(binary, expr);
        }
        let (mut left, mut right) = self.operands(binary)?;
        // Beside an integer there is an integer.
        for (one, other) in [(0, 1), (1, 0)] {
            let sides = [&left, &right];
            let is_integer = matches!(sides[other], Value::Inert(i) if i.hint == Hint::Int);
            if let (Value::Untyped(place), true) = (sides[one], is_integer)
                && let Some(integer) = fields::integer(place)
            {
                *[&mut left, &mut right][one] = Value::Inert(integer);
            }
        }
        if matches!(left, Value::Position(_)) || matches!(right, Value::Position(_)) {
            if comparison.is_none() {
                return self.position_arithmetic(
                    &binary.op,
                    (&left, &binary.left),
                    (&right, &binary.right),
                    expr,
                );
            }
            left = self.numbered(&left, &binary.left)?;
            right = self.numbered(&right, &binary.right)?;
        }
        // What is known to be a matrix or a point tells what comes of it.
        let known = |inert: &Inert| {
            matches!(inert.hint, Hint::Matrix(_) | Hint::Geometric { .. }) && !inert.mutable
        };
        if let (Value::Inert(a), Value::Inert(b)) = (&left, &right)
            && (comparison.is_some() || !known(a) && !known(b))
        {
            let hint = match (&a.hint, &b.hint) {
                _ if comparison.is_some() => Hint::Bool,
                (Hint::Real, Hint::Real) => Hint::Real,
                (Hint::Int, Hint::Int) => Hint::Int,
                (Hint::Int, _) | (_, Hint::Int) if a.hint != Hint::Real && b.hint != Hint::Real => {
                    Hint::Int
                }
                _ => Hint::Unknown,
            };
            let (left, op, right) = (&a.tokens, &binary.op, &b.tokens);
            return Ok(Value::Inert(Inert {
                tokens: quote!(#left #op #right),
                hint,
                reads: a.reads.iter().chain(&b.reads).copied().collect(),
                varies: a.varies || b.varies,
                pure: a.pure && b.pure,
                mutable: a.mutable || b.mutable,
                leaf: None,
            }));
        }
        if comparison.is_none()
            && (Self::frame_of(&left).is_some() || Self::frame_of(&right).is_some())
        {
            return self.geometric_operator(
                &binary.op,
                (&left, &binary.left),
                (&right, &binary.right),
                expr,
            );
        }
        if let Some(comparison) = comparison {
            return self.comparison(
                comparison,
                (&binary.left, left),
                (&binary.right, right),
                expr,
            );
        }
        let mut guess_left = self.guess(&binary.op, &right, false);
        let mut guess_right = self.guess(&binary.op, &left, true);
        // A matrix is multiplied by what a call returns: by a vector, if anything.
        if let (BinOp::Mul(_), Value::Called(..), None, Some(shape)) =
            (&binary.op, &right, &self.expected, self.whole_shape(&left))
            && !shape.is_column()
        {
            guess_right = Kind::matrix(Shape::new(shape.cols, Dim::Static(1)));
        }
        if let (Value::Called(..), Value::Called(..)) = (&left, &right) {
            // Neither tells anything of the other.
            (guess_left, guess_right) = (Kind::SCALAR, Kind::SCALAR);
        }
        if let BinOp::Mul(_) = &binary.op {
            self.guess_of_reference(&left, &binary.left, &right, true, &mut guess_left);
            self.guess_of_reference(&right, &binary.right, &left, false, &mut guess_right);
        }
        let a = self.node(&left, &binary.left, &guess_left)?;
        let b = self.node(&right, &binary.right, &guess_right)?;
        let matrices = (
            self.graph.is_matrix(a) && !matches!(left, Value::Entry(_)),
            self.graph.is_matrix(b) && !matches!(right, Value::Entry(_)),
        );
        let entries = matches!(left, Value::Entry(_)) || matches!(right, Value::Entry(_));
        if [a, b]
            .iter()
            .any(|id| self.graph.kind(*id).elem != Elem::Real)
        {
            return refuse(expr, format!("cannot differentiate `{}`", text(expr)));
        }
        if entries && (matrices.0 || matrices.1) {
            return refuse(
                expr,
                "a whole matrix inside the closure of an elementwise method is not supported\nhelp: compute with single entries here, or with whole matrices outside",
            );
        }
        let op = match (&binary.op, matrices) {
            (BinOp::Add(_), (a, b)) if a == b => Op::Scalar(Scalar::Add),
            (BinOp::Sub(_), (a, b)) if a == b => Op::Scalar(Scalar::Sub),
            (BinOp::Mul(_), (true, true)) => Op::MatMul,
            (BinOp::Mul(_), _) => Op::Scalar(Scalar::Mul),
            (BinOp::Div(_), (_, false)) => Op::Scalar(Scalar::Div),
            (BinOp::Rem(_), (false, false)) => Op::Scalar(Scalar::Rem),
            (BinOp::Add(_) | BinOp::Sub(_), _) => {
                return refuse(
                    expr,
                    "nalgebra does not add a number to a matrix\nhelp: use `add_scalar`",
                );
            }
            (BinOp::Div(_), _) => {
                return refuse(
                    expr,
                    "nalgebra does not divide by a matrix\nhelp: use `component_div`, `try_inverse` or `lu().solve(…)`",
                );
            }
            _ => {
                return refuse(
                    expr,
                    format!(
                        "`{}` has no derivative on real numbers",
                        binary.op.to_token_stream()
                    ),
                );
            }
        };
        let id = self.exact(op, vec![a, b], expr)?;
        Ok(Self::entrywise(&[&left, &right], id))
    }

    /// The operands of an operator. In a sum, each tells the other's shape.
    pub(super) fn operands(&mut self, binary: &syn::ExprBinary) -> Lowered<(Value, Value)> {
        let additive = matches!(binary.op, BinOp::Add(_) | BinOp::Sub(_));
        let outer = self.expected.clone();
        if !additive {
            // Only the product itself is meant, not its factors.
            let factor = matches!(binary.op, BinOp::Mul(_));
            let expected = self.expected.take();
            let mut left = self.expr(&binary.left);
            let before = self.steps.last().map_or(0, Vec::len);
            let right = self.expr(&binary.right);
            self.expected = if factor { expected } else { None };
            if let Ok(left) = &mut left {
                self.evaluate_before(left, before);
            }
            return self.both(left, right);
        }
        let (mark, before) = (self.mark(), self.ambiguous);
        self.ambiguous = false;
        let mut left = match self.expr(&binary.left) {
            Ok(left) => left,
            Err(refusal) => {
                let right = self.expr(&binary.right);
                return self.both(Err(refusal), right);
            }
        };
        let left_shape = self.whole_shape(&left);
        let left_ambiguous = std::mem::replace(&mut self.ambiguous, false);
        self.expected = if left_ambiguous {
            outer.clone()
        } else {
            left_shape.clone().or(outer.clone())
        };
        let mut right = self.expr(&binary.right)?;
        let right_shape = self.whole_shape(&right);
        if left_ambiguous && right_shape.is_some() && right_shape != left_shape && !self.ambiguous {
            // Read again, now that the other side has told the shape.
            self.roll_back(mark);
            self.expected = right_shape;
            left = self.expr(&binary.left)?;
            self.expected = self.whole_shape(&left);
            right = self.expr(&binary.right)?;
        }
        self.expected = outer;
        self.ambiguous = before || (left_ambiguous && self.ambiguous);
        Ok((left, right))
    }

    /// Both operands, or the mistakes in both.
    pub(super) fn both(
        &mut self,
        left: Lowered<Value>,
        right: Lowered<Value>,
    ) -> Lowered<(Value, Value)> {
        match (left, right) {
            (Ok(left), Ok(right)) => Ok((left, right)),
            (Err(first), Err(Refusal(Some(second)))) => {
                self.errors.add(second);
                Err(first)
            }
            (Err(refusal), _) | (_, Err(refusal)) => Err(refusal),
        }
    }

    /// An effect of the left operand comes before those of the right one.
    pub(super) fn evaluate_before(&mut self, left: &mut Value, before: usize) {
        let steps = self.steps.last().map_or(0, Vec::len);
        if let (Value::Inert(inert), true, 0) = (left, steps > before, self.closures) {
            self.evaluate(inert);
            // What has no effect is not evaluated by a statement.
            if let Some(placed) = self.steps.last_mut().filter(|s| s.len() > steps) {
                let mut own = placed.remove(placed.len() - 1);
                own.at = placed[before].at;
                placed.insert(before, own);
            }
        }
    }

    pub(crate) fn whole_shape(&self, value: &Value) -> Option<Shape> {
        match value {
            Value::Node(id) if self.graph.is_matrix(*id) => self.graph.shape(*id),
            _ => None,
        }
    }

    /// What an operand of unknown type is taken for: what the arithmetic leaves possible, else a number.
    pub(super) fn guess(&mut self, op: &BinOp, other: &Value, other_is_left: bool) -> Kind {
        let Some(shape) = self.whole_shape(other) else {
            return Kind::SCALAR;
        };
        match op {
            BinOp::Add(_) | BinOp::Sub(_) => Kind::matrix(shape),
            BinOp::Mul(_) => {
                let Some(expected) = self.expected.clone() else {
                    self.ambiguous = true;
                    return Kind::SCALAR;
                };
                if expected == shape {
                    Kind::SCALAR
                } else if other_is_left {
                    Kind::matrix(Shape::new(shape.cols, expected.cols))
                } else {
                    Kind::matrix(Shape::new(expected.rows, shape.rows))
                }
            }
            _ => Kind::SCALAR,
        }
    }

    pub(super) fn comparison(
        &mut self,
        comparison: Comparison,
        left: (&Expr, Value),
        right: (&Expr, Value),
        expr: &Expr,
    ) -> Lowered<Value> {
        let entries = matches!(left.1, Value::Entry(_)) || matches!(right.1, Value::Entry(_));
        let plain = |lower: &Self, v: &Value| {
            lower.is_scalar(v)
                || matches!(v, Value::Called(..) | Value::Untyped(_))
                || matches!(v, Value::Inert(i) if matches!(i.hint, Hint::Real | Hint::Unknown))
        };
        if !plain(self, &left.1) || !plain(self, &right.1) {
            // Comparing matrices, integers or conditions: Rust decides, as it stands.
            if !entries && self.observable(expr) {
                return Ok(self.inert_value(expr, Hint::Bool));
            }
            return refuse(
                expr,
                format!(
                    "cannot follow the condition `{}`\nhelp: compare real numbers",
                    text(expr)
                ),
            );
        }
        let a = self.node(&left.1, left.0, &Kind::SCALAR)?;
        let b = self.node(&right.1, right.0, &Kind::SCALAR)?;
        let id = self.exact(Op::Compare(comparison), vec![a, b], expr)?;
        Ok(Self::entrywise(&[&left.1, &right.1], id))
    }

    pub(super) fn logic(&mut self, binary: &syn::ExprBinary, expr: &Expr) -> Lowered<Value> {
        let begun = self.mark();
        let left = self.expr(&binary.left)?;
        let changed = super::assigned::assigned(binary.right.to_token_stream());
        if let Some(name) = changed.iter().find(|name| self.scope.get(name).is_some())
            && !self.is_inert(expr)
        {
            return refuse(
                &binary.right,
                format!(
                    "`{name}` is changed here only if the left side does not decide, which cannot be followed\nhelp: use an `if` inside another"
                ),
            );
        }
        self.read_options(&binary.right)?;
        // The right side is evaluated only if the left one does not decide: what could be noticed of that is
        // found under a guard.
        let mark = self.mark();
        let undecided = match &left {
            Value::Node(id) | Value::Entry(id) => *id,
            _ => self.graph.leaf(Leaf {
                name: quote!(undecided),
                kind: Kind::BOOL,
                form: Form::Owned,
                varies: true,
            }),
        };
        let guard = Guard {
            cond: undecided,
            side: matches!(binary.op, BinOp::And(_)),
        };
        self.graph.guards.borrow_mut().push(guard);
        let right = self.expr(&binary.right);
        self.graph.guards.borrow_mut().pop();
        let noticed = self.steps.last().map_or(0, Vec::len) > mark.0
            || matches!(&right, Ok(Value::Inert(inert)) if !inert.pure);
        self.roll_back(mark);
        if let (Value::Inert(_), Ok(Value::Inert(_))) = (&left, &right) {
            return Ok(self.inert_value(expr, Hint::Bool));
        }
        if noticed {
            let right = right?;
            if let (Value::Node(left), Value::Inert(inert)) = (&left, &right)
                && !self.observable(expr)
                && self.is_pure(&inert.tokens)
                && only_compares(&inert.tokens)
            {
                // What only reads variables may be read before.
                let right = self.pin(inert, Kind::BOOL)?;
                return self.step(logic_of(binary), vec![*left, right], expr);
            }
            if self.observable(expr) {
                return Ok(self.inert_value(expr, Hint::Bool));
            }
            // It is evaluated on the side of a branch.
            self.roll_back(begun);
            let stays_rust = matches!(right, Value::Inert(_));
            let (left, right) = (&binary.left, &binary.right);
            let right = match stays_rust {
                true => {
                    let name = self.fresh("holds");
                    quote!(let #name: bool = #right; #name)
                }
                false => right.to_token_stream(),
            };
            let branch = match binary.op {
                BinOp::And(_) => syn::parse_quote!(if #left { #right } else { false }),
                _ => syn::parse_quote!(if #left { true } else { #right }),
            };
            return self.expr(&branch);
        }
        let mut right = self.expr(&binary.right)?;
        if self.steps.last().map_or(0, Vec::len) > mark.0 {
            // What the left side tells is needed: that there is a value in an `Option`.
            self.roll_back(mark);
            self.graph.guards.borrow_mut().push(guard);
            let known = self.expr(&binary.right);
            self.graph.guards.borrow_mut().pop();
            right = known?;
        }
        let a = self.node(&left, &binary.left, &Kind::BOOL)?;
        let b = self.node(&right, &binary.right, &Kind::BOOL)?;
        let id = self.exact(logic_of(binary), vec![a, b], expr)?;
        Ok(Self::entrywise(&[&left, &right], id))
    }

    /// Whether a branch that looks at differentiated values gives an integer, as `if all { x.len() } else { 1 }`.
    fn gives_integer(&self, branch: &syn::ExprIf, expr: &Expr) -> bool {
        branch.else_branch.is_some()
            && !self.is_inert(expr)
            && self.observable(expr)
            && self.is_integer(expr)
    }

    /// Whether an expression is an integer for certain, as far as names and types tell.
    fn is_integer(&self, expr: &Expr) -> bool {
        let known = match self.declared(expr) {
            Declared::Type(ty) => hint_of_plain_type(&ty) == Hint::Int,
            _ => false,
        };
        known
            || match expr {
                Expr::Lit(literal) => matches!(literal.lit, syn::Lit::Int(_)),
                Expr::Path(path) => {
                    let bound = self.scope.named(path).map(|bound| &bound.value);
                    matches!(bound, Some(Value::Inert(inert)) if inert.hint == Hint::Int)
                }
                Expr::Paren(inner) => self.is_integer(&inner.expr),
                Expr::Cast(cast) => hint_of_plain_type(&cast.ty) == Hint::Int,
                Expr::Binary(binary) => {
                    let arithmetic = matches!(
                        binary.op,
                        BinOp::Add(_)
                            | BinOp::Sub(_)
                            | BinOp::Mul(_)
                            | BinOp::Div(_)
                            | BinOp::Rem(_)
                    );
                    arithmetic && self.is_integer(&binary.left) && self.is_integer(&binary.right)
                }
                Expr::MethodCall(call) => match call.method.to_string().as_str() {
                    "len" | "nrows" | "ncols" => call.args.is_empty(),
                    "min" | "max" | "saturating_sub" | "abs_diff" | "div_ceil" => {
                        self.is_integer(&call.receiver)
                    }
                    _ => false,
                },
                Expr::If(branch) => {
                    matches!(&branch.then_branch.stmts[..], [syn::Stmt::Expr(then, None)] if self.is_integer(then))
                }
                Expr::Block(block) => {
                    matches!(&block.block.stmts[..], [syn::Stmt::Expr(last, None)] if self.is_integer(last))
                }
                _ => false,
            }
    }

    /// Whether an expression may be kept as it stands although it reads active values: it is built of known
    /// operations, so that nothing of them can leak, and its own type has no derivative.
    pub(super) fn observable(&self, expr: &Expr) -> bool {
        self.closures == 0 && self.only_observes(expr)
    }

    pub(super) fn cast(&mut self, cast: &syn::ExprCast, expr: &Expr) -> Lowered<Value> {
        let value = self.expr(&cast.expr)?;
        let real = self.context.real(&cast.ty);
        match (&value, real) {
            (Value::Inert(inert), real) => {
                let hint = match real {
                    Some(real) if real == self.real => Hint::Real,
                    Some(_) => Hint::Unknown,
                    None => hint_of_plain_type(&cast.ty),
                };
                let (tokens, ty) = (&inert.tokens, &cast.ty);
                Ok(Value::Inert(Inert {
                    tokens: quote!(#tokens as #ty),
                    hint,
                    leaf: None,
                    ..inert.clone()
                }))
            }
            (Value::Untyped(place), _) => refuse(expr, fields::cast(place, &cast.ty)),
            (Value::Node(_) | Value::Entry(_), Some(real)) if real == self.real => Ok(value),
            (Value::Node(_) | Value::Entry(_), Some(_)) => refuse(
                expr,
                format!(
                    "casting a differentiated value between `f32` and `f64` is not supported\nhelp: compute in `{}` throughout",
                    self.real.to_token_stream()
                ),
            ),
            (Value::Node(id), None) if matches!(self.graph.op(*id), Op::Const(_)) => {
                Ok(self.inert_value(expr, hint_of_plain_type(&cast.ty)))
            }
            // An integer has no derivative: the value gets a name, and the cast is inert.
            (Value::Node(id), None)
                if hint_of_plain_type(&cast.ty) == Hint::Int && self.closures == 0 =>
            {
                let name = self.name_of(*id);
                let ty = &cast.ty;
                Ok(Value::Inert(Inert {
                    tokens: quote!(#name as #ty),
                    hint: Hint::Int,
                    reads: vec![*id],
                    varies: self.graph.varies(*id),
                    pure: true,
                    mutable: false,
                    leaf: None,
                }))
            }
            (Value::Entry(_), None) => refuse(
                expr,
                "a cast to an integer inside the closure of an elementwise method is not supported yet\nhelp: use `floor`, `round` or `trunc`",
            ),
            (Value::Position(_), Some(real)) if real == self.real => {
                self.numbered(&value, &cast.expr)
            }
            (Value::Position(_), _) => refuse(
                expr,
                format!(
                    "cannot follow this cast of an index\nhelp: write `{} as {}`",
                    text(&cast.expr),
                    self.real.to_token_stream()
                ),
            ),
            (Value::Poison, _) => Err(Refusal(None)),
            _ => refuse(
                expr,
                format!(
                    "cannot differentiate `{}`: the macro does not know whether `{}` is a real number or an integer\nhelp: write the type itself, as in `as {}`",
                    text(expr),
                    text(&cast.ty),
                    self.real.to_token_stream()
                ),
            ),
        }
    }

    /// The name of a value in the companion.
    pub fn name_of(&mut self, id: Id) -> TokenStream {
        let named = self.graph.names.borrow().get(&id).cloned();
        match (self.graph.leaf_of(id), named) {
            (Some(leaf), _) if leaf.form == Form::Borrowed && !leaf.kind.is_matrix() => {
                let name = leaf.name;
                quote!((*#name))
            }
            (Some(leaf), _) => leaf.name,
            (None, Some(name)) => name.to_token_stream(),
            (None, None) => {
                let matrix = self.graph.is_matrix(id);
                let name = self.fresh(if matrix { "whole" } else { "real" });
                self.graph.names.borrow_mut().insert(id, name.clone());
                self.graph.mentioned.borrow_mut().insert(id);
                name.to_token_stream()
            }
        }
    }

    /// A statement that panics where the function does.
    pub fn check(&mut self, tokens: TokenStream, reads: Vec<Id>) {
        self.place(Step::Verbatim {
            tokens,
            reads,
            binds: Vec::new(),
        });
    }

    pub(super) fn index(&mut self, index: &syn::ExprIndex, expr: &Expr) -> Lowered<Value> {
        if let Some(entry) = self.entry_so_far(index)? {
            return Ok(entry);
        }
        if let Some(lists) = self.lists_of(&index.expr) {
            return self.item_of_lists(&lists, &index.index);
        }
        let value = self.expr(&index.expr)?;
        self.index_of(value, index, expr)
    }

    /// An index of a value that has been read.
    fn index_of(&mut self, value: Value, index: &syn::ExprIndex, expr: &Expr) -> Lowered<Value> {
        if let (Value::Slice(id), Expr::Range(range)) = (&value, &*index.index) {
            return self
                .range_of_list(*id, None, &index.expr, range)
                .map(Value::Slice);
        }
        if let (Value::Columns(id, columns), Expr::Range(range)) = (&value, &*index.index) {
            return self
                .range_of_list(*id, Some(*columns), &index.expr, range)
                .map(|id| Value::Columns(id, *columns));
        }
        // `x.as_slice()[i]` is the same entry as `x[i]`.
        let value = match value {
            Value::Slice(id) if matches!(*index.index, Expr::Tuple(_)) => Value::Slice(id),
            Value::Slice(id) => Value::Node(id),
            // The entries of a point are its coordinates.
            Value::Geometric(geometric) if geometric.coordinates.len() == 1 => {
                Value::Node(geometric.coordinates[0])
            }
            value => value,
        };
        match &value {
            Value::Elements(list) => self.element(*list, index, expr),
            Value::Columns(of, columns) => self.element_of_columns(*of, *columns, index, expr),
            Value::Untyped(place) => self.element_of_field(place, index),
            Value::Inert(inert) => {
                if self.places.is_some() && !self.is_inert(&index.index) {
                    return refuse(
                        &index.expr,
                        format!(
                            "`{0}` is not known to be a vector or a matrix of nalgebra's here\nhelp: bind it with its type before, as in `let {1}: DVector<{2}> = …;`",
                            text(&index.expr),
                            text(&index.expr).rsplit('.').next().unwrap_or("w"),
                            self.real.to_token_stream()
                        ),
                    );
                }
                if !self.is_inert(&index.index) {
                    return refuse(&index.index, "a differentiated value cannot be an index");
                }
                let inert = Inert {
                    reads: self.reads(&expr.to_token_stream()),
                    ..inert.clone()
                };
                Ok(Value::Inert(Inert {
                    tokens: self.kept(expr),
                    hint: match &*index.index {
                        Expr::Range(_) => Hint::Unknown,
                        _ => self.hint_of_inert(expr),
                    },
                    pure: false,
                    leaf: None,
                    ..inert
                }))
            }
            Value::Node(id) if self.graph.is_matrix(*id) => {
                if self.places.is_some()
                    && let Some(value) = self.gathered(*id, &index.index, expr)?
                {
                    return Ok(value);
                }
                let (part, at) = match &*index.index {
                    Expr::Tuple(pair) if pair.elems.len() == 2 => (
                        Part::EntryAt,
                        vec![self.integer(&pair.elems[0])?, self.integer(&pair.elems[1])?],
                    ),
                    Expr::Range(_) => {
                        return refuse(
                            &index.index,
                            "a range is not supported as an index\nhelp: use `rows(start, count)` or `fixed_rows::<N>(start)`",
                        );
                    }
                    one => (Part::Entry, vec![self.integer(one)?]),
                };
                let args = std::iter::once(*id).chain(at).collect();
                Ok(Value::Node(self.exact_of(
                    Op::Part(part),
                    args,
                    Kind::SCALAR,
                    expr,
                )?))
            }
            Value::List(entries) => {
                if let Expr::Lit(_) = &*index.index {
                    let at = self.integer(&index.index)?;
                    let at = self.graph.integer_value(at);
                    if let Some(entry) = at.and_then(|i| entries.get(i)) {
                        return Ok(entry.clone());
                    }
                }
                if let Some(records) = apart(entries) {
                    return self.item_of_records(records, &index.index);
                }
                if let Some(columns) = self.listed_columns(entries, expr)? {
                    return self.index_of(columns, index, expr);
                }
                let numbers = self.numbers_in(entries.clone(), expr);
                let Ok(numbers) = numbers else {
                    return refuse(
                        expr,
                        "a list of vectors or matrices can only be indexed by a literal\nhelp: keep them as the columns of one matrix, and take `column(i)`",
                    );
                };
                let whole = self.column_of(&numbers, expr)?;
                self.index_of(Value::Slice(whole), index, expr)
            }
            Value::Records(parts, made) => {
                self.item_of_records((parts.clone(), *made), &index.index)
            }
            Value::Poison => Err(Refusal(None)),
            Value::Called(..) => refuse(
                expr,
                format!(
                    "nothing tells what the call returns whose entry `{0}` is\nhelp: bind it with its type before, as in `let list: [f64; 3] = …;`",
                    text(expr)
                ),
            ),
            _ => refuse(
                expr,
                format!(
                    "cannot index `{0}`: what its elements are is not known\nhelp: use a vector, a matrix, or a list of numbers, of vectors or of rows, as in `vec![0.0; n]` and `vec![vec![0.0; m]; n]`",
                    text(&index.expr)
                ),
            ),
        }
    }

    /// An index inside `from_fn`.
    fn position(&mut self, value: &Value, at: &Expr) -> Lowered<Position<Id>> {
        match value {
            Value::Position(position) => Ok(position.clone()),
            Value::Inert(inert) if matches!(inert.hint, Hint::Int | Hint::Unknown) => {
                let inert = Inert {
                    hint: Hint::Int,
                    ..inert.clone()
                };
                Ok(Position::Given(self.pin(&inert, Kind::INT)?))
            }
            Value::Poison => Err(Refusal(None)),
            _ => refuse(
                at,
                format!(
                    "cannot follow the index `{}`\nhelp: compute it from the parameters of the closure and other integers with `+`, `-`, `*`, `/` and `%`",
                    text(at)
                ),
            ),
        }
    }

    fn position_arithmetic(
        &mut self,
        op: &BinOp,
        left: (&Value, &Expr),
        right: (&Value, &Expr),
        expr: &Expr,
    ) -> Lowered<Value> {
        let operator = match op {
            BinOp::Add(_) => Arithmetic::Add,
            BinOp::Sub(_) => Arithmetic::Sub,
            BinOp::Mul(_) => Arithmetic::Mul,
            BinOp::Div(_) => Arithmetic::Div,
            BinOp::Rem(_) => Arithmetic::Rem,
            _ => {
                return refuse(
                    expr,
                    format!(
                        "cannot follow `{}` on an index\nhelp: use `+`, `-`, `*`, `/` and `%`",
                        op.to_token_stream()
                    ),
                );
            }
        };
        for (value, at) in [left, right] {
            if let Value::Node(_) | Value::Entry(_) = value {
                let index = if std::ptr::eq(at, left.1) {
                    right.1
                } else {
                    left.1
                };
                return refuse(
                    expr,
                    format!(
                        "`{0}` is an integer where a real number is needed\nhelp: write `{0} as {1}`",
                        text(index),
                        self.real.to_token_stream()
                    ),
                );
            }
        }
        let (a, b) = (
            self.position(left.0, left.1)?,
            self.position(right.0, right.1)?,
        );
        Ok(Value::Position(Position::of(operator, a, b)))
    }

    /// An index as a real number, for each entry.
    fn numbered(&mut self, value: &Value, at: &Expr) -> Lowered<Value> {
        let Some(shape) = self.places.clone() else {
            return Ok(value.clone());
        };
        let position = self.position(value, at)?;
        let mut given = Vec::new();
        let position = position.map(&mut |id| {
            given.push(*id);
            given.len() - 1
        });
        let id = self.for_each(Op::Place(position), given, shape, at)?;
        Ok(Value::Entry(id))
    }

    /// `x[i]` inside `from_fn`, where the index depends on the place of the entry.
    fn gathered(&mut self, whole: Id, index: &Expr, expr: &Expr) -> Lowered<Option<Value>> {
        let indices: Vec<&Expr> = match index {
            Expr::Tuple(pair) if pair.elems.len() == 2 => pair.elems.iter().collect(),
            Expr::Range(_) | Expr::Tuple(_) => return Ok(None),
            one => vec![one],
        };
        let (Some(shape), Some(taken)) = (self.graph.shape(whole), self.places.clone()) else {
            return Ok(None);
        };
        let mut positions = Vec::new();
        for at in &indices {
            let value = self.expr(at)?;
            positions.push(self.position(&value, at)?);
        }
        if positions.iter().all(Position::is_fixed) {
            return Ok(None);
        }
        // The entry at the same place is one of an elementwise method.
        let same = match &positions[..] {
            [Position::Row, Position::Column] => true,
            [Position::Row] => shape.is_column(),
            [Position::Column] => shape.rows == Dim::Static(1),
            _ => false,
        };
        if same && shape == taken {
            return Ok(Some(Value::Entry(whole)));
        }
        let mut args = vec![whole];
        let positions: Vec<Position<usize>> = positions
            .iter()
            .map(|position| {
                position.map(&mut |id| {
                    args.push(*id);
                    args.len() - 2
                })
            })
            .collect();
        let part = Op::Part(Part::Gathered(taken.clone(), positions));
        if self.is_chosen() && !self.graph.in_bounds(&part, &args) {
            return refuse(
                expr,
                format!(
                    "`{0}` may panic, and here it is evaluated for some entries only\nhelp: bind it with `let` before the `if`, for an index that is within bounds everywhere",
                    text(expr)
                ),
            );
        }
        let id = self.for_each(part, args, taken, expr)?;
        Ok(Some(Value::Entry(id)))
    }

    /// Whether the expression is evaluated for some entries only.
    fn is_chosen(&self) -> bool {
        let guards = self.graph.guards.borrow();
        guards.iter().any(|g| self.graph.shape(g.cond).is_some())
    }

    /// A value for each entry, that may panic even where nobody reads it.
    fn for_each(&mut self, op: Op, args: Vec<Id>, shape: Shape, at: &Expr) -> Lowered<Id> {
        let panics = op.may_panic() && !self.graph.in_bounds(&op, &args) && !self.is_chosen();
        let before = self.graph.count();
        let id = self.exact_of(op, args, Kind::matrix(shape), at)?;
        if panics && id.0 >= before {
            self.place(Step::Evaluate(id));
        }
        Ok(id)
    }

    pub(super) fn field(&mut self, field: &syn::ExprField, expr: &Expr) -> Lowered<Value> {
        let value = self.expr(&field.base)?;
        let name = field.member.to_token_stream().to_string();
        match &value {
            Value::Inert(inert) => {
                let (tokens, member) = (&inert.tokens, &field.member);
                Ok(Value::Inert(Inert {
                    tokens: quote!(#tokens.#member),
                    hint: match Self::hint_of_field(&inert.hint, &name) {
                        Hint::Unknown => self.hint_of_inert(expr),
                        known => known,
                    },
                    leaf: None,
                    ..inert.clone()
                }))
            }
            Value::Geometric(geometric) => {
                let geometric = geometric.clone();
                self.geometric_field(&geometric, &name, expr)
            }
            Value::Called(..) => refuse(
                expr,
                format!(
                    "the type of what this call returns is not known, so `.{name}` is not\nhelp: bind it with its type, as in `let v: Vector3<f64> = …;`, or take a tuple apart with `let (a, b) = …;`"
                ),
            ),
            Value::Untyped(place) => Ok(self.field_of(place, &field.member)),
            Value::Record(fields) => match fields.iter().find(|(own, _)| *own == name) {
                Some((_, value)) => Ok(value.clone()),
                None => refuse(expr, format!("this struct has no field `{name}`")),
            },
            Value::Tuple(values) => match name.parse::<usize>().ok().and_then(|i| values.get(i)) {
                Some(value) => Ok(value.clone()),
                None => refuse(expr, format!("this tuple has no field `{name}`")),
            },
            Value::Node(id) if self.graph.is_matrix(*id) => {
                let shape = self.graph.shape(*id).unwrap_or(Shape::fixed(1, 1));
                let position = coordinate(&name, &shape);
                match position {
                    Some(position) => {
                        let at = self.graph.integer(position).id;
                        Ok(Value::Node(self.exact_of(
                            Op::Part(Part::Entry),
                            vec![*id, at],
                            Kind::SCALAR,
                            expr,
                        )?))
                    }
                    None => refuse(
                        &field.member,
                        format!(
                            "cannot differentiate the field `{name}`: it is not a coordinate of this matrix\nhelp: use `x[i]` or `m[(i, j)]`"
                        ),
                    ),
                }
            }
            Value::Poison => Err(Refusal(None)),
            _ => refuse(
                &field.member,
                format!(
                    "cannot differentiate the field `{name}`: the type of `{}` is not known\nhelp: bind the field with its type first, as in `let {name}: f64 = …;`",
                    text(&field.base)
                ),
            ),
        }
    }
}

/// The position of a coordinate such as `y` or `m21`.
fn coordinate(name: &str, shape: &Shape) -> Option<usize> {
    if shape.is_vector() {
        let length = shape.entries()?;
        return ["x", "y", "z", "w", "a", "b"]
            .iter()
            .position(|n| *n == name)
            .filter(|i| *i < length);
    }
    let (crate::graph::Dim::Static(rows), crate::graph::Dim::Static(cols)) =
        (&shape.rows, &shape.cols)
    else {
        return None;
    };
    let digits = name.strip_prefix('m')?;
    let (i, j) = (
        digits.get(..1)?.parse::<usize>().ok()?,
        digits.get(1..)?.parse::<usize>().ok()?,
    );
    (i >= 1 && i <= *rows && j >= 1 && j <= *cols && *rows <= 6 && *cols <= 6)
        .then(|| (j - 1) * rows + i - 1)
}

/// Whether nothing in the tokens can panic: there is no arithmetic.
fn only_compares(tokens: &TokenStream) -> bool {
    let mut trees = tokens.clone().into_iter();
    trees.all(|tree| match tree {
        TokenTree::Punct(p) => !matches!(p.as_char(), '+' | '-' | '*' | '/' | '%'),
        TokenTree::Group(group) => only_compares(&group.stream()),
        TokenTree::Ident(_) | TokenTree::Literal(_) => true,
    })
}

/// `&&` or `||`
fn logic_of(binary: &syn::ExprBinary) -> Op {
    match binary.op {
        BinOp::And(_) => Op::And,
        _ => Op::Or,
    }
}
