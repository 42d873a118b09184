//! The surface of nalgebra: which method, function, constructor or macro is which operation.

use crate::error::text;
use crate::graph::{Dim, Elem, Id, Kind, Shape, Step};
use crate::lower::{Lower, Lowered, Refusal, is_composed, refuse};
use crate::position::{Arithmetic, Position};
use crate::rules::{Extreme, Op, Panic, Part, Scalar, part_shape};
use crate::scope::{Binding, Hint, Pending, Value};
use crate::ty::{Extent, Real};
use quote::{ToTokens, quote};
use syn::{Expr, GenericArgument, PathArguments, PathSegment};

/// Methods of a matrix without arguments that give a number or another matrix.
fn unary_method(name: &str) -> Option<Op> {
    Some(match name {
        "transpose" | "adjoint" => Op::Transpose,
        "norm" | "magnitude" => Op::Norm,
        "norm_squared" | "magnitude_squared" => Op::NormSquared,
        "normalize" => Op::Normalize,
        "sum" => Op::Sum,
        "mean" => Op::Mean,
        "variance" => Op::Variance,
        "trace" => Op::Trace,
        "row_sum" => Op::RowSum,
        "column_sum" => Op::ColumnSum,
        "row_mean" => Op::RowMean,
        "column_mean" => Op::ColumnMean,
        "diagonal" => Op::Diagonal,
        "determinant" => Op::Determinant,
        "max" => Op::Extreme(Extreme::Max),
        "min" => Op::Extreme(Extreme::Min),
        "amax" => Op::Extreme(Extreme::AbsMax),
        "amin" => Op::Extreme(Extreme::AbsMin),
        "abs" => Op::Scalar(Scalar::Abs),
        "lu" => Op::Lu,
        "cross_matrix" => Op::CrossMatrix,
        "upper_triangle" => Op::UpperTriangle,
        "lower_triangle" => Op::LowerTriangle,
        _ => return None,
    })
}

/// Methods of a matrix whose argument is another matrix.
fn binary_method(name: &str) -> Option<Op> {
    Some(match name {
        "dot" | "dotc" => Op::Dot,
        "tr_dot" => Op::TrDot,
        "tr_mul" | "ad_mul" => Op::TrMul,
        "metric_distance" => Op::Distance,
        "angle" => Op::Angle,
        "cross" => Op::Cross,
        "component_mul" => Op::Scalar(Scalar::Mul),
        "component_div" => Op::Scalar(Scalar::Div),
        _ => return None,
    })
}

/// Methods of a matrix whose argument is a number.
fn scalar_argument_method(name: &str) -> Option<Op> {
    Some(match name {
        "add_scalar" => Op::Scalar(Scalar::Add),
        "scale" => Op::Scalar(Scalar::Mul),
        "unscale" => Op::Scalar(Scalar::Div),
        _ => return None,
    })
}

/// Methods that take a part of a matrix, and how many integers they want.
fn part_method(name: &str) -> Option<(Part, usize)> {
    let unknown = || Dim::Static(0);
    Some(match name {
        "row" => (Part::Row, 1),
        "column" => (Part::Column, 1),
        "rows" => (Part::Rows, 2),
        "columns" => (Part::Columns, 2),
        "fixed_rows" => (Part::FixedRows(unknown()), 1),
        "fixed_columns" => (Part::FixedColumns(unknown()), 1),
        "view" => (Part::View, 4),
        "fixed_view" => (Part::FixedView(unknown(), unknown()), 2),
        _ => return None,
    })
}

/// Whether what a method of a matrix gives borrows the matrix.
pub fn gives_view(name: &str) -> bool {
    name == "as_view" || part_method(name).is_some()
}

/// Methods that change nothing about a value.
fn is_identity_method(name: &str) -> bool {
    matches!(
        name,
        "clone"
            | "clone_owned"
            | "into_owned"
            | "to_owned"
            | "as_ref"
            | "as_view"
            | "real"
            | "conjugate"
    )
}

fn is_integer(name: &str) -> bool {
    matches!(
        name,
        "usize"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "isize"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
    )
}

/// Methods whose result is an integer, a condition or a size: no derivative, kept as they stand.
fn question(name: &str) -> Option<Hint> {
    Some(match name {
        "len" | "nrows" | "ncols" | "imax" | "imin" | "icamax" | "iamax" | "iamin" => Hint::Int,
        "is_empty"
        | "is_square"
        | "is_nan"
        | "is_finite"
        | "is_infinite"
        | "is_normal"
        | "is_subnormal"
        | "is_sign_positive"
        | "is_sign_negative"
        | "is_identity"
        | "is_orthogonal"
        | "is_special_orthogonal"
        | "is_invertible" => Hint::Bool,
        "shape" | "iamax_full" | "icamax_full" | "classify" | "total_cmp" | "partial_cmp"
        | "to_bits" => Hint::Unknown,
        _ => return None,
    })
}

/// Whether an expression tells how two numbers are ordered: `a.partial_cmp(&b).unwrap()`.
fn is_order(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_order(&inner.expr),
        Expr::MethodCall(call) => match call.method.to_string().as_str() {
            "partial_cmp" | "total_cmp" => true,
            "unwrap" | "expect" | "unwrap_or" | "reverse" => is_order(&call.receiver),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a method is one of nalgebra's or of numbers that keeps nothing of what it is given.
pub fn is_known_method(name: &str) -> bool {
    unary_method(name).is_some()
        || binary_method(name).is_some()
        || scalar_argument_method(name).is_some()
        || part_method(name).is_some()
        || is_identity_method(name)
        || question(name).is_some()
        || scalar_alias(name).is_some()
        // A `Vec` keeps what is pushed.
        || is_composed(name) && name != "push"
        || matches!(
            name,
            "powi"
                | "sin_cos"
                | "map"
                | "zip_map"
                | "iter"
                | "all"
                | "any"
                | "abs_diff_eq"
                | "relative_eq"
                | "unwrap"
                | "expect"
                | "try_inverse"
                | "is_some"
                | "is_none"
                | "as_slice"
        )
}

/// A scalar function by its method name, or by the name that `ComplexField` has for it.
fn scalar_alias(name: &str) -> Option<Scalar> {
    match name {
        "modulus" | "norm1" => Some(Scalar::Abs),
        "scale" => Some(Scalar::Mul),
        "unscale" => Some(Scalar::Div),
        "add" | "sub" | "mul" | "div" | "neg" | "rem" | "sign" | "recip_or_zero" => None,
        _ => Scalar::from_surface(name),
    }
}

impl Lower<'_> {
    pub fn method(&mut self, call: &syn::ExprMethodCall, expr: &Expr) -> Lowered<Value> {
        if !self.is_inert_expr(expr) {
            if let Some(value) = self.looked_at(call, expr)? {
                return Ok(value);
            }
            if let Some(value) = self.iterated(call, expr)? {
                return Ok(value);
            }
        }
        if let Some(number) = self.number_of_type(call)? {
            return Ok(number);
        }
        if let Some(end) = self.end_of_list(call)? {
            return Ok(end);
        }
        if let Some((list, end)) = self.so_far(&call.receiver)
            && self.closures == 0
        {
            let name = call.method.to_string();
            match name.as_str() {
                "len" => return self.expr(&syn::parse_quote!((#end))),
                "first" | "last" | "get" => {
                    let (list, args) = (self.expr(list)?, call.args.iter().collect::<Vec<_>>());
                    return self.entry_if_there(&list, &call.receiver, &name, &args, expr);
                }
                _ => {}
            }
        }
        if !self.is_inert_expr(expr)
            && let Some(value) = self.in_place(call, expr)?
        {
            return Ok(value);
        }
        // The diagonal of `l_dirty` is that of `l`.
        if let (true, Expr::MethodCall(inner)) = (call.method == "diagonal", &*call.receiver)
            && inner.method == "l_dirty"
            && !self.is_inert_expr(expr)
        {
            let mut clean = inner.clone();
            clean.method = syn::Ident::new("l", inner.method.span());
            let mut call = call.clone();
            *call.receiver = Expr::MethodCall(clean);
            return self.method(&call, expr);
        }
        let args: Vec<&Expr> = call.args.iter().collect();
        let of_option = crate::lower::gives(&call.method.to_string(), &args).is_some();
        let mapped = match of_option {
            true => self.mapped_option(&call.receiver)?,
            false => None,
        };
        let receiver = match mapped {
            Some(option) => option,
            None => self.expr(&call.receiver)?,
        };
        self.apply_method(
            &call.method,
            call.turbofish.as_ref(),
            (receiver, &call.receiver),
            &args,
            expr,
        )
    }

    pub(crate) fn apply_method(
        &mut self,
        method: &syn::Ident,
        turbofish: Option<&syn::AngleBracketedGenericArguments>,
        receiver: (Value, &Expr),
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let name = method.to_string();
        let (value, at) = receiver;
        match &value {
            Value::Poison => Err(Refusal(None)),
            Value::Pending(pending) => {
                let pending = *pending;
                self.unwrap((&value, pending), &name, method, args, expr)
            }
            Value::Wrapped(inner) => self.method_of_some(inner, method, args, expr),
            Value::Geometric(geometric) => {
                if let (Some(hint), true) = (question(&name), self.only_observes(expr)) {
                    return Ok(Value::Inert(self.inert_expression(expr, hint)));
                }
                self.geometric_method(geometric, method, args, expr)
            }
            Value::Inert(inert) if matches!(inert.hint, Hint::Geometric { .. }) => {
                if self.is_inert_expr(expr) {
                    let hint = Lower::hint_of_method(&inert.hint, &name);
                    return Ok(Value::Inert(self.inert_expression(expr, hint)));
                }
                match self.geometric(&value)? {
                    Some(geometric) => self.geometric_method(&geometric, method, args, expr),
                    None => Err(Refusal(None)),
                }
            }
            Value::PendingOr(..) | Value::Maybe(_) => {
                self.method_of_maybe(&value, method, args, expr)
            }
            Value::Node(id) if self.graph.kind(*id).elem == Elem::Factor => {
                self.factor_method(*id, &name, method, args, expr)
            }
            Value::Node(id) if self.graph.is_matrix(*id) => {
                self.matrix_method(*id, &name, method, turbofish, args, expr)
            }
            Value::Node(id) | Value::Entry(id) if self.graph.kind(*id).elem == Elem::Real => {
                self.scalar_method(&value, *id, &name, method, args, expr)
            }
            // `c.then(|| a)` is `if c { Some(a) } else { None }`.
            Value::Node(_) | Value::Inert(_)
                if matches!(name.as_str(), "then" | "then_some")
                    && args.len() == 1
                    && match &value {
                        Value::Node(id) => self.graph.kind(*id).elem == Elem::Bool,
                        _ => !self.is_inert_expr(args[0]),
                    } =>
            {
                let inside = match (name.as_str(), args[0]) {
                    ("then", Expr::Closure(closure)) if closure.inputs.is_empty() => &closure.body,
                    ("then_some", value) => value,
                    _ => {
                        return refuse(
                            args[0],
                            "cannot see what this gives\nhelp: write `if … { Some(…) } else { None }`",
                        );
                    }
                };
                // The condition is evaluated already.
                let cond = self.fresh("there");
                let varies = match &value {
                    Value::Inert(inert) => inert.varies,
                    _ => true,
                };
                let active = !matches!(value, Value::Inert(_));
                self.scope.push();
                self.scope.bind(Binding {
                    active,
                    ..Binding::inert(cond.clone(), value.clone(), varies)
                });
                let given = self.expr(&syn::parse_quote!(if #cond { Some(#inside) } else { None }));
                self.scope.pop();
                given
            }
            Value::Inert(inert) => {
                if let Some(hint) = question(&name)
                    && args.is_empty()
                {
                    let tokens = &inert.tokens;
                    let inert = crate::scope::Inert {
                        tokens: quote!(#tokens.#method()),
                        hint,
                        leaf: None,
                        pure: self.is_pure(&expr.to_token_stream()) && !inert.mutable,
                        ..inert.clone()
                    };
                    return Ok(Value::Inert(inert));
                }
                if inert.hint == Hint::Int {
                    let inert = inert.clone();
                    return self.integer_method(inert, method, args, expr);
                }
                if name == "transpose" && args.is_empty() && inert.hint == Hint::Unknown {
                    let unknown = || Dim::Dynamic(u32::MAX);
                    let hint = Hint::Matrix(Shape::new(unknown(), unknown()));
                    return Ok(Value::Inert(self.inert_expression(expr, hint)));
                }
                // A function of a number is pure, wherever it stands.
                let number = inert.hint == Hint::Real
                    || (self.closures > 0 && inert.pure && inert.hint == Hint::Unknown);
                if number && scalar_alias(&name).is_some_and(|f| f.arity() == args.len() + 1) {
                    let id = self.node(&value, at, &Kind::SCALAR)?;
                    return self.scalar_method(&Value::Node(id), id, &name, method, args, expr);
                }
                if let Hint::Matrix(shape) = &inert.hint
                    && (!inert.mutable || !self.is_inert_expr(expr))
                {
                    let id = self.node(&value, at, &Kind::matrix(shape.clone()))?;
                    return self.matrix_method(id, &name, method, turbofish, args, expr);
                }
                // With an active argument, the method tells what the receiver has to be.
                let matrix = binary_method(&name).is_some()
                    || part_method(&name).is_some()
                    || name == "zip_map";
                if !args.is_empty() && matrix && inert.hint == Hint::Unknown {
                    let shape = Shape::new(Dim::Dynamic(u32::MAX), Dim::Dynamic(u32::MAX));
                    let id = self.node(&value, at, &Kind::matrix(shape))?;
                    return self.matrix_method(id, &name, method, turbofish, args, expr);
                }
                if scalar_alias(&name).is_some_and(|f| f.arity() == args.len() + 1 && f.arity() > 1)
                    && matches!(inert.hint, Hint::Real | Hint::Unknown)
                {
                    let id = self.node(&value, at, &Kind::SCALAR)?;
                    return self.scalar_method(&Value::Node(id), id, &name, method, args, expr);
                }
                if self.is_poisoned(expr) {
                    return Err(Refusal(None));
                }
                if is_order(at) && args.iter().all(|arg| self.is_inert_expr(arg)) {
                    let arguments = args.iter().map(|arg| self.kept(arg));
                    let arguments: Vec<_> = arguments.collect();
                    let receiver = &inert.tokens;
                    return Ok(Value::Inert(crate::scope::Inert {
                        tokens: quote!(#receiver.#method(#(#arguments),*)),
                        hint: match name.starts_with("is_") {
                            true => Hint::Bool,
                            false => Hint::Unknown,
                        },
                        pure: inert.pure && !matches!(name.as_str(), "unwrap" | "expect"),
                        leaf: None,
                        ..inert.clone()
                    }));
                }
                if let Some(cases) = self.cases_of_option(at, &name, args) {
                    return self.expr(&cases);
                }
                if args.is_empty() || is_known_method(&name) {
                    return refuse(method, unknown(&name, "this value"));
                }
                self.call_of_method((at, None), method, turbofish, args, expr)
            }
            Value::Untyped(place)
                if args.is_empty()
                    && self.closures == 0
                    && matches!(question(&name), Some(Hint::Int | Hint::Bool)) =>
            {
                // A method of the user's own may be called so, and give anything.
                let hint = question(&name).unwrap_or(Hint::Unknown);
                let ty = if hint == Hint::Int {
                    quote!(usize)
                } else {
                    quote!(bool)
                };
                let tokens = &place.tokens;
                let inert = crate::scope::Inert {
                    tokens: quote!({ let answer: #ty = #tokens.#method(); answer }),
                    hint,
                    reads: Vec::new(),
                    varies: true,
                    pure: true,
                    mutable: false,
                    leaf: None,
                };
                Ok(Value::Inert(inert))
            }
            // A method of the user's own type.
            Value::Untyped(place) if !is_known_method(&name) => {
                let place = place.clone();
                self.call_of_method((at, Some(&place)), method, turbofish, args, expr)
            }
            Value::Untyped(place) if !place.path.is_empty() => {
                let method_of_numbers =
                    scalar_alias(&name).is_some() || matches!(name.as_str(), "powi" | "sin_cos");
                let guess = match (method_of_numbers, args) {
                    (true, _) => Some(Kind::SCALAR),
                    // A product of matrices of one shape.
                    (false, [other])
                        if matches!(
                            name.as_str(),
                            "dot" | "component_mul" | "component_div" | "cross" | "zip_map"
                        ) =>
                    {
                        let value = self.expr(other)?;
                        self.whole_shape(&value).map(Kind::matrix)
                    }
                    _ if name == "clone" && args.is_empty() => return Ok(value.clone()),
                    _ => None,
                };
                let Some(guess) = guess else {
                    return refuse(at, crate::lower::kind_of_field(place));
                };
                let id = self.node(&value, at, &guess)?;
                self.apply_method(method, turbofish, (Value::Node(id), at), args, expr)
            }
            // It has been looked at before whether there is a value.
            Value::Called(call, part) if part.is_empty() && self.is_looked_at(*call) => {
                self.method_of_call(*call, method, args, expr)
            }
            // The method tells what a call returns.
            Value::Called(call, part)
                if part.is_empty() && matches!(name.as_str(), "unwrap" | "expect") =>
            {
                let args = args
                    .iter()
                    .map(|arg| self.inert_expression(arg, Hint::Unknown).tokens);
                let args: Vec<_> = args.collect();
                self.after_call(*call, quote!(.#method(#(#args),*)), method)?;
                Ok(value.clone())
            }
            Value::Called(call, part)
                if part.is_empty()
                    && matches!(name.as_str(), "ok" | "ok_or" | "ok_or_else" | "map_err")
                    && args.iter().all(|arg| self.is_inert_expr(arg)) =>
            {
                let call = *call;
                let args = args.iter().map(|arg| self.kept(arg));
                let args: Vec<_> = args.collect();
                self.after_call(call, quote!(.#method(#(#args),*)), method)?;
                Ok(value.clone())
            }
            Value::Called(call, part)
                if part.is_empty()
                    && name == "unwrap_or_else"
                    && args.len() == 1
                    && self.panics(args[0]) =>
            {
                let (call, otherwise) = (*call, self.kept(args[0]));
                self.after_call(call, quote!(.#method(#otherwise)), method)?;
                Ok(value.clone())
            }
            // What only an `Option` or a `Result` has.
            Value::Called(call, part)
                if part.is_empty() && crate::lower::gives(&name, args).is_some() =>
            {
                self.method_of_call(*call, method, args, expr)
            }
            Value::Called(..) => {
                let unknown = Dim::Dynamic(u32::MAX);
                let scalar =
                    scalar_alias(&name).is_some() || matches!(name.as_str(), "powi" | "sin_cos");
                let guess = if scalar {
                    Kind::SCALAR
                } else {
                    Kind::matrix(Shape::new(unknown, Dim::Static(1)))
                };
                let id = self.node(&value, at, &guess)?;
                let receiver = (Value::Node(id), at);
                self.apply_method(method, turbofish, receiver, args, expr)
            }
            // What windows and chunks of a slice are: rustc knows no other `rows` of one.
            Value::Slice(id) if name == "rows" => {
                self.matrix_method(*id, &name, method, turbofish, args, expr)
            }
            Value::Columns(id, columns) if name == "len" && args.is_empty() => {
                let (id, columns) = (*id, *columns);
                self.length_of_columns(id, columns, expr)
            }
            Value::Slice(_) | Value::Elements(_) | Value::Columns(..)
                if !matches!(
                    name.as_str(),
                    "first"
                        | "last"
                        | "get"
                        | "split_first"
                        | "split_last"
                        | "split_at"
                        | "to_vec"
                        | "clone"
                        | "as_slice"
                ) =>
            {
                match question(&name) {
                    Some(hint) if self.only_observes(expr) && self.closures == 0 => {
                        Ok(Value::Inert(self.inert_expression(expr, hint)))
                    }
                    _ => refuse(method, unknown(&name, "a slice")),
                }
            }
            Value::Position(_) => refuse(
                method,
                format!(
                    "cannot follow `{name}` on an index\nhelp: use `+`, `-`, `*`, `/` and `%`, or write `as {}`",
                    self.real.to_token_stream()
                ),
            ),
            Value::Node(_) => refuse(method, unknown(&name, "a condition or an integer")),
            Value::Slice(_) | Value::List(_) | Value::Columns(..) | Value::Elements(_)
                if matches!(name.as_str(), "split_first" | "split_last" | "split_at") =>
            {
                self.split_list(at, &name, args, expr)
            }
            Value::Slice(_) | Value::List(_) | Value::Columns(..) | Value::Elements(_)
                if matches!(name.as_str(), "first" | "last" | "get") =>
            {
                let value = value.clone();
                self.entry_if_there(&value, at, &name, args, expr)
            }
            Value::List(entries) if name == "len" && args.is_empty() => {
                let count = entries.len();
                let count = proc_macro2::Literal::usize_unsuffixed(count);
                Ok(Value::Inert(
                    self.inert_expression(&syn::parse_quote!(#count), Hint::Int),
                ))
            }
            Value::List(_) | Value::Slice(_) | Value::Columns(..)
                if matches!(name.as_str(), "to_vec" | "clone" | "as_slice") =>
            {
                Ok(value.clone())
            }
            Value::List(entries) => {
                let list = self.column_of_list(entries.clone(), at)?;
                self.apply_method(method, turbofish, (Value::Slice(list), at), args, expr)
            }
            other => {
                if let Some(copied) = self.copied_list(expr)? {
                    return Ok(copied);
                }
                let other = other.clone();
                self.node(&other, at, &Kind::SCALAR)?;
                refuse(method, unknown(&name, "this value"))
            }
        }
    }

    /// A method of an integer that is read of a differentiated value, as in `x.len().min(3)`: no derivative.
    fn integer_method(
        &mut self,
        mut inert: crate::scope::Inert,
        method: &syn::Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let name = method.to_string();
        let mut written = Vec::new();
        for arg in args {
            let Value::Inert(own) = self.expr(arg)? else {
                return refuse(method, unknown(&name, "an integer"));
            };
            inert.pure &= own.pure;
            inert.mutable |= own.mutable;
            inert.varies |= own.varies;
            inert.reads.extend(own.reads);
            written.push(own.tokens);
        }
        let never_panics = matches!(name.as_str(), "min" | "max" | "abs_diff")
            || ["saturating_", "wrapping_", "checked_", "is_"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
        inert.pure &= never_panics && self.is_pure(&expr.to_token_stream());
        inert.hint = match name.as_str() {
            "min" | "max" | "clamp" | "pow" | "abs_diff" | "div_ceil" | "rem_euclid"
            | "div_euclid" | "isqrt" | "next_power_of_two" => Hint::Int,
            name if name.starts_with("saturating_") || name.starts_with("wrapping_") => Hint::Int,
            name if name.starts_with("is_") => Hint::Bool,
            _ => Hint::Unknown,
        };
        let receiver = inert.tokens;
        inert.tokens = quote!(#receiver.#method(#(#written),*));
        inert.leaf = None;
        Ok(Value::Inert(inert))
    }

    fn no_arguments(args: &[&Expr], at: &dyn ToTokens) -> Lowered<()> {
        if args.is_empty() {
            Ok(())
        } else {
            refuse(at.to_token_stream(), "too many arguments")
        }
    }

    fn argument<'e>(args: &[&'e Expr], i: usize, at: &dyn ToTokens) -> Lowered<&'e Expr> {
        match args.get(i) {
            Some(arg) => Ok(arg),
            None => refuse(at.to_token_stream(), "an argument is missing"),
        }
    }

    // ---- numbers ----

    fn scalar_method(
        &mut self,
        value: &Value,
        id: Id,
        name: &str,
        method: &syn::Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        if is_identity_method(name) && args.is_empty() {
            return Ok(value.clone());
        }
        if let Some(hint) = question(name) {
            if matches!(value, Value::Node(_)) && self.only_observes(expr) && self.closures == 0 {
                return Ok(Value::Inert(self.inert_expression(expr, hint)));
            }
            return refuse(
                method,
                format!(
                    "cannot use `{name}` inside the closure of an elementwise method yet\nhelp: use a comparison"
                ),
            );
        }
        match name {
            "powi" => {
                let exponent = Self::argument(args, 0, expr)?;
                return self.powi(value, id, exponent, expr);
            }
            "sin_cos" | "sinh_cosh" => {
                Self::no_arguments(args, expr)?;
                let pair = if name == "sin_cos" {
                    [Scalar::Sin, Scalar::Cos]
                } else {
                    [Scalar::Sinh, Scalar::Cosh]
                };
                let parts: Lowered<Vec<Value>> = pair
                    .iter()
                    .map(|f| {
                        self.exact(Op::Scalar(*f), vec![id], expr)
                            .map(|id| Lower::entrywise(&[value], id))
                    })
                    .collect();
                return parts.map(Value::Tuple);
            }
            "modulus_squared" => {
                let id = self.exact(Op::Scalar(Scalar::Mul), vec![id, id], expr)?;
                return Ok(Lower::entrywise(&[value], id));
            }
            _ => {}
        }
        let Some(function) = scalar_alias(name) else {
            return refuse(method, unknown(name, "a real number"));
        };
        if function.arity() != args.len() + 1 {
            return refuse(
                expr,
                format!("`{name}` takes {} argument(s)", function.arity() - 1),
            );
        }
        let mut values = vec![value.clone()];
        for arg in args {
            let value = self.expr(arg)?;
            values.push(value);
        }
        let mut ids = Vec::new();
        for (i, value) in values.iter().enumerate() {
            let at: &dyn ToTokens = if i == 0 { expr } else { args[i - 1] };
            let id = self.node(value, at, &Kind::SCALAR)?;
            if self.graph.is_matrix(id) && !matches!(value, Value::Entry(_))
                || self.graph.kind(id).elem != Elem::Real
            {
                return refuse(
                    at.to_token_stream(),
                    format!("`{name}` takes a real number"),
                );
            }
            ids.push(id);
        }
        let id = self.exact(Op::Scalar(function), ids, expr)?;
        Ok(Lower::entrywise(&values.iter().collect::<Vec<_>>(), id))
    }

    fn powi(&mut self, value: &Value, id: Id, exponent: &Expr, expr: &Expr) -> Lowered<Value> {
        let negated = |e: &Expr| match e {
            Expr::Unary(u) if matches!(u.op, syn::UnOp::Neg(_)) => Some((*u.expr).clone()),
            _ => None,
        };
        let stripped = match exponent {
            Expr::Paren(inner) => &inner.expr,
            other => other,
        };
        let (sign, digits) = match negated(stripped) {
            Some(inner) => (-1, inner),
            None => (1, stripped.clone()),
        };
        let known = match &digits {
            Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Int(n),
                ..
            }) => n.base10_parse::<i32>().ok().map(|n| sign * n),
            _ => None,
        };
        let id = match known {
            Some(n) => self.exact(Op::PowI(n), vec![id], expr)?,
            None => {
                let n = self.integer(exponent)?;
                self.exact(Op::PowInt, vec![id, n], expr)?
            }
        };
        Ok(Lower::entrywise(&[value], id))
    }

    // ---- matrices ----

    fn matrix_method(
        &mut self,
        id: Id,
        name: &str,
        method: &syn::Ident,
        turbofish: Option<&syn::AngleBracketedGenericArguments>,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        if is_identity_method(name) && args.is_empty() {
            return Ok(Value::Node(id));
        }
        if let Some(hint) = question(name)
            && self.only_observes(expr)
            && (self.closures == 0
                // A size is the same for every entry.
                || hint == Hint::Int && self.is_pure(&expr.to_token_stream()))
        {
            return Ok(Value::Inert(self.inert_expression(expr, hint)));
        }
        if let (Some(op), []) = (unary_method(name), args) {
            if matches!(op, Op::Diagonal)
                && let Some(Shape {
                    rows: Dim::Static(r),
                    cols: Dim::Static(c),
                }) = self.graph.shape(id)
                && r != c
            {
                return refuse(
                    expr,
                    "the diagonal of a matrix that is not square cannot be differentiated yet",
                );
            }
            return self.step(op, vec![id], expr);
        }
        if let (Some(op), [arg]) = (binary_method(name), args) {
            let guess = match op {
                Op::TrMul => {
                    Kind::matrix(Shape::new(Dim::Dynamic(u32::MAX), Dim::Dynamic(u32::MAX)))
                }
                _ => self.graph.kind(id),
            };
            let other = self.matrix_argument(arg, &guess)?;
            return self.step(op, vec![id, other], expr);
        }
        if let (Some(op), [arg]) = (scalar_argument_method(name), args) {
            let scalar = self.scalar_argument(arg)?;
            return self.step(op, vec![id, scalar], expr);
        }
        if let Some((part, count)) = part_method(name) {
            return self
                .part(id, part, count, turbofish, args, expr)
                .map(Value::Node);
        }
        match (name, args) {
            ("to_scalar" | "into_scalar", []) => {
                let at = self.graph.integer(0).id;
                Ok(Value::Node(self.exact_of(
                    Op::Part(Part::Entry),
                    vec![id, at],
                    Kind::SCALAR,
                    expr,
                )?))
            }
            ("map", [f]) => self.mapped(&[id], f, expr),
            ("zip_map", [b, f]) => {
                let kind = self.graph.kind(id);
                let b = self.matrix_argument(b, &kind)?;
                self.mapped(&[id, b], f, expr)
            }
            ("zip_zip_map", [b, c, f]) => {
                let kind = self.graph.kind(id);
                let b = self.matrix_argument(b, &kind)?;
                let c = self.matrix_argument(c, &kind)?;
                self.mapped(&[id, b, c], f, expr)
            }
            ("fold", [start, f]) => self.fold(id, start, f, expr),
            ("as_slice", []) if self.closures == 0 => Ok(Value::Slice(id)),
            ("try_inverse", []) => Ok(Value::Pending(Pending::Inverse(id))),
            ("cholesky", []) => Ok(Value::Pending(Pending::Cholesky(id))),
            _ => match self.composed_method(id, name, turbofish, args, expr)? {
                Some(value) => Ok(value),
                None => refuse(method, unknown(name, "a matrix")),
            },
        }
    }

    pub(crate) fn matrix_argument(&mut self, arg: &Expr, guess: &Kind) -> Lowered<Id> {
        let id = self.expr_node(arg, guess)?;
        if self.graph.is_matrix(id) && self.closures == 0
            || self.graph.is_matrix(id) && self.graph.leaf_of(id).is_some()
        {
            Ok(id)
        } else {
            refuse(
                arg,
                format!(
                    "`{}` is not a matrix that can be followed\nhelp: what a call returns is taken for a number where its type is not known: bind it with its type, as in `let v: DVector<f64> = …;`",
                    text(arg)
                ),
            )
        }
    }

    pub(crate) fn scalar_argument(&mut self, arg: &Expr) -> Lowered<Id> {
        let id = self.expr_node(arg, &Kind::SCALAR)?;
        if self.graph.kind(id) == Kind::SCALAR {
            Ok(id)
        } else {
            refuse(arg, format!("`{}` is not a number", text(arg)))
        }
    }

    fn part(
        &mut self,
        id: Id,
        part: Part,
        count: usize,
        turbofish: Option<&syn::AngleBracketedGenericArguments>,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Id> {
        let sizes: Lowered<Vec<Dim>> = turbofish
            .iter()
            .flat_map(|t| &t.args)
            .map(|a| self.static_size(a))
            .collect();
        let sizes = sizes?;
        let wanted = match part {
            Part::FixedRows(_) | Part::FixedColumns(_) => 1,
            Part::FixedView(..) => 2,
            _ => 0,
        };
        if sizes.len() != wanted {
            return refuse(
                expr,
                "the sizes of this view are not known here\nhelp: write them out, as in `fixed_rows::<3>(0)`",
            );
        }
        let part = match part {
            Part::FixedRows(_) => Part::FixedRows(sizes[0].clone()),
            Part::FixedColumns(_) => Part::FixedColumns(sizes[0].clone()),
            Part::FixedView(..) => Part::FixedView(sizes[0].clone(), sizes[1].clone()),
            other => other,
        };
        // `view` and `fixed_view` take pairs.
        let mut integers: Vec<&Expr> = Vec::new();
        for arg in args {
            match arg {
                Expr::Tuple(pair) => integers.extend(&pair.elems),
                one => integers.push(one),
            }
        }
        if integers.len() != count {
            return refuse(
                expr,
                "the position of this view is not written out\nhelp: write the integers here, as in `view((0, 0), (2, 2))`",
            );
        }
        let at: Lowered<Vec<Id>> = integers.iter().map(|e| self.integer(e)).collect();
        let at = at?;
        let whole = self.graph.shape(id).unwrap_or(Shape::fixed(1, 1));
        let kind = part_shape(&self.graph, &part, &whole, &at).map_or(Kind::SCALAR, Kind::matrix);
        let args = std::iter::once(id).chain(at).collect();
        self.exact_of(Op::Part(part), args, kind, expr)
    }

    pub(crate) fn static_size(&self, argument: &GenericArgument) -> Lowered<Dim> {
        let known = match argument {
            GenericArgument::Const(expr) => Some(crate::ty::constant_size(expr)),
            GenericArgument::Type(syn::Type::Path(path)) => {
                path.path.get_ident().map(|n| Dim::Generic(n.to_string()))
            }
            _ => None,
        };
        match known {
            Some(dim) => Ok(dim),
            None => refuse(
                argument,
                format!(
                    "the size `{}` is not known to the macro\nhelp: write a literal or a const parameter of the function",
                    text(argument)
                ),
            ),
        }
    }

    /// `map`, `zip_map`: the closure acts on entries, so its body is an operation entry by entry.
    pub(crate) fn elementwise(
        &mut self,
        matrices: &[Id],
        closure: &Expr,
        expr: &Expr,
    ) -> Lowered<Value> {
        if self.closures > 0 {
            return refuse(
                expr,
                "an elementwise method inside the closure of another is not supported\nhelp: bind it with `let` before the closure",
            );
        }
        let entries = matrices.iter().map(|m| Value::Entry(*m)).collect();
        let before = self.graph.count();
        let value = self.apply_closure(closure, entries)?;
        let shape = self.graph.shape(matrices[0]).unwrap_or(Shape::fixed(1, 1));
        self.each((&value, before), shape, closure, expr)
    }

    /// `from_fn`: the closure acts on indices, and gives entries.
    fn each_place(&mut self, shape: Shape, closure: &Expr, expr: &Expr) -> Lowered<Value> {
        if self.closures > 0 {
            return refuse(
                expr,
                "`from_fn` inside the closure of another method is not supported\nhelp: bind it with `let` before the closure",
            );
        }
        let before = self.graph.count();
        self.places = Some(shape.clone());
        let indices = vec![
            Value::Position(Position::Row),
            Value::Position(Position::Column),
        ];
        let value = self.apply_closure(closure, indices);
        self.places = None;
        self.each((&value?, before), shape, closure, expr)
    }

    /// `map_with_location`: the closure acts on indices and the entry there.
    pub(crate) fn mapped_with_location(
        &mut self,
        id: Id,
        closure: &Expr,
        expr: &Expr,
    ) -> Lowered<Value> {
        if self.closures > 0 {
            return refuse(
                expr,
                "`map_with_location` inside the closure of another method is not supported\nhelp: bind it with `let` before the closure",
            );
        }
        let shape = self.graph.shape(id).unwrap_or(Shape::fixed(1, 1));
        let before = self.graph.count();
        self.places = Some(shape.clone());
        let arguments = vec![
            Value::Position(Position::Row),
            Value::Position(Position::Column),
            Value::Entry(id),
        ];
        let value = self.apply_closure(closure, arguments);
        self.places = None;
        self.each((&value?, before), shape, closure, expr)
    }

    /// The column of what a closure gives for as many indices as the least of these counts.
    pub fn terms_over(&mut self, counts: &[Expr], closure: &Expr, expr: &Expr) -> Lowered<Id> {
        let mut dims = Vec::new();
        for count in counts {
            let dim = self.number_of(count)?;
            if !dims.contains(&dim) {
                dims.push(dim);
            }
        }
        let rows = match &dims[..] {
            [one] => one.clone(),
            many => self.least(many, expr)?,
        };
        let shape = Shape::new(rows, Dim::Static(1));
        match self.each_place(shape, closure, expr)? {
            Value::Node(id) => Ok(id),
            _ => refuse(expr, "this does not add numbers"),
        }
    }

    /// A count as an extent: that of a matrix, where it is one.
    pub fn number_of(&mut self, count: &Expr) -> Lowered<Dim> {
        if let Expr::MethodCall(call) = count
            && call.method == "len"
            && let Value::Node(id) | Value::Slice(id) = self.expr(&call.receiver)?
            && let Some(entries) = self.graph.shape(id).and_then(|s| s.entries())
        {
            return Ok(Dim::Static(entries));
        }
        if let Some(dim) = self.known_count(count)? {
            return Ok(dim);
        }
        let count = self.integer(count)?;
        Ok(match self.graph.integer_value(count) {
            Some(n) => Dim::Static(n),
            None => self.graph.dynamic(crate::graph::Extent::Int(count)),
        })
    }

    /// The least of some extents, as a number of its own.
    fn least(&mut self, dims: &[Dim], at: &Expr) -> Lowered<Dim> {
        let mut names = Vec::new();
        let mut reads = Vec::new();
        for dim in dims {
            let extent = match dim {
                Dim::Dynamic(d) => self.graph.extents.borrow().get(*d as usize).cloned(),
                _ => None,
            };
            names.push(match extent {
                None => crate::ty::dim_tokens(dim),
                Some(crate::graph::Extent::Int(id)) => {
                    reads.push(id);
                    self.graph.leaf_of(id).map(|l| l.name).unwrap_or_default()
                }
                Some(
                    extent @ (crate::graph::Extent::Rows(id) | crate::graph::Extent::Cols(id)),
                ) => {
                    let lists = self.graph.lists.borrow();
                    let list = lists.get(&id).map(|list| list.name.clone());
                    let name = list.or_else(|| self.graph.leaf_of(id).map(|l| l.name));
                    let Some(name) = name else {
                        return refuse(at, "these are of different lengths, and which is the least is not known here\nhelp: bind what is iterated with `let` before");
                    };
                    match extent {
                        _ if self.graph.shape(id).is_some_and(|s| s.is_vector()) => {
                            quote!(#name.len())
                        }
                        crate::graph::Extent::Rows(_) => quote!(#name.nrows()),
                        _ => quote!(#name.ncols()),
                    }
                }
                Some(_) => return refuse(at, "how many these are is not known here"),
            });
        }
        let least = names
            .into_iter()
            .reduce(|a, b| quote!(::core::cmp::Ord::min(#a, #b)))
            .unwrap_or_default();
        let name = self.fresh("count");
        self.check(quote!(let #name: usize = #least;), reads);
        let id = self.graph.leaf(crate::graph::Leaf {
            name: name.to_token_stream(),
            kind: Kind::INT,
            form: crate::graph::Form::Owned,
            varies: true,
        });
        self.bound_by_last(id);
        Ok(self.graph.dynamic(crate::graph::Extent::Int(id)))
    }

    /// The matrix of the values that a closure gives for each entry; it was read when there were so many nodes.
    fn each(
        &mut self,
        (value, before): (&Value, u32),
        shape: Shape,
        closure: &Expr,
        expr: &Expr,
    ) -> Lowered<Value> {
        self.closures += 1;
        let id = self.node(value, closure, &Kind::SCALAR);
        self.closures -= 1;
        let id = id?;
        let needed = self.graph.needed_by(&[id]);
        let mut calls =
            (before..self.graph.count()).filter(|n| matches!(self.graph.op(Id(*n)), Op::Apply(..)));
        if calls.clone().any(|n| !needed[n as usize]) {
            return refuse(
                closure,
                "what a function called in this closure gives is not used\nhelp: leave the call out, or make its value part of the result",
            );
        }
        if calls.next().is_some() {
            // Whether the functions are understood is seen where they are called.
            self.place(Step::Evaluate(id));
        }
        match (value, self.graph.kind(id)) {
            (Value::Entry(_), kind) if kind.is_matrix() => Ok(Value::Node(id)),
            (Value::Node(_) | Value::Inert(_), kind) if kind == Kind::SCALAR => Ok(Value::Node(
                self.exact_of(Op::Fill, vec![id], Kind::matrix(shape), expr)?,
            )),
            _ => refuse(
                closure,
                "this closure does not give a real number\nhelp: let it give a number for each entry",
            ),
        }
    }

    /// `fold(start, |sum, x| sum + f(x))`
    fn fold(&mut self, id: Id, start: &Expr, closure: &Expr, expr: &Expr) -> Lowered<Value> {
        let start = self.scalar_argument(start)?;
        let way_out = "`fold` is understood for sums only\nhelp: write `fold(start, |sum, x| sum + …)`, with `sum` nowhere else";
        let Expr::Closure(inner) = closure else {
            return refuse(closure, way_out);
        };
        let body = match &*inner.body {
            Expr::Block(block) => match &block.block.stmts[..] {
                [syn::Stmt::Expr(e, None)] => e,
                _ => return refuse(closure, way_out),
            },
            other => other,
        };
        let (Expr::Binary(sum), 2) = (body, inner.inputs.len()) else {
            return refuse(closure, way_out);
        };
        let mut names = Vec::new();
        crate::lower::pattern_names(&inner.inputs[0], &mut names);
        let [total] = &names[..] else {
            return refuse(closure, way_out);
        };
        let is_total = |e: &Expr| matches!(e, Expr::Path(p) if p.path.is_ident(total));
        let (term, negative) = match (&sum.op, is_total(&sum.left), is_total(&sum.right)) {
            (syn::BinOp::Add(_), true, false) => (&sum.right, false),
            (syn::BinOp::Add(_), false, true) => (&sum.left, false),
            (syn::BinOp::Sub(_), true, false) => (&sum.right, true),
            _ => return refuse(closure, way_out),
        };
        if crate::scope::contains(term.to_token_stream(), &total.to_string()) {
            return refuse(closure, way_out);
        }
        let pattern = &inner.inputs[1];
        let term: Expr = syn::parse_quote!(|#pattern| #term);
        let Value::Node(terms) = self.elementwise(&[id], &term, expr)? else {
            return refuse(closure, way_out);
        };
        let terms = if negative {
            self.exact(Op::Scalar(Scalar::Neg), vec![terms], expr)?
        } else {
            terms
        };
        self.step(Op::Fold, vec![terms, start], expr)
    }

    // ---- factorisations ----

    fn factor_method(
        &mut self,
        id: Id,
        name: &str,
        method: &syn::Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let is_lu = self.graph.op(id) == Op::Lu;
        if is_identity_method(name) && args.is_empty() {
            return Ok(Value::Node(id));
        }
        let column = Kind::matrix(Shape::new(Dim::Dynamic(u32::MAX), Dim::Static(1)));
        match (is_lu, name, args) {
            (true, "solve", [b]) => {
                let b = self.matrix_argument(b, &column)?;
                Ok(Value::Pending(Pending::LuSolve(id, b)))
            }
            (true, "try_inverse", []) => Ok(Value::Pending(Pending::LuInverse(id))),
            (true, "determinant", []) => self.step(Op::LuDeterminant, vec![id], expr),
            (true, "is_invertible", []) => {
                Ok(Value::Inert(self.inert_expression(expr, Hint::Bool)))
            }
            (false, "solve", [b]) => {
                let b = self.matrix_argument(b, &column)?;
                self.step(Op::CholeskySolve, vec![id, b], expr)
            }
            (false, "inverse", []) => self.step(Op::CholeskyInverse, vec![id], expr),
            (false, "determinant", []) => self.step(Op::CholeskyDeterminant, vec![id], expr),
            (false, "ln_determinant", []) => self.step(Op::CholeskyLnDeterminant, vec![id], expr),
            // Only `l_dirty().diagonal()`: what is above the diagonal is not meant to be read.
            (false, "l_dirty", []) => refuse(
                method,
                "what `l_dirty` has above its diagonal is not known\nhelp: use `l()`, of which `l().diagonal()` is the same",
            ),
            (false, "l" | "unpack", []) => self.step(Op::CholeskyFactor, vec![id], expr),
            _ => refuse(
                method,
                unknown(
                    name,
                    if is_lu {
                        "an LU factorisation"
                    } else {
                        "a Cholesky factorisation"
                    },
                ),
            ),
        }
    }

    /// A method of what may have failed.
    fn unwrap(
        &mut self,
        (value, pending): (&Value, Pending),
        name: &str,
        method: &syn::Ident,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        if let ("unwrap" | "expect", Some(value)) = (name, self.known_value(pending)) {
            return Ok(Value::Node(value));
        }
        match (name, args) {
            ("unwrap", []) => self.attempted(pending, Panic::Unwrap, expr),
            ("expect", [message]) => {
                if !matches!(message, Expr::Lit(_)) {
                    return refuse(message, "the message of `expect` has to be a literal here");
                }
                let message = self.graph.message(message.to_token_stream());
                self.attempted(pending, Panic::Expect(message), expr)
            }
            ("ok_or" | "ok_or_else", [error]) if self.is_inert_expr(error) => {
                let error = self.inert_expression(error, Hint::Unknown).tokens;
                Ok(Value::PendingOr(pending, quote!(#method(#error))))
            }
            _ => self.method_of_maybe(value, method, args, expr),
        }
    }

    /// `?` on what may have failed.
    pub fn question(&mut self, inner: &Expr, expr: &Expr) -> Lowered<Value> {
        if !self.wrapped || self.closures > 0 {
            return refuse(
                expr,
                "`?` leaves the function here, and that is not supported\nhelp: take the value with `.unwrap()` or `.expect(…)`",
            );
        }
        let value = self.expr(inner)?;
        match self.as_option(value) {
            Value::Pending(pending) => self.attempted(pending, Panic::Question, expr),
            Value::PendingOr(pending, error) => {
                let error = self.graph.message(error);
                self.attempted(pending, Panic::OkOr(error), expr)
            }
            Value::Maybe(maybe) => self.value_or_return(maybe, expr),
            Value::Wrapped(value) => Ok(*value),
            Value::Called(call, part) if part.is_empty() => {
                self.after_call(call, quote!(?), expr)?;
                Ok(Value::Called(call, part))
            }
            Value::Inert(inert) => {
                let tokens = &inert.tokens;
                Ok(Value::Inert(crate::scope::Inert {
                    tokens: quote!(#tokens?),
                    hint: Hint::Unknown,
                    leaf: None,
                    pure: false,
                    ..inert.clone()
                }))
            }
            _ => refuse(
                expr,
                format!(
                    "`{}` is no `Option` and no `Result` that is understood here\nhelp: `?` may follow `try_inverse()`, `cholesky()`, `lu().solve(…)` and calls of functions with `#[differentiable]`",
                    text(inner)
                ),
            ),
        }
    }

    /// The value of what may have failed.
    pub fn attempted(
        &mut self,
        pending: Pending,
        panic: Panic,
        at: &dyn ToTokens,
    ) -> Lowered<Value> {
        if let Some(value) = self.attempted_composed(pending, panic, at)? {
            return Ok(value);
        }
        let (op, args) = match pending {
            Pending::Inverse(a) => (Op::Inverse(panic), vec![a]),
            Pending::LuSolve(f, b) => (Op::LuSolve(panic), vec![f, b]),
            Pending::LuInverse(f) => (Op::LuInverse(panic), vec![f]),
            Pending::Cholesky(a) => (Op::Cholesky(panic), vec![a]),
            Pending::Normalize(..) | Pending::Triangular { .. } => return Err(Refusal(None)),
        };
        if let Op::LuSolve(_) = op {
            let kind = self.graph.kind(args[1]);
            return Ok(Value::Node(self.exact_of(op, args, kind, at)?));
        }
        self.step(op, args, at)
    }

    // ---- calls, constructors and macros ----

    /// Whether the part of a path before its last segment names the numbers: `f64`, `T`, `ComplexField`.
    pub fn is_scalar_namespace(&self, path: &syn::ExprPath) -> bool {
        if let Some(qself) = &path.qself {
            // `<f64>::sin`
            return qself.as_token.is_none()
                && self.context.real(&qself.ty).as_ref() == Some(&self.real);
        }
        let segments = &path.path.segments;
        let Some(before) = segments.len().checked_sub(2).map(|i| &segments[i].ident) else {
            return false;
        };
        let name = before.to_string();
        let own = match &self.real {
            Real::F64 => name == "f64",
            Real::F32 => name == "f32",
            Real::Generic(t) => *before == *t,
        };
        own || matches!(
            name.as_str(),
            "ComplexField" | "RealField" | "Float" | "SimdRealField" | "SimdComplexField"
        )
    }

    pub fn call(&mut self, call: &syn::ExprCall, expr: &Expr) -> Lowered<Value> {
        let args: Vec<&Expr> = call.args.iter().collect();
        let mut function = &*call.func;
        // A fragment of a macro's, or parentheses.
        while let Expr::Group(syn::ExprGroup { expr, .. })
        | Expr::Paren(syn::ExprParen { expr, .. }) = function
        {
            function = expr;
        }
        if let Expr::Closure(closure) = function
            && !self.is_inert_expr(expr)
        {
            return self.call_in_place(closure, &args, expr);
        }
        let Expr::Path(path) = function else {
            return refuse(
                &call.func,
                "only functions called by their names are understood",
            );
        };
        let segments = &path.path.segments;
        let Some(last) = segments.last() else {
            return refuse(expr, "this call has no name");
        };
        let name = last.ident.to_string();
        if let Some(number) = self.converted(&path.path, &args) {
            return Ok(number);
        }
        if self.is_scalar_namespace(path) {
            if let ("zero" | "one", []) = (name.as_str(), &args[..]) {
                return Ok(Value::Node(self.graph.constant(if name == "one" {
                    1.0
                } else {
                    0.0
                })));
            }
            if let Some((receiver, rest)) = args.split_first() {
                let known = scalar_alias(&name).is_some()
                    || matches!(
                        name.as_str(),
                        "powi" | "sin_cos" | "sinh_cosh" | "modulus_squared" | "clone"
                    );
                if known {
                    let value = self.expr(receiver)?;
                    if self.all_inert(std::slice::from_ref(&value))
                        && rest.iter().all(|e| self.is_inert_expr(e))
                    {
                        return refuse(expr, "inert");
                    }
                    let id = self.node(&value, receiver, &Kind::SCALAR)?;
                    let value = if matches!(value, Value::Entry(_)) {
                        value
                    } else {
                        Value::Node(id)
                    };
                    return self.scalar_method(&value, id, &name, &last.ident, rest, expr);
                }
            }
        }
        if let Some(before) = segments.len().checked_sub(2).map(|i| &segments[i])
            && let Some(Some(ty)) = self.context.matrix(&before.ident, &before.arguments)
        {
            return self.constructor(path, &ty, &args, expr);
        }
        if let Some(before) = segments.len().checked_sub(2).map(|i| &segments[i])
            && let Some(frame) = crate::ty::frame(&before.ident.to_string())
        {
            return self.geometric_constructor(path, frame, &args, expr);
        }
        if self.is_inert_expr(expr) {
            return refuse(expr, "inert");
        }
        // Under a path, so that it is no function of the user's.
        let nalgebras =
            segments.len() == 2 && (segments[0].ident == "nalgebra" || segments[0].ident == "na");
        if let ("distance" | "distance_squared", true, 2) = (&*name, nalgebras, args.len())
            && self.are_points(&args)?
        {
            return self.distance_of_points(&args, name == "distance_squared", expr);
        }
        // An integer made of others, as of the sizes of matrices.
        if segments.len() > 1
            && is_integer(&segments[segments.len() - 2].ident.to_string())
            && args.iter().all(|a| self.only_observes(a))
        {
            return Ok(Value::Inert(self.inert_expression(expr, Hint::Int)));
        }
        if self.is_poisoned(call) {
            return Err(Refusal(None));
        }
        if path
            .path
            .get_ident()
            .is_some_and(|n| self.scope.get(&n.to_string()).is_some())
        {
            return match self.function_named(path) {
                Some(function) => self.call_of_closure(&function, &args, expr),
                None => refuse(expr, crate::lower::unknown_function(&name, expr)),
            };
        }
        if let Some(function) = self.function_named(path) {
            return self.call_of_closure(&function, &args, expr);
        }
        if self.is_unreadable(path) {
            return refuse(
                expr,
                format!(
                    "cannot write out the call of `{name}`: it is generic, or written inside of a branch\nhelp: move it out of this function and give it `#[differentiable]`"
                ),
            );
        }
        if let ("Some" | "Ok", [value], 1) = (name.as_str(), &args[..], segments.len()) {
            let value = self.expr(value)?;
            return Ok(Value::Wrapped(Box::new(value)));
        }
        if name == "Err" && segments.len() == 1 {
            return refuse(
                expr,
                "`Err` of a differentiated value is not supported here\nhelp: make the error of what carries no derivative",
            );
        }
        if let ("stop_gradient", [arg]) = (name.as_str(), &args[..]) {
            return self.stopped(arg, expr);
        }
        // Under a path, so that it is no function of the user's.
        if segments.len() > 1 && segments[segments.len() - 2].ident == "mem" {
            return self.moved_by_mem(&name, &args, expr);
        }
        self.call_of_function(path, &args, expr)
    }

    fn all_inert(&self, values: &[Value]) -> bool {
        values.iter().all(|v| matches!(v, Value::Inert(_)))
    }

    fn constructor(
        &mut self,
        path: &syn::ExprPath,
        ty: &crate::ty::Value,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let segments = &path.path.segments;
        let (Some((rows, cols)), Some(segment), Some(last)) =
            (&ty.extents, segments.iter().nth_back(1), segments.last())
        else {
            return refuse(expr, "inert");
        };
        let ident = &last.ident;
        let name = &*ident.to_string();
        // `Vector3::x()` is a vector, `Vector3::x_axis()` a unit vector.
        if let (Extent::Known(Dim::Static(size)), []) = (rows, args)
            && *cols == Extent::Known(Dim::Static(1))
        {
            let hint = match name {
                "x" | "y" | "z" | "w" => Some(Hint::Matrix(Shape::fixed(*size, 1))),
                "x_axis" | "y_axis" | "z_axis" | "w_axis" => Some(Hint::Geometric {
                    frame: crate::ty::Frame::Unit,
                    size: *size,
                    reference: false,
                }),
                _ => None,
            };
            if let Some(hint) = hint {
                return Ok(Value::Inert(self.inert_expression(expr, hint)));
            }
        }
        // Method syntax by path: `DVector::dot(&a, &b)`.
        if let Some((receiver, rest)) = args.split_first() {
            let by_path = is_known_method(name) && !matches!(name, "zeros" | "identity");
            if by_path {
                let value = self.expr(receiver)?;
                if !matches!(value, Value::Inert(_)) {
                    return self.apply_method(ident, None, (value, receiver), rest, expr);
                }
            }
        }
        let turbofish = !matches!(segment.arguments, PathArguments::None);
        if !turbofish || ty.real == self.real {
            self.pin_type(path, segment, ty);
        }
        // The extents that the type leaves open come first among the arguments.
        let n = [rows, cols]
            .iter()
            .filter(|e| ***e == Extent::Dynamic)
            .count();
        let dims = |lower: &mut Self, args: &[&Expr]| -> Lowered<Shape> {
            let mut given = args.iter();
            let mut dim = |extent: &Extent| -> Lowered<Dim> {
                match extent {
                    Extent::Known(dim) => Ok(dim.clone()),
                    Extent::Dynamic => match given.next() {
                        Some(count) => {
                            if let Some(dim) = lower.known_count(count)? {
                                return Ok(dim);
                            }
                            let count = lower.integer(count)?;
                            // The type stays dynamic although the number may be known.
                            Ok(lower.graph.dynamic(crate::graph::Extent::Int(count)))
                        }
                        None => refuse(expr, "a size is missing"),
                    },
                    Extent::Inferred => refuse(
                        expr,
                        "the size of this matrix is not known to the macro\nhelp: write it, as in `SVector::<f64, 3>::…` or `Vector3::…`",
                    ),
                }
            };
            Ok(Shape::new(dim(rows)?, dim(cols)?))
        };
        match (name, args.len()) {
            ("zeros", k) if k == n => {
                let shape = dims(self, args)?;
                let zero = self.graph.constant(0.0);
                Ok(Value::Node(self.exact_of(
                    Op::Fill,
                    vec![zero],
                    Kind::matrix(shape),
                    expr,
                )?))
            }
            ("identity", k) if k == n => {
                let shape = dims(self, args)?;
                Ok(Value::Node(self.exact_of(
                    Op::Identity,
                    Vec::new(),
                    Kind::matrix(shape),
                    expr,
                )?))
            }
            ("from_element" | "repeat", k) if k == n + 1 => {
                let shape = dims(self, &args[..n])?;
                let value = self.scalar_argument(args[n])?;
                Ok(Value::Node(self.exact_of(
                    Op::Fill,
                    vec![value],
                    Kind::matrix(shape),
                    expr,
                )?))
            }
            ("from_diagonal", 1) => {
                let shape = Shape::new(Dim::Dynamic(u32::MAX), Dim::Static(1));
                let diagonal = self.matrix_argument(args[0], &Kind::matrix(shape))?;
                self.step(Op::FromDiagonal, vec![diagonal], expr)
            }
            ("new", count) if n == 0 => {
                let shape = dims(self, &[])?;
                if shape.entries() != Some(count) {
                    return refuse(expr, "the number of entries does not fit this type");
                }
                let entries: Lowered<Vec<Id>> =
                    args.iter().map(|e| self.scalar_argument(e)).collect();
                self.build(entries?, shape, true, expr)
            }
            ("from_diagonal_element", k) if k == n + 1 => {
                let shape = dims(self, &args[..n])?;
                let value = self.scalar_argument(args[n])?;
                let column = Kind::matrix(Shape::new(shape.rows.clone(), Dim::Static(1)));
                let diagonal = self.exact_of(Op::Fill, vec![value], column, expr)?;
                if shape.rows != shape.cols {
                    return refuse(
                        expr,
                        "a diagonal in a matrix that is not square cannot be differentiated yet\nhelp: use `from_fn`",
                    );
                }
                self.step(Op::FromDiagonal, vec![diagonal], expr)
            }
            ("from_rows" | "from_columns", 1) => {
                let by_rows = name == "from_rows";
                let (r, c, entries) = self.entries_of_parts(args[0], by_rows)?;
                let extent = |extent: &Extent, count: usize| match extent {
                    Extent::Known(dim) => dim.clone(),
                    _ => self.count(count),
                };
                let shape = Shape::new(extent(rows, r), extent(cols, c));
                self.build(entries, shape, by_rows, expr)
            }
            ("ith", k) if k == n + 2 && *cols == Extent::Known(Dim::Static(1)) => {
                let shape = dims(self, &args[..n])?;
                let place = self.integer(args[n])?;
                let (Some(place), Some(size)) = (self.graph.integer_value(place), shape.entries())
                else {
                    return refuse(
                        expr,
                        "the place of this entry is not known to the macro\nhelp: use `from_fn`",
                    );
                };
                let value = self.scalar_argument(args[n + 1])?;
                let mut entries = vec![self.graph.constant(0.0); size];
                match entries.get_mut(place) {
                    Some(entry) => *entry = value,
                    None => return refuse(args[n], "this is beyond the end of the vector"),
                }
                self.build(entries, shape, false, expr)
            }
            (
                "from_vec" | "from_column_slice" | "from_row_slice" | "from" | "from_iterator"
                | "from_row_iterator",
                count,
            ) if count == n + 1 || (count == 1 && n == 1) => {
                let list = args[count - 1];
                let listed = if name.ends_with("iterator") {
                    self.listed_or_collected(list)?
                } else {
                    self.expr(list)?
                };
                let row_by_row = name.starts_with("from_row");
                let entries = match listed {
                    Value::List(entries) => self.numbers_in(entries, list)?,
                    Value::Slice(id) => {
                        let shape = match (rows, cols, count == n + 1) {
                            (_, _, true) => dims(self, &args[..n])?,
                            (Extent::Dynamic, Extent::Known(one), false) => {
                                Shape::new(self.length(id, list)?, one.clone())
                            }
                            (Extent::Known(one), Extent::Dynamic, false) => {
                                Shape::new(one.clone(), self.length(id, list)?)
                            }
                            _ => return refuse(expr, "a size is missing"),
                        };
                        return self.reshaped(id, shape, row_by_row, expr);
                    }
                    // A view, or a matrix.
                    Value::Node(id) if name == "from" && self.has_extents(id, rows, cols) => {
                        return Ok(Value::Node(id));
                    }
                    _ => {
                        return refuse(
                            list,
                            format!(
                                "`{name}` needs its entries written out here\nhelp: write `&[a, b, …]` or `vec![a, b, …]`"
                            ),
                        );
                    }
                };
                let shape = match (rows, cols, count == n + 1) {
                    (_, _, true) => dims(self, &args[..n])?,
                    // `DVector::from_vec(vec![…])` takes its size from the entries.
                    (Extent::Dynamic, Extent::Known(one), false) => {
                        Shape::new(self.count(entries.len()), one.clone())
                    }
                    (Extent::Known(one), Extent::Dynamic, false) => {
                        Shape::new(one.clone(), self.count(entries.len()))
                    }
                    _ => return refuse(expr, "a size is missing"),
                };
                self.build(entries, shape, row_by_row, expr)
            }
            ("from_fn", k) if k == n + 1 => {
                let shape = dims(self, &args[..n])?;
                if self.is_inert_expr(expr) {
                    let inert = self.inert_expression(expr, Hint::Matrix(shape));
                    return Ok(Value::Inert(inert));
                }
                let whole = Kind::matrix(shape.clone());
                self.or_in_turn(
                    args[n],
                    |lower| lower.each_place(shape, args[n], expr),
                    |lower, closure| lower.placed_in_turn(whole, &args[..n], closure, expr),
                )
            }
            (
                "from_iterator"
                | "from_rows"
                | "from_columns"
                | "from_partial_diagonal"
                | "from_diagonal_element"
                | "from_row_iterator",
                _,
            ) => refuse(
                ident,
                format!(
                    "cannot differentiate `{name}` yet\nhelp: build the matrix from its entries, or with `map` and `zip_map`"
                ),
            ),
            _ => refuse(ident, unknown(name, "a constructor of a matrix")),
        }
    }

    /// Whether a matrix has the extents that are written in a type.
    fn has_extents(&self, id: Id, rows: &Extent, cols: &Extent) -> bool {
        let fits = |extent: &Extent, dim: &Dim| match (extent, dim) {
            (Extent::Known(known), dim) => known == dim,
            (Extent::Dynamic, Dim::Dynamic(_)) => true,
            _ => false,
        };
        let shape = self.graph.shape(id);
        shape.is_some_and(|shape| fits(rows, &shape.rows) && fits(cols, &shape.cols))
    }

    /// The extent of a dynamic matrix that a count is: `x.len()`.
    fn known_count(&mut self, count: &Expr) -> Lowered<Option<Dim>> {
        let dim = self.count_of(count)?;
        Ok(dim.filter(|dim| matches!(dim, Dim::Dynamic(d) if *d != u32::MAX)))
    }

    /// The extent that a count is, where it is that of a matrix: `x.len()`.
    pub(crate) fn count_of(&mut self, count: &Expr) -> Lowered<Option<Dim>> {
        let Expr::MethodCall(call) = count else {
            return Ok(None);
        };
        let name = call.method.to_string();
        if !matches!(name.as_str(), "len" | "nrows" | "ncols") {
            return Ok(None);
        }
        let (Value::Node(id) | Value::Slice(id)) = self.expr(&call.receiver)? else {
            return Ok(None);
        };
        Ok(self.graph.shape(id).and_then(|shape| match &*name {
            "nrows" => Some(shape.rows),
            "ncols" => Some(shape.cols),
            _ if shape.is_column() => Some(shape.rows),
            _ if shape.is_vector() => Some(shape.cols),
            _ => None,
        }))
    }

    fn count(&self, n: usize) -> Dim {
        self.graph
            .dynamic(crate::graph::Extent::Int(self.graph.integer(n).id))
    }

    /// The number of entries of a matrix, as the extent of another.
    fn length(&mut self, id: Id, at: &Expr) -> Lowered<Dim> {
        let shape = self.graph.shape(id).unwrap_or(Shape::fixed(1, 1));
        let dim = match (shape.entries(), shape.is_column(), shape.is_vector()) {
            (Some(count), ..) => return Ok(self.count(count)),
            (None, true, _) => shape.rows,
            (None, false, true) => shape.cols,
            _ => Dim::Dynamic(u32::MAX),
        };
        match dim {
            Dim::Dynamic(d) if d != u32::MAX => Ok(dim),
            _ => refuse(
                at,
                "the number of entries of this slice is not known to the macro\nhelp: give the sizes, as in `DMatrix::from_column_slice(rows, columns, …)`",
            ),
        }
    }

    /// An extent as an integer of the graph.
    fn counted(&mut self, dim: &Dim, at: &Expr) -> Lowered<Id> {
        let Dim::Dynamic(d) = dim else {
            let tokens = crate::ty::dim_tokens(dim);
            let expr: Expr = syn::parse2(tokens).map_err(|e| Refusal(Some(e)))?;
            return self.integer(&expr);
        };
        match self.graph.extents.borrow().get(*d as usize) {
            Some(crate::graph::Extent::Int(id)) => Ok(*id),
            _ => refuse(
                at,
                "the size of this matrix is not known to the macro\nhelp: bind it with `let` before, as in `let n = x.len();`",
            ),
        }
    }

    /// A matrix of the entries of another, which come row by row or column by column.
    fn reshaped(&mut self, id: Id, shape: Shape, row_by_row: bool, expr: &Expr) -> Lowered<Value> {
        let whole = self.graph.shape(id).unwrap_or(Shape::fixed(1, 1));
        let (from, to) = (whole.entries(), shape.entries());
        // A static matrix takes the first entries of a longer slice, column by column.
        let exact = row_by_row || shape.is_dynamic();
        let fits = match (from, to) {
            (Some(from), Some(to)) if from < to || exact && from != to => {
                return refuse(
                    expr,
                    format!("this matrix has {to} entries, but the slice has {from}"),
                );
            }
            (Some(_), Some(_)) => true,
            _ => {
                whole.is_vector() && shape.is_vector() && {
                    let length = |s: &Shape| {
                        if s.is_column() {
                            s.rows.clone()
                        } else {
                            s.cols.clone()
                        }
                    };
                    length(&whole) == length(&shape)
                }
            }
        };
        if whole == shape && (!row_by_row || shape.is_vector()) {
            return Ok(Value::Node(id));
        }
        let mut args = vec![id];
        let position = if shape.is_column() {
            Position::Row
        } else if shape.rows == Dim::Static(1) {
            Position::Column
        } else {
            let (major, minor, stride) = if row_by_row {
                (Position::Row, Position::Column, &shape.cols)
            } else {
                (Position::Column, Position::Row, &shape.rows)
            };
            args.push(self.counted(stride, expr)?);
            let start = Position::of(Arithmetic::Mul, Position::Given(0), major);
            Position::of(Arithmetic::Add, minor, start)
        };
        if exact && !fits {
            let name = self.name_of(id);
            let [rows, cols] = [&shape.rows, &shape.cols].map(|dim| self.counted(dim, expr));
            let (rows, cols) = (self.graph.leaf_of(rows?), self.graph.leaf_of(cols?));
            let counts = [rows, cols].map(|leaf| leaf.map(|l| l.name));
            let [rows, cols] = &counts;
            self.check(
                quote!(::core::assert_eq!(#name.len(), #rows * #cols);),
                vec![id],
            );
        }
        let part = Part::Gathered(shape.clone(), vec![position]);
        let id = self.exact_of(Op::Part(part), args, Kind::matrix(shape), expr)?;
        Ok(Value::Node(id))
    }

    /// A matrix of given entries, which come row by row or column by column.
    pub(crate) fn build(
        &mut self,
        entries: Vec<Id>,
        shape: Shape,
        row_by_row: bool,
        expr: &dyn ToTokens,
    ) -> Lowered<Value> {
        let extent = |graph: &crate::graph::Graph, dim: &Dim| match dim {
            Dim::Static(n) => Some(*n),
            Dim::Dynamic(d) => match graph.extents.borrow().get(*d as usize) {
                Some(crate::graph::Extent::Int(id)) => graph.integer_value(*id),
                _ => None,
            },
            Dim::Generic(_) => None,
        };
        let (Some(rows), Some(cols)) = (
            extent(&self.graph, &shape.rows),
            extent(&self.graph, &shape.cols),
        ) else {
            return refuse(
                expr.to_token_stream(),
                "the size of this matrix is not known to the macro\nhelp: write it as a literal",
            );
        };
        if rows * cols != entries.len() {
            return refuse(
                expr.to_token_stream(),
                format!(
                    "a matrix of {rows} by {cols} has {} entries, not {}",
                    rows * cols,
                    entries.len()
                ),
            );
        }
        let entries = if row_by_row {
            (0..cols)
                .flat_map(|j| (0..rows).map(move |i| (i, j)))
                .map(|(i, j)| entries[i * cols + j])
                .collect()
        } else {
            entries
        };
        Ok(Value::Node(self.exact_of(
            Op::Build,
            entries,
            Kind::matrix(shape),
            expr,
        )?))
    }

    /// A type named in a constructor is pinned to nalgebra's own.
    fn pin_type(&mut self, path: &syn::ExprPath, segment: &PathSegment, ty: &crate::ty::Value) {
        let mut prefix = path.path.clone();
        prefix.segments.pop();
        let mut segments = prefix.segments;
        segments.pop_punct();
        let mut ty = ty.clone();
        let known =
            |extents: &(Extent, Extent)| matches!(extents, (Extent::Known(_), Extent::Known(_)));
        let sized = ty.extents.as_ref().is_none_or(known);
        let written = match &segment.arguments {
            // What nothing here tells the size of is nalgebra's by any.
            PathArguments::None
                if !sized
                    && matches!(
                        segment.ident.to_string().as_str(),
                        "SVector" | "RowSVector" | "SMatrix"
                    ) =>
            {
                let (leading, real) = (&path.path.leading_colon, &ty.real);
                let one = || Extent::Known(Dim::Static(1));
                let open = match segment.ident == "SMatrix" {
                    true => quote!(<#real, 1, 1>),
                    false => quote!(<#real, 1>),
                };
                ty.extents = Some((one(), one()));
                quote!(#leading #segments #open)
            }
            PathArguments::None => {
                let leading = &path.path.leading_colon;
                // One argument for the scalar, one for each extent that the alias leaves open.
                let open = match segment.ident.to_string().as_str() {
                    "SVector" | "RowSVector" | "OVector" => quote!(<_, _>),
                    "SMatrix" | "OMatrix" => quote!(<_, _, _>),
                    "Matrix" => quote!(<_, _, _, _>),
                    "Vector" | "RowVector" => quote!(<_, _, _>),
                    _ => quote!(<_>),
                };
                quote!(#leading #segments #open)
            }
            _ => {
                let leading = &path.path.leading_colon;
                quote!(#leading #segments)
            }
        };
        let known = self
            .types
            .iter()
            .any(|(w, _)| w.to_string() == written.to_string());
        if !known {
            self.types.push((written, ty));
        }
    }

    /// `vec![false; x.len()]`: as long as something that is differentiated, and no more.
    fn is_inert_list(&self, mac: &syn::Macro) -> bool {
        let Ok(repeated) = syn::parse2::<syn::ExprRepeat>({
            let tokens = &mac.tokens;
            quote!([#tokens])
        }) else {
            return false;
        };
        let counts = matches!(
            &*repeated.expr,
            Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Int(_) | syn::Lit::Bool(_),
                ..
            })
        );
        self.closures == 0 && counts && self.is_size(&repeated.len)
    }

    pub fn matrix_macro(
        &mut self,
        name: &str,
        mac: &syn::Macro,
        at: &dyn ToTokens,
    ) -> Lowered<Value> {
        let inert = self.is_inert_expr(mac);
        match name {
            "vector" | "dvector" | "vec" | "point" => {
                let parser = syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated;
                let Ok(entries) = mac.parse_body_with(parser) else {
                    if name == "vec" && self.is_inert_list(mac) {
                        let tokens = mac.to_token_stream();
                        let whole: Expr = syn::parse2(tokens).map_err(|e| Refusal(Some(e)))?;
                        let inert = self.inert_expression(&whole, Hint::Unknown);
                        return Ok(Value::Inert(inert));
                    }
                    return refuse(
                        mac,
                        format!("only a list of entries is supported in `{name}!` here"),
                    );
                };
                if name == "vec" {
                    let entries: Vec<&Expr> = entries.iter().collect();
                    return self.list_of(&entries);
                }
                let entries: Lowered<Vec<Id>> =
                    entries.iter().map(|e| self.scalar_argument(e)).collect();
                let entries = entries?;
                match name {
                    "point" if inert => refuse(mac, "inert"),
                    "point" => self.point(&entries, at),
                    "vector" => {
                        let shape = Shape::fixed(entries.len(), 1);
                        self.build(entries, shape, false, at)
                    }
                    _ => {
                        let shape = Shape::new(self.count(entries.len()), Dim::Static(1));
                        self.build(entries, shape, false, at)
                    }
                }
            }
            "matrix" | "dmatrix" | "stack" => {
                let rows = mac.parse_body_with(|input: syn::parse::ParseStream| {
                    let mut rows: Vec<Vec<Expr>> = vec![Vec::new()];
                    while !input.is_empty() {
                        if let Some(row) = rows.last_mut() {
                            row.push(input.parse()?);
                        }
                        if input.parse::<Option<syn::Token![;]>>()?.is_some() {
                            rows.push(Vec::new());
                        } else if !input.is_empty() {
                            input.parse::<syn::Token![,]>()?;
                        }
                    }
                    if rows.last().is_some_and(Vec::is_empty) {
                        rows.pop();
                    }
                    Ok(rows)
                });
                let Ok(rows) = rows else {
                    return refuse(mac, format!("the entries of `{name}!` cannot be read"));
                };
                let (r, c) = (rows.len(), rows.first().map_or(0, Vec::len));
                if name == "stack" && inert {
                    return refuse(mac, "inert");
                }
                if rows.iter().any(|row| row.len() != c) {
                    return refuse(mac, "the rows of this matrix have different lengths");
                }
                if name == "stack" {
                    return self.stacked(&rows, at);
                }
                let entries: Lowered<Vec<Id>> = rows
                    .iter()
                    .flatten()
                    .map(|e| self.scalar_argument(e))
                    .collect();
                let shape = if name == "matrix" {
                    Shape::fixed(r, c)
                } else {
                    Shape::new(self.count(r), self.count(c))
                };
                self.build(entries?, shape, true, at)
            }
            _ if inert => refuse(mac, "inert"),
            _ => refuse(
                mac,
                format!(
                    "cannot see what the macro `{name}!` does with a differentiated value\nhelp: write out what it stands for; `vector!`, `matrix!`, `dvector!`, `dmatrix!` and `stack!` are known"
                ),
            ),
        }
    }
}

fn unknown(name: &str, on: &str) -> String {
    format!(
        "cannot differentiate `{name}`: no derivative is known for this method of {on}\nhelp: {}",
        way_out(name)
    )
}

/// What to write instead of a method without derivative.
fn way_out(name: &str) -> &'static str {
    match name {
        "iter" | "iter_mut" | "column_iter" | "row_iter" | "into_iter" => {
            "go through it in a `for` loop, or end the iterator in `sum`, `product`, `fold` or `collect`; `map`, `zip_map` and `dot` of the matrix are known, too"
        }
        "is_some" | "is_none" | "unwrap" | "unwrap_or" | "expect" | "map_or" | "as_ref" => {
            crate::lower::OPTION_APART
        }
        n if n.ends_with("_mut")
            || matches!(
                n,
                "axpy"
                    | "gemv"
                    | "gemm"
                    | "ger"
                    | "apply"
                    | "copy_from"
                    | "fill"
                    | "swap"
                    | "set_column"
                    | "set_row"
                    | "push"
            ) =>
        {
            "compute the new value, and assign it to the variable"
        }
        n if n.starts_with("sort") => {
            "sort outside the function, or select the entry with `max` or `min`"
        }
        _ => {
            "write it with operations that are known (the table in the README), or compute it before this function"
        }
    }
}
