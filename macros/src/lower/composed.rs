//! Methods of matrices that are compositions of a few operations, by the very operations that nalgebra composes.

use super::{Lower, Lowered, Refusal, refuse};
use crate::error::text;
use crate::graph::{Dim, Id, Kind, Shape};
use crate::rules::{Comparison, Extreme, Op, Panic, Part, Scalar};
use crate::scope::{Hint, Inert, Pending, Value};
use quote::{ToTokens, quote};
use syn::Expr;

/// Whether a method is one of these.
pub fn is_composed(name: &str) -> bool {
    matches!(
        name,
        "push"
            | "insert_row"
            | "insert_column"
            | "remove_row"
            | "remove_column"
            | "fixed_resize"
            | "to_homogeneous"
            | "product"
            | "perp"
            | "lerp"
            | "cap_magnitude"
            | "try_normalize"
            | "symmetric_part"
            | "hermitian_part"
            | "inf"
            | "sup"
            | "inf_sup"
            | "apply_norm"
            | "apply_metric_distance"
            | "row_sum_tr"
            | "row_mean_tr"
            | "row_variance"
            | "row_variance_tr"
            | "pow"
            | "kronecker"
            | "map_with_location"
            | "argmax"
            | "argmin"
            | "solve_lower_triangular"
            | "solve_upper_triangular"
            | "tr_solve_lower_triangular"
            | "tr_solve_upper_triangular"
            | "solve_lower_triangular_unchecked"
            | "solve_upper_triangular_unchecked"
    ) || swizzle(name).is_some()
}

/// The coordinates that `xy`, `zyx` and the like take.
fn swizzle(name: &str) -> Option<Vec<usize>> {
    let known = (2..=3).contains(&name.len());
    let coordinates = name.chars().map(|c| "xyz".find(c));
    known.then(|| coordinates.collect()).flatten()
}

impl Lower<'_> {
    /// The rows of entries of a matrix of static size.
    pub(crate) fn rows_of_entries(&mut self, id: Id, at: &dyn ToTokens) -> Lowered<Vec<Vec<Id>>> {
        let shape = self.graph.shape(id).unwrap_or(Shape::fixed(1, 1));
        let (Dim::Static(rows), Dim::Static(cols)) = (&shape.rows, &shape.cols) else {
            return refuse(
                at.to_token_stream(),
                "the size of this matrix is not known to the macro, and here its entries are needed one by one\nhelp: use a matrix of static size, as in `Matrix3` or `SMatrix<f64, 3, 3>`",
            );
        };
        let (rows, cols) = (*rows, *cols);
        let args = self.graph.args(id);
        let mut entries = vec![vec![id; cols]; rows];
        if self.graph.op(id) == Op::Transpose {
            for (j, row) in self.rows_of_entries(args[0], at)?.into_iter().enumerate() {
                for (i, entry) in row.into_iter().enumerate() {
                    entries[i][j] = entry;
                }
            }
            return Ok(entries);
        }
        for (i, row) in entries.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = match self.graph.op(id) {
                    Op::Build => args[j * rows + i],
                    Op::Fill => args[0],
                    Op::Identity => self.graph.constant(if i == j { 1.0 } else { 0.0 }),
                    _ => self.entry_of(id, j * rows + i, at)?,
                };
            }
        }
        Ok(entries)
    }

    /// `x[k]`, column by column.
    pub(crate) fn entry_of(&mut self, id: Id, k: usize, at: &dyn ToTokens) -> Lowered<Id> {
        let k = self.graph.integer(k).id;
        self.exact_of(Op::Part(Part::Entry), vec![id, k], Kind::SCALAR, at)
    }

    /// The matrix of these rows of entries.
    pub(crate) fn of_rows(&mut self, rows: &[Vec<Id>], at: &dyn ToTokens) -> Lowered<Id> {
        let cols = rows.first().map_or(0, Vec::len);
        let entries = (0..cols).flat_map(|j| rows.iter().map(move |row| row[j]));
        let (entries, shape) = (entries.collect(), Shape::fixed(rows.len(), cols));
        self.exact_of(Op::Build, entries, Kind::matrix(shape), at)
    }

    pub(crate) fn binary_scalar(
        &mut self,
        function: Scalar,
        a: Id,
        b: Id,
        at: &dyn ToTokens,
    ) -> Lowered<Id> {
        self.exact(Op::Scalar(function), vec![a, b], at)
    }

    /// A method that is composed of operations.
    pub(crate) fn composed_method(
        &mut self,
        id: Id,
        name: &str,
        turbofish: Option<&syn::AngleBracketedGenericArguments>,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Option<Value>> {
        let kind = self.graph.kind(id);
        let shape = kind.shape.clone().unwrap_or(Shape::fixed(1, 1));
        let zero = self.graph.constant(0.0);
        let one = self.graph.constant(1.0);
        let id = match (name, args) {
            ("push", [value]) => {
                let mut rows = self.rows_of_entries(id, expr)?;
                rows.push(vec![self.scalar_argument(value)?]);
                self.of_rows(&rows, expr)?
            }
            ("insert_row" | "insert_column", [place, value]) => {
                let mut rows = self.rows_of_entries(id, expr)?;
                let (place, value) = (self.literal_place(place)?, self.scalar_argument(value)?);
                let cols = rows.first().map_or(0, Vec::len);
                if place
                    > if name == "insert_row" {
                        rows.len()
                    } else {
                        cols
                    }
                {
                    return refuse(expr, "this is beyond the end of the matrix");
                }
                if name == "insert_row" {
                    rows.insert(place, vec![value; cols]);
                } else {
                    rows.iter_mut().for_each(|row| row.insert(place, value));
                }
                self.of_rows(&rows, expr)?
            }
            ("remove_row" | "remove_column", [place]) => {
                let mut rows = self.rows_of_entries(id, expr)?;
                let place = self.literal_place(place)?;
                let cols = rows.first().map_or(0, Vec::len);
                if place
                    >= if name == "remove_row" {
                        rows.len()
                    } else {
                        cols
                    }
                {
                    return refuse(expr, "this is beyond the end of the matrix");
                }
                if name == "remove_row" {
                    rows.remove(place);
                } else {
                    rows.iter_mut().for_each(|row| {
                        row.remove(place);
                    });
                }
                self.of_rows(&rows, expr)?
            }
            ("fixed_resize", [value]) => {
                let rows = self.rows_of_entries(id, expr)?;
                let value = self.scalar_argument(value)?;
                let sizes = turbofish.iter().flat_map(|t| &t.args);
                let sizes: Lowered<Vec<Dim>> = sizes.map(|a| self.static_size(a)).collect();
                let [Dim::Static(r), Dim::Static(c)] = sizes?[..] else {
                    return refuse(
                        expr,
                        "the new size is not known here\nhelp: write it out, as in `fixed_resize::<4, 4>(0.0)`",
                    );
                };
                let entry = |i: usize, j: usize| rows.get(i).and_then(|row| row.get(j).copied());
                let rows: Vec<Vec<Id>> = (0..r)
                    .map(|i| (0..c).map(|j| entry(i, j).unwrap_or(value)).collect())
                    .collect();
                self.of_rows(&rows, expr)?
            }
            ("to_homogeneous", []) => {
                let mut rows = self.rows_of_entries(id, expr)?;
                if shape.is_column() {
                    rows.push(vec![zero]);
                } else {
                    self.border(&mut rows);
                }
                self.of_rows(&rows, expr)?
            }
            ("product", []) => {
                let rows = self.rows_of_entries(id, expr)?;
                let cols = rows.first().map_or(0, Vec::len);
                let mut product = one;
                for j in 0..cols {
                    for row in &rows {
                        product = self.binary_scalar(Scalar::Mul, product, row[j], expr)?;
                    }
                }
                product
            }
            // a × b in the plane
            ("perp", [b]) => {
                let b = self.matrix_argument(b, &kind)?;
                let [a, b] = [
                    self.rows_of_entries(id, expr)?,
                    self.rows_of_entries(b, expr)?,
                ];
                let ([ax, ay], [bx, by]) = (&a.concat()[..], &b.concat()[..]) else {
                    return refuse(expr, "`perp` is of two vectors in the plane");
                };
                let first = self.binary_scalar(Scalar::Mul, *ax, *by, expr)?;
                let second = self.binary_scalar(Scalar::Mul, *ay, *bx, expr)?;
                self.binary_scalar(Scalar::Sub, first, second, expr)?
            }
            // t b + (1 − t) a
            ("lerp", [b, t]) => {
                let b = self.matrix_argument(b, &kind)?;
                let t = self.scalar_argument(t)?;
                self.lerp(id, b, t, expr)?
            }
            ("cap_magnitude", [most]) => {
                let most = self.scalar_argument(most)?;
                let norm = self.exact(Op::Norm, vec![id], expr)?;
                let longer = vec![norm, most];
                let longer = self.exact(Op::Compare(Comparison::Gt), longer, expr)?;
                let factor = self.binary_scalar(Scalar::Div, most, norm, expr)?;
                let capped = self.binary_scalar(Scalar::Mul, id, factor, expr)?;
                self.exact(Op::Select, vec![longer, capped, id], expr)?
            }
            ("try_normalize", [least]) => {
                let least = self.scalar_argument(least)?;
                return Ok(Some(Value::Pending(Pending::Normalize(id, least))));
            }
            ("symmetric_part" | "hermitian_part", []) => {
                let transpose = self.exact(Op::Transpose, vec![id], expr)?;
                let sum = self.binary_scalar(Scalar::Add, transpose, id, expr)?;
                let half = self.graph.constant(0.5);
                self.binary_scalar(Scalar::Mul, sum, half, expr)?
            }
            ("inf" | "sup" | "inf_sup", [b]) => {
                let b = self.matrix_argument(b, &kind)?;
                let least = |lower: &mut Self| lower.binary_scalar(Scalar::Min, id, b, expr);
                let most = |lower: &mut Self| lower.binary_scalar(Scalar::Max, id, b, expr);
                match name {
                    "inf" => least(self)?,
                    "sup" => most(self)?,
                    _ => {
                        let both = vec![Value::Node(least(self)?), Value::Node(most(self)?)];
                        return Ok(Some(Value::Tuple(both)));
                    }
                }
            }
            ("apply_norm", [norm]) => match norm_named(norm).as_deref() {
                Some("EuclideanNorm") => self.exact(Op::Norm, vec![id], expr)?,
                Some("UniformNorm") => self.exact(Op::Extreme(Extreme::AbsMax), vec![id], expr)?,
                _ => return refuse(norm, UNKNOWN_NORM),
            },
            ("apply_metric_distance", [b, norm]) => match norm_named(norm).as_deref() {
                Some("EuclideanNorm") => {
                    let b = self.matrix_argument(b, &kind)?;
                    self.exact(Op::Distance, vec![id, b], expr)?
                }
                _ => return refuse(norm, UNKNOWN_NORM),
            },
            ("row_sum_tr" | "row_mean_tr", []) => {
                let op = if name == "row_sum_tr" {
                    Op::RowSum
                } else {
                    Op::RowMean
                };
                let row = self.exact(op, vec![id], expr)?;
                self.exact(Op::Transpose, vec![row], expr)?
            }
            ("row_variance" | "row_variance_tr", []) => {
                let Dim::Static(cols) = shape.cols else {
                    return refuse(
                        expr,
                        "the number of columns is not known to the macro\nhelp: take the `variance` of one column after the other",
                    );
                };
                let mut variances = Vec::new();
                for j in 0..cols {
                    let column = Kind::matrix(Shape::new(shape.rows.clone(), Dim::Static(1)));
                    let j = self.graph.integer(j).id;
                    let part = Op::Part(Part::Column);
                    let column = self.exact_of(part, vec![id, j], column, expr)?;
                    variances.push(self.exact(Op::Variance, vec![column], expr)?);
                }
                let rows = if name == "row_variance" {
                    vec![variances]
                } else {
                    variances.into_iter().map(|v| vec![v]).collect()
                };
                self.of_rows(&rows, expr)?
            }
            ("pow", [exponent]) => {
                let exponent = self.literal_place(exponent)?;
                self.power(id, exponent, expr)?
            }
            ("kronecker", [b]) => {
                let b = self.matrix_argument(b, &kind)?;
                let other = self.graph.shape(b).unwrap_or(Shape::fixed(1, 1));
                let product = |a: &Dim, b: &Dim| match (a, b) {
                    (Dim::Static(a), Dim::Static(b)) => Some(Dim::Static(a * b)),
                    _ => None,
                };
                let (Some(rows), Some(cols)) = (
                    product(&shape.rows, &other.rows),
                    product(&shape.cols, &other.cols),
                ) else {
                    return refuse(
                        expr,
                        "the sizes of these matrices are not known to the macro\nhelp: use matrices of static size",
                    );
                };
                let kind = Kind::matrix(Shape::new(rows, cols));
                self.exact_of(Op::Kronecker, vec![id, b], kind, expr)?
            }
            ("map_with_location", [f]) => {
                return self.mapped_with_location(id, f, expr).map(Some);
            }
            (
                "solve_lower_triangular"
                | "solve_upper_triangular"
                | "tr_solve_lower_triangular"
                | "tr_solve_upper_triangular"
                | "solve_lower_triangular_unchecked"
                | "solve_upper_triangular_unchecked",
                [b],
            ) => {
                let column = Kind::matrix(Shape::new(shape.rows, Dim::Static(1)));
                let b = self.matrix_argument(b, &column)?;
                let (upper, transposed) = (name.contains("upper"), name.starts_with("tr_"));
                if name.ends_with("unchecked") {
                    let op = Op::SolveTriangular {
                        upper,
                        transposed,
                        failure: None,
                    };
                    let kind = self.graph.kind(b);
                    self.exact_of(op, vec![id, b], kind, expr)?
                } else {
                    return Ok(Some(Value::Pending(Pending::Triangular {
                        triangle: id,
                        rhs: b,
                        upper,
                        transposed,
                    })));
                }
            }
            ("argmax" | "argmin", []) => return self.place_and_entry(id, name, expr).map(Some),
            (name, []) if shape.is_column() && swizzle(name).is_some() => {
                let taken = swizzle(name).unwrap_or_default();
                let rows = self.rows_of_entries(id, expr)?;
                let entries: Option<Vec<Vec<Id>>> =
                    taken.iter().map(|k| rows.get(*k).cloned()).collect();
                match entries {
                    Some(rows) => self.of_rows(&rows, expr)?,
                    None => return refuse(expr, "this vector has no such coordinates"),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(Value::Node(id)))
    }

    /// A row and a column of zeros, and a one in the corner.
    pub(crate) fn border(&mut self, rows: &mut Vec<Vec<Id>>) {
        let (zero, one) = (self.graph.constant(0.0), self.graph.constant(1.0));
        rows.iter_mut().for_each(|row| row.push(zero));
        let mut last = vec![zero; rows.len()];
        last.push(one);
        rows.push(last);
    }

    /// t b + (1 − t) a
    pub(crate) fn lerp(&mut self, a: Id, b: Id, t: Id, at: &dyn ToTokens) -> Lowered<Id> {
        let one = self.graph.constant(1.0);
        let rest = self.binary_scalar(Scalar::Sub, one, t, at)?;
        let first = self.binary_scalar(Scalar::Mul, b, t, at)?;
        let second = self.binary_scalar(Scalar::Mul, a, rest, at)?;
        self.binary_scalar(Scalar::Add, first, second, at)
    }

    /// A power by an exponent that is written out, by squaring as nalgebra does.
    fn power(&mut self, id: Id, mut exponent: usize, at: &Expr) -> Lowered<Id> {
        let kind = self.graph.kind(id);
        if exponent == 1 {
            return Ok(id);
        }
        let identity = self.exact_of(Op::Identity, Vec::new(), kind, at)?;
        let (mut power, mut square) = (identity, id);
        if exponent % 2 == 1 {
            (power, exponent) = (id, exponent - 1);
        }
        while exponent > 0 {
            if exponent % 2 == 1 {
                power = self.exact(Op::MatMul, vec![power, square], at)?;
            }
            exponent /= 2;
            if exponent > 0 {
                square = self.exact(Op::MatMul, vec![square, square], at)?;
            }
        }
        Ok(power)
    }

    /// An integer that is written out.
    fn literal_place(&mut self, place: &Expr) -> Lowered<usize> {
        let id = self.integer(place)?;
        match self.graph.integer_value(id) {
            Some(place) => Ok(place),
            None => refuse(
                place,
                format!(
                    "`{}` is not known to the macro\nhelp: write a literal",
                    text(place)
                ),
            ),
        }
    }

    /// `argmax` gives an index, which has no derivative, and the entry there.
    fn place_and_entry(&mut self, id: Id, name: &str, expr: &Expr) -> Lowered<Value> {
        if self.closures > 0 || !self.only_observes(expr) {
            return refuse(
                expr,
                format!(
                    "`{name}` is not supported here\nhelp: bind the vector with `let` before, outside of closures"
                ),
            );
        }
        let inert = self.inert_expression(expr, Hint::Int);
        let tokens = &inert.tokens;
        let at = Inert {
            tokens: quote!(#tokens.0),
            hint: Hint::Int,
            pure: true,
            leaf: None,
            ..inert.clone()
        };
        let place = self.pin(&at, Kind::INT)?;
        let entry = self.exact_of(Op::Part(Part::Entry), vec![id, place], Kind::SCALAR, expr)?;
        let at = Inert {
            leaf: Some(place),
            tokens: self.name_of(place),
            ..at
        };
        Ok(Value::Tuple(vec![Value::Inert(at), Value::Node(entry)]))
    }

    /// What a factorisation, a solution or a direction is, if there is one.
    pub(crate) fn attempted_composed(
        &mut self,
        pending: Pending,
        panic: Panic,
        at: &dyn ToTokens,
    ) -> Lowered<Option<Value>> {
        Ok(match pending {
            Pending::Normalize(id, least) => {
                Some(self.step(Op::TryNormalize(panic), vec![id, least], at)?)
            }
            Pending::Triangular {
                triangle,
                rhs,
                upper,
                transposed,
            } => {
                let op = Op::SolveTriangular {
                    upper,
                    transposed,
                    failure: Some(panic),
                };
                let kind = self.graph.kind(rhs);
                Some(Value::Node(self.exact_of(
                    op,
                    vec![triangle, rhs],
                    kind,
                    at,
                )?))
            }
            _ => None,
        })
    }

    /// `Matrix3::from_rows(&[…])`, `from_columns`.
    pub(crate) fn entries_of_parts(
        &mut self,
        list: &Expr,
        by_rows: bool,
    ) -> Lowered<(usize, usize, Vec<Id>)> {
        let mut inner = list;
        while let Expr::Reference(syn::ExprReference { expr, .. })
        | Expr::Paren(syn::ExprParen { expr, .. })
        | Expr::Group(syn::ExprGroup { expr, .. }) = inner
        {
            inner = expr;
        }
        if self.is_poisoned(list) {
            return Err(Refusal(None));
        }
        let Expr::Array(array) = inner else {
            return refuse(
                list,
                "the rows or columns have to be written out here\nhelp: write `&[a, b, …]`",
            );
        };
        let mut lines: Vec<Vec<Id>> = Vec::new();
        for part in &array.elems {
            let guess = Shape::new(Dim::Dynamic(u32::MAX), Dim::Static(1));
            let id = self.matrix_argument(part, &Kind::matrix(guess))?;
            let entries = self.rows_of_entries(id, part)?.concat();
            if lines.first().is_some_and(|l| l.len() != entries.len()) {
                return refuse(part, "these are of different lengths");
            }
            lines.push(entries);
        }
        // Row by row or column by column, as they come.
        let (count, length) = (lines.len(), lines.first().map_or(0, Vec::len));
        let (rows, cols) = if by_rows {
            (count, length)
        } else {
            (length, count)
        };
        Ok((rows, cols, lines.concat()))
    }

    /// What `from_iterator` is given.
    pub(crate) fn listed_or_collected(&mut self, list: &Expr) -> Lowered<Value> {
        let index: Expr = syn::parse_quote!(i);
        let mapped = matches!(list, Expr::MethodCall(call) if !call.args.is_empty());
        if mapped && self.closures == 0 && self.items(list, &index).is_some() {
            return self.expr(&syn::parse_quote!(#list.collect::<::std::vec::Vec<_>>()));
        }
        self.listed(list)
    }

    /// The entries of `[a, b].into_iter()` and the like.
    fn listed(&mut self, list: &Expr) -> Lowered<Value> {
        match list {
            Expr::MethodCall(call)
                if call.args.is_empty()
                    && matches!(
                        &*call.method.to_string(),
                        "iter" | "into_iter" | "copied" | "cloned"
                    ) =>
            {
                self.listed(&call.receiver)
            }
            Expr::Paren(inner) => self.listed(&inner.expr),
            _ => self.expr(list),
        }
    }

    /// `stack![a, b; c, 0]` of parts of static size.
    pub(crate) fn stacked(&mut self, rows: &[Vec<Expr>], at: &dyn ToTokens) -> Lowered<Value> {
        let mut parts: Vec<Vec<Option<Vec<Vec<Id>>>>> = Vec::new();
        for row in rows {
            let mut blocks = Vec::new();
            for part in row {
                if matches!(part, Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(n), .. }) if n.base10_digits() == "0")
                {
                    blocks.push(None);
                    continue;
                }
                let guess = Shape::new(Dim::Dynamic(u32::MAX), Dim::Static(1));
                let id = self.matrix_argument(part, &Kind::matrix(guess))?;
                blocks.push(Some(self.rows_of_entries(id, part)?));
            }
            parts.push(blocks);
        }
        let height = |row: &Vec<Option<Vec<Vec<Id>>>>| row.iter().flatten().map(Vec::len).max();
        let across = parts.first().map_or(0, Vec::len);
        let width = |j: usize| {
            let blocks = parts.iter().filter_map(|row| row[j].as_ref());
            blocks.map(|block| block.first().map_or(0, Vec::len)).max()
        };
        let heights: Option<Vec<usize>> = parts.iter().map(height).collect();
        let widths: Option<Vec<usize>> = (0..across).map(width).collect();
        let (Some(heights), Some(widths)) = (heights, widths) else {
            return refuse(
                at.to_token_stream(),
                "the size of a block of zeros is not known to the macro\nhelp: write `SMatrix::<f64, R, C>::zeros()`",
            );
        };
        let zero = self.graph.constant(0.0);
        let mut whole = Vec::new();
        for (row, height) in parts.iter().zip(&heights) {
            for i in 0..*height {
                let mut line = Vec::new();
                for (block, width) in row.iter().zip(&widths) {
                    let entries = match block {
                        None => vec![zero; *width],
                        Some(block) => block.get(i).cloned().unwrap_or_default(),
                    };
                    if entries.len() != *width {
                        return refuse(
                            at.to_token_stream(),
                            "the blocks of this matrix do not fit together",
                        );
                    }
                    line.extend(entries);
                }
                whole.push(line);
            }
        }
        Ok(Value::Node(self.of_rows(&whole, at)?))
    }
}

const UNKNOWN_NORM: &str = "only `EuclideanNorm` and `UniformNorm` are known here\nhelp: write the norm with `map`, `sum` and `powf`";

/// The norm of nalgebra that is named.
fn norm_named(norm: &Expr) -> Option<String> {
    match norm {
        Expr::Reference(reference) => norm_named(&reference.expr),
        Expr::Paren(inner) => norm_named(&inner.expr),
        Expr::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()),
        _ => None,
    }
}
