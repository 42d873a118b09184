//! Algebra: every value that the macro itself builds goes through here.
//!
//! A rewrite holds for every real argument for which the original is defined. Values of the user's are
//! never rewritten, they are inserted into the graph as written; what is built here may read through them.

use crate::graph::{Dim, Elem, Graph, Guard, Id, Kind, Leaf, Shape};
use crate::rules::{Comparison, Extreme, Op, Panic, Part, Scalar, kind, part_shape};
use std::collections::HashMap;
use std::ops;

/// A value of the graph, with the operations of matrix calculus.
#[derive(Clone, Copy)]
pub struct Expr<'g> {
    pub graph: &'g Graph,
    pub id: Id,
}

/// A product of powers is read through at most this many factors, and a sum through as many terms, so that
/// the work and the generated code stay linear in the size of the function.
const READ_THROUGH: usize = 8;
/// Like terms are looked for in a sum of at most this many.
const COMBINED: usize = 64;
/// Larger exponents are not combined: `powi` loses accuracy slowly, and they overflow fast.
const LARGEST_EXPONENT: u32 = 64;

/// `coefficient · Π baseᵉ`, sorted by base.
#[derive(Clone, Debug, PartialEq)]
struct Product {
    coefficient: f64,
    factors: Vec<(Id, i32)>,
}

impl Product {
    fn one() -> Self {
        Product {
            coefficient: 1.0,
            factors: Vec::new(),
        }
    }

    fn multiply(&mut self, base: Id, exponent: i32) {
        match self.factors.binary_search_by_key(&base, |f| f.0) {
            Ok(i) => {
                self.factors[i].1 += exponent;
                if self.factors[i].1 == 0 {
                    self.factors.remove(i);
                }
            }
            Err(i) => self.factors.insert(i, (base, exponent)),
        }
    }
}

/// A term of a sum: its factors, the sum of its coefficients, the value itself, and how often it occurs.
type Term = (Vec<(Id, i32)>, f64, Id, usize);

impl Graph {
    pub fn expr(&self, id: Id) -> Expr<'_> {
        Expr { graph: self, id }
    }

    pub fn real(&self, value: f64) -> Expr<'_> {
        self.expr(self.constant(value))
    }

    /// An integer literal.
    pub fn integer(&self, value: usize) -> Expr<'_> {
        let name = proc_macro2::Literal::usize_unsuffixed(value);
        self.expr(self.integer_leaf(quote::quote!(#name), false))
    }

    /// An integer that the user wrote; the same text is the same value.
    pub fn integer_leaf(&self, name: proc_macro2::TokenStream, varies: bool) -> Id {
        let text = name.to_string();
        let known = self
            .leaves
            .borrow()
            .iter()
            .position(|l| l.kind == Kind::INT && l.name.to_string() == text);
        match known {
            Some(number) => self.insert(Op::Leaf(number), Vec::new(), Kind::INT),
            None => self.leaf(Leaf {
                name,
                kind: Kind::INT,
                form: crate::graph::Form::Owned,
                varies,
            }),
        }
    }

    /// The literal that an integer leaf is, if it is one.
    pub fn integer_value(&self, id: Id) -> Option<usize> {
        self.leaf_of(id)
            .filter(|l| l.kind == Kind::INT)
            .and_then(|l| l.name.to_string().parse().ok())
    }

    fn const_of(&self, id: Id) -> Option<f64> {
        match self.op(id) {
            Op::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// The constant that a value is everywhere.
    pub fn uniform_const(&self, id: Id) -> Option<f64> {
        match self.op(id) {
            Op::Fill => self.const_of(self.args(id)[0]),
            _ => self.const_of(id),
        }
    }

    fn apply(&self, op: Op, args: &[Id]) -> Id {
        let kinds: Vec<Kind> = args.iter().map(|a| self.kind(*a)).collect();
        let kind = kind(&op, &kinds).unwrap_or(Kind::SCALAR);
        self.insert(op, args.to_vec(), kind)
    }

    /// An operation on other arguments of the same kinds, as algebra has it: what a linear operation makes of a
    /// tangent.
    pub fn applied<'g>(&'g self, op: &Op, args: &[Expr<'g>], kind: &Kind) -> Expr<'g> {
        let x = args[0];
        match op {
            Op::Select => x.choose(args[1], args[2]),
            Op::Fill => x.fill(kind.shape.clone()),
            Op::Transpose => x.t(),
            Op::Part(part) => x.part(part, &args[1..]),
            Op::Scatter(part) => x.scatter(part, kind.shape.clone(), &args[1..]),
            Op::Update(part) => x.update(part, args[1], &args[2..]),
            Op::Sum | Op::Total => x.sum(),
            Op::Fold => x.sum() + args[1],
            Op::SpreadRows => x.spread_rows(kind.shape.clone()),
            Op::SpreadColumns => x.spread_columns(kind.shape.clone()),
            Op::FromDiagonal => x.to_diagonal(kind.shape.clone()),
            Op::Reshape => x.reshape(kind.shape.clone()),
            Op::ScaleRows => args[1].scale_rows(x),
            Op::ScaleColumns => x.scale_columns(args[1]),
            Op::Dot => x.dot(args[1]),
            Op::MatMul => x.times(args[1]),
            Op::TrMul | Op::ProductTn => x.t().times(args[1]),
            Op::ProductNt => x.times(args[1].t()),
            // A factorisation stands for its matrix.
            Op::Lu | Op::Cholesky(_) => x,
            Op::LuSolve(_) => x.lu_solve(args[1]),
            Op::LuTrSolve => x.lu_tr_solve(args[1]),
            Op::CholeskySolve => x.cholesky_solve(args[1]),
            Op::CofactorsTangent => x.cofactors_along(&args[1..]),
            Op::CholeskyTangent => x.cholesky_tangent(args[1]),
            Op::CholeskyAdjoint => x.cholesky_adjoint(args[1]),
            Op::SymmetricFromLower => x.symmetric_from_lower(),
            Op::FoldLower => x.fold_lower(),
            Op::LowerTriangle => x.lower_triangle(),
            Op::UpperTriangle => x.upper_triangle(),
            Op::SolveTriangular {
                upper, transposed, ..
            } => x.solve_triangular(args[1], *upper, *transposed),
            Op::QuaternionProduct => x.quaternion_times(args[1]),
            Op::QuaternionConjugate => x.quaternion_conjugate(),
            Op::QuaternionRotate => x.quaternion_rotate(args[1]),
            Op::CrossMatrix => x.cross_matrix(),
            Op::Axial => x.axial(),
            _ => {
                let args = args.iter().map(|a| a.id).collect();
                self.expr(self.insert(op.clone(), args, kind.clone()))
            }
        }
    }

    /// A vector of these entries.
    pub fn built<'g>(&'g self, entries: &[Expr<'g>], shape: Option<Shape>) -> Expr<'g> {
        let kind = Kind::matrix(shape.unwrap_or(Shape::fixed(entries.len(), 1)));
        let entries = entries.iter().map(|e| e.id).collect();
        self.expr(self.insert(Op::Build, entries, kind))
    }

    /// A ⊗ B, of this shape.
    pub fn kronecker<'g>(&'g self, a: Expr<'g>, b: Expr<'g>, shape: Shape) -> Expr<'g> {
        let ((s, a), (t, b)) = (a.split_scalar(), b.split_scalar());
        let kind = Kind::matrix(shape);
        self.expr(self.insert(Op::Kronecker, vec![a.id, b.id], kind))
            .scaled_by([s, t])
    }

    /// A leaf that stands for any value of a kind.
    pub fn symbol(&self, kind: Kind) -> Id {
        self.leaf(Leaf {
            name: quote::quote!(tangent),
            kind,
            form: crate::graph::Form::Borrowed,
            varies: true,
        })
    }

    /// A value with another in place of a symbol.
    pub fn substituted<'g>(&'g self, image: Id, symbol: Id, by: Expr<'g>) -> Expr<'g> {
        let (depends, needed) = (self.depends_on(&[symbol]), self.needed_by(&[image]));
        let mut known = crate::graph::IdMap::from_iter([(symbol, by.id)]);
        let moved = |id: &Id| depends.contains(id) && needed[id.0 as usize];
        for id in (symbol.0 + 1..=image.0).map(Id).filter(moved) {
            let node = self.node(id);
            let new = |a: &Id| self.expr(known.get(a).copied().unwrap_or(*a));
            let args: Vec<Expr> = node.args.iter().map(new).collect();
            known.insert(id, self.applied(&node.op, &args, &node.kind).id);
        }
        self.expr(known.get(&image).copied().unwrap_or(image))
    }

    /// The adjoint of a linear map that is given by a symbol and its image.
    pub fn transposed_map(&self, symbol: Id, image: Id) -> (Id, Id) {
        let kind = self.kind(image);
        let cotangent = self.symbol(kind);
        let adjoint = crate::differentiate::reverse(self, &[(image, cotangent)], &[symbol]);
        let zero = || self.expr(symbol).zero().id;
        (cotangent, adjoint[0].unwrap_or_else(zero))
    }

    fn elementwise(&self, op: Op, args: &[Id]) -> Id {
        // A matrix with one value everywhere acts like that value; a function of such is such.
        let filled = |a: &Id| self.op(*a) == Op::Fill;
        if args.iter().any(filled) {
            let plain: Vec<Id> = args
                .iter()
                .map(|a| if filled(a) { self.args(*a)[0] } else { *a })
                .collect();
            let value = self.apply(op, &plain);
            return match args.iter().find_map(|a| self.shape(*a)) {
                Some(shape) if self.kind(value).shape.is_none() => self.fill(value, &shape),
                _ => value,
            };
        }
        self.apply(op, args)
    }

    fn fill(&self, value: Id, shape: &Shape) -> Id {
        if self.kind(value).elem == Elem::Bool {
            return value;
        }
        self.insert(Op::Fill, vec![value], Kind::matrix(shape.clone()))
    }

    /// Reads a value as a product of powers; large ones are a single factor.
    fn product_of(&self, id: Id) -> Product {
        let mut product = Product::one();
        if self.read_product(id, 1, &mut product, 6) && product.factors.len() <= READ_THROUGH {
            product
        } else {
            Product {
                coefficient: 1.0,
                factors: vec![(id, 1)],
            }
        }
    }

    fn read_product(&self, id: Id, exponent: i32, into: &mut Product, depth: usize) -> bool {
        let args = self.args(id);
        let atom = |into: &mut Product| {
            into.multiply(id, exponent);
            into.factors.len() <= READ_THROUGH
                && into
                    .factors
                    .iter()
                    .all(|f| f.1.unsigned_abs() <= LARGEST_EXPONENT)
        };
        if depth == 0 {
            return atom(into);
        }
        match self.op(id) {
            Op::Const(bits) => {
                let value = f64::from_bits(bits);
                let quotient = into.coefficient / value;
                if exponent > 0 && exponent < 4 {
                    (0..exponent).for_each(|_| into.coefficient *= value);
                    true
                } else if exponent == -1
                    && value != 0.0
                    && quotient.mul_add(value, -into.coefficient) == 0.0
                {
                    // Only an exact quotient is folded: 1/3 reads worse, and rounds once more.
                    into.coefficient = quotient;
                    true
                } else {
                    atom(into)
                }
            }
            Op::Scalar(Scalar::Neg) => {
                if exponent % 2 != 0 {
                    into.coefficient = -into.coefficient;
                }
                self.read_product(args[0], exponent, into, depth - 1)
            }
            // (x y)⁵ stays: x⁵ and y⁵ may overflow and underflow where it does not.
            Op::Scalar(Scalar::Mul) if exponent.abs() <= 2 => args
                .iter()
                .all(|a| self.read_product(*a, exponent, into, depth - 1)),
            Op::Scalar(Scalar::Div) if exponent.abs() <= 2 => {
                self.read_product(args[0], exponent, into, depth - 1)
                    && self.read_product(args[1], -exponent, into, depth - 1)
            }
            Op::Scalar(Scalar::Recip) => self.read_product(args[0], -exponent, into, depth - 1),
            Op::PowI(n)
                if n.unsigned_abs() <= LARGEST_EXPONENT
                    && n != 0
                    && n.saturating_mul(exponent).unsigned_abs() <= LARGEST_EXPONENT =>
            {
                self.read_product(args[0], n * exponent, into, depth - 1)
            }
            // √x √x = x where √x is defined.
            Op::Scalar(Scalar::Sqrt) if exponent % 2 == 0 => {
                self.read_product(args[0], exponent / 2, into, depth - 1)
            }
            _ => atom(into),
        }
    }

    fn build_product(&self, mut product: Product) -> Id {
        self.use_logistic(&mut product);
        self.combine_logistic(&mut product);
        self.combine_log_det(&mut product);
        self.combine_quotients(&mut product);
        if product.coefficient == 0.0 {
            return self.constant(0.0);
        }
        // Only a quotient of two constants is folded, since x / 3 reads better than 0.333… x.
        if product.coefficient.abs() != 1.0
            && let Some(at) = product
                .factors
                .iter()
                .position(|f| f.1 == -1 && self.const_of(f.0).is_some())
        {
            let (divisor, _) = product.factors.remove(at);
            product.coefficient /= self.const_of(divisor).unwrap_or(1.0);
        }
        let scalars_first = |f: &(Id, i32)| self.is_matrix(f.0);
        product.factors.sort_by_key(|f| (scalars_first(f), f.0));
        let power = |(base, exponent): (Id, i32)| match exponent {
            1 => base,
            2 => self.elementwise(Op::Scalar(Scalar::Mul), &[base, base]),
            n => self.elementwise(Op::PowI(n), &[base]),
        };
        let side = |wanted: fn(i32) -> bool, sign: i32, matrices: bool| {
            product
                .factors
                .iter()
                .filter(|f| wanted(f.1) && self.is_matrix(f.0) == matrices)
                .map(|f| power((f.0, f.1 * sign)))
                .reduce(|a, b| self.elementwise(Op::Scalar(Scalar::Mul), &[a, b]))
        };
        // The scalar part first, so that a matrix is scaled once.
        let mut coefficient = product.coefficient;
        let part = |matrices: bool, coefficient: f64| {
            let above = side(|e| e > 0, 1, matrices);
            let below = side(|e| e < 0, -1, matrices);
            let above = match (above, coefficient) {
                (above, 1.0) => above,
                (Some(above), c) => Some(self.scaled(c, above)),
                (None, c) => Some(self.constant(c)),
            };
            match (above, below) {
                (None, None) => None,
                (Some(above), None) => Some(above),
                (above, Some(below)) => {
                    let above = above.unwrap_or_else(|| self.constant(1.0));
                    Some(self.elementwise(Op::Scalar(Scalar::Div), &[above, below]))
                }
            }
        };
        let has_scalars = product.factors.iter().any(|f| !self.is_matrix(f.0));
        let scalars = if has_scalars {
            part(false, coefficient)
        } else {
            None
        };
        if has_scalars {
            coefficient = 1.0;
        }
        let matrices = part(true, coefficient);
        match (scalars, matrices) {
            (Some(s), Some(m)) => match (self.op(s), self.op(m)) {
                // s · (1 / m) is s / m
                (_, Op::Scalar(Scalar::Div)) if self.const_of(self.args(m)[0]) == Some(1.0) => {
                    self.elementwise(Op::Scalar(Scalar::Div), &[s, self.args(m)[1]])
                }
                // (1 / s) · m is m / s
                (Op::Scalar(Scalar::Div), _) if self.const_of(self.args(s)[0]) == Some(1.0) => {
                    self.elementwise(Op::Scalar(Scalar::Div), &[m, self.args(s)[1]])
                }
                _ => self.elementwise(Op::Scalar(Scalar::Mul), &[s, m]),
            },
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) => self.constant(product.coefficient),
        }
    }

    /// A quotient of numbers that the user computed is there to be used.
    fn combine_quotients(&self, product: &mut Product) {
        let numbers = |wanted: fn(i32) -> bool| -> Vec<Id> {
            let is_number = |f: &&(Id, i32)| wanted(f.1) && !self.is_matrix(f.0);
            product
                .factors
                .iter()
                .filter(is_number)
                .map(|f| f.0)
                .collect()
        };
        for (above, below) in numbers(|e| e > 0)
            .into_iter()
            .flat_map(|a| numbers(|e| e < 0).into_iter().map(move |b| (a, b)))
            .collect::<Vec<_>>()
        {
            let exponent = |id: Id| {
                let factor = product.factors.iter().find(|f| f.0 == id);
                factor.map_or(0, |f| f.1)
            };
            let times = exponent(above).min(-exponent(below));
            let op = Op::Scalar(Scalar::Div);
            if times > 0
                && let Some(quotient) = self.find(op, vec![above, below], Kind::SCALAR)
                && quotient.0 < self.user_nodes.get()
            {
                product.multiply(above, -times);
                product.multiply(below, times);
                product.multiply(quotient, times);
            }
        }
    }

    /// `σ = 1 / (1 + eᵗ)` that the user computed is there to be used, and its slope `eᵗ / (1 + eᵗ)²` is `σ (1 − σ)`.
    fn use_logistic(&self, product: &mut Product) {
        for (below, exponent) in product.factors.clone() {
            let Some((logistic, e)) = self.logistic_of(below).filter(|_| exponent < 0) else {
                continue;
            };
            let rises = product.factors.iter().any(|f| f.0 == e && f.1 > 0);
            if rises && exponent == -1 {
                continue;
            }
            product.multiply(below, -exponent);
            product.multiply(logistic, -exponent);
            if rises {
                product.multiply(e, -1);
                product.multiply(logistic, -1);
                product.multiply((1.0 - self.expr(logistic)).id, 1);
            }
        }
    }

    /// What the user computed as 1 over this, which is 1 + eᵗ; and eᵗ.
    fn logistic_of(&self, below: Id) -> Option<(Id, Id)> {
        let args = self.args(below);
        let is_exp = |a: &Id| self.op(*a) == Op::Scalar(Scalar::Exp);
        let is_one = |a: &Id| self.uniform_const(*a) == Some(1.0);
        if self.op(below) != Op::Scalar(Scalar::Add) || !args.iter().any(is_one) {
            return None;
        }
        let e = args.iter().copied().find(is_exp)?;
        let op = Op::Scalar(Scalar::Div);
        let quotient = self.find(op, vec![self.constant(1.0), below], self.kind(below));
        let own = quotient.filter(|id| id.0 < self.user_nodes.get());
        own.map(|logistic| (logistic, e))
    }

    /// `eᵗ / (1 + eᵗ)` is `1 / (1 + e⁻ᵗ)`, which does not overflow. Where eᵗ is there already, or stays, e⁻ᵗ is
    /// its reciprocal; otherwise it is computed instead.
    fn combine_logistic(&self, product: &mut Product) {
        let found = product
            .factors
            .iter()
            .filter(|f| f.1 > 0)
            .find_map(|&(e, _)| {
                let Op::Scalar(Scalar::Exp) = self.op(e) else {
                    return None;
                };
                let &(below, exponent) = product.factors.iter().find(|f| {
                    let args = self.args(f.0);
                    f.1 < 0
                        && matches!(self.op(f.0), Op::Scalar(Scalar::Add))
                        && args.contains(&e)
                        && args.iter().any(|a| self.uniform_const(*a) == Some(1.0))
                })?;
                Some((e, below, exponent))
            });
        if let Some((e, below, exponent)) = found {
            product.multiply(e, -1);
            product.multiply(below, 1);
            let e = self.expr(e);
            let stays = exponent < -1;
            let inverse = if stays || self.keeps_value.get() {
                e.real(1.0) / e
            } else {
                (-self.expr(self.args(e.id)[0])).exp()
            };
            product.multiply((1.0 + inverse).id, -1);
        }
    }

    /// `cof A / det A` is `A⁻ᵀ`; to 3 by 3 the quotient is cheaper where the determinant is there already.
    fn combine_log_det(&self, product: &mut Product) {
        let found = product
            .factors
            .iter()
            .filter(|f| f.1 == 1)
            .find_map(|&(c, _)| {
                let Op::Cofactors = self.op(c) else {
                    return None;
                };
                let matrix = self.args(c)[0];
                if self.keeps_value.get()
                    && self
                        .shape(matrix)
                        .and_then(|s| s.entries())
                        .is_some_and(|n| n <= 9)
                {
                    return None;
                }
                let det = product.factors.iter().find(|f| {
                    f.1 < 0
                        && matches!(self.op(f.0), Op::Determinant | Op::LuDeterminant)
                        && self.expr(self.args(f.0)[0]).factored().id == matrix
                })?;
                Some((c, det.0, matrix))
            });
        if let Some((cofactors, det, matrix)) = found {
            product.multiply(cofactors, -1);
            product.multiply(det, 1);
            product.multiply(self.apply(Op::InverseTranspose, &[matrix]), 1);
        }
    }

    fn scaled(&self, coefficient: f64, value: Id) -> Id {
        if let Some(c) = self.const_of(value) {
            return self.constant(coefficient * c);
        }
        if coefficient != 1.0 {
            // Into a part or a choice: the rest stays zero.
            let args = self.args(value);
            match self.op(value) {
                Op::Scatter(part) => {
                    let at: Vec<Expr> = args[1..].iter().map(|i| self.expr(*i)).collect();
                    return self
                        .expr(self.scaled(coefficient, args[0]))
                        .scatter(&part, self.shape(value), &at)
                        .id;
                }
                Op::Select
                    if args[1..]
                        .iter()
                        .any(|a| self.uniform_const(*a) == Some(0.0)) =>
                {
                    return self.select(
                        args[0],
                        self.scaled(coefficient, args[1]),
                        self.scaled(coefficient, args[2]),
                    );
                }
                Op::Fill => {
                    return self.fill(
                        self.scaled(coefficient, args[0]),
                        &self.shape(value).unwrap_or(Shape::fixed(1, 1)),
                    );
                }
                _ => {}
            }
        }
        match coefficient {
            1.0 => value,
            -1.0 => self.elementwise(Op::Scalar(Scalar::Neg), &[value]),
            c if c < 0.0 && self.op(value) == Op::Scalar(Scalar::Neg) => {
                self.scaled(-c, self.args(value)[0])
            }
            c => self.elementwise(Op::Scalar(Scalar::Mul), &[self.constant(c), value]),
        }
    }

    /// The coefficient in front of a value, and what it multiplies.
    fn split_coefficient(&self, id: Id) -> (f64, Id) {
        let args = self.args(id);
        match self.op(id) {
            Op::Scalar(Scalar::Neg) => {
                let (c, rest) = self.split_coefficient(args[0]);
                (-c, rest)
            }
            Op::Scalar(Scalar::Mul) => match (self.const_of(args[0]), self.const_of(args[1])) {
                (Some(c), None) => (c, args[1]),
                (None, Some(c)) => (c, args[0]),
                _ => {
                    let ((a, x), (b, y)) = (self.split_minus(args[0]), self.split_minus(args[1]));
                    if x == args[0] && y == args[1] {
                        (1.0, id)
                    } else {
                        (a * b, self.elementwise(Op::Scalar(Scalar::Mul), &[x, y]))
                    }
                }
            },
            Op::Scalar(Scalar::Div) => match self.const_of(args[0]) {
                Some(1.0) => (1.0, id),
                Some(c) => (
                    c,
                    self.elementwise(Op::Scalar(Scalar::Div), &[self.constant(1.0), args[1]]),
                ),
                None => {
                    let (c, rest) = self.split_coefficient(args[0]);
                    let (d, below) = self.split_minus(args[1]);
                    if c * d == 1.0 && rest == args[0] {
                        (1.0, id)
                    } else {
                        (
                            c * d,
                            self.elementwise(Op::Scalar(Scalar::Div), &[rest, below]),
                        )
                    }
                }
            },
            _ => (1.0, id),
        }
    }

    /// A minus sign in front of a value, and the value without it.
    fn split_minus(&self, id: Id) -> (f64, Id) {
        match self.op(id) {
            Op::Scalar(Scalar::Neg) => {
                let (c, rest) = self.split_minus(self.args(id)[0]);
                (-c, rest)
            }
            _ => (1.0, id),
        }
    }

    fn mul(&self, a: Id, b: Id) -> Id {
        for (x, y) in [(a, b), (b, a)] {
            match self.uniform_const(x) {
                Some(0.0) => return self.zero_like(&[a, b]),
                Some(1.0) if self.shape(x).is_none() || self.is_matrix(y) => return y,
                _ => {}
            }
            if let Op::Fill = self.op(x) {
                let value = self.args(x)[0];
                let shape = self.shape(x);
                let product = self.mul(value, y);
                return if self.is_matrix(y) {
                    product
                } else {
                    self.fill(product, &shape.unwrap_or(Shape::fixed(1, 1)))
                };
            }
            // Into a choice, where one side stays zero or both stay simple: the other side is then not evaluated.
            if let Op::Select = self.op(x) {
                let [c, p, q] = self.args(x)[..] else {
                    continue;
                };
                let simple = |v: Id| self.uniform_const(v).is_some();
                let zero = |v: Id| self.uniform_const(v) == Some(0.0);
                if zero(p)
                    || zero(q)
                    || (simple(p) && simple(q))
                    || (simple(p) && self.op(q) == Op::Select)
                {
                    return self.select(c, self.mul(p, y), self.mul(q, y));
                }
            }
            // Into a part: the rest stays zero.
            if let Op::Scatter(part) = self.op(x) {
                let args = self.args(x);
                let shape = self.shape(x);
                let y = self.expr(y);
                let at: Vec<Expr> = args[1..].iter().map(|i| self.expr(*i)).collect();
                let y_part = if self.is_matrix(y.id) {
                    y.part(&part, &at)
                } else {
                    y
                };
                let value = self.mul(args[0], y_part.id);
                return self.expr(value).scatter(&part, shape, &at).id;
            }
        }
        let (mut pa, mut pb) = (self.product_of(a), self.product_of(b));
        self.use_logistic(&mut pa);
        self.use_logistic(&mut pb);
        let shared = pa
            .factors
            .iter()
            .any(|f| pb.factors.iter().any(|g| g.0 == f.0))
            || (pa.factors.is_empty() || pb.factors.is_empty());
        let mut product = pa.clone();
        product.coefficient *= pb.coefficient;
        for &(base, exponent) in &pb.factors {
            product.multiply(base, exponent);
        }
        let mut combined = product.clone();
        self.use_logistic(&mut combined);
        self.combine_logistic(&mut combined);
        self.combine_log_det(&mut combined);
        let within = product
            .factors
            .iter()
            .all(|f| f.1.unsigned_abs() <= LARGEST_EXPONENT);
        if (shared || combined != product) && within {
            let value = self.build_product(product);
            return self.as_shape_of(value, &[a, b]);
        }
        // Nothing combines: keep both as they are, since others may use them, with one coefficient in front.
        let ((ca, a), (cb, b)) = (self.split_coefficient(a), self.split_coefficient(b));
        let value = self.plain_product(a, b);
        self.scaled_into(ca * cb, value)
    }

    /// A coefficient in front of a product goes to its scalar factor, if it has one.
    fn scaled_into(&self, coefficient: f64, value: Id) -> Id {
        if coefficient == 1.0 || coefficient == -1.0 || !self.is_matrix(value) {
            return self.distributed(coefficient, value);
        }
        if let (Op::Scalar(Scalar::Mul), args) = (self.op(value), self.args(value))
            && let Some(i) = args.iter().position(|a| !self.is_matrix(*a))
        {
            let scalar = self.scaled(coefficient, args[i]);
            return self.elementwise(Op::Scalar(Scalar::Mul), &[scalar, args[1 - i]]);
        }
        self.scaled(coefficient, value)
    }

    /// A coefficient goes into a sum where every term has one already: 9 (1 + 2x) is 9 + 18x.
    fn distributed(&self, coefficient: f64, value: Id) -> Id {
        if coefficient != 1.0
            && coefficient != -1.0
            && matches!(self.op(value), Op::Scalar(Scalar::Add | Scalar::Sub))
            && !self.is_matrix(value)
        {
            let terms = self.terms_of(value);
            let has_one = |t: &(f64, Id)| t.0.abs() != 1.0 || self.const_of(t.1).is_some();
            if terms.len() > 1 && terms.iter().all(has_one) {
                let scaled = terms
                    .iter()
                    .map(|t| self.expr(self.scaled(coefficient * t.0, t.1)))
                    .reduce(|a, b| a + b);
                if let Some(sum) = scaled {
                    return sum.id;
                }
            }
        }
        self.scaled(coefficient, value)
    }

    fn plain_product(&self, a: Id, b: Id) -> Id {
        for (x, y) in [(a, b), (b, a)] {
            let args = self.args(y);
            match self.op(y) {
                // s (t M) = (s t) M: one pass over the matrix
                Op::Scalar(Scalar::Mul) if !self.is_matrix(x) && self.is_matrix(y) => {
                    if let Some(i) = args.iter().position(|a| !self.is_matrix(*a)) {
                        let scalar = self.mul(x, args[i]);
                        return self.elementwise(Op::Scalar(Scalar::Mul), &[scalar, args[1 - i]]);
                    }
                }
                // x (n / d) = x n / d
                Op::Scalar(Scalar::Div)
                    if self.const_of(args[0]) == Some(1.0)
                        && self.logistic_of(args[1]).is_none() =>
                {
                    return self.elementwise(Op::Scalar(Scalar::Div), &[x, args[1]]);
                }
                _ => {}
            }
        }
        self.elementwise(Op::Scalar(Scalar::Mul), &[a, b])
    }

    fn as_shape_of(&self, value: Id, like: &[Id]) -> Id {
        match like.iter().find_map(|id| {
            if self.is_matrix(*id) {
                self.shape(*id)
            } else {
                None
            }
        }) {
            Some(shape) if !self.is_matrix(value) => self.fill(value, &shape),
            _ => value,
        }
    }

    fn zero_like(&self, like: &[Id]) -> Id {
        self.as_shape_of(self.constant(0.0), like)
    }

    /// Reads a value as a sum of terms with coefficients.
    fn terms_of(&self, id: Id) -> Vec<(f64, Id)> {
        let mut terms = Vec::new();
        if self.read_terms(id, 1.0, &mut terms, 6) {
            terms
        } else {
            vec![(1.0, id)]
        }
    }

    fn read_terms(
        &self,
        id: Id,
        coefficient: f64,
        into: &mut Vec<(f64, Id)>,
        depth: usize,
    ) -> bool {
        let args = self.args(id);
        match self.op(id) {
            // A matrix that the user computed is there to be used.
            Op::Scalar(Scalar::Add | Scalar::Sub)
                if self.is_matrix(id) && id.0 < self.user_nodes.get() =>
            {
                into.push((coefficient, id));
                into.len() <= READ_THROUGH
            }
            Op::Scalar(Scalar::Add) if depth > 0 => args
                .iter()
                .all(|a| self.read_terms(*a, coefficient, into, depth - 1)),
            Op::Scalar(Scalar::Sub) if depth > 0 => {
                self.read_terms(args[0], coefficient, into, depth - 1)
                    && self.read_terms(args[1], -coefficient, into, depth - 1)
            }
            Op::Scalar(Scalar::Neg) if depth > 0 => {
                self.read_terms(args[0], -coefficient, into, depth - 1)
            }
            Op::Const(bits) => {
                into.push((coefficient * f64::from_bits(bits), self.constant(1.0)));
                true
            }
            _ => {
                let (c, rest) = self.split_coefficient(id);
                into.push((coefficient * c, rest));
                into.len() <= READ_THROUGH
            }
        }
    }

    /// The sum of values, like terms combined.
    pub fn sum_of(&self, values: &[Id]) -> Id {
        let Some((&first, rest)) = values.split_first() else {
            return self.constant(0.0);
        };
        if rest.is_empty() {
            return first;
        }
        let others: Vec<Id> = values
            .iter()
            .copied()
            .filter(|v| self.uniform_const(*v) != Some(0.0))
            .collect();
        // A number plus a matrix of zeros is a matrix.
        if others.len() < values.len() {
            let sum = if others.is_empty() {
                first
            } else {
                self.sum_of(&others)
            };
            return self.as_shape_of(sum, values);
        }
        let values = others;
        // Choices on the same condition, and parts at the same place, are added within.
        let mut places: HashMap<(Op, Vec<Id>), usize> = HashMap::new();
        for (i, value) in values.iter().enumerate() {
            let (mut op, args) = (self.op(*value), self.args(*value));
            let place = match (&op, self.solution(*value)) {
                (Op::Select, _) => args[..1].to_vec(),
                (Op::Scatter(_), _) => args[1..].to_vec(),
                (Op::Transpose | Op::FoldLower, _) => Vec::new(),
                (_, Some((solution, _))) => {
                    op = self.op(solution);
                    self.args(solution)[..1].to_vec()
                }
                _ => continue,
            };
            let j = *places.entry((op.clone(), place)).or_insert(i);
            if i == j {
                continue;
            }
            let known = self.args(values[j]);
            let sum = |k: usize| self.sum_of(&[known[k], args[k]]);
            let merged = match op {
                Op::Select => {
                    let chosen = self.select(args[0], sum(1), sum(2));
                    self.choice_of_size(chosen, self.shape(*value).as_ref())
                }
                Op::Scatter(part) => {
                    let at: Vec<Expr> = args[1..].iter().map(|a| self.expr(*a)).collect();
                    let sum = self.expr(sum(0));
                    sum.scatter(&part, self.shape(*value), &at).id
                }
                Op::Transpose => self.expr(sum(0)).t().id,
                Op::FoldLower => self.expr(sum(0)).fold_lower().id,
                _ => match self.solved_together(values[j], *value) {
                    Some(solved) => solved,
                    None => continue,
                },
            };
            let mut rest = values.clone();
            rest.remove(i);
            rest[j] = merged;
            return self.sum_of(&rest);
        }
        if let Some(merged) = self
            .added_to_part(&values)
            .or_else(|| self.added_on_sides(&values))
        {
            return merged;
        }
        let plain = || {
            let sum = values.iter().copied().reduce(|a, b| self.plain_sum(a, b));
            sum.unwrap_or(first)
        };
        if values.len() > COMBINED {
            return plain();
        }
        let mut keyed: Vec<Term> = Vec::new();
        let mut count = 0;
        let mut combines = false;
        for &value in &values {
            for (coefficient, core) in self.terms_of(value) {
                let product = self.product_of(core);
                let coefficient = coefficient * product.coefficient;
                count += 1;
                match keyed.iter_mut().find(|k| k.0 == product.factors) {
                    Some(known) => {
                        known.1 += coefficient;
                        known.3 += 1;
                        combines = true;
                    }
                    None => keyed.push((product.factors, coefficient, core, 1)),
                }
            }
        }
        if keyed.len() > 1
            && count <= READ_THROUGH
            && let Some(factored) = self.factored_sum(&keyed)
        {
            return self.as_shape_of(factored, &values);
        }
        if !combines || count > COMBINED {
            return plain();
        }
        let mut terms: Vec<Id> = Vec::new();
        for (factors, coefficient, core, times) in keyed {
            if coefficient == 0.0 {
                continue;
            }
            // A term that met no like stays as it was; its own coefficient is inside it.
            let term = if times == 1 && !self.product_of(core).factors.is_empty() {
                let own = self.product_of(core).coefficient;
                self.scaled(coefficient / own, core)
            } else {
                self.build_product(Product {
                    coefficient,
                    factors,
                })
            };
            terms.push(self.as_shape_of(term, &values));
        }
        match terms.into_iter().reduce(|a, b| self.plain_sum(a, b)) {
            Some(sum) => self.as_shape_of(sum, &values),
            None => self.zero_like(&values),
        }
    }

    /// What is added at the place of a part that was changed is added to that part.
    fn added_to_part(&self, values: &[Id]) -> Option<Id> {
        let updated = values
            .iter()
            .position(|v| matches!(self.op(*v), Op::Update(_)))?;
        let (Op::Update(part), changed) = (self.op(values[updated]), self.args(values[updated]))
        else {
            return None;
        };
        let same =
            |v: &Id| self.op(*v) == Op::Scatter(part.clone()) && self.args(*v)[1..] == changed[2..];
        let added = values.iter().position(same)?;
        let sum = self.sum_of(&[changed[1], self.args(values[added])[0]]);
        let at: Vec<Expr> = changed[2..].iter().map(|a| self.expr(*a)).collect();
        let merged = self.expr(changed[0]).update(&part, self.expr(sum), &at).id;
        let mut rest = values.to_vec();
        rest[updated] = merged;
        rest.remove(added);
        Some(self.sum_of(&rest))
    }

    /// Parts that are added on the sides of a branch are added there, in place.
    fn added_on_sides(&self, values: &[Id]) -> Option<Id> {
        let at = values
            .iter()
            .position(|v| self.op(*v) == Op::Select && self.is_parts(*v))?;
        let args = self.args(values[at]);
        let mut rest = values.to_vec();
        rest.remove(at);
        // In a loop it is the variable that all sides add to; else one of them may be the first value.
        let carried = rest.iter().any(|v| matches!(self.op(*v), Op::Leaf(_)));
        let sides = &args[1..];
        let one_side = sides.iter().any(|a| self.expr(*a).is_zero());
        let nested = sides.iter().any(|a| self.op(*a) == Op::Select);
        if !carried && (!one_side || nested) {
            return None;
        }
        let rest = self.sum_of(&rest);
        if !self.is_matrix(rest) || self.expr(rest).is_zero() {
            return None;
        }
        let cond = args[0];
        let on_side = |part: Id, side: bool| {
            if self.expr(part).is_zero() {
                return rest;
            }
            self.guards.borrow_mut().push(Guard { cond, side });
            let sum = self.sum_of(&[rest, part]);
            self.guards.borrow_mut().pop();
            sum
        };
        let (a, b) = (on_side(args[1], true), on_side(args[2], false));
        Some(self.select(cond, a, b))
    }

    /// Whether a value has few entries that are not zero, or is added in place otherwise; on both sides, if it is that of
    /// a branch.
    fn is_parts(&self, id: Id) -> bool {
        let args = self.args(id);
        match self.op(id) {
            Op::Scatter(_) | Op::Update(_) => true,
            Op::Item(_) => matches!(self.op(args[0]), Op::Loop(_)),
            Op::Scalar(Scalar::Add) => {
                let scattered = |a: &Id| matches!(self.op(*a), Op::Scatter(_));
                args.iter().any(scattered)
            }
            Op::Select => {
                let whole = self.shape(args[0]).is_none() && self.is_matrix(id);
                let zero = |k: usize| self.expr(args[k]).is_zero();
                let parts = |k: usize| zero(k) || self.is_parts(args[k]);
                whole && parts(1) && parts(2)
            }
            _ => false,
        }
    }

    /// A solution that the macro built, and the number it is scaled by.
    fn solution(&self, id: Id) -> Option<(Id, Option<Id>)> {
        let (scalar, m) = self.expr(id).read_scalar();
        let solves = matches!(
            self.op(m.id),
            Op::LuSolve(_)
                | Op::LuTrSolve
                | Op::CholeskySolve
                | Op::CholeskyTangent
                | Op::CholeskyAdjoint
        );
        (solves && m.id.0 >= self.user_nodes.get()).then_some((m.id, scalar.map(|s| s.id)))
    }

    /// Two solutions by one factorisation are one solution of the sum of their right sides. What the user solved is
    /// there to be used.
    fn solved_together(&self, a: Id, b: Id) -> Option<Id> {
        let right_side = |(solution, scalar): (Id, Option<Id>)| {
            let right_side = self.expr(self.args(solution)[1]);
            (
                solution,
                right_side.scaled_by([scalar.map(|s| self.expr(s)), None]),
            )
        };
        let ((a, of_a), (b, of_b)) = (right_side(self.solution(a)?), right_side(self.solution(b)?));
        let one = self.op(a) == self.op(b) && self.args(a)[0] == self.args(b)[0];
        one.then(|| {
            let factor = self.expr(self.args(a)[0]);
            self.applied(&self.op(a), &[factor, of_a + of_b], &self.kind(a))
                .id
        })
    }

    /// `c + 2 c x` as `c (1 + 2 x)`: fewer products, and `c` is read once.
    fn factored_sum(&self, terms: &[Term]) -> Option<Id> {
        let (first, rest) = terms.split_first()?;
        let common: Vec<(Id, i32)> = first
            .0
            .iter()
            .filter(|f| self.const_of(f.0).is_none())
            .filter_map(|f| {
                let exponents: Option<Vec<i32>> = rest
                    .iter()
                    .map(|t| t.0.iter().find(|g| g.0 == f.0).map(|g| g.1))
                    .collect();
                let exponents = exponents?;
                let all = || exponents.iter().copied().chain([f.1]);
                let shared = if f.1 > 0 { all().min()? } else { all().max()? };
                (shared.signum() == f.1.signum()).then_some((f.0, shared))
            })
            .collect();
        if common.is_empty() {
            return None;
        }
        let remainders: Vec<Id> = terms
            .iter()
            .map(|(factors, coefficient, ..)| {
                let mut product = Product {
                    coefficient: *coefficient,
                    factors: factors.clone(),
                };
                common
                    .iter()
                    .for_each(|(base, exponent)| product.multiply(*base, -exponent));
                self.build_product(product)
            })
            .collect();
        let sum = self.sum_of(&remainders);
        let common = self.build_product(Product {
            coefficient: 1.0,
            factors: common,
        });
        Some(self.mul(common, sum))
    }

    fn plain_sum(&self, a: Id, b: Id) -> Id {
        if let (Some(x), Some(y)) = (self.const_of(a), self.const_of(b)) {
            return self.constant(x + y);
        }
        let ((ca, pa), (cb, pb)) = (self.split_sign(a), self.split_sign(b));
        match (ca, cb) {
            (false, true) => self.elementwise(Op::Scalar(Scalar::Sub), &[a, pb]),
            (true, false) => self.elementwise(Op::Scalar(Scalar::Sub), &[b, pa]),
            (true, true) => {
                let sum = self.elementwise(Op::Scalar(Scalar::Add), &[pa, pb]);
                self.scaled(-1.0, sum)
            }
            (false, false) => self.elementwise(Op::Scalar(Scalar::Add), &[a, b]),
        }
    }

    /// Whether a value has a minus sign in front, and the value without it.
    fn split_sign(&self, id: Id) -> (bool, Id) {
        if let Some(c) = self.const_of(id) {
            return if c < 0.0 {
                (true, self.constant(-c))
            } else {
                (false, id)
            };
        }
        match self.split_coefficient(id) {
            (c, rest) if c < 0.0 => (true, self.scaled_into(-c, rest)),
            _ => (false, id),
        }
    }

    /// The value with another one in place of `from`, within a chain of sums and products.
    fn replace(&self, value: Id, from: Id, to: Id, depth: usize) -> Id {
        if value == from {
            return to;
        }
        let (
            Op::Scalar(
                function @ (Scalar::Add | Scalar::Sub | Scalar::Mul | Scalar::Div | Scalar::Neg),
            ),
            true,
        ) = (self.op(value), depth > 0)
        else {
            return value;
        };
        let args = self.args(value);
        let new: Vec<Id> = args
            .iter()
            .map(|a| self.replace(*a, from, to, depth - 1))
            .collect();
        if new[..] == args[..] {
            value
        } else {
            self.elementwise(Op::Scalar(function), &new)
        }
    }

    /// A value that does not depend on the condition, where that is entry by entry.
    fn over(&self, cond: Id, value: Id) -> Id {
        match self.shape(cond) {
            Some(shape) if !self.is_matrix(value) => self.fill(value, &shape),
            _ => value,
        }
    }

    /// A choice between matrices as one of this size.
    pub fn choice_of_size(&self, id: Id, shape: Option<&Shape>) -> Id {
        let (Op::Select, Some(own), Some(shape)) = (self.op(id), self.shape(id), shape) else {
            return id;
        };
        let args = self.args(id);
        if own == *shape || !own.same_type(shape) || self.shape(args[0]).is_some() {
            return id;
        }
        self.insert(Op::Select, args.to_vec(), Kind::matrix(shape.clone()))
    }

    fn select(&self, cond: Id, a: Id, b: Id) -> Id {
        if a == b {
            return self.over(cond, a);
        }
        let side = |v: Id, side: usize| match self.op(v) {
            Op::Select if self.args(v)[0] == cond => self.args(v)[side],
            _ => v,
        };
        let (a, b) = (side(a, 1), side(b, 2));
        if a == b {
            return self.over(cond, a);
        }
        // Where a > b, max(a, b) is a.
        let a = match (self.op(cond), self.keeps_value.get()) {
            (Op::Compare(Comparison::Gt), false) => {
                let [x, y] = self.args(cond)[..] else {
                    return a;
                };
                let larger = self.elementwise(Op::Scalar(Scalar::Max), &[x, y]);
                let swapped = self.elementwise(Op::Scalar(Scalar::Max), &[y, x]);
                let a = self.replace(a, larger, x, 6);
                self.replace(a, swapped, x, 6)
            }
            _ => a,
        };
        // Zero is the shape of the other side already, entry by entry.
        let shape = joint(self, &[cond, a, b]);
        let plain = |v: Id| match (
            self.op(v),
            self.kind(cond).shape.is_some() || self.is_matrix(a) && self.is_matrix(b),
        ) {
            (Op::Fill, true) if self.kind(cond).shape.is_some() => self.args(v)[0],
            _ => v,
        };
        let (a, b) = (plain(a), plain(b));
        // Where there are no records, a zero stands for them.
        let records = |id: Id| self.kind(id).elem == Elem::Records;
        let elem = if records(b) {
            Elem::Records
        } else {
            self.kind(a).elem
        };
        self.insert(Op::Select, vec![cond, a, b], Kind { elem, shape })
    }
}

fn joint(graph: &Graph, ids: &[Id]) -> Option<Shape> {
    let kinds: Vec<Kind> = ids.iter().map(|id| graph.kind(*id)).collect();
    kind(&Op::Scalar(Scalar::Add), &kinds).and_then(|k| k.shape)
}

/// What a partial derivative may be written as: a value or a number.
pub trait Partial<'g> {
    fn into_expr(self, graph: &'g Graph) -> Expr<'g>;
}

impl<'g> Partial<'g> for Expr<'g> {
    fn into_expr(self, _: &'g Graph) -> Expr<'g> {
        self
    }
}

impl<'g> Partial<'g> for f64 {
    fn into_expr(self, graph: &'g Graph) -> Expr<'g> {
        graph.real(self)
    }
}

macro_rules! scalar_methods {
    ($($name:ident $variant:ident ($($arg:ident),*);)*) => {
        impl<'g> Expr<'g> {
            $(pub fn $name(self $(, $arg: Expr<'g>)*) -> Expr<'g> {
                self.function(Scalar::$variant, &[$($arg),*])
            })*
        }
    };
}

scalar_methods! {
    sin Sin (); cos Cos (); sinh Sinh (); cosh Cosh (); exp Exp (); ln Ln (); sqrt Sqrt (); trunc Trunc ();
    sign Sign (); signum Signum (); recip_or_zero RecipOrZero ();
    hypot Hypot (other); div_euclid DivEuclid (other); min Min (other);
}

impl<'g> Expr<'g> {
    fn with(self, id: Id) -> Self {
        Expr {
            graph: self.graph,
            id,
        }
    }

    fn op1(self, op: Op) -> Self {
        self.with(self.graph.apply(op, &[self.id]))
    }

    fn op2(self, op: Op, other: Self) -> Self {
        self.with(self.graph.apply(op, &[self.id, other.id]))
    }

    fn function(self, function: Scalar, rest: &[Self]) -> Self {
        let args: Vec<Id> = std::iter::once(self.id)
            .chain(rest.iter().map(|e| e.id))
            .collect();
        self.with(self.graph.elementwise(Op::Scalar(function), &args))
    }

    pub fn shape(self) -> Option<Shape> {
        self.graph.shape(self.id)
    }

    pub fn real(self, value: f64) -> Self {
        self.graph.real(value)
    }

    pub fn like(self, partial: impl Partial<'g>) -> Self {
        partial.into_expr(self.graph)
    }

    /// A tangent of zero; that of a factorisation is one of its matrix.
    pub fn zero(self) -> Self {
        self.real(0.0).fill(self.shape())
    }

    pub fn is_zero(self) -> bool {
        self.graph.uniform_const(self.id) == Some(0.0)
    }

    fn is_matrix(self) -> bool {
        self.graph.is_matrix(self.id)
    }

    fn is_identity(self) -> bool {
        self.graph.op(self.id) == Op::Identity
    }

    pub fn powf(self, p: Self) -> Self {
        match self.graph.const_of(p.id) {
            Some(c) if c.fract() == 0.0 && c.abs() <= f64::from(LARGEST_EXPONENT) => {
                self.powi(c as i32)
            }
            _ => self.function(Scalar::Powf, &[p]),
        }
    }

    pub fn powi(self, n: i32) -> Self {
        if n == 0 {
            return self.with(self.graph.as_shape_of(self.graph.constant(1.0), &[self.id]));
        }
        if n.unsigned_abs() > LARGEST_EXPONENT {
            return self.with(self.graph.elementwise(Op::PowI(n), &[self.id]));
        }
        let mut product = Product::one();
        if self.graph.read_product(self.id, n, &mut product, 6) {
            self.with(
                self.graph
                    .as_shape_of(self.graph.build_product(product), &[self.id]),
            )
        } else {
            self.with(self.graph.elementwise(Op::PowI(n), &[self.id]))
        }
    }

    /// A derivative of a function that has companions.
    pub fn apply_call(self, op: Op, args: &[Self]) -> Self {
        let args: Vec<Id> = args.iter().map(|a| a.id).collect();
        self.with(self.graph.elementwise(op, &args))
    }

    pub fn powi_slope(self, n: Self, order: u32) -> Self {
        self.with(self.graph.apply(Op::PowIntSlope(order), &[self.id, n.id]))
    }

    pub fn greater(self, other: Self) -> Self {
        self.with(
            self.graph
                .elementwise(Op::Compare(Comparison::Gt), &[self.id, other.id]),
        )
    }

    pub fn equals(self, value: f64) -> Self {
        let value = self.real(value);
        match self.graph.const_of(self.id) {
            Some(_) => self.with(
                self.graph
                    .apply(Op::Compare(Comparison::Eq), &[self.id, value.id]),
            ),
            None => self.with(
                self.graph
                    .elementwise(Op::Compare(Comparison::Eq), &[self.id, value.id]),
            ),
        }
    }

    /// `if self { a } else { b }`
    pub fn choose(self, a: Self, b: Self) -> Self {
        match self.decided() {
            Some(true) => a,
            Some(false) => b,
            None => self.with(self.graph.select(self.id, a.id, b.id)),
        }
    }

    /// A value on one side of this condition, and zero on the other: of the size of what it is added to, as that of the
    /// value is known on its own side only.
    pub fn on_side(self, side: bool, value: Self, of: Self) -> Self {
        let (value, zero) = match (value.shape(), of.shape()) {
            (Some(own), Some(shape)) if own.same_type(&shape) => {
                let value = match (self.graph.op(value.id), self.graph.args(value.id)) {
                    (Op::Fill, args) => self.with(args[0]).fill(Some(shape.clone())),
                    _ => value,
                };
                (value, self.real(0.0).fill(Some(shape)))
            }
            _ => (value, value.zero()),
        };
        let chosen = if side {
            self.choose(value, zero)
        } else {
            self.choose(zero, value)
        };
        let shape = of.shape();
        self.with(self.graph.choice_of_size(chosen.id, shape.as_ref()))
    }

    pub fn and(self, other: Self) -> Self {
        match (self.decided(), other.decided()) {
            (Some(true), _) | (_, Some(false)) => other,
            (_, Some(true)) | (Some(false), _) => self,
            (None, None) => self.with(self.graph.elementwise(Op::And, &[self.id, other.id])),
        }
    }

    /// Whether a comparison of constants holds.
    pub fn decided(self) -> Option<bool> {
        let Op::Compare(comparison) = self.graph.op(self.id) else {
            return None;
        };
        let args = self.graph.args(self.id);
        let (x, y) = (self.graph.const_of(args[0])?, self.graph.const_of(args[1])?);
        Some(match comparison {
            Comparison::Lt => x < y,
            Comparison::Le => x <= y,
            Comparison::Gt => x > y,
            Comparison::Ge => x >= y,
            Comparison::Eq => x == y,
            Comparison::Ne => x != y,
        })
    }

    /// 1 where this argument of `max` or `min` is selected, 0 where `other` is; at a tie 0 if `other` is a
    /// constant, else one half.
    pub fn wins_over(self, other: Self, wins: Self) -> Self {
        let wins = wins.or_is_nan(other);
        let (zero, one) = (self.real(0.0), self.real(1.0));
        if !self.graph.varies(other.id) {
            return wins.choose(one, zero);
        }
        if !self.graph.varies(self.id) {
            return wins.choose(one, self.tie(other).choose(one, zero));
        }
        wins.choose(one, self.tie(other).choose(self.real(0.5), zero))
    }

    /// `p > q` as `!(p <= q)` where the value that loses may be NaN: `max` and `min` then select the other one.
    fn or_is_nan(self, other: Self) -> Self {
        let graph = self.graph;
        let known = graph.const_of(other.id).is_some_and(|c| !c.is_nan());
        match (graph.op(self.id), known) {
            (Op::Compare(Comparison::Gt), false) => {
                let loses = graph.elementwise(Op::Compare(Comparison::Le), &graph.args(self.id));
                self.with(graph.elementwise(Op::Not, &[loses]))
            }
            _ => self,
        }
    }

    fn tie(self, other: Self) -> Self {
        self.with(
            self.graph
                .elementwise(Op::Compare(Comparison::Eq), &[self.id, other.id]),
        )
    }

    pub fn fill(self, shape: Option<Shape>) -> Self {
        match shape {
            Some(shape) => self.with(self.graph.fill(self.id, &shape)),
            None => self,
        }
    }

    pub fn identity(self) -> Self {
        match self.shape() {
            Some(shape) => self.with(self.graph.insert(
                Op::Identity,
                Vec::new(),
                Kind::matrix(shape),
            )),
            None => self.real(1.0),
        }
    }

    fn size(self, dim: Dim) -> Self {
        match dim {
            Dim::Static(n) => self.real(n as f64),
            dim => self.with(self.graph.apply(Op::Size(dim), &[])),
        }
    }

    pub fn rows(self) -> Self {
        self.shape().map_or(self.real(1.0), |s| self.size(s.rows))
    }

    pub fn cols(self) -> Self {
        self.shape().map_or(self.real(1.0), |s| self.size(s.cols))
    }

    pub fn len(self) -> Self {
        self.rows() * self.cols()
    }

    /// A scalar factor in front of a matrix, and the matrix. It stays where it costs nothing: in a pass
    /// over the entries that is made anyway.
    fn split_scalar(self) -> (Option<Self>, Self) {
        let (scalar, m) = self.read_scalar();
        let made_anyway =
            self.graph.op(m.id).is_elementwise() && m.id.0 >= self.graph.user_nodes.get();
        if scalar.is_some() && (made_anyway || m.is_scaled_often()) {
            (None, self)
        } else {
            (scalar, m)
        }
    }

    /// What is scaled again and again is not read through: each reader would repeat all of the factors.
    fn is_scaled_often(self) -> bool {
        let mut m = self;
        (0..READ_THROUGH).all(|_| {
            let (scalar, inner) = m.read_scalar();
            m = inner;
            scalar.is_some()
        })
    }

    fn read_scalar(self) -> (Option<Self>, Self) {
        let args = self.graph.args(self.id);
        match self.graph.op(self.id) {
            Op::Scalar(Scalar::Neg) if self.is_matrix() => {
                let (s, m) = self.with(args[0]).read_scalar();
                (Some(-s.unwrap_or(self.real(1.0))), m)
            }
            Op::Scalar(Scalar::Mul) if self.is_matrix() => {
                match args.iter().position(|a| !self.graph.is_matrix(*a)) {
                    Some(i) => (Some(self.with(args[i])), self.with(args[1 - i])),
                    None => (None, self),
                }
            }
            Op::Scalar(Scalar::Div) if self.is_matrix() && !self.graph.is_matrix(args[1]) => {
                let (s, m) = self.with(args[0]).read_scalar();
                (Some(s.unwrap_or(self.real(1.0)) / self.with(args[1])), m)
            }
            _ => (None, self),
        }
    }

    fn scaled_by(self, scalars: [Option<Self>; 2]) -> Self {
        scalars
            .into_iter()
            .flatten()
            .reduce(|a, b| a * b)
            .map_or(self, |s| s * self)
    }

    pub fn sum(self) -> Self {
        if !self.is_matrix() {
            return self;
        }
        let (scalar, m) = self.split_scalar();
        if scalar.is_some() {
            return m.sum().scaled_by([scalar, None]);
        }
        let args = self.graph.args(self.id);
        match self.graph.op(self.id) {
            Op::Fill => self.with(args[0]) * self.len(),
            Op::Scatter(_) => self.with(args[0]).sum(),
            Op::Transpose => self.with(args[0]).sum(),
            Op::Scalar(Scalar::Mul) if args.iter().all(|a| self.graph.is_matrix(*a)) => {
                self.with(args[0]).dot(self.with(args[1]))
            }
            // s Σ a b: the product of matrices is read once, and not built.
            Op::Scalar(Scalar::Mul | Scalar::Div | Scalar::Neg)
                if self.read_scalar().1.is_product() =>
            {
                let (scalar, m) = self.read_scalar();
                m.sum().scaled_by([scalar, None])
            }
            _ => match self.graph.find(Op::Sum, vec![self.id], Kind::SCALAR) {
                Some(known) => self.with(known),
                _ => self.op1(Op::Total),
            },
        }
    }

    /// A product of two matrices, entry by entry.
    fn is_product(self) -> bool {
        self.graph.op(self.id) == Op::Scalar(Scalar::Mul)
            && self
                .graph
                .args(self.id)
                .iter()
                .all(|a| self.graph.is_matrix(*a))
    }

    pub fn mean(self) -> Self {
        self.op1(Op::Mean)
    }

    pub fn norm(self) -> Self {
        self.op1(Op::Norm)
    }

    pub fn row_sum(self) -> Self {
        self.op1(Op::RowSum)
    }

    pub fn column_sum(self) -> Self {
        self.op1(Op::ColumnSum)
    }

    pub fn spread_rows(self, shape: Option<Shape>) -> Self {
        self.spread(Op::SpreadRows, shape)
    }

    pub fn spread_columns(self, shape: Option<Shape>) -> Self {
        self.spread(Op::SpreadColumns, shape)
    }

    fn spread(self, op: Op, shape: Option<Shape>) -> Self {
        let Some(shape) = shape else { return self };
        if let Op::Fill = self.graph.op(self.id) {
            return self.with(self.graph.args(self.id)[0]).fill(Some(shape));
        }
        self.with(self.graph.insert(op, vec![self.id], Kind::matrix(shape)))
    }

    pub fn diagonal(self) -> Self {
        self.op1(Op::Diagonal)
    }

    pub fn to_diagonal(self, shape: Option<Shape>) -> Self {
        let Some(shape) = shape else { return self };
        self.with(
            self.graph
                .insert(Op::FromDiagonal, vec![self.id], Kind::matrix(shape)),
        )
    }

    pub fn dot(self, other: Self) -> Self {
        if !self.is_matrix() && !other.is_matrix() {
            return self * other;
        }
        let ((s, a), (t, b)) = (self.split_scalar(), other.split_scalar());
        if s.is_some() || t.is_some() {
            return a.dot(b).scaled_by([s, t]);
        }
        for (x, y) in [(a, b), (b, a)] {
            let args = self.graph.args(x.id);
            match self.graph.op(x.id) {
                Op::Fill => return self.with(args[0]) * y.sum(),
                Op::Identity => return y.op1(Op::Trace),
                Op::Scatter(part) => {
                    let at: Vec<Self> = args[1..].iter().map(|i| self.with(*i)).collect();
                    return self.with(args[0]).dot(y.part(&part, &at));
                }
                _ => {}
            }
        }
        self.op2(Op::Dot, other)
    }

    pub fn t(self) -> Self {
        let Some(shape) = self.shape() else {
            return self;
        };
        let (scalar, m) = self.split_scalar();
        if scalar.is_some() {
            return m.t().scaled_by([scalar, None]);
        }
        let args = self.graph.args(self.id);
        match self.graph.op(self.id) {
            Op::Transpose => self.with(args[0]),
            Op::Fill => self.with(args[0]).fill(Some(shape.transposed())),
            Op::Identity | Op::FromDiagonal | Op::SymmetricFromLower => self,
            Op::Build if shape.is_vector() => {
                let entries: Vec<Self> = args.iter().map(|a| self.with(*a)).collect();
                self.graph.built(&entries, Some(shape.transposed()))
            }
            // A part of the rows is one of the columns.
            Op::Scatter(part) if part.transposed().is_some() => {
                let at: Vec<Self> = args[1..].iter().map(|i| self.with(*i)).collect();
                let part = part.transposed().unwrap_or(part);
                self.with(args[0])
                    .t()
                    .scatter(&part, Some(shape.transposed()), &at)
            }
            Op::Scatter(Part::Entry) if shape.is_vector() => self.with(args[0]).scatter(
                &Part::Entry,
                Some(shape.transposed()),
                &[self.with(args[1])],
            ),
            Op::TrMul | Op::ProductTn => self.with(args[1]).t().times(self.with(args[0])),
            Op::ProductNt => self.with(args[1]).times(self.with(args[0]).t()),
            // (xᵀ A)ᵀ = Aᵀ x, unless the product is there already.
            Op::MatMul
                if !self.graph.keeps_value.get() && self.with(args[0]).untransposed().is_some() =>
            {
                self.with(args[1]).t().times(self.with(args[0]).t())
            }
            _ if shape.is_single() => self,
            _ => self.op1(Op::Transpose),
        }
    }

    /// A value under a transposition.
    fn untransposed(self) -> Option<Self> {
        match self.graph.op(self.id) {
            Op::Transpose => Some(self.with(self.graph.args(self.id)[0])),
            _ => None,
        }
    }

    /// The factors of a product of matrices.
    fn factors(self) -> Option<(Self, Self)> {
        let args = self.graph.args(self.id);
        let arg = |i: usize| self.with(args[i]);
        match self.graph.op(self.id) {
            Op::MatMul => Some((arg(0), arg(1))),
            Op::TrMul | Op::ProductTn => Some((arg(0).t(), arg(1))),
            Op::ProductNt => Some((arg(0), arg(1).t())),
            Op::ScaleRows => Some((arg(0).as_diagonal(), arg(1))),
            Op::ScaleColumns => Some((arg(0), arg(1).as_diagonal())),
            _ => None,
        }
    }

    /// The diagonal matrix of these entries.
    fn as_diagonal(self) -> Self {
        let square = self.shape().map(|s| {
            let n = if s.is_column() { s.rows } else { s.cols };
            Shape::new(n.clone(), n)
        });
        let column = square.clone().map(|s| s.rows);
        column.map_or(self, |n| self.column(n)).to_diagonal(square)
    }

    /// The product of two matrices, in the cheap order and without building a transpose.
    pub fn times(self, other: Self) -> Self {
        let (Some(left), Some(right)) = (self.shape(), other.shape()) else {
            return self * other;
        };
        let ((s, a), (t, b)) = (self.split_scalar(), other.split_scalar());
        if s.is_some() || t.is_some() {
            return a.times(b).scaled_by([s, t]);
        }
        let shape = Shape::new(left.rows.clone(), right.cols.clone());
        if a.is_zero() || b.is_zero() {
            return a.real(0.0).fill(Some(shape));
        }
        if a.is_identity() {
            return b;
        }
        if b.is_identity() {
            return a;
        }
        if left.is_single() {
            return a.single() * b;
        }
        if right.is_single() {
            return b.single() * a;
        }
        if let Some(product) = a.times_unit(b) {
            return product;
        }
        if let Op::FromDiagonal = self.graph.op(a.id) {
            return b.scale_rows(self.with(self.graph.args(a.id)[0]));
        }
        if let Op::FromDiagonal = self.graph.op(b.id) {
            return a.scale_columns(self.with(self.graph.args(b.id)[0]));
        }
        // 1 rᵀ and c 1ᵀ repeat a row and a column.
        match (self.graph.op(a.id), self.graph.op(b.id)) {
            (Op::Fill, _) if left.is_column() && right.rows == Dim::Static(1) => {
                return (self.with(self.graph.args(a.id)[0]) * b).spread_rows(Some(shape));
            }
            (_, Op::Fill) if left.is_column() && right.rows == Dim::Static(1) => {
                return (self.with(self.graph.args(b.id)[0]) * a).spread_columns(Some(shape));
            }
            _ => {}
        }
        let args = self.graph.args(b.id);
        match (self.graph.op(b.id), self.graph.op(a.id)) {
            // A 1 = the sums over the columns
            (Op::Fill, _) if right.is_column() => return a.column_sums() * self.with(args[0]),
            (_, Op::Fill) if left.rows == Dim::Static(1) => {
                return b.t().column_sums().t() * self.with(self.graph.args(a.id)[0]);
            }
            _ => {}
        }
        // A (B v) is cheaper than (A B) v, whatever the sizes; and x (yᵀ v) is a scaling of x.
        if right.is_column() {
            if let Some((first, second)) = a.factors() {
                return first.times(second.times(b));
            }
        } else if left.rows == Dim::Static(1)
            && let Some((first, second)) = b.factors()
        {
            return a.times(first).times(second);
        }
        match (a.untransposed(), b.untransposed()) {
            (Some(a), Some(b)) => b.times(a).t(),
            // A row times a column is a number, in a matrix of one entry.
            (Some(a), None) if shape.is_single() => a.dot(b).fill(Some(shape)),
            (None, Some(b)) if shape.is_single() => a.dot(b).fill(Some(shape)),
            (Some(a), None) => {
                let one_pass = right.is_column() || !(left.is_dynamic() || right.is_dynamic());
                a.op2(if one_pass { Op::TrMul } else { Op::ProductTn }, b)
            }
            // A row as a column is small: A rᵀ is a product with a vector.
            (None, Some(_)) if right.is_column() && left.rows != Dim::Static(1) => {
                a.op2(Op::MatMul, b)
            }
            (None, Some(b)) if !left.is_column() && left.rows != Dim::Static(1) => {
                a.op2(Op::ProductNt, b)
            }
            // Aᵀ for a row a: (A aᵀ)ᵀ
            _ if left.rows == Dim::Static(1) && b.untransposed().is_some() => b
                .untransposed()
                .unwrap_or(b)
                .times(a.t())
                .op1(Op::Transpose),
            _ => a.op2(Op::MatMul, b),
        }
    }

    /// The product with a unit row or column, which takes or places one.
    fn times_unit(self, other: Self) -> Option<Self> {
        let (left, right) = (self.shape()?, other.shape()?);
        let shape = Shape::new(left.rows.clone(), right.cols.clone());
        let unit = |m: Self| match m.graph.op(m.id) {
            Op::Scatter(Part::Entry) => {
                let args = m.graph.args(m.id);
                Some((m.with(args[0]), m.with(args[1])))
            }
            _ => None,
        };
        let row = left.rows == Dim::Static(1);
        if !row && right.is_column() && !left.is_column() {
            let (value, at) = unit(other)?;
            return Some(value * self.part(&Part::Column, &[at]));
        }
        if row && right.is_column() {
            let ((value, at), of) = match (unit(self), unit(other)) {
                (Some(unit), _) => (unit, other),
                (None, found) => (found?, self),
            };
            return Some((value * of.entry(at)).fill(Some(shape)));
        }
        if row {
            let (value, at) = unit(self)?;
            return Some(value * other.part(&Part::Row, &[at]));
        }
        if !left.is_column() {
            return None;
        }
        // An outer product.
        match (unit(self), unit(other)) {
            (Some((a, i)), Some((b, j))) => {
                Some((a * b).scatter(&Part::EntryAt, Some(shape), &[i, j]))
            }
            (Some((a, i)), None) => Some((a * other).scatter(&Part::Row, Some(shape), &[i])),
            (None, Some((b, j))) => Some((self * b).scatter(&Part::Column, Some(shape), &[j])),
            (None, None) => None,
        }
    }

    fn column_sums(self) -> Self {
        match self.untransposed() {
            Some(m) => m.row_sum().t(),
            None => self.column_sum(),
        }
    }

    /// The entry of a matrix of one entry.
    fn single(self) -> Self {
        self.entry(self.graph.integer(0))
    }

    pub fn entry(self, i: Self) -> Self {
        self.part(&Part::Entry, &[i])
    }

    pub fn part(self, part: &Part, at: &[Self]) -> Self {
        let Some(shape) = self.shape() else {
            return self;
        };
        // A part of a multiple is a multiple of the part.
        if self.id.0 >= self.graph.user_nodes.get() && !matches!(part, Part::Selected(_)) {
            let (scalar, m) = self.split_scalar();
            if scalar.is_some() && m.is_matrix() {
                return m.part(part, at).scaled_by([scalar, None]);
            }
        }
        let at: Vec<Id> = at.iter().map(|i| i.id).collect();
        let args = self.graph.args(self.id);
        match self.graph.op(self.id) {
            Op::Fill => {
                let value = self.with(args[0]);
                return match part_shape(self.graph, part, &shape, &at) {
                    Some(shape) => value.fill(Some(shape)),
                    None => value,
                };
            }
            Op::Build if *part == Part::Entry => {
                if let Some(&entry) = self.graph.integer_value(at[0]).and_then(|i| args.get(i)) {
                    return self.with(entry);
                }
            }
            Op::Identity if *part == Part::Entry => {
                if let (Some(k), Dim::Static(rows)) = (self.graph.integer_value(at[0]), &shape.rows)
                {
                    return self.real(if k % rows == k / rows { 1.0 } else { 0.0 });
                }
            }
            Op::Update(known) if known == *part && args[2..] == at[..] => {
                return self.with(args[1]);
            }
            // An entry that was gathered twice got two values.
            Op::Scatter(known)
                if known == *part && args[1..] == at[..] && !matches!(part, Part::Gathered(..)) =>
            {
                return self.with(args[0]);
            }
            Op::Scatter(Part::Entry) if *part == Part::Entry => {
                let literals = (
                    self.graph.integer_value(at[0]),
                    self.graph.integer_value(args[1]),
                );
                if let (Some(i), Some(j)) = literals
                    && i != j
                {
                    return self.real(0.0);
                }
            }
            Op::Identity if *part == Part::Row || *part == Part::Column => {
                let unit = match part {
                    Part::Row => Shape::new(Dim::Static(1), shape.cols),
                    _ => Shape::new(shape.rows, Dim::Static(1)),
                };
                return self
                    .real(1.0)
                    .scatter(&Part::Entry, Some(unit), &[self.with(at[0])]);
            }
            Op::StackRows if *part == Part::Row => {
                if let Some(&row) = self.graph.integer_value(at[0]).and_then(|i| args.get(i)) {
                    return self.with(row);
                }
            }
            _ => {}
        }
        if (shape.is_single() || self.id.0 >= self.graph.user_nodes.get()) && *part == Part::Entry {
            let (scalar, m) = self.read_scalar();
            if let Some(scalar) = scalar {
                return scalar
                    * m.part(part, &at.iter().map(|i| self.with(*i)).collect::<Vec<_>>());
            }
        }
        let kind = match part_shape(self.graph, part, &shape, &at) {
            Some(shape) => Kind::matrix(shape),
            None => Kind::SCALAR,
        };
        let args = std::iter::once(self.id).chain(at).collect();
        self.with(self.graph.insert(Op::Part(part.clone()), args, kind))
    }

    /// Zero but for this value at a part.
    pub fn scatter(self, part: &Part, shape: Option<Shape>, at: &[Self]) -> Self {
        let Some(shape) = shape else { return self };
        if self.is_zero() {
            return self.real(0.0).fill(Some(shape));
        }
        if shape.is_single() && part.is_entry() {
            return self.fill(Some(shape));
        }
        let args = std::iter::once(self.id)
            .chain(at.iter().map(|i| i.id))
            .collect();
        self.with(
            self.graph
                .insert(Op::Scatter(part.clone()), args, Kind::matrix(shape)),
        )
    }

    /// This matrix with another part.
    pub fn update(self, part: &Part, value: Self, at: &[Self]) -> Self {
        if self.is_zero() {
            return value.scatter(part, self.shape(), at);
        }
        let at: Vec<Id> = at.iter().map(|i| i.id).collect();
        let args = self.graph.args(self.id);
        let again = matches!(self.graph.op(self.id), Op::Update(known) if known == *part && args[2..] == at[..]);
        let of = if again { args[0] } else { self.id };
        // The part that is there already.
        let given = self.graph.args(value.id);
        if self.graph.op(value.id) == Op::Part(part.clone())
            && given[0] == of
            && given[1..] == at[..]
        {
            return self.with(of);
        }
        let args = [of, value.id].into_iter().chain(at).collect();
        let kind = self.graph.kind(self.id);
        self.with(self.graph.insert(Op::Update(part.clone()), args, kind))
    }

    pub fn cross(self, other: Self) -> Self {
        self.op2(Op::Cross, other)
    }

    /// The matrix of `x ↦ self × x`.
    pub fn cross_matrix(self) -> Self {
        let (scalar, m) = self.split_scalar();
        if scalar.is_some() {
            return m.cross_matrix().scaled_by([scalar, None]);
        }
        match self.shape() {
            Some(shape) if !shape.is_column() => self.column(shape.cols).cross_matrix(),
            Some(shape) if shape.rows != Dim::Static(3) => {
                let (zero, entry) = (self.real(0.0), |i: usize| self.entry(self.graph.integer(i)));
                let (x, y, z) = (entry(0), entry(1), entry(2));
                let entries = [zero, z, -y, -z, zero, x, y, -x, zero];
                let square = Shape::new(shape.rows.clone(), shape.rows);
                self.graph.built(&entries, Some(square))
            }
            _ => self.op1(Op::CrossMatrix),
        }
    }

    pub fn cofactors(self) -> Self {
        self.op1(Op::Cofactors)
    }

    /// The derivative of the cofactors along several directions, each after the one before.
    pub fn cofactors_along(self, directions: &[Self]) -> Self {
        let (scalars, mut directions): (Vec<_>, Vec<_>) =
            directions.iter().map(|d| d.split_scalar()).unzip();
        directions.sort_by_key(|d| d.id);
        let order = directions.len();
        let size = match self.shape().map(|s| s.rows) {
            Some(Dim::Static(n)) => Some(n),
            _ => None,
        };
        let value = match size {
            _ if directions.iter().any(|d| d.is_zero()) => self.zero(),
            // Cofactors are polynomials of degree n − 1.
            Some(n) if order >= n => self.zero(),
            Some(n) if order + 1 == n => match directions.split_first() {
                Some((first, [])) => first.cofactors(),
                Some((first, rest)) => first.cofactors_at(rest),
                None => self.cofactors(),
            },
            _ => self.cofactors_at(&directions),
        };
        scalars
            .into_iter()
            .flatten()
            .fold(value, |value, scalar| scalar * value)
    }

    fn cofactors_at(self, directions: &[Self]) -> Self {
        let args: Vec<Id> = std::iter::once(self.id)
            .chain(directions.iter().map(|d| d.id))
            .collect();
        self.with(self.graph.apply(Op::CofactorsTangent, &args))
    }

    /// The matrix that a factorisation is of.
    pub fn factored(self) -> Self {
        match self.graph.op(self.id) {
            Op::Lu | Op::Cholesky(_) => self.with(self.graph.args(self.id)[0]),
            _ => self,
        }
    }

    /// The same entries in column-major order, as a matrix of this shape; dynamic extents are taken for those of
    /// as many entries.
    pub fn reshape(self, shape: Option<Shape>) -> Self {
        let (Some(own), Some(shape)) = (self.shape(), shape) else {
            return self;
        };
        if own.same_type(&shape) && (own.is_vector() || own == shape) {
            return self;
        }
        let (scalar, m) = self.split_scalar();
        if scalar.is_some() {
            return m.reshape(Some(shape)).scaled_by([scalar, None]);
        }
        let args = self.graph.args(self.id);
        match self.graph.op(self.id) {
            Op::Fill => return self.with(args[0]).fill(Some(shape)),
            Op::Reshape => return self.with(args[0]).reshape(Some(shape)),
            Op::Transpose if own.is_vector() => return self.with(args[0]).reshape(Some(shape)),
            _ => {}
        }
        if own.is_vector() && own.transposed().same_type(&shape) {
            return self.t();
        }
        let args = vec![self.id];
        self.with(self.graph.insert(Op::Reshape, args, Kind::matrix(shape)))
    }

    /// The entries in one column.
    pub fn column(self, entries: Dim) -> Self {
        self.reshape(Some(Shape::new(entries, Dim::Static(1))))
    }

    /// The entries in one row.
    pub fn row(self, entries: Dim) -> Self {
        self.reshape(Some(Shape::new(Dim::Static(1), entries)))
    }

    /// diag(d) M: every row times the entry of d at its place.
    pub fn scale_rows(self, d: Self) -> Self {
        let Some(shape) = self.shape() else {
            return self;
        };
        let (scalar, m) = self.split_scalar();
        if scalar.is_some() {
            return m.scale_rows(d).scaled_by([scalar, None]);
        }
        if shape.is_column() {
            return self * d.column(shape.rows);
        }
        match (self.graph.op(self.id), self.graph.args(self.id)) {
            (Op::Fill, args) => {
                let (entries, value) = (d.column(shape.rows.clone()), self.with(args[0]));
                (entries * value).spread_columns(Some(shape))
            }
            (Op::Identity, _) => d.column(shape.rows.clone()).to_diagonal(Some(shape)),
            (Op::Transpose, args) => self.with(args[0]).scale_columns(d).t(),
            _ if shape.rows == Dim::Static(1) => d.single() * self,
            _ => d.column(shape.rows).op2(Op::ScaleRows, self),
        }
    }

    /// M diag(d): every column times the entry of d at its place.
    pub fn scale_columns(self, d: Self) -> Self {
        let Some(shape) = self.shape() else {
            return self;
        };
        let (scalar, m) = self.split_scalar();
        if scalar.is_some() {
            return m.scale_columns(d).scaled_by([scalar, None]);
        }
        if shape.rows == Dim::Static(1) {
            return (self.t() * d.column(shape.cols)).t();
        }
        match (self.graph.op(self.id), self.graph.args(self.id)) {
            (Op::Fill, args) => {
                let (entries, value) = (d.row(shape.cols.clone()), self.with(args[0]));
                (entries * value).spread_rows(Some(shape))
            }
            (Op::Identity, _) => d.column(shape.rows.clone()).to_diagonal(Some(shape)),
            (Op::Transpose, args) => self.with(args[0]).scale_rows(d).t(),
            _ if shape.is_column() => d.single() * self,
            _ => self.op2(Op::ScaleColumns, d),
        }
    }

    /// The image of every column under a linear map, given by a symbol and its image.
    pub fn each(self, symbol: Id, image: Id, shape: Option<Shape>) -> Self {
        let Some(shape) = shape else { return self };
        let (args, kind) = (vec![self.id, symbol, image], Kind::matrix(shape));
        self.with(self.graph.insert(Op::Each, args, kind))
    }

    /// A scalar factor in front of a matrix, if it has one, and the matrix.
    pub fn scalar_and_rest(self) -> (Option<Self>, Self) {
        self.read_scalar()
    }

    fn linear_solve(self, op: Op, rhs: Self) -> Self {
        let (scalar, m) = rhs.split_scalar();
        let shape = m.shape();
        let solved = match shape {
            Some(shape) => self.with(self.graph.insert(
                op,
                vec![self.id, m.id],
                Kind::matrix(shape),
            )),
            None => m,
        };
        solved.scaled_by([scalar, None])
    }

    pub fn lu_solve(self, rhs: Self) -> Self {
        self.linear_solve(Op::LuSolve(Panic::Unwrap), rhs)
    }

    pub fn lu_tr_solve(self, rhs: Self) -> Self {
        self.linear_solve(Op::LuTrSolve, rhs)
    }

    pub fn cholesky_solve(self, rhs: Self) -> Self {
        self.linear_solve(Op::CholeskySolve, rhs)
    }

    pub fn cholesky_inverse(self) -> Self {
        self.op1(Op::CholeskyInverse)
    }

    pub fn cholesky_tangent(self, da: Self) -> Self {
        self.op2(Op::CholeskyTangent, da)
    }

    pub fn cholesky_adjoint(self, g: Self) -> Self {
        self.op2(Op::CholeskyAdjoint, g)
    }

    pub fn symmetric_from_lower(self) -> Self {
        self.op1(Op::SymmetricFromLower)
    }

    pub fn fold_lower(self) -> Self {
        self.op1(Op::FoldLower)
    }

    pub fn lower_triangle(self) -> Self {
        match self.graph.op(self.id) {
            Op::LowerTriangle
            | Op::FoldLower
            | Op::CholeskyFactor
            | Op::CholeskyTangent
            | Op::CholeskyAdjoint => self,
            _ => self.op1(Op::LowerTriangle),
        }
    }

    pub fn upper_triangle(self) -> Self {
        match self.graph.op(self.id) {
            Op::UpperTriangle => self,
            _ => self.op1(Op::UpperTriangle),
        }
    }

    /// T⁻¹ B or T⁻ᵀ B for the triangle of this matrix.
    pub fn solve_triangular(self, rhs: Self, upper: bool, transposed: bool) -> Self {
        let op = Op::SolveTriangular {
            upper,
            transposed,
            failure: None,
        };
        self.linear_solve(op, rhs)
    }

    pub fn trace(self) -> Self {
        self.op1(Op::Trace)
    }

    /// Stumpff's function of this order.
    pub fn stumpff(self, order: u32) -> Self {
        self.op1(Op::Stumpff(order))
    }

    /// The derivative by s, of this order, of atan2(√s, w)/√s.
    pub fn arc_ratio(self, w: Self, order: u32) -> Self {
        self.op2(Op::ArcRatio(order), w)
    }

    /// The entries in one column, of static sizes.
    pub fn as_column(self) -> Self {
        match self.shape().and_then(|shape| shape.entries()) {
            Some(count) => self.column(Dim::Static(count)),
            None => self,
        }
    }

    /// The entries of a Kronecker product of matrices of these shapes, in a matrix with a row for each entry of the
    /// first and a column for each of the second.
    pub fn rearranged(self, a: Option<Shape>, b: Option<Shape>) -> Self {
        use crate::position::{Arithmetic, Position};
        let (Some(a), Some(b)) = (a, b) else {
            return self;
        };
        let (Some(m), Some(p)) = (a.entries(), b.entries()) else {
            return self;
        };
        let given = [&a.rows, &b.rows, &b.cols].map(|dim| match dim {
            Dim::Static(n) => self.graph.integer(*n),
            _ => self.graph.integer(1),
        });
        // Entry (i, j) of the first and (k, l) of the second, of which each is at one place in its column.
        let of =
            |operator, x: Position<usize>, n: usize| Position::of(operator, x, Position::Given(n));
        let within = |operator, block| {
            let start = of(Arithmetic::Mul, of(operator, Position::Row, 0), block);
            Position::of(Arithmetic::Add, start, of(operator, Position::Column, 1))
        };
        let rows = within(Arithmetic::Rem, 1);
        let cols = within(Arithmetic::Div, 2);
        let shape = Shape::fixed(m, p);
        self.part(&Part::Gathered(shape, vec![rows, cols]), &given)
    }

    pub fn quaternion_times(self, other: Self) -> Self {
        self.op2(Op::QuaternionProduct, other)
    }

    pub fn quaternion_conjugate(self) -> Self {
        match self.graph.op(self.id) {
            Op::QuaternionConjugate => self.with(self.graph.args(self.id)[0]),
            _ => self.op1(Op::QuaternionConjugate),
        }
    }

    pub fn quaternion_rotate(self, vector: Self) -> Self {
        self.op2(Op::QuaternionRotate, vector)
    }

    /// The parts of a quaternion.
    pub fn imaginary_and_real(self) -> (Self, Self) {
        let three = Part::FixedRows(Dim::Static(3));
        let imaginary = self.part(&three, &[self.graph.integer(0)]);
        (imaginary, self.entry(self.graph.integer(3)))
    }

    /// The quaternion of an imaginary and a real part.
    pub fn quaternion_with(self, real: Self, shape: Option<Shape>) -> Self {
        let three = Part::FixedRows(Dim::Static(3));
        let (start, last) = (self.graph.integer(0), self.graph.integer(3));
        self.scatter(&three, shape.clone(), &[start]) + real.scatter(&Part::Entry, shape, &[last])
    }

    /// The axis of M − Mᵀ: the adjoint of `cross_matrix`.
    pub fn axial(self) -> Self {
        match self.graph.op(self.id) {
            Op::CrossMatrix => 2.0 * self.with(self.graph.args(self.id)[0]),
            _ => self.op1(Op::Axial),
        }
    }
}

impl<'g> ops::Add for Expr<'g> {
    type Output = Expr<'g>;
    fn add(self, other: Self) -> Self {
        self.with(self.graph.sum_of(&[self.id, other.id]))
    }
}

impl<'g> ops::Sub for Expr<'g> {
    type Output = Expr<'g>;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl<'g> ops::Mul for Expr<'g> {
    type Output = Expr<'g>;
    fn mul(self, other: Self) -> Self {
        self.with(self.graph.mul(self.id, other.id))
    }
}

impl<'g> ops::Div for Expr<'g> {
    type Output = Expr<'g>;
    fn div(self, other: Self) -> Self {
        let inverse = match self.graph.const_of(other.id) {
            Some(1.0) => return self,
            _ => self.with(self.graph.elementwise(
                Op::Scalar(Scalar::Div),
                &[self.graph.constant(1.0), other.id],
            )),
        };
        if self.graph.const_of(self.id) == Some(1.0) {
            return other.powi(-1);
        }
        self * inverse
    }
}

impl<'g> ops::Neg for Expr<'g> {
    type Output = Expr<'g>;
    fn neg(self) -> Self {
        let (c, rest) = self.graph.split_coefficient(self.id);
        self.with(self.graph.scaled_into(-c, rest))
    }
}

macro_rules! with_numbers {
    ($($trait:ident $method:ident),*) => {$(
        impl<'g> ops::$trait<f64> for Expr<'g> {
            type Output = Expr<'g>;
            fn $method(self, other: f64) -> Self {
                self.$method(self.real(other))
            }
        }

        impl<'g> ops::$trait<Expr<'g>> for f64 {
            type Output = Expr<'g>;
            fn $method(self, other: Expr<'g>) -> Expr<'g> {
                other.real(self).$method(other)
            }
        }
    )*};
}

with_numbers!(Add add, Sub sub, Mul mul, Div div);

impl Extreme {
    pub fn surface(self) -> &'static str {
        match self {
            Extreme::Max => "max",
            Extreme::Min => "min",
            Extreme::AbsMax => "amax",
            Extreme::AbsMin => "amin",
        }
    }
}
